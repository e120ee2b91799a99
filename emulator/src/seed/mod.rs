//! A folder of files as the contents of an account.
//!
//! ```text
//! fixtures/
//!   .account.json             the account: which one, metadata, temp URL keys
//!   photos/                   a container
//!     .container.json         the container: metadata, access lists, policy, CDN, temp URL keys
//!     cat.jpg                 the object `cat.jpg`
//!     cat.jpg.meta.json       the object: type, metadata, headers, when it goes away
//!     2026/june/lake.jpg      the object `2026/june/lake.jpg`
//! ```
//!
//! Every JSON file may be missing, and so may every member of it; a member that is not known is refused.
//!
//! ```json
//! {"account": "AUTH_test", "metadata": {"Colour": "blue"}, "temp_url_keys": ["first", "second"]}
//! ```
//! ```json
//! {"metadata": {"Web-Index": "index.html"}, "read_acl": ".r:*,.rlistings", "write_acl": "test:tester3",
//!  "storage_policy": "silver", "temp_url_keys": ["first"],
//!  "cdn": {"enabled": true, "ttl": 900, "log_retention": false}}
//! ```
//! ```json
//! {"content_type": "image/jpeg", "metadata": {"Place": "home"}, "delete_at": "2026-12-24T18:00:00Z",
//!  "headers": {"Content-Disposition": "inline"}}
//! ```
//!
//! `metadata` has names without `X-…-Meta-`. `delete_at` is RFC 3339 text or Unix seconds; `delete_after` is seconds from
//! now by the emulator's clock. `headers` are those that an object keeps: `Content-Encoding`, `Cache-Control`,
//! `X-Object-Manifest` and so on. A type that nobody names is guessed from the object's name, as Swift does.
//!
//! Left out: files at the top whose names begin with a dot, and files named `.gitkeep`, which make an empty folder an empty
//! container. Refused: other files at the top, names that are not UTF-8, what is neither file nor folder, and links that
//! lead out of the folder; links within it are followed.
//!
//! What is there already stays, unless the folder has the same object; metadata is added to. The objects are stored as by a
//! PUT with no feature in between: nothing is archived in versioned containers, and no quota counts. **All of the folder is
//! read and checked first; if anything in it is wrong, nothing is changed.**

mod plan;
mod sidecar;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::core::Core;

/// Why a folder was not taken over. Nothing was changed.
#[derive(Debug)]
#[non_exhaustive]
pub struct SeedError {
    /// The file or folder that is wrong.
    pub path: PathBuf,
    /// The member of a JSON file that is wrong, as a path with points: `cdn.ttl`.
    pub field: Option<String>,
    /// What is wrong with it.
    pub cause: String,
}

impl SeedError {
    fn new(path: &Path, cause: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            field: None,
            cause: cause.to_string(),
        }
    }

    fn of(path: &Path, field: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(path, cause)
        }
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.path.display())?;
        if let Some(field) = &self.field {
            write!(formatter, "{field}: ")?;
        }
        formatter.write_str(&self.cause)
    }
}

impl std::error::Error for SeedError {}

/// What a folder brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Seeded {
    /// The account it went to.
    pub account: String,
    /// How many containers it has, new and old.
    pub containers: u64,
    /// How many objects were stored.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Takes a folder over into an account: the one named, or the one `.account.json` names, or `AUTH_test`. Reads files, so
/// it blocks.
pub(crate) fn seed(core: &Core, folder: &Path, account: Option<&str>) -> Result<Seeded, SeedError> {
    plan::read(core, folder, account)?.apply(core)
}
