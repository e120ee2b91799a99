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
