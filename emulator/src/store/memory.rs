//! How much memory the stored things take, and how much they may.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// A count of the bytes that bodies and records take, with a limit.
///
/// It counts what is asked for, not what the allocator makes of it.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: u64,
    used: AtomicU64,
}

/// There is no room for it: the memory's limit is reached, or the disk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Memory {
    /// A count that refuses to pass `limit` bytes.
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self {
            limit: limit.unwrap_or(u64::MAX),
            used: AtomicU64::new(0),
        }
    }

    /// Counts so many bytes more, or none at all where that passes the limit.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), Full> {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= self.limit)
            })
            .map(drop)
            .map_err(|_| Full)
    }

    /// Counts so many bytes less: as many as were taken before.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether so many bytes could be taken now.
    pub(crate) fn has_room_for(&self, bytes: u64) -> bool {
        bytes <= self.limit.saturating_sub(self.used())
    }

    /// Bytes counted now.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// Bytes that are counted for as long as anybody holds them, be it a response that is still being sent.
pub(super) struct Counted {
    bytes: Vec<u8>,
    charge: u64,
    memory: Arc<Memory>,
}

impl Counted {
    /// Room for so many bytes, counted at once.
    pub(super) fn with_capacity(memory: &Arc<Memory>, capacity: usize) -> Result<Self, Full> {
        let charge = capacity as u64;
        memory.take(charge)?;
        Ok(Self {
            bytes: Vec::with_capacity(capacity),
            charge,
            memory: Arc::clone(memory),
        })
    }

    /// The same without a count: for what memory holds only on its way to elsewhere.
    pub(super) fn uncounted(memory: &Arc<Memory>, capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            charge: 0,
            memory: Arc::clone(memory),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes there is still room for.
    pub(super) fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes, without the room that they did not fill.
    pub(super) fn freeze(mut self) -> Bytes {
        if self.room() > 0 {
            self.bytes.shrink_to_fit();
            let charge = self.charge.min(self.bytes.len() as u64);
            self.memory.give_back(self.charge - charge);
            self.charge = charge;
        }
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.memory.give_back(self.charge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_counted() {
        let memory = Memory::new(Some(10));
        assert_eq!(memory.take(8), Ok(()));
        assert_eq!(memory.take(3), Err(Full));
        assert_eq!(memory.take(u64::MAX), Err(Full));
        assert_eq!(memory.used(), 8);
        assert!(memory.has_room_for(2) && !memory.has_room_for(3));
        memory.give_back(8);
        assert_eq!(memory.take(10), Ok(()));
    }

    #[test]
    fn bytes_count_until_nobody_holds_them() {
        let memory = Arc::new(Memory::new(Some(100)));
        let mut counted = Counted::with_capacity(&memory, 100).expect("there is room");
        counted.extend(b"abc");
        assert_eq!(memory.used(), 100);
        let bytes = counted.freeze();
        assert_eq!(memory.used(), 3);
        let part = bytes.slice(1..2);
        drop(bytes);
        assert_eq!(memory.used(), 3);
        drop(part);
        assert_eq!(memory.used(), 0);
    }
}
