//! The journal: what was asked and what became of it, the latest requests in a ring, and counts of all of them.
//!
//! A request is written down when the last of its answer's body has been handed to the connection, or when it is clear
//! that this will never happen. Until then [`Exchange`] carries what is known of it; writing it down takes one short lock
//! for which threads do not wait for one another.
//!
//! Requests to the control surface are not in it. Secrets are not either: see [`mask`].

mod entry;
mod exchange;
mod filter;
mod mask;
mod packed;
mod ring;
mod tail;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::metrics::Counters;
use crate::region::Region;

pub use entry::RecordedRequest;
pub(crate) use entry::{Entry, Service};
pub(crate) use exchange::{Exchange, Peer, Sent};
pub(crate) use filter::Filter;
pub use filter::RequestFilter;
use ring::{Batch, Ring};
pub(crate) use tail::tail;

/// How many requests are kept where nothing else is said.
pub(crate) const CAPACITY: usize = 10_000;

/// The requests of one emulator.
#[derive(Debug)]
pub(crate) struct Journal {
    regions: Arc<[Region]>,
    ring: Ring,
    /// Tells whoever follows the journal that there is something new.
    news: Notify,
    /// How many follow it.
    followers: AtomicU64,
    /// Connections that are open.
    pub(crate) connections: AtomicU64,
    /// Connections that have ever been.
    pub(crate) accepted: AtomicU64,
}

impl Journal {
    /// One that keeps `capacity` requests; with 0 they are only counted.
    pub(crate) fn new(capacity: usize, regions: Arc<[Region]>) -> Self {
        Self {
            regions,
            ring: Ring::new(capacity),
            news: Notify::new(),
            followers: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
        }
    }

    /// How many requests are kept.
    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The requests that match, by id. Of more than `limit` those right behind `since_id`, if that is asked for, else the
    /// latest.
    pub(crate) fn requests(&self, filter: &Filter) -> Vec<RecordedRequest> {
        let all = self.since(filter.since_id.unwrap_or(0), usize::MAX).entries;
        let matching = all.iter().filter(|entry| filter.matches(entry));
        let mut found: Vec<_> = if filter.since_id.is_some() {
            matching.take(filter.limit).collect()
        } else {
            matching.rev().take(filter.limit).collect()
        };
        if filter.since_id.is_none() {
            found.reverse();
        }
        found
            .into_iter()
            .map(|entry| self.describe(entry))
            .collect()
    }

    /// Forgets all requests. Ids go on, and so do the counts.
    pub(crate) fn clear(&self) {
        self.ring.clear();
    }

    /// The id that was given last; 0 if there was none yet.
    pub(crate) fn last_id(&self) -> u64 {
        self.ring.last_id()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.ring.counters()
    }

    /// How many requests are being answered.
    pub(crate) fn in_flight(&self) -> u64 {
        self.ring.in_flight()
    }

    fn describe(&self, entry: &Entry) -> RecordedRequest {
        let region = self.regions.get(entry.region);
        entry.describe(region.map_or("", |region| &region.name))
    }

    fn since(&self, id: u64, limit: usize) -> Batch {
        self.ring.since(id, limit)
    }

    fn record(&self, entry: &mut Entry) {
        self.ring.write(entry);
        if self.followers.load(Ordering::Relaxed) > 0 {
            self.news.notify_waiters();
        }
    }
}
