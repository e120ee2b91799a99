//! What every verb that makes something writes into the ledger, and that a clean-up leaves the account as it was.

use std::fs;

use crate::home::{assert_failed, assert_succeeded, entries, stdout};
use crate::world::World;

#[tokio::test]
async fn records_what_it_makes_so_that_a_clean_up_removes_it_and_nothing_else() {
    let world = World::start().await;
    world.put("theirs", "o", "x").await;
    world.write("file", "x");
    let ledger = ["--ledger", "made.json"];
    for command in [
        ["create", "mine"].as_slice(),
        &["upload", "file", "mine"],
        &["cp", "theirs/o", "theirs/copy"],
    ] {
        world.lines(&[command, &ledger].concat());
    }
    assert_eq!(
        world
            .lines(&[&["ledger", "ls"], &ledger[..]].concat())
            .len(),
        3
    );
    world.lines(&[&["cleanup", "--yes"], &ledger[..]].concat());
    assert_eq!(world.lines(&["ls"]), ["theirs"]);
    assert_eq!(world.lines(&["ls", "theirs"]), ["o"]);
}

#[tokio::test]
async fn every_verb_that_makes_something_records_it() {
    let world = World::start().await;
    world.put("theirs", "o", "x").await;
    world.put("theirs", "f/1", "x").await;
    world.put("theirs_segments", "o", "x").await;
    world.lines(&["tempurl", "key", "set", "--key", "former"]);
    world.write("in/small", "x");
    world.write("in/large", &"0123456789".repeat(300_000));
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    archive
        .append_data(&mut header, "from/tar", &b"hello"[..])
        .unwrap();
    fs::write(world.home.path("a.tar"), archive.into_inner().unwrap()).unwrap();
    let before = world.objects().await;
    let key = world.lines(&["tempurl", "key", "show"]);

    let commands: [(&[&str], &[&str]); 11] = [
        (&["create", "mine"], &["container"]),
        (&["upload", "in/small", "mine"], &["object"]),
        (
            &["upload", "in/large", "mine", "--segment-size", "1M"],
            &["container", "segment-set", "object"],
        ),
        (
            &[
                "upload",
                "in/large",
                "theirs/dlo",
                "--segment-size",
                "1M",
                "--dlo",
                "--delete-after",
                "7d",
            ],
            &["segment-set", "object"],
        ),
        (&["cp", "mine/large", "mine/copy"], &["object"]),
        (&["cp", "theirs/o", "theirs/copy"], &["object"]),
        (&["mv", "theirs/copy", "theirs/moved"], &["object"]),
        (
            &["sync", "swift://theirs/f", "swift://synced"],
            &["container", "object"],
        ),
        (
            &["sync", "./in", "synced/in", "--include", "small"],
            &["object"],
        ),
        (
            &["bulk", "upload", "a.tar", "unpacked/there"],
            &["container", "segment-set"],
        ),
        (
            &["tempurl", "key", "rotate"],
            &["temp-url-key", "temp-url-key"],
        ),
    ];
    let ledger = world.home.path("made.json");
    let mut known = 0;
    for (command, kinds) in commands {
        world.lines(&[command, &["--ledger", "made.json"]].concat());
        let all = entries(&ledger);
        let new: Vec<_> = all[known..]
            .iter()
            .map(|entry| entry["resource"]["kind"].as_str().unwrap())
            .collect();
        assert_eq!(new, kinds, "{command:?}");
        assert!(
            all[known..]
                .iter()
                .all(|entry| entry["state"] == "confirmed"),
            "{command:?}"
        );
        known = all.len();
    }
    world.lines(&["cleanup", "--yes", "--ledger", "made.json"]);
    assert_eq!(world.objects().await, before);
    assert_eq!(world.lines(&["tempurl", "key", "show"]), key);
    assert!(entries(&ledger).is_empty());
}

#[tokio::test]
async fn records_where_the_configuration_says_without_being_told() {
    let world = World::start().await;
    fs::create_dir_all(world.home.path(".config/openstack")).unwrap();
    world.write(
        ".config/openstack/clouds.yaml",
        "cloudfiles: {ledger: ~/kept/made.json}\n",
    );
    world.lines(&["create", "mine"]);
    assert_eq!(entries(&world.home.path("kept/made.json")).len(), 1);
    // The variable and the option go before it.
    let mut other = world.command(&["create", "other"]);
    other.env("CLOUDFILES_LEDGER", "other.json");
    assert_succeeded(&other.output().unwrap());
    assert_eq!(entries(&world.home.path("other.json")).len(), 1);
    world.lines(&["cleanup", "--yes"]);
    assert_eq!(world.lines(&["ls"]), ["other"]);
}

#[tokio::test]
async fn records_no_archive_whose_containers_nobody_knows() {
    let world = World::start().await;
    fs::write(world.home.path("a.tar"), "").unwrap();
    let output = world.run(&["bulk", "upload", "a.tar", "--ledger", "made.json"]);
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn leaves_what_was_published_before_to_whoever_published_it() {
    let world = World::start().await;
    let on_the_cdn = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command
            .env_remove("ST_AUTH")
            .env("OS_AUTH_URL", world.emulator.identity_url())
            .env("OS_USERNAME", emulator::defaults::RACKSPACE_USER)
            .env("OS_API_KEY", emulator::defaults::RACKSPACE_API_KEY)
            .env("OS_AUTH_TYPE", "rackspace_apikey")
            .env("OS_REGION_NAME", "DFW");
        command.output().unwrap()
    };
    let succeeds = |arguments: &[&str]| assert_succeeded(&on_the_cdn(arguments));
    for container in ["new", "old"] {
        succeeds(&["create", container]);
    }
    succeeds(&["cdn", "publish", "old"]);
    for container in ["new", "old"] {
        succeeds(&[
            "cdn",
            "publish",
            container,
            "--ttl",
            "900",
            "--ledger",
            "made.json",
        ]);
    }
    let made = entries(&world.home.path("made.json"));
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0]["resource"]["container"], "new");

    // What somebody has changed since it was planned is skipped.
    succeeds(&["cleanup", "--plan", "plan.json", "--ledger", "made.json"]);
    succeeds(&["cdn", "ttl", "new", "1000"]);
    let skipped = on_the_cdn(&["cleanup", "--yes", "--apply", "plan.json"]);
    assert_failed(&skipped);
    assert!(stdout(&skipped).contains("published in another way than before"));
    succeeds(&["cleanup", "--yes", "--ledger", "made.json"]);
    let listed = on_the_cdn(&["cdn", "ls", "--all"]);
    assert_eq!(stdout(&listed).lines().count(), 1, "{listed:?}");
    assert!(stdout(&listed).contains("old"));
}

#[tokio::test]
async fn containers_of_segments_that_several_uploads_need_at_once_are_removed() {
    let world = World::start().await;
    for name in ["a", "b", "c", "d", "e", "f"] {
        world.write(&format!("in/{name}"), &name.repeat(1_500_000));
    }
    for _ in 0..3 {
        world.lines(&[
            "upload",
            "in",
            "films",
            "--segment-size",
            "1M",
            "--ledger",
            "made.json",
        ]);
        world.lines(&["cleanup", "--yes", "--ledger", "made.json"]);
        assert_eq!(world.lines(&["ls"]), Vec::<String>::new());
    }
}

#[tokio::test]
async fn opens_no_ledger_in_a_dry_run() {
    let world = World::start().await;
    world.write("in/a", "x");
    world.put("c", "o", "x").await;
    for command in [
        ["upload", "in", "c", "-n"].as_slice(),
        &["cp", "c/o", "c/p", "-n"],
        &["sync", "./in", "c", "-n"],
    ] {
        world.lines(&[command, &["--ledger", "made.json"]].concat());
    }
    assert!(!world.home.path("made.json").exists());
    assert!(
        assert_failed(&world.run(&["ledger", "ls", "--ledger", "made.json"])).contains("made.json")
    );
}

#[tokio::test]
async fn leaves_segments_that_others_need_and_says_who() {
    let world = World::start().await;
    world.write("large", &"0123456789".repeat(300_000));
    world.lines(&["create", "c"]);
    let upload = |ledger: &str| {
        let upload = ["upload", "large", "c/o", "--segment-size", "1M", "--ledger"];
        world.lines(&[&upload[..], &[ledger]].concat());
    };
    let clean_up = |ledger: &str| world.run(&["cleanup", "--yes", "--ledger", ledger]);
    // A copy that no ledger knows.
    upload("first.json");
    world.lines(&["cp", "c/o", "c/copy"]);
    let kept = clean_up("first.json");
    assert!(stdout(&kept).contains("copies of the large object need 3 of them"));
    assert_succeeded(&world.run(&["download", "c/copy", "copy"]));
    assert_eq!(world.read("copy"), world.read("large"));
    // When that is gone, nothing is in the way any more.
    world.lines(&["rm", "c/copy"]);
    assert_succeeded(&clean_up("first.json"));
    assert_eq!(world.lines(&["ls"]), ["c"]);
    // The same object, uploaded once more by another run, whatever its container of segments is called.
    for (number, more) in [&[][..], &["--segment-container", "elsewhere"]]
        .into_iter()
        .enumerate()
    {
        for ledger in ["first.json", "second.json"] {
            let upload = ["upload", "large", "c/o", "--segment-size", "1M", "--ledger"];
            world.lines(&[&upload[..], &[ledger], more].concat());
        }
        let kept = clean_up("first.json");
        assert!(stdout(&kept).contains("c/o, which is still there, needs them"));
        assert_succeeded(&world.run(&["download", "c/o", &format!("again-{number}")]));
        assert_succeeded(&clean_up("second.json"));
        assert_succeeded(&clean_up("first.json"));
        assert_eq!(world.lines(&["ls", "-r"]), ["c"]);
    }
}
