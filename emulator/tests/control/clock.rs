//! `/_emulator/clock`.

use std::time::{Duration, UNIX_EPOCH};

use super::Control;

const NOON: &str = "2026-01-31T12:00:00Z";
const NOON_UNIX: f64 = 1_769_860_800.0;

#[test]
fn the_clock_is_frozen_set_advanced_and_resumed_over_http() {
    let control = Control::start();
    let clock = control.post("clock/freeze", "").is(200).json();
    assert_eq!(clock["frozen"], true);
    let body = format!(r#"{{"now":"{NOON}"}}"#);
    let clock = control.post("clock/set", &body).is(200).json();
    assert_eq!(clock["now"], NOON);
    assert_eq!(clock["unix"], NOON_UNIX);
    assert_eq!(
        control.emulator.clock().now(),
        UNIX_EPOCH + Duration::from_hours(491_628)
    );
    let clock = control
        .post("clock/advance", r#"{"duration":"2m"}"#)
        .is(200);
    assert_eq!(clock.json()["now"], "2026-01-31T12:02:00Z");
    let clock = control.post("clock/advance", r#"{"seconds":0.5}"#).is(200);
    assert_eq!(clock.json()["unix"], NOON_UNIX + 120.5);
    assert_eq!(control.get("clock")["now"], clock.json()["now"]);
    let clock = control.post("clock/resume", "{}").is(200).json();
    assert_eq!(clock["frozen"], false);
    assert!(clock["unix"].as_f64().expect("a number") >= NOON_UNIX + 120.5);
}

#[test]
fn put_sets_time_and_standing_still_at_once() {
    let control = Control::start();
    let body = format!(r#"{{"now":{NOON_UNIX},"frozen":true}}"#);
    let clock = control.send("PUT", "clock", &body).is(200).json();
    assert_eq!(
        (&clock["now"], &clock["frozen"]),
        (&NOON.into(), &true.into())
    );
    assert_eq!(control.get("clock")["now"], NOON);
}

#[test]
fn what_a_clock_cannot_do_is_refused_and_the_clock_stays() {
    let control = Control::start();
    let body = format!(r#"{{"now":"{NOON}","frozen":true}}"#);
    control.send("PUT", "clock", &body).is(200);
    for (method, path, body, field) in [
        ("POST", "clock/advance", "{}", "seconds"),
        ("POST", "clock/advance", r#"{"seconds":-1}"#, "seconds"),
        ("POST", "clock/advance", r#"{"seconds":1e300}"#, "seconds"),
        ("POST", "clock/advance", r#"{"seconds":3e11}"#, "seconds"),
        ("POST", "clock/advance", r#"{"seconds":"1"}"#, "seconds"),
        (
            "POST",
            "clock/advance",
            r#"{"duration":"soon"}"#,
            "duration",
        ),
        ("POST", "clock/advance", r#"{"duration":"-1s"}"#, "duration"),
        ("POST", "clock/advance", r#"{"minutes":1}"#, "minutes"),
        ("POST", "clock/set", "{}", "now"),
        ("POST", "clock/set", r#"{"now":"noon"}"#, "now"),
        ("POST", "clock/set", r#"{"now":-1}"#, "now"),
        (
            "POST",
            "clock/set",
            r#"{"now":"+010000-01-01T00:00:00Z"}"#,
            "now",
        ),
        ("POST", "clock/set", r#"{"now":true}"#, "now"),
        ("POST", "clock/set", r#"{"now":1"#, "body"),
        ("POST", "clock/set", "[]", "body"),
        ("POST", "clock/freeze", r#"{"now":1}"#, "now"),
        ("POST", "clock/freeze?at=1", "", "at"),
        ("PUT", "clock", r#"{"frozen":1}"#, "frozen"),
        ("PUT", "clock", r#"{"frozen":false,"now":"noon"}"#, "now"),
    ] {
        control.refuses(method, path, body, 400, field);
        let clock = control.get("clock");
        assert_eq!(clock["now"], NOON, "{path} {body}");
        assert_eq!(clock["frozen"], true, "{path} {body}");
    }
    let long = format!(r#"{{"now":"{}"}}"#, "x".repeat(2 << 20));
    control.refuses("POST", "clock/set", &long, 413, "body");
}

#[test]
fn timestamps_go_back_only_when_the_clock_is_set_back() {
    let control = Control::start();
    let clock = control.emulator.clock();
    let before = clock.now();
    clock.set(before + Duration::from_hours(1));
    clock.reset();
    assert!(!clock.is_frozen());
    assert!(clock.now() < before + Duration::from_mins(30));
}
