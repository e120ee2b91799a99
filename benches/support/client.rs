//! A client that does as little as it can: one connection, requests that are made beforehand, answers that are only
//! measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket takes options");
        Self {
            stream,
            buffer: vec![0; 256 * 1024],
        }
    }

    /// Sends a request and reads the whole answer, which has to say how long it is; gives it as it was on the wire.
    pub(crate) fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("it takes requests");
        let is_head = request.starts_with(b"HEAD ");
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[filled..]);
            filled += count.expect("it answers");
            assert!(filled < self.buffer.len(), "the answer fits");
            if let Some(whole) = whole_length(&self.buffer[..filled], is_head)
                && filled >= whole
            {
                return &self.buffer[..filled];
            }
        }
    }
}

/// The length of an answer as its head tells it, once all of that is there.
fn whole_length(answer: &[u8], is_head: bool) -> Option<usize> {
    const NAME: &[u8] = b"\r\nContent-Length: ";
    let head = answer.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let at = answer[..head]
        .windows(NAME.len())
        .position(|part| part.eq_ignore_ascii_case(NAME))
        .expect("the answer says how long it is");
    let digits = answer[at + NAME.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    Some(if is_head { head } else { head + length })
}

/// A request with `Host` and these headers; a body gets its length told.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let length = [("Content-Length", body.len().to_string())];
    let length = length.iter().filter(|_| method == "PUT");
    let length = length.map(|(name, value)| (*name, value.as_str()));
    let lines: String = headers
        .iter()
        .copied()
        .chain(length)
        .map(|(name, value)| [name, ": ", value, "\r\n"].concat())
        .collect();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n");
    [head.as_bytes(), body].concat()
}

/// A header of an answer.
pub(crate) fn header<'a>(answer: &'a [u8], name: &str) -> Option<&'a str> {
    let head = answer.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..head]).ok()?;
    head.split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
