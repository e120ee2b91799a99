//! Listings of accounts and containers: one page, or all of them as a stream.

mod parallel;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;

use crate::error::Operation;
use crate::{Client, Error, Request};

/// The page size asked for: what Swift and Cloud Files give at most, unless they are configured otherwise.
const PAGE: u64 = 10_000;

/// A page has at most 10,000 entries; names, content types and the rest stay well below 4 KiB each.
const MAX_PAGE_BYTES: u64 = 64 << 20;

/// Which part of a listing is wanted, and in which order. Names are compared as UTF-8 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only names that begin so.
    pub prefix: Option<String>,
    /// Names that have this after the prefix are rolled up into one [`Listed::Subdir`].
    pub delimiter: Option<String>,
    /// Only names after this one (before it, with `reverse`).
    pub marker: Option<String>,
    /// Only names before this one (after it, with `reverse`).
    pub end_marker: Option<String>,
    /// At most so many entries in all.
    pub limit: Option<u64>,
    /// So many entries with each request; 10,000 if not said.
    pub page_size: Option<u64>,
    /// From the last name to the first.
    pub reverse: bool,
    /// All versions of the objects (Swift's object versioning).
    pub versions: bool,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// A container or an object.
    Item(T),
    /// What names have in common up to the delimiter, which is included.
    Subdir(String),
}

impl<T> Listed<T> {
    /// The container or object, if it is one.
    pub fn item(self) -> Option<T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Subdir(_) => None,
        }
    }
}

/// A container in the listing of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerEntry {
    /// Name.
    pub name: String,
    /// Number of objects.
    pub objects: u64,
    /// Size of all objects in bytes.
    pub bytes: u64,
    /// Last change of the container itself. Old servers do not tell.
    pub last_modified: Option<Timestamp>,
}

/// An object in the listing of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectEntry {
    /// Name.
    pub name: String,
    /// MD5 of the content as 32 hexadecimal digits; for a static large object, that of its manifest.
    pub etag: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Content type.
    pub content_type: String,
    /// When it was stored.
    pub last_modified: Option<Timestamp>,
    /// The `ETag` of a static large object, if it is one.
    pub slo_etag: Option<String>,
    /// Where a symlink points to, as `/v1/<account>/<container>/<object>`, if it is one.
    pub symlink_path: Option<String>,
    /// Which version it is, in a listing of versions.
    pub version_id: Option<String>,
    /// Whether it is the one that a plain GET gives, in a listing of versions.
    pub is_latest: Option<bool>,
}

/// A page: the headers that tell about the whole, and some entries.
#[derive(Clone, Debug)]
pub(crate) struct Page<T> {
    pub(crate) headers: HeaderMap,
    pub(crate) entries: Vec<Listed<T>>,
}

/// An entry as it stands in the JSON, of either kind. One flat struct is read at twice the speed of an untagged enum.
#[derive(Deserialize)]
pub(crate) struct RawEntry {
    subdir: Option<String>,
    name: Option<String>,
    bytes: Option<u64>,
    last_modified: Option<String>,
    count: Option<u64>,
    hash: Option<String>,
    content_type: Option<String>,
    slo_etag: Option<String>,
    symlink_path: Option<String>,
    version_id: Option<String>,
    is_latest: Option<bool>,
}

impl RawEntry {
    fn time(&self) -> Option<Timestamp> {
        self.last_modified.as_deref().and_then(listing_time)
    }
}

/// What paging needs to know of an entry.
pub(crate) trait Paged: Sized + Send + 'static {
    fn from_raw(raw: RawEntry) -> Option<Self>;
    fn name(&self) -> &str;
    fn version_id(&self) -> Option<&str>;
}

impl Paged for ContainerEntry {
    fn from_raw(raw: RawEntry) -> Option<Self> {
        let last_modified = raw.time();
        Some(Self {
            name: raw.name?,
            objects: raw.count?,
            bytes: raw.bytes?,
            last_modified,
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn version_id(&self) -> Option<&str> {
        None
    }
}

impl Paged for ObjectEntry {
    fn from_raw(raw: RawEntry) -> Option<Self> {
        let last_modified = raw.time();
        Some(Self {
            name: raw.name?,
            etag: raw.hash?,
            bytes: raw.bytes?,
            content_type: raw.content_type.unwrap_or_default(),
            last_modified,
            slo_etag: raw.slo_etag,
            symlink_path: raw.symlink_path,
            version_id: raw.version_id,
            is_latest: raw.is_latest,
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn version_id(&self) -> Option<&str> {
        self.version_id.as_deref()
    }
}

/// Where a listing stands.
struct Cursor {
    client: Client,
    container: Option<String>,
    options: ListOptions,
    version_marker: Option<String>,
    /// Whether the server takes our page size; else it is left out, and only an empty page is the last.
    sized: bool,
    done: bool,
}

/// All entries, page after page.
pub(crate) fn entries<T: Paged>(
    client: &Client,
    container: Option<&str>,
    options: ListOptions,
) -> BoxStream<'static, Result<Listed<T>, Error>> {
    let cursor = Cursor {
        client: client.clone(),
        container: container.map(str::to_owned),
        done: options.limit == Some(0),
        options,
        version_marker: None,
        sized: true,
    };
    stream::try_unfold(cursor, |mut cursor| async move {
        if cursor.done {
            return Ok(None);
        }
        let entries = cursor.next_page::<T>().await?;
        Ok::<_, Error>(Some((stream::iter(entries.into_iter().map(Ok)), cursor)))
    })
    .try_flatten()
    .boxed()
}

impl Cursor {
    async fn next_page<T: Paged>(&mut self) -> Result<Vec<Listed<T>>, Error> {
        let wanted = self.options.page_size.unwrap_or(PAGE).max(1);
        let wanted = self.options.limit.map_or(wanted, |limit| limit.min(wanted));
        let page: Page<T> = match self.fetch(self.sized.then_some(wanted)).await {
            // Some servers allow less than 10,000, and say so only like this.
            Err(Error::PreconditionFailed(_)) if self.sized && self.options.page_size.is_none() => {
                self.sized = false;
                self.fetch(None).await?
            }
            other => other?,
        };
        let mut entries = page.entries;
        let got = entries.len() as u64;
        if let Some(limit) = &mut self.options.limit {
            entries.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
            *limit = limit.saturating_sub(got);
        }
        let last = entries.last().map(|entry| match entry {
            Listed::Item(item) => (item.name(), item.version_id()),
            Listed::Subdir(subdir) => (subdir.as_str(), None),
        });
        let short = if self.sized { got < wanted } else { got == 0 };
        self.done = short || self.options.limit == Some(0);
        if let Some((name, version)) = last {
            // A server that gives the same page again and again would keep us here for ever.
            self.done |= self.options.marker.as_deref() == Some(name)
                && self.version_marker.as_deref() == version;
            self.options.marker = Some(name.to_owned());
            self.version_marker = version.map(str::to_owned);
        }
        Ok(entries)
    }

    async fn fetch<T: Paged>(&self, limit: Option<u64>) -> Result<Page<T>, Error> {
        let container = self.container.as_deref();
        page(
            &self.client,
            container,
            &self.options,
            self.version_marker.as_deref(),
            limit,
        )
        .await
    }
}

/// One page, as the server gives it.
pub(crate) async fn page<T: Paged>(
    client: &Client,
    container: Option<&str>,
    options: &ListOptions,
    version_marker: Option<&str>,
    limit: Option<u64>,
) -> Result<Page<T>, Error> {
    let limit = limit.map(|limit| limit.to_string());
    let texts = [
        ("prefix", options.prefix.as_deref()),
        ("delimiter", options.delimiter.as_deref()),
        ("marker", options.marker.as_deref()),
        ("version_marker", version_marker),
        ("end_marker", options.end_marker.as_deref()),
        ("limit", limit.as_deref()),
        ("reverse", options.reverse.then_some("true")),
        ("versions", options.versions.then_some("true")),
    ];
    let mut query = vec![("format", "json")];
    query.extend(
        texts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let request = Request {
        container,
        query,
        ..Request::account(Method::GET)
    };
    let mut response = client.transport().send(request).await?;
    let headers = std::mem::take(&mut response.headers);
    let operation = response.operation.clone();
    let body = response.bytes(MAX_PAGE_BYTES).await?;
    // A 204 is the empty listing of servers that know no other.
    let entries = if body.is_empty() {
        Vec::new()
    } else {
        parse(&operation, &body)?
    };
    Ok(Page { headers, entries })
}

fn parse<T: Paged>(operation: &Operation, body: &[u8]) -> Result<Vec<Listed<T>>, Error> {
    let raw: Vec<RawEntry> =
        serde_json::from_slice(body).map_err(|error| malformed(operation, &error))?;
    let entry = |mut raw: RawEntry| match raw.subdir.take() {
        Some(subdir) => Some(Listed::Subdir(subdir)),
        None => T::from_raw(raw).map(Listed::Item),
    };
    let entries: Option<Vec<_>> = raw.into_iter().map(entry).collect();
    entries.ok_or_else(|| malformed(operation, &"an entry has no name, size or hash"))
}

/// The error for JSON that is none, or another one.
pub(crate) fn malformed(operation: &Operation, reason: &dyn std::fmt::Display) -> Error {
    Error::Malformed {
        operation: Box::new(operation.clone()),
        reason: reason.to_string(),
    }
}

/// Swift writes `2026-11-24T00:31:07.123456`, which is UTC.
fn listing_time(text: &str) -> Option<Timestamp> {
    let utc = text.strip_suffix('Z').unwrap_or(text).parse().ok()?;
    jiff::tz::Offset::UTC.to_timestamp(utc).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation() -> Operation {
        Operation {
            method: Method::GET,
            account: "a".into(),
            container: None,
            object: None,
            service: crate::Service::ObjectStore,
            trans_id: None,
        }
    }

    #[test]
    fn reads_objects_and_subdirs() {
        let body = br#"[{"subdir":"a/"},
            {"name":"b","hash":"d41d8cd98f00b204e9800998ecf8427e","bytes":0,"content_type":"text/plain",
             "last_modified":"2026-11-24T00:31:07.123450"}]"#;
        let entries = parse::<ObjectEntry>(&operation(), body).unwrap();
        assert_eq!(entries[0], Listed::Subdir("a/".into()));
        let object = entries[1].clone().item().unwrap();
        assert_eq!(
            object.last_modified,
            Some("2026-11-24T00:31:07.12345Z".parse().unwrap())
        );
    }

    #[test]
    fn reads_containers_of_servers_that_tell_no_time() {
        let entries =
            parse::<ContainerEntry>(&operation(), br#"[{"name":"c","count":2,"bytes":3}]"#)
                .unwrap();
        let container = entries[0].clone().item().unwrap();
        assert_eq!(
            (container.objects, container.bytes, container.last_modified),
            (2, 3, None)
        );
    }

    #[test]
    fn refuses_a_page_that_is_no_listing() {
        for body in [&b"<html>"[..], b"{}", br#"[{"name":"a"}]"#, b"[1]"] {
            let error = parse::<ObjectEntry>(&operation(), body).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{error}");
        }
    }
}
