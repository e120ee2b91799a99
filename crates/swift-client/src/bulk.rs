//! Deleting many objects at once, and unpacking archives, as Swift's `bulk` middleware does both.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;

use crate::listing::malformed;
use crate::object::META;
use crate::path::escaped_path;
use crate::segments::{OldObject, naming};
use crate::{
    Body, Client, DeleteOptions, Error, ListOptions, Metadata, OldSegments, Progress, Request,
    Transfers, Versioning,
};

/// A report names at most `max_failed_*` failures.
const MAX_REPORT_BYTES: u64 = 16 << 20;

/// Names in one request, at most: few enough that a request ends within seconds, so that it can be repeated, and that
/// several are on their way for a few thousand names.
const PAGE: usize = 1000;

/// Names that are listed at a time, at most, so that the first are deleted while the next are listed.
const LISTED: u64 = 2000;

/// How often a container that fills up again while it is emptied is listed anew.
const EMPTY_ROUNDS: u32 = 10;

/// What is deleted, as container and object.
pub type ObjectName = (String, String);

/// What deleting many objects came to.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DeleteReport {
    /// How many are gone.
    pub deleted: u64,
    /// How many were not there. After a request that had to be repeated, those that its first attempt has deleted are
    /// counted here.
    pub missing: u64,
    /// What is still there, and why.
    pub failures: Vec<DeleteFailure>,
}

/// An object that could not be deleted.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeleteFailure {
    /// Container.
    pub container: String,
    /// Object.
    pub object: String,
    /// What the server said, such as `403 Forbidden`.
    pub reason: String,
}

impl DeleteReport {
    /// What deleting one object came to; an error if it concerns all others as well.
    fn of(container: &str, object: String, deleted: Result<(), Error>) -> Result<Self, Error> {
        let mut report = Self::default();
        match deleted {
            Ok(()) => report.deleted = 1,
            Err(error) if error.is_not_found() => report.missing = 1,
            Err(error @ (Error::Unauthorized(_) | Error::Identity(_))) => return Err(error),
            Err(error) => report.failures.push(DeleteFailure {
                container: container.to_owned(),
                object,
                reason: error.to_string(),
            }),
        }
        Ok(report)
    }

    fn add(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.missing += other.missing;
        self.failures.extend(other.failures);
    }
}

/// What unpacking an archive came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveReport {
    /// Number of objects created.
    pub created: u64,
    /// Names in the archive that became no object, and the status for each, such as `413 Request Entity Too Large`.
    pub failures: Vec<(String, String)>,
}

/// How an archive is unpacked.
#[derive(Clone, Debug, Default)]
pub struct ArchiveOptions {
    /// Metadata of every object that is created.
    pub metadata: Metadata,
    /// Where to tell of progress.
    pub progress: Progress,
}

/// The form of an archive to unpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// Not compressed.
    Tar,
    /// Compressed with gzip.
    TarGz,
    /// Compressed with bzip2.
    TarBz2,
}

impl ArchiveFormat {
    /// By the end of a file's name: `.tar`, `.tar.gz`, `.tgz`, `.tar.bz2`, `.tbz2`, whatever the case.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if ends(&[".tar.gz", ".tgz"]) {
            Some(Self::TarGz)
        } else if ends(&[".tar.bz2", ".tbz2", ".tbz"]) {
            Some(Self::TarBz2)
        } else {
            ends(&[".tar"]).then_some(Self::Tar)
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::TarBz2 => "tar.bz2",
        }
    }
}

/// The body of every answer of `bulk`, whose status is always 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawReport {
    #[serde(rename = "Number Deleted")]
    deleted: u64,
    #[serde(rename = "Number Not Found")]
    missing: u64,
    #[serde(rename = "Number Files Created")]
    created: u64,
    #[serde(rename = "Response Status")]
    status: String,
    #[serde(rename = "Response Body")]
    body: String,
    #[serde(rename = "Errors")]
    errors: Vec<(String, String)>,
}

impl RawReport {
    fn status_code(&self) -> u16 {
        let code = self.status.split(' ').next().unwrap_or_default();
        code.parse().unwrap_or_default()
    }
}

impl Client {
    /// Unpacks an archive on the server (`?extract-archive`). Below an account the first folder of each name is the
    /// container; below a container and a prefix, names are put after the prefix.
    ///
    /// Metadata and content types can stand in PAX headers of the archive (`SCHILY.xattr.user.meta.*`,
    /// `SCHILY.xattr.user.mime_type`).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ArchiveFormat, ArchiveOptions, ContainerOptions};
    ///
    /// let mut archive = tar::Builder::new(Vec::new());
    /// let mut header = tar::Header::new_gnu();
    /// header.set_size(5);
    /// archive.append_data(&mut header, "a/hello.txt", &b"hello"[..])?;
    ///
    /// client.put_container("site", &ContainerOptions::default()).await?;
    /// let body = archive.into_inner()?;
    /// let report = client
    ///     .upload_archive(Some("site"), None, ArchiveFormat::Tar, body, &ArchiveOptions::default())
    ///     .await?;
    /// assert_eq!((report.created, report.failures.len()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BulkFailed`] if nothing could be unpacked, or the archive is damaged; what came before the damage is
    /// there then.
    pub async fn upload_archive(
        &self,
        container: Option<&str>,
        prefix: Option<&str>,
        format: ArchiveFormat,
        body: impl Into<Body>,
        options: &ArchiveOptions,
    ) -> Result<ArchiveReport, Error> {
        let mut headers = json_report();
        options.metadata.write(META, &mut headers)?;
        let request = Request {
            method: Method::PUT,
            container,
            object: prefix,
            query: vec![("extract-archive", format.name())],
            headers,
            body: body.into(),
            progress: options.progress.clone(),
            ..Request::default()
        };
        let report = self.bulk(request).await?;
        let failed = report.status_code() >= 300;
        if failed && (report.created == 0 || report.errors.is_empty()) {
            return Err(Error::BulkFailed {
                status: report.status,
                message: report.body,
            });
        }
        Ok(ArchiveReport {
            created: report.created,
            failures: report.errors,
        })
    }

    async fn bulk(&self, request: Request<'_>) -> Result<RawReport, Error> {
        let response = self.transport().send(request).await?;
        let operation = response.operation.clone();
        let body = response.bytes(MAX_REPORT_BYTES).await?;
        // Blanks come before the report while the server works, so that nobody thinks it is dead.
        serde_json::from_slice(body.trim_ascii_start())
            .map_err(|error| malformed(&operation, &error))
    }

    /// One request of `?bulk-delete`.
    async fn bulk_delete_page(&self, names: &[ObjectName]) -> Result<RawReport, Error> {
        let mut lines = String::new();
        for (container, object) in names {
            lines.push_str(&escaped_path(container, object));
            lines.push('\n');
        }
        let mut headers = json_report();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let request = Request {
            query: vec![("bulk-delete", "")],
            headers,
            body: Bytes::from(lines).into(),
            ..Request::account(Method::POST)
        };
        self.bulk(request).await
    }
}

fn json_report() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))])
}

impl Transfers {
    /// Deletes objects of one container by name; see [`Transfers::delete_all`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, ObjectOptions, TransferSettings, Transfers};
    ///
    /// client.put_container("photos", &ContainerOptions::default()).await?;
    /// client.put_object("photos", "cat.txt", "a cat", &ObjectOptions::default()).await?;
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let report = transfers.delete_objects("photos", ["cat.txt", "dog.txt"]).await?;
    /// assert_eq!((report.deleted, report.missing), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_objects(
        &self,
        container: &str,
        names: impl IntoIterator<Item = impl Into<String>, IntoIter: Send> + Send,
    ) -> Result<DeleteReport, Error> {
        let names: Vec<_> = names
            .into_iter()
            .map(|name| Ok((container.to_owned(), name.into())))
            .collect();
        self.delete_all(stream::iter(names)).await
    }

    /// Deletes whatever the stream names, by container and object, and tells of each that could not be deleted.
    ///
    /// Names go out in pages, sized by what `/info` allows, several at a time; on a cloud without bulk delete, and for
    /// what fails in a page for a passing reason, one by one in parallel. Large objects lose their manifest only;
    /// [`Transfers::delete_object`] takes the segments along.
    ///
    /// # Errors
    /// The first error of the stream, and errors that concern no single object, such as [`Error::Unauthorized`].
    pub async fn delete_all(
        &self,
        names: impl Stream<Item = Result<ObjectName, Error>> + Send,
    ) -> Result<DeleteReport, Error> {
        let limits = self.limits().await?;
        let parallel = self.settings().concurrency.max(1);
        let names = names.boxed();
        let reports: BoxStream<'_, Result<DeleteReport, Error>> = match &limits.bulk_delete {
            Some(bulk) => {
                let page = bulk.max_deletes_per_request.min(bulk.max_failed_deletes);
                pages(names, page.clamp(1, PAGE))
                    .map_ok(|page| self.delete_page(page))
                    .try_buffer_unordered(parallel.min(8))
                    .boxed()
            }
            None => names
                .map_ok(|name| self.delete_one(name))
                .try_buffer_unordered(parallel)
                .boxed(),
        };
        reports
            .try_fold(DeleteReport::default(), |mut all, report| async move {
                all.add(report);
                Ok(all)
            })
            .await
    }

    async fn delete_page(&self, page: Vec<ObjectName>) -> Result<DeleteReport, Error> {
        let turn = self.turn().await;
        let report = match self.client().bulk_delete_page(&page).await {
            // Some clouds list the feature and do not give it to everybody.
            Err(Error::Forbidden(_) | Error::Refused(_) | Error::BadRequest(_)) => {
                drop(turn);
                return self.delete_singly(page).await;
            }
            other => other?,
        };
        drop(turn);
        if report.errors.is_empty() && report.status_code() < 300 {
            return Ok(DeleteReport {
                deleted: report.deleted,
                missing: report.missing,
                failures: Vec::new(),
            });
        }
        // Which of the names it concerns is told in several spellings, and not at all when the request stopped halfway.
        // Asking again for each name settles it: what is gone is gone.
        let failed = failed_names(&page, &report);
        let mut all = DeleteReport {
            deleted: report.deleted,
            missing: report.missing,
            failures: Vec::new(),
        };
        all.add(self.delete_singly(failed).await?);
        Ok(all)
    }

    async fn delete_singly(&self, names: Vec<ObjectName>) -> Result<DeleteReport, Error> {
        stream::iter(names.into_iter().map(Ok))
            .map_ok(|name| self.delete_one(name))
            .try_buffer_unordered(self.settings().concurrency.max(1))
            .try_fold(DeleteReport::default(), |mut all, report| async move {
                all.add(report);
                Ok(all)
            })
            .await
    }

    async fn delete_one(&self, (container, object): ObjectName) -> Result<DeleteReport, Error> {
        let _turn = self.turn().await;
        let deleted = self
            .client()
            .delete_object(&container, &object, &DeleteOptions::default())
            .await;
        DeleteReport::of(&container, object, deleted)
    }

    /// Deletes an object, and a large object's segments with it, unless another manifest needs them. Tells how many
    /// segments went.
    ///
    /// # Errors
    /// [`Error::NotFound`] and whatever else a request meets. Segments that could not be removed are no error: they are
    /// left to [`Transfers::audit_segments`].
    pub async fn delete_object(
        &self,
        container: &str,
        object: &str,
        segments: OldSegments,
    ) -> Result<usize, Error> {
        let old = match segments {
            OldSegments::Remove => OldObject::find(self, container, object).await?,
            OldSegments::Keep => None,
        };
        let turn = self.turn().await;
        self.client()
            .delete_object(container, object, &DeleteOptions::default())
            .await?;
        drop(turn);
        Ok(match old {
            Some(old) => old.remove(self, &[]).await,
            None => 0,
        })
    }

    /// Deletes a container with all objects in it, all their versions, and what is listed only later. With
    /// [`OldSegments::Remove`] large objects lose their segments as well, as by [`Transfers::delete_object`], and if that
    /// leaves nothing in the container that they were in by default, it goes, too.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, ObjectOptions, OldSegments, TransferSettings, Transfers};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "o", "content", &ObjectOptions::default()).await?;
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let report = transfers.delete_container_with_objects("c", OldSegments::Remove).await?;
    /// assert_eq!(report.deleted, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Conflict`] if the container does not get empty, because something in it cannot be deleted or others go
    /// on writing.
    pub async fn delete_container_with_objects(
        &self,
        container: &str,
        segments: OldSegments,
    ) -> Result<DeleteReport, Error> {
        let turn = self.turn().await;
        let info = self.client().head_container(container).await?;
        drop(turn);
        let versioned = matches!(info.versioning, Some(Versioning::Enabled(_)));
        let segment_container = naming::container_for(container);
        let takes_segments = segments == OldSegments::Remove
            && self.has_segment_container(&segment_container).await?;
        let mut all = DeleteReport::default();
        let mut removed = 0;
        let mut wait = Duration::from_millis(100);
        let mut round = 1;
        loop {
            let report = if versioned {
                self.delete_versions(container).await?
            } else {
                let (report, segments) = self.delete_listed(container, takes_segments).await?;
                removed += segments;
                report
            };
            let stuck = !report.failures.is_empty();
            all.add(report);
            let turn = self.turn().await;
            match self.client().delete_container(container).await {
                Ok(()) => break,
                // Deletes take a moment to reach the listing, and others may go on writing.
                Err(Error::Conflict(_)) if round < EMPTY_ROUNDS && !stuck => {}
                Err(error) => return Err(error),
            }
            drop(turn);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
            round += 1;
        }
        if removed > 0 {
            self.drop_segment_container(&segment_container).await;
        }
        Ok(all)
    }

    /// Deletes the objects that are listed, and tells how many segments went with them.
    async fn delete_listed(
        &self,
        container: &str,
        takes_segments: bool,
    ) -> Result<(DeleteReport, usize), Error> {
        let large = Mutex::new(Vec::new());
        let options = ListOptions {
            page_size: Some(LISTED),
            ..ListOptions::default()
        };
        let names = self
            .client()
            .list_objects(container, options)
            .try_filter_map(|entry| {
                let name = entry.item().and_then(|object| {
                    // What is empty may be the manifest of a dynamic large object.
                    let may_be_large = object.slo_etag.is_some() || object.bytes == 0;
                    if takes_segments && may_be_large {
                        large
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(object.name);
                        None
                    } else {
                        Some((container.to_owned(), object.name))
                    }
                });
                std::future::ready(Ok(name))
            });
        let mut report = self.delete_all(names).await?;
        let large = large.into_inner().unwrap_or_else(PoisonError::into_inner);
        let each = stream::iter(large.into_iter().map(Ok))
            .map_ok(|object| async move {
                let deleted = self
                    .delete_object(container, &object, OldSegments::Remove)
                    .await;
                let segments = *deleted.as_ref().unwrap_or(&0);
                let report = DeleteReport::of(container, object, deleted.map(drop));
                report.map(|report| (report, segments))
            })
            .try_buffer_unordered(self.settings().concurrency.max(1))
            .try_collect::<Vec<_>>()
            .await?;
        let mut removed = 0;
        for (one, segments) in each {
            report.add(one);
            removed += segments;
        }
        Ok((report, removed))
    }

    /// Deletes all versions of all objects of a container, so that nothing is left of them.
    async fn delete_versions(&self, container: &str) -> Result<DeleteReport, Error> {
        let options = ListOptions {
            versions: true,
            ..ListOptions::default()
        };
        self.client()
            .list_objects(container, options)
            .try_filter_map(|entry| std::future::ready(Ok(entry.item())))
            .map_ok(|entry| async move {
                let _turn = self.turn().await;
                let options = DeleteOptions {
                    version_id: entry.version_id,
                    ..DeleteOptions::default()
                };
                let client = self.client();
                let deleted = client.delete_object(container, &entry.name, &options).await;
                DeleteReport::of(container, entry.name, deleted)
            })
            .try_buffer_unordered(self.settings().concurrency.max(1))
            .try_fold(DeleteReport::default(), |mut all, report| async move {
                all.add(report);
                Ok(all)
            })
            .await
    }
}

/// Names in pages of `size`; only the last may be smaller. An error ends the stream.
fn pages(
    names: BoxStream<'_, Result<ObjectName, Error>>,
    size: usize,
) -> impl Stream<Item = Result<Vec<ObjectName>, Error>> {
    stream::try_unfold(names, move |mut names| async move {
        let mut page = Vec::new();
        while page.len() < size {
            match names.try_next().await? {
                Some(name) => page.push(name),
                None => break,
            }
        }
        Ok((!page.is_empty()).then_some((page, names)))
    })
}

/// Which names of a page are not settled by its report. Names are told escaped, with or without a first slash, with or
/// without the account before them.
fn failed_names(page: &[ObjectName], report: &RawReport) -> Vec<ObjectName> {
    let named = report.errors.len() as u64;
    if report.deleted + report.missing + named < page.len() as u64 {
        return page.to_vec();
    }
    let plain = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let told: Vec<String> = report.errors.iter().map(|(name, _)| plain(name)).collect();
    let is_told = |(container, object): &&ObjectName| {
        let path = format!("{container}/{object}");
        told.iter().any(|told| {
            told.strip_suffix(path.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    };
    let failed: Vec<_> = page.iter().filter(is_told).cloned().collect();
    if failed.is_empty() {
        page.to_vec()
    } else {
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(container: &str, object: &str) -> ObjectName {
        (container.to_owned(), object.to_owned())
    }

    #[test]
    fn finds_the_names_that_failed_in_any_spelling() {
        let page = [name("c", "a b"), name("c", "ü"), name("c", "x")];
        for spelling in ["c/a%20b", "/c/a%20b", "/v1/AUTH_test/c/a%20b"] {
            let report = RawReport {
                deleted: 2,
                errors: vec![(spelling.to_owned(), "403 Forbidden".to_owned())],
                ..RawReport::default()
            };
            assert_eq!(failed_names(&page, &report), [name("c", "a b")]);
        }
    }

    #[test]
    fn asks_again_for_all_when_a_request_stopped_halfway() {
        let page = [name("c", "a"), name("c", "b"), name("c", "d")];
        let report = RawReport {
            deleted: 1,
            errors: vec![("c/b".to_owned(), "500 Internal Error".to_owned())],
            ..RawReport::default()
        };
        assert_eq!(failed_names(&page, &report).len(), 3);
    }

    #[test]
    fn knows_archives_by_their_names() {
        assert_eq!(
            ArchiveFormat::from_name("a.TGZ"),
            Some(ArchiveFormat::TarGz)
        );
        assert_eq!(
            ArchiveFormat::from_name("a.tar.bz2"),
            Some(ArchiveFormat::TarBz2)
        );
        assert_eq!(ArchiveFormat::from_name("a.tar"), Some(ArchiveFormat::Tar));
        assert_eq!(ArchiveFormat::from_name("a.zip"), None);
    }
}
