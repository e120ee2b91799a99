//! An offline OpenStack Swift and Rackspace Cloud Files, CDN included, with a clock that tests can move.
//!
//! ```
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let emulator = emulator::Emulator::builder().start().await?;
//! println!("sign in at {}", emulator.auth_url());
//!
//! // Nothing needs to sleep until something expires:
//! emulator.clock().freeze();
//! emulator.clock().advance(Duration::from_secs(120));
//! # Ok(())
//! # }
//! ```
//!
//! It knows the users of Swift's own tests (`test:tester` with key `testing`, and others) and a Rackspace user whose
//! name and keys are in [`defaults`].

mod accept;
mod accounts;
mod clock;
pub mod config;
mod core;
mod deadlines;
pub mod defaults;
mod emulator;
mod explain;
mod faults;
mod features;
mod file_body;
mod flavour;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod glance;
mod head;
mod headers;
mod heartbeat;
mod invalid;
mod journal;
mod json;
mod listing;
mod message;
mod metrics;
mod path;
mod path_header;
mod patience;
mod pattern;
mod pipeline;
mod place;
mod query;
mod region;
mod reject;
mod report;
mod resources;
mod seed;
mod segmented;
mod server;
mod services;
mod shortcut;
mod snapshot;
mod store;
mod timestamp;
mod trans_id;
mod wire;
mod written;

pub use accounts::FreshAccount;
pub use clock::Clock;
pub use deadlines::{Deadline, DeadlineKind, Offset};
pub use emulator::{Builder, Emulator};
pub use explain::{Cause, Explanation, Finding, KeyPlace, NotAStorageUrl};
pub use faults::{Fault, FaultId, FaultReport, Faults};
pub use invalid::Invalid;
pub use journal::{RecordedRequest, RequestFilter};
pub use seed::{SeedError, Seeded};
pub use snapshot::SnapshotError;
