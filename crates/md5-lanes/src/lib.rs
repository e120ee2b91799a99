//! MD5 of several streams at a time.
//!
//! MD5 of one stream is a chain of operations that each wait for the one before: a processor has most of its units idle
//! meanwhile. A [`Hasher`] takes whatever other hashers of the process have at the same time along, each in a lane of the
//! vector registers, which with eight of them takes a seventh of the processor time (with AVX-512 or AVX2; a third with SSE2
//! or NEON).
//!
//! It is for uploads and downloads that have their segments under way side by side anyway, on threads that may block, or on
//! one thread for all ([`hash_together`]). Alone, a [`Hasher`] is about as fast as any other MD5.
//!
//! ```
//! use md5_lanes::Hasher;
//!
//! let mut hasher = Hasher::default();
//! hasher.update("mess".into());
//! hasher.update("age digest".into());
//! assert_eq!(hasher.finish()[..4], [0xf9, 0x6b, 0x69, 0x7d]);
//! ```

mod desk;
mod lanes;

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use lanes::{BLOCK, LANES, START, State};

/// So much is put together before it is worth waking anybody.
const ENOUGH_BYTES: usize = 256 << 10;

/// No more than this is left for another time.
const MOST_LEFT: usize = 512 << 10;

/// Takes the MD5 of a stream.
///
/// Its calls block while others of the process are served, so that asynchronous code calls them where it may block.
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    message: Message,
    /// Bytes of the stream so far.
    length: u64,
}

/// A message on its way: what is known of it, and what is still to be taken.
#[derive(Clone, Debug)]
struct Message {
    state: State,
    /// The beginning of a block of which the rest has not come yet.
    partial: Vec<u8>,
    pieces: VecDeque<Bytes>,
}

impl Hasher {
    /// Takes the next bytes. They are kept until there are 256 KiB of them, and hashed then.
    pub fn update(&mut self, bytes: Bytes) {
        self.push(bytes);
        if self.message.waiting() >= ENOUGH_BYTES {
            self.hash();
        }
    }

    /// Keeps the next bytes until [`hash_together`], or for the end.
    pub fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len() as u64;
        self.message.pieces.push_back(bytes);
    }

    /// The MD5 of all of it.
    pub fn finish(mut self) -> [u8; 16] {
        // RFC 1321, 3.1 and 3.2: a one, zeros up to 8 bytes before the end of a block, the length in bits.
        let length = self.length.wrapping_mul(8);
        let within =
            usize::try_from(self.length % BLOCK as u64).expect("it is below a block's size");
        let zeros = (2 * BLOCK - 9 - within) % BLOCK;
        let mut end = vec![0; 1 + zeros];
        end[0] = 0x80;
        end.extend_from_slice(&length.to_le_bytes());
        self.message.pieces.push_back(end.into());
        self.hash();
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.message.state) {
            *bytes = word.to_le_bytes();
        }
        digest
    }

    fn hash(&mut self) {
        let message = std::mem::take(&mut self.message);
        self.message = desk::hash(message);
    }
}

/// Takes what these have been given, side by side, on this thread alone.
///
/// What only a few of them have more of than the others stays for the next time, up to 512 KiB each.
pub fn hash_together(hashers: &mut [&mut Hasher]) {
    for hashers in hashers.chunks_mut(LANES) {
        let all = hashers.len();
        loop {
            let mut messages: Vec<&mut Message> = hashers
                .iter_mut()
                .map(|hasher| &mut hasher.message)
                .filter_map(|message| message.settle().then_some(message))
                .collect();
            let is_worth_it = messages.len() * 2 > all
                || messages.iter().any(|message| message.waiting() > MOST_LEFT);
            if messages.is_empty() || !is_worth_it {
                break;
            }
            step(&mut messages);
        }
    }
}

/// Takes as many blocks as each of some messages has, of which there is a [lane](LANES) for each and a whole block in each.
fn step(messages: &mut [&mut Message]) {
    let used = messages.len();
    let mut spare = [START; LANES];
    let mut states = spare.each_mut();
    let mut pieces: [&[u8]; LANES] = [&[]; LANES];
    for (lane, message) in messages.iter_mut().enumerate() {
        let Message {
            state, pieces: all, ..
        } = &mut **message;
        states[lane] = state;
        pieces[lane] = all.front().map_or(&[], |piece| &piece[..]);
    }
    // Lanes that nobody needs do what the first one does.
    let any = pieces[0];
    pieces[used..].fill(any);
    let taken = lanes::take(states, pieces);
    for message in messages {
        message.took(taken);
    }
}

impl Default for Message {
    fn default() -> Self {
        Self {
            state: START,
            partial: Vec::new(),
            pieces: VecDeque::new(),
        }
    }
}

impl Message {
    fn waiting(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether whole blocks lie together at the front. A block that lies in several pieces is taken here.
    fn settle(&mut self) -> bool {
        while let Some(piece) = self.pieces.front_mut() {
            if self.partial.is_empty() && piece.len() >= BLOCK {
                return true;
            }
            let wanted = piece.len().min(BLOCK - self.partial.len());
            self.partial.extend_from_slice(&piece[..wanted]);
            piece.advance(wanted);
            if piece.is_empty() {
                self.pieces.pop_front();
            }
            if self.partial.len() == BLOCK {
                let mut states = [self.state; LANES];
                lanes::take(states.each_mut(), [&self.partial; LANES]);
                self.state = states[0];
                self.partial.clear();
            }
        }
        false
    }

    fn took(&mut self, bytes: usize) {
        if let Some(piece) = self.pieces.front_mut() {
            piece.advance(bytes);
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use md5::{Digest as _, Md5};
    use proptest::prelude::*;

    use super::*;

    fn hex_md5(content: &[u8]) -> String {
        hex::encode(Md5::digest(content))
    }

    fn noise(bytes: usize, seed: u32) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        };
        std::iter::repeat_with(next).take(bytes).collect()
    }

    fn side_by_side(content: &[u8], piece: usize) -> String {
        let mut hasher = Hasher::default();
        for piece in content.chunks(piece) {
            hasher.update(Bytes::copy_from_slice(piece));
        }
        hex::encode(hasher.finish())
    }

    #[test]
    fn knows_the_digests_of_the_standard() {
        for (message, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(side_by_side(message.as_bytes(), 7), digest);
        }
    }

    #[test]
    fn hashes_of_one_thread_are_taken_together() {
        for count in [1, 3, LANES, LANES + 3] {
            let contents: Vec<Vec<u8>> = (1..)
                .take(count)
                .map(|seed| noise(1_500_000 / seed as usize, seed))
                .collect();
            let mut hashers = vec![Hasher::default(); count];
            // The first has most, and the last ends first.
            for at in (0..1_500_000).step_by(70_001) {
                for (hasher, content) in hashers.iter_mut().zip(&contents) {
                    let end = content.len().min(at + 70_001);
                    let piece = content.get(at..end).unwrap_or_default();
                    hasher.push(Bytes::copy_from_slice(piece));
                }
                hash_together(&mut hashers.iter_mut().collect::<Vec<_>>());
                for hasher in &hashers {
                    assert!(hasher.message.waiting() <= MOST_LEFT + 70_001);
                }
            }
            for (hasher, content) in hashers.into_iter().zip(&contents) {
                assert_eq!(hex::encode(hasher.finish()), hex_md5(content));
            }
        }
    }

    #[test]
    fn many_threads_each_get_their_own_digest() {
        thread::scope(|scope| {
            for seed in 0..40 {
                scope.spawn(move || {
                    for round in 0..5 {
                        let length = 10_000 * (seed as usize % 7) + 600_000 * round + seed as usize;
                        let content = noise(length, seed);
                        let expected = hex_md5(&content);
                        let piece = 1_000 + 37 * seed as usize;
                        assert_eq!(side_by_side(&content, piece), expected);
                    }
                });
            }
        });
    }

    #[test]
    fn nobody_waits_for_ever_when_many_come_and_go() {
        let expected = hex_md5(b"short");
        thread::scope(|scope| {
            for _ in 0..3 * LANES {
                let expected = &expected;
                scope.spawn(move || {
                    for _ in 0..5_000 {
                        assert_eq!(side_by_side(b"short", 5), *expected);
                    }
                });
            }
        });
    }

    proptest! {
        #[test]
        fn is_md5_however_the_bytes_are_cut(length in 0_usize..2_000, piece in 1_usize..300) {
            let content = noise(length, 1);
            let expected = hex_md5(&content);
            prop_assert_eq!(side_by_side(&content, piece), expected);
        }
    }
}
