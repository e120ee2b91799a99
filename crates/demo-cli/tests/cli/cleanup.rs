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
