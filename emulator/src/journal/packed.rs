//! Requests as they are kept: small, and in chunks that are used again.
//!
//! With each request another of ten thousand ago is to be forgotten. Were they kept one by one, that would be memory which
//! nobody has touched for long, and to wait for it would take longer than all else that is done with the journal. So a chunk
//! is forgotten without a look at it, and of a request only what the one before it in the chunk has not said is kept: ten
//! thousand of them are small enough to stay in the processor's cache.

use std::collections::VecDeque;
use std::time::Duration;

use http::Method;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::entry::{Auth, Entry, Service, Target};
use crate::faults::FaultId;
use crate::timestamp::Timestamp;
use crate::trans_id::TransId;

/// Requests in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Packed {
    chunks: VecDeque<Chunk>,
    /// The last one.
    before: Before,
}

/// So many lie in one chunk.
const CHUNK: usize = 64;

/// Bytes for which a chunk that is used again keeps room.
const ROOM: usize = 64 * CHUNK;

#[derive(Clone, Debug, Default)]
struct Chunk {
    count: usize,
    last_id: u64,
    /// Of each its [`Facts`] in postcard's form, and what its texts end with.
    bytes: Vec<u8>,
}

/// What is known of a request, but for texts.
#[derive(Debug, Deserialize, Serialize)]
struct Facts {
    /// How far behind the id of the one before.
    id: u64,
    /// How far behind the one before, in ticks; negative where it took longer, or where the clock was set back.
    received: i64,
    took_micros: u64,
    bytes_in: u64,
    bytes_out: u64,
    fault: Option<FaultId>,
    region: u16,
    status: u16,
    service: Service,
    auth: Auth,
    trans_id: [u8; TransId::RANDOM],
    texts: [Text; TEXTS],
}

/// How much of a text is what the same one of the request before begins with, and how many bytes follow.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Text {
    shared: u16,
    own: u16,
}

/// Method, target, what the client adds to the transaction's name, what it calls itself.
const TEXTS: usize = 4;

/// What the next request in the chunk does not say again.
#[derive(Debug, Default)]
struct Before {
    id: u64,
    received: Timestamp,
    texts: [Vec<u8>; TEXTS],
}

impl Packed {
    /// Adds a request, and may forget those of lower ids than `oldest`.
    pub(super) fn push(&mut self, entry: &Entry, oldest: u64) {
        if self.chunks.back().is_none_or(|last| last.count == CHUNK) {
            let mut chunk = self.take_before(oldest).unwrap_or_default();
            self.forget_before(oldest);
            chunk.clear();
            self.chunks.push_back(chunk);
            self.before.clear();
        }
        if let Some(last) = self.chunks.back_mut() {
            last.push(entry, &mut self.before);
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
    pub(super) fn since(&self, id: u64, limit: usize) -> Chunks {
        let skipped = self.chunks.partition_point(|chunk| chunk.last_id < id);
        // In the first of them all but one may come before.
        let enough = limit.saturating_add(CHUNK - 1).div_ceil(CHUNK);
        let found = self.chunks.range(skipped..).take(enough);
        Chunks(found.cloned().collect())
    }
}

/// A copy of some requests.
#[derive(Debug)]
pub(super) struct Chunks(Vec<Chunk>);

impl Chunks {
    pub(super) fn unpack(self) -> impl Iterator<Item = Entry> {
        self.0.into_iter().flat_map(Chunk::unpack)
    }
}

impl Chunk {
    fn clear(&mut self) {
        self.count = 0;
        self.bytes.clear();
        // Room that long texts have taken is given back.
        self.bytes.shrink_to(ROOM);
    }

    fn push(&mut self, entry: &Entry, before: &mut Before) {
        let texts = [
            entry.method.as_str().as_bytes(),
            &entry.target,
            entry.trans_id.extra().as_bytes(),
            entry.user_agent.as_deref().unwrap_or_default().as_bytes(),
        ]
        // No line of a head is longer than that: see `glance::MAX_LINE`.
        .map(|text| &text[..text.len().min(u16::MAX.into())]);
        let ticks = |moment: Timestamp| moment.ticks().cast_signed();
        let facts = Facts {
            id: entry.id - before.id,
            received: ticks(entry.received).wrapping_sub(ticks(before.received)),
            took_micros: u64::try_from(entry.took.as_micros()).unwrap_or(u64::MAX),
            bytes_in: entry.bytes_in,
            bytes_out: entry.bytes_out,
            fault: entry.fault,
            region: u16::try_from(entry.region).unwrap_or(u16::MAX),
            status: entry.status,
            service: entry.service,
            auth: entry.auth,
            trans_id: entry.trans_id.random(),
            texts: std::array::from_fn(|at| Text::behind(&before.texts[at], texts[at])),
        };
        postcard::serialize_with_flavor(&facts, Behind(&mut self.bytes))
            .expect("a vector takes what it is given");
        for (text, cut) in texts.iter().zip(&facts.texts) {
            self.bytes.extend_from_slice(&text[cut.shared.into()..]);
        }
        before.go_on(&facts, |at, cut| &texts[at][cut.shared.into()..]);
        self.count += 1;
        self.last_id = entry.id;
    }

    fn unpack(self) -> impl Iterator<Item = Entry> {
        let mut before = Before::default();
        let mut from = 0;
        (0..self.count).map(move |_| {
            let (facts, mut rest) = postcard::take_from_bytes::<Facts>(&self.bytes[from..])
                .expect("as many were written as are counted");
            before.go_on(&facts, |_, cut| {
                let (own, behind) = rest.split_at(cut.own.into());
                rest = behind;
                own
            });
            from = self.bytes.len() - rest.len();
            let [method, target, extra, user_agent] = &before.texts;
            let extra = String::from_utf8_lossy(extra);
            Entry {
                id: before.id,
                received: before.received,
                took: Duration::from_micros(facts.took_micros),
                method: Method::from_bytes(method).unwrap_or_default(),
                target: Target::from_slice(target),
                region: usize::from(facts.region),
                service: facts.service,
                auth: facts.auth,
                status: facts.status,
                bytes_in: facts.bytes_in,
                bytes_out: facts.bytes_out,
                trans_id: TransId::of(facts.trans_id, before.received, &extra),
                user_agent: (!user_agent.is_empty())
                    .then(|| String::from_utf8_lossy(user_agent).into()),
                fault: facts.fault,
            }
        })
    }
}

/// Puts what postcard writes behind what is there. Numbers are short: to copy each by itself would take longer.
struct Behind<'a>(&'a mut Vec<u8>);

impl Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        bytes.iter().try_for_each(|byte| self.try_push(*byte))
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl Text {
    /// `text`, where `before` is known.
    fn behind(before: &[u8], text: &[u8]) -> Self {
        // Empty ones lie at no address, and to compare there takes the processor a hundred times as long.
        let shared = if !text.is_empty() && text == before {
            text.len()
        } else {
            text.iter()
                .zip(before)
                .take_while(|(one, other)| one == other)
                .count()
        };
        let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        Self {
            shared: short(shared),
            own: short(text.len() - shared),
        }
    }
}

impl Before {
    fn clear(&mut self) {
        self.id = 0;
        self.received = Timestamp::default();
        self.texts.iter_mut().for_each(Vec::clear);
    }

    /// Becomes the request of which these are the facts; `own` is asked for what each text ends with.
    fn go_on<'a>(&mut self, facts: &Facts, mut own: impl FnMut(usize, Text) -> &'a [u8]) {
        self.id += facts.id;
        let ticks = self.received.ticks().wrapping_add_signed(facts.received);
        self.received = Timestamp::from_ticks(ticks);
        for (at, (text, cut)) in self.texts.iter_mut().zip(facts.texts).enumerate() {
            text.truncate(cut.shared.into());
            text.extend_from_slice(own(at, cut));
        }
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
        assert!(last.bytes.capacity() > ROOM);
        last.clear();
        assert_eq!(last.bytes.capacity(), ROOM);
        packed.forget_before(10_001);
        assert!(packed.chunks.is_empty());
    }
}
