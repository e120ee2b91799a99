//! A client of a few lines, so that tests see what is on the wire.

// Each test binary uses its own part of this.
#![allow(dead_code, unreachable_pub)]

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// What came back; header names are in lower case.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Insists on a status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{:?} {body}", self.headers);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// Sends a request on a connection of its own. A `Host` among the headers takes the place of the true one.
pub fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let address = url.strip_prefix("http://").expect("the URL is plain HTTP");
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut head = format!("{method} /{path} HTTP/1.1\r\n").into_bytes();
    let mut line = |name: &str, value: &str| {
        write!(head, "{name}: {value}\r\n").expect("a vector takes all");
    };
    if !headers.iter().any(|(name, _)| *name == "Host") {
        line("Host", host);
    }
    for (name, value) in headers {
        line(name, value);
    }
    line("Connection", "close");
    line("Content-Length", &body.len().to_string());
    head.extend(b"\r\n");

    let mut stream = TcpStream::connect(host).expect("the emulator listens");
    stream.write_all(&head).expect("the head is taken");
    stream.write_all(body).expect("the body is taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer comes");

    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("the head has an end");
    let head = std::str::from_utf8(&answer[..end]).expect("the head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    Answer {
        status: status
            .and_then(|status| status.parse().ok())
            .expect("there is a status"),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    }
}

pub fn get(url: &str) -> Answer {
    http("GET", url, &[], b"")
}

/// All that came on a connection, and how it ended.
#[derive(Debug)]
pub struct Raw {
    pub bytes: Vec<u8>,
    /// Whether it ended with RST, and not with FIN.
    pub reset: bool,
}

impl Raw {
    /// Head and body of the answer.
    pub fn parts(&self) -> (String, &[u8]) {
        let end = self
            .bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("the head has an end");
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        (head, &self.bytes[end + 4..])
    }
}

/// Sends bytes to an emulator, as far as it takes them, and reads until the connection ends.
pub fn raw(address: std::net::SocketAddr, bytes: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(address).expect("the emulator listens");
    let mut writer = stream.try_clone().expect("a socket can be cloned");
    let bytes = bytes.to_vec();
    // It may end the connection before it has read everything.
    let writing = std::thread::spawn(move || writer.write_all(&bytes));
    let mut read = Vec::new();
    let mut buffer = vec![0; 65536];
    let reset = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break false,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break true,
            Err(error) => panic!("the connection ended with {error}"),
        }
    };
    // Only one of the two is told of it, whoever asks first.
    let written = writing.join().expect("the writer does not panic");
    let reset = reset || written.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    Raw { bytes: read, reset }
}

/// Signs in as `test:tester`.
pub fn token(emulator: &emulator::Emulator) -> String {
    let headers = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
    let answer = http("GET", &emulator.auth_url(), &headers, b"").is(200);
    answer.header("x-auth-token").to_owned()
}
