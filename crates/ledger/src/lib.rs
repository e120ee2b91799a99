//! A crash-safe record of created resources, so that they can be removed.
//!
//! ```
//! use ledger::{Identity, Ledger, Resource, State, What};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("ledger.json");
//! let ledger = Ledger::open(&path)?;
//! let container = Resource {
//!     cloud: "offline".into(),
//!     region: Some("DFW".into()),
//!     account: "AUTH_test".into(),
//!     what: What::Container { container: "python-demo".into() },
//! };
//! let id = ledger.plan("run-1", container, "2026-01-01T12:00:00Z".parse()?)?;
//! // … the container is created …
//! ledger.confirm(id, Identity { timestamp: Some("1767268800.00000".into()), ..Identity::default() })?;
//!
//! // Later, perhaps in another process, after a crash or not:
//! for entry in ledger.entries()? {
//!     assert_eq!(entry.state, State::Confirmed);
//!     ledger.deleting(entry.id)?;
//!     // … it is deleted …
//!     ledger.forget(entry.id)?;
//! }
//! ledger.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Ledger::plan`] returns when the intent is on disk; only then is the request sent. So after a crash at any moment
//! the ledger names everything that may exist. Any type that serde can write can be recorded, see [`Tracked`];
//! [`Resource`] is the one for Cloud Files.
//!
//! # The document
//!
//! A ledger is one JSON document, for people and for other programs to read. Its JSON Schema is [`SCHEMA`].
//!
//! ```json
//! {
//!   "format": "resource-ledger",
//!   "version": 2,
//!   "generation": 3,
//!   "next_id": 8,
//!   "entries": [
//!     {
//!       "id": 7,
//!       "state": "planned",
//!       "run": "run-1",
//!       "planned_at": "2026-01-01T12:00:00Z",
//!       "resource": {
//!         "kind": "container",
//!         "cloud": "offline",
//!         "region": "DFW",
//!         "account": "AUTH_test",
//!         "container": "python-demo"
//!       },
//!       "crc32": "6d1fdab8"
//!     }
//!   ],
//!   "crc32": "948689b3"
//! }
//! ```
//!
//! `crc32` is the checksum of the object it is the last member of: the CRC-32 used by gzip, over the object's text up
//! to the comma before `crc32`, leaving out white space between tokens. A document may be indented otherwise; any
//! other change is refused with its place, and [`salvage`] then finds the entries that are sound.
//!
//! Version 1 is the same without `generation`, `next_id` and all `crc32`, and `format` may be left out too. It is
//! what to write by hand, or to turn a ledger into before it is edited. It is read, and replaced by version 2.
//!
//! The document may hold former temp-URL keys in clear, which are needed to put them back. So the files are created
//! for their owner alone; permissions given to a document later are kept.
//!
//! # The files beside it
//!
//! They have the document's name and one ending more, and are gone when the last user has closed the ledger.
//!
//! - `.journal`: what changed since the document was written, one line a change, with its length and checksum. A
//!   crash can only cut the last line, which then was never written; any other damage is refused. The journal is
//!   folded into the document when the ledger is closed, and when it has outgrown 4 MiB and the document.
//! - `.lock`: locked while the files are read or written, by the operating system, which lets go if a process dies.
//! - `.tmp`: the next document, until it is whole and durable and takes the place of the old one.
//!
//! Several processes may use one ledger, on a file system whose locks work between them.

mod book;
#[cfg(test)]
mod crash;
mod document;
mod entry;
mod error;
mod journal;
mod ledger;
mod resource;
mod salvage;
mod seal;
mod storage;
mod store;

pub use entry::{Entry, EntryId, State, Tracked};
pub use error::{Error, Place, Result};
pub use jiff::Timestamp;
pub use ledger::Ledger;
pub use resource::{Identity, KeySlot, Resource, ResourceKind, Secret, What};
pub use salvage::{Flaw, Salvage, salvage};

/// The JSON Schema (draft 2020-12) of a ledger of [`Resource`]s, version 2.
pub const SCHEMA: &str = include_str!("../schema/ledger.schema.json");
