//! What is stored stays within the memory that it may take, and long bodies within their folder.

use emulator::Emulator;
use reqwest::{Client, StatusCode};

/// An emulator with a container `c`, and a client that is signed in.
struct Bench {
    emulator: Emulator,
    client: Client,
    token: String,
}

impl Bench {
    async fn start(builder: emulator::Builder) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let emulator = builder.start().await.expect("the emulator starts");
        let client = Client::new();
        let signed_in = client
            .get(emulator.auth_url())
            .header("x-auth-user", "test:tester")
            .header("x-auth-key", "testing")
            .send()
            .await
            .expect("the emulator answers");
        let token = signed_in.headers()["x-auth-token"]
            .to_str()
            .expect("a token is text")
            .to_owned();
        let bench = Self {
            emulator,
            client,
            token,
        };
        bench.put("c", "").await;
        bench
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/AUTH_test/{path}", self.emulator.url())
    }

    async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> StatusCode {
        let body = body.into();
        let mut request = self
            .client
            .put(self.url(path))
            .header("x-auth-token", &self.token);
        if body.as_bytes().is_some_and(<[u8]>::is_empty) {
            request = request.header("content-length", "0");
        }
        request
            .body(body)
            .send()
            .await
            .expect("the emulator answers")
            .status()
    }

    async fn get(&self, path: &str, range: &str) -> (StatusCode, Vec<u8>) {
        let answer = self
            .client
            .get(self.url(path))
            .header("x-auth-token", &self.token)
            .header("range", range)
            .send()
            .await
            .expect("the emulator answers");
        let status = answer.status();
        let body = answer.bytes().await.expect("the body comes whole");
        (status, body.to_vec())
    }

    async fn delete(&self, path: &str) -> StatusCode {
        self.client
            .delete(self.url(path))
            .header("x-auth-token", &self.token)
            .send()
            .await
            .expect("the emulator answers")
            .status()
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn refuses_what_memory_has_no_room_for_and_keeps_what_is_there() {
    let bench = Bench::start(Emulator::builder().max_memory(8 * MIB as u64)).await;
    let before = bench.emulator.memory_used();
    assert_eq!(bench.put("c/kept", pattern(3 * MIB)).await, 201);
    let full = bench.emulator.memory_used();
    assert!(full >= before + 3 * MIB as u64);

    // Known to be too long before any of it comes, and known only when it is there.
    assert_eq!(bench.put("c/long", pattern(6 * MIB)).await, 507);
    assert_eq!(bench.put("c/kept", pattern(6 * MIB)).await, 507);
    let pieces = futures_util::stream::iter(
        std::iter::repeat_n(pattern(MIB), 6).map(Ok::<_, std::io::Error>),
    );
    let chunked = reqwest::Body::wrap_stream(pieces);
    assert_eq!(bench.put("c/chunked", chunked).await, 507);
    assert_eq!(bench.emulator.memory_used(), full);

    let (status, body) = bench.get("c/kept", "bytes=0-").await;
    assert!(status == 206 && body == pattern(3 * MIB));
    assert_eq!(bench.get("c/long", "bytes=0-").await.0, 404);

    assert_eq!(bench.delete("c/kept").await, 204);
    assert_eq!(bench.emulator.memory_used(), before);
    assert_eq!(bench.put("c/long", pattern(6 * MIB)).await, 201);
}

#[tokio::test]
async fn records_without_bodies_count_too() {
    let bench = Bench::start(Emulator::builder().max_memory(64 * 1024)).await;
    let mut stored = 0;
    while bench.put(&format!("c/{stored}"), "").await == 201 {
        stored += 1;
        assert!(stored < 1000, "nothing was ever refused");
    }
    assert!(stored > 50, "{stored} objects are few");
    assert_eq!(bench.delete("c/0").await, 204);
    assert_eq!(bench.put("c/0", "").await, 201);
    assert_eq!(bench.put("another", "").await, 507);
}

#[tokio::test]
async fn a_long_body_lies_in_a_file_that_nobody_can_see_and_reads_as_any_other() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let builder = Emulator::builder()
        .max_memory(2 * MIB as u64)
        .spill_above(MIB as u64)
        .spill_folder(folder.path());
    let bench = Bench::start(builder).await;
    let before = bench.emulator.memory_used();
    let body = pattern(5 * MIB + 3);
    assert_eq!(bench.put("c/long", body.clone()).await, 201);
    let pieces = body.chunks(100_000).map(<[u8]>::to_vec);
    let pieces: Vec<_> = pieces.map(Ok::<_, std::io::Error>).collect();
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    assert_eq!(bench.put("c/chunked", chunked).await, 201);
    assert!(bench.emulator.memory_used() < before + 4096);
    let names = std::fs::read_dir(folder.path()).expect("the folder is there");
    assert_eq!(names.count(), 0);

    for name in ["c/long", "c/chunked"] {
        let (status, whole) = bench.get(name, "bytes=0-").await;
        assert!(status == 206 && whole == body, "{name}");
        let (status, part) = bench.get(name, "bytes=1048570-1048590").await;
        assert!(
            status == 206 && part == body[1_048_570..=1_048_590],
            "{name}"
        );
        let (status, end) = bench.get(name, "bytes=-3").await;
        assert!(status == 206 && end == body[5 * MIB..], "{name}");
        let (status, parts) = bench.get(name, "bytes=0-1,5242880-").await;
        assert_eq!(status, 206);
        assert!(parts.windows(3).any(|window| *window == body[5 * MIB..]));
    }
}

#[tokio::test]
async fn does_not_start_where_long_bodies_cannot_go() {
    let started = Emulator::builder()
        .spill_above(1)
        .spill_folder("/nowhere/at/all")
        .start()
        .await;
    let error = started.expect_err("there is no such folder").to_string();
    assert!(error.contains("/nowhere/at/all"), "{error}");
}
