//! Folders as the contents of accounts.

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use emulator::Emulator;
use support::{Answer, get, http};
use tempfile::TempDir;

/// A folder with files of these names and contents.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, contents) in files {
        write(folder.path(), name, contents);
    }
    folder
}

fn write(folder: &Path, name: &str, contents: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
    std::fs::write(path, contents).expect("written");
}

struct Cloud {
    emulator: Emulator,
    token: String,
}

impl Cloud {
    fn start() -> Self {
        let emulator = Emulator::builder().start_blocking().expect("it starts");
        emulator.clock().freeze();
        emulator
            .clock()
            .set(UNIX_EPOCH + Duration::from_hours(490_908));
        Self::around(emulator)
    }

    fn around(emulator: Emulator) -> Self {
        let user = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
        let token = http("GET", &emulator.auth_url(), &user, b"").is(200);
        let token = token.header("x-auth-token").to_owned();
        Self { emulator, token }
    }

    fn send(&self, method: &str, path: &str) -> Answer {
        let url = format!("{}/{path}", self.emulator.url());
        http(method, &url, &[("X-Auth-Token", &self.token)], b"")
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("v1/AUTH_test{path}"))
    }

    fn head(&self, path: &str) -> Answer {
        self.send("HEAD", &format!("v1/AUTH_test{path}"))
    }

    /// Insists that a folder is refused with these words, and that nothing came of it.
    #[track_caller]
    fn refuses(&self, folder: &Path, words: &[&str]) {
        let error = self
            .emulator
            .seed(folder, None)
            .expect_err("it is wrong")
            .to_string();
        for word in words {
            assert!(error.contains(word), "{word} in {error}");
        }
        assert_eq!(self.get("").text(), "", "nothing was made");
    }
}

#[test]
fn folders_become_containers_and_files_objects() {
    let cloud = Cloud::start();
    let fixtures = folder(&[
        ("photos/cat.jpg", "a cat"),
        ("photos/2026/june/läke.txt", "a lake"),
        ("photos/.hidden", "an object like any other"),
        ("empty/.gitkeep", ""),
        (".gitignore", "left out"),
    ]);
    let seeded = cloud
        .emulator
        .seed(fixtures.path(), None)
        .expect("it is right");
    assert_eq!(
        (
            seeded.account.as_str(),
            seeded.containers,
            seeded.objects,
            seeded.bytes
        ),
        ("AUTH_test", 2, 3, 5 + 6 + 24)
    );
    assert_eq!(cloud.get("").text(), "empty\nphotos\n");
    assert_eq!(cloud.get("/empty").text(), "");
    assert_eq!(
        cloud.get("/photos").text(),
        ".hidden\n2026/june/läke.txt\ncat.jpg\n"
    );
    let lake = cloud.get("/photos/2026/june/l%C3%A4ke.txt").is(200);
    assert_eq!(
        (lake.text(), lake.header("content-type")),
        ("a lake", "text/plain")
    );
    assert_eq!(
        cloud.head("/photos/cat.jpg").header("content-type"),
        "image/jpeg"
    );
}

#[test]
fn json_files_say_what_else_there_is_to_account_container_and_object() {
    let cloud = Cloud::start();
    let fixtures = folder(&[
        (
            ".account.json",
            r#"{"metadata": {"Owner": "me"}, "temp_url_keys": ["one", "two"]}"#,
        ),
        (
            "site/.container.json",
            r#"{"metadata": {"Web-Index": "index.html"}, "read_acl": ".r:*, .rlistings",
                "write_acl": "test:tester3", "storage_policy": "silver",
                "cdn": {"ttl": 1000, "log_retention": true}}"#,
        ),
        ("site/index.html", "home"),
        ("site/packed", "zip zip"),
        (
            "site/packed.meta.json",
            r#"{"content_type": "text/css", "metadata": {"Place": "hem"}, "delete_at": 1767268801,
                "headers": {"Content-Encoding": "gzip"}}"#,
        ),
    ]);
    cloud
        .emulator
        .seed(fixtures.path(), None)
        .expect("it is right");

    let account = cloud.head("").is(204);
    assert_eq!(account.header("x-account-meta-owner"), "me");
    assert_eq!(account.header("x-account-meta-temp-url-key-2"), "two");
    let container = cloud.head("/site").is(204);
    assert_eq!(container.header("x-container-read"), ".r:*,.rlistings");
    assert_eq!(container.header("x-container-write"), "test:tester3");
    assert_eq!(container.header("x-storage-policy"), "silver");
    let object = cloud.head("/site/packed").is(200);
    for (name, value) in [
        ("content-type", "text/css"),
        ("x-object-meta-place", "hem"),
        ("x-delete-at", "1767268801"),
        ("content-encoding", "gzip"),
    ] {
        assert_eq!(object.header(name), value, "{name}");
    }
    assert_eq!(cloud.get("/site").text(), "index.html\npacked\n");
    let published = cloud.send("HEAD", "cdn/v1/AUTH_test/site").is(204);
    assert_eq!(published.header("x-ttl"), "1000");
    assert_eq!(published.header("x-log-retention"), "True");
    let home = get(&format!("{}/", published.header("x-cdn-uri"))).is(200);
    assert_eq!(home.text(), "home");
    cloud.emulator.clock().advance(Duration::from_secs(1));
    cloud.head("/site/packed").is(404);
}

#[test]
fn what_is_there_already_stays() {
    let cloud = Cloud::start();
    cloud.send("PUT", "v1/AUTH_test/c").is(201);
    cloud.send("PUT", "v1/AUTH_test/c/old").is(201);
    cloud.send("PUT", "v1/AUTH_test/c/both").is(201);
    let fixtures = folder(&[("c/new", "new"), ("c/both", "newer")]);
    cloud
        .emulator
        .seed(fixtures.path(), None)
        .expect("it is right");
    assert_eq!(cloud.get("/c").text(), "both\nnew\nold\n");
    assert_eq!(cloud.get("/c/both").text(), "newer");
}

#[test]
fn refuses_what_is_wrong_by_file_and_field_and_changes_nothing() {
    let cloud = Cloud::start();
    for (name, contents, words) in [
        ("loose", "", &["loose", "no container"][..]),
        (".acount.json", "{}", &[".acount.json"]),
        (
            ".account.json",
            r#"{"acount": "a"}"#,
            &[".account.json", "acount"],
        ),
        (
            ".account.json",
            r#"{"account": "a/b"}"#,
            &["account: ", "a/b"],
        ),
        (
            ".account.json",
            "[]",
            &[".account.json", "not a JSON object"],
        ),
        (
            "c/.container.json",
            r#"{"cdn": {"ttl": 899}}"#,
            &[".container.json: cdn.ttl", "900"],
        ),
        (
            "c/.container.json",
            r#"{"cdn": {"ttl": "a"}}"#,
            &["cdn.ttl"],
        ),
        (
            "c/.container.json",
            r#"{"read_acl": ".x:y"}"#,
            &["read_acl", "Unknown designator"],
        ),
        (
            "c/.container.json",
            r#"{"write_acl": ".r:*"}"#,
            &["write_acl", "Referrers"],
        ),
        (
            "c/.container.json",
            r#"{"storage_policy": "tin"}"#,
            &["storage_policy", "gold"],
        ),
        (
            "c/.container.json",
            r#"{"temp_url_keys": ["", "", ""]}"#,
            &["temp_url_keys", "two"],
        ),
        (
            "c/.container.json",
            r#"{"metadata": {"a b": "c"}}"#,
            &["metadata.a b"],
        ),
        ("c/.container.json", "{", &[".container.json", "EOF"]),
        (
            "c/o.meta.json",
            r#"{"delete_at": 5}"#,
            &["o.meta.json: delete_at", "past"],
        ),
        (
            "c/o.meta.json",
            r#"{"delete_at": "soon"}"#,
            &["delete_at", "soon"],
        ),
        (
            "c/o.meta.json",
            r#"{"delete_at": 9999999999, "delete_after": 1}"#,
            &["delete_after"],
        ),
        (
            "c/o.meta.json",
            r#"{"metadata": {"A": "1", "a": "2"}}"#,
            &["metadata.a", "twice"],
        ),
        (
            "c/o.meta.json",
            r#"{"metadata": {"A": "\n"}}"#,
            &["metadata.A", "control"],
        ),
        (
            "c/o.meta.json",
            r#"{"headers": {"Host": "a"}}"#,
            &["headers.host"],
        ),
        (
            "c/o.meta.json",
            r#"{"content_type": "a; swift_x=1"}"#,
            &["content_type"],
        ),
        ("c/gone.meta.json", "{}", &["gone.meta.json", "not there"]),
    ] {
        let fixtures = folder(&[("a/first", "fine"), ("c/o", "fine")]);
        write(fixtures.path(), name, contents);
        cloud.refuses(fixtures.path(), words);
    }
    let long = "x".repeat(300);
    let fixtures = folder(&[
        ("c/o", ""),
        (
            "c/o.meta.json",
            &format!(r#"{{"metadata": {{"a": "{long}"}}}}"#),
        ),
    ]);
    cloud.refuses(
        fixtures.path(),
        &["o.meta.json: metadata", "longer than 256"],
    );
    cloud.refuses(&PathBuf::from("/nowhere/at/all"), &["/nowhere/at/all"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_folder_and_never_out_of_it() {
    use std::os::unix::fs::symlink;
    let cloud = Cloud::start();
    let outside = folder(&[("secret", "do not read")]);
    for (from, to) in [
        ("c/out", outside.path().join("secret")),
        ("c/folder", outside.path().to_owned()),
        ("out", outside.path().to_owned()),
        ("c/dangling", PathBuf::from("nowhere")),
    ] {
        let fixtures = folder(&[("c/o", "")]);
        symlink(to, fixtures.path().join(from)).expect("a link");
        cloud.refuses(fixtures.path(), &[from]);
    }
    let round = folder(&[("c/sub/o", "")]);
    symlink("..", round.path().join("c/sub/round")).expect("a link");
    cloud.refuses(round.path(), &["c/sub/round", "circle"]);

    let fixtures = folder(&[("c/o", "within")]);
    symlink("o", fixtures.path().join("c/link")).expect("a link");
    cloud
        .emulator
        .seed(fixtures.path(), None)
        .expect("it is right");
    assert_eq!(cloud.get("/c/link").is(200).text(), "within");
}

#[test]
fn an_emulator_begins_with_a_folder_or_does_not_begin() {
    let fixtures = folder(&[("c/o", "here")]);
    let begun = Emulator::builder().seed(fixtures.path()).start_blocking();
    let cloud = Cloud::around(begun.expect("it is right"));
    assert_eq!(cloud.get("/c/o").is(200).text(), "here");

    write(fixtures.path(), "loose", "");
    let refused = Emulator::builder().seed(fixtures.path()).start_blocking();
    assert!(
        refused
            .expect_err("it is wrong")
            .to_string()
            .contains("loose")
    );
}

#[test]
fn a_folder_is_taken_over_by_request() {
    let cloud = Cloud::start();
    let fixtures = folder(&[("c/o", "here")]);
    let url = format!("{}/_emulator/seed", cloud.emulator.url());
    let post = |body: serde_json::Value| http("POST", &url, &[], body.to_string().as_bytes());
    let wanted = serde_json::json!({"folder": fixtures.path(), "account": "AUTH_other"});
    let seeded = post(wanted).is(200).json();
    let expected =
        serde_json::json!({"account": "AUTH_other", "containers": 1, "objects": 1, "bytes": 4});
    assert_eq!(seeded, expected);

    write(fixtures.path(), "loose", "");
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({"folder": "relative"}),
        serde_json::json!({"folder": fixtures.path()}),
        serde_json::json!({"folder": 1}),
    ] {
        let refused = post(wrong.clone()).is(400).json();
        assert_eq!(refused["error"]["field"], "folder", "{wrong}");
    }
    assert_eq!(cloud.get("").text(), "");
}
