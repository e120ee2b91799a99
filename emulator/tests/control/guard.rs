//! Who may use the control surface.

use emulator::Emulator;

use super::Control;
use super::support::{Answer, http};

fn clock(control: &Control, headers: &[(&str, &str)]) -> Answer {
    http(
        "GET",
        &format!("{}clock", control.emulator.control_url()),
        headers,
        b"",
    )
}

#[test]
fn pages_of_other_sites_are_refused() {
    let control = Control::start();
    let own = control.emulator.url().to_owned();
    clock(&control, &[("Origin", &own)]).is(200);
    clock(
        &control,
        &[("Host", "localhost:1"), ("Origin", "http://localhost:1")],
    )
    .is(200);
    for headers in [
        [("Origin", "https://example.com")],
        [("Origin", "null")],
        [("Sec-Fetch-Site", "cross-site")],
        // A name of another site that was pointed here.
        [("Host", "example.com")],
        [("Host", "example.com:80")],
    ] {
        let refused = clock(&control, &headers).is(403).json();
        let field = refused["error"]["field"].as_str().expect("a field");
        assert_eq!(field, headers[0].0.to_lowercase());
    }
}

#[test]
fn a_control_token_is_wanted_once_there_is_one() {
    let control = Control::with(Emulator::builder().control_token("hush"));
    let refused = clock(&control, &[]).is(401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(refused.json()["error"]["field"], "authorization");
    for wrong in ["Bearer hus", "Bearer hush1", "hush", "Basic hush", "Bearer"] {
        clock(&control, &[("Authorization", wrong)]).is(401);
    }
    clock(&control, &[("Authorization", "Bearer hush")]).is(200);
    // From other machines too, which know this one by its name.
    clock(
        &control,
        &[("Authorization", "bearer hush"), ("Host", "emulator:8080")],
    )
    .is(200);
    clock(
        &control,
        &[
            ("Authorization", "Bearer hush"),
            ("Origin", "https://example.com"),
        ],
    )
    .is(403);
    assert!(!format!("{:?}", control.emulator).contains("hush"));
}

#[test]
fn every_answer_has_a_transaction_id_and_speaks_json() {
    let control = Control::start();
    for (method, path, status) in [
        ("GET", "", 200),
        ("GET", "openapi.json", 200),
        ("GET", "nothing", 404),
        ("DELETE", "clock", 405),
    ] {
        let answer = control.send(method, path, "").is(status);
        assert!(answer.header("x-trans-id").starts_with("tx"), "{path}");
        answer.json();
    }
    let refused = control.send("DELETE", "clock", "").is(405);
    assert_eq!(refused.header("allow"), "GET, PUT");
    let head = control.send("HEAD", "clock", "").is(200);
    assert!(head.body.is_empty());
}

#[test]
fn hosts_of_their_own_keep_the_path_for_objects() {
    let control = Control::start();
    let label = "t-0123456789abcdef0123456789abcdef.r5.cf1";
    for host in [format!("{label}.localhost"), format!("{label}.rackcdn.com")] {
        let answer = clock(&control, &[("Host", &host)]).is(404);
        assert!(answer.headers.contains_key("x-cache"), "{host}");
    }
}
