//! The journal: what changed since the document was written.
//!
//! One line a record, each written at the end of the file and never touched again:
//!
//! ```text
//! 0000004a 89abcdef {"format":"resource-ledger-journal","version":2,"generation":3}
//! 00000013 01234567 {"deleting":[7,8]}
//! ```
//!
//! that is the length of the JSON text in bytes, its CRC-32, both in eight lower-case hexadecimal digits, and the
//! text. The first line says which generation of the document the journal belongs to. JSON text written by serde
//! holds neither a line feed nor a NUL, so a line that ends with a line feed was written to its end, and only the
//! last line can lack it.

use serde::{Deserialize, Serialize};

/// The digits and blanks before the JSON text.
const HEAD_BYTES: usize = 18;

/// The first line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) format: String,
    pub(crate) version: u64,
    pub(crate) generation: u64,
}

/// What the header's `format` says.
pub(crate) const FORMAT: &str = "resource-ledger-journal";

/// Appends the line of a JSON text. The answer is false if the text is too long for one.
pub(crate) fn write_line(json: &[u8], out: &mut Vec<u8>) -> bool {
    let Ok(length) = u32::try_from(json.len()) else {
        return false;
    };
    let crc = crc32fast::hash(json);
    out.extend_from_slice(format!("{length:08x} {crc:08x} ").as_bytes());
    out.extend_from_slice(json);
    out.push(b'\n');
    true
}

/// One line, as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A whole one, and the JSON text in it.
    Whole(&'a [u8]),
    /// The last one, whole but for its line feed.
    Unended(&'a [u8]),
    /// The last one, cut by a crash before it was durable: nobody was ever told that it had been written.
    Torn,
    /// One that was written and then changed.
    Damaged(&'static str),
}

/// The lines of a journal, with the offset each starts at and the length it has.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, usize, Line<'_>)> {
    // After a power cut some file systems show zeros where the last write was to go.
    let end = bytes
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let zeros = end < bytes.len();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let rest = bytes.get(start..end).unwrap_or_default();
        if rest.is_empty() {
            // Zeros behind a whole line: the next line was cut before its first byte.
            at = bytes.len();
            return (zeros && start < bytes.len())
                .then(|| (start, bytes.len() - start, Line::Torn));
        }
        let ended = memchr::memchr(b'\n', rest);
        at = ended.map_or(bytes.len(), |length| start + length + 1);
        let line = match (check(&rest[..ended.unwrap_or(rest.len())]), ended) {
            (Ok(json), Some(_)) => Line::Whole(json),
            (Ok(json), None) => Line::Unended(json),
            (Err(Flaw::Short), Some(_)) => Line::Damaged("the record is shorter than it says"),
            (Err(Flaw::Short), None) => Line::Torn,
            (Err(Flaw::Wrong(cause)), _) => Line::Damaged(cause),
        };
        Some((start, at - start, line))
    })
}

enum Flaw {
    /// It is the beginning of a record.
    Short,
    /// It is no record.
    Wrong(&'static str),
}

/// Checks a line without its line feed.
fn check(line: &[u8]) -> Result<&[u8], Flaw> {
    let Some((head, json)) = line.split_at_checked(HEAD_BYTES) else {
        return Err(Flaw::Short);
    };
    let (Some(length), Some(crc), b' ', b' ') =
        (hex(&head[..8]), hex(&head[9..17]), head[8], head[17])
    else {
        return Err(Flaw::Wrong(
            "the record does not start with its length and checksum",
        ));
    };
    let length = length as usize;
    if json.len() < length {
        return Err(Flaw::Short);
    }
    if json.len() > length {
        return Err(Flaw::Wrong("the record is longer than it says"));
    }
    if crc32fast::hash(json) != crc {
        return Err(Flaw::Wrong("its checksum does not match its content"));
    }
    Ok(json)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u32::from(digit))
    })
}
