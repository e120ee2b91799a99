//! What the edge holds: copies of objects, each for as long as the TTL was when it was fetched.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use crate::store::Stored;

/// The most bytes that all copies together may have. The oldest ones go first.
const MAX_BYTES: u64 = 256 << 20;

/// The most that one copy may have, whose bytes are storage's own.
pub(super) const MAX_SHARED: u64 = MAX_BYTES / 2;

/// What a copy weighs beside its body and its name: headers and places in the maps, roughly.
const OVERHEAD: u64 = 1024;

/// An object of a container, by the hash in the container's addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    hash: u128,
    object: Arc<str>,
}

impl Key {
    pub(super) fn new(hash: u128, object: &str) -> Self {
        Self {
            hash,
            object: object.into(),
        }
    }
}

/// An answer of the origin. Its bytes are the store's own, shared and not copied.
pub(super) struct EdgeCopy {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Stored,
    pub(super) fetched: SystemTime,
    /// How long it is served, from `fetched` on, whatever becomes of the object and its container meanwhile.
    pub(super) ttl: Duration,
}

impl EdgeCopy {
    /// How long ago it was fetched; nothing, if the clock has been set back to before that.
    pub(super) fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.fetched).unwrap_or_default()
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        self.age(now) < self.ttl
    }
}

/// The copies, bounded in bytes.
#[derive(Default)]
pub(super) struct Cache {
    copies: HashMap<Key, Slot>,
    /// The same by the time they came in, oldest first.
    order: BTreeMap<u64, Key>,
    next: u64,
    bytes: u64,
    purges: u64,
}

struct Slot {
    copy: Arc<EdgeCopy>,
    order: u64,
    bytes: u64,
}

/// Says how many purges there had been when a fetch began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch {
    purges: u64,
}

impl Cache {
    /// The copy of an object, while its TTL has not run out.
    pub(super) fn fresh(&self, key: &Key, now: SystemTime) -> Option<Arc<EdgeCopy>> {
        let slot = self.copies.get(key)?;
        slot.copy.is_fresh(now).then(|| Arc::clone(&slot.copy))
    }

    /// Every copy: the hash of its container, its name, and when its TTL runs out.
    pub(super) fn expiries(&self) -> Vec<(u128, Arc<str>, SystemTime)> {
        let all = self.copies.iter().filter_map(|(key, slot)| {
            let at = slot.copy.fetched.checked_add(slot.copy.ttl)?;
            Some((key.hash, Arc::clone(&key.object), at))
        });
        all.collect()
    }

    /// To be called before the origin is asked for what [`Self::insert`] is then given.
    pub(super) fn fetch(&self) -> Fetch {
        Fetch {
            purges: self.purges,
        }
    }

    /// Keeps a copy in place of an older one, unless something was purged since the fetch began: the copy could then be
    /// of the time before the purge.
    pub(super) fn insert(&mut self, fetch: Fetch, key: Key, copy: Arc<EdgeCopy>) {
        if fetch.purges != self.purges {
            return;
        }
        self.remove(&key);
        let bytes = copy.body.len() + key.object.len() as u64 + OVERHEAD;
        self.bytes += bytes;
        self.order.insert(self.next, key.clone());
        let order = self.next;
        self.next += 1;
        self.copies.insert(key, Slot { copy, order, bytes });
        while self.bytes > MAX_BYTES
            && let Some(oldest) = self.order.first_entry().map(|entry| entry.get().clone())
        {
            self.remove(&oldest);
        }
    }

    /// Drops the copy of an object.
    pub(super) fn purge(&mut self, key: &Key) {
        self.purges += 1;
        self.remove(key);
    }

    /// Drops the copies of all containers whose hash is `gone`.
    pub(super) fn purge_containers(&mut self, gone: impl Fn(u128) -> bool) {
        self.purges += 1;
        let gone = self.copies.keys().filter(|key| gone(key.hash));
        for key in gone.cloned().collect::<Vec<_>>() {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.copies.remove(key) {
            self.order.remove(&slot.order);
            self.bytes -= slot.bytes;
        }
    }
}

impl fmt::Debug for Cache {
    /// How much there is; the copies themselves would fill pages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("copies", &self.copies.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use bytes::Bytes;

    use super::*;

    fn copy(body: Bytes) -> Arc<EdgeCopy> {
        Arc::new(EdgeCopy {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Stored::One(body),
            fetched: UNIX_EPOCH,
            ttl: Duration::from_mins(15),
        })
    }

    #[test]
    fn the_oldest_copies_make_room_and_the_count_of_bytes_stays_true() {
        let mut cache = Cache::default();
        // The same 64 MiB each time, so this costs 64 MiB and no more.
        let body = Bytes::from(vec![0; 64 << 20]);
        let keys: Vec<Key> = ["a", "b", "c", "d"].map(|name| Key::new(1, name)).into();
        for key in &keys {
            cache.insert(cache.fetch(), key.clone(), copy(body.clone()));
        }
        assert!(cache.fresh(&keys[0], UNIX_EPOCH).is_none());
        assert!(
            keys[1..]
                .iter()
                .all(|key| cache.fresh(key, UNIX_EPOCH).is_some())
        );
        for key in &keys {
            cache.purge(key);
        }
        assert_eq!((cache.bytes, cache.order.len()), (0, 0));
    }

    #[test]
    fn a_copy_replaced_is_counted_once() {
        let mut cache = Cache::default();
        let key = Key::new(1, "a");
        cache.insert(cache.fetch(), key.clone(), copy(Bytes::from_static(b"old")));
        let before = cache.bytes;
        cache.insert(cache.fetch(), key.clone(), copy(Bytes::from_static(b"new")));
        assert_eq!((cache.bytes, cache.order.len()), (before, 1));
    }

    #[test]
    fn what_was_fetched_before_a_purge_is_not_kept_after_it() {
        let mut cache = Cache::default();
        let key = Key::new(1, "a");
        let fetch = cache.fetch();
        cache.purge(&key);
        cache.insert(fetch, key.clone(), copy(Bytes::from_static(b"old")));
        assert!(cache.fresh(&key, UNIX_EPOCH).is_none());
    }
}
