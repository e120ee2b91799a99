//! `cloudfiles emulator start`: an emulator for other programs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::home::{Home, assert_failed, assert_succeeded, stdout};

/// An emulator that is ended with the test.
struct Running {
    child: Child,
    told: Value,
}

impl Running {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let start = ["emulator", "start", "--listen", "127.0.0.1:0"];
        let mut child = home
            .command(&[&start, arguments].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
        lines.read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap();
        Self { child, told }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn begins_with_a_folder_and_a_configuration_of_ones_own() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("tree/photos")).unwrap();
    home.write("tree/photos/cat.png", "a cat");
    home.write("ours.toml", "[[regions]]\nname = \"ORD\"\n");
    let running = Running::start(&home, &["--seed", "tree", "--config", "ours.toml"]);
    let mut list = home.command(&["ls", "photos"]);
    list.env("ST_AUTH", running.told["auth_url"].as_str().unwrap())
        .env("ST_USER", "test:tester")
        .env("ST_KEY", "testing");
    let output = list.output().unwrap();
    assert_succeeded(&output);
    assert_eq!(stdout(&output), "cat.png\n");
    assert_eq!(running.told["regions"]["ORD"], running.told["url"]);
}

#[test]
fn opens_its_control_surface_to_whoever_shows_the_token() {
    let home = Home::new();
    let running = Running::start(&home, &["--control-token", "open sesame"]);
    let url = running.told["url"].as_str().unwrap();
    let clock = ["emulator", "clock", "--url", url];
    assert_succeeded(&home.run(&[&clock[..], &["--control-token", "open sesame"]].concat()));
    let refused = home.run(&clock);
    assert!(assert_failed(&refused).contains("401"), "{refused:?}");
}

#[test]
fn takes_its_address_before_and_behind_what_is_to_be_done() {
    let home = Home::new();
    let running = Running::start(&home, &[]);
    let url = running.told["url"].as_str().unwrap();
    for arguments in [
        ["emulator", "account", "--url", url, "new"],
        ["emulator", "account", "new", "--url", url],
    ] {
        assert_succeeded(&home.run(&arguments));
    }
}

#[test]
fn says_what_is_wrong_with_what_it_should_begin_with() {
    let home = Home::new();
    let start = |arguments: &[&str]| {
        let start = ["emulator", "start", "--listen", "127.0.0.1:0"];
        home.run(&[&start, arguments].concat())
    };
    home.write("bad.toml", "[[region]]\nnamed = \"X\"\n");
    for (arguments, place) in [
        (["--config", "bad.toml"], "bad.toml"),
        (["--config", "none.toml"], "none.toml"),
        (["--restore", "none"], "none"),
        (["--seed", "nowhere"], "nowhere"),
    ] {
        let output = start(&arguments);
        let line = assert_failed(&output);
        assert!(line.contains(place), "{line}");
    }
}
