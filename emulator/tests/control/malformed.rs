//! Control requests made at random, well or badly: none is answered 5xx, and a refused one changes nothing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Control;
use super::support::http;

/// Values of every type, some of which are right somewhere.
fn value() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("2026-01-31T12:00:00Z"),
        Just("+300000-01-01T00:00:00Z"),
        Just("2m"),
        Just("-9223372036854775808ns"),
        Just("P1Y"),
        Just("keep"),
        Just("token"),
        Just("fresh.1"),
        Just("test"),
        Just("../x"),
        Just(""),
        Just("GET"),
        Just("127.0.0.1"),
        Just("/v1/AUTH_test/c/o?temp_url_sig=0&temp_url_expires=99999999999999999999"),
        Just("/v1/AUTH_test/%00/%?temp_url_expires=-1"),
        Just("http://[::1/v1/a/c/o?temp_url_sig"),
        Just("\u{0}\u{7f}é\u{10ffff}"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(1e308)),
        Just(json!(-0.0)),
        words.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..3).prop_map(object),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "now",
            "frozen",
            "seconds",
            "duration",
            "offset",
            "kind",
            "account",
            "project",
            "clock",
            "url",
            "method",
            "ip",
            "path",
            "effect",
            "status",
            "code",
            "times",
            "probability",
            "seed",
            "faults",
        ])
        .prop_map(str::to_owned),
        "[a-z]{0,4}",
    ]
}

fn object(members: Vec<(String, Value)>) -> Value {
    Value::Object(members.into_iter().collect())
}

/// Mostly JSON, and mostly an object; now and then damaged, or bytes of any kind.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let members = prop::collection::vec((name(), value()), 0..4).prop_map(object);
    let whole = prop_oneof![8 => members, 1 => value()];
    let whole = whole.prop_map(|value| value.to_string()).boxed();
    prop_oneof![
        6 => whole.clone().prop_map(String::into_bytes),
        2 => (whole, any::<prop::sample::Index>()).prop_map(|(text, at)| {
            let mut bytes = text.into_bytes();
            bytes.truncate(at.index(bytes.len() + 1));
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (1_usize..3000).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]
}

fn request() -> impl Strategy<Value = (&'static str, String)> {
    let paths = vec![
        "",
        "clock",
        "clock/freeze",
        "clock/set",
        "clock/advance",
        "clock/resume",
        "clock/advance-to-next-deadline",
        "deadlines",
        "deadlines?limit=1",
        "deadlines?kind=%FF",
        "accounts",
        "accounts/AUTH_test",
        "accounts/AUTH_nobody/reset",
        "accounts//reset",
        "accounts/%00",
        "reset",
        "explain",
        "faults",
        "faults/1",
        "requests",
        "requests?status=9xx",
        "openapi.json",
        "nothing",
    ];
    let methods = vec!["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"];
    let query = prop_oneof![4 => Just(String::new()), 1 => "[a-z]{1,5}=[a-z0-9%]{0,5}"];
    (
        prop::sample::select(methods),
        prop::sample::select(paths),
        query,
    )
        .prop_map(|(method, path, query)| {
            // Only behind a question mark: a path that is not UTF-8 is answered before anybody asks whose it is.
            let between = match (query.is_empty(), path.contains('?')) {
                (true, _) => "",
                (false, true) => "&",
                (false, false) => "?",
            };
            (method, format!("{path}{between}{query}"))
        })
}

/// All that control requests can change.
fn state(control: &Control) -> Value {
    let clock = control.emulator.clock();
    json!({
        "now": format!("{:?}", clock.is_frozen().then(|| clock.now())),
        "frozen": clock.is_frozen(),
        "accounts": control.get("accounts"),
        "deadlines": control.get("deadlines")["deadlines"].as_array().map(Vec::len),
        "faults": control.get("faults"),
    })
}

#[test]
fn a_refused_request_changes_nothing_and_none_is_answered_with_a_failure() {
    let control = Control::start();
    control.post("clock/freeze", "").is(200);
    let credentials = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (refused, taken) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let run = runner.run(&(request(), body()), |((method, path), body)| {
        // Something that a reset or a removal would take away.
        http("GET", &control.emulator.auth_url(), &credentials, b"");
        let before = state(&control);
        let url = format!("{}{path}", control.emulator.control_url());
        let answer = http(method, &url, &[], &body);
        let status = answer.status;
        prop_assert!(status < 500, "{method} {path}: {status} {}", answer.text());
        if status >= 400 {
            if method != "HEAD" {
                let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
                prop_assert!(told["error"]["field"].is_string(), "{told}");
                prop_assert!(told["error"]["message"].is_string(), "{told}");
            }
            if before["frozen"] == true {
                prop_assert_eq!(
                    state(&control),
                    before,
                    "{} {} changed something",
                    method,
                    path
                );
            }
            refused.set(refused.get() + 1);
        } else {
            taken.set(taken.get() + 1);
        }
        // Whatever was done, the next one starts from where time stands still.
        control.send("DELETE", "faults", "").is(204);
        control.post("clock/freeze", "").is(200);
        Ok(())
    });
    run.expect("no request breaks the rule");
    assert!(
        refused.get() > 50 && taken.get() > 20,
        "both kinds are tried: {} refused, {} taken",
        refused.get(),
        taken.get()
    );
}
