//! The verbs of every day, against an emulator that the test holds.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::home::{Home, assert_failed, assert_succeeded, stderr, stdout};
use crate::world::World;

#[tokio::test]
async fn brings_a_folder_there_and_back() {
    let world = World::start().await;
    world.write("in/a.txt", "one");
    world.write("in/sub/b \u{fc}.txt", "two");
    world.lines(&["upload", "in", "photos/x"]);
    assert_eq!(world.lines(&["ls", "photos"]), ["x/"]);
    let all = world.lines(&["ls", "-r", "swift://photos"]);
    assert_eq!(all, ["x/a.txt", "x/sub/b \u{fc}.txt"]);
    world.lines(&["download", "photos/x", "out"]);
    assert_eq!(world.read("out/a.txt"), "one");
    assert_eq!(world.read("out/sub/b \u{fc}.txt"), "two");
}

#[tokio::test]
async fn gives_content_as_it_is_whatever_it_is() {
    let world = World::start().await;
    let content: Vec<u8> = (0..=255).chain(*b"\x1b[31mred\x1b[0m\xff\x9b1m").collect();
    let content: &'static [u8] = content.leak();
    world.put("c", "o", content).await;
    for arguments in [["cat", "c/o"].as_slice(), &["download", "c/o", "-"]] {
        assert_eq!(world.run(arguments).stdout, content);
    }
}

#[tokio::test]
async fn takes_standard_input_and_gives_standard_output() {
    let world = World::start().await;
    let mut upload = world.command(&["upload", "-", "pipes/o"]);
    let mut upload = upload.stdin(Stdio::piped()).spawn().unwrap();
    upload
        .stdin
        .take()
        .unwrap()
        .write_all(b"from a pipe")
        .unwrap();
    assert!(upload.wait().unwrap().success());
    for arguments in [["cat", "pipes/o"].as_slice(), &["download", "pipes/o", "-"]] {
        let output = world.run(arguments);
        assert_succeeded(&output);
        assert_eq!(stdout(&output), "from a pipe");
    }
    let part = world.run(&["cat", "--range", "0-3", "pipes/o"]);
    assert_eq!(stdout(&part), "from");
}

#[tokio::test]
async fn does_what_a_dry_run_has_told_and_then_nothing_more() {
    let world = World::start().await;
    world.put("c", "old", "x").await;
    world.write("in/new", "one");
    world.write("in/sub/new", "two");
    let told = |line: &String| {
        line.replace("would upload", "uploaded")
            .replace("would delete", "deleted")
    };
    let sync = ["sync", "./in", "c", "--delete"];
    let mut planned: Vec<_> = world
        .lines(&[&sync[..], &["-n"]].concat())
        .iter()
        .map(told)
        .collect();
    assert_eq!(world.lines(&["ls", "c"]), ["old"], "a dry run does nothing");
    let mut done = world.lines(&sync);
    for line in planned.iter_mut().chain(&mut done) {
        *line = line.split(" (").next().unwrap().to_owned();
    }
    planned.sort();
    done.sort();
    assert_eq!(done, planned);
    assert_eq!(
        done,
        ["deleted c/old", "uploaded c/new", "uploaded c/sub/new"]
    );
    assert_eq!(world.lines(&sync), Vec::<String>::new());
    world.lines(&["sync", "swift://c", "back"]);
    assert_eq!(world.read("back/sub/new"), "two");
    assert_eq!(
        world.lines(&["sync", "swift://c", "back"]),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn copies_moves_and_deletes() {
    let world = World::start().await;
    world.put("c", "a/1.txt", "x").await;
    world.put("c", "a/2.jpg", "y").await;
    world.lines(&["cp", "-r", "c/a", "c/b"]);
    world.lines(&["mv", "c/a/1.txt", "c/moved"]);
    world.lines(&["rm", "c/**/*.jpg"]);
    assert_eq!(world.lines(&["ls", "-r", "c"]), ["b/1.txt", "moved"]);
    let refused = world.run(&["rm", "c/b/"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(assert_failed(&world.run(&["delete", "c"])).contains("not empty"));
    world.lines(&["delete", "-r", "c"]);
    assert_eq!(world.lines(&["ls"]), Vec::<String>::new());
}

#[tokio::test]
async fn keeps_an_objects_metadata_that_is_not_named() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    world.lines(&["post", "c/o", "-m", "Colour=blue", "-m", "Mood=fine"]);
    world.lines(&["post", "c/o", "-R", "Mood", "-m", "Size=small"]);
    let stat: Value = serde_json::from_str(&world.lines(&["stat", "--json", "c/o"])[0]).unwrap();
    assert_eq!(stat["headers"]["x-object-meta-colour"], "blue");
    assert_eq!(stat["headers"]["x-object-meta-size"], "small");
    assert_eq!(stat["headers"]["x-object-meta-mood"], Value::Null);
}

#[tokio::test]
async fn makes_temp_urls_and_says_why_one_does_not_work() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    let none = world.run(&["tempurl", "create", "c/o"]);
    assert!(assert_failed(&none).contains("tempurl key generate"));
    world.lines(&["tempurl", "key", "generate"]);
    let url = &world.lines(&["tempurl", "create", "c/o", "--expires", "10m"])[0];
    assert!(world.lines(&["tempurl", "verify", url])[0].contains("key 1 of the account"));
    let put = world.run(&["tempurl", "explain", url, "--method", "PUT"]);
    assert_eq!(put.status.code(), Some(1));
    assert!(stdout(&put).contains("signed for GET, not for PUT"));
    let late = world.run(&["tempurl", "explain", url, "--at", "11m"]);
    assert!(stdout(&late).contains("expired"), "{}", stdout(&late));
    world.emulator.clock().advance(Duration::from_mins(11));
    let there = world.run(&["tempurl", "explain", url]);
    assert!(stdout(&there).contains("expired"), "{}", stdout(&there));
    let offline = world.run(&["tempurl", "explain", url, "--key", "another"]);
    assert!(stdout(&offline).contains("matches none of the keys"));
}

#[tokio::test]
async fn goes_on_when_one_thing_is_not_there_and_takes_options_on_either_side_of_the_verb() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    let output = world.run(&["--json", "ls", "nosuch", "c"]);
    assert!(assert_failed(&output).contains("nosuch"));
    let rows: Vec<Value> = stdout(&output)
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    assert!(rows[0]["error"].as_str().unwrap().contains("404"));
    assert_eq!(rows[1]["name"], "o");
    let missing = world.run(&["upload", "no-such-file", "c"]);
    assert!(assert_failed(&missing).contains("no-such-file"));
}

#[tokio::test]
async fn shows_requests_and_no_token_when_asked_to() {
    let world = World::start().await;
    let output = world.run(&["-v", "ls"]);
    assert_succeeded(&output);
    assert!(
        stderr(&output).contains("GET AUTH_test"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("trans_id"));
    assert!(!stderr(&output).contains("AUTH_tk"));
}

#[tokio::test]
async fn steers_an_emulator() {
    let world = World::start().await;
    world.lines(&["emulator", "clock", "freeze"]);
    let clock = |lines: Vec<String>| {
        serde_json::from_str::<Value>(&lines[0]).unwrap()["unix"]
            .as_f64()
            .unwrap()
    };
    let before = clock(world.lines(&["emulator", "clock", "--json"]));
    let after = clock(world.lines(&["emulator", "clock", "--json", "advance", "2m"]));
    assert!((after - before - 120.0).abs() < 0.01, "{before} {after}");
}

#[cfg(unix)]
#[tokio::test]
async fn says_how_to_go_on_when_it_is_interrupted_and_leaves_no_object() {
    let world = World::start().await;
    let mut upload = world.command(&["-v", "upload", "-", "c/o"]);
    upload
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    let mut upload = upload.spawn().unwrap();
    // The container is made before the pipe is read.
    let mut told = std::io::BufReader::new(upload.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("PUT AUTH_test/c") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut told, &mut line).unwrap() > 0);
    }
    let pid = upload.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(upload.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut told, &mut rest).unwrap();
    assert!(
        rest.contains("interrupted; run the same command again"),
        "{rest}"
    );
    assert_eq!(world.lines(&["ls", "c"]), Vec::<String>::new());
}

#[test]
fn prints_completions_and_a_manual() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = home.run(&["completions", shell]);
        assert_succeeded(&output);
        assert!(stdout(&output).contains("download"));
    }
    assert!(stdout(&home.run(&["man"])).contains(".TH cloudfiles 1"));
    assert_succeeded(&home.run(&["man", "--dir", "pages"]));
    assert!(home.path("pages/cloudfiles-upload.1").is_file());
}
