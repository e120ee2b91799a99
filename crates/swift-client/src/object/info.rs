//! What is told of an object: its headers as values.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use jiff::Timestamp;

use super::META;
use crate::Metadata;
use crate::metadata::{epoch, flag, http_date, number, text};

/// What `HEAD` and `GET` of an object tell.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Size of the whole object in bytes, also when only a range of it is read.
    pub bytes: Option<u64>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `ETag` without quotes: the content's MD5 as 32 hexadecimal digits, unless the object is a large one.
    pub etag: Option<String>,
    /// When it was stored, in whole seconds.
    pub last_modified: Option<Timestamp>,
    /// When it will expire (`X-Delete-At`).
    pub delete_at: Option<Timestamp>,
    /// Whether it is a static large object.
    pub static_large_object: bool,
    /// Container and prefix of a dynamic large object's segments (`X-Object-Manifest`), if it is one.
    pub manifest: Option<String>,
    /// `X-Object-Version-Id`.
    pub version_id: Option<String>,
    /// What a symlink points to, as escaped `container/object`; only told when the link itself is asked for.
    pub symlink_target: Option<String>,
    /// The user's own metadata.
    pub metadata: Metadata,
    /// All headers.
    pub headers: HeaderMap,
}

impl ObjectInfo {
    pub(crate) fn read(headers: HeaderMap) -> Self {
        let range = text(&headers, CONTENT_RANGE.as_str());
        let whole = range
            .as_deref()
            .and_then(ContentRange::parse)
            .and_then(|range| range.of);
        Self {
            bytes: whole.or_else(|| number(&headers, CONTENT_LENGTH.as_str())),
            content_type: text(&headers, CONTENT_TYPE.as_str()),
            etag: etag(&headers),
            last_modified: http_date(&headers, LAST_MODIFIED.as_str()),
            delete_at: epoch(&headers, "x-delete-at"),
            static_large_object: flag(&headers, "x-static-large-object"),
            manifest: text(&headers, "x-object-manifest"),
            version_id: text(&headers, "x-object-version-id"),
            symlink_target: text(&headers, "x-symlink-target"),
            metadata: Metadata::read(META, &headers),
            headers,
        }
    }

    /// The MD5 that the content must have, where the `ETag` is one.
    pub(crate) fn content_md5(&self) -> Option<&str> {
        let plain = !self.static_large_object && self.manifest.is_none();
        self.etag.as_deref().filter(|etag| plain && is_md5(etag))
    }
}

/// An `ETag` without quotes and without the mark of a weak one.
fn etag(headers: &HeaderMap) -> Option<String> {
    let text = text(headers, ETAG.as_str())?;
    Some(text.trim_start_matches("W/").trim_matches('"').to_owned())
}

/// Whether an `ETag` can be an MD5.
pub(super) fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `Content-Range: bytes 0-99/1234`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) of: Option<u64>,
}

impl ContentRange {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (range, of) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(Self {
            first,
            last,
            of: of.parse().ok(),
        })
    }
}
/// What storing an object came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// `ETag` without quotes.
    pub etag: Option<String>,
    /// When it was stored, in whole seconds.
    pub last_modified: Option<Timestamp>,
    /// `X-Object-Version-Id`, in a container that keeps versions.
    pub version_id: Option<String>,
    /// The server's name for this exchange.
    pub trans_id: Option<String>,
}

impl Stored {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        Self {
            etag: etag(headers),
            last_modified: http_date(headers, LAST_MODIFIED.as_str()),
            version_id: text(headers, "x-object-version-id"),
            trans_id: text(headers, "x-trans-id"),
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_size_of_the_whole_from_a_partial_answer() {
        let headers = [
            (CONTENT_LENGTH, "5".parse().unwrap()),
            (CONTENT_RANGE, "bytes 5-9/1234".parse().unwrap()),
        ];
        assert_eq!(
            ObjectInfo::read(headers.into_iter().collect()).bytes,
            Some(1234)
        );
    }

    #[test]
    fn takes_no_etag_of_a_large_object_for_the_md5_of_its_content() {
        let etag = || {
            (
                ETAG,
                "\"d41d8cd98f00b204e9800998ecf8427e\"".parse().unwrap(),
            )
        };
        let plain = ObjectInfo::read([etag()].into_iter().collect());
        assert_eq!(
            plain.content_md5(),
            Some("d41d8cd98f00b204e9800998ecf8427e")
        );
        let slo = http::HeaderName::from_static("x-static-large-object");
        let large = ObjectInfo::read(
            [etag(), (slo, "True".parse().unwrap())]
                .into_iter()
                .collect(),
        );
        assert_eq!(large.content_md5(), None);
    }

    #[test]
    fn reads_content_ranges_and_nothing_else() {
        let range = ContentRange {
            first: 0,
            last: 99,
            of: Some(1234),
        };
        assert_eq!(ContentRange::parse("bytes 0-99/1234"), Some(range));
        assert_eq!(
            ContentRange::parse("bytes 0-99/*"),
            Some(ContentRange { of: None, ..range })
        );
        for text in ["bytes */1234", "bytes 9-0/10", "0-99/1234", ""] {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
    }
}
