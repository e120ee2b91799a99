//! Names and files that nobody wishes for: nothing is written where it should not be, nothing is replaced silently, and
//! each thing that cannot be done is one line, while the rest goes on.

use std::fs;

use emulator::Fault;
use serde_json::Value;
use swift_client::ObjectOptions;

use crate::home::{assert_failed, assert_succeeded, stderr, stdout};
use crate::world::World;

#[tokio::test]
async fn writes_nothing_outside_the_folder_and_names_each_object_it_cannot_write() {
    let world = World::start().await;
    for name in ["../evil", "a/../../evil", "/evil", "a//b", "good"] {
        world.put("bad", name, "x").await;
    }
    let output = world.run(&["download", "bad", "out/below"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).lines().count(), 4, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("bad/../evil: "),
        "{}",
        stderr(&output)
    );
    assert_eq!(world.read("out/below/good"), "x");
    assert!(!world.home.path("out/evil").exists());
    assert!(!world.home.path("evil").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn follows_no_link_out_of_the_folder() {
    let world = World::start().await;
    world.put("bad", "link/evil", "x").await;
    world.write("outside/kept", "x");
    fs::create_dir_all(world.home.path("out")).unwrap();
    std::os::unix::fs::symlink(world.home.path("outside"), world.home.path("out/link")).unwrap();
    let output = world.run(&["download", "bad", "out"]);
    assert!(assert_failed(&output).contains("bad/link/evil"));
    assert!(!world.home.path("outside/evil").exists());
}

#[tokio::test]
async fn replaces_no_file_that_differs_unless_it_is_told_to() {
    let world = World::start().await;
    world.put("c", "same", "same").await;
    world.put("c", "other", "theirs").await;
    world.write("out/same", "same");
    world.write("out/other", "mine");
    let output = world.run(&["download", "c", "out"]);
    assert!(assert_failed(&output).contains("out/other is there already and differs"));
    assert_eq!(world.read("out/other"), "mine");
    world.lines(&["download", "--overwrite", "c", "out"]);
    assert_eq!(world.read("out/other"), "theirs");
}

#[cfg(unix)]
#[tokio::test]
async fn leaves_what_is_no_ordinary_file_in_its_place() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    let _socket = std::os::unix::net::UnixListener::bind(world.home.path("socket")).unwrap();
    for arguments in [
        ["download", "c/o", "socket"].as_slice(),
        &["download", "--overwrite", "c/o", "socket"],
    ] {
        let output = world.run(arguments);
        assert!(assert_failed(&output).contains("no ordinary file"));
        assert!(!fs::metadata(world.home.path("socket")).unwrap().is_file());
    }
}

#[tokio::test]
async fn names_an_object_that_lies_below_another_as_a_folder_would() {
    let world = World::start().await;
    world.put("c", "a", "a file").await;
    world.put("c", "a/b", "a file in it").await;
    let output = world.run(&["download", "c", "out"]);
    assert!(assert_failed(&output).contains("c/a/b: a is an object"));
    assert_eq!(world.read("out/a"), "a file");
}

#[tokio::test]
async fn replaces_no_file_that_is_named_unless_it_is_told_to() {
    let world = World::start().await;
    world.put("c", "o", "theirs").await;
    world.write("mine", "mine");
    let output = world.run(&["download", "c/o", "mine"]);
    assert!(assert_failed(&output).contains("mine is there already and differs"));
    assert_eq!(world.read("mine"), "mine");
    world.lines(&["download", "c/o", "mine", "--overwrite"]);
    assert_eq!(world.read("mine"), "theirs");
}

#[tokio::test]
async fn knows_a_large_object_again_that_is_there_already() {
    let world = World::start().await;
    let content = "0123456789".repeat(50_000);
    world.write("big", &content);
    for (place, dlo) in [("c/slo", None), ("c/dlo", Some("--dlo"))] {
        let mut upload = vec!["upload", "big", place, "--segment-size", "200K"];
        upload.extend(dlo);
        world.lines(&upload);
        for action in ["download", "keep"] {
            let row = &world.json(&["download", place, "copy"])[0];
            assert_eq!(row["action"], action, "{row}");
        }
        world.write("copy", &content.replacen("90", "91", 1));
        let output = world.run(&["download", place, "copy"]);
        assert!(assert_failed(&output).contains("differs"));
        fs::remove_file(world.home.path("copy")).unwrap();
    }
}

#[tokio::test]
async fn takes_objects_that_mark_folders_for_folders() {
    let world = World::start().await;
    world.put("c", "a/b", "x").await;
    let marker = ObjectOptions {
        content_type: Some("application/directory".to_owned()),
        ..ObjectOptions::default()
    };
    for name in ["a", "empty"] {
        let put = world.client.put_object("c", name, "", &marker);
        put.await.unwrap();
    }
    world.lines(&["download", "c", "out"]);
    assert_eq!(world.read("out/a/b"), "x");
    assert!(world.home.path("out/empty").is_dir());
    world.lines(&["sync", "swift://c", "./synced"]);
    assert_eq!(world.read("synced/a/b"), "x");
}

#[tokio::test]
async fn prints_no_name_in_a_way_that_steers_a_terminal() {
    let world = World::start().await;
    let name = "a\u{1b}[2Jb\nc\u{9b}d\u{202e}e";
    world.write("in/plain", "x");
    world.put("c", name, "x").await;
    for arguments in [
        ["ls", "-r", "c"].as_slice(),
        &["ls", "-l", "c", "-v"],
        &["download", "c", "out", "-vv"],
        &["stat", &format!("c/{name}"), "-v"],
        &["cat", &format!("c/{name}?")],
        &["sync", "swift://c", "./in", "--delete"],
        &["rm", &format!("c/{name}")],
    ] {
        let output = world.run(arguments);
        for text in [stdout(&output), stderr(&output)] {
            let steers =
                |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
            assert!(!text.contains(steers), "{arguments:?}: {text:?}");
            assert!(!text.contains("b\nc"), "{arguments:?}: {text:?}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn names_each_file_that_cannot_be_read_and_uploads_the_rest() {
    use std::os::unix::fs::symlink;
    let world = World::start().await;
    world.write("in/good", "x");
    world.write("in/sub/good", "y");
    symlink("nowhere", world.home.path("in/gone")).unwrap();
    symlink(world.home.path("in"), world.home.path("in/loop")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.home.path("in/socket")).unwrap();
    let output = world.run(&["upload", "in", "c"]);
    assert_eq!(output.status.code(), Some(1));
    let mut told: Vec<_> = stderr(&output).lines().collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "error: upload in/gone: No such file or directory (os error 2)",
            "error: upload in/loop: a link to a folder is not followed",
            "error: upload in/socket: it is neither a file nor a folder",
        ]
    );
    assert_eq!(world.lines(&["ls", "-r", "c"]), ["good", "sub/good"]);
    // What is left out is no trouble, either.
    let left_out = [
        "--exclude",
        "gone",
        "--exclude",
        "loop",
        "--exclude",
        "socket",
    ];
    world.lines(&[&["upload", "in", "c"], &left_out[..]].concat());
}

#[tokio::test]
async fn names_each_object_that_is_over_quota_and_stores_the_rest() {
    let world = World::start().await;
    world.lines(&["create", "c", "--quota-bytes", "10"]);
    for (name, content) in [("1", "12345"), ("2", "much more than that"), ("3", "123")] {
        world.write(&format!("in/{name}"), content);
    }
    let rows = world.json(&["upload", "in", "c", "--concurrency", "1"]);
    let failed: Vec<_> = rows.iter().filter(|row| row["error"].is_string()).collect();
    assert_eq!(failed.len(), 1, "{rows:?}");
    assert_eq!(failed[0]["name"], "c/2");
    assert!(failed[0]["error"].to_string().contains("quota"));
    assert_eq!(world.lines(&["ls", "c"]), ["1", "3"]);
}

#[tokio::test]
async fn leaves_nothing_half_written_of_what_arrives_damaged_or_in_part() {
    let world = World::start().await;
    for name in ["cut", "damaged", "good"] {
        world.put("c", name, "some content").await;
    }
    let faults = world.emulator.faults();
    let on = |name: &str| Fault::on("GET", &format!("/v1/*/c/{name}"));
    faults.add(on("cut").cut_download_after(0)).unwrap();
    faults.add(on("damaged").flip_download_byte(2)).unwrap();
    for arguments in [
        ["download", "c", "out"].as_slice(),
        &["sync", "swift://c", "./out"],
    ] {
        let output = world.run(arguments);
        assert_eq!(output.status.code(), Some(1));
        let told = stderr(&output);
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.contains("download c/cut: "), "{told}");
        assert!(told.contains("download c/damaged: "), "{told}");
        let there: Vec<_> = fs::read_dir(world.home.path("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(there, ["good"]);
    }
}

#[tokio::test]
async fn stores_nothing_of_what_is_damaged_on_its_way() {
    let world = World::start().await;
    world.write("in/bad", "some content");
    world.write("in/good", "some content");
    let fault = Fault::on("PUT", "/v1/*/c/bad").flip_upload_byte(2);
    world.emulator.faults().add(fault).unwrap();
    let output = world.run(&["upload", "in", "c"]);
    assert!(assert_failed(&output).contains("upload c/bad: "));
    assert_eq!(world.lines(&["ls", "c"]), ["good"]);
}

#[cfg(unix)]
#[tokio::test]
async fn names_the_file_that_there_is_no_room_for_and_writes_the_rest() {
    let world = World::start().await;
    let content: &'static str = Box::leak("0123456789".repeat(1_000).into_boxed_str());
    world.put("c", "large", content).await;
    world.put("c", "small", "x").await;
    // A limit to the size of files does what a full disk does, without a disk of its own.
    let command = format!(
        "ulimit -f 8; trap '' XFSZ; exec {} download c out",
        env!("CARGO_BIN_EXE_cloudfiles")
    );
    let mut limited = world.command(&[]);
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", &command])
        .env_clear()
        .envs(
            limited
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(world.home.path(""));
    limited.stdin(std::process::Stdio::null());
    let output = shell.output().unwrap();
    let line = assert_failed(&output);
    assert!(line.contains("download c/large: "), "{line}");
    assert_eq!(world.read("out/small"), "x");
    let there = fs::read_dir(world.home.path("out")).unwrap().count();
    assert_eq!(there, 1, "nothing of the other one is left");
}

#[tokio::test]
async fn copies_nothing_into_itself() {
    let world = World::start().await;
    world.put("c", "a/1", "x").await;
    for verb in ["cp", "mv"] {
        for target in ["c/copy", "c"] {
            let output = world.run(&[verb, "-r", "c", target]);
            assert!(
                assert_failed(&output).contains("never end"),
                "{verb} {target}"
            );
        }
    }
    for (source, target) in [("swift://c", "swift://c/a"), ("swift://c/a", "swift://c")] {
        let output = world.run(&["sync", source, target, "--delete"]);
        assert_eq!(output.status.code(), Some(2), "{source} {target}");
    }
    assert_eq!(world.lines(&["ls", "-r", "c"]), ["a/1"]);
    world.lines(&["cp", "-r", "c/a", "c/ab"]);
    world.lines(&["cp", "c/**", "c/all/"]);
    world.lines(&["cp", "c/**", "c/all/"]);
    let all = world.lines(&["ls", "-r", "c"]);
    assert_eq!(all, ["a/1", "ab/1", "all/a/1", "all/ab/1"]);
}

#[tokio::test]
async fn loses_nothing_that_is_moved_to_the_same_place_by_another_clouds_name() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    let cloud = |name: &str| {
        format!(
            "  {name}: {{auth_type: v1password, auth: {{auth_url: '{}', username: 'test:tester', password: testing}}}}\n",
            world.emulator.auth_url()
        )
    };
    world.write(
        "clouds.yaml",
        &format!("clouds:\n{}{}", cloud("one"), cloud("two")),
    );
    let output = world.run(&["mv", "swift://one@c/o", "swift://two@c/o"]);
    assert!(assert_failed(&output).contains("the same place"));
    assert_eq!(world.lines(&["cat", "c/o"]), ["x"]);
    let output = world.run(&["sync", "swift://one@c", "swift://two@c", "--delete"]);
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn plans_no_deletion_where_the_source_is_not_there() {
    let world = World::start().await;
    world.write("kept/file", "x");
    for dry_run in [["-n"].as_slice(), &[]] {
        let sync = ["sync", "swift://nosuch", "./kept", "--delete"];
        let output = world.run(&[&sync[..], dry_run].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains("nothing more is deleted"));
    }
    assert_eq!(world.read("kept/file"), "x");
}

#[tokio::test]
async fn tells_in_a_dry_run_what_would_go_wrong() {
    let world = World::start().await;
    for name in ["../evil", "good", "other", "same"] {
        world.put("c", name, "theirs").await;
    }
    world.write("out/other", "mine");
    world.write("out/same", "theirs");
    let output = world.run(&["download", "c", "out", "-n"]);
    assert_eq!(output.status.code(), Some(1));
    let mut told: Vec<_> = stdout(&output).lines().collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "out/same is the same already",
            "would download c/good (out/good)"
        ]
    );
    assert!(stderr(&output).contains("download c/../evil: "));
    assert!(stderr(&output).contains("download c/other: "));
    world.write("in/good", "x");
    let output = world.run(&["upload", "in", "c", "-n", "--no-clobber"]);
    assert!(assert_failed(&output).contains("c/good: there is an object of this name"));
}

#[tokio::test]
async fn tells_why_it_ends_in_json_as_well() {
    let world = World::start().await;
    world.put("c", "o", "x").await;
    let error = |arguments: &[&str]| {
        let rows = world.json(arguments);
        let last = rows.last().map_or(Value::Null, |row| row["error"].clone());
        last.as_str().unwrap_or_default().to_owned()
    };
    assert!(error(&["cat", "c/nosuch"]).contains("404"));
    assert!(error(&["stat", "nosuch", "c/nosuch"]).contains("404"));
    assert!(error(&["download", "c/nosuch"]).contains("no object"));
    assert!(error(&["cdn", "ls"]).contains("no CDN"));
    assert!(error(&["capabilities", "nosuch"]).contains("nosuch"));
    assert!(error(&["tempurl", "create", "c"]).contains("CONTAINER/OBJECT"));
    assert!(error(&["ls", "--cloud", "nosuch"]).contains("nosuch"));
    let stat = world.json(&["stat", "nosuch", "c"]);
    assert_eq!(stat[1]["kind"], "container", "it goes on after a failure");
}

#[tokio::test]
async fn ends_well_when_nobody_reads_any_more() {
    let world = World::start().await;
    for number in 0..3 {
        let name = format!("object-{number}");
        world.put("c", &name, "x").await;
    }
    for arguments in [
        ["ls", "c"].as_slice(),
        &["cat", "c/object-0"],
        &["completions", "zsh"],
    ] {
        let mut command = world.command(arguments);
        command.stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    }
    assert_succeeded(&world.run(&["ls"]));
}
