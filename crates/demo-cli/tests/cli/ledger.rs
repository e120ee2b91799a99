//! `cloudfiles ledger`: what was made, and what can be saved of a damaged record of it.

use crate::home::{Home, assert_failed, assert_succeeded, entries, stdout};

const LEDGER: &str = r#"{"version": 1, "entries": [
    {"id": 1, "state": "confirmed", "run": "run-1", "planned_at": "2026-01-01T00:00:00Z", "resource":
     {"kind": "container", "cloud": "mine", "account": "AUTH_test", "container": "c"}},
    {"id": 2, "state": "planned", "run": "run-2", "planned_at": "2026-01-01T00:00:00Z", "resource":
     {"kind": "temp-url-key", "cloud": "mine", "account": "AUTH_test", "slot": 1, "fingerprint": "ab", "former": "sesame"}}
]}"#;

/// A ledger of version 2 with these entries.
fn written(home: &Home) -> std::path::PathBuf {
    let path = home.write("ledger.json", LEDGER);
    let ledger = ::ledger::Ledger::<::ledger::Resource>::open(&path).unwrap();
    // The first change turns it into the newest version.
    ledger.forget_many(Vec::new()).unwrap();
    let id = ledger.entries().unwrap()[0].id;
    ledger.keep(id, "409 Conflict").unwrap();
    ledger.close().unwrap();
    path
}

#[test]
fn lists_entries_with_the_reason_why_they_are_left_and_without_former_keys() {
    let home = Home::new();
    written(&home);
    let output = home.run(&["ledger", "ls", "--ledger", "ledger.json"]);
    assert_succeeded(&output);
    assert!(stdout(&output).contains("container c  (409 Conflict)"));
    assert_eq!(stdout(&output).lines().count(), 2);

    let output = home.run(&[
        "ledger",
        "ls",
        "--json",
        "--run",
        "run-2",
        "--ledger",
        "ledger.json",
    ]);
    assert_succeeded(&output);
    let line: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(
        (&line["id"], &line["state"]),
        (&2.into(), &"planned".into())
    );
    assert!(!stdout(&output).contains("sesame"));
}

#[test]
fn finds_nothing_to_repair_in_a_sound_ledger() {
    let home = Home::new();
    written(&home);
    let output = home.run(&["ledger", "repair", "--ledger", "ledger.json"]);
    assert_succeeded(&output);
    assert!(stdout(&output).contains("is sound: 2 entries"));
}

#[test]
fn saves_what_is_sound_of_a_damaged_ledger_into_a_new_file() {
    let home = Home::new();
    let path = written(&home);
    let text = std::fs::read_to_string(&path).unwrap();
    let damaged = text.replace("\"c\"", "\"d\"");
    assert_ne!(text, damaged);
    home.write("ledger.json", &damaged);

    let refused = home.run(&["ledger", "ls", "--ledger", "ledger.json"]);
    assert!(assert_failed(&refused).contains("is damaged at"));

    let output = home.run(&["ledger", "repair", "--ledger", "ledger.json"]);
    assert_succeeded(&output);
    let told = "1 entries can be saved; 1 places are damaged";
    assert!(stdout(&output).contains(told), "{}", stdout(&output));

    let output = home.run(&["ledger", "repair", "--json", "--ledger", "ledger.json"]);
    assert_succeeded(&output);
    let row: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!((&row["entries"], &row["written"]), (&1.into(), &().into()));
    assert_eq!(row["flaws"].as_array().unwrap().len(), 1);

    let arguments = [
        "ledger",
        "repair",
        "--ledger",
        "ledger.json",
        "--write",
        "saved.json",
    ];
    assert_succeeded(&home.run(&arguments));
    let saved = entries(&home.path("saved.json"));
    assert_eq!(saved.len(), 1);
    assert_eq!(saved[0]["run"], "run-2");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);

    let again = home.run(&arguments);
    assert!(assert_failed(&again).contains("saved.json is there already"));
}

#[test]
fn forgets_the_entries_it_is_told() {
    let home = Home::new();
    let path = written(&home);
    assert_succeeded(&home.run(&["ledger", "forget", "1", "--ledger", "ledger.json"]));
    assert_eq!(entries(&path).len(), 1);
    let output = home.run(&["ledger", "forget", "2", "--json", "--ledger", "ledger.json"]);
    assert_succeeded(&output);
    assert_eq!(stdout(&output), "{\"action\":\"forget\",\"id\":2}\n");
    assert_eq!(entries(&path).len(), 0);
    let unknown = home.run(&["ledger", "forget", "7", "--ledger", "ledger.json"]);
    assert!(assert_failed(&unknown).contains("has no entry 7"));
}

#[test]
fn prints_the_schema_that_a_ledger_keeps_to() {
    let output = Home::new().run(&["ledger", "schema"]);
    assert_succeeded(&output);
    let schema: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    assert!(schema["$schema"].as_str().unwrap().contains("2020-12"));
}
