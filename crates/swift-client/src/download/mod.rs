//! Reading an object's content: to memory, to a stream, to a file.

mod check;
mod expected;
mod parts;
mod reader;
mod resume;
mod to_file;
mod writer;

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::header::CONTENT_RANGE;
use http::{Method, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

pub(crate) use check::{Check, Mismatch};
pub(crate) use expected::Expectation;
use reader::Reader;
pub use to_file::{DownloadOptions, Downloaded};

use crate::error::Operation;
use crate::file::{self, FileOptions, WriteError};
use crate::metadata::text;
use crate::object::ContentRange;
use crate::retry::Attempts;
use crate::transfers::Permit;
use crate::{Client, Error, GetOptions, ObjectInfo, Progress, Request};

/// Memory that is set aside for a download before any of it has come.
const MAX_RESERVED_BYTES: u64 = 64 << 20;

/// How often a large object is asked for anew when it changes between its content and its manifest.
const MAX_CHANGES: usize = 3;

/// An object that is being read: what is known of it, and a stream of its content.
///
/// If the connection fails on the way, the rest is asked for again, as often as the
/// [`RetryPolicy`](crate::RetryPolicy) allows and only as long as the object is the same one.
///
/// What arrives is checked: a plain object that is read whole, by its MD5; a large object, by the MD5 of each segment
/// that is read whole, as its manifest (whose own hash must be the object's `ETag`) or the listing of its segments tells.
/// The stream ends with [`Error::Checksum`] if something does not fit. Who may read a large object but not its manifest
/// gets it unchecked.
pub struct Download {
    /// What the headers tell.
    pub info: ObjectInfo,
    /// How many bytes will be read: the object's size, or that of the range.
    pub length: Option<u64>,
    operation: Operation,
    check: Check,
    expectation: Arc<Expectation>,
    content: BoxStream<'static, Result<Bytes, Error>>,
    /// Its part of a budget, if it has one.
    budget: Option<(OwnedSemaphorePermit, Permit)>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("operation", &self.operation)
            .field("info", &self.info)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Download {
    /// Asks for an object, and for what its content must be.
    pub(crate) async fn start(
        client: &Client,
        container: &str,
        object: &str,
        options: &GetOptions,
        progress: &Progress,
    ) -> Result<Self, Error> {
        for _ in 0..MAX_CHANGES {
            let mut download = Self::open(client, container, object, options, progress).await?;
            let expectation =
                Expectation::of(client, container, object, options, &download.info).await?;
            if let Some(expectation) = expectation {
                download.expect(Arc::new(expectation));
                return Ok(download);
            }
        }
        Err(Error::Unusable {
            container: container.to_owned(),
            object: object.to_owned(),
            reason: "it changes faster than it can be read".to_owned(),
        })
    }

    /// Asks for a part of an object of which the content is known.
    pub(crate) async fn start_part(
        client: &Client,
        container: &str,
        object: &str,
        options: &GetOptions,
        progress: &Progress,
        expectation: &Arc<Expectation>,
    ) -> Result<Self, Error> {
        let mut download = Self::open(client, container, object, options, progress).await?;
        download.expect(expectation.clone());
        Ok(download)
    }

    fn expect(&mut self, expectation: Arc<Expectation>) {
        self.check = match self.range() {
            Some(range) => expectation.check(range.first, range.last),
            None => expectation.check(0, u64::MAX - 1),
        };
        self.expectation = expectation;
    }

    fn range(&self) -> Option<ContentRange> {
        let range = text(&self.info.headers, CONTENT_RANGE.as_str());
        range.as_deref().and_then(ContentRange::parse)
    }

    async fn open(
        client: &Client,
        container: &str,
        object: &str,
        options: &GetOptions,
        progress: &Progress,
    ) -> Result<Self, Error> {
        let request = Request {
            headers: options.headers()?,
            query: options.query(),
            progress: progress.clone(),
            ..Request::object(Method::GET, container, object)
        };
        let mut response = client.transport().send(request).await?;
        let length = crate::metadata::number(&response.headers, "content-length");
        let range = text(&response.headers, CONTENT_RANGE.as_str());
        let range = range.as_deref().and_then(ContentRange::parse);
        let whole = response.status == StatusCode::OK;
        let info = ObjectInfo::read(std::mem::take(&mut response.headers));
        let operation = response.operation.clone();
        let reader = Reader {
            client: client.clone(),
            container: container.to_owned(),
            object: object.to_owned(),
            // Only an answer of known extent can be continued.
            last: match range {
                Some(range) => Some(range.last),
                None => length
                    .and_then(|length| length.checked_sub(1))
                    .filter(|_| whole),
            },
            options: GetOptions {
                if_match: info.etag.clone(),
                ..options.clone()
            },
            position: range.map_or(0, |range| range.first),
            attempts: Attempts::new(client.transport().retry_policy()),
            started: Instant::now(),
            progress: progress.clone(),
            body: response.into_stream(),
        };
        Ok(Self {
            info,
            length,
            operation,
            check: Check::default(),
            expectation: Arc::default(),
            content: reader.into_stream(),
            budget: None,
        })
    }

    /// The whole content, if it has at most `limit_bytes`.
    ///
    /// # Errors
    /// [`Error::OverLimit`], [`Error::Checksum`], and those of a connection.
    pub async fn bytes(mut self, limit_bytes: u64) -> Result<Bytes, Error> {
        let over = |length: u64| length > limit_bytes;
        let operation = self.operation.clone();
        let refuse = || Error::OverLimit {
            operation: Box::new(operation.clone()),
            limit_bytes,
        };
        if self.length.is_some_and(over) {
            return Err(refuse());
        }
        // The server's word is not worth more than this much memory in advance.
        let expected = self.length.unwrap_or_default().min(MAX_RESERVED_BYTES);
        let mut all = BytesMut::with_capacity(usize::try_from(expected).unwrap_or_default());
        while let Some(chunk) = self.try_next().await? {
            if over((all.len() + chunk.len()) as u64) {
                return Err(refuse());
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// Writes the content to a file and tells its size in bytes.
    ///
    /// The content first goes to a temporary file in the same folder, which takes the place of `path` only when all of
    /// it is there and right. If that fails, or the call is dropped, `path` is as it was.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, FileOptions, GetOptions, ObjectOptions};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "o", "content", &ObjectOptions::default()).await?;
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("o");
    /// let download = client.get_object("c", "o", &GetOptions::default()).await?;
    /// // On the disk itself before it goes on.
    /// let options = FileOptions { durable: true, ..FileOptions::default() };
    /// download.write_file(&path, options).await?;
    /// assert_eq!(std::fs::read(&path)?, b"content");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Checksum`], and those of a connection.
    pub async fn write_file(
        self,
        path: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<u64, Error> {
        let Self {
            content,
            check,
            operation,
            budget,
            ..
        } = self;
        let path = path.as_ref();
        let written = file::write(content, check, path, options).await;
        drop(budget);
        written.map_err(|error| write_error(error, path, &operation))
    }
}

/// What a failed write is to a caller.
fn write_error(error: WriteError, path: &Path, operation: &Operation) -> Error {
    match error {
        WriteError::Content(error) => error,
        WriteError::Mismatch(mismatch) => checksum(mismatch, operation),
        WriteError::File(source) => Error::File {
            path: path.to_owned(),
            source,
        },
    }
}

fn checksum(mismatch: Mismatch, operation: &Operation) -> Error {
    let operation = Box::new(operation.clone());
    let Mismatch {
        expected,
        found,
        segment,
    } = mismatch;
    match segment {
        None => Error::Checksum {
            operation,
            expected,
            found,
        },
        Some(segment) => Error::SegmentChecksum {
            operation,
            segment,
            expected,
            found,
        },
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.content.poll_next_unpin(context);
        let checked = match &polled {
            Poll::Ready(Some(Ok(chunk))) => self.check.update(chunk),
            Poll::Ready(None) => self.check.finish(),
            _ => Ok(()),
        };
        match checked {
            Ok(()) => polled,
            Err(mismatch) => {
                // Nothing after this is worth reading.
                self.check = Check::default();
                self.content = futures_util::stream::empty().boxed();
                Poll::Ready(Some(Err(checksum(mismatch, &self.operation))))
            }
        }
    }
}
