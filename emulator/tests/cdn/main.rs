//! The CDN as its clients see it: bytes on a socket, and a clock that the test moves.

#[path = "../support/mod.rs"]
mod support;

mod edge;
mod logs;
mod management;
mod site;

use std::time::{Duration, UNIX_EPOCH};

use emulator::{Builder, Emulator};
use support::{Answer, get, http};

/// Twelve o'clock on the first of January 2026.
const NOON: Duration = Duration::from_hours(490_908);

/// An emulator whose clock stands, and the user `test:tester` signed in.
struct Cloud {
    emulator: Emulator,
    token: String,
}

type Headers<'a> = &'a [(&'a str, &'a str)];

impl Cloud {
    fn start() -> Self {
        Self::with(Emulator::builder())
    }

    fn with(builder: Builder) -> Self {
        let emulator = builder.start_blocking().expect("an emulator starts");
        emulator.clock().freeze();
        let token = sign_in(&emulator, "test:tester", "testing");
        Self { emulator, token }
    }

    fn advance(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }

    fn storage(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let url = format!("{}/v1/AUTH_test/{path}", self.emulator.url());
        http(method, &url, &[("X-Auth-Token", &self.token)], body)
    }

    /// A request to the management service.
    fn cdn(&self, method: &str, path: &str, headers: Headers) -> Answer {
        let url = format!("{}/cdn/v1/AUTH_test{path}", self.emulator.url());
        let mut all = vec![("X-Auth-Token", self.token.as_str())];
        all.extend(headers);
        http(method, &url, &all, b"")
    }

    /// A published container `c` whose copies live for 900 s, with the object `o` holding `first`; the object's URL.
    fn publish(&self) -> String {
        self.storage("PUT", "c", b"").is(201);
        self.storage("PUT", "c/o", b"first").is(201);
        let published = self.cdn("PUT", "/c", &[("X-TTL", "900")]).is(201);
        format!("{}/o", published.header("x-cdn-uri"))
    }

    fn ttl(&self, container: &str) -> String {
        let head = self.cdn("HEAD", &format!("/{container}"), &[]).is(204);
        head.header("x-ttl").to_owned()
    }
}

fn sign_in(emulator: &Emulator, user: &str, key: &str) -> String {
    let headers = [("X-Auth-User", user), ("X-Auth-Key", key)];
    let answer = http("GET", &emulator.auth_url(), &headers, b"").is(200);
    answer.header("x-auth-token").to_owned()
}
