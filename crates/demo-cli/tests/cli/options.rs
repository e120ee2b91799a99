//! What people who come from other clients look for.

use std::fs;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;
use swift_client::{ContainerOptions, ObjectOptions, Versioning};

use crate::home::{Home, assert_failed, assert_succeeded, stdout};
use crate::world::World;

fn modified(world: &World, name: &str) -> SystemTime {
    let metadata = fs::metadata(world.home.path(name)).unwrap();
    metadata.modified().unwrap()
}

fn set_modified(world: &World, name: &str, at: SystemTime) {
    let file = fs::File::options()
        .write(true)
        .open(world.home.path(name))
        .unwrap();
    file.set_modified(at).unwrap();
}

#[tokio::test]
async fn keeps_a_files_time_there_and_back() {
    let world = World::start().await;
    world.write("file", "x");
    let at = SystemTime::UNIX_EPOCH + Duration::new(1_400_000_000, 123_456_000);
    set_modified(&world, "file", at);
    world.lines(&["upload", "file", "c/o"]);
    let kept = world.head("c", "o").await.metadata;
    assert_eq!(kept.get("mtime"), Some("1400000000.123456000"));
    world.lines(&["download", "c/o", "back"]);
    assert_eq!(modified(&world, "back"), at);
    world.lines(&["download", "c/o", "new", "--no-times"]);
    assert!(modified(&world, "new") > at);
}

#[tokio::test]
async fn brings_empty_folders_there_and_back_if_told_to() {
    let world = World::start().await;
    world.write("in/a/file", "x");
    fs::create_dir_all(world.home.path("in/a/empty")).unwrap();
    world.lines(&["upload", "in", "without"]);
    assert_eq!(world.lines(&["ls", "-r", "without"]), ["a/file"]);
    world.lines(&["upload", "in", "with", "--empty-folders"]);
    assert_eq!(world.lines(&["ls", "-r", "with"]), ["a/empty/", "a/file"]);
    world.lines(&["download", "with", "out"]);
    assert!(world.home.path("out/a/empty").is_dir());
    assert_eq!(
        world.lines(&["sync", "./in", "with", "-n", "--delete"]),
        [""; 0]
    );
}

#[tokio::test]
async fn gives_other_programs_a_token() {
    let world = World::start().await;
    let lines = world.lines(&["auth"]);
    let url = lines[0].strip_prefix("export OS_STORAGE_URL=").unwrap();
    let token = lines[1].strip_prefix("export OS_AUTH_TOKEN=").unwrap();
    let mut other = world.home.command(&["ls"]);
    other.env("OS_STORAGE_URL", url).env("OS_AUTH_TOKEN", token);
    assert_succeeded(&other.output().unwrap());
}

#[tokio::test]
async fn does_not_mind_what_is_gone_already_if_told_so() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    assert_failed(&world.run(&["rm", "c/o", "c/nosuch"]));
    world.lines(&["rm", "-f", "c/o", "c/nosuch"]);
    world.lines(&["delete", "-f", "nosuch"]);
    assert_failed(&world.run(&["rm", "-f", "nosuch/o"]));
}

#[test]
fn explains_each_command_at_length() {
    let home = Home::new();
    let help = home.run(&["help", "download"]);
    assert!(stdout(&help).contains("Nothing is written outside the folder"));
    assert!(stdout(&help).contains("With --json each line is"));
    let page = home.run(&["man", "cp"]);
    assert!(stdout(&page).contains("passes through here"));
}

#[tokio::test]
async fn leaves_alone_what_is_unchanged_or_identical() {
    let world = World::start().await;
    world.write("in/a", "one");
    world.write("in/large", &"0123456789".repeat(50_000));
    let upload = |option: &str| -> Vec<String> {
        let size = ["--segment-size", "200K"];
        let arguments = [&["upload", "in", "c", option], &size[..]].concat();
        let mut rows: Vec<_> = (world.json(&arguments).iter())
            .map(|row| {
                format!(
                    "{} {}",
                    row["action"].as_str().unwrap(),
                    row["name"].as_str().unwrap()
                )
            })
            .collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(upload("--changed"), ["upload c/a", "upload c/large"]);
    assert_eq!(upload("--changed"), ["keep c/a", "keep c/large"]);
    assert_eq!(upload("--skip-identical"), ["keep c/a", "keep c/large"]);
    // Another time, the same content.
    set_modified(&world, "in/a", SystemTime::UNIX_EPOCH);
    assert_eq!(upload("--skip-identical"), ["keep c/a", "keep c/large"]);
    assert_eq!(
        upload("--changed"),
        ["upload c/a", "keep c/large"]
            .map(str::to_owned)
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
    // Other content, of the same size and time.
    let at = modified(&world, "in/a");
    world.write("in/a", "two");
    set_modified(&world, "in/a", at);
    assert_eq!(upload("--changed"), ["keep c/a", "keep c/large"]);
    assert_eq!(upload("--skip-identical"), ["keep c/large", "upload c/a"]);
}

#[tokio::test]
async fn compares_content_in_a_sync_also_of_large_objects() {
    let world = World::start().await;
    world.write("in/a", "one");
    world.write("in/large", &"0123456789".repeat(50_000));
    world.lines(&["upload", "in", "c", "--segment-size", "200K"]);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_400_000_000);
    world.write("in/a", "two");
    world.write("in/large", &"0123456780".repeat(50_000));
    for name in ["in/a", "in/large"] {
        set_modified(&world, name, old);
    }
    let sync = |options: &[&str]| {
        world
            .lines(&[&["sync", "./in", "c", "-n"], options].concat())
            .len()
    };
    assert_eq!(sync(&[]), 0, "neither newer nor of another size");
    assert_eq!(sync(&["--checksum"]), 2);
    world.write("in/a", "another size");
    set_modified(&world, "in/a", old);
    assert_eq!(sync(&["--size-only"]), 1);
    world.lines(&["sync", "./in", "c", "--checksum"]);
    assert_eq!(sync(&["--checksum"]), 0);
}

#[tokio::test]
async fn lists_by_prefix_and_delimiter_and_counts() {
    let world = World::start().await;
    for name in ["a-1", "a-2", "b-1", "f/a-3"] {
        world.put("c", name, "12345").await;
    }
    assert_eq!(world.lines(&["ls", "c", "-p", "a"]), ["a-1", "a-2"]);
    assert_eq!(world.lines(&["ls", "c", "-d", "-"]), ["a-", "b-", "f/a-"]);
    assert_eq!(world.lines(&["ls", "c/f", "-p", "a"]), ["f/a-3"]);
    assert_eq!(world.lines(&["ls", "c", "-r", "-t"]), ["4 objects, 20 B"]);
    assert_eq!(world.lines(&["ls", "-t"]), ["1 container, 4 objects, 20 B"]);
    let totals = &world.json(&["ls", "c", "--totals"])[0];
    assert_eq!(totals["kind"], "totals");
    assert_eq!(
        (&totals["objects"], &totals["subdirs"]),
        (&3.into(), &1.into())
    );
    let long = world.lines(&["ls", "c", "-l", "--lh", "-p", "b"]);
    assert!(long[0].starts_with("          5 B"), "{long:?}");
}

#[tokio::test]
async fn downloads_several_things_and_whole_accounts() {
    let world = World::start().await;
    for (container, name) in [("c", "a/1"), ("c", "a/2"), ("c", "b"), ("d", "x")] {
        world.put(container, name, "content").await;
    }
    world.lines(&["download", "c/a", "c/b", "d", "some"]);
    for name in ["some/a/1", "some/a/2", "some/b", "some/d/x"] {
        assert_eq!(world.read(name), "content", "{name}");
    }
    world.lines(&["download", "--all", "everything"]);
    for name in ["everything/c/a/1", "everything/c/b", "everything/d/x"] {
        assert_eq!(world.read(name), "content", "{name}");
    }
    let output = world.run(&["download", "c/nosuch", "c/b", "more"]);
    assert!(assert_failed(&output).contains("c/nosuch"));
    assert_eq!(world.read("more/b"), "content");
}

#[tokio::test]
async fn reads_and_removes_older_versions() {
    let world = World::start().await;
    let keeping = ContainerOptions {
        versioning: Some(Versioning::Enabled(true)),
        ..ContainerOptions::default()
    };
    world.client.put_container("c", &keeping).await.unwrap();
    for content in ["old", "new"] {
        let options = ObjectOptions::default();
        let put = world.client.put_object("c", "o", content, &options);
        put.await.unwrap();
    }
    let versions = world.json(&["ls", "c", "--versions"]);
    let old = versions
        .iter()
        .find(|row| row["is_latest"] == false)
        .unwrap();
    let id = old["version_id"].as_str().unwrap();
    assert_eq!(world.lines(&["cat", "c/o", "--version-id", id]), ["old"]);
    world.lines(&["download", "c/o", "out", "--version-id", id]);
    assert_eq!(world.read("out"), "old");
    world.lines(&["rm", "c/o", "--version-id", id]);
    assert_eq!(world.json(&["ls", "c", "--versions"]).len(), 1);
    assert_eq!(world.lines(&["cat", "c/o"]), ["new"]);
}

#[tokio::test]
async fn sends_the_headers_that_it_is_given() {
    let world = World::start().await;
    world.put("c", "o", "0123456789").await;
    let part = world.run(&["cat", "c/o", "-H", "Range: bytes=2-4"]);
    assert_eq!(stdout(&part), "234");
    world.write("file", &"0123456789".repeat(30_000));
    let at = Timestamp::now().as_second() + 86_400;
    let expires = format!("X-Delete-At: {at}");
    world.lines(&[
        "upload",
        "file",
        "c/gone",
        "-H",
        &expires,
        "--segment-size",
        "100K",
    ]);
    let manifest = world.head("c", "gone").await;
    assert_eq!(manifest.delete_at.unwrap().as_second(), at);
    let segments = world.json(&["ls", "-r", "c_segments"]);
    let name = segments[0]["name"].as_str().unwrap();
    let segment = world.head("c_segments", name).await;
    assert_eq!(
        segment.delete_at.unwrap().as_second(),
        at,
        "its segments go with it"
    );
    let wrong = world.run(&["upload", "file", "c/o", "-H", "X-Delete-After: soon"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn signs_a_url_without_asking_any_cloud() {
    let home = Home::new();
    let arguments = [
        "tempurl",
        "create",
        "https://swift.example/v1/AUTH_account/container/an%20object",
        "--key",
        "mykey",
        "--expires",
        "@1440619048",
        "--digest",
        "sha1",
    ];
    let output = home.run(&arguments);
    assert_succeeded(&output);
    let url = stdout(&output).trim_end();
    assert!(
        url.starts_with(
            "https://swift.example/v1/AUTH_account/container/an%20object?temp_url_sig="
        ),
        "{url}"
    );
    assert_succeeded(&home.run(&[
        "tempurl",
        "verify",
        url,
        "--key",
        "mykey",
        "--at",
        "@1440619000",
    ]));
    let without_key = home.run(&arguments[..3]);
    assert_eq!(without_key.status.code(), Some(2));
    let no_object = home.run(&[
        "tempurl",
        "create",
        "https://swift.example/v1/AUTH_a",
        "--key",
        "k",
    ]);
    assert_eq!(no_object.status.code(), Some(2));
}

#[tokio::test]
async fn answers_in_json_whatever_the_verb() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    world.write("in/a", "x");
    let commands: [&[&str]; 20] = [
        &["ls"],
        &["stat", "c"],
        &["create", "d"],
        &["upload", "in", "d"],
        &["cp", "c/o", "d/o"],
        &["mv", "d/o", "d/p"],
        &["post", "d/p", "-m", "a=b"],
        &["sync", "swift://d", "./out"],
        &["rm", "d/p"],
        &["delete", "-r", "d"],
        &["tempurl", "key", "set", "--key", "k"],
        &["tempurl", "key", "show"],
        &["tempurl", "create", "c/o"],
        &["tempurl", "key", "remove"],
        &["formpost", "c", "--key", "k"],
        &["capabilities"],
        &["segments", "audit"],
        &["emulator", "clock"],
        &["emulator", "snapshot", "state"],
        &["emulator", "restore", "state"],
    ];
    for command in commands {
        let output = world.run(&[command, &["--json"]].concat());
        assert_succeeded(&output);
        assert_ne!(stdout(&output), "", "{command:?}");
        for line in stdout(&output).lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(row.is_object(), "{command:?}: {line}");
        }
    }
}
