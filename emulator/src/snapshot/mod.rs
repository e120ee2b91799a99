//! The whole state as one file, and back.
//!
//! # What is in it
//!
//! The clock's setting; users and application credentials made at run time; of every region every account with its metadata; every container and object with all metadata, system metadata,
//! timestamps, manifests, links and versions, expired objects included; the names of removed accounts; what the CDN
//! publishes, how many purges are used up, and the lines of access logs that are still to be delivered.
//!
//! Not in it: the users of the configuration, which a snapshot does not change. **Tokens**, since a file that people keep and pass on should open no running server, and every client signs
//! in again when it is told 401. In the emulator that takes a snapshot back, tokens of users who are in it stay good. **The edge's copies**, since
//! a cache may be lost at any time: after a restore the edge fetches anew. **What goes on**: uploads under way,
//! connections.
//!
//! Keys of users and of temp URLs are in it, so the file is readable by its owner alone.
//!
//! An object that is written while a snapshot is taken is in it or is not, always whole. Bodies are read out of the
//! blocks they are stored in and read back into such blocks, so neither way needs more memory beside the objects than
//! a few blocks. While a running emulator takes a snapshot back, the state of before and the new one are both there.
//!
//! # The format
//!
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `89 43 46 53 0d 0a 1a 0a`: not ASCII, `CFS`, line ends that a text transfer would spoil |
//! | 4 | version, 1 |
//! | rest | frames |
//!
//! A frame is its kind (1 byte: `R` a record, `B` a block of a body, `E` the end), the length of its content (4 bytes),
//! the content, and the CRC-32 (IEEE, 4 bytes) of **all bytes of the file up to there** but for earlier sums, so that a
//! byte that changed, a frame that is missing and frames that changed places are noticed at the first frame behind.
//! Nothing follows the end, whose content is empty; a file without it was cut.
//!
//! A record is a [`record::Record`] in [postcard](https://postcard.jamesmunns.com/wire-format) form. They come in this
//! order: `Start`; each `Identity` record; each `Region`, and of that region each `RemovedAccount`, then each `Account`, behind it each of its
//! `Container`s, and behind that each of its `Object`s followed by blocks of at most 1 MiB that are together as long as
//! the object says; at last each of its `Cdn` records. Names are in order and each is
//! there once.
//!
//! A file that breaks any of this is refused whole, and the state stays as it was.

mod file;
mod frame;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod stream;
pub(crate) mod write;

pub(crate) use file::write_whole;
#[cfg(feature = "fuzzing")]
pub(crate) use frame::framed;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Setting;
use crate::core::Core;
use crate::services::{cdn, identity};
use crate::store::Store;

/// What every snapshot begins with.
const MAGIC: [u8; 8] = *b"\x89CFS\r\n\x1a\n";

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The longest block of a body in a snapshot, in bytes.
const MAX_BLOCK: usize = 1 << 20;

/// Why a snapshot was not taken back. Nothing was changed.
///
/// Places are counted in bytes from the beginning of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It could not be read, or not be written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It does not begin as a snapshot does.
    #[error("this is no snapshot: its first 8 bytes are others")]
    NotASnapshot,
    /// It was written by an emulator that knows another format.
    #[error("this is a snapshot of version {found}, and only version {VERSION} can be read")]
    UnknownVersion {
        /// The version that it says it has.
        found: u32,
    },
    /// It ends before its end.
    #[error("the snapshot is cut: it ends at byte {at} in the middle")]
    Cut {
        /// How long it is.
        at: u64,
    },
    /// Its bytes are not those that were written.
    #[error("the snapshot is damaged at or before byte {at}: {cause}")]
    Damaged {
        /// Where this was noticed.
        at: u64,
        /// What is wrong there.
        cause: String,
    },
    /// It is whole, and speaks of what this emulator does not have.
    #[error("the snapshot does not fit this emulator: {cause} (before byte {at})")]
    Unfit {
        /// Where this was noticed.
        at: u64,
        /// What is missing here.
        cause: String,
    },
}

/// A state that was read, and is not yet anybody's.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Setting,
    pub(crate) identity: identity::Saved,
    /// One for each region of the emulator, in its order.
    pub(crate) regions: Vec<RegionState>,
    pub(crate) contents: Contents,
}

/// What one region has for itself.
#[derive(Debug)]
pub(crate) struct RegionState {
    pub(crate) store: Store,
    pub(crate) cdn: cdn::Saved,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Contents {
    pub(crate) accounts: u64,
    pub(crate) containers: u64,
    pub(crate) objects: u64,
    /// Of all bodies.
    pub(crate) bytes: u64,
}

impl State {
    /// Makes this the state of the running emulator with these regions. Each part changes at once.
    pub(crate) fn install(self, regions: &[Arc<Core>]) {
        /// Of two states that are installed at the same time one wins, with all of its parts.
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(core) = regions.first() {
            core.clock.restore(self.clock);
            core.identity.restore(self.identity);
            core.faults.history().clear();
        }
        let mut former = Vec::new();
        for (core, state) in regions.iter().zip(self.regions) {
            core.cdn.restore(state.cdn);
            former.push(core.store.replace(state.store));
        }
        drop(turn);
        // Millions of objects take their time to drop; nobody needs to wait for that.
        let dropping = std::thread::Builder::new()
            .name("drop-state".to_owned())
            .spawn(move || drop(former));
        if let Err(error) = dropping {
            // The closure is gone with the attempt, and the state with it: dropped here instead.
            tracing::debug!(%error, "no thread to drop the former state on");
        }
    }
}

#[cfg(test)]
mod tests;
