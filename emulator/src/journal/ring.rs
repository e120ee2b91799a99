//! What is kept of requests: the latest ones, and counts of all.
//!
//! It lies in stripes, and a thread writes to one of them only: whatever all threads write to costs each of them more than
//! all else that is done here. The number of the last request is the one thing they share. It is given under the lock of a
//! stripe, so whoever holds all of these sees all that was numbered.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crossbeam_utils::CachePadded;

use super::Entry;
use super::packed::{Chunks, Packed};
use crate::metrics::Counters;

/// More threads than these share.
const MOST_STRIPES: usize = 8;

/// After so many requests what is too old goes from all stripes, also those of threads that write no more.
const SWEPT: u64 = 1024;

static STRIPES: LazyLock<usize> = LazyLock::new(|| {
    std::thread::available_parallelism().map_or(1, |threads| threads.get().min(MOST_STRIPES))
});

/// The number of this thread among those that ever wrote anything down.
fn thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
    }
    THREAD.get().unwrap_or_else(|| {
        let thread = THREADS.fetch_add(1, Ordering::Relaxed);
        THREAD.set(Some(thread));
        thread
    })
}

/// The latest requests, and counts of all.
#[derive(Debug)]
pub(super) struct Ring {
    /// How many requests are kept; with 0 they are only counted.
    capacity: usize,
    stripes: Box<[CachePadded<Stripe>]>,
    /// The id that was given last.
    last_id: CachePadded<AtomicU64>,
    /// The last id that was there when all were forgotten: nobody has missed these.
    cleared: AtomicU64,
}

#[derive(Debug, Default)]
struct Stripe {
    /// How many requests began on this stripe's threads, less those that ended there; which may be others.
    in_flight: AtomicU64,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// Some that are too old to be shown among them.
    requests: Packed,
    counters: Counters,
}

/// Some requests, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// How many there were between the id asked for and the first of them, and are no more.
    pub(super) lost: u64,
    /// The id to go on from.
    pub(super) last_id: u64,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            stripes: (0..*STRIPES).map(|_| CachePadded::default()).collect(),
            last_id: CachePadded::default(),
            cleared: AtomicU64::new(0),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The stripe of this thread.
    fn own(&self) -> &Stripe {
        &self.stripes[thread() % self.stripes.len()]
    }

    /// All stripes, for whom nothing is written meanwhile.
    fn all(&self) -> Vec<MutexGuard<'_, Written>> {
        self.stripes.iter().map(|stripe| stripe.written()).collect()
    }

    pub(super) fn begin(&self) {
        self.own().in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.own().in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many have begun and not ended.
    pub(super) fn in_flight(&self) -> u64 {
        let counts = self.stripes.iter();
        let sum = counts
            .map(|stripe| stripe.in_flight.load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add);
        // One that ends on another stripe while we count may be missing on the first.
        sum.cast_signed().max(0).cast_unsigned()
    }

    /// Counts a request, gives it its id, and keeps it in the place of the oldest.
    pub(super) fn write(&self, entry: &mut Entry) {
        let mut written = self.own().written();
        written.counters.count(entry);
        if self.capacity == 0 {
            return;
        }
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        entry.id = id;
        let oldest = self.oldest_kept(id);
        written.requests.push(entry, oldest);
        drop(written);
        if id.is_multiple_of(SWEPT) {
            for stripe in &self.stripes {
                stripe.written().requests.forget_before(oldest);
            }
        }
    }

    /// The oldest id that is still kept when `last_id` is the last.
    fn oldest_kept(&self, last_id: u64) -> u64 {
        let capacity = u64::try_from(self.capacity).unwrap_or(u64::MAX);
        last_id.saturating_sub(capacity) + 1
    }

    /// Forgets all requests. Ids go on, and so do the counts.
    pub(super) fn clear(&self) {
        let mut all = self.all();
        self.cleared
            .store(self.last_id.load(Ordering::Relaxed), Ordering::Relaxed);
        let forgotten: Vec<_> = all
            .iter_mut()
            .map(|written| std::mem::take(&mut written.requests))
            .collect();
        // Freed without the locks.
        drop(all);
        drop(forgotten);
    }

    /// The id that was given last; 0 if there was none yet. All up to it are written down.
    pub(super) fn last_id(&self) -> u64 {
        let all = self.all();
        let last_id = self.last_id.load(Ordering::Relaxed);
        drop(all);
        last_id
    }

    pub(super) fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for stripe in &self.stripes {
            sum.add(&stripe.written().counters);
        }
        sum
    }

    /// Those behind `id`, `limit` of them at most.
    pub(super) fn since(&self, id: u64, limit: usize) -> Batch {
        let all = self.all();
        let last_id = self.last_id.load(Ordering::Relaxed);
        let cleared = self.cleared.load(Ordering::Relaxed);
        let oldest = self.oldest_kept(last_id).max(cleared + 1);
        let first = oldest.max(id + 1);
        let found: Vec<Chunks> = all
            .iter()
            .map(|written| written.requests.since(first, limit))
            .collect();
        // Unpacked without the locks.
        drop(all);
        let found = found.into_iter().flat_map(Chunks::unpack);
        let mut entries: Vec<Entry> = found.filter(|entry| entry.id >= first).collect();
        entries.sort_unstable_by_key(|entry| entry.id);
        entries.truncate(limit);
        Batch {
            lost: oldest.saturating_sub(id.max(cleared) + 1),
            last_id: entries.last().map_or(last_id.max(id), |entry| entry.id),
            entries,
        }
    }
}

impl Stripe {
    fn written(&self) -> MutexGuard<'_, Written> {
        // Nothing under this lock can panic halfway through a change.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: usize, threads: usize, each: u64) -> Ring {
        let ring = Ring::new(capacity);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..each {
                        ring.begin();
                        ring.write(&mut Entry::of_a_test());
                        ring.end();
                    }
                });
            }
        });
        ring
    }

    fn ids(batch: &Batch) -> Vec<u64> {
        batch.entries.iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn what_many_threads_write_is_one_sequence() {
        let ring = filled(1_000, 5, 100);
        let batch = ring.since(0, usize::MAX);
        assert_eq!(ids(&batch), (1..=500).collect::<Vec<_>>());
        assert_eq!((batch.lost, batch.last_id, ring.last_id()), (0, 500, 500));
        assert_eq!(ring.in_flight(), 0);
        assert_eq!(ids(&ring.since(490, 5)), [491, 492, 493, 494, 495]);
    }

    #[test]
    fn shows_as_many_as_it_keeps_whoever_wrote_them() {
        let ring = filled(10, 5, 100);
        let batch = ring.since(0, usize::MAX);
        assert_eq!(ids(&batch), (491..=500).collect::<Vec<_>>());
        assert_eq!(batch.lost, 490);
        // A thread that begins now finds the stripes of the others full.
        std::thread::scope(|scope| {
            scope.spawn(|| ring.write(&mut Entry::of_a_test()));
        });
        assert_eq!(ids(&ring.since(0, 3)), [492, 493, 494]);
    }

    #[test]
    fn what_was_cleared_is_not_missed() {
        let ring = filled(10, 2, 20);
        ring.clear();
        let batch = ring.since(0, usize::MAX);
        assert_eq!((ids(&batch), batch.lost, batch.last_id), (vec![], 0, 40));
        ring.write(&mut Entry::of_a_test());
        assert_eq!(ids(&ring.since(0, usize::MAX)), [41]);
    }

    #[test]
    fn without_room_requests_are_only_counted() {
        let ring = filled(0, 3, 10);
        assert!(ring.since(0, usize::MAX).entries.is_empty());
        assert_eq!(ring.last_id(), 0);
        assert_eq!(ring.counters().all(), 30);
    }
}
