//! Counts for Prometheus: that they are true, and that Prometheus could read them.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use emulator::{Emulator, Fault};
use support::{http, token};

/// The values by name and labels, and the types by name. Fails on whatever Prometheus would not read.
fn read(text: &str) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let mut values = BTreeMap::new();
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut described = BTreeSet::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a name and words");
            assert!(described.insert(name.to_owned()), "{name} comes twice");
            assert!(!help.is_empty());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a type");
            assert!(described.contains(name), "{name} has no words");
            types.insert(name.to_owned(), kind.to_owned());
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            let family = name.split('{').next().expect("a name");
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| family.strip_suffix(suffix))
                .find(|family| types.get(*family).is_some_and(|kind| kind == "histogram"))
                .unwrap_or(family);
            assert!(types.contains_key(family), "{line} has no type");
            assert_eq!(
                types[family] == "counter",
                family.ends_with("_total"),
                "{line}"
            );
            let value = value.parse().expect("a number");
            assert!(
                values.insert(name.to_owned(), value).is_none(),
                "{line} comes twice"
            );
        }
    }
    (values, types)
}

#[test]
fn counts_what_was_asked_and_what_is_stored() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let token = token(&emulator);
    let send = |method: &str, path: &str, body: &[u8]| {
        let url = format!("{}{path}", emulator.url());
        http(method, &url, &[("X-Auth-Token", &token)], body)
    };
    send("PUT", "/v1/AUTH_test/c", b"").is(201);
    send("PUT", "/v1/AUTH_test/c/o", b"0123456789").is(201);
    send("PUT", "/v1/AUTH_test/c/p", b"01234").is(201);
    send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    send("GET", "/v1/AUTH_test/c/none", b"").is(404);
    send("BREW", "/v1/AUTH_test/c", b"").is(405);
    let fault = Fault::on("GET", "/v1/**").status(503).times(1);
    let fault = emulator.faults().add(fault).expect("it makes sense");
    send("GET", "/v1/AUTH_test/c/o", b"").is(503);
    emulator.clock().freeze();
    emulator.clock().advance(Duration::from_hours(1));

    let url = format!("{}metrics", emulator.control_url());
    let answer = http("GET", &url, &[], b"").is(200);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let (values, types) = read(answer.text());
    let value = |name: &str| values[&format!("cloudfiles_emulator_{name}")];
    let requests = |method: &str, class: &str| {
        value(&format!(
            "requests_total{{service=\"storage\",method=\"{method}\",status=\"{class}\"}}"
        ))
    };
    // Whole numbers of this size are exact.
    let is =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    is(requests("PUT", "2xx"), 3.0);
    is(requests("GET", "2xx"), 2.0);
    is(requests("GET", "4xx"), 1.0);
    is(requests("GET", "5xx"), 1.0);
    is(requests("other", "4xx"), 1.0);
    is(
        value("requests_total{service=\"identity\",method=\"GET\",status=\"2xx\"}"),
        1.0,
    );
    is(value("received_bytes_total{service=\"storage\"}"), 15.0);
    assert!(value("sent_bytes_total{service=\"storage\"}") > 20.0);
    is(value("request_duration_seconds_count"), 9.0);
    is(value("request_duration_seconds_bucket{le=\"+Inf\"}"), 9.0);
    assert!(value("request_duration_seconds_sum") > 0.0);
    is(value("requests_in_flight"), 0.0);
    // The one that asks.
    assert!(value("open_connections") >= 1.0);
    is(value("connections_total"), 10.0);
    is(value("accounts"), 1.0);
    is(value("containers"), 1.0);
    is(value("objects"), 2.0);
    is(value("stored_bytes"), 15.0);
    assert!(value("memory_bytes") > 15.0);
    is(value("tokens"), 1.0);
    is(value("faults"), 1.0);
    is(
        value(&format!("fault_fired_total{{fault=\"{fault}\"}}")),
        1.0,
    );
    is(value("clock_frozen"), 1.0);
    let offset = value("clock_offset_seconds");
    assert!((3500.0..=3600.0).contains(&offset), "{offset}");
    assert_eq!(
        types["cloudfiles_emulator_request_duration_seconds"],
        "histogram"
    );
    assert_eq!(types["cloudfiles_emulator_objects"], "gauge");

    let buckets: Vec<f64> = answer
        .text()
        .lines()
        .filter(|line| line.contains("_bucket{"))
        .map(|line| {
            line.rsplit_once(' ')
                .expect("a value")
                .1
                .parse()
                .expect("a number")
        })
        .collect();
    assert!(buckets.is_sorted(), "{buckets:?}");
}
