//! The document: the JSON file a person reads.
//!
//! The whole shape is described for people in the crate's page, and for programs in `schema/ledger.schema.json`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::book::Book;
use crate::entry::{Entry, EntryId, State, Tracked};
use crate::error::{Error, Place, Result, describe};
use crate::seal;
use crate::storage::StoredFile;

/// The version this program writes.
pub(crate) const VERSION: u64 = 2;
/// What tells a ledger from any other JSON file.
pub(crate) const FORMAT: &str = "resource-ledger";

/// Text is handed to the file in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 20;

/// A document that was read.
pub(crate) struct Document<R: Tracked> {
    pub(crate) book: Book<R>,
    pub(crate) version: u64,
}

/// Reads a document, or says where it is damaged.
pub(crate) fn parse<R: Tracked>(path: &Path, bytes: &[u8]) -> Result<Document<R>> {
    let text = match serde_json::from_slice::<Text<R>>(bytes) {
        Ok(text) => text,
        Err(error) => return Err(unreadable(path, bytes, &error)),
    };
    let damaged = |place, cause: &str| Error::Damaged {
        path: path.to_owned(),
        place,
        cause: cause.to_owned(),
    };
    let start = Place::Text { line: 1, column: 1 };
    let (generation, next_id) = match (text.version, text.generation, text.next_id) {
        (1, None, None) if text.crc32.is_none() => (0, None),
        (1, ..) => {
            return Err(damaged(
                start,
                "version 1 has no `generation`, `next_id` and `crc32`",
            ));
        }
        (VERSION, Some(generation), Some(next_id)) => (generation, Some(next_id)),
        (VERSION, ..) => return Err(damaged(start, "`generation` or `next_id` is missing")),
        (found, ..) => {
            return Err(Error::UnknownVersion {
                path: path.to_owned(),
                found,
                newest: VERSION,
            });
        }
    };
    if text
        .format
        .as_deref()
        .is_some_and(|format| format != FORMAT)
        || (text.format.is_none() && text.version > 1)
    {
        return Err(damaged(
            start,
            "`format` does not say that this is a ledger",
        ));
    }
    if text.version == VERSION && !seal::is_sound(bytes) {
        return Err(damaged(
            unsound_place(bytes),
            "its checksum does not match its content",
        ));
    }

    let after_last = text
        .entries
        .iter()
        .map(|entry| entry.id.0.saturating_add(1))
        .max()
        .unwrap_or(1);
    let mut book = Book {
        generation,
        next_id: next_id.unwrap_or(after_last),
        entries: BTreeMap::new(),
    };
    for (index, entry) in text.entries.into_iter().enumerate() {
        let entry = Entry::from(entry);
        let id = entry.id;
        if id.0 == 0 || id.0 >= book.next_id || book.entries.insert(id, entry).is_some() {
            return Err(damaged(
                entry_place(bytes, index),
                "its `id` is not a number of its own",
            ));
        }
    }
    Ok(Document {
        book,
        version: text.version,
    })
}

/// Writes the document of a book; the answer is its length in bytes.
pub(crate) fn write<R: Tracked>(
    book: &Book<R>,
    file: &mut dyn StoredFile,
    path: &Path,
) -> Result<u64> {
    let encode = |source| Error::Encode {
        path: path.to_owned(),
        source,
    };
    let mut hasher = crc32fast::Hasher::new();
    let mut out = Vec::with_capacity(PIECE_BYTES * 2);
    let mut length = 0;
    let mut flush = |out: &mut Vec<u8>| {
        length += out.len() as u64;
        let result = file.append(out);
        out.clear();
        result.map_err(|source| Error::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    };

    let (generation, next_id) = (book.generation, book.next_id);
    hasher.update(
        format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"generation\":{generation},\"next_id\":{next_id},\"entries\":[")
            .as_bytes(),
    );
    out.extend_from_slice(
        format!("{{\n  \"format\": \"{FORMAT}\",\n  \"version\": {VERSION},\n  \"generation\": {generation},\n  \"next_id\": {next_id},\n  \"entries\": [")
            .as_bytes(),
    );
    for (index, entry) in book.entries.values().enumerate() {
        let comma: &[u8] = if index == 0 { b"" } else { b"," };
        let mut compact = serde_json::to_vec(entry).map_err(encode)?;
        seal::seal(&mut compact);
        hasher.update(comma);
        hasher.update(&compact);
        out.extend_from_slice(comma);
        indent(&compact, 2, &mut out);
        if out.len() >= PIECE_BYTES {
            flush(&mut out)?;
        }
    }
    hasher.update(b"]");
    let crc = hasher.finalize();
    let close = if book.entries.is_empty() { "" } else { "\n  " };
    out.extend_from_slice(format!("{close}],\n  \"crc32\": \"{crc:08x}\"\n}}\n").as_bytes());
    flush(&mut out)?;
    Ok(length)
}

/// Lays a compact object out over several lines, each of its members on one.
fn indent(compact: &[u8], depth: usize, out: &mut Vec<u8>) {
    let mut depth = depth;
    let new_line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    new_line(out, depth);
    let mut rest = compact;
    while let Some(&first) = rest.first() {
        let mut length = 1;
        match first {
            b'{' | b'[' if matches!(rest.get(1), Some(b'}' | b']')) => {
                length = 2;
                out.extend_from_slice(&rest[..length]);
            }
            b'{' | b'[' => {
                depth += 1;
                out.push(first);
                new_line(out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(out, depth);
                out.push(first);
            }
            b',' => {
                out.push(first);
                new_line(out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            b'"' => {
                length = seal::string_length(rest);
                out.extend_from_slice(&rest[..length]);
            }
            _ => out.push(first),
        }
        rest = &rest[length..];
    }
}

/// The text of a document, of any version this program reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "R: Tracked")]
struct Text<R: Tracked> {
    format: Option<String>,
    version: u64,
    generation: Option<u64>,
    next_id: Option<u64>,
    entries: Vec<Sealed<R>>,
    crc32: Option<String>,
}

/// The text of an entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "R: Tracked")]
pub(crate) struct Sealed<R: Tracked> {
    id: EntryId,
    state: State,
    run: String,
    planned_at: Timestamp,
    resource: R,
    #[serde(default = "Option::default")]
    identity: Option<R::Identity>,
    reason: Option<String>,
    #[serde(rename = "crc32")]
    _crc32: Option<serde::de::IgnoredAny>,
}

impl<R: Tracked> From<Sealed<R>> for Entry<R> {
    fn from(text: Sealed<R>) -> Self {
        let Sealed {
            id,
            state,
            run,
            planned_at,
            resource,
            identity,
            reason,
            _crc32,
        } = text;
        Self {
            id,
            state,
            run,
            planned_at,
            resource,
            identity,
            reason,
        }
    }
}

/// Why a text is no document: its version is too new, or it is damaged.
fn unreadable(path: &Path, bytes: &[u8], error: &serde_json::Error) -> Error {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
    }
    match serde_json::from_slice::<Head>(bytes) {
        Ok(Head { version }) if version > VERSION => Error::UnknownVersion {
            path: path.to_owned(),
            found: version,
            newest: VERSION,
        },
        _ => Error::Damaged {
            path: path.to_owned(),
            place: Place::Text {
                line: error.line(),
                column: error.column(),
            },
            cause: describe(error),
        },
    }
}

/// Where a document whose checksum is wrong was changed: in an entry, or else around them.
fn unsound_place(bytes: &[u8]) -> Place {
    let unsound = raw_entries(bytes)
        .iter()
        .position(|entry| !seal::is_sound(entry.get().as_bytes()));
    unsound.map_or(Place::Text { line: 1, column: 1 }, |index| {
        entry_place(bytes, index)
    })
}

fn entry_place(bytes: &[u8], index: usize) -> Place {
    let start = raw_entries(bytes).get(index).map_or(0, |entry| {
        entry.get().as_ptr().addr() - bytes.as_ptr().addr()
    });
    let line = 1 + memchr::memchr_iter(b'\n', &bytes[..start]).count();
    Place::Entry {
        number: index + 1,
        line,
    }
}

fn raw_entries(bytes: &[u8]) -> Vec<&RawValue> {
    #[derive(Deserialize)]
    struct Entries<'a> {
        #[serde(borrow)]
        entries: Vec<&'a RawValue>,
    }
    serde_json::from_slice::<Entries<'_>>(bytes)
        .map(|text| text.entries)
        .unwrap_or_default()
}
