//! `/_emulator/deadlines` and stepping from one to the next.

use std::time::{Duration, UNIX_EPOCH};

use emulator::{DeadlineKind, Emulator, Offset};
use serde_json::{Value, json};
use signing::{Digest, Key, Method, Signer, TempUrl};

use super::Control;
use super::support::{Answer, http};

const NOON: u64 = 1_769_860_800;

/// An emulator whose clock stands at noon, with everything in it that expires: a temporary URL after 60 s, an object
/// after 120 s, a copy at the edge after 900 s, a token after a day.
struct Scene {
    control: Control,
    token: String,
    temp_url: String,
}

impl Scene {
    fn new() -> Self {
        let control = Control::start();
        let clock = control.emulator.clock();
        clock.freeze();
        clock.set(UNIX_EPOCH + Duration::from_secs(NOON));
        let token = sign_in(&control.emulator);
        let scene = Self {
            control,
            token,
            temp_url: String::new(),
        };
        let key = [("X-Account-Meta-Temp-URL-Key", "secret key")];
        scene.storage("POST", "", &key).is(204);
        scene.storage("PUT", "/c", &[]).is(201);
        scene
            .storage("PUT", "/c/o", &[("X-Delete-After", "120")])
            .is(201);
        scene.cdn("PUT", "/c", &[("X-TTL", "900")]).is(201);
        let uri = scene.cdn("HEAD", "/c", &[]).header("x-cdn-uri").to_owned();
        http("GET", &format!("{uri}/o"), &[], b"").is(200);
        let signer = Signer::new(&Key::new("secret key"), Digest::Sha256);
        let path = "/v1/AUTH_test/c/o";
        let url = signer.url(&TempUrl::new(Method::Get, path, NOON + 60));
        let temp_url = format!("{}{url}", scene.control.emulator.url());
        http("GET", &temp_url, &[], b"").is(200);
        Self { temp_url, ..scene }
    }

    fn storage(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}/v1/AUTH_test{path}", self.control.emulator.url());
        self.send(method, &url, headers)
    }

    fn cdn(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}/cdn/v1/AUTH_test{path}", self.control.emulator.url());
        self.send(method, &url, headers)
    }

    fn send(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("X-Auth-Token", self.token.as_str())];
        all.extend(headers);
        http(method, url, &all, b"")
    }

    fn kinds(&self, query: &str) -> Vec<Value> {
        let list = self.control.get(&format!("deadlines{query}"));
        let deadlines = list["deadlines"].as_array().expect("a list");
        deadlines.iter().map(|one| one["kind"].clone()).collect()
    }
}

fn sign_in(emulator: &Emulator) -> String {
    let credentials = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
    let signed_in = http("GET", &emulator.auth_url(), &credentials, b"").is(200);
    signed_in.header("x-auth-token").to_owned()
}

#[test]
fn everything_that_expires_is_listed_soonest_first_without_secrets() {
    let scene = Scene::new();
    let list = scene.control.get("deadlines");
    assert_eq!(list["unix"], 1_769_860_800.0);
    let deadlines = list["deadlines"].as_array().expect("a list");
    let shown: Vec<Value> = deadlines
        .iter()
        .map(|one| json!([one["kind"], one["in_seconds"], one["inclusive"]]))
        .collect();
    assert_eq!(
        shown,
        [
            json!(["temp_url", 60.0, true]),
            json!(["object", 120.0, false]),
            json!(["cdn_copy", 900.0, false]),
            json!(["token", 86400.0, true]),
        ]
    );
    assert_eq!(
        deadlines[0],
        json!({
            "at": "2026-01-31T12:01:00Z", "at_unix": 1_769_860_860.0, "in_seconds": 60.0, "kind": "temp_url",
            "why": "a temporary URL for GET of c/o runs out", "inclusive": true,
            "account": "AUTH_test", "container": "c", "object": "o", "method": "GET"
        })
    );
    assert_eq!(deadlines[3]["user"], "test:tester");
    let text = list.to_string();
    let signature = scene
        .temp_url
        .split("temp_url_sig=")
        .nth(1)
        .expect("signed");
    let signature = signature.split('&').next().expect("signed");
    for secret in [signature, &scene.token, "secret key"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn the_list_can_be_narrowed() {
    let scene = Scene::new();
    assert_eq!(scene.kinds("?kind=token"), ["token"]);
    assert_eq!(scene.kinds("?limit=2"), ["temp_url", "object"]);
    assert_eq!(scene.kinds("?account=AUTH_test").len(), 4);
    assert!(scene.kinds("?account=AUTH_test2").is_empty());
    for (query, field) in [
        ("?kind=url", "kind"),
        ("?limit=-1", "limit"),
        ("?limit=10001", "limit"),
        ("?soon=1", "soon"),
    ] {
        scene
            .control
            .refuses("GET", &format!("deadlines{query}"), "", 400, field);
    }
}

#[test]
fn stepping_visits_one_deadline_after_the_other() {
    let scene = Scene::new();
    let step = |body: &str| scene.control.post("clock/advance-to-next-deadline", body);
    let before = step(r#"{"offset":-1}"#).is(200).json();
    assert_eq!(before["deadline"]["kind"], "temp_url");
    assert_eq!(before["deadline"]["in_seconds"], 1.0);
    assert_eq!(before["clock"]["now"], "2026-01-31T12:00:59Z");
    http("GET", &scene.temp_url, &[], b"").is(200);
    let at = step("").is(200).json();
    assert_eq!(at["clock"]["now"], "2026-01-31T12:01:00Z");
    http("GET", &scene.temp_url, &[], b"").is(200);
    let after = step(r#"{"offset":1}"#).is(200).json();
    assert_eq!(after["deadline"]["kind"], "temp_url");
    assert_eq!(after["clock"]["now"], "2026-01-31T12:01:01Z");
    http("GET", &scene.temp_url, &[], b"").is(401);

    let token = step(r#"{"kind":"token","offset":-1}"#).is(200).json();
    assert_eq!(token["deadline"]["user"], "test:tester");
    assert!(scene.kinds("").contains(&json!("token")));
    assert!(!scene.kinds("").contains(&json!("object")));
    step("{}").is(200);
    let none = step("{}").is(404).json();
    assert_eq!(none["error"]["field"], "deadline");
    for (body, field) in [
        (r#"{"offset":"1"}"#, "offset"),
        (r#"{"offset":1e300}"#, "offset"),
        (r#"{"kind":"url"}"#, "kind"),
        (r#"{"to":1}"#, "to"),
    ] {
        let path = "clock/advance-to-next-deadline";
        scene.control.refuses("POST", path, body, 400, field);
    }
}

#[test]
fn stepping_in_rust_is_the_same() {
    let scene = Scene::new();
    let emulator = &scene.control.emulator;
    assert_eq!(emulator.deadlines().len(), 4);
    let second = Duration::from_secs(1);
    for (offset, seconds, kind) in [
        (Offset::Before(second), 59, DeadlineKind::TempUrl),
        (Offset::At, 60, DeadlineKind::TempUrl),
        (Offset::After(second), 61, DeadlineKind::TempUrl),
        (Offset::Before(second), 119, DeadlineKind::Object),
        (Offset::Before(second), 899, DeadlineKind::CdnCopy),
        (Offset::At, 900, DeadlineKind::CdnCopy),
        (Offset::At, 86_400, DeadlineKind::Token),
    ] {
        let deadline = emulator.advance_to_next_deadline(offset);
        assert_eq!(deadline.expect("there is one").kind, kind);
        let now = emulator.clock().now();
        assert_eq!(now, UNIX_EPOCH + Duration::from_secs(NOON + seconds));
    }
    assert_eq!(emulator.advance_to_next_deadline(Offset::At), None);
}
