//! Everything that expires: one second before, at its time, and one second after. The clock is moved; nothing sleeps.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use emulator::Emulator;
use support::{Answer, http};

/// An emulator whose clock stands at a full second, and the user `test:tester` signed in.
struct Cloud {
    emulator: Emulator,
    token: String,
    /// When it began.
    start: SystemTime,
}

impl Cloud {
    fn start() -> Self {
        let emulator = Emulator::builder()
            .start_blocking()
            .expect("an emulator starts");
        let start = UNIX_EPOCH + Duration::from_hours(491_628);
        emulator.clock().freeze();
        emulator.clock().set(start);
        let signed_in = http(
            "GET",
            &emulator.auth_url(),
            &[("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")],
            b"",
        )
        .is(200);
        Self {
            token: signed_in.header("x-auth-token").to_owned(),
            emulator,
            start,
        }
    }

    fn unix(&self) -> u64 {
        self.start
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs()
    }

    /// Sets the clock to so many seconds after the start.
    fn at(&self, seconds: u64) {
        let clock = self.emulator.clock();
        clock.set(self.start + Duration::from_secs(seconds));
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let url = format!("{}/v1/AUTH_test{path}", self.emulator.url());
        let mut all = vec![("X-Auth-Token", self.token.as_str())];
        all.extend(headers);
        http(method, &url, &all, body)
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// Objects and bytes that HEADs of container and account tell.
    fn totals(&self) -> [(String, String); 2] {
        [("/c", "container"), ("", "account")].map(|(path, kind)| {
            let head = self.send("HEAD", path, &[], b"").is(204);
            let header = |name: &str| head.header(&format!("x-{kind}-{name}")).to_owned();
            (header("object-count"), header("bytes-used"))
        })
    }

    /// Insists on what is to be seen of the object `/c/o` and of the rest.
    #[track_caller]
    fn sees(&self, status: u16, listing: &str, count: &str, bytes: &str) {
        self.get("/c/o").is(status);
        self.send("HEAD", "/c/o", &[], b"").is(status);
        assert_eq!(self.get("/c").text(), listing);
        let both = (count.to_owned(), bytes.to_owned());
        assert_eq!(self.totals(), [both.clone(), both]);
    }
}

/// What stands beside the expiring object stays, and is counted, throughout.
fn with_an_object(headers: &[(&str, &str)]) -> Cloud {
    let cloud = Cloud::start();
    cloud.send("PUT", "/c", &[], b"").is(201);
    cloud.send("PUT", "/c/stays", &[], b"12345").is(201);
    cloud.send("PUT", "/c/o", headers, b"123").is(201);
    cloud
}

#[test]
fn an_object_with_a_time_to_go_is_there_until_the_second_before_it() {
    let cloud = Cloud::start();
    let at = (cloud.unix() + 60).to_string();
    let cloud = with_an_object(&[("X-Delete-At", &at)]);
    cloud.at(59);
    cloud.sees(200, "o\nstays\n", "2", "8");
    cloud.at(60);
    cloud.sees(404, "stays\n", "1", "5");
    cloud.at(61);
    cloud.sees(404, "stays\n", "1", "5");
}

#[test]
fn an_object_with_a_lifetime_is_there_until_the_second_before_its_end() {
    let cloud = with_an_object(&[("X-Delete-After", "60")]);
    cloud.at(59);
    cloud.sees(200, "o\nstays\n", "2", "8");
    cloud.at(60);
    cloud.sees(404, "stays\n", "1", "5");
    cloud.at(61);
    cloud.sees(404, "stays\n", "1", "5");
}

#[test]
fn what_expired_is_there_again_when_the_clock_is_set_back() {
    let cloud = with_an_object(&[("X-Delete-After", "60")]);
    cloud.at(61);
    cloud.sees(404, "stays\n", "1", "5");
    cloud.at(59);
    cloud.sees(200, "o\nstays\n", "2", "8");
}

#[test]
fn a_lifetime_that_is_given_moved_or_taken_away_later_counts() {
    let cloud = with_an_object(&[]);
    cloud
        .send("POST", "/c/o", &[("X-Delete-After", "60")], b"")
        .is(202);
    cloud.at(59);
    cloud.sees(200, "o\nstays\n", "2", "8");
    cloud
        .send("POST", "/c/o", &[("X-Delete-After", "60")], b"")
        .is(202);
    cloud.at(118);
    cloud.sees(200, "o\nstays\n", "2", "8");
    cloud
        .send("POST", "/c/o", &[("X-Object-Meta-A", "b")], b"")
        .is(202);
    cloud.at(120);
    cloud.sees(200, "o\nstays\n", "2", "8");
}

#[test]
fn an_expired_object_can_be_written_anew_and_its_container_removed() {
    let cloud = with_an_object(&[("X-Delete-After", "60")]);
    cloud.at(60);
    cloud.send("DELETE", "/c/o", &[], b"").is(404);
    cloud.sees(404, "stays\n", "1", "5");
    cloud
        .send("PUT", "/c/o", &[("X-Delete-After", "1")], b"1234567")
        .is(201);
    cloud.sees(200, "o\nstays\n", "2", "12");
    cloud.at(61);
    cloud.sees(404, "stays\n", "1", "5");
    cloud.send("DELETE", "/c", &[], b"").is(409);
    cloud.send("DELETE", "/c/stays", &[], b"").is(204);
    cloud.send("DELETE", "/c", &[], b"").is(204);
    let head = cloud.send("HEAD", "", &[], b"").is(204);
    assert_eq!(head.header("x-account-object-count"), "0");
    assert_eq!(head.header("x-account-bytes-used"), "0");
}

#[test]
fn an_expired_object_does_not_count_against_a_quota() {
    let cloud = with_an_object(&[("X-Delete-After", "60")]);
    let quota = [("X-Container-Meta-Quota-Count", "2")];
    cloud.send("POST", "/c", &quota, b"").is(204);
    cloud.at(59);
    cloud.send("PUT", "/c/new", &[], b"x").is(413);
    cloud.at(60);
    cloud.send("PUT", "/c/new", &[], b"x").is(201);
}
