//! What can go wrong, by what a caller can do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::entry::{EntryId, State};

/// The result of every operation on a ledger.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a ledger could not be read or written.
///
/// Every variant names the file. No variant repeats a value found in it: a ledger may hold former keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused. Nothing was recorded, unless the action is one on the journal:
    /// then the ledger is also [poisoned](Error::Poisoned).
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `lock`, …
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The file system's own reason.
        source: io::Error,
    },

    /// The file does not hold what was once written into it, or is not a ledger. It was left untouched;
    /// [`salvage`](crate::salvage) shows what can be saved.
    #[error("{} is damaged at {place}: {cause}", path.display())]
    Damaged {
        /// The document or the journal.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong there.
        cause: String,
    },

    /// The file was written by a newer program. It was left untouched.
    #[error("{} is a ledger of version {found}; this program reads versions 1 to {newest}", path.display())]
    UnknownVersion {
        /// The document or the journal.
        path: PathBuf,
        /// The version it declares.
        found: u64,
        /// The newest version this program knows.
        newest: u64,
    },

    /// No such entry: it was forgotten, or never planned here.
    #[error("{} has no entry {id}", path.display())]
    UnknownEntry {
        /// The ledger's document.
        path: PathBuf,
        /// The entry asked for.
        id: EntryId,
    },

    /// An entry only ever goes from planned to confirmed to deleting.
    #[error("entry {id} of {} is {from} and cannot become {to}", path.display())]
    StateOrder {
        /// The ledger's document.
        path: PathBuf,
        /// The entry.
        id: EntryId,
        /// Its present state.
        from: State,
        /// The state asked for.
        to: State,
    },

    /// A resource or an identity cannot be written as JSON. Nothing was recorded.
    #[error("a resource for {} cannot be written as JSON", path.display())]
    Encode {
        /// The ledger's document.
        path: PathBuf,
        /// The serializer's reason.
        source: serde_json::Error,
    },

    /// An earlier write or fsync failed, so this handle no longer knows what is on disk and refuses everything.
    /// Open the ledger again to go on: an fsync that failed once may falsely succeed when repeated.
    #[error("{} can no longer be used through this handle: {cause}", path.display())]
    Poisoned {
        /// The ledger's document.
        path: PathBuf,
        /// The failure that came first.
        cause: String,
    },
}

/// A place in a ledger's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A place in the document's text; both count from 1.
    Text {
        /// The line.
        line: usize,
        /// The column, in bytes.
        column: usize,
    },
    /// An entry of the document.
    Entry {
        /// Its number in the list, from 1.
        number: usize,
        /// The line it starts on, from 1.
        line: usize,
    },
    /// A record of the journal.
    Record {
        /// Its number, from 1; 0 is the journal's header.
        number: usize,
        /// Where its line starts, in bytes from the start of the file.
        byte: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { line, column } => write!(f, "line {line}, column {column}"),
            Self::Entry { number, line } => write!(f, "entry {number} (line {line})"),
            Self::Record { number: 0, byte } => write!(f, "its header (byte {byte})"),
            Self::Record { number, byte } => write!(f, "record {number} (byte {byte})"),
        }
    }
}

/// What a parser says, without the values it quotes (a former key may be among them) and without its own
/// line and column, which are relative to the piece it was given.
pub(crate) fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    for unknown in ["unknown variant", "unknown field"] {
        if text.starts_with(unknown) {
            let expected = text
                .rsplit_once("`, expected")
                .map_or("", |(_, expected)| expected);
            return format!("{unknown}, expected{expected}");
        }
    }
    let hidden = |(index, piece)| if index % 2 == 0 { piece } else { "…" };
    text.split('"')
        .enumerate()
        .map(hidden)
        .collect::<Vec<_>>()
        .join("\"")
}
