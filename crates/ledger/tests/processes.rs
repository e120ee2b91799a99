//! Several processes and one ledger, killed or not. A test starts its own program again, told by a variable to play
//! the other process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ledger::{Entry, Identity, Ledger, Resource, State, Timestamp, What};

const CHILD: &str = "LEDGER_TEST_CHILD";

/// In the other process: the ledger to use.
fn told() -> Option<PathBuf> {
    env::var_os(CHILD).map(PathBuf::from)
}

fn start(test: &str, path: &Path) -> Child {
    let program = env::current_exe().unwrap();
    let mut command = Command::new(program);
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, path);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn object(name: String) -> Resource {
    let what = What::Object {
        container: "c".into(),
        object: name,
    };
    Resource {
        cloud: "offline".into(),
        region: None,
        account: "a".into(),
        what,
    }
}

/// Says what was done, at once, so that it is heard even if the next thing is to be killed.
fn say(what: &str, id: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "said {what} {id}").unwrap();
    out.flush().unwrap();
}

#[test]
fn lose_nothing_when_they_record_at_once() {
    const EACH: usize = 150;
    if let Some(path) = told() {
        let ledger = Ledger::open(path).unwrap();
        for number in 0..EACH {
            let id = ledger
                .plan(
                    &std::process::id().to_string(),
                    object(number.to_string()),
                    now(),
                )
                .unwrap();
            ledger.confirm(id, Identity::default()).unwrap();
            if number % 3 == 0 {
                ledger.forget(id).unwrap();
            }
        }
        ledger.close().unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    let test = "lose_nothing_when_they_record_at_once";
    let mut children: Vec<_> = (0..3).map(|_| start(test, &path)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        names,
        ["ledger.json"],
        "the last one to close leaves the document alone"
    );
    let entries = Ledger::<Resource>::open(&path).unwrap().entries().unwrap();
    for child in &children {
        let run = child.id().to_string();
        assert_eq!(
            entries.iter().filter(|entry| entry.run == run).count(),
            EACH - EACH / 3
        );
    }
    assert!(entries.iter().all(|entry| entry.state == State::Confirmed));
}

#[test]
fn keep_every_promise_when_killed_at_any_moment() {
    const KILLS: usize = 100;
    if let Some(path) = told() {
        let ledger = Ledger::open(path).unwrap();
        for number in 0.. {
            let id = ledger
                .plan("run", object(number.to_string()), now())
                .unwrap();
            say("planned", id);
            ledger.confirm(id, Identity::default()).unwrap();
            say("confirmed", id);
            if number % 4 == 3 {
                continue;
            }
            ledger.deleting(id).unwrap();
            say("forgetting", id);
            ledger.forget(id).unwrap();
            say("forgot", id);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    let mut known: BTreeMap<u64, State> = BTreeMap::new();
    for kill in 0..KILLS {
        let mut child = start("keep_every_promise_when_killed_at_any_moment", &path);
        let mut said = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut heard = Vec::new();
        // The moment is where the child happens to be when it has said so many things.
        while heard.len() < kill % 23 {
            heard.push(said.next().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        heard.extend(said);

        let mut leaving = BTreeSet::new();
        for line in &heard {
            let mut words = line
                .split_ascii_whitespace()
                .skip_while(|word| *word != "said")
                .skip(1);
            let (Some(what), Some(id)) = (words.next(), words.next()) else {
                continue;
            };
            let id: u64 = id.parse().unwrap();
            match what {
                "planned" => drop(known.insert(id, State::Planned)),
                "confirmed" => drop(known.insert(id, State::Confirmed)),
                "forgetting" => drop((leaving.insert(id), known.insert(id, State::Deleting))),
                "forgot" => drop((leaving.remove(&id), known.remove(&id))),
                other => panic!("{other}"),
            }
        }
        let ledger = Ledger::<Resource>::open(&path).unwrap();
        let entries = ledger.entries().unwrap();
        let found: BTreeMap<u64, &Entry<Resource>> = entries
            .iter()
            .map(|entry| (entry.id.to_string().parse().unwrap(), entry))
            .collect();
        for (id, state) in &known {
            match found.get(id) {
                Some(entry) => assert!(entry.state >= *state, "entry {id} went back"),
                None => assert!(leaving.contains(id), "entry {id} is lost"),
            }
        }
        let unheard = found.keys().filter(|id| !known.contains_key(id)).count();
        assert!(unheard <= 1, "{unheard} entries came from nowhere");
        known = found.iter().map(|(id, entry)| (*id, entry.state)).collect();
        if kill % 10 == 0 {
            ledger.close().unwrap();
        } else {
            // As if this one had been killed too: the next child finds journal and lock file.
            std::mem::forget(ledger);
        }
    }
    assert!(known.len() > 10, "the children did record");
}

#[test]
fn let_the_lock_go_when_killed() {
    if let Some(path) = told() {
        let lock = File::create(path.with_extension("json.lock")).unwrap();
        lock.lock().unwrap();
        say("locked", 0);
        // Waits for the end of its input, which does not come before it is killed.
        let _ = std::io::stdin().lines().count();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    let ledger: Ledger = Ledger::open(&path).unwrap();
    let mut child = start("let_the_lock_go_when_killed", &path);
    let mut said = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(said.any(|line| line.contains("said locked")));
    let lock = File::open(path.with_extension("json.lock")).unwrap();
    assert!(
        matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        "the child holds it"
    );

    let waiting = std::thread::spawn(move || {
        ledger
            .plan("run", object("a".into()), now())
            .map(|_| ledger)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let ledger = waiting.join().unwrap().unwrap();
    assert_eq!(ledger.count().unwrap(), 1);
}
