//! HMAC (RFC 2104) with a key absorbed beforehand, on the digests' compression functions.
//!
//! A temporary URL's signature is three or four compressions of some twenty nanoseconds each. Hashers that take their
//! input piece by piece spend as much again on their bookkeeping, so the text is laid out here in whole blocks, padding
//! included, and compressed in one call. What an HMAC is, this file says; what a digest is, `sha1` and `sha2` do.

use sha1::Digest as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Digest;

/// The chaining value of a digest with blocks of `BLOCK` bytes.
pub(crate) trait Compression<const BLOCK: usize>: Clone + Zeroize {
    /// Length of the digest, in bytes.
    const LENGTH: usize;
    /// The value before the first block (FIPS 180-4, section 5.3).
    const INITIAL: Self;
    /// Takes in whole blocks.
    fn compress(&mut self, blocks: &[[u8; BLOCK]]);
    /// Writes the value, most significant byte first, into `out`, which is `LENGTH` bytes long.
    fn write(&self, out: &mut [u8]);
    /// Writes the digest of all of `message` into `out`, which is `LENGTH` bytes long.
    fn digest(message: &[u8], out: &mut [u8]);
}

macro_rules! compression {
    ($name:ident, $hasher:ty, $word:ty, $block:literal, $length:literal, $compress:path, $initial:expr) => {
        #[derive(Clone, Zeroize)]
        pub(crate) struct $name([$word; $length / size_of::<$word>()]);

        impl Compression<$block> for $name {
            const LENGTH: usize = $length;
            const INITIAL: Self = Self($initial);

            fn compress(&mut self, blocks: &[[u8; $block]]) {
                $compress(&mut self.0, blocks);
            }

            fn write(&self, out: &mut [u8]) {
                for (word, bytes) in self.0.iter().zip(out.as_chunks_mut().0) {
                    *bytes = word.to_be_bytes();
                }
            }

            fn digest(message: &[u8], out: &mut [u8]) {
                out.copy_from_slice(&<$hasher>::digest(message));
            }
        }
    };
}

compression!(
    Sha1,
    sha1::Sha1,
    u32,
    64,
    20,
    sha1::block_api::compress,
    [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ]
);
compression!(
    Sha256,
    sha2::Sha256,
    u32,
    64,
    32,
    sha2::block_api::compress256,
    [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]
);
compression!(
    Sha512,
    sha2::Sha512,
    u64,
    128,
    64,
    sha2::block_api::compress512,
    [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ]
);

/// The two chaining values that depend on the key alone. They are as good as the key, and wiped like it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Hmac<C: Compression<BLOCK>, const BLOCK: usize> {
    inner: C,
    outer: C,
}

/// Blocks laid out at once: enough for the text of most temporary URLs.
const BLOCKS: usize = 4;

impl<C: Compression<BLOCK>, const BLOCK: usize> Hmac<C, BLOCK> {
    /// Takes in the key. One longer than a block is replaced by its digest.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            C::digest(key, &mut block[..C::LENGTH]);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let absorb = |mask: u8| {
            let masked = Zeroizing::new(block.map(|byte| byte ^ mask));
            let mut value = C::INITIAL;
            value.compress(&[*masked]);
            value
        };
        Self {
            inner: absorb(0x36),
            outer: absorb(0x5c),
        }
    }

    /// Writes the HMAC of the parts, as if they were one text, to the beginning of `mac`.
    pub(crate) fn write(&self, parts: &[&[u8]], mac: &mut [u8; Digest::MAX_LENGTH]) {
        let mut value = self.inner.clone();
        let mut blocks = [[0; BLOCK]; BLOCKS];
        let mut filled = 0;
        // The key's block is part of what is hashed.
        let mut hashed = BLOCK;
        for &part in parts {
            let mut part = part;
            while let Some((fitting, rest)) = part.split_at_checked(BLOCKS * BLOCK - filled) {
                blocks.as_flattened_mut()[filled..].copy_from_slice(fitting);
                value.compress(&blocks);
                blocks = [[0; BLOCK]; BLOCKS];
                hashed += BLOCKS * BLOCK;
                filled = 0;
                part = rest;
            }
            blocks.as_flattened_mut()[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
        }
        hashed += filled;
        blocks.as_flattened_mut()[filled] = 0x80;
        let mut last = (filled + BLOCK / 8) / BLOCK;
        if last == BLOCKS {
            value.compress(&blocks);
            blocks = [[0; BLOCK]; BLOCKS];
            last = 0;
        }
        blocks[last][BLOCK - 8..].copy_from_slice(&(8 * hashed as u64).to_be_bytes());
        value.compress(&blocks[..=last]);

        let mut block = [0; BLOCK];
        value.write(&mut block[..C::LENGTH]);
        block[C::LENGTH] = 0x80;
        block[BLOCK - 8..].copy_from_slice(&(8 * (BLOCK + C::LENGTH) as u64).to_be_bytes());
        let mut value = self.outer.clone();
        value.compress(&[block]);
        value.write(&mut mac[..C::LENGTH]);
    }
}

#[cfg(test)]
mod tests {
    use hmac::{KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;

    fn ours<C: Compression<BLOCK>, const BLOCK: usize>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = [0; Digest::MAX_LENGTH];
        Hmac::<C, BLOCK>::new(key).write(parts, &mut mac);
        mac[..C::LENGTH].to_vec()
    }

    fn reference<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
        M::new_from_slice(key)
            .unwrap()
            .chain_update(message)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    proptest! {
        #[test]
        fn agrees_with_the_hmac_crate_for_every_length_of_key_and_message(
            key in proptest::collection::vec(any::<u8>(), 0..300),
            message in proptest::collection::vec(any::<u8>(), 0..1_200),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(message.len() + 1)).collect();
            cuts.extend([0, message.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &message[cut[0]..cut[1]]).collect();

            prop_assert_eq!(ours::<Sha1, 64>(&key, &parts), reference::<hmac::Hmac<sha1::Sha1>>(&key, &message));
            prop_assert_eq!(ours::<Sha256, 64>(&key, &parts), reference::<hmac::Hmac<sha2::Sha256>>(&key, &message));
            prop_assert_eq!(ours::<Sha512, 128>(&key, &parts), reference::<hmac::Hmac<sha2::Sha512>>(&key, &message));
        }
    }

    #[test]
    fn agrees_with_the_hmac_crate_at_every_block_boundary() {
        let message = [b'm'; 1_100];
        for length in 0..message.len() {
            let message = &message[..length];
            assert_eq!(
                ours::<Sha1, 64>(b"key", &[message]),
                reference::<hmac::Hmac<sha1::Sha1>>(b"key", message),
                "{length}"
            );
            assert_eq!(
                ours::<Sha512, 128>(b"key", &[message]),
                reference::<hmac::Hmac<sha2::Sha512>>(b"key", message),
                "{length}"
            );
        }
    }
}
