//! What a snapshot says, one thing at a time. The order of variants and fields is the format: see [`super`].

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::clock::Setting;
use crate::services::{cdn, identity};

/// Headers by name, in order. Values may be any bytes that HTTP allows.
pub(super) type Headers = Vec<(String, Vec<u8>)>;

/// One thing that a snapshot says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// What there is once, first of all.
    Start {
        /// How the clock is set.
        clock: Setting,
        /// When the snapshot was begun, in ticks of ten microseconds since 1970 by the emulator's clock.
        taken: u64,
    },
    /// What the users made at run time have come to.
    Identity(identity::SavedRecord),
    /// What follows is of this region.
    Region { name: String },
    /// An account that was removed, and whose name is not forgotten.
    RemovedAccount { name: String },
    /// An account.
    Account {
        name: String,
        created: u64,
        metadata: Headers,
    },
    /// A container of the last account.
    Container {
        name: String,
        /// The name of its storage policy.
        policy: String,
        created: u64,
        changed: u64,
        metadata: Headers,
    },
    /// An object of the last container.
    Object(ObjectRecord),
    /// Something the CDN knows.
    Cdn(cdn::SavedRecord),
}

/// An object but for its bytes, which follow.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObjectRecord {
    pub(super) name: String,
    pub(super) created: u64,
    pub(super) modified: u64,
    pub(super) content_type: Vec<u8>,
    pub(super) etag: Vec<u8>,
    /// Bytes that follow in blocks.
    pub(super) length: u64,
    pub(super) delete_at: Option<u64>,
    pub(super) headers: Headers,
    pub(super) listing: Option<ListingRecord>,
}

/// What a listing shows instead of the object's own.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListingRecord {
    pub(super) hash: String,
    pub(super) bytes: u64,
    pub(super) whole_bytes: Option<u64>,
}

/// Headers as they are written.
pub(super) fn from_headers<'a>(
    headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) -> Headers {
    headers
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// Headers as they were, or which of them HTTP does not know.
pub(super) fn to_pairs(headers: Headers) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    headers
        .into_iter()
        .map(|(name, value)| {
            let value = to_value(value, &name)?;
            let name = HeaderName::try_from(&name)
                .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
            Ok((name, value))
        })
        .collect()
}

/// A header's value, or that it can be none.
pub(super) fn to_value(value: Vec<u8>, name: &str) -> Result<HeaderValue, String> {
    HeaderValue::try_from(value)
        .map_err(|_| format!("the value of {name:?} has control characters"))
}
