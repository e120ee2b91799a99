//! The same blocks in step as in [`lanes`](super::lanes), written for AVX2: of what a compiler makes for it by itself only a
//! part is done in vectors, since it has no instruction that rotates, and putting words side by side takes it as long as all
//! steps. Three to four times as fast.

#![allow(
    clippy::inline_always,
    reason = "what is not inlined is compiled without AVX2"
)]

use std::arch::x86_64::__m256i;

use pulp::cast;
use pulp::x86::V3;

use super::{BLOCK, LANES, Numbers, SINES, TURNS};

/// A number of each lane.
type Vector = __m256i;

/// The work on a number of blocks.
pub(super) struct Work<'a> {
    pub(super) simd: V3,
    pub(super) numbers: [Numbers; 4],
    pub(super) messages: [&'a [[u8; BLOCK]]; LANES],
    pub(super) blocks: usize,
}

impl pulp::NullaryFnOnce for Work<'_> {
    type Output = [Numbers; 4];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let mut numbers: [Vector; 4] = cast(self.numbers);
        for block in 0..self.blocks {
            let words = words(self.simd, &self.messages, block);
            let after = rounds(self.simd, numbers, &words);
            for (number, after) in numbers.iter_mut().zip(after) {
                *number = add(self.simd, *number, after);
            }
        }
        cast(numbers)
    }
}

/// The words of a block of each message, side by side: a matrix of eight rows, turned, twice.
#[inline(always)]
fn words(simd: V3, messages: &[&[[u8; BLOCK]]; LANES], block: usize) -> [Vector; 16] {
    let mut left = [cast([0_u32; LANES]); LANES];
    let mut right = left;
    for lane in 0..LANES {
        [left[lane], right[lane]] = cast(messages[lane][block]);
    }
    cast([turned(simd, left), turned(simd, right)])
}

/// Makes columns of rows.
#[inline(always)]
fn turned(simd: V3, rows: [Vector; LANES]) -> [Vector; LANES] {
    let avx2 = simd.avx2;
    let mut pairs = rows;
    for row in [0, 2, 4, 6] {
        pairs[row] = avx2._mm256_unpacklo_epi32(rows[row], rows[row + 1]);
        pairs[row + 1] = avx2._mm256_unpackhi_epi32(rows[row], rows[row + 1]);
    }
    let mut fours = pairs;
    for row in [0, 4] {
        fours[row] = avx2._mm256_unpacklo_epi64(pairs[row], pairs[row + 2]);
        fours[row + 1] = avx2._mm256_unpackhi_epi64(pairs[row], pairs[row + 2]);
        fours[row + 2] = avx2._mm256_unpacklo_epi64(pairs[row + 1], pairs[row + 3]);
        fours[row + 3] = avx2._mm256_unpackhi_epi64(pairs[row + 1], pairs[row + 3]);
    }
    let mut columns = fours;
    for row in 0..4 {
        columns[row] = avx2._mm256_permute2x128_si256::<0x20>(fours[row], fours[row + 4]);
        columns[row + 4] = avx2._mm256_permute2x128_si256::<0x31>(fours[row], fours[row + 4]);
    }
    columns
}

/// The four rounds of 16 steps.
#[inline(always)]
fn rounds(simd: V3, numbers: [Vector; 4], words: &[Vector; 16]) -> [Vector; 4] {
    let [mut a, mut b, mut c, mut d] = numbers;
    // Written out, so that each step's constants are constants to the compiler. A step takes the word that its number times
    // something and plus something tells.
    macro_rules! steps {
        ($mix:ident, $times:literal, $plus:literal, $($step:literal)*) => {
            $({
                const WORD: usize = ($times * $step + $plus) % 16;
                const TURN: i32 = TURNS[$step / 16][$step % 4].cast_signed();
                // What does not wait for the step before comes first.
                let ready = add(simd, a, add(simd, words[WORD], cast([SINES[$step]; LANES])));
                let sum = $mix(simd, ready, b, c, d);
                let left = simd.avx2._mm256_slli_epi32::<TURN>(sum);
                let right = simd.avx2._mm256_srli_epi32::<{ 32 - TURN }>(sum);
                let new = add(simd, b, or(simd, left, right));
                (a, b, c, d) = (d, new, b, c);
            })*
        };
    }
    steps!(mix_first, 1, 0, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    steps!(mix_second, 5, 1, 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    steps!(mix_third, 3, 5, 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47);
    steps!(mix_fourth, 7, 0, 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    [a, b, c, d]
}

#[inline(always)]
fn mix_first(simd: V3, ready: Vector, b: Vector, c: Vector, d: Vector) -> Vector {
    add(simd, ready, xor(simd, d, and(simd, b, xor(simd, c, d))))
}

#[inline(always)]
fn mix_second(simd: V3, ready: Vector, b: Vector, c: Vector, d: Vector) -> Vector {
    // Two parts without a common bit, so that their sum is as good as their union, and one of them does not wait for `b`.
    let ready = add(simd, ready, simd.avx2._mm256_andnot_si256(d, c));
    add(simd, ready, and(simd, b, d))
}

#[inline(always)]
fn mix_third(simd: V3, ready: Vector, b: Vector, c: Vector, d: Vector) -> Vector {
    add(simd, ready, xor(simd, b, xor(simd, c, d)))
}

#[inline(always)]
fn mix_fourth(simd: V3, ready: Vector, b: Vector, c: Vector, d: Vector) -> Vector {
    let not_d = xor(simd, d, cast([u32::MAX; LANES]));
    add(simd, ready, xor(simd, c, or(simd, b, not_d)))
}

#[inline(always)]
fn add(simd: V3, a: Vector, b: Vector) -> Vector {
    simd.avx2._mm256_add_epi32(a, b)
}

#[inline(always)]
fn and(simd: V3, a: Vector, b: Vector) -> Vector {
    simd.avx2._mm256_and_si256(a, b)
}

#[inline(always)]
fn or(simd: V3, a: Vector, b: Vector) -> Vector {
    simd.avx2._mm256_or_si256(a, b)
}

#[inline(always)]
fn xor(simd: V3, a: Vector, b: Vector) -> Vector {
    simd.avx2._mm256_xor_si256(a, b)
}

#[cfg(test)]
mod tests {
    use pulp::{NullaryFnOnce as _, WithSimd as _};

    use super::super::{START, Work as Usual};
    use super::*;

    #[test]
    fn does_what_is_done_without_it() {
        let Some(simd) = V3::try_new() else {
            return;
        };
        let messages: Vec<[u8; BLOCK]> = (0_u8..3 * 8)
            .map(|seed| {
                let mut byte = seed;
                std::array::from_fn(|_| {
                    byte = byte.wrapping_mul(37).wrapping_add(11);
                    byte
                })
            })
            .collect();
        let messages: [&[[u8; BLOCK]]; LANES] =
            std::array::from_fn(|lane| &messages[3 * lane..3 * lane + 3]);
        let numbers = START.map(|number| [0, 1, 2, 3, 4, 5, 6, 7].map(|lane| number ^ lane));
        let blocks = 3;
        let usual = Usual {
            numbers,
            messages,
            blocks,
        };
        let ours = Work {
            simd,
            numbers,
            messages,
            blocks,
        };
        assert_eq!(ours.call(), usual.with_simd(pulp::Scalar));
    }
}
