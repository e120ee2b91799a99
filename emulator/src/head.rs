//! The heads of answers.
//!
//! Hyper writes of a head what it must know of: the status line, how the body is framed, whether the connection goes on. All
//! other headers are [`HeaderLines`], which are put behind the status line when hyper has written the rest: it looks up how each
//! name is to be written, which took it longer than all else that it does for an answer.

use std::cell::Cell;

use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::written::written;

const CONTINUE: &[u8] = b"HTTP/1.1 100 ";
const END: &[u8] = b"\r\n\r\n";

thread_local! {
    /// Room of lines that have been written out, for the next ones.
    static SPARE: Cell<BytesMut> = Cell::default();
}

/// Takes headers that are written for one answer, each name once.
pub(crate) trait Headers {
    /// A header whose value is what `write` adds to a page.
    fn put(&mut self, name: HeaderName, write: impl FnOnce(&mut BytesMut));

    /// A header that is there already.
    fn copy(&mut self, name: &HeaderName, value: &HeaderValue);
}

/// Headers that others may want to see before they go out.
impl Headers for HeaderMap {
    fn put(&mut self, name: HeaderName, write: impl FnOnce(&mut BytesMut)) {
        self.insert(name, written(write));
    }

    fn copy(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.insert(name.clone(), value.clone());
    }
}

/// Headers that hyper need not know of, as the wire has them. A name that is put here twice goes out twice.
#[derive(Debug, Default)]
pub(crate) struct HeaderLines(BytesMut);

impl HeaderLines {
    /// Room for what most answers say.
    const ROOM: usize = 512;

    /// No room that has grown beyond this is kept.
    const MOST: usize = 4096;

    /// Moves all headers here but those that hyper must know of.
    ///
    /// A 204 says that it has no length: RFC 9110 (8.6) forbids it and hyper leaves it out; Swift sends it, and clients read
    /// it.
    pub(crate) fn take(&mut self, headers: &mut HeaderMap, status: StatusCode) {
        let length = headers.remove(CONTENT_LENGTH);
        let connection = headers.remove(CONNECTION);
        for (name, value) in &*headers {
            self.copy(name, value);
        }
        headers.clear();
        if status == StatusCode::NO_CONTENT {
            self.copy(&CONTENT_LENGTH, &HeaderValue::from_static("0"));
        } else if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
        if let Some(connection) = connection {
            headers.insert(CONNECTION, connection);
        }
    }

    /// Each part of a name begins with a capital letter, as eventlet's `wsgi.py` has it (`capitalize`).
    fn line(&mut self, name: &HeaderName, write: impl FnOnce(&mut BytesMut)) {
        let page = &mut self.0;
        if page.capacity() == 0 {
            *page = SPARE.take();
            page.reserve(Self::ROOM);
        }
        let begin = page.len();
        page.extend_from_slice(name.as_str().as_bytes());
        let mut begins = true;
        for letter in &mut page[begin..] {
            if begins {
                letter.make_ascii_uppercase();
            }
            begins = *letter == b'-';
        }
        page.extend_from_slice(b": ");
        write(page);
        page.extend_from_slice(b"\r\n");
    }

    /// Writes them out, and keeps the room that they had.
    fn write_out(self, out: &mut Vec<u8>) {
        let Self(mut page) = self;
        out.extend_from_slice(&page);
        if page.capacity() <= Self::MOST {
            page.clear();
            SPARE.set(page);
        }
    }
}

impl Headers for HeaderLines {
    fn put(&mut self, name: HeaderName, write: impl FnOnce(&mut BytesMut)) {
        self.line(&name, write);
    }

    fn copy(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.line(name, |page| page.extend_from_slice(value.as_bytes()));
    }
}

/// Whether bytes are those of an interim answer, behind which the end of the request is still to come.
pub(crate) fn is_interim(bytes: &[u8]) -> bool {
    bytes.starts_with(CONTINUE)
}

/// Writes out heads as hyper has written them, one after the other and each from its beginning, with the lines of those that
/// are due.
pub(crate) fn complete(
    heads: &[u8],
    mut due: impl ExactSizeIterator<Item = HeaderLines>,
    out: &mut Vec<u8>,
) {
    let mut rest = heads;
    while !rest.is_empty() {
        let interim = is_interim(rest);
        let end = if interim || due.len() > 1 {
            memchr::memmem::find(rest, END).map_or(rest.len(), |at| at + END.len())
        } else {
            rest.len()
        };
        let (head, behind) = rest.split_at(end);
        let lines = if interim { None } else { due.next() };
        let status_line = memchr::memchr(b'\n', head).map_or(0, |at| at + 1);
        out.extend_from_slice(&head[..status_line]);
        if let Some(lines) = lines {
            lines.write_out(out);
        }
        out.extend_from_slice(&head[status_line..]);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of heads as hyper writes them, when answers with these headers are due.
    fn completed(heads: &str, answers: &[(u16, &[(&'static str, &'static str)])]) -> String {
        let lines = answers.iter().map(|(status, headers)| {
            let pairs = headers.iter().map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            let mut lines = HeaderLines::default();
            let status = StatusCode::from_u16(*status).expect("a status");
            lines.take(&mut pairs.collect(), status);
            lines
        });
        let mut out = Vec::new();
        complete(heads.as_bytes(), lines, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn headers_come_behind_the_status_line_but_for_what_hyper_must_know_of() {
        let headers = [
            ("etag", "a"),
            ("content-length", "3"),
            ("x-openstack-request-id", "tx"),
            ("connection", "keep-alive"),
        ];
        assert_eq!(
            completed(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
                &[(200, &headers)]
            ),
            "HTTP/1.1 200 OK\r\nEtag: a\r\nX-Openstack-Request-Id: tx\r\nContent-Length: 3\r\n\r\n"
        );
    }

    #[test]
    fn each_of_several_heads_gets_its_own_headers_and_no_interim_one_any() {
        let heads = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\
                     HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\n";
        assert_eq!(
            completed(heads, &[(204, &[]), (404, &[("x-trans-id", "tx")])]),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n\
             HTTP/1.0 404 Not Found\r\nX-Trans-Id: tx\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn a_204_has_no_body_whatever_it_was_to_have() {
        let headers = [("content-length", "5")];
        assert_eq!(
            completed("HTTP/1.1 204 No Content\r\n\r\n", &[(204, &headers)]),
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
        );
    }
}
