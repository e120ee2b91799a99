//! A request while it is being answered, and the body of its answer while that is being sent.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Uri;
use http_body::{Frame, SizeHint};

use super::entry::{Auth, Entry, Service};
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
pub(crate) struct Exchange {
    peer: Arc<Peer>,
    /// Nobody else's before it is written down, and gone then.
    entry: Option<Arc<Entry>>,
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
        let entry = Entry {
            id: 0,
            received: request.received,
            started,
            took: Duration::ZERO,
            method: request.method.clone(),
            target: if keeps {
                mask::target(uri.path(), uri.query())
            } else {
                Box::default()
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
        };
        Self {
            peer: Arc::clone(peer),
            entry: Some(Arc::new(entry)),
            read: request.body.counter(),
            status: CLIENT_GONE,
        }
    }

    pub(crate) fn struck_by(&mut self, fault: FaultId) {
        if let Some(entry) = self.entry_mut() {
            entry.fault = Some(fault);
        }
    }

    fn entry_mut(&mut self) -> Option<&mut Entry> {
        self.entry.as_mut().and_then(Arc::get_mut)
    }

    /// The answer's body, which ends the exchange.
    pub(crate) fn answered(
        mut self,
        status: http::StatusCode,
        body: Body,
        answering: Answering,
    ) -> Sent {
        self.status = status.as_u16();
        let mut sent = Sent::unrecorded(body, answering);
        sent.exchange = Some(self);
        sent
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let journal = &self.peer.core.journal;
        journal.ring.end();
        let read = self
            .read
            .as_ref()
            .map_or(0, |read| read.load(Ordering::Relaxed));
        if let Some(entry) = self.entry_mut() {
            entry.took = entry.started.elapsed();
            entry.bytes_in = read;
        }
        if let Some(entry) = self.entry.take() {
            self.peer.core.journal.record(entry);
        }
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
    _answering: Answering,
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
            _answering: answering,
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let whole = self.ended || self.expected == Some(self.bytes);
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let status = exchange.status;
        if let Some(entry) = exchange.entry_mut() {
            entry.bytes_out = self.bytes;
            if whole {
                entry.status = status;
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
