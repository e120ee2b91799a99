//! What only raw bytes on a socket show.

use std::io::{Read, Write};
use std::net::TcpStream;

use emulator::Emulator;

/// Sends bytes to an emulator, then reads until it hangs up.
fn exchange(emulator: &Emulator, pieces: &[&[u8]]) -> String {
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).expect("it listens");
    for piece in pieces {
        stream.write_all(piece).expect("it reads what is sent");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

fn token(emulator: &Emulator) -> String {
    let answer = exchange(
        emulator,
        &[b"GET /auth/v1.0 HTTP/1.1\r\nHost: a\r\nX-Auth-User: test:tester\r\nX-Auth-Key: testing\r\n\
            Connection: close\r\n\r\n"],
    );
    let line = answer
        .lines()
        .find(|line| line.starts_with("X-Auth-Token: "));
    line.expect("a token")["X-Auth-Token: ".len()..].to_owned()
}

#[test]
fn reads_an_upload_to_its_end_though_it_is_refused() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let head = "PUT /v1/AUTH_test/c/o HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\nConnection: close\r\n\r\n";
    let megabyte = vec![b'x'; 1_000_000];
    let mut pieces = vec![head.as_bytes()];
    pieces.extend(std::iter::repeat_n(megabyte.as_slice(), 20));
    assert!(exchange(&emulator, &pieces).starts_with("HTTP/1.1 401 "));
}

#[test]
fn takes_the_rest_of_a_refused_upload_as_it_is_though_the_next_request_comes_with_it() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).expect("it listens");
    let put =
        b"PUT /v1/AUTH_test/c/o HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n\xff\xff\xff\xff";
    stream.write_all(put).expect("it reads");
    let mut refused = [0; 12];
    stream.read_exact(&mut refused).expect("it answers");
    assert_eq!(&refused, b"HTTP/1.1 401");
    let next = b"\xff\xff\xff\xffGET /info HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(next).expect("it reads");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it answers");
    assert!(rest.contains("HTTP/1.1 200 OK\r\n"), "{rest}");
}

#[test]
fn joins_headers_of_one_name_and_leaves_out_those_with_an_underscore() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let token = token(&emulator);
    let put = format!(
        "PUT /v1/AUTH_test/c HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\nContent-Length: 0\r\n\
         X-Container-Meta-A: 1\r\nX-Container-Meta-A: 2\r\nX-Container-Meta-B_C: 3\r\nConnection: close\r\n\r\n"
    );
    assert!(exchange(&emulator, &[put.as_bytes()]).starts_with("HTTP/1.1 201 "));
    let head = format!(
        "HEAD /v1/AUTH_test/c HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\nConnection: close\r\n\r\n"
    );
    let answer = exchange(&emulator, &[head.as_bytes()]);
    assert!(
        answer.contains("\r\nX-Container-Meta-A: 1,2\r\n"),
        "{answer}"
    );
    assert!(
        !answer.contains("B_c") && !answer.contains("B_C"),
        "{answer}"
    );
}

#[test]
fn refuses_a_request_line_that_is_too_long() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let request = format!(
        "GET /v1/AUTH_test/c/{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "o".repeat(9000)
    );
    assert!(exchange(&emulator, &[request.as_bytes()]).starts_with("HTTP/1.1 414 "));
}

#[test]
fn takes_an_etag_as_it_is_and_no_etag_where_it_is_empty() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let token = token(&emulator);
    let put = |path: &str, header: &str| {
        let request = format!(
            "PUT /v1/AUTH_test/{path} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\nContent-Length: 0\r\n{header}\r\n\
             Connection: close\r\n\r\n"
        );
        exchange(&emulator, &[request.as_bytes()])
    };
    assert!(put("c", "X-Nothing: 1").starts_with("HTTP/1.1 201 "));
    assert!(put("c/o", "ETag:").starts_with("HTTP/1.1 201 "));
    assert!(put("c/o", "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"").starts_with("HTTP/1.1 201 "));
    let refused = put("c/o", "ETag: D41D8CD98F00B204E9800998ECF8427E");
    assert!(refused.starts_with("HTTP/1.1 422 "), "{refused}");
    assert!(refused.contains("\r\nLast-Modified: "), "{refused}");
    let reserved = put("c/o", "Content-Type: text/plain;swift_bytes=1");
    assert!(reserved.starts_with("HTTP/1.1 400 "), "{reserved}");
}

/// A request with as many headers, the last of which closes the connection.
fn with_headers(target: &str, count: usize, last: &str) -> Vec<u8> {
    let mut request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n").into_bytes();
    for number in 0..count - 2 {
        request.extend_from_slice(format!("X-Object-Meta-{number}: some value\r\n").as_bytes());
    }
    request.extend_from_slice(format!("{last}\r\n\r\n").as_bytes());
    request
}

#[test]
fn takes_requests_with_many_headers_however_they_come_and_whatever_came_before() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let stays = b"GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n";
    let many = with_headers("/info", 250, "Connection: close");
    let first = with_headers("/info", 250, "X-Stays: 1");
    let at_limit = with_headers("/info", 100, "X-Stays: 1");
    let over_limit = with_headers("/info", 101, "Connection: close");
    let halves = |bytes: &[u8]| {
        let (one, other) = bytes.split_at(bytes.len() / 2);
        [one.to_vec(), other.to_vec()]
    };
    for pieces in [
        vec![many.clone()],
        halves(&many).to_vec(),
        many.chunks(100).map(<[u8]>::to_vec).collect(),
        vec![first.clone(), many.clone()],
        [vec![first], halves(&many).to_vec()].concat(),
        vec![at_limit.clone(), over_limit.clone()],
        vec![stays.to_vec(), at_limit, over_limit],
    ] {
        let mut connection = Connection::open(&emulator);
        let requests: usize = pieces
            .iter()
            .map(|piece| memchr::memmem::find_iter(piece, b" HTTP/1.1\r\n").count())
            .sum();
        let mut answers = 0;
        for piece in &pieces {
            connection.0.write_all(piece).expect("it reads");
            if piece.ends_with(b"\r\n\r\n") {
                answers += 1;
                let last = answers == requests;
                assert!(connection.answer(last).starts_with("HTTP/1.1 200 OK\r\n"));
            }
        }
        assert_eq!(answers, requests);
    }
}

#[test]
fn escapes_raw_bytes_in_the_target_of_a_request_with_many_headers() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let mut request = with_headers("/v1/AUTH_test/c/@", 200, "Connection: close");
    let at = request.iter().position(|byte| *byte == b'@');
    request[at.expect("it is there")] = 0xff;
    let answer = exchange(&emulator, &[&request]);
    assert!(answer.starts_with("HTTP/1.1 412 "), "{answer}");
}

#[test]
fn refuses_more_headers_than_anybody_needs() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let request = with_headers("/info", 260, "Connection: close");
    let answer = exchange(&emulator, &[&request]);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

/// A connection on which several requests go out.
struct Connection(TcpStream);

impl Connection {
    fn open(emulator: &Emulator) -> Self {
        let address = emulator.url().trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(address).expect("it listens");
        stream
            .set_nodelay(true)
            .expect("pieces go out as they are written");
        Self(stream)
    }

    /// The next answer, head and body; the last one ends with the connection.
    fn answer(&mut self, last: bool) -> String {
        let mut answer = Vec::new();
        if last {
            self.0.read_to_end(&mut answer).expect("it answers");
            return String::from_utf8_lossy(&answer).into_owned();
        }
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("a head");
            answer.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&answer).into_owned();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .expect("it says how long its body is");
        let mut body = vec![0; length.parse().expect("a number")];
        self.0.read_exact(&mut body).expect("a body");
        head
    }
}

#[test]
fn answers_to_pipelined_requests_are_right_though_the_client_reads_late() {
    let emulator = Emulator::builder().start_blocking().expect("it starts");
    let token = token(&emulator);
    // What a body says is no head, however much it looks like one.
    let body = "HTTP/1.1 204 No Content\r\n\r\n".repeat(10_000);
    let request = |line: &str, more: &str| {
        format!("{line} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\n{more}\r\n")
    };
    let length = format!("Content-Length: {}\r\n", body.len());
    let put = request("PUT /v1/AUTH_test/c/o", &length);
    let round = [
        request("POST /v1/AUTH_test/c", "X-Container-Meta-A: 1\r\n"),
        request("GET /v1/AUTH_test/c/o", ""),
        request("HEAD /v1/AUTH_test/c/o", ""),
        request("DELETE /v1/AUTH_test/c/none", ""),
        request("HEAD /v1/AUTH_test/c", ""),
    ]
    .concat();
    let last = request("DELETE /v1/AUTH_test/c/o", "Connection: close\r\n");
    // More of what is asked for than all buffers on the way hold, and all of it is asked for before anything is read.
    let rounds = 40;
    let answer = exchange(
        &emulator,
        &[
            request("PUT /v1/AUTH_test/c", "").as_bytes(),
            put.as_bytes(),
            body.as_bytes(),
            round.repeat(rounds).as_bytes(),
            last.as_bytes(),
        ],
    );

    let mut rest = answer.as_str();
    let mut next = |status: &str, length: usize, body: &str| {
        let (head, behind) = rest.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some(format!("HTTP/1.1 {status}").as_str()));
        for name in [
            "X-Trans-Id",
            "X-Openstack-Request-Id",
            "Date",
            "Content-Length",
        ] {
            let prefix = format!("{name}: ");
            let found = head.lines().filter(|line| line.starts_with(&prefix));
            assert_eq!(found.count(), 1, "{name} in {head}");
        }
        assert!(
            lines.any(|line| line == format!("Content-Length: {length}")),
            "{head}"
        );
        rest = behind.strip_prefix(body).expect("its body, unchanged");
    };
    next("201 Created", 0, "");
    next("201 Created", 0, "");
    let none = "<html><h1>Not Found</h1><p>The resource could not be found.</p></html>";
    for _ in 0..rounds {
        next("204 No Content", 0, "");
        next("200 OK", body.len(), &body);
        next("200 OK", body.len(), "");
        next("404 Not Found", none.len(), none);
        next("204 No Content", 0, "");
    }
    next("204 No Content", 0, "");
    assert_eq!(rest, "");
}
