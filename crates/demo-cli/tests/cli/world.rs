//! An emulator for the command to work on.

use std::fs;
use std::process::Output;

use emulator::Emulator;
use futures_util::TryStreamExt;
use serde_json::Value;
use swift_client::{
    Body, Client, ContainerOptions, Credentials, GetOptions, ListOptions, Listed, ObjectInfo,
    ObjectOptions,
};

use crate::home::{Home, assert_succeeded, stdout};

/// An emulator that the variables of the command lead to, and a client to prepare it with.
pub(crate) struct World {
    pub(crate) home: Home,
    pub(crate) client: Client,
    pub(crate) emulator: Emulator,
}

impl World {
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let me = Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
        let client = Client::builder(me).build().unwrap();
        Self {
            home: Home::new(),
            client,
            emulator,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.home.command(arguments);
        command
            .env("ST_AUTH", self.emulator.auth_url())
            .env("ST_USER", "test:tester")
            .env("ST_KEY", "testing")
            .env("CLOUDFILES_EMULATOR", self.emulator.url());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed, and gives its lines.
    #[track_caller]
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(arguments);
        assert_succeeded(&output);
        stdout(&output).lines().map(str::to_owned).collect()
    }

    pub(crate) async fn put(&self, container: &str, object: &str, content: impl Into<Body>) {
        let options = ContainerOptions::default();
        self.client
            .put_container(container, &options)
            .await
            .unwrap();
        let options = ObjectOptions::default();
        let put = self.client.put_object(container, object, content, &options);
        put.await.unwrap();
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.home.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.path(name)).unwrap()
    }

    /// Runs it with --json, whatever comes of it, and gives the lines of standard output.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--json"]].concat());
        let lines = stdout(&output).lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) async fn head(&self, container: &str, object: &str) -> ObjectInfo {
        let options = GetOptions::default();
        let head = self.client.head_object(container, object, &options);
        head.await.unwrap()
    }

    /// All objects of the account: container, name, ETag and metadata, but for times.
    pub(crate) async fn objects(&self) -> Vec<String> {
        let containers = self.client.list_containers(ListOptions::default());
        let containers: Vec<_> = containers.try_collect().await.unwrap();
        let mut found = Vec::new();
        for container in containers.into_iter().filter_map(Listed::item) {
            found.push(container.name.clone());
            let listing = self
                .client
                .list_objects(&container.name, ListOptions::default());
            let objects: Vec<_> = listing.try_collect().await.unwrap();
            for object in objects.into_iter().filter_map(Listed::item) {
                found.push(format!(
                    "{}/{} {}",
                    container.name, object.name, object.etag
                ));
            }
        }
        found
    }
}
