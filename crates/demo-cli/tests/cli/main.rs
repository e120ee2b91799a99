//! The command as its users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod cleanup;
mod home;
mod known_again;
mod ledger;
mod options;
mod recorded;
mod sign_in;
mod starting;
mod verbs;
mod world;

use std::fs;

use serde_json::Value;

use home::{Home, assert_failed, assert_succeeded, entries, stderr, stdout, steps};

#[test]
fn plays_eleven_numbered_steps_offline_and_leaves_nothing_in_the_ledger() {
    let home = Home::new();
    let output = home.run(&["demo"]);
    assert_succeeded(&output);
    let numbers: Vec<u32> = stdout(&output)
        .lines()
        .filter_map(|line| line.trim_start().split_once(". ")?.0.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
    assert!(!stdout(&output).contains('✗'));
    assert!(stdout(&output).ends_with("\nEverything was as expected.\n"));
    assert_eq!(stderr(&output), "");
    assert_eq!(entries(&home.ledger()), Vec::<Value>::new());
}

#[test]
fn prints_one_json_object_for_each_step_and_nothing_else() {
    let home = Home::new();
    let output = home.run(&["demo", "--json"]);
    assert_succeeded(&output);
    let steps = steps(&output);
    assert_eq!(steps.len(), 11);
    for (number, step) in (1..).zip(&steps) {
        assert_eq!(step["step"], number);
        assert_eq!(step["status"], "passed", "{step}");
        let events = step["events"].as_array().unwrap();
        assert!(events.iter().any(|event| event["checked"].is_string()));
    }
}

#[test]
fn colours_nothing_that_is_not_read_on_a_terminal() {
    let output = Home::new().run(&["demo"]);
    assert!(!stdout(&output).contains('\x1b'));
}

#[test]
fn uploads_the_file_it_is_given_under_its_name() {
    let home = Home::new();
    home.write("Grüße & mehr.txt", "two words");
    let output = home.run(&["demo", "--json", "--file", "Grüße & mehr.txt"]);
    assert_succeeded(&output);
    let upload = steps(&output)[1].to_string();
    assert!(
        upload.contains("python-demo/Grüße & mehr.txt, 9 bytes"),
        "{upload}"
    );
    // The MD5 of "two words".
    assert!(
        upload.contains("ETag 573eb82c528c319f0097158784ff0aed"),
        "{upload}"
    );
}

#[test]
fn uploads_an_empty_file() {
    let home = Home::new();
    home.write("empty", "");
    assert_succeeded(&home.run(&["demo", "--file", "empty"]));
}

#[test]
fn shows_no_key_and_no_token() {
    let home = Home::new();
    let output = home.run(&["demo", "--keep"]);
    assert_succeeded(&output);
    assert!(!stdout(&output).to_lowercase().contains("x-auth-token"));
    for entry in entries(&home.ledger()) {
        if let Some(fingerprint) = entry["resource"]["fingerprint"].as_str() {
            assert!(!stdout(&output).contains(fingerprint));
        }
    }
}

#[test]
fn keeps_what_it_made_when_asked_to_and_cleanup_forgets_what_went_with_the_process() {
    let home = Home::new();
    let output = home.run(&["demo", "--keep"]);
    assert_succeeded(&output);
    assert!(stderr(&output).contains("ends with this process"));
    let kinds: Vec<String> = entries(&home.ledger())
        .iter()
        .map(|entry| entry["resource"]["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "container",
            "object",
            "object",
            "temp-url-key",
            "cdn-publication"
        ]
    );

    let refused = home.run(&["cleanup"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--yes"));
    assert_eq!(entries(&home.ledger()).len(), 5);

    let output = home.run(&["cleanup", "--yes"]);
    assert_succeeded(&output);
    assert!(stdout(&output).contains("gone with the process"));
    assert_eq!(entries(&home.ledger()), Vec::<Value>::new());
}

#[test]
fn records_in_the_ledger_it_is_told() {
    let home = Home::new();
    let output = home.run(&["demo", "--ledger", "a/b/mine.json"]);
    assert_succeeded(&output);
    assert!(home.path("a/b/mine.json").is_file());
    assert!(!home.ledger().exists());

    let mut command = home.command(&["demo"]);
    command.env("CLOUDFILES_LEDGER", "other.json");
    assert_succeeded(&command.output().unwrap());
    assert!(home.path("other.json").is_file());
}

#[test]
fn refuses_a_bad_ledger_with_its_path_and_place_and_leaves_it_untouched() {
    let home = Home::new();
    let bad = "{\"version\": 2,\n oops";
    let path = home.write("bad.json", bad);
    for arguments in [
        ["demo", "--ledger", "bad.json"].as_slice(),
        &["cleanup", "--yes", "--ledger", "bad.json"],
    ] {
        let output = home.run(arguments);
        let line = assert_failed(&output);
        assert!(line.contains("bad.json"), "{line}");
        assert!(line.contains("line 2"), "{line}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
}

#[test]
fn tells_which_file_is_missing_before_anything_is_sent() {
    let home = Home::new();
    let output = home.run(&["demo", "--file", "no-such.png"]);
    assert!(assert_failed(&output).contains("no-such.png"));
    assert_eq!(stdout(&output), "");

    let output = home.run(&["demo", "--file", "."]);
    assert_failed(&output);
}

#[test]
fn tells_which_ledger_is_missing() {
    let home = Home::new();
    let output = home.run(&["cleanup", "--ledger", "no-such.json"]);
    assert!(assert_failed(&output).contains("no-such.json"));
}

#[test]
fn has_nothing_to_remove_before_the_first_run() {
    let output = Home::new().run(&["cleanup"]);
    assert_succeeded(&output);
    assert!(stdout(&output).contains("Nothing to remove"));
}

#[test]
fn tells_which_cloud_is_not_there() {
    let home = Home::new();
    let output = home.run(&["demo", "--cloud", "nowhere"]);
    assert!(assert_failed(&output).contains("nowhere"));

    home.write("clouds.yaml", "clouds: {here: {auth: {auth_url: x}}}");
    let output = home.run(&["demo", "--cloud", "nowhere"]);
    let line = assert_failed(&output);
    assert!(line.contains("nowhere") && line.contains("here"), "{line}");
}

#[test]
fn tells_which_setting_of_a_cloud_is_missing() {
    let home = Home::new();
    home.write(
        "clouds.yaml",
        "clouds: {a: {auth_type: v1password, auth: {auth_url: 'http://127.0.0.1:1/'}}}",
    );
    let output = home.run(&["demo", "--cloud", "a"]);
    assert!(assert_failed(&output).contains("username is not set"));
}

#[test]
fn tells_the_line_where_clouds_yaml_is_no_yaml() {
    let home = Home::new();
    home.write("clouds.yaml", "clouds:\n  a: [\n");
    let output = home.run(&["demo", "--cloud", "a"]);
    assert!(assert_failed(&output).contains("clouds.yaml:"));
}

#[test]
fn takes_wrong_usage_for_wrong_usage() {
    let home = Home::new();
    for arguments in [
        ["demo", "--expires", "soon"].as_slice(),
        &["demo", "--expires", "0"],
        &["demo", "--no-such-flag"],
        &["no-such-command"],
        &[],
    ] {
        assert_eq!(home.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn leaves_entries_of_a_cloud_it_cannot_reach_with_the_reason() {
    let home = Home::new();
    let ledger = home.write(
        "ledger.json",
        r#"{"version": 1, "entries": [{"id": 1, "state": "confirmed", "run": "r",
            "planned_at": "2026-01-01T00:00:00Z",
            "resource": {"kind": "container", "cloud": "gone", "account": "AUTH_a", "container": "c"}}]}"#,
    );
    let output = home.run(&["cleanup", "--yes", "--ledger", "ledger.json"]);
    let line = assert_failed(&output);
    assert!(line.contains("1 could not be removed"), "{line}");
    let entry = &entries(&ledger)[0];
    assert!(
        entry["reason"].as_str().unwrap().contains("gone"),
        "{entry}"
    );
}
