//! Clients that misbehave cost those that behave nothing, and leave nothing behind.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use emulator::Emulator;
use support::{http, token};

/// Rounds of each client that behaves, and requests of each that does not.
const GOOD: usize = 60;
const BAD: usize = 150;
const CLIENTS: usize = 3;

/// What no client should send; `head` is the beginning of a request that would be let in.
fn bad_requests(head: &str) -> Vec<Vec<u8>> {
    let put = |rest: &str| format!("PUT {head}{rest}").into_bytes();
    let get = |rest: &str| format!("GET {head}{rest}").into_bytes();
    let chunked = |rest: &str| put(&format!("Transfer-Encoding: chunked\r\n\r\n{rest}"));
    let many = "X-Many: a\r\n".repeat(1000);
    vec![
        Vec::new(),
        b"\0\xff\x80 no request at all \r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        format!("GET /v1/{} HTTP/1.1\r\nHost: x\r\n\r\n", "%zz".repeat(50)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1_000_000)).into_bytes(),
        get(&format!("X-Long: {}\r\n\r\n", "a".repeat(9_000))),
        get(&format!("X-Long: {}\r\n\r\n", "a".repeat(500_000))),
        get(&format!("{many}\r\n")),
        put("Content-Length: -1\r\n\r\n"),
        put("Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        put("Content-Length: 99999999999999999999\r\n\r\n"),
        put(&format!(
            "Content-Length: 6000000000\r\n\r\n{}",
            "a".repeat(100_000)
        )),
        put(&format!(
            "Content-Length: 100000\r\n\r\n{}",
            "a".repeat(70_000)
        )),
        put(&format!(
            "Content-Length: 300000\r\nEtag: 0\r\n\r\n{}",
            "a".repeat(300_000)
        )),
        put("Transfer-Encoding: gzip\r\n\r\nabc"),
        put("Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n"),
        chunked("zz\r\nabc\r\n"),
        chunked("ffffffffffffffff\r\nabc"),
        chunked("10\r\nabc"),
    ]
}

/// Sends bytes and ends the connection, at once or when the answer begins to come.
fn send(address: SocketAddr, bytes: &[u8], waits: bool) {
    let mut stream = TcpStream::connect(address).expect("the emulator listens");
    // It may refuse before it has read everything.
    let sent = stream.write_all(bytes);
    if waits && sent.is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        let _ = stream.read(&mut [0; 100]);
    }
}

/// Waits until no connection is open.
fn settle(emulator: &Emulator) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !emulator
        .metrics()
        .lines()
        .any(|line| line == "cloudfiles_emulator_open_connections 0")
    {
        assert!(Instant::now() < give_up, "{}", emulator.metrics());
        thread::yield_now();
    }
}

/// How many file handles this process has.
#[cfg(target_os = "linux")]
fn handles() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

#[test]
fn good_requests_are_answered_among_bad_ones_of_which_nothing_is_left() {
    let emulator = Emulator::builder()
        .max_memory(64 << 20)
        .threads(2)
        .start_blocking()
        .expect("it starts");
    let token = token(&emulator);
    let container = format!("{}/v1/AUTH_test/c", emulator.url());
    let headers = [("X-Auth-Token", token.as_str())];
    http("PUT", &container, &headers, b"").is(201);
    settle(&emulator);
    let before = emulator.memory_used();
    #[cfg(target_os = "linux")]
    let handles_before = handles();

    let head = format!("/v1/AUTH_test/c/bad HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n");
    let bad = bad_requests(&head);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (bad, container, address) = (&bad, &container, emulator.address());
            scope.spawn(move || {
                for at in 0..BAD {
                    send(address, &bad[(at + client) % bad.len()], at % 3 == 0);
                }
            });
            scope.spawn(move || {
                for at in 0..GOOD {
                    let url = format!("{container}/good-{client}-{at}");
                    let body: Vec<u8> = (0..=250).cycle().take(at * 3_000).collect();
                    http("PUT", &url, &headers, &body).is(201);
                    assert!(http("GET", &url, &headers, b"").is(200).body == body);
                    http("DELETE", &url, &headers, b"").is(204);
                }
            });
        }
    });

    settle(&emulator);
    http("GET", &container, &headers, b"").is(204);
    settle(&emulator);
    assert_eq!(emulator.memory_used(), before);
    #[cfg(target_os = "linux")]
    assert_eq!(handles(), handles_before);
}
