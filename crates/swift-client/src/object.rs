//! Objects: storing, reading, describing, copying, deleting.

use std::fmt;
use std::time::Duration;

use http::header::{
    CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::download::Download;
use crate::metadata::{epoch, flag, http_date, number, set, text};
use crate::path::{escaped, escaped_path};
use crate::{Body, Client, Error, Metadata, Replay, Request};

const META: &str = "x-object-meta-";

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

fn is_md5(etag: &str) -> bool {
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
    fn headers(&self) -> Result<HeaderMap, Error> {
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
        version.into_iter().chain(manifest).collect()
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
    fn read(headers: &HeaderMap) -> Self {
        Self {
            etag: etag(headers),
            last_modified: http_date(headers, LAST_MODIFIED.as_str()),
            version_id: text(headers, "x-object-version-id"),
            trans_id: text(headers, "x-trans-id"),
        }
    }
}

impl Client {
    /// Stores an object.
    ///
    /// The MD5 of data at hand goes out with it, so that the server stores nothing else; the MD5 of a file or a stream
    /// is taken on the way and compared with the server's.
    ///
    /// # Errors
    /// [`Error::NotFound`] without the container, [`Error::Unprocessable`] or [`Error::Checksum`] if the data was
    /// damaged on the way, [`Error::QuotaExceeded`], [`Error::TooLarge`].
    pub async fn put_object(
        &self,
        container: &str,
        object: &str,
        body: impl Into<Body>,
        options: &ObjectOptions,
    ) -> Result<Stored, Error> {
        let body = body.into();
        let mut headers = options.headers()?;
        let known = options.etag.clone().or_else(|| body.known_md5());
        if let Some(md5) = &known {
            set(&mut headers, ETAG.as_str(), md5)?;
        }
        let replay = if options.only_if_new {
            set(&mut headers, IF_NONE_MATCH.as_str(), "*")?;
            Replay::IfUnseen
        } else {
            Replay::Always
        };
        let request = Request {
            headers,
            body,
            replay,
            ..Request::object(Method::PUT, container, object)
        };
        let mut response = self
            .transport()
            .send_hashed(request, known.is_none())
            .await?;
        let operation = response.operation.clone();
        let sent_md5 = response.sent_md5.take();
        let stored = Stored::read(&response.discard().await);
        if let (Some(expected), Some(etag)) = (sent_md5, &stored.etag)
            && is_md5(etag)
            && !expected.eq_ignore_ascii_case(etag)
        {
            return Err(Error::Checksum {
                operation: Box::new(operation),
                expected,
                found: etag.clone(),
            });
        }
        Ok(stored)
    }

    /// Size, times and metadata of an object.
    pub async fn head_object(
        &self,
        container: &str,
        object: &str,
        options: &GetOptions,
    ) -> Result<ObjectInfo, Error> {
        let request = Request {
            headers: options.headers()?,
            query: options.query(),
            ..Request::object(Method::HEAD, container, object)
        };
        Ok(ObjectInfo::read(
            self.transport().send(request).await?.headers,
        ))
    }

    /// An object's metadata at once, and its content as it is read from the [`Download`].
    pub async fn get_object(
        &self,
        container: &str,
        object: &str,
        options: &GetOptions,
    ) -> Result<Download, Error> {
        Download::start(self, container, object, options).await
    }

    /// Replaces all metadata of an object.
    pub async fn post_object(
        &self,
        container: &str,
        object: &str,
        options: &ObjectOptions,
    ) -> Result<(), Error> {
        let headers = options.headers()?;
        let request = Request {
            headers,
            ..Request::object(Method::POST, container, object)
        };
        self.transport().send(request).await?.discard().await;
        Ok(())
    }

    /// Copies an object on the server. Both places are container and object.
    pub async fn copy_object(
        &self,
        source: (&str, &str),
        destination: (&str, &str),
        options: &CopyOptions,
    ) -> Result<Stored, Error> {
        let mut headers = options.object.headers()?;
        let mut from = escaped_path(source.0, source.1);
        if let Some(version) = &options.version_id {
            from = format!("{from}?version-id={}", escaped(version));
        }
        set(&mut headers, "x-copy-from", &from)?;
        if options.fresh_metadata {
            set(&mut headers, "x-fresh-metadata", "true")?;
        }
        if let Some(account) = &options.source_account {
            set(&mut headers, "x-copy-from-account", &escaped(account))?;
        }
        let query = options.manifest.then_some(("multipart-manifest", "get"));
        let request = Request {
            headers,
            query: query.into_iter().collect(),
            ..Request::object(Method::PUT, destination.0, destination.1)
        };
        Ok(Stored::read(
            &self.transport().send(request).await?.discard().await,
        ))
    }

    /// Deletes an object.
    pub async fn delete_object(
        &self,
        container: &str,
        object: &str,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let version = options.version_id.as_deref().map(|id| ("version-id", id));
        let segments = options.segments.then_some(("multipart-manifest", "delete"));
        let query = version.into_iter().chain(segments).collect();
        let request = Request {
            query,
            ..Request::object(Method::DELETE, container, object)
        };
        self.transport().send(request).await?.discard().await;
        Ok(())
    }
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
