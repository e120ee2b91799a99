//! Snapshots over HTTP and as files.

mod support;

use std::time::Duration;

use emulator::{Builder, Emulator, SnapshotError};
use support::{Answer, get, http};

struct Cloud {
    emulator: Emulator,
    token: String,
}

impl Cloud {
    fn start() -> Self {
        Self::with(Emulator::builder())
    }

    fn with(builder: Builder) -> Self {
        let emulator = builder.start_blocking().expect("an emulator starts");
        let user = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
        let signed_in = http("GET", &emulator.auth_url(), &user, b"").is(200);
        let token = signed_in.header("x-auth-token").to_owned();
        Self { emulator, token }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let url = format!("{}{path}", self.emulator.url());
        let mut all = vec![("X-Auth-Token", self.token.as_str())];
        all.extend(headers);
        http(method, &url, &all, body)
    }

    /// Objects of all kinds: with metadata, large, linked, versioned, expiring; and a publication.
    fn fill(&self) {
        let open = [
            ("X-Container-Read", ".r:*"),
            ("X-Container-Meta-Colour", "blå"),
        ];
        self.send("PUT", "/v1/AUTH_test/c", &open, b"").is(201);
        let described = [("X-Object-Meta-A", "1"), ("Content-Type", "text/x-a")];
        self.send("PUT", "/v1/AUTH_test/c/a", &described, b"one")
            .is(201);
        let segment = self
            .send("PUT", "/v1/AUTH_test/c/seg", &[], b"part")
            .is(201);
        let manifest = format!(
            r#"[{{"path": "/c/seg", "etag": "{}", "size_bytes": 4}}, {{"path": "/c/seg"}}]"#,
            segment.header("etag")
        );
        let slo = "/v1/AUTH_test/c/slo?multipart-manifest=put";
        self.send("PUT", slo, &[], manifest.as_bytes()).is(201);
        self.send(
            "PUT",
            "/v1/AUTH_test/c/link",
            &[("X-Symlink-Target", "c/a")],
            b"",
        )
        .is(201);
        let versioned = [("X-Versions-Enabled", "true")];
        self.send("PUT", "/v1/AUTH_test/v", &versioned, b"").is(201);
        for body in [&b"first"[..], b"second"] {
            self.send("PUT", "/v1/AUTH_test/v/o", &[], body).is(201);
        }
        let late = [("X-Delete-After", "60")];
        self.send("PUT", "/v1/AUTH_test/c/late", &late, b"soon gone")
            .is(201);
        self.send("PUT", "/cdn/v1/AUTH_test/c", &[("X-TTL", "1000")], b"")
            .is(201);
    }

    fn object(&self, path: &str) -> String {
        let found = self
            .send("GET", &format!("/v1/AUTH_test/{path}"), &[], b"")
            .is(200);
        format!(
            "{} {} {} {} {}",
            found.text(),
            found.header("etag"),
            found.header("last-modified"),
            found.header("x-timestamp"),
            found.header("x-object-meta-a")
        )
    }

    /// What a client can see of it.
    fn seen(&self) -> Vec<String> {
        let mut seen: Vec<String> = ["c/a", "c/slo", "c/link", "v/o"]
            .iter()
            .map(|path| self.object(path))
            .collect();
        for listing in ["?format=json", "/c?format=json", "/v?format=json&versions="] {
            let listed = self
                .send("GET", &format!("/v1/AUTH_test{listing}"), &[], b"")
                .is(200);
            seen.push(listed.text().to_owned());
        }
        let container = self.send("HEAD", "/v1/AUTH_test/c", &[], b"").is(204);
        for name in ["x-container-meta-colour", "x-container-read", "x-timestamp"] {
            seen.push(container.header(name).to_owned());
        }
        let cdn = self.send("HEAD", "/cdn/v1/AUTH_test/c", &[], b"").is(204);
        seen.push(cdn.header("x-ttl").to_owned());
        seen
    }

    fn snapshot(&self) -> Vec<u8> {
        get(&format!("{}/_emulator/snapshot", self.emulator.url()))
            .is(200)
            .body
    }

    fn put_snapshot(&self, snapshot: &[u8]) -> Answer {
        let url = format!("{}/_emulator/snapshot", self.emulator.url());
        http("PUT", &url, &[], snapshot)
    }
}

/// The bytes of an answer sent in chunks.
fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body
            .windows(2)
            .position(|two| two == b"\r\n")
            .expect("a chunk");
        let size = std::str::from_utf8(&body[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size in hex");
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}

#[test]
fn everything_a_client_sees_comes_back_in_another_emulator() {
    let one = Cloud::start();
    one.emulator.clock().freeze();
    one.fill();
    let snapshot = dechunked(&one.snapshot());

    let other = Cloud::start();
    other.send("PUT", "/v1/AUTH_test/other", &[], b"").is(201);
    let restored = other.put_snapshot(&snapshot).is(200).json();
    assert!(restored["objects"].as_u64() >= Some(7), "{restored}");
    // The clock came along, so that what expires does so at the same moment; the token of before is still good.
    assert_eq!(other.emulator.clock().now(), one.emulator.clock().now());
    assert_eq!(other.seen(), one.seen());
    other.send("HEAD", "/v1/AUTH_test/other", &[], b"").is(404);
    other.send("HEAD", "/v1/AUTH_test/c/late", &[], b"").is(200);
    other.emulator.clock().advance(Duration::from_mins(1));
    other.send("HEAD", "/v1/AUTH_test/c/late", &[], b"").is(404);
}

#[test]
fn a_bad_snapshot_is_refused_whole_with_its_cause() {
    let cloud = Cloud::start();
    cloud.emulator.clock().freeze();
    cloud.fill();
    let before = cloud.seen();
    let mut snapshot = dechunked(&cloud.snapshot());
    let refused = |bytes: &[u8], cause: &str| {
        let refused = cloud.put_snapshot(bytes).is(400).json();
        assert_eq!(refused["error"]["field"], "body");
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(cause), "{message}");
    };
    refused(b"", "no snapshot");
    refused(b"not at all what it should be", "no snapshot");
    refused(&snapshot[..snapshot.len() - 1], "cut");
    let middle = snapshot.len() / 2;
    snapshot[middle] ^= 1;
    refused(&snapshot, "damaged at or before byte");
    snapshot[8] = 9;
    refused(&snapshot, "version 9");
    assert_eq!(cloud.seen(), before);
}

#[test]
fn a_file_is_what_the_next_emulator_begins_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let one = Cloud::start();
    one.emulator.clock().freeze();
    one.fill();
    one.emulator.snapshot_to(&path).expect("it is written");
    let other = Cloud::with(Emulator::builder().restore(&path));
    assert_eq!(other.seen(), one.seen());

    one.send("DELETE", "/v1/AUTH_test/c/a", &[], b"").is(204);
    one.emulator.restore(&path).expect("it is whole");
    assert_eq!(other.seen(), one.seen());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let cloud = Cloud::start();
    cloud.emulator.snapshot_to(&path).expect("it is written");
    let mode = std::fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_emulator_does_not_begin_with_a_bad_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    std::fs::write(&path, b"nonsense").expect("it is written");
    let begun = Emulator::builder().restore(&path).start_blocking();
    let error = begun.expect_err("it is no snapshot").to_string();
    assert!(error.contains("state: this is no snapshot"), "{error}");
    let missing = Emulator::builder()
        .restore(folder.path().join("none"))
        .start_blocking();
    assert!(
        missing
            .expect_err("it is not there")
            .to_string()
            .contains("none")
    );
    let cloud = Cloud::start();
    let error = cloud
        .emulator
        .restore(&path)
        .expect_err("it is no snapshot");
    assert!(matches!(error, SnapshotError::NotASnapshot), "{error}");
}

#[test]
fn objects_written_while_a_snapshot_is_taken_are_in_it_whole_or_not_at_all() {
    let cloud = Cloud::with(Emulator::builder().threads(2));
    cloud.send("PUT", "/v1/AUTH_test/c", &[], b"").is(201);
    let body = |round: usize| vec![b'a' + u8::try_from(round % 26).expect("small"); 100_000];
    let snapshots = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..60 {
                let path = format!("/v1/AUTH_test/c/{}", round % 5);
                cloud.send("PUT", &path, &[], &body(round)).is(201);
            }
        });
        let snapshots: Vec<Vec<u8>> = (0..6).map(|_| dechunked(&cloud.snapshot())).collect();
        writer.join().expect("every write succeeds");
        snapshots
    });
    let other = Cloud::start();
    for snapshot in snapshots {
        other.put_snapshot(&snapshot).is(200);
        let listing = other.send("GET", "/v1/AUTH_test/c", &[], b"");
        for name in listing.text().lines() {
            let found = other
                .send("GET", &format!("/v1/AUTH_test/c/{name}"), &[], b"")
                .is(200);
            assert_eq!(found.body.len(), 100_000);
            assert!(found.body.iter().all(|byte| *byte == found.body[0]));
        }
    }
}
