//! An account with things of others in it, and the programs that are killed there.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cdn_client::CdnClient;
use emulator::Emulator;
use emulator::defaults::{RACKSPACE_API_KEY, RACKSPACE_USER};
use futures_util::TryStreamExt;
use http::HeaderMap;
use ledger::{Ledger, Resource};
use serde_json::Value;
use signing::Key;
use swift_client::{
    Client, ContainerOptions, Credentials, GetOptions, KeyScope, KeySlot, ListOptions, Listed,
    Metadata, ObjectOptions,
};
use tempfile::TempDir;

use crate::proxy::{Moment, Proxy};

const LEDGER: &str = ".local/state/cloudfiles/ledger.json";

/// What is killed: together they make every kind of thing. The demo comes as far as the step in which it would wait for an
/// hour; it is ended there.
pub(crate) const PROGRAMS: [&[&str]; 6] = [
    &["demo", "--cloud", "mine", "--expires", "3600"],
    &[
        "upload",
        "film",
        "films/film",
        "--segment-size",
        "300K",
        "--cloud",
        "mine",
        "--ledger",
        LEDGER,
    ],
    &[
        "cdn", "publish", "photos", "--cloud", "mine", "--ledger", LEDGER,
    ],
    &[
        "tempurl", "key", "rotate", "--cloud", "mine", "--ledger", LEDGER,
    ],
    &["emulator", "account", "new", "--ledger", LEDGER],
    &["cleanup", "--yes", "--settle", "0"],
];

/// When to kill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// At a message on the wire.
    At(Moment),
    /// When the ledger's journal has changed so many times.
    AtRecord(u32),
    /// After so much time.
    Later(Duration),
}

impl Kill {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::At(Moment::Before(_)) => "before a request",
            Self::At(Moment::After(_)) => "after a request",
            Self::AtRecord(_) => "after a record",
            Self::Later(_) => "at random",
        }
    }
}

pub(crate) struct World {
    home: TempDir,
    proxy: Proxy,
    client: Client,
    _emulator: Emulator,
}

/// All that can be seen of an account, by where it was seen.
pub(crate) type Account = BTreeMap<String, String>;

impl World {
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let proxy = Proxy::start(emulator.address());
        let home = tempfile::tempdir().unwrap();
        let settings = format!(
            "clouds: {{mine: {{auth_type: rackspace_apikey, auth: {{auth_url: '{}/v2.0', \
             username: {RACKSPACE_USER}, api_key: {RACKSPACE_API_KEY}}}}}}}",
            proxy.url()
        );
        fs::write(home.path().join("clouds.yaml"), settings).unwrap();
        // Four segments, no two of them alike.
        let film: Vec<u8> = (0..250_000_u32).flat_map(u32::to_le_bytes).collect();
        fs::write(home.path().join("film"), film).unwrap();
        let url = emulator.identity_url();
        let credentials = Credentials::rackspace_api_key(url, RACKSPACE_USER, RACKSPACE_API_KEY);
        let world = Self {
            home,
            proxy,
            client: Client::builder(credentials).build().unwrap(),
            _emulator: emulator,
        };
        world.furnish().await;
        world
    }

    /// Things of others: with the names the command likes, with marks like its own, and a key.
    async fn furnish(&self) {
        let of_another_run = Metadata::from([("run-id", "demo-00000000")]);
        for (container, metadata) in [
            ("python-demo", Metadata::new()),
            ("photos", of_another_run.clone()),
        ] {
            let options = ContainerOptions {
                metadata,
                ..ContainerOptions::default()
            };
            self.client
                .put_container(container, &options)
                .await
                .unwrap();
            for object in ["python-demo.png", "guest/hello.txt"] {
                let options = ObjectOptions {
                    metadata: of_another_run.clone(),
                    ..ObjectOptions::default()
                };
                let put = self
                    .client
                    .put_object(container, object, "precious", &options);
                put.await.unwrap();
            }
        }
        let cdn = CdnClient::new(&self.client);
        cdn.publish("python-demo", None).await.unwrap();
        let key = Key::new("theirs");
        let set = self
            .client
            .set_temp_url_key(KeyScope::Account, KeySlot::One, &key);
        set.await.unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudfiles"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("CLOUDFILES_EMULATOR", self.proxy.url())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn ledger(&self) -> PathBuf {
        self.home.path().join(LEDGER)
    }

    /// Runs a program to its end, or until it only waits, and tells how many messages it sent.
    pub(crate) fn let_through(&self, arguments: &[&str]) -> u32 {
        self.proxy.arm(None, || {});
        let mut child = self.command(arguments).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(2);
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.proxy.settle()
    }

    /// Runs a program and kills it at the moment; false if it had ended before that.
    pub(crate) fn kill(&self, arguments: &[&str], kill: Kill) -> bool {
        let victim = Arc::new(Mutex::new(None::<std::process::Child>));
        let strike = {
            let victim = Arc::clone(&victim);
            move || {
                if let Some(child) = victim.lock().unwrap().as_mut() {
                    child.kill().unwrap();
                }
            }
        };
        let moment = match kill {
            Kill::At(moment) => Some(moment),
            Kill::AtRecord(_) | Kill::Later(_) => None,
        };
        // The proxy cannot strike before the child is there to be struck: both take the lock.
        let mut slot = victim.lock().unwrap();
        self.proxy.arm(moment, strike);
        *slot = Some(self.command(arguments).spawn().unwrap());
        drop(slot);

        let started = Instant::now();
        let mut journal = Journal::new(self.ledger().with_extension("json.journal"));
        let mut killed = false;
        loop {
            let mut slot = victim.lock().unwrap();
            let child = slot.as_mut().unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                killed |= self.proxy.has_struck();
                assert!(killed || status.success(), "{arguments:?}: {status}");
                break;
            }
            let now = match kill {
                Kill::AtRecord(count) => journal.changes() >= count,
                Kill::Later(delay) => started.elapsed() >= delay,
                Kill::At(_) => false,
            };
            // Whoever only waits has passed the moment.
            if !killed && (now || started.elapsed() > Duration::from_secs(2)) {
                killed = true;
                child.kill().unwrap();
            }
            drop(slot);
            std::thread::yield_now();
        }
        self.proxy.settle();
        killed
    }

    /// The ledger is readable, whatever happened.
    pub(crate) fn reopen(&self) {
        if self.ledger().exists() {
            let ledger = Ledger::<Resource>::open_existing(self.ledger()).unwrap();
            ledger.entries().unwrap();
            ledger.close().unwrap();
        }
    }

    /// A clean-up that is let through, after which nothing is recorded any more.
    pub(crate) fn clean_up(&self) {
        self.proxy.arm(None, || {});
        let output = self
            .command(&["cleanup", "--yes", "--settle", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        self.proxy.settle();
        let ledger = Ledger::<Resource>::open_existing(self.ledger()).unwrap();
        assert_eq!(ledger.entries().unwrap(), []);
        ledger.close().unwrap();
    }

    /// The names of all accounts of the emulator.
    fn accounts(&self) -> String {
        self.proxy.arm(None, || {});
        let output = self
            .command(&["emulator", "account", "--json"])
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        assert!(output.status.success());
        self.proxy.settle();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let accounts = answer["accounts"].as_array().unwrap();
        let names = accounts.iter().map(|listed| listed["account"].as_str());
        names.map(Option::unwrap).collect::<Vec<_>>().join(" ")
    }

    pub(crate) async fn account(&self) -> Account {
        let mut seen = Account::new();
        let account = self.client.head_account().await.unwrap();
        seen.insert("account".to_owned(), lasting(&account.headers));
        let containers = self.client.list_containers(ListOptions::default());
        let containers: Vec<_> = containers.try_collect().await.unwrap();
        for container in containers.into_iter().filter_map(Listed::item) {
            let head = self.client.head_container(&container.name).await.unwrap();
            seen.insert(container.name.clone(), lasting(&head.headers));
            let objects = self
                .client
                .list_objects(&container.name, ListOptions::default());
            let objects: Vec<_> = objects.try_collect().await.unwrap();
            for object in objects.into_iter().filter_map(Listed::item) {
                let head = self
                    .client
                    .head_object(&container.name, &object.name, &GetOptions::default())
                    .await
                    .unwrap();
                let name = format!("{}/{}", container.name, object.name);
                seen.insert(name, lasting(&head.headers));
            }
        }
        seen.insert("accounts".to_owned(), self.accounts());
        let cdn = CdnClient::new(&self.client);
        let published: Vec<_> = cdn
            .list(cdn_client::ListOptions::default())
            .try_collect()
            .await
            .unwrap();
        for container in published {
            let name = format!("CDN {}", container.name);
            seen.insert(name, format!("{container:?}"));
        }
        seen
    }
}

/// Headers without those that are new with each answer.
fn lasting(headers: &HeaderMap) -> String {
    let mut lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| {
            !matches!(
                name.as_str(),
                "date" | "x-trans-id" | "x-openstack-request-id"
            )
        })
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Watches the length of the journal.
struct Journal {
    path: PathBuf,
    length: u64,
    changes: u32,
}

impl Journal {
    fn new(path: PathBuf) -> Self {
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self {
            path,
            length,
            changes: 0,
        }
    }

    /// How often it was seen to change.
    fn changes(&mut self) -> u32 {
        let length = fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if length != self.length {
            self.length = length;
            self.changes += 1;
        }
        self.changes
    }
}
