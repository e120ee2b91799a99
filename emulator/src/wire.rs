//! What Swift's server does on the wire and hyper does not, and ways of ending a connection.
//!
//! * Of an answer's headers hyper writes only those that it must know of; the others are put behind the status line here.
//! * A request target may hold raw bytes beyond ASCII, UTF-8 or not. Swift takes them as if they were escaped; hyper
//!   refuses those that are not UTF-8. Here they become escapes before hyper sees them.
//!
//! * A request may have more headers than most. Room for them costs hyper more than half of what it takes to read a usual
//!   request, so a connection has it only once such a request has come: [`Wire::needs_room`].
//! * Whoever answers can have the connection closed as soon as what was said has gone out, or reset: see [`Line`].
//! * A client that does not read what it is sent is given up, and one that does not send a whole head.
//!
//! What comes is looked at only where a message begins: at the first bytes that come after a response has gone out and the
//! request's body has come, which may be later. What goes out is looked at only when hyper has been given an answer.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::head::{HeaderLines, complete, is_interim};
use crate::patience::Patience;

thread_local! {
    /// Where heads are completed.
    static HEADS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room that a thread keeps for heads.
const HEADS_ROOM: usize = 4096;

/// How many headers hyper reads without room made for more.
const USUAL_HEADERS: usize = 100;

/// The bytes of the shortest header: `A:` and the end of the line.
const SHORTEST: usize = 4;

/// More than one only where a client does not wait for its answers, nor reads them.
type Due = SmallVec<[HeaderLines; 1]>;

/// What those who answer on a connection want of it.
#[derive(Debug)]
pub(crate) struct Line {
    began: Instant,
    answering: AtomicBool,
    /// When the last request was done with, in milliseconds from when the connection began.
    done: AtomicU64,
    body_is_coming: AtomicBool,
    /// Of the answers of which hyper writes the heads next.
    due: Mutex<Due>,
    closing: AtomicBool,
    reset: AtomicBool,
}

/// Somebody is answering a request, for as long as this is there.
#[derive(Debug)]
pub(crate) struct Answering(Option<Arc<Line>>);

impl Answering {
    /// For who knows already what time it is when this ends.
    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(line) = self.0.take() {
            line.answering.store(false, Ordering::Relaxed);
            line.is_done(now);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.end(Instant::now());
        }
    }
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            answering: AtomicBool::default(),
            done: AtomicU64::default(),
            body_is_coming: AtomicBool::default(),
            due: Mutex::default(),
            closing: AtomicBool::default(),
            reset: AtomicBool::default(),
        }
    }

    /// To be called with each request. Whoever keeps what this gives is still at it.
    pub(crate) fn answers(self: &Arc<Self>) -> Answering {
        self.answering.store(true, Ordering::Relaxed);
        Answering(Some(Arc::clone(self)))
    }

    /// Whether the client is to speak: all it has asked is answered, and what it sends next is a head.
    fn listens(&self) -> bool {
        !self.answering.load(Ordering::Relaxed) && !self.body_is_coming.load(Ordering::Relaxed)
    }

    /// Since when it is.
    fn listens_since(&self) -> Instant {
        self.began + Duration::from_millis(self.done.load(Ordering::Relaxed))
    }

    fn is_done(&self, at: Instant) {
        // A connection lasts for less than ages.
        let after = at.duration_since(self.began).as_millis();
        self.done
            .store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// To be called when a request has a body and when that has come, so that no bytes of it are taken for a request.
    pub(crate) fn body_is_coming(&self, coming: bool) {
        self.body_is_coming.store(coming, Ordering::Relaxed);
        if !coming {
            self.is_done(Instant::now());
        }
    }

    /// To be called when hyper takes an answer, and not before: it takes one when it has handed on the body of the last one,
    /// so that no body is ever taken for a head.
    pub(crate) fn takes(&self, lines: HeaderLines) {
        self.due().push(lines);
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        // Nothing under this lock can panic halfway through a change.
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How many headers whoever reads has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Usual,
    /// A head has come that needs more.
    Wanted,
    More,
}

/// A connection as hyper shall see it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    line: Arc<Line>,
    /// Whether the next bytes that come may begin a request.
    at_request: bool,
    /// How many lines of the head that is coming there are at most; `None` where its end has come.
    head_lines: Option<usize>,
    /// Whether nothing waits to be sent.
    flushed: bool,
    room: Room,
    /// Bytes that have come, rewritten, and did not fit what hyper had room for.
    incoming: Vec<u8>,
    /// Bytes that hyper has handed over and the socket has not taken.
    outgoing: Vec<u8>,
    /// How long the socket has taken nothing.
    patience: Patience,
    /// How long the client has not sent a whole head.
    silence: Patience,
}

impl Wire {
    /// A connection whose client must not let what it is sent, or a head that it is to send, wait for longer than `timeout`.
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>, timeout: Duration) -> Self {
        Self {
            stream,
            line,
            at_request: true,
            head_lines: Some(0),
            flushed: true,
            room: Room::Usual,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            patience: Patience::new(timeout),
            silence: Patience::new(timeout),
        }
    }

    /// Whether reading has failed because a head has more headers than usual. All that has come of it is still there for
    /// whoever reads on [`with_room`](Self::with_room).
    pub(crate) fn needs_room(&self) -> bool {
        self.room == Room::Wanted
    }

    /// The same connection for a reader that has room for more headers. `read` is what the one before has left.
    pub(crate) fn with_room(mut self, read: &[u8]) -> Self {
        if std::mem::take(&mut self.at_request)
            && let Some(rewritten) = escaped(&self.incoming)
        {
            self.incoming = rewritten;
        }
        self.incoming.splice(..0, read.iter().copied());
        self.room = Room::More;
        self
    }

    /// Looks at what has come. True where it belongs to a head of more lines than there is room for.
    fn is_too_much(&mut self, bytes: &[u8]) -> bool {
        let Some(before) = self.head_lines else {
            return false;
        };
        // As many lines as there can be: nearly no head is long enough to have to be looked at.
        let most = before + bytes.len() / SHORTEST;
        if most <= USUAL_HEADERS {
            self.head_lines = Some(most);
            return false;
        }
        let end = memchr::memmem::find(bytes, b"\r\n\r\n");
        let head = &bytes[..end.unwrap_or(bytes.len())];
        let lines = before + memchr::memchr_iter(b'\n', head).count();
        self.head_lines = end.is_none().then_some(lines);
        // The line of the request has an end, too.
        lines > USUAL_HEADERS
    }

    /// Whether the client has not sent the head that is waited for, in all the time it has.
    fn is_silent(&mut self, context: &mut Context<'_>) -> bool {
        let line = &self.line;
        let listens = line.listens();
        let since = || {
            if listens {
                line.listens_since()
            } else {
                // Hyper does not ask again when it has answered, so there must be somebody to wake it.
                Instant::now()
            }
        };
        self.silence.is_over_since(since, context) && listens
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

/// The bytes with those of the request line that are not ASCII escaped; `None` where nothing has to be.
fn escaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memchr2(b'\r', b'\n', bytes)?;
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
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => read?,
            Poll::Pending if self.is_silent(context) => {
                let text = "the client does not send a request";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
            }
            Poll::Pending => return Poll::Pending,
        }
        if self.line.body_is_coming.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let came = &buffer.filled()[before..];
        let begins = std::mem::take(&mut self.at_request);
        if begins {
            self.head_lines = Some(0);
        }
        // What comes before an answer is out must not end it.
        let heeded = self.room == Room::Usual && self.flushed && self.line.listens();
        if heeded && self.is_too_much(came) {
            self.incoming = came.to_vec();
            self.at_request = begins;
            self.room = Room::Wanted;
            buffer.set_filled(before);
            let text = "a request has more headers than usual";
            return Poll::Ready(Err(io::Error::other(text)));
        }
        if begins && let Some(rewritten) = escaped(came) {
            buffer.set_filled(before);
            self.incoming = rewritten;
            self.hand_over(buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.flushed = false;
        ready!(self.drain(context))?;
        let Some((first, bodies)) = parts.split_first() else {
            return Poll::Ready(Ok(0));
        };
        HEADS.with_borrow_mut(|heads| {
            heads.clear();
            heads.shrink_to(HEADS_ROOM);
            let due = std::mem::take(&mut *self.line.due());
            // An interim answer is not the end of a request: what comes next is its body.
            let is_interim = due.is_empty() && is_interim(first);
            self.at_request |= !is_interim;
            if due.is_empty() && !is_interim {
                let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
                return self.watched(polled, context);
            }
            // An interim one as well, so that hyper never puts the next head behind a part of it.
            complete(first, due.into_iter(), heads);
            let whole = std::iter::once(IoSlice::new(heads)).chain(bodies.iter().copied());
            let whole: SmallVec<[IoSlice<'_>; 4]> = whole.collect();
            let polled = Pin::new(&mut self.stream).poll_write_vectored(context, &whole);
            let written = match self.watched(polled, context) {
                Poll::Ready(written) => written?,
                Poll::Pending => 0,
            };
            // Taken whatever the socket does: what it leaves of the heads goes out before anything else.
            self.outgoing
                .extend_from_slice(heads.get(written..).unwrap_or_default());
            let of_bodies = written.saturating_sub(heads.len());
            Poll::Ready(Ok(first.len() + of_bodies))
        })
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
        self.flushed = true;
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

    #[tokio::test]
    async fn takes_an_interim_answer_whole_though_the_socket_is_full() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (client, served) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_client, (stream, _)) = (client.expect("it listens"), served.expect("it comes"));
        stream.writable().await.expect("it is open");
        while stream.try_write(&[0; 4096]).is_ok() {}
        let mut wire = Wire::new(stream, Arc::new(Line::new()), Duration::from_mins(1));
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
        let taken = std::future::poll_fn(|context| {
            Poll::Ready(Pin::new(&mut wire).poll_write(context, interim))
        });
        assert!(matches!(taken.await, Poll::Ready(Ok(length)) if length == interim.len()));
        assert_eq!(wire.outgoing, interim);
    }

    #[test]
    fn leaves_plain_requests_and_bodies_alone() {
        assert_eq!(escaped(b"GET / HTTP/1.1\r\nX-A: \xff\r\n\r\n"), None);
        assert_eq!(escaped(b"\xff\xfe\r\n"), None);
        assert_eq!(escaped(b"GET /\xff HTTP/1.1 with no end"), None);
    }
}
