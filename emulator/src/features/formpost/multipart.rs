//! Reads `multipart/form-data` as Swift reads it (`iter_multipart_mime_documents`, `parse_mime_headers` and
//! `parse_content_disposition` in `swift/common/utils`).
//!
//! That is laxer than RFC 7578 in places where browsers' forms depend on it: a form that just ends ends its last part;
//! anything may follow a boundary; parameters end at the first that is malformed.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use crate::message::{Body, BodyError};

/// The longest that the headers of one part may be, in bytes. Swift knows no limit.
const MAX_HEADERS: usize = 64 * 1024;

/// Why a form cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the headers of a part are longer than {MAX_HEADERS} bytes")]
    HeadersTooLong,
}

/// A body in parts, one after the other; each is read once, as it comes.
pub(crate) struct Multipart {
    body: Body,
    /// What has come and is not read yet.
    buffer: BytesMut,
    /// What ends a part: a line break and the boundary.
    delimiter: Vec<u8>,
    body_ended: bool,
    /// Whether there is more to read of the current part.
    in_part: bool,
    /// Whether the current part is the last one.
    is_last: bool,
}

impl Multipart {
    /// Starts to read; `None` if the body does not start with the boundary.
    pub(crate) async fn open(body: Body, boundary: &str) -> Result<Option<Self>, BodyError> {
        let mut parts = Self {
            body,
            buffer: BytesMut::new(),
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            body_ended: false,
            in_part: false,
            is_last: false,
        };
        let longest = parts.delimiter.len();
        let first = loop {
            let line = parts.line(longest).await?;
            if *line != *b"\r\n" {
                break line;
            }
        };
        let starts = first.trim_ascii() == &parts.delimiter[2..];
        Ok(starts.then_some(parts))
    }

    /// Goes to the next part, past whatever was not read of this one; gives its headers, or `None` behind the last.
    pub(crate) async fn next_part(&mut self) -> Result<Option<Headers>, Broken> {
        while self.chunk().await?.is_some() {}
        if self.is_last {
            return Ok(None);
        }
        self.in_part = true;
        let mut lines = Vec::new();
        let mut length = 0;
        loop {
            let line = self.header_line().await?;
            if matches!(&*line, b"\r\n" | b"\n" | b"") {
                return Ok(Some(Headers::parse(&lines)));
            }
            length += line.len();
            if length > MAX_HEADERS {
                return Err(Broken::HeadersTooLong);
            }
            lines.push(text(&line));
        }
    }

    /// The next bytes of the current part; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        while self.in_part {
            match memmem::find(&self.buffer, &self.delimiter) {
                Some(0) => self.end_part().await?,
                Some(at) => return Ok(Some(self.buffer.split_to(at).freeze())),
                None if self.body_ended => {
                    self.in_part = false;
                    self.is_last = true;
                    let rest = self.buffer.split().freeze();
                    return Ok(Some(rest).filter(|rest| !rest.is_empty()));
                }
                None => {
                    // The end of what is here may be the beginning of a delimiter.
                    let sure = (self.buffer.len() + 1).saturating_sub(self.delimiter.len());
                    if sure > 0 {
                        return Ok(Some(self.buffer.split_to(sure).freeze()));
                    }
                    self.fill().await?;
                }
            }
        }
        Ok(None)
    }

    /// The rest of the current part, cut off after `limit` bytes.
    pub(super) async fn value(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let mut value = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            let room = chunk.len().min(limit - value.len());
            value.extend_from_slice(&chunk[..room]);
        }
        Ok(value)
    }

    /// Passes the delimiter at the start of the buffer, and the two bytes behind it, which say whether another part
    /// follows.
    async fn end_part(&mut self) -> Result<(), BodyError> {
        while self.buffer.len() < self.delimiter.len() + 2 && !self.body_ended {
            self.fill().await?;
        }
        self.buffer.advance(self.delimiter.len());
        self.is_last = self.buffer.starts_with(b"--");
        self.buffer.advance(self.buffer.len().min(2));
        self.in_part = false;
        Ok(())
    }

    /// One line of the current part with its line break, without one where the part ends first; empty at its end.
    async fn header_line(&mut self) -> Result<Bytes, Broken> {
        while self.in_part {
            let line_break = memmem::find(&self.buffer, b"\r\n");
            if let Some(at) = line_break {
                let behind = &self.buffer[at..];
                if behind.starts_with(&self.delimiter) {
                    return Ok(self.chunk().await?.unwrap_or_default());
                }
                if self.body_ended || !self.delimiter.starts_with(behind) {
                    return Ok(self.buffer.split_to(at + 2).freeze());
                }
            } else if self.body_ended {
                return Ok(self.chunk().await?.unwrap_or_default());
            }
            if self.buffer.len() > MAX_HEADERS {
                return Err(Broken::HeadersTooLong);
            }
            self.fill().await?;
        }
        Ok(Bytes::new())
    }

    /// What comes up to and with the next line feed, but no more than `longest` bytes.
    async fn line(&mut self, longest: usize) -> Result<Bytes, BodyError> {
        loop {
            let known = &self.buffer[..self.buffer.len().min(longest)];
            let end = memchr::memchr(b'\n', known).map(|at| at + 1);
            if let Some(end) =
                end.or((known.len() == longest || self.body_ended).then_some(known.len()))
            {
                return Ok(self.buffer.split_to(end).freeze());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), BodyError> {
        match self.body.next().await {
            Some(bytes) => self.buffer.extend_from_slice(&bytes?),
            None => self.body_ended = true,
        }
        Ok(())
    }
}

/// The headers of a part, as Python's `email` package reads them.
#[derive(Debug, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Lines end with their line breaks. What does not look like a header ends them.
    fn parse(lines: &[String]) -> Self {
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push_str(line.trim_end_matches(['\r', '\n']));
                }
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                break;
            }
            let value = value
                .trim_start_matches([' ', '\t'])
                .trim_end_matches(['\r', '\n']);
            headers.push((name.to_owned(), value.to_owned()));
        }
        Self(headers)
    }

    /// The first header of this name, in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// UTF-8 where it is that, or else Latin-1.
fn text(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(line) => line.to_owned(),
        Err(_) => line.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Divides `form-data; name="file"; filename="a.txt"` into its kind and its parameters, without their quotes.
pub(crate) fn parameters(header: &str) -> (&str, BTreeMap<&str, &str>) {
    let Some((kind, rest)) = header.split_once(';') else {
        return (header, BTreeMap::new());
    };
    let mut found = BTreeMap::new();
    let mut rest = rest.trim();
    while let Some((name, value, more)) = parameter(rest) {
        found.insert(name, value.trim_matches('"'));
        rest = more;
    }
    (kind.trim(), found)
}

/// The first parameter: name, value, and what is behind it. Swift's pattern is `(\w+)=(".*?"|[^";]+)(; ?|$)`.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (name, value) = text.split_once('=')?;
    if name.is_empty() || !name.chars().all(is_word) {
        return None;
    }
    let rest_behind = |end: usize| {
        let rest = &value[end..];
        if rest.is_empty() {
            return Some(rest);
        }
        let rest = rest.strip_prefix(';')?;
        Some(rest.strip_prefix(' ').unwrap_or(rest))
    };
    if value.starts_with('"') {
        // The first quote that something may follow: a name may hold quotes of its own.
        return value
            .match_indices('"')
            .skip(1)
            .map(|(at, _)| at + 1)
            .find_map(|end| Some((name, &value[..end], rest_behind(end)?)));
    }
    let end = value.find(['"', ';']).unwrap_or(value.len());
    if end == 0 {
        return None;
    }
    Some((name, &value[..end], rest_behind(end)?))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// Reads a whole form; gives each part as its headers and its body.
    fn read(chunks: &[&[u8]], boundary: &str) -> Option<Vec<(Headers, Vec<u8>)>> {
        let chunks: VecDeque<Bytes> = chunks
            .iter()
            .filter(|chunk| !chunk.is_empty())
            .map(|chunk| Bytes::copy_from_slice(chunk))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime without drivers needs nothing");
        runtime.block_on(async {
            let mut parts = Multipart::open(Body::Chunks(chunks), boundary)
                .await
                .expect("memory does not break off")?;
            let mut found = Vec::new();
            while let Some(headers) = parts.next_part().await.ok()? {
                let body = parts
                    .value(usize::MAX)
                    .await
                    .expect("memory does not break off");
                found.push((headers, body));
            }
            Some(found)
        })
    }

    fn bodies(form: &[u8]) -> Option<Vec<String>> {
        let parts = read(&[form], "b")?;
        Some(
            parts
                .into_iter()
                .map(|(_, body)| String::from_utf8_lossy(&body).into_owned())
                .collect(),
        )
    }

    const FORM: &[u8] = b"--b\r\nA: 1\r\nB:2\r\n\r\none\r\n--not b\r\n--b\r\n\r\n\r\n--b\r\nC: 3\r\n\r\nthree\r\n--b--\r\nepilogue";

    #[test]
    fn divides_a_form_wherever_its_bytes_are_cut() {
        for cut in 0..FORM.len() {
            let (head, tail) = FORM.split_at(cut);
            let parts = read(&[head, tail], "b").expect("the form starts with its boundary");
            let bodies: Vec<&[u8]> = parts.iter().map(|(_, body)| &**body).collect();
            assert_eq!(
                bodies,
                [&b"one\r\n--not b"[..], b"", b"three"],
                "cut at {cut}"
            );
            assert_eq!(parts[0].0.get("a"), Some("1"));
            assert_eq!(parts[0].0.get("b"), Some("2"));
            assert_eq!(parts[1].0.get("a"), None);
        }
    }

    #[test]
    fn wants_the_boundary_first() {
        assert!(bodies(b"").is_none());
        assert!(bodies(b"--c\r\n").is_none());
        assert!(bodies(b"preamble\r\n--b\r\n").is_none());
        assert!(bodies(b"--b--\r\n").is_none());
        assert_eq!(
            bodies(b"\r\n\r\n--b\r\n\r\nx\r\n--b--").as_deref(),
            Some(&["x".to_owned()][..])
        );
    }

    #[test]
    fn the_end_of_the_body_ends_the_last_part() {
        assert_eq!(
            bodies(b"--b\r\n\r\nx").as_deref(),
            Some(&["x".to_owned()][..])
        );
        assert_eq!(
            bodies(b"--b\r\nA: 1\r\n").as_deref(),
            Some(&[String::new()][..])
        );
        assert_eq!(
            bodies(b"--b\r\nA: 1\r\n\r\n--b--").as_deref(),
            Some(&[String::new()][..])
        );
    }

    #[test]
    fn refuses_headers_without_end() {
        let endless = [b"--b\r\n", &b"x".repeat(MAX_HEADERS + 1)[..]].concat();
        assert!(bodies(&endless).is_none());
        let many = [b"--b\r\n", &b"a: b\r\n".repeat(MAX_HEADERS / 6 + 1)[..]].concat();
        assert!(bodies(&many).is_none());
    }

    #[test]
    fn reads_headers_as_mail_has_them() {
        let lines = [
            "A: 1\r\n",
            "b:\t2\r\n",
            " more\r\n",
            "A: 3\r\n",
            "no header\r\n",
            "C: 4\r\n",
        ];
        let headers = Headers::parse(&lines.map(str::to_owned));
        assert_eq!(headers.get("a"), Some("1"));
        assert_eq!(headers.get("B"), Some("2 more"));
        assert_eq!(headers.get("c"), None);
    }

    #[test]
    fn parameters_end_at_the_first_that_is_malformed() {
        let of = |header| {
            let (kind, found) = parameters(header);
            let found: Vec<String> = found
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            (kind, found.join(" "))
        };
        assert_eq!(of("form-data"), ("form-data", String::new()));
        assert_eq!(
            of("form-data; name=\"f\"; filename=\"a;b\".txt\""),
            ("form-data", "filename=a;b\".txt name=f".to_owned())
        );
        assert_eq!(of("x; a=1;b=2; c d=3; e=4"), ("x", "a=1 b=2".to_owned()));
        assert_eq!(of("x; a=1\"; b=2"), ("x", String::new()));
        assert_eq!(of("x; a=\"1; b=2"), ("x", String::new()));
        assert_eq!(of("x; a=; b=2"), ("x", String::new()));
    }

    proptest! {
        #[test]
        fn reads_any_bytes_in_any_pieces_alike(
            pieces in proptest::collection::vec("[\r\nb\\-A: ]{0,8}|\r\n--b|--b\r\n|\r\n\r\n", 0..12),
        ) {
            let form = format!("--b\r\n{}", pieces.concat());
            let whole = read(&[form.as_bytes()], "b");
            let single: Vec<&[u8]> = form.as_bytes().chunks(1).collect();
            let bytewise = read(&single, "b");
            let bodies = |found: Option<Vec<(Headers, Vec<u8>)>>| {
                found.map(|found| found.into_iter().map(|(_, body)| body).collect::<Vec<_>>())
            };
            prop_assert_eq!(bodies(whole), bodies(bytewise));
        }
    }
}
