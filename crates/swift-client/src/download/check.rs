//! Whether what arrives is what was stored: the MD5 of the whole, or of each segment.

use std::collections::VecDeque;

use bytes::Bytes;
use md5::{Digest, Md5};
use md5_lanes::Hasher;

use crate::body::{hex_md5, hex_of};

/// Sees all bytes of a download in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    /// What is still to come, the one that is being read first.
    expected: VecDeque<Expected>,
    hash: Hash,
    /// Bytes of the first one that have been seen.
    seen: u64,
}

/// How the MD5 is taken.
#[derive(Clone, Debug)]
enum Hash {
    /// At once.
    Alone(Md5),
    /// Beside those of other parts, as soon as somebody says so.
    Beside(Hasher),
}

impl Default for Hash {
    fn default() -> Self {
        Self::Alone(Md5::new())
    }
}

impl Hash {
    fn update(&mut self, bytes: Bytes) {
        match self {
            Self::Alone(md5) => md5.update(&bytes),
            Self::Beside(hasher) => hasher.push(bytes),
        }
    }

    /// The MD5 of what was seen. After that it begins anew.
    fn take(&mut self) -> String {
        match self {
            Self::Alone(md5) => hex_md5(std::mem::take(md5)),
            Self::Beside(hasher) => hex_of(&std::mem::take(hasher).finish()),
        }
    }
}

/// A run of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) bytes: u64,
    /// Their MD5 as 32 hexadecimal digits; none if it is not known, as for a part of a segment.
    pub(crate) md5: Option<String>,
    /// Container and object of the segment; none for the object itself.
    pub(crate) segment: Option<String>,
}

/// Bytes that are not those that were stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) segment: Option<String>,
}

impl Check {
    /// A check of these runs, one after the other.
    pub(crate) fn new(expected: impl IntoIterator<Item = Expected>) -> Self {
        let runs = expected
            .into_iter()
            .filter(|run| run.bytes > 0 || run.segment.is_none());
        Self {
            expected: runs.collect(),
            ..Self::default()
        }
    }

    /// The same check, which keeps what it is given until [`take_hashes`](Self::take_hashes).
    pub(crate) fn beside_others(self) -> Self {
        Self {
            hash: Hash::Beside(Hasher::default()),
            ..self
        }
    }

    /// What is left of these runs between two places, both included. Of a run that is cut no hash is known.
    pub(crate) fn cut(expected: &[Expected], first: u64, last: u64) -> Self {
        let mut start = 0;
        let mut runs = Vec::new();
        for run in expected {
            let end = start + run.bytes;
            let overlap = end
                .min(last.saturating_add(1))
                .saturating_sub(start.max(first));
            if overlap > 0 {
                runs.push(Expected {
                    bytes: overlap,
                    md5: run.md5.clone().filter(|_| overlap == run.bytes),
                    segment: run.segment.clone(),
                });
            }
            start = end;
        }
        Self::new(runs)
    }

    /// Takes the hashes of what several checks were given, side by side.
    pub(crate) fn take_hashes<'a>(checks: impl Iterator<Item = &'a mut Self>) {
        let mut hashers: Vec<&mut Hasher> = checks
            .filter_map(|check| match &mut check.hash {
                Hash::Alone(_) => None,
                Hash::Beside(hasher) => Some(hasher),
            })
            .collect();
        md5_lanes::hash_together(&mut hashers);
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &Bytes) -> Result<(), Mismatch> {
        let mut bytes = bytes.clone();
        while let Some(run) = self.expected.front() {
            let wanted = run.bytes - self.seen;
            let taken = usize::try_from(wanted)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            let now = bytes.split_to(taken);
            if run.md5.is_some() {
                self.hash.update(now);
            }
            self.seen += taken as u64;
            if self.seen < run.bytes {
                return Ok(());
            }
            self.close()?;
        }
        Ok(())
    }

    /// To be called when nothing more comes.
    pub(crate) fn finish(&mut self) -> Result<(), Mismatch> {
        while !self.expected.is_empty() {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Mismatch> {
        self.seen = 0;
        let Some(Expected {
            md5: Some(expected),
            segment,
            ..
        }) = self.expected.pop_front()
        else {
            return Ok(());
        };
        let found = self.hash.take();
        if expected.eq_ignore_ascii_case(&found) {
            return Ok(());
        }
        Err(Mismatch {
            expected,
            found,
            segment,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(content: &str, name: &str) -> Expected {
        Expected {
            bytes: content.len() as u64,
            md5: Some(hex_md5(Md5::new_with_prefix(content))),
            segment: Some(name.to_owned()),
        }
    }

    /// By itself and beside others it comes to the same.
    fn check(mut check: Check, content: &str, piece: usize) -> Result<(), Mismatch> {
        let mut beside = check.clone().beside_others();
        let pieces = content.as_bytes().chunks(piece);
        for piece in pieces.map(Bytes::copy_from_slice) {
            let alone = check.update(&piece);
            assert_eq!(beside.update(&piece), alone);
            alone?;
        }
        let alone = check.finish();
        assert_eq!(beside.finish(), alone);
        alone
    }

    #[test]
    fn finds_the_segment_that_is_damaged_however_the_bytes_are_cut() {
        let runs = [run("0123", "a"), run("45678", "b"), run("9", "c")];
        for piece in 1..=10 {
            assert_eq!(check(Check::new(runs.clone()), "0123456789", piece), Ok(()));
            let error = check(Check::new(runs.clone()), "0123456x89", piece).unwrap_err();
            assert_eq!(error.segment.as_deref(), Some("b"));
        }
    }

    #[test]
    fn notices_what_is_missing() {
        let runs = [run("0123", "a"), run("45678", "b")];
        let error = check(Check::new(runs), "01234567", 3).unwrap_err();
        assert_eq!(error.segment.as_deref(), Some("b"));
    }

    #[test]
    fn checks_in_a_range_only_what_is_whole_in_it() {
        let runs = [run("0123", "a"), run("45678", "b"), run("9abc", "c")];
        assert_eq!(check(Check::cut(&runs, 2, 10), "23456789a", 4), Ok(()));
        let error = check(Check::cut(&runs, 2, 10), "23456x89a", 4).unwrap_err();
        assert_eq!(error.segment.as_deref(), Some("b"));
    }
}
