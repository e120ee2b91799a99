//! What is asked of an object: options as headers and queries.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use http::header::{
    CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE,
};
use jiff::Timestamp;

use super::META;
use crate::metadata::{set, text};
use crate::{Error, Metadata, ObjectInfo};

/// A part of an object, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the last, both included and counted from 0.
    Between(u64, u64),
    /// From here to the end.
    From(u64),
    /// So many at the end.
    Last(u64),
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(first, last) => write!(f, "bytes={first}-{last}"),
            Self::From(first) => write!(f, "bytes={first}-"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

/// A new object's properties, or all new properties of one that is there: `POST` leaves nothing of the old metadata.
#[derive(Clone, Debug, Default)]
pub struct ObjectOptions {
    /// `Content-Type`. Without one Swift guesses by the name.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// The user's own metadata (`X-Object-Meta-*`).
    pub metadata: Metadata,
    /// When it shall expire (`X-Delete-At`, whole seconds).
    pub delete_at: Option<Timestamp>,
    /// After how long it shall expire (`X-Delete-After`, whole seconds).
    pub delete_after: Option<Duration>,
    /// `PUT` only: the MD5 the content must have, as 32 hexadecimal digits. It need not be given for data at hand.
    pub etag: Option<String>,
    /// `PUT` only: fail with [`Error::PreconditionFailed`] if there is an object of this name.
    pub only_if_new: bool,
    /// Headers of any other kind.
    pub headers: HeaderMap,
}

impl ObjectOptions {
    pub(super) fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        self.metadata.write(META, &mut headers)?;
        let delete_at = self.delete_at.map(|at| at.as_second().to_string());
        let delete_after = self.delete_after.map(|after| after.as_secs().to_string());
        let settings = [
            (CONTENT_TYPE.as_str(), self.content_type.as_deref()),
            (CONTENT_ENCODING.as_str(), self.content_encoding.as_deref()),
            (
                CONTENT_DISPOSITION.as_str(),
                self.content_disposition.as_deref(),
            ),
            ("x-delete-at", delete_at.as_deref()),
            ("x-delete-after", delete_after.as_deref()),
        ];
        for (name, value) in settings {
            if let Some(value) = value {
                set(&mut headers, name, value)?;
            }
        }
        Ok(headers)
    }
}

impl From<&ObjectInfo> for ObjectOptions {
    /// All that [`Client::post_object`](crate::Client::post_object) would take away if it were not said again: to change
    /// one thing and keep the rest.
    fn from(info: &ObjectInfo) -> Self {
        Self {
            content_type: info.content_type.clone(),
            content_encoding: text(&info.headers, CONTENT_ENCODING.as_str()),
            content_disposition: text(&info.headers, CONTENT_DISPOSITION.as_str()),
            metadata: info.metadata.clone(),
            delete_at: info.delete_at,
            ..Self::default()
        }
    }
}

/// What a symlink points to (`swift/common/middleware/symlink.py`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymlinkTarget {
    /// Container.
    pub container: String,
    /// Object.
    pub object: String,
    /// Account, if it is another one than the link's.
    pub account: Option<String>,
    /// The `ETag` that the target must have, now and whenever the link is read; without it the link follows whatever is
    /// there.
    pub etag: Option<String>,
}

/// Which object is read, and on which conditions.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Only this part.
    pub range: Option<ByteRange>,
    /// Only if it has this `ETag` (without quotes); else [`Error::PreconditionFailed`].
    pub if_match: Option<String>,
    /// Only if it has not this `ETag` (without quotes); else [`Error::NotModified`].
    pub if_none_match: Option<String>,
    /// Only if it was stored after this; else [`Error::NotModified`].
    pub if_modified_since: Option<Timestamp>,
    /// Only if it was not stored after this; else [`Error::PreconditionFailed`].
    pub if_unmodified_since: Option<Timestamp>,
    /// This version (`?version-id=`).
    pub version_id: Option<String>,
    /// A static large object's manifest, not its content (`?multipart-manifest=get`).
    pub manifest: bool,
    /// A symlink itself, not what it points to (`?symlink=get`).
    pub symlink: bool,
    /// Headers of any other kind.
    pub headers: HeaderMap,
}

impl GetOptions {
    pub(crate) fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        let range = self.range.map(|range| range.to_string());
        let quoted = |etag: &Option<String>| etag.as_ref().map(|etag| quote(etag));
        let date = |at: Option<Timestamp>| at.map(http_date_text);
        let conditions = [
            (RANGE, range),
            (IF_MATCH, quoted(&self.if_match)),
            (IF_NONE_MATCH, quoted(&self.if_none_match)),
            (IF_MODIFIED_SINCE, date(self.if_modified_since)),
            (IF_UNMODIFIED_SINCE, date(self.if_unmodified_since)),
        ];
        for (name, value) in conditions {
            if let Some(value) = value {
                set(&mut headers, name.as_str(), &value)?;
            }
        }
        Ok(headers)
    }

    pub(crate) fn query(&self) -> Vec<(&str, &str)> {
        let version = self.version_id.as_deref().map(|id| ("version-id", id));
        let manifest = self.manifest.then_some(("multipart-manifest", "get"));
        let symlink = self.symlink.then_some(("symlink", "get"));
        version.into_iter().chain(manifest).chain(symlink).collect()
    }
}

fn quote(etag: &str) -> String {
    if etag == "*" || etag.starts_with('"') {
        etag.to_owned()
    } else {
        format!("\"{etag}\"")
    }
}

fn http_date_text(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// This version (`?version-id=`).
    pub version_id: Option<String>,
    /// A static large object's segments with it (`?multipart-manifest=delete`).
    pub segments: bool,
}

/// How an object is copied.
#[derive(Clone, Debug, Default)]
pub struct CopyOptions {
    /// Properties of the copy; what is not named is taken from the original.
    pub object: ObjectOptions,
    /// Take no metadata from the original (`X-Fresh-Metadata`).
    pub fresh_metadata: bool,
    /// The account of the original, if it is another one.
    pub source_account: Option<String>,
    /// Copy this version of the original.
    pub version_id: Option<String>,
    /// Copy a static large object's manifest, not its content.
    pub manifest: bool,
    /// Copy a symlink itself, not what it points to.
    pub symlink: bool,
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_conditions_as_http_wants_them() {
        let options = GetOptions {
            range: Some(ByteRange::Last(5)),
            if_match: Some("abc".into()),
            if_modified_since: Some("2026-11-24T00:31:07Z".parse().unwrap()),
            ..GetOptions::default()
        };
        let headers = options.headers().unwrap();
        assert_eq!(headers["range"], "bytes=-5");
        assert_eq!(headers["if-match"], "\"abc\"");
        assert_eq!(
            headers["if-modified-since"],
            "Tue, 24 Nov 2026 00:31:07 GMT"
        );
    }
}
