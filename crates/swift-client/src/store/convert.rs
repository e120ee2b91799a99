//! Between the words of this crate and those of `object_store`.

use std::ops::Range;

use chrono::{DateTime, Utc};
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{CopyMode, Error, ObjectMeta, PutResult};

use crate::metadata::text;
use crate::object::ContentRange;
use crate::{ObjectEntry, ObjectInfo, Stored};

pub(super) const NAME: &str = "Swift";

/// What `object_store` calls an error at `path`. Where something was to be `new`, a condition that does not hold means
/// that it is there already.
pub(super) fn failed(path: &Path, error: crate::Error, new: bool) -> Error {
    let path = path.to_string();
    match error {
        crate::Error::NotFound(_) => Error::NotFound {
            path,
            source: error.into(),
        },
        crate::Error::PreconditionFailed(_) if new => Error::AlreadyExists {
            path,
            source: error.into(),
        },
        crate::Error::PreconditionFailed(_) => Error::Precondition {
            path,
            source: error.into(),
        },
        crate::Error::NotModified(_) => Error::NotModified {
            path,
            source: error.into(),
        },
        crate::Error::Forbidden(_) => Error::PermissionDenied {
            path,
            source: error.into(),
        },
        crate::Error::Unauthorized(_) => Error::Unauthenticated {
            path,
            source: error.into(),
        },
        other => failed_for(other),
    }
}

/// An error that has no place of its own in `object_store`.
pub(super) fn failed_for(error: crate::Error) -> Error {
    Error::Generic {
        store: NAME,
        source: error.into(),
    }
}

/// An object could not be deleted.
pub(super) fn refused(path: &Path, reason: &str) -> Error {
    Error::Generic {
        store: NAME,
        source: format!("{path}: {reason}").into(),
    }
}

pub(super) fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: NAME.to_owned(),
    }
}

pub(super) fn bad_range(range: &Range<u64>) -> Error {
    Error::Generic {
        store: NAME,
        source: format!("the range {}..{} is empty", range.start, range.end).into(),
    }
}

pub(super) fn is_create(mode: CopyMode) -> bool {
    matches!(mode, CopyMode::Create)
}

pub(super) fn put_result(stored: Stored) -> PutResult {
    PutResult {
        e_tag: stored.etag,
        version: stored.version_id,
        extensions: http::Extensions::default(),
    }
}

pub(super) fn meta(location: &Path, info: &ObjectInfo) -> ObjectMeta {
    ObjectMeta {
        location: location.clone(),
        last_modified: time(info.last_modified),
        size: info.bytes.unwrap_or_default(),
        e_tag: info.etag.clone(),
        version: info.version_id.clone(),
    }
}

/// An entry of a listing, unless no `Path` can say its name.
pub(super) fn listed(entry: ObjectEntry) -> Option<ObjectMeta> {
    Some(ObjectMeta {
        location: path(&entry.name)?,
        // `Last-Modified` has whole seconds, rounded up: the same object shall have the same time everywhere.
        last_modified: time(entry.last_modified.map(rounded_up)),
        size: entry.bytes,
        // A static large object's own, as GET and HEAD tell it, not that of its manifest.
        e_tag: Some(match entry.slo_etag {
            Some(etag) => etag.trim_matches('"').to_owned(),
            None => entry.etag,
        }),
        version: entry.version_id,
    })
}

/// A name as a path, if it can be said so that it leads back to the same object.
pub(super) fn path(name: &str) -> Option<Path> {
    Path::parse(name).ok().filter(|path| path.as_ref() == name)
}

/// The first byte that was sent, where that is not the object's first.
pub(super) fn first_byte(info: &ObjectInfo) -> Option<u64> {
    let range = text(&info.headers, http::header::CONTENT_RANGE.as_str())?;
    Some(ContentRange::parse(&range)?.first)
}

/// Each `ETag` of a list in quotes, as HTTP wants it.
pub(super) fn quoted(etags: &str) -> String {
    let quote = |etag: &str| match etag.trim() {
        "*" => "*".to_owned(),
        etag if etag.starts_with('"') || etag.starts_with("W/") => etag.to_owned(),
        etag => format!("\"{etag}\""),
    };
    etags.split(',').map(quote).collect::<Vec<_>>().join(", ")
}

pub(super) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    // Both calendars reach further than any object's life.
    Timestamp::new(
        time.timestamp(),
        time.timestamp_subsec_nanos().cast_signed(),
    )
    .unwrap_or(Timestamp::MAX)
}

fn rounded_up(time: Timestamp) -> Timestamp {
    let up = i64::from(time.subsec_nanosecond() > 0);
    Timestamp::from_second(time.as_second() + up).unwrap_or(time)
}

/// A server that does not tell when is taken to mean the beginning of time.
fn time(time: Option<Timestamp>) -> DateTime<Utc> {
    let known = time.and_then(|time| {
        let nanoseconds = u32::try_from(time.subsec_nanosecond()).ok()?;
        DateTime::from_timestamp(time.as_second(), nanoseconds)
    });
    known.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_each_etag_once() {
        assert_eq!(quoted("abc"), "\"abc\"");
        assert_eq!(quoted("\"abc\", def"), "\"abc\", \"def\"");
        assert_eq!(quoted("*"), "*");
    }

    #[test]
    fn says_only_names_that_lead_back() {
        assert!(path("a/b c/ü.csv").is_some());
        for name in ["/a", "a/", "a//b", "a/../b", "."] {
            assert_eq!(path(name), None, "{name}");
        }
    }

    #[test]
    fn rounds_times_up_as_last_modified_does() {
        let time: Timestamp = "2026-01-01T12:00:00.000001Z".parse().unwrap();
        assert_eq!(rounded_up(time).to_string(), "2026-01-01T12:00:01Z");
        let whole: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(rounded_up(whole), whole);
    }
}
