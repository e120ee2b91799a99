//! By what a clean-up knows again what was made.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::home::{assert_failed, assert_succeeded, entries, stdout};
use crate::world::World;

const LEDGER: [&str; 2] = ["--ledger", "made.json"];

/// An entry's identity, by the kind of its resource.
fn identity(made: &[Value], kind: &str) -> Value {
    let of_kind = |entry: &&Value| entry["resource"]["kind"] == kind;
    made.iter().find(of_kind).unwrap()["identity"].clone()
}

/// Has a ledger say something else. An older version of the format has no checksums.
fn rewrite(ledger: &Path, edit: impl FnOnce(&mut Vec<Value>)) {
    let mut entries = entries(ledger);
    for entry in &mut entries {
        entry.as_object_mut().unwrap().remove("crc32");
    }
    edit(&mut entries);
    let document = json!({"version": 1, "entries": entries});
    fs::write(ledger, document.to_string()).unwrap();
}

#[tokio::test]
async fn records_the_timestamp_beside_the_etag_and_the_run() {
    let world = World::start().await;
    world.write("file", "x");
    world.lines(&[&["create", "mine"], &LEDGER[..]].concat());
    world.lines(&[&["upload", "file", "mine/o"], &LEDGER[..]].concat());
    let made = entries(&world.home.path("made.json"));
    let object = world.head("mine", "o").await;
    let told = object.headers["x-timestamp"].to_str().unwrap();
    let identity_of_object = identity(&made, "object");
    assert_eq!(identity_of_object["timestamp"], told);
    assert_eq!(identity_of_object["etag"], object.etag.unwrap());
    assert_eq!(
        identity_of_object["run"],
        object.metadata.get("run-id").unwrap()
    );
    let container = world.client.head_container("mine").await.unwrap();
    let told = container.headers["x-timestamp"].to_str().unwrap();
    assert_eq!(identity(&made, "container")["timestamp"], told);
}

#[tokio::test]
async fn leaves_another_large_object_alone_though_it_carries_the_id_of_the_run() {
    let world = World::start().await;
    world.write("large", &"0123456789".repeat(300_000));
    for container in ["c", "c_segments"] {
        world.lines(&["create", container]);
    }
    for name in ["c/kept", "c/replaced"] {
        let upload = ["upload", "large", name, "--segment-size", "1M"];
        world.lines(&[&upload, &LEDGER[..]].concat());
    }
    let replaced = world.head("c", "replaced").await;
    let run = format!("run-id:{}", replaced.metadata.get("run-id").unwrap());
    world.write("other", &"9876543210".repeat(300_000));
    world.lines(&["upload", "other", "c/replaced", "--segment-size", "1M"]);
    world.lines(&["post", "c/replaced", "--meta", &run]);

    let output = world.run(&[&["cleanup", "--yes"], &LEDGER[..]].concat());
    assert_succeeded(&output);
    let told = stdout(&output);
    assert!(told.contains("object c/kept: removed"), "{told}");
    assert!(
        told.contains("object c/replaced: changed by somebody else"),
        "{told}"
    );
    assert_eq!(world.lines(&["ls", "c"]), ["replaced"]);
}

#[tokio::test]
async fn does_not_judge_by_what_a_server_tells_that_has_missed_the_last_change() {
    let world = World::start().await;
    world.write("file", "x");
    world.lines(&[&["create", "c"], &LEDGER[..]].concat());
    world.lines(&[&["upload", "file", "c/o"], &LEDGER[..]].concat());
    let ledger = world.home.path("made.json");
    let rightly = identity(&entries(&ledger), "object")["timestamp"].clone();
    rewrite(&ledger, |entries| {
        entries[1]["identity"]["timestamp"] = "9999999999.00000".into();
    });

    let output = world.run(&[&["cleanup", "--yes"], &LEDGER[..]].concat());
    assert_failed(&output);
    let reason = entries(&ledger)[1]["reason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(
        reason.contains("before the 9999999999.00000 it was made at"),
        "{reason}"
    );
    assert_eq!(world.lines(&["ls", "c"]), ["o"]);

    rewrite(&ledger, |entries| {
        entries[1]["identity"]["timestamp"] = rightly;
    });
    world.lines(&[&["cleanup", "--yes"], &LEDGER[..]].concat());
    assert!(entries(&ledger).is_empty());
}

#[tokio::test]
async fn an_account_of_an_emulator_is_dropped_with_all_it_has_and_no_other_is() {
    let world = World::start().await;
    let accounts = || {
        let listed = world.json(&["emulator", "account"]);
        let listed = listed[0]["accounts"].as_array().unwrap().clone();
        listed.into_iter().map(|listed| listed["account"].clone())
    };
    world.lines(&["emulator", "account", "new"]);
    let before: Vec<_> = accounts().collect();
    let made = world.json(&[&["emulator", "account", "new"], &LEDGER[..]].concat());
    let account = made[0]["account"].as_str().unwrap();
    let listed = entries(&world.home.path("made.json"));
    assert_eq!(listed[0]["resource"]["kind"], "account");
    assert_eq!(listed[0]["resource"]["account"], account);
    assert_eq!(listed[0]["state"], "confirmed");

    // What is made inside is recorded in the same ledger, and goes first.
    let mut create = world.command(&[&["create", "inside"], &LEDGER[..]].concat());
    let text = |name: &str| made[0][name].as_str().unwrap().to_owned();
    create
        .env("ST_USER", text("user"))
        .env("ST_KEY", text("key"));
    assert_succeeded(&create.output().unwrap());
    let mut cleanup = world.command(&[&["cleanup", "--yes"], &LEDGER[..]].concat());
    cleanup
        .env("ST_USER", text("user"))
        .env("ST_KEY", text("key"));
    let output = cleanup.output().unwrap();
    assert_succeeded(&output);
    let told: Vec<_> = stdout(&output).lines().skip(2).collect();
    assert_eq!(
        told,
        [
            "container inside: removed".to_owned(),
            format!("account {account}: removed")
        ]
    );
    assert_eq!(accounts().collect::<Vec<_>>(), before);
    assert!(entries(&world.home.path("made.json")).is_empty());
}

#[tokio::test]
async fn settles_an_account_that_was_planned_by_asking_the_emulator() {
    let world = World::start().await;
    let made = world.json(&[&["emulator", "account", "new"], &LEDGER[..]].concat());
    let account = made[0]["account"].as_str().unwrap();
    let ledger = world.home.path("made.json");
    rewrite(&ledger, |entries| {
        let entry = entries[0].as_object_mut().unwrap();
        entry.insert("state".to_owned(), "planned".into());
        entry.remove("identity");
        let mut never = entries[0].clone();
        never["id"] = 2.into();
        never["resource"]["account"] = "AUTH_account-never".into();
        entries.push(never);
    });

    let settle = ["cleanup", "--yes", "--settle", "0s"];
    let output = world.run(&[&settle, &LEDGER[..]].concat());
    assert_succeeded(&output);
    let told = stdout(&output);
    assert!(
        told.contains(&format!("account {account}: removed")),
        "{told}"
    );
    assert!(
        told.contains("account AUTH_account-never: was not there"),
        "{told}"
    );
    assert!(entries(&ledger).is_empty());
}

#[tokio::test]
async fn keeps_an_account_in_the_ledger_whose_emulator_does_not_answer() {
    let world = World::start().await;
    world.lines(&[&["emulator", "account", "new"], &LEDGER[..]].concat());
    let World {
        home, mut emulator, ..
    } = world;
    emulator.stop();
    let output = home.run(&[&["cleanup", "--yes"], &LEDGER[..]].concat());
    assert!(assert_failed(&output).contains("1 could not be removed"));
    let left = entries(&home.path("made.json"));
    let reason = left[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("the emulator at http://127.0.0.1:"),
        "{reason}"
    );
}
