//! Everything that expires: one second before, at its time, and one second after; and what becomes of writes when time
//! goes back. The clock is moved; nothing sleeps. What expires at the CDN's edge is tested beside the rest of it.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use emulator::{Emulator, defaults};
use serde_json::{Value, json};
use signing::{Digest, Form, Key, Method, Signer, TempUrl};
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

const KEY: &str = "a key";

/// An object, and a key of its account.
fn with_a_key() -> Cloud {
    let cloud = with_an_object(&[]);
    let key = [("X-Account-Meta-Temp-URL-Key", KEY)];
    cloud.send("POST", "", &key, b"").is(204);
    cloud
}

#[test]
fn a_temporary_url_is_good_at_its_last_second_and_not_a_moment_longer() {
    let cloud = with_a_key();
    let expires = cloud.unix() + 60;
    let url = |method, path| {
        let url = TempUrl::new(method, path, expires);
        let signed = Signer::new(&Key::new(KEY), Digest::Sha256).url(&url);
        format!("{}{signed}", cloud.emulator.url())
    };
    let (get, put) = (
        url(Method::Get, "/v1/AUTH_test/c/o"),
        url(Method::Put, "/v1/AUTH_test/c/new"),
    );
    for seconds in [59, 60] {
        cloud.at(seconds);
        http("GET", &get, &[], b"").is(200);
        http("HEAD", &get, &[], b"").is(200);
        http("PUT", &put, &[], b"x").is(201);
    }
    let clock = cloud.emulator.clock();
    clock.advance(Duration::from_nanos(1));
    http("GET", &get, &[], b"").is(401);
    cloud.at(61);
    http("GET", &get, &[], b"").is(401);
    http("HEAD", &get, &[], b"").is(401);
    http("PUT", &put, &[], b"x").is(401);
}

#[test]
fn an_upload_form_is_good_at_its_last_second_and_not_a_moment_longer() {
    let cloud = with_a_key();
    let expires = cloud.unix() + 60;
    let form = Form {
        path: "/v1/AUTH_test/c/",
        redirect: "",
        max_file_size: 100,
        max_file_count: 1,
        expires,
    };
    let signature = Signer::new(&Key::new(KEY), Digest::Sha256).sign_form(&form);
    let mut body = String::new();
    for (name, value) in [
        ("max_file_size", "100"),
        ("max_file_count", "1"),
        ("expires", &expires.to_string()),
        ("signature", &signature.to_hex()),
    ] {
        body += &[
            "--limit\r\nContent-Disposition: form-data; name=\"",
            name,
            "\"\r\n\r\n",
            value,
            "\r\n",
        ]
        .concat();
    }
    body += "--limit\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nx\r\n--limit--\r\n";
    let send = || {
        let url = format!("{}/v1/AUTH_test/c/", cloud.emulator.url());
        let kind = [("Content-Type", "multipart/form-data; boundary=limit")];
        http("POST", &url, &kind, body.as_bytes())
    };
    for seconds in [59, 60] {
        cloud.at(seconds);
        send().is(201);
    }
    cloud.emulator.clock().advance(Duration::from_millis(1));
    send().is(401);
    cloud.at(61);
    send().is(401);
}

/// Signs in at all doors; each token's name and the token.
fn tokens(cloud: &Cloud) -> Vec<(&'static str, String)> {
    let url = |path: &str| format!("{}{path}", cloud.emulator.url());
    let post = |path: &str, body: Value| {
        let headers = [("Content-Type", "application/json")];
        http("POST", &url(path), &headers, body.to_string().as_bytes())
    };
    let credentials = |user, key| [("X-Auth-User", user), ("X-Auth-Key", key)];
    let tester = credentials("test:tester", "testing");
    let tempauth = http("GET", &url("/auth/v1.0"), &tester, b"").is(200);
    let demo = credentials(defaults::RACKSPACE_USER, defaults::RACKSPACE_API_KEY);
    let v1 = http("GET", &url("/v1.0"), &demo, b"").is(204);
    let v1_1 = post(
        "/v1.1/auth",
        json!({"credentials": {
            "username": defaults::RACKSPACE_USER, "key": defaults::RACKSPACE_API_KEY
        }}),
    );
    let v1_1 = v1_1.is(200).json()["auth"]["token"]["id"]
        .as_str()
        .expect("a token")
        .to_owned();
    let v2 = post(
        "/v2.0/tokens",
        json!({"auth": {"RAX-KSKEY:apiKeyCredentials": {
            "username": defaults::RACKSPACE_USER, "apiKey": defaults::RACKSPACE_API_KEY
        }}}),
    );
    let v2 = v2.is(200).json()["access"]["token"]["id"]
        .as_str()
        .expect("a token")
        .to_owned();
    let v3 = post(
        "/v3/auth/tokens",
        json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "test:tester", "domain": {"id": "default"}, "password": "testing"
            }}},
            "scope": {"project": {"name": "test", "domain": {"id": "default"}}}
        }}),
    );
    vec![
        ("TempAuth", tempauth.header("x-auth-token").to_owned()),
        ("v1.0", v1.header("x-auth-token").to_owned()),
        ("v1.1", v1_1),
        ("v2.0", v2),
        ("v3", v3.is(201).header("x-subject-token").to_owned()),
    ]
}

#[test]
fn tokens_of_every_door_are_good_for_their_last_second() {
    let cloud = Cloud::start();
    let tokens = tokens(&cloud);
    let life = defaults::TOKEN_LIFE_SECONDS;
    for (seconds, good) in [(life - 1, true), (life, true), (life + 1, false)] {
        cloud.at(seconds);
        for (door, token) in &tokens {
            let account = if matches!(*door, "v1.0" | "v1.1" | "v2.0") {
                defaults::RACKSPACE_ACCOUNT
            } else {
                "AUTH_test"
            };
            let url = format!("{}/v1/{account}", cloud.emulator.url());
            let status = http("GET", &url, &[("X-Auth-Token", token)], b"").status;
            // An account that nothing was written to has an empty listing.
            assert_eq!(status != 401, good, "{door} after {seconds} s: {status}");
        }
    }
}

#[test]
fn an_application_credential_opens_until_its_end_and_so_do_its_tokens() {
    let cloud = Cloud::start();
    let url = |path: &str| format!("{}/v3{path}", cloud.emulator.url());
    let sign_in = |auth: Value| {
        let headers = [("Content-Type", "application/json")];
        let body = json!({"auth": auth}).to_string();
        http("POST", &url("/auth/tokens"), &headers, body.as_bytes())
    };
    let owner = sign_in(json!({
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "test:tester", "domain": {"id": "default"}, "password": "testing"
        }}},
        "scope": {"project": {"name": "test", "domain": {"id": "default"}}}
    }))
    .is(201);
    let user = owner.json()["token"]["user"]["id"].clone();
    let user = user.as_str().expect("a user").to_owned();
    let end = jiff::Timestamp::from_second(i64::try_from(cloud.unix()).expect("in range") + 60);
    let wanted = json!({"application_credential": {
        "name": "short", "secret": "hush", "expires_at": end.expect("in range").to_string()
    }});
    let made = http(
        "POST",
        &url(&format!("/users/{user}/application_credentials")),
        &[
            ("X-Auth-Token", owner.header("x-subject-token")),
            ("Content-Type", "application/json"),
        ],
        wanted.to_string().as_bytes(),
    )
    .is(201);
    let id = made.json()["application_credential"]["id"].clone();
    let with_it = || {
        sign_in(json!({"identity": {
            "methods": ["application_credential"], "application_credential": {"id": id, "secret": "hush"}
        }}))
    };
    let token = with_it().is(201).header("x-subject-token").to_owned();
    let account = format!("{}/v1/AUTH_test", cloud.emulator.url());
    let ask = || http("GET", &account, &[("X-Auth-Token", &token)], b"").status;
    for (seconds, good) in [(59, true), (60, true), (61, false)] {
        cloud.at(seconds);
        assert_eq!(ask() != 401, good, "its token after {seconds} s");
        assert_eq!(with_it().status == 201, good, "itself after {seconds} s");
    }
}

#[test]
fn what_tokens_say_of_their_life_is_when_it_ends() {
    let cloud = Cloud::start();
    let credentials = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
    cloud.at(100);
    let again = http("GET", &cloud.emulator.auth_url(), &credentials, b"").is(200);
    assert_eq!(again.header("x-auth-token"), cloud.token);
    let left = (defaults::TOKEN_LIFE_SECONDS - 100).to_string();
    assert_eq!(again.header("x-auth-token-expires"), left);
}

#[test]
fn a_write_that_is_older_than_what_is_there_loses() {
    let cloud = with_an_object(&[]);
    cloud.at(60);
    let meta = |value: &'static str| [("X-Object-Meta-A", value)];
    cloud.send("PUT", "/c/o", &meta("new"), b"new").is(201);
    cloud.at(30);
    // An object server answers 409, of which the proxy makes 202.
    cloud.send("PUT", "/c/o", &meta("old"), b"old").is(202);
    cloud.send("POST", "/c/o", &meta("old"), b"").is(409);
    cloud.send("DELETE", "/c/o", &[], b"").is(409);
    let kept = cloud.get("/c/o").is(200);
    assert_eq!(
        (kept.text(), kept.header("x-object-meta-a")),
        ("new", "new")
    );
    // What is older than now is not touched by this.
    cloud.send("PUT", "/c/stays", &[], b"54321").is(201);
    cloud.at(61);
    cloud.send("POST", "/c/o", &meta("newer"), b"").is(202);
    cloud.send("DELETE", "/c/o", &[], b"").is(204);
}

#[test]
fn a_container_that_is_newer_than_now_is_not_removed() {
    let cloud = Cloud::start();
    cloud.at(60);
    cloud.send("PUT", "/c", &[], b"").is(201);
    cloud.at(30);
    cloud.send("DELETE", "/c", &[], b"").is(409);
    cloud.at(61);
    cloud.send("DELETE", "/c", &[], b"").is(204);
}

#[test]
fn timestamps_of_writes_rise_while_the_clock_stands() {
    let cloud = with_an_object(&[]);
    let mut last = String::new();
    for _ in 0..3 {
        cloud.send("PUT", "/c/o", &[], b"x").is(201);
        let head = cloud.send("HEAD", "/c/o", &[], b"").is(200);
        let timestamp = head.header("x-timestamp").to_owned();
        assert!(timestamp > last, "{timestamp} after {last}");
        last = timestamp;
    }
}
