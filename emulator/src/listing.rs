//! The entries of an account or a container, before they are written out.

use std::borrow::Cow;
use std::ops::Deref;

use compact_str::CompactString;
use serde_json::Value;

use crate::timestamp::Timestamp;

/// What a GET of an account or a container lists.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) of: ListingOf,
    pub(crate) entries: Vec<Entry>,
}

/// Whose entries they are, with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListingOf {
    Account(String),
    Container(String),
    /// A container with all versions of its objects, which is written as JSON only.
    Versions(String),
}

/// One line of a listing.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Subdir(String),
    Container {
        name: String,
        count: u64,
        bytes: u64,
        last_modified: Timestamp,
        /// Name of its storage policy.
        policy: &'static str,
    },
    Object(ObjectEntry),
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Subdir(name) | Self::Container { name, .. } => name,
            Self::Object(object) => &object.name,
        }
    }
}

/// An object in a listing.
#[derive(Clone, Debug)]
pub(crate) struct ObjectEntry {
    pub(crate) name: CompactString,
    pub(crate) hash: Hash,
    pub(crate) bytes: u64,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) last_modified: Timestamp,
    /// What features add to the JSON form: `slo_etag`, `symlink_path`, `version_id`, ….
    pub(crate) extra: Vec<(&'static str, Value)>,
}

/// What a listing shows as an object's hash. Pages are long, and nearly all of them are MD5s, which lie here themselves.
#[derive(Clone, Debug)]
pub(crate) enum Hash {
    /// In hex.
    Md5([u8; 32]),
    Text(String),
}

impl Hash {
    /// Whether anything stands behind it that a feature has put there.
    pub(crate) fn has_parameters(&self) -> bool {
        match self {
            Self::Md5(_) => false,
            Self::Text(text) => text.contains(';'),
        }
    }
}

impl Deref for Hash {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Md5(hex) => std::str::from_utf8(hex).unwrap_or_default(),
            Self::Text(text) => text,
        }
    }
}

impl From<String> for Hash {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
