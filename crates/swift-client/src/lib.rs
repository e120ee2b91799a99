//! A client for OpenStack Swift and Rackspace Cloud Files object storage.
//!
//! A [`Client`] works on one account; its calls are named as python-swiftclient names them. Sign-in and renewal of
//! tokens, retries and checksums happen inside. What goes wrong is an [`Error`] that says what was asked, what was
//! answered, and under which transaction id.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use swift_client::{Client, ContainerOptions, Credentials, GetOptions, ObjectOptions};
//!
//! let emulator = emulator::Emulator::builder().start().await?;
//! let me = Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
//! let client = Client::builder(me).build()?;
//!
//! client.put_container("photos", &ContainerOptions::default()).await?;
//! client.put_object("photos", "cat.txt", "a cat", &ObjectOptions::default()).await?;
//! let download = client.get_object("photos", "cat.txt", &GetOptions::default()).await?;
//! assert_eq!(download.bytes(1 << 20).await?, "a cat");
//! # Ok(())
//! # }
//! ```
//!
//! Each call of a [`Client`] is one request. [`Transfers`] runs many: uploads and downloads of any size in segments and
//! parts, whole folders, mass deletes, listings side by side, all within one budget of memory and connections.

mod account;
mod acl;
mod body;
mod bulk;
mod capabilities;
mod client;
mod container;
mod copy;
mod download;
mod error;
mod file;
mod folder;
mod large_object;
mod listing;
mod metadata;
mod object;
mod path;
mod progress;
mod retry;
mod segments;
#[cfg(feature = "object_store")]
mod store;
mod temp_url;
mod transfers;
mod transport;
mod upload;

pub use account::{AccountInfo, AccountOptions};
pub use acl::Acl;
pub use body::Body;
pub use bulk::{
    ArchiveFormat, ArchiveOptions, ArchiveReport, DeleteFailure, DeleteReport, ObjectName,
};
pub use capabilities::{
    BulkDeleteSupport, BulkUploadSupport, Capabilities, SloSupport, StoragePolicy, SwiftLimits,
    TempUrlSupport,
};
pub use client::{Client, ClientBuilder};
pub use container::{ContainerInfo, ContainerOptions, Created, StaticWeb, Versioning};
pub use download::{Download, DownloadOptions, Downloaded};
pub use error::{Error, Exchange, Operation};
pub use file::FileOptions;
pub use folder::{
    FileFilter, FolderChange, FolderOptions, FolderStep, LocalFile, SameBy, Unreadable, walk_folder,
};
pub use identity::{Credentials, HttpSettings, Session};
pub use jiff::Timestamp;
pub use large_object::{Manifest, Segment};
pub use listing::{ContainerEntry, ListOptions, Listed, ObjectEntry};
pub use metadata::Metadata;
pub use object::{
    ByteRange, CopyOptions, DeleteOptions, GetOptions, ObjectInfo, ObjectOptions, Stored,
    SymlinkTarget,
};
pub use path::object_url;
pub use progress::{Event, Progress};
pub use retry::{Replay, RetryPolicy};
pub use segments::{Audit, AuditOptions, GcPlan, GcReport, Missing, Orphan};
#[cfg(feature = "object_store")]
pub use store::SwiftStore;
pub use temp_url::{KeyScope, KeySlot, TempUrls};
pub use transfers::{TransferSettings, Transfers};
pub use transport::{Request, Response, Service, Transport};
pub use upload::{LargeObject, OldSegments, UploadOptions, Uploaded};
