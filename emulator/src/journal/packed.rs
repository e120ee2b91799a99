//! Requests as they are kept: small, and in chunks that are used again.
//!
//! With each request another of ten thousand ago is to be forgotten. Were they kept one by one, that would be memory which
//! nobody has touched for long, and to wait for it would take longer than all else that is done with the journal. A chunk is
//! forgotten without a look at it, and all of it is written to when it is used again, which has the memory come in a row.

use std::collections::VecDeque;
use std::time::Duration;

use http::Method;

use super::entry::{Auth, Entry, Service, Target};
use crate::faults::FaultId;
use crate::timestamp::Timestamp;
use crate::trans_id::TransId;

/// Requests in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Packed {
    chunks: VecDeque<Chunk>,
}

/// So many lie in one chunk.
const CHUNK: usize = 64;

/// Bytes of text for which a new chunk has room.
const TEXT: usize = 64 * CHUNK;

#[derive(Clone, Debug, Default)]
struct Chunk {
    /// As many as fit, of which the first `count` have been written.
    facts: Vec<Facts>,
    count: usize,
    last_id: u64,
    /// What is said of each in text, one after the other.
    text: Vec<u8>,
}

/// What is known of a request, but for texts.
#[derive(Clone, Copy, Debug)]
struct Facts {
    id: u64,
    received: Timestamp,
    took_micros: u64,
    bytes_in: u64,
    bytes_out: u64,
    fault: Option<FaultId>,
    lengths: [u16; TEXTS],
    region: u16,
    status: u16,
    service: Service,
    auth: Auth,
    trans_id: [u8; TransId::RANDOM],
}

/// Method, target, what the client adds to the transaction's name, what it calls itself.
const TEXTS: usize = 4;

impl Facts {
    const NONE: Self = Self {
        id: 0,
        received: Timestamp::from_ticks(0),
        took_micros: 0,
        bytes_in: 0,
        bytes_out: 0,
        fault: None,
        lengths: [0; TEXTS],
        region: 0,
        status: 0,
        service: Service::Other,
        auth: Auth::Anonymous,
        trans_id: [0; TransId::RANDOM],
    };
}

impl Packed {
    /// Adds a request, and may forget those of lower ids than `oldest`.
    pub(super) fn push(&mut self, entry: &Entry, oldest: u64) {
        if self.chunks.back().is_none_or(|last| last.count == CHUNK) {
            let mut chunk = self.take_before(oldest).unwrap_or_default();
            self.forget_before(oldest);
            chunk.clear();
            self.chunks.push_back(chunk);
        }
        if let Some(last) = self.chunks.back_mut() {
            last.push(entry);
        }
    }

    /// The first chunk, if all in it have lower ids.
    fn take_before(&mut self, id: u64) -> Option<Chunk> {
        self.chunks.pop_front_if(|chunk| chunk.last_id < id)
    }

    /// Forgets all with lower ids, but for those in one chunk with others.
    pub(super) fn forget_before(&mut self, id: u64) {
        while self.take_before(id).is_some() {}
    }

    /// A copy of those from `id` on, and of some before and behind them; `limit` are enough.
    pub(super) fn since(&self, id: u64, limit: usize) -> Self {
        let skipped = self.chunks.partition_point(|chunk| chunk.last_id < id);
        // In the first of them all but one may come before.
        let enough = limit.saturating_add(CHUNK - 1).div_ceil(CHUNK);
        let found = self.chunks.range(skipped..).take(enough);
        Self {
            chunks: found.cloned().collect(),
        }
    }

    pub(super) fn unpack(self) -> impl Iterator<Item = Entry> {
        self.chunks.into_iter().flat_map(Chunk::unpack)
    }
}

impl Chunk {
    fn clear(&mut self) {
        self.count = 0;
        self.facts.clear();
        self.facts.resize(CHUNK, Facts::NONE);
        // Room that a chunk of long texts has taken is given back.
        self.text.truncate(TEXT);
        self.text.shrink_to(TEXT);
        self.text.clear();
        self.text.resize(TEXT, 0);
        self.text.clear();
    }

    fn push(&mut self, entry: &Entry) {
        let texts: [&[u8]; TEXTS] = [
            entry.method.as_str().as_bytes(),
            &entry.target,
            entry.trans_id.extra().as_bytes(),
            entry.user_agent.as_deref().unwrap_or_default().as_bytes(),
        ];
        let lengths = texts.map(|text| {
            // No line of a head is longer than that: see `glance::MAX_LINE`.
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            self.text.extend_from_slice(&text[..usize::from(length)]);
            length
        });
        self.facts[self.count] = Facts {
            id: entry.id,
            received: entry.received,
            took_micros: u64::try_from(entry.took.as_micros()).unwrap_or(u64::MAX),
            bytes_in: entry.bytes_in,
            bytes_out: entry.bytes_out,
            fault: entry.fault,
            lengths,
            region: u16::try_from(entry.region).unwrap_or(u16::MAX),
            status: entry.status,
            service: entry.service,
            auth: entry.auth,
            trans_id: entry.trans_id.random(),
        };
        self.count += 1;
        self.last_id = entry.id;
    }

    fn unpack(self) -> impl Iterator<Item = Entry> {
        let mut at = 0;
        self.facts.into_iter().take(self.count).map(move |facts| {
            let [method, target, extra, user_agent] = facts.lengths.map(|length| {
                let text = &self.text[at..at + usize::from(length)];
                at += text.len();
                text
            });
            Entry {
                id: facts.id,
                received: facts.received,
                took: Duration::from_micros(facts.took_micros),
                method: Method::from_bytes(method).unwrap_or_default(),
                target: Target::from_slice(target),
                region: usize::from(facts.region),
                service: facts.service,
                auth: facts.auth,
                status: facts.status,
                bytes_in: facts.bytes_in,
                bytes_out: facts.bytes_out,
                trans_id: TransId::of(
                    facts.trans_id,
                    facts.received,
                    &String::from_utf8_lossy(extra),
                ),
                user_agent: (!user_agent.is_empty())
                    .then(|| String::from_utf8_lossy(user_agent).into()),
                fault: facts.fault,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u16) -> Entry {
        let id = u64::from(number);
        let received = Timestamp::from_ticks(140_000_000_012_345 + id);
        Entry {
            id,
            received,
            took: Duration::from_micros(id * 3),
            method: Method::from_bytes(b"PURGE").expect("a method"),
            target: Target::from_slice(format!("/v1/a/c/{}", "é".repeat(number.into())).as_bytes()),
            region: 2,
            status: 404,
            bytes_in: id,
            bytes_out: id << 40,
            trans_id: TransId::new(received, Some(&http::HeaderValue::from_static("mine"))),
            user_agent: id.is_multiple_of(2).then(|| "swiftclient".into()),
            fault: id.is_multiple_of(3).then(|| FaultId::new(id)),
            ..Entry::of_a_test()
        }
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let entries: Vec<Entry> = (1..=300).map(entry).collect();
        let mut packed = Packed::default();
        for entry in &entries {
            packed.push(entry, entry.id.saturating_sub(100));
        }
        for (from, limit) in [(200, 101), (250, 1), (199, 64), (300, 5), (301, 5)] {
            let found = packed.since(from, limit).unpack();
            let found: Vec<_> = found
                .skip_while(|entry| entry.id < from)
                .take(limit)
                .collect();
            let wanted = entries.iter().filter(|entry| entry.id >= from).take(limit);
            let wanted: Vec<_> = wanted.collect();
            assert_eq!(format!("{found:?}"), format!("{wanted:?}"));
        }
    }

    #[test]
    fn what_is_too_old_goes_by_the_chunk() {
        let mut packed = Packed::default();
        for number in 1..=10_000 {
            packed.push(&entry(number), u64::from(number.saturating_sub(100)));
        }
        assert!(packed.chunks.len() <= 4, "{}", packed.chunks.len());
        // Names in this test are long, so each chunk has had more room than it keeps for the next.
        let last = packed.chunks.back_mut().expect("it was written");
        assert!(last.text.capacity() > TEXT);
        last.clear();
        assert_eq!(last.text.capacity(), TEXT);
        packed.forget_before(10_001);
        assert!(packed.chunks.is_empty());
    }
}
