//! MD5 of several messages at a time, block by block in step, each in a lane of the vector registers.
//!
//! MD5 of one message is a chain in which each operation waits for the one before, so that most of a processor idles;
//! several chains side by side fill it. The compiler makes vector instructions of the loops over lanes, and [`pulp`]
//! chooses at run time how wide they may be. Only for AVX2 without AVX-512 it takes more than that: see [`avx2`].

#![allow(
    clippy::inline_always,
    reason = "what is not inlined is compiled for the narrowest registers"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;

/// Messages in step.
pub(super) const LANES: usize = 8;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// What MD5 knows of a message between two blocks.
pub(super) type State = [u32; 4];

/// What it knows in the beginning (RFC 1321, 3.3).
pub(super) const START: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// A number of each lane.
type Numbers = [u32; LANES];

/// The integer part of 4,294,967,296 times abs(sin(i)), for i from 1 to 64 (RFC 1321, 3.4).
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// By how much the four steps of each round rotate.
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// Takes as many blocks of each message as the shortest one has, and tells how many bytes of each that were.
pub(super) fn take(states: [&mut State; LANES], messages: [&[u8]; LANES]) -> usize {
    let shortest = messages.iter().map(|message| message.len()).min();
    let blocks = shortest.unwrap_or_default() / BLOCK;
    let messages = messages.map(|message| &message.as_chunks::<BLOCK>().0[..blocks]);
    let numbers = std::array::from_fn(|word| std::array::from_fn(|lane| states[lane][word]));
    let numbers = advance(numbers, messages, blocks);
    for (lane, state) in states.into_iter().enumerate() {
        *state = std::array::from_fn(|word| numbers[word][lane]);
    }
    blocks * BLOCK
}

fn advance(
    numbers: [Numbers; 4],
    messages: [&[[u8; BLOCK]]; LANES],
    blocks: usize,
) -> [Numbers; 4] {
    #[cfg(target_arch = "x86_64")]
    if pulp::x86::V4::try_new().is_none()
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return simd.vectorize(avx2::Work {
            simd,
            numbers,
            messages,
            blocks,
        });
    }
    pulp::Arch::new().dispatch(Work {
        numbers,
        messages,
        blocks,
    })
}

/// The work on a number of blocks.
struct Work<'a> {
    numbers: [Numbers; 4],
    messages: [&'a [[u8; BLOCK]]; LANES],
    blocks: usize,
}

impl pulp::WithSimd for Work<'_> {
    type Output = [Numbers; 4];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
        let mut numbers = self.numbers;
        for block in 0..self.blocks {
            let mut words = [[0; LANES]; 16];
            for (lane, message) in self.messages.iter().enumerate() {
                for (word, bytes) in words.iter_mut().zip(message[block].as_chunks().0) {
                    word[lane] = u32::from_le_bytes(*bytes);
                }
            }
            let after = rounds(numbers, &words);
            for (number, after) in numbers.iter_mut().zip(after) {
                *number = each(|lane| number[lane].wrapping_add(after[lane]));
            }
        }
        numbers
    }
}

/// The four rounds of 16 steps.
#[inline(always)]
fn rounds(mut numbers: [Numbers; 4], words: &[Numbers; 16]) -> [Numbers; 4] {
    // Written out, so that each step's constants are constants to the compiler.
    macro_rules! steps {
        ($mixed:expr, $word:expr, $($step:literal)*) => {
            $(numbers = step(numbers, $mixed, &words[$word($step) % 16], $step);)*
        };
    }
    steps!(|b, c, d| d ^ (b & (c ^ d)), |step: usize| step, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    steps!(|b, c, d| c ^ (d & (b ^ c)), |step: usize| 5 * step + 1,
        16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    steps!(|b, c, d| b ^ c ^ d, |step: usize| 3 * step + 5,
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47);
    steps!(|b: u32, c: u32, d: u32| c ^ (b | !d), |step: usize| 7 * step,
        48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    numbers
}

#[inline(always)]
fn step(
    [a, b, c, d]: [Numbers; 4],
    mixed: impl Fn(u32, u32, u32) -> u32,
    word: &Numbers,
    step: usize,
) -> [Numbers; 4] {
    let new = each(|lane| {
        let sum = a[lane]
            .wrapping_add(mixed(b[lane], c[lane], d[lane]))
            .wrapping_add(word[lane])
            .wrapping_add(SINES[step]);
        b[lane].wrapping_add(sum.rotate_left(TURNS[step / 16][step % 4]))
    });
    [d, new, b, c]
}

#[inline(always)]
fn each(number: impl Fn(usize) -> u32) -> Numbers {
    let mut numbers = [0; LANES];
    for (lane, place) in numbers.iter_mut().enumerate() {
        *place = number(lane);
    }
    numbers
}
