//! The rules of the house that a compiler does not see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each member may use of the others, other than for its own tests.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("signing", &[]),
    ("ledger", &[]),
    ("identity", &[]),
    ("md5-lanes", &[]),
    ("swift-client", &["identity", "md5-lanes", "signing"]),
    ("cdn-client", &["identity", "swift-client"]),
    // The witness for the clients must not share their code.
    ("emulator", &["signing"]),
    (
        "demo-cli",
        &[
            "cdn-client",
            "emulator",
            "identity",
            "ledger",
            "signing",
            "swift-client",
        ],
    ),
    ("contract", &[]),
    ("photo-box", &["signing", "swift-client"]),
];

/// Crates that a member must do without, because of what it is for.
const NEVER_USES: [(&str, &[&str]); 3] = [
    // Pure: no I/O, no runtime, no HTTP types.
    (
        "signing",
        &["tokio", "hyper", "reqwest", "http", "serde_json"],
    ),
    ("ledger", &["tokio", "hyper", "reqwest", "http"]),
    // A server that leaned on a client's stack could inherit a client's mistakes.
    ("emulator", &["reqwest"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The members and what each depends on when it is built, tests aside.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        cargo.status.success(),
        "{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&cargo.stdout).expect("cargo metadata prints JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .expect("a list of dependencies");
            let built = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev");
            (
                text(&package["name"]),
                built.map(|dependency| text(&dependency["name"])).collect(),
            )
        })
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Names of the features: `features/slo.rs` and `features/slo/` are both `slo`.
fn features() -> BTreeSet<String> {
    let folder = root().join("emulator/src/features");
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let features: BTreeSet<_> = entries
        .map(|entry| entry.expect("an entry is readable").path())
        .map(|path| {
            path.file_stem()
                .expect("an entry has a name")
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "mod")
        .collect();
    assert!(!features.is_empty(), "there are features to look at");
    features
}

#[test]
fn members_use_only_the_members_they_may() {
    let dependencies = dependencies();
    let members: BTreeSet<_> = dependencies.keys().map(String::as_str).collect();
    let listed: BTreeSet<_> = MAY_USE.iter().map(|(member, _)| *member).collect();
    assert_eq!(
        members, listed,
        "MAY_USE lists every member of the workspace"
    );

    for (member, allowed) in MAY_USE {
        for used in &dependencies[member] {
            assert!(
                !members.contains(used.as_str()) || allowed.contains(&used.as_str()),
                "{member} must not use {used}"
            );
        }
    }
}

#[test]
fn members_do_without_the_crates_they_must_not_need() {
    let dependencies = dependencies();
    for (member, forbidden) in NEVER_USES {
        for used in forbidden {
            assert!(
                !dependencies[member].contains(*used),
                "{member} must not use {used}"
            );
        }
    }
}

#[test]
fn only_offline_rs_names_the_emulator_in_the_command_line_tool() {
    for file in rust_files(&root().join("crates/demo-cli/src")) {
        let source = std::fs::read_to_string(&file).expect("a source file is readable");
        // The command of that name is a module beside the others: where it is declared, the bare name means it.
        let has_module = source.contains("mod emulator;");
        let names_it = source.match_indices("emulator::").any(|(at, _)| {
            let before = &source[..at];
            !has_module && !before.ends_with("commands::") && !before.ends_with("super::")
        });
        assert!(
            !names_it || file.ends_with("offline.rs"),
            "{} names the emulator",
            file.display()
        );
    }
}

#[test]
fn features_do_not_import_each_other() {
    let features = features();
    let folder = root().join("emulator/src/features");
    for file in rust_files(&folder) {
        let inside = file.strip_prefix(&folder).expect("it was found there");
        let first = Path::new(
            inside
                .components()
                .next()
                .expect("a file has a name")
                .as_os_str(),
        );
        let own = first
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy();
        if own == "mod" {
            continue;
        }
        // From `slo/read.rs` the neighbours are one step further up than from `slo.rs`; `slo/mod.rs` is as `slo.rs`.
        let depth = inside.components().count() - usize::from(file.ends_with("mod.rs"));
        let up = "super::".repeat(depth);
        let source = std::fs::read_to_string(&file).expect("a source file is readable");
        for line in source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let relative = line
                .match_indices(&up)
                .filter(|(at, _)| !line[..*at].ends_with(':'));
            let steps: Vec<_> = line
                .match_indices("features::")
                .map(|(at, path)| &line[at + path.len()..])
                .chain(relative.map(|(at, _)| &line[at + up.len()..]))
                .collect();
            for step in steps {
                let name: String = step
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                assert!(
                    name == own || !(features.contains(&name) || step.starts_with('{')),
                    "{} reaches for a neighbour: {line}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn each_feature_has_a_file_in_the_contract() {
    let contract = root().join("tests/contract");
    let main =
        std::fs::read_to_string(contract.join("main.rs")).expect("the contract has a main.rs");
    for feature in features() {
        // Ours, not Swift's: no real cluster could pass it.
        if feature == "faults" {
            continue;
        }
        assert!(
            contract.join(format!("{feature}.rs")).is_file(),
            "tests/contract/{feature}.rs is missing"
        );
        assert!(
            main.contains(&format!("mod {feature};")),
            "tests/contract/main.rs leaves {feature} out"
        );
    }
}

#[test]
fn the_store_is_never_async() {
    let folder = root().join("emulator/src/store");
    for file in rust_files(&folder) {
        let source = std::fs::read_to_string(&file).expect("a source file is readable");
        let found = source.contains("async fn") || source.contains(".await");
        assert!(!found, "{} waits while it may hold a lock", file.display());
    }
}
