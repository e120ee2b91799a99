//! A request while it is being answered, and the body of its answer while that is being sent.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::entry::{Auth, Entry, Service, Target};
use super::mask;
use crate::core::Core;
use crate::faults::FaultId;
use crate::glance::Glance;
use crate::headers::find;
use crate::message::{Body, BodyError, Request};
use crate::wire::Answering;

/// Swift's status for requests whose client has gone.
const CLIENT_GONE: u16 = 499;

/// No client's name for itself is kept further, in bytes.
const MAX_USER_AGENT: usize = 256;

/// What is kept of a client between its requests on one connection.
///
/// Exchanges share it, and not the core itself: the count of who has a connection's is not on the way of other threads.
#[derive(Debug)]
pub(crate) struct Peer {
    core: Arc<Core>,
    user_agent: Mutex<Option<Arc<str>>>,
}

impl Peer {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            user_agent: Mutex::default(),
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// What the client calls itself; mostly the same as before, and then shared.
    fn user_agent(&self, request: &Request) -> Option<Arc<str>> {
        let bytes = find(&request.headers, "user-agent")?.as_bytes();
        let bytes = &bytes[..bytes.len().min(MAX_USER_AGENT)];
        let known = self.user_agent.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|known| known.as_bytes() != bytes) {
            *known = Some(String::from_utf8_lossy(bytes).into());
        }
        known.clone()
    }
}

/// A request under way. Whatever becomes of it, dropping this writes it down.
#[derive(Debug)]
pub(crate) struct Exchange(Box<Open>);

#[derive(Debug)]
struct Open {
    peer: Arc<Peer>,
    entry: Entry,
    started: Instant,
    ended: Option<Instant>,
    /// How many bytes of the request's body have been read, if it has one.
    read: Option<Arc<AtomicU64>>,
    /// The status that counts if the answer gets out whole.
    status: u16,
}

impl Exchange {
    pub(crate) fn begin(
        peer: &Arc<Peer>,
        request: &Request,
        (service, glance): (Service, Glance),
        uri: &Uri,
        started: Instant,
    ) -> Self {
        let core = peer.core();
        core.journal.ring.begin();
        let keeps = core.journal.capacity() > 0;
        Self(Box::new(Open {
            peer: Arc::clone(peer),
            entry: Entry {
                id: 0,
                received: request.received,
                took: Duration::ZERO,
                method: request.method.clone(),
                target: if keeps {
                    mask::target(uri.path(), uri.query())
                } else {
                    Target::default()
                },
                region: core.regions.here,
                service,
                auth: Auth::of(request, glance),
                status: CLIENT_GONE,
                bytes_in: 0,
                bytes_out: 0,
                trans_id: request.trans_id.clone(),
                user_agent: if keeps {
                    peer.user_agent(request)
                } else {
                    None
                },
                fault: None,
            },
            started,
            ended: None,
            read: request.body.counter(),
            status: CLIENT_GONE,
        }))
    }

    pub(crate) fn struck_by(&mut self, fault: FaultId) {
        self.0.entry.fault = Some(fault);
    }

    /// The answer's body, which ends the exchange.
    pub(crate) fn answered(
        mut self,
        status: http::StatusCode,
        body: Body,
        answering: Answering,
    ) -> Sent {
        self.0.status = status.as_u16();
        let mut sent = Sent::unrecorded(body, answering);
        sent.exchange = Some(self);
        sent
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let open = &mut *self.0;
        let journal = &open.peer.core.journal;
        journal.ring.end();
        let read = open.read.as_ref();
        open.entry.bytes_in = read.map_or(0, |read| read.load(Ordering::Relaxed));
        let ended = open.ended.unwrap_or_else(Instant::now);
        open.entry.took = ended.duration_since(open.started);
        journal.record(&mut open.entry);
    }
}

/// An answer's body on its way, and the exchange that ends with it.
#[derive(Debug)]
pub(crate) struct Sent {
    body: Body,
    /// In bytes, where it is known.
    expected: Option<u64>,
    bytes: u64,
    ended: bool,
    exchange: Option<Exchange>,
    /// For as long as there is something to send.
    answering: Answering,
}

impl Sent {
    /// A body of an exchange that nobody writes down.
    pub(crate) fn unrecorded(body: Body, answering: Answering) -> Self {
        Self {
            expected: body.length(),
            body,
            bytes: 0,
            ended: false,
            exchange: None,
            answering,
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let whole = self.ended || self.expected == Some(self.bytes);
        let now = Instant::now();
        self.answering.end(now);
        if let Some(Exchange(open)) = &mut self.exchange {
            open.ended = Some(now);
            open.entry.bytes_out = self.bytes;
            if whole {
                open.entry.status = open.status;
            }
        }
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Poll::Ready(None) => self.ended = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
