//! Checksums inside JSON: a sealed object ends with the member `"crc32":"89abcdef"`.
//!
//! The checksum is the CRC-32 of IEEE 802.3 (as in gzip), in eight lower-case hexadecimal digits, over the object's
//! text up to the comma before that member, leaving out white space between tokens. So a document may be indented
//! otherwise and stays sound, but no value in it may change.

use crc32fast::Hasher;
use memchr::{memchr2, memmem};

const MEMBER: &[u8] = b"\"crc32\"";

/// Seals a compact object.
pub(crate) fn seal(object: &mut Vec<u8>) {
    object.pop();
    let crc = crc32fast::hash(object);
    object.extend_from_slice(format!(",\"crc32\":\"{crc:08x}\"}}").as_bytes());
}

/// Whether the text of a sealed object is what was sealed.
pub(crate) fn is_sound(text: &[u8]) -> bool {
    let Some(start) = memmem::rfind(text, MEMBER) else {
        return false;
    };
    let (head, tail) = text.split_at(start);
    let Some(head) = head.trim_ascii_end().strip_suffix(b",") else {
        return false;
    };
    let mut hasher = Hasher::new();
    without_white_space(head, |piece| hasher.update(piece));
    let mut found = Vec::with_capacity(32);
    without_white_space(tail, |piece| found.extend_from_slice(piece));
    found == format!("\"crc32\":\"{:08x}\"}}", hasher.finalize()).as_bytes()
}

/// Hands on JSON text without the white space between its tokens.
fn without_white_space(text: &[u8], mut sink: impl FnMut(&[u8])) {
    let mut rest = text;
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => string_length(rest),
            b' ' | b'\n' | b'\r' | b'\t' => {
                let blank = |byte: &u8| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
                rest = &rest[rest.iter().position(blank).unwrap_or(rest.len())..];
                continue;
            }
            _ => rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b' ' | b'\n' | b'\r' | b'\t'))
                .unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at(length);
        sink(piece);
        rest = after;
    }
}

/// The length of the string a text starts with, quotes included.
pub(crate) fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}
