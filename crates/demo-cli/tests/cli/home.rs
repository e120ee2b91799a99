//! A place to run the command in, and what its output says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to run in, with nothing of the machine's settings.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudfiles"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.0.path())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.path(".local/state/cloudfiles/ledger.json")
    }
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[track_caller]
pub(crate) fn assert_succeeded(output: &Output) {
    let all = format!("{}{}", stdout(output), stderr(output));
    assert!(output.status.success(), "{}: {all}", output.status);
}

/// Asserts exit code 1 and one line on standard error, and gives that line.
#[track_caller]
pub(crate) fn assert_failed(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
    let line = stderr(output).strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "more than one line: {line}");
    line
}

/// The steps of `demo --json`, which are all that it prints.
pub(crate) fn steps(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn entries(ledger: &Path) -> Vec<Value> {
    let text = fs::read_to_string(ledger).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    document["entries"].as_array().unwrap().clone()
}
