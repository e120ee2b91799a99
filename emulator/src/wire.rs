//! Two things that Swift's server does on the wire and hyper does not, and two ways of ending a connection.
//!
//! * A 204 says `Content-Length: 0`. RFC 9110 (8.6) forbids it and hyper leaves it out; Swift sends it, and clients read
//!   it.
//! * A request target may hold raw bytes beyond ASCII, UTF-8 or not. Swift takes them as if they were escaped; hyper
//!   refuses those that are not UTF-8. Here they become escapes before hyper sees them.
//!
//! * Whoever answers can have the connection closed as soon as what was said has gone out, or reset: see [`Line`].
//! * A client that does not read what it is sent is given up.
//!
//! The first two look only where a message begins: at the start of what is written, and at the first bytes that come after a
//! response has gone out and the request's body has come, which may be later.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::patience::Patience;

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n";
const LENGTH: &[u8] = b"Content-Length: 0\r\n";
const CONTINUE: &[u8] = b"HTTP/1.1 100 ";

/// What those who answer on a connection want of it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    body_is_coming: AtomicBool,
    no_content: AtomicBool,
    closing: AtomicBool,
    reset: AtomicBool,
}

impl Line {
    /// To be called when a request has a body and when that has come, so that no bytes of it are taken for a request.
    pub(crate) fn body_is_coming(&self, coming: bool) {
        self.body_is_coming.store(coming, Ordering::Relaxed);
    }

    /// To be called before a 204 is handed to hyper, so that no body is ever taken for the head of such an answer.
    pub(crate) fn answers_no_content(&self) {
        self.no_content.store(true, Ordering::Relaxed);
    }

    /// Closes the connection once everything before has gone out, whatever was promised to follow.
    pub(crate) fn close_when_flushed(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Has the connection end with RST, and not FIN, when hyper drops it.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Whether it is to be dropped now.
    pub(crate) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }
}

/// A connection as hyper shall see it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    line: Arc<Line>,
    /// Whether the next bytes that come may begin a request.
    at_request: bool,
    /// Bytes that have come, rewritten, and did not fit what hyper had room for.
    incoming: Vec<u8>,
    /// Bytes that hyper has handed over and the socket has not taken.
    outgoing: Vec<u8>,
    /// How long the socket has taken nothing.
    patience: Patience,
}

impl Wire {
    /// A connection whose client must not let what it is sent wait for longer than `timeout`.
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>, timeout: Duration) -> Self {
        Self {
            stream,
            line,
            at_request: true,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            patience: Patience::new(timeout),
        }
    }

    fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.incoming.len().min(buffer.remaining());
        buffer.put_slice(&self.incoming[..count]);
        self.incoming.drain(..count);
    }

    /// What became of a write; an error where the socket has taken nothing for too long.
    fn watched(
        &mut self,
        polled: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(_) => {
                self.patience.rest();
                polled
            }
            Poll::Pending if self.patience.is_over(context) => {
                let text = "the client does not read what it is sent";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Writes out what is waiting.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let polled = Pin::new(&mut self.stream).poll_write(context, &self.outgoing);
            let written = ready!(self.watched(polled, context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    /// Looks at what is about to be written. True where it was taken over, with the length put into it.
    fn take_over(&mut self, bytes: &[u8]) -> bool {
        // An interim answer is not the end of a request: what comes next is its body.
        self.at_request |= !bytes.starts_with(CONTINUE);
        if !bytes.starts_with(NO_CONTENT)
            || !self.line.no_content.swap(false, Ordering::Relaxed)
            || names_length(bytes)
        {
            return false;
        }
        self.outgoing.extend_from_slice(NO_CONTENT);
        self.outgoing.extend_from_slice(LENGTH);
        self.outgoing.extend_from_slice(&bytes[NO_CONTENT.len()..]);
        true
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.is_reset()
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a connection ends with FIN instead of RST");
        }
    }
}

/// Whether a head says its length already, as hyper lets it in answers to HEAD.
fn names_length(bytes: &[u8]) -> bool {
    let name = b"\r\nContent-Length:";
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or(bytes.len());
    bytes[..end]
        .windows(name.len())
        .any(|window| window.eq_ignore_ascii_case(name))
}

/// The bytes with those of the request line that are not ASCII escaped; `None` where nothing has to be.
fn escaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let (line, rest) = bytes.split_at(end);
    let version = b" HTTP/1.";
    if line.is_ascii() || !line.windows(version.len()).any(|part| part == version) {
        return None;
    }
    let mut rewritten = Vec::with_capacity(bytes.len() + line.len() * 2);
    for byte in line {
        if byte.is_ascii() {
            rewritten.push(*byte);
        } else {
            rewritten.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    rewritten.extend_from_slice(rest);
    Some(rewritten)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.incoming.is_empty() {
            self.hand_over(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !self.line.body_is_coming.load(Ordering::Relaxed)
            && std::mem::take(&mut self.at_request)
            && let Some(rewritten) = escaped(&buffer.filled()[before..])
        {
            buffer.set_filled(before);
            self.incoming = rewritten;
            self.hand_over(buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.drain(context))?;
        if self.take_over(bytes) {
            // Taken whatever the socket does: what it leaves goes out before anything else.
            return match self.drain(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(bytes.len())),
            };
        }
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|part| !part.is_empty());
        if let Some(first) = first
            && first.starts_with(NO_CONTENT)
        {
            return self.poll_write(context, first);
        }
        ready!(self.drain(context))?;
        self.at_request |= first.is_some_and(|first| !first.starts_with(CONTINUE));
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watched(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        // Hyper flushes when it has nothing left to write.
        if self.line.closing.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_is_not_ascii_in_a_request_line_and_nothing_else() {
        let rewritten = escaped(b"GET /v1/a/\xff\xc3\xa9 HTTP/1.1\r\nX-A: \xff\r\n\r\n");
        assert_eq!(
            rewritten.as_deref(),
            Some(&b"GET /v1/a/%FF%C3%A9 HTTP/1.1\r\nX-A: \xff\r\n\r\n"[..])
        );
    }

    #[test]
    fn sees_a_length_in_the_head_and_not_behind_it() {
        assert!(names_length(
            b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
        ));
        assert!(!names_length(
            b"HTTP/1.1 204 No Content\r\n\r\n\r\nContent-Length: 0\r\n"
        ));
    }

    #[test]
    fn leaves_plain_requests_and_bodies_alone() {
        assert_eq!(escaped(b"GET / HTTP/1.1\r\nX-A: \xff\r\n\r\n"), None);
        assert_eq!(escaped(b"\xff\xfe\r\n"), None);
        assert_eq!(escaped(b"GET /\xff HTTP/1.1 with no end"), None);
    }
}
