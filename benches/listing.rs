//! What listings cost, and that it does not grow with what is not listed.
//!
//! Over HTTP on one kept connection, as clients ask: the store is not reachable otherwise, and what it takes is most of a
//! long page. Two containers of the same shape stand side by side, one with a hundred times as many objects; the ratios at
//! the end are of the same request to both, in turns, in one run.
//!
//! `cargo bench --bench listing`

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use criterion::Criterion;
use emulator::Emulator;

/// Objects in the containers, all of them below `big/`, in [`FOLDERS`] folders.
const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000;
const FOLDERS: usize = 1_000;
/// Turns of the comparison.
const TURNS: usize = 15;

/// A request for a listing: its name, its query, and how many entries it lists of the small container at least.
const LISTINGS: [(&str, &str, usize); 9] = [
    ("one entry", "limit=1&marker=big/0499/~", 1),
    (
        "4,000 entries, JSON",
        "limit=4000&marker=big/0499/~&format=json",
        4_000,
    ),
    (
        "4,000 entries, plain",
        "limit=4000&marker=big/0499/~",
        4_000,
    ),
    (
        "4,000 entries, XML",
        "limit=4000&marker=big/0499/~&format=xml",
        4_000,
    ),
    (
        "4,000 entries, backwards",
        "limit=4000&marker=big/0499/~&reverse=on",
        4_000,
    ),
    ("1,000 folders", "prefix=big/&delimiter=/", FOLDERS),
    (
        "1,000 folders, backwards",
        "prefix=big/&delimiter=/&reverse=on",
        FOLDERS,
    ),
    ("one folder of all", "delimiter=/", 1),
    ("one folder by its path", "path=big/0500&limit=10", 10),
];

fn main() {
    let server = Emulator::builder()
        .threads(1)
        .journal(0)
        .start_blocking()
        .expect("the emulator starts");
    let mut client = Client::sign_in(&server);
    client.fill("small", SMALL);
    client.fill("large", LARGE);

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();
    for (name, query, least) in LISTINGS {
        let lines = client
            .get(&format!("large?{query}&format="))
            .matches('\n')
            .count();
        assert!(lines >= least, "{name} lists {lines}");
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| client.get(&format!("large?{query}")));
        });
    }
    criterion.final_summary();
    report(&mut client);
}

fn report(client: &mut Client) {
    println!("\nthe same listing of {LARGE} objects / of {SMALL}");
    for (name, query, _) in LISTINGS {
        let mut ratios: Vec<f64> = (0..TURNS)
            .map(|_| {
                let mut took = |container| {
                    let path = format!("{container}?{query}");
                    let began = Instant::now();
                    for _ in 0..10 {
                        client.get(&path);
                    }
                    began.elapsed().as_secs_f64()
                };
                took("large") / took("small")
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!("  {name:<28} {:.2}", ratios[TURNS / 2]);
    }
}

/// A connection that is kept, with a token.
struct Client {
    stream: TcpStream,
    account: &'static str,
    token: String,
}

impl Client {
    fn sign_in(server: &Emulator) -> Self {
        let stream = TcpStream::connect(server.address()).expect("it listens");
        stream.set_nodelay(true).expect("a socket has options");
        let mut client = Self {
            stream,
            account: "/v1/AUTH_test",
            token: String::new(),
        };
        let head = "GET /auth/v1.0 HTTP/1.1\r\nHost: x\r\nX-Auth-User: test:tester\r\nX-Auth-Key: testing\r\n\r\n";
        let (head, _) = client.exchange(head.as_bytes());
        field(&head, "X-Auth-Token")
            .expect("a token")
            .clone_into(&mut client.token);
        client
    }

    /// A container of so many empty objects, out of an archive.
    fn fill(&mut self, container: &str, objects: usize) {
        let mut archive = tar::Builder::new(Vec::new());
        let each = objects / FOLDERS;
        for number in 0..objects {
            let name = format!("big/{:04}/{:05}", number / each, number % each);
            let mut header = tar::Header::new_ustar();
            header.set_size(0);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, name, std::io::empty())
                .expect("a vector takes all");
        }
        let archive = archive.into_inner().expect("a vector takes all");
        let head = self.request(
            "PUT",
            &format!("{container}?extract-archive=tar"),
            archive.len(),
        );
        self.stream.write_all(&head).expect("it reads");
        let (_, report) = self.exchange(&archive);
        let created = format!("Number Files Created: {objects}");
        assert!(report.contains(&created), "{report}");
    }

    fn get(&mut self, path: &str) -> String {
        let request = self.request("GET", path, 0);
        let (head, body) = self.exchange(&request);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body
    }

    fn request(&self, method: &str, path: &str, length: usize) -> Vec<u8> {
        let (account, token) = (self.account, &self.token);
        format!(
            "{method} {account}/{path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes()
    }

    /// Sends bytes and reads an answer, head and body.
    fn exchange(&mut self, request: &[u8]) -> (String, String) {
        self.stream.write_all(request).expect("it reads");
        let mut read = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = self.stream.read(&mut buffer).expect("it answers");
            assert!(count > 0, "the connection was closed");
            read.extend_from_slice(&buffer[..count]);
            let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let body = &read[end + 4..];
            let whole = match field(&head, "Content-Length") {
                Some(length) => body.len() >= length.parse().expect("a number"),
                None => body.ends_with(b"0\r\n\r\n"),
            };
            if whole {
                return (head, String::from_utf8_lossy(body).into_owned());
            }
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
