//! The journal: what was asked and what became of it, the latest requests in a ring, and counts of all of them.
//!
//! A request is written down when the last of its answer's body has been handed to the connection, or when it is clear
//! that this will never happen. Until then [`Exchange`] carries what is known of it; writing it down takes one short lock,
//! under which nothing is allocated or freed but the ring's own growth.
//!
//! Requests to the control surface are not in it. Secrets are not either: see [`mask`].

mod entry;
mod exchange;
mod filter;
mod mask;
mod tail;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::metrics::Counters;
use crate::region::Region;

pub use entry::RecordedRequest;
pub(crate) use entry::{Entry, Service};
pub(crate) use exchange::{Exchange, Peer, Sent};
pub(crate) use filter::Filter;
pub use filter::RequestFilter;
pub(crate) use tail::tail;

/// How many requests are kept where nothing else is said.
pub(crate) const CAPACITY: usize = 10_000;

/// The requests of one emulator.
#[derive(Debug)]
pub(crate) struct Journal {
    /// How many requests are kept; with 0 they are only counted.
    capacity: usize,
    regions: Arc<[Region]>,
    state: Mutex<State>,
    /// Tells whoever follows the journal that there is something new.
    news: Notify,
    /// How many follow it.
    followers: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    /// Connections that are open.
    pub(crate) connections: AtomicU64,
    /// Connections that have ever been.
    pub(crate) accepted: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// By id, without a gap.
    ring: VecDeque<Arc<Entry>>,
    /// The id that was given last.
    last_id: u64,
    /// The last id that was there when the journal was cleared: nobody has missed these.
    cleared: u64,
    counters: Counters,
}

/// Some requests of the journal, in the order of their ids.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Arc<Entry>>,
    /// How many there were between the id asked for and the first of them, and are no more.
    lost: u64,
    /// The id to go on from.
    last_id: u64,
}

impl Journal {
    pub(crate) fn new(capacity: usize, regions: Arc<[Region]>) -> Self {
        Self {
            capacity,
            regions,
            state: Mutex::default(),
            news: Notify::new(),
            followers: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
        }
    }

    /// How many requests are kept.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
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
        let mut state = self.state();
        state.cleared = state.last_id;
        let forgotten = std::mem::take(&mut state.ring);
        // Freed without the lock.
        drop(state);
        drop(forgotten);
    }

    /// The id that was given last; 0 if there was none yet.
    pub(crate) fn last_id(&self) -> u64 {
        self.state().last_id
    }

    pub(crate) fn counters(&self) -> Counters {
        self.state().counters.clone()
    }

    fn describe(&self, entry: &Entry) -> RecordedRequest {
        let region = self.regions.get(entry.region);
        entry.describe(region.map_or("", |region| &region.name))
    }

    fn since(&self, id: u64, limit: usize) -> Batch {
        let state = self.state();
        let first = state.last_id + 1 - state.ring.len() as u64;
        let skipped = (id + 1).saturating_sub(first);
        let entries: Vec<_> = state
            .ring
            .iter()
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
            .take(limit)
            .cloned()
            .collect();
        Batch {
            lost: first.saturating_sub(id.max(state.cleared) + 1),
            last_id: entries
                .last()
                .map_or(state.last_id.max(id), |entry| entry.id),
            entries,
        }
    }

    fn record(&self, mut entry: Arc<Entry>) {
        let mut evicted = None;
        if self.capacity == 0 {
            self.state().counters.count(&entry);
        } else {
            let mut state = self.state();
            state.counters.count(&entry);
            state.last_id += 1;
            if let Some(entry) = Arc::get_mut(&mut entry) {
                entry.id = state.last_id;
            }
            if state.ring.len() == self.capacity {
                evicted = state.ring.pop_front();
            }
            state.ring.push_back(entry);
        }
        drop(evicted);
        if self.followers.load(Ordering::Relaxed) > 0 {
            self.news.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
