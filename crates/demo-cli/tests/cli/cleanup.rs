//! Runs that end early on a cloud that outlives them, and what is left in the account then.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use emulator::Emulator;
use futures_util::TryStreamExt;
use signing::Key;
use swift_client::{
    Client, ContainerOptions, Credentials, DeleteOptions, KeyScope, KeySlot, ListOptions, Metadata,
    ObjectOptions,
};

use crate::home::{Home, assert_failed, assert_succeeded, entries, stderr, stdout};

/// An emulator with a clock of its own, known to the command as the cloud `mine`, and a client to look at it with.
struct Mine {
    home: Home,
    client: Client,
    _emulator: Emulator,
}

impl Mine {
    async fn start() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let auth_url = emulator.auth_url();
        let home = Home::new();
        home.write(
            "clouds.yaml",
            format!(
                "clouds: {{mine: {{auth_type: v1password, auth: {{auth_url: '{auth_url}', \
                 username: 'test:tester', password: testing}}}}}}"
            ),
        );
        let credentials = Credentials::temp_auth(auth_url, "test:tester", "testing");
        Self {
            home,
            client: Client::builder(credentials).build().unwrap(),
            _emulator: emulator,
        }
    }

    /// A demo that has come to the step in which it waits for an hour, with everything made by then.
    fn waiting_demo(&self) -> Child {
        let mut demo = self
            .home
            .command(&["demo", "--cloud", "mine", "--expires", "3600"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(demo.stdout.as_mut().unwrap()).lines();
        let reached = lines.any(|line| line.unwrap().starts_with(" 7. "));
        assert!(reached, "the demo ended before step 7");
        demo
    }

    async fn containers(&self) -> Vec<String> {
        let listing = self.client.list_containers(ListOptions::default());
        let listing: Vec<_> = listing.try_collect().await.unwrap();
        let names = listing.into_iter().filter_map(swift_client::Listed::item);
        names.map(|container| container.name).collect()
    }

    async fn key(&self, slot: KeySlot) -> Option<Key> {
        let key = self.client.temp_url_key(KeyScope::Account, slot).await;
        key.unwrap()
    }

    async fn set_key(&self, slot: KeySlot, key: &str) {
        let key = Key::new(key);
        let set = self.client.set_temp_url_key(KeyScope::Account, slot, &key);
        set.await.unwrap();
    }

    async fn put_container(&self, name: &str, run: Option<&str>) {
        let options = ContainerOptions {
            metadata: run
                .map(|run| ("run-id", run))
                .into_iter()
                .collect::<Metadata>(),
            ..ContainerOptions::default()
        };
        self.client.put_container(name, &options).await.unwrap();
    }
}

#[tokio::test]
async fn removes_what_a_killed_run_has_left() {
    let mine = Mine::start().await;
    let mut demo = mine.waiting_demo();
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert_eq!(mine.containers().await, ["python-demo"]);
    assert!(mine.key(KeySlot::One).await.is_some());

    let output = mine.home.run(&["cleanup", "--yes"]);
    assert_succeeded(&output);
    assert!(stdout(&output).contains("container python-demo: removed"));
    assert_eq!(mine.containers().await, Vec::<String>::new());
    assert!(mine.key(KeySlot::One).await.is_none());
    assert!(entries(&mine.home.ledger()).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn leaves_the_account_as_it_was_when_it_is_asked_to_end() {
    let mine = Mine::start().await;
    mine.put_container("python-demo", None).await;
    mine.set_key(KeySlot::One, "first").await;
    mine.set_key(KeySlot::Two, "second").await;

    let demo = mine.waiting_demo();
    assert_eq!(mine.containers().await.len(), 2);
    assert!(mine.key(KeySlot::One).await != Some(Key::new("first")));
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &demo.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = demo.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("interrupted"));
    assert_eq!(mine.containers().await, ["python-demo"]);
    assert!(mine.key(KeySlot::One).await == Some(Key::new("first")));
    assert!(mine.key(KeySlot::Two).await == Some(Key::new("second")));
    assert!(entries(&mine.home.ledger()).is_empty());
}

#[tokio::test]
async fn asks_the_server_what_became_of_a_plan_and_removes_only_what_carries_the_run() {
    let mine = Mine::start().await;
    mine.put_container("came-to-be", Some("run-1")).await;
    mine.put_container("of-another-run", Some("run-2")).await;
    mine.put_container("of-nobody", None).await;
    let plan = |id: u32, container: &str| {
        format!(
            r#"{{"id": {id}, "state": "planned", "run": "run-1", "planned_at": "2026-01-01T00:00:00Z", "resource":
               {{"kind": "container", "cloud": "mine", "account": "AUTH_test", "container": "{container}"}}}}"#
        )
    };
    let plans = [
        plan(1, "came-to-be"),
        plan(2, "of-another-run"),
        plan(3, "of-nobody"),
        plan(4, "never-was"),
    ];
    let ledger = mine.home.write(
        "ledger.json",
        format!(r#"{{"version": 1, "entries": [{}]}}"#, plans.join(",")),
    );

    let output = mine
        .home
        .run(&["cleanup", "--yes", "--ledger", "ledger.json"]);
    assert_succeeded(&output);
    assert_eq!(mine.containers().await, ["of-another-run", "of-nobody"]);
    assert!(entries(&ledger).is_empty());
}

#[tokio::test]
async fn leaves_a_container_with_somebody_elses_object_and_says_why() {
    let mine = Mine::start().await;
    let mut demo = mine.waiting_demo();
    demo.kill().unwrap();
    demo.wait().unwrap();
    let options = ObjectOptions::default();
    let put = mine
        .client
        .put_object("python-demo", "precious", "gold", &options);
    put.await.unwrap();

    let output = mine.home.run(&["cleanup", "--yes"]);
    assert!(assert_failed(&output).contains("1 could not be removed"));
    assert!(stdout(&output).contains("409"), "{}", stdout(&output));
    let left = entries(&mine.home.ledger());
    assert_eq!(left.len(), 1);
    assert!(left[0]["reason"].as_str().unwrap().contains("precious"));

    let delete = DeleteOptions::default();
    let deleted = mine
        .client
        .delete_object("python-demo", "precious", &delete);
    deleted.await.unwrap();
    assert_succeeded(&mine.home.run(&["cleanup", "--yes"]));
    assert_eq!(mine.containers().await, Vec::<String>::new());
}

#[tokio::test]
async fn leaves_a_key_that_somebody_else_has_set_since() {
    let mine = Mine::start().await;
    let mut demo = mine.waiting_demo();
    demo.kill().unwrap();
    demo.wait().unwrap();
    mine.set_key(KeySlot::One, "theirs").await;

    let output = mine.home.run(&["cleanup", "--yes"]);
    assert_succeeded(&output);
    assert!(stdout(&output).contains("changed by somebody else"));
    assert!(mine.key(KeySlot::One).await == Some(Key::new("theirs")));
}

#[tokio::test]
async fn writes_down_what_it_would_remove_and_then_removes_exactly_that() {
    let mine = Mine::start().await;
    let mut demo = mine.waiting_demo();
    demo.kill().unwrap();
    demo.wait().unwrap();

    assert_succeeded(&mine.home.run(&["cleanup", "--plan", "plan.json"]));
    assert_eq!(mine.containers().await, ["python-demo"]);
    let planned = entries(&mine.home.ledger()).len();
    let text = std::fs::read_to_string(mine.home.path("plan.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items = plan["items"].as_array().unwrap();
    assert_eq!(items.len(), planned);
    let key = items.iter().find(|item| item["action"] == "restore");
    assert!(key.unwrap()["resource"].get("former").is_none());

    // Whatever is recorded after the plan was made is not in it.
    let mut later = mine.waiting_demo();
    later.kill().unwrap();
    later.wait().unwrap();
    let both = mine.containers().await;
    assert_eq!(both.len(), 2);

    let output = mine.home.run(&["cleanup", "--apply", "plan.json", "--yes"]);
    let left: Vec<_> = both
        .into_iter()
        .filter(|name| name != "python-demo")
        .collect();
    assert_succeeded(&output);
    assert!(mine.key(KeySlot::One).await.is_none());
    assert!(mine.key(KeySlot::Two).await.is_some());
    assert_eq!(mine.containers().await, left);

    assert_succeeded(&mine.home.run(&["cleanup", "--yes"]));
    assert_eq!(mine.containers().await, Vec::<String>::new());
    assert!(mine.key(KeySlot::Two).await.is_none());
    assert!(entries(&mine.home.ledger()).is_empty());
}

#[tokio::test]
async fn skips_aloud_what_has_changed_since_the_plan() {
    let mine = Mine::start().await;
    let mut demo = mine.waiting_demo();
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert_succeeded(&mine.home.run(&["cleanup", "--plan", "plan.json"]));

    let name = {
        let listing = mine
            .client
            .list_objects("python-demo", ListOptions::default());
        let listing: Vec<_> = listing.try_collect().await.unwrap();
        let first = listing.into_iter().find_map(swift_client::Listed::item);
        first.unwrap().name
    };
    let get_options = swift_client::GetOptions::default();
    let head = mine.client.head_object("python-demo", &name, &get_options);
    let run = head
        .await
        .unwrap()
        .metadata
        .get("run-id")
        .unwrap()
        .to_owned();
    // Even with the run's id, it is not what the plan saw.
    let options = ObjectOptions {
        metadata: Metadata::from([("run-id", run.as_str())]),
        ..ObjectOptions::default()
    };
    let put = mine
        .client
        .put_object("python-demo", &name, "other", &options);
    put.await.unwrap();

    let output = mine.home.run(&["cleanup", "--apply", "plan.json", "--yes"]);
    assert_failed(&output);
    let told = format!("object python-demo/{name}: skipped: its ETag is");
    assert!(stdout(&output).contains(&told), "{}", stdout(&output));
    let get = mine.client.get_object("python-demo", &name, &get_options);
    assert_eq!(get.await.unwrap().bytes(100).await.unwrap(), "other");
    let left = entries(&mine.home.ledger());
    assert!(
        left.iter()
            .any(|entry| entry["resource"]["object"] == *name)
    );
}

#[tokio::test]
async fn refuses_a_plan_it_cannot_trust_and_removes_nothing() {
    let mine = Mine::start().await;
    let mut demo = mine.waiting_demo();
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert_succeeded(&mine.home.run(&["cleanup", "--plan", "plan.json"]));
    let text = std::fs::read_to_string(mine.home.path("plan.json")).unwrap();
    let damaged = [
        (text[..text.len() / 2].to_owned(), "EOF"),
        (
            text.replace("\"version\": 1", "\"version\": 2"),
            "version 2",
        ),
        (text.replace("\"action\"", "\"actoin\""), "actoin"),
        (
            text.replace("cloudfiles-cleanup-plan", "shopping-list"),
            "no plan",
        ),
    ];
    for (text, cause) in damaged {
        mine.home.write("damaged.json", text);
        let output = mine
            .home
            .run(&["cleanup", "--apply", "damaged.json", "--yes"]);
        let line = assert_failed(&output);
        assert!(
            line.contains(cause) && line.contains("damaged.json"),
            "{line}"
        );
    }
    assert_eq!(mine.containers().await, ["python-demo"]);
}

#[tokio::test]
async fn removes_only_what_the_filters_let_through() {
    let mine = Mine::start().await;
    let entry = |id: u32, run: &str, planned_at: &str, container: &str| {
        format!(
            r#"{{"id": {id}, "state": "confirmed", "run": "{run}", "planned_at": "{planned_at}", "resource":
               {{"kind": "container", "cloud": "mine", "account": "AUTH_test", "container": "{container}"}}}}"#
        )
    };
    let now = jiff::Timestamp::now().to_string();
    let all = [
        entry(1, "run-1", "2026-01-01T00:00:00Z", "old-1"),
        entry(2, "run-2", "2026-01-01T00:00:00Z", "old-2"),
        entry(3, "run-1", &now, "new-1"),
    ];
    for (container, run) in [("old-1", "run-1"), ("old-2", "run-2"), ("new-1", "run-1")] {
        mine.put_container(container, Some(run)).await;
    }
    mine.home.write(
        "ledger.json",
        format!(r#"{{"version": 1, "entries": [{}]}}"#, all.join(",")),
    );
    let cleanup = |more: &[&str]| {
        let arguments = [&["cleanup", "--yes", "--ledger", "ledger.json"], more].concat();
        assert_succeeded(&mine.home.run(&arguments));
    };
    cleanup(&["--cloud", "another"]);
    cleanup(&["--run", "run-3"]);
    assert_eq!(mine.containers().await, ["new-1", "old-1", "old-2"]);
    cleanup(&["--run", "run-1", "--older-than", "7d"]);
    assert_eq!(mine.containers().await, ["new-1", "old-2"]);
    cleanup(&["--older-than", "1h"]);
    assert_eq!(mine.containers().await, ["new-1"]);
    cleanup(&["--run", "run-1", "--run", "run-2", "--cloud", "mine"]);
    assert_eq!(mine.containers().await, Vec::<String>::new());
}

#[tokio::test]
async fn removes_the_segments_of_its_run_and_no_others() {
    let mine = Mine::start().await;
    let put = async |name: &str, run: &str| {
        let options = ObjectOptions {
            metadata: Metadata::from([("run-id", run)]),
            ..ObjectOptions::default()
        };
        let put = mine
            .client
            .put_object("c_segments", name, "segment", &options);
        put.await.unwrap();
    };
    mine.put_container("c_segments", None).await;
    for name in ["film/1", "film/2", "other/1"] {
        put(name, "run-1").await;
    }
    put("film/3", "run-2").await;
    let ledger = mine.home.write(
        "ledger.json",
        r#"{"version": 1, "entries": [{"id": 1, "state": "planned", "run": "run-1",
            "planned_at": "2026-01-01T00:00:00Z", "resource": {"kind": "segment-set", "cloud": "mine",
            "account": "AUTH_test", "container": "c_segments", "prefix": "film/"}}]}"#,
    );
    assert_succeeded(
        &mine
            .home
            .run(&["cleanup", "--yes", "--ledger", "ledger.json"]),
    );
    let listing = mine
        .client
        .list_objects("c_segments", ListOptions::default());
    let listing: Vec<_> = listing.try_collect().await.unwrap();
    let names = listing.into_iter().filter_map(swift_client::Listed::item);
    let names: Vec<_> = names.map(|object| object.name).collect();
    assert_eq!(names, ["film/3", "other/1"]);
    assert!(entries(&ledger).is_empty());
}
