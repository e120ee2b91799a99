//! Reading an object's content: to memory, to a stream, to a file.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::header::CONTENT_RANGE;
use http::{Method, StatusCode};
use md5::{Digest, Md5};
use tokio::time::Instant;

use crate::body::hex_md5;
use crate::error::Operation;
use crate::file::{self, FileOptions};
use crate::metadata::text;
use crate::object::ContentRange;
use crate::retry::{Attempts, Failure};

use crate::{ByteRange, Client, Error, GetOptions, ObjectInfo, Replay, Request, Response};

/// Memory that is set aside for a download before any of it has come.
const MAX_RESERVED_BYTES: u64 = 64 << 20;

/// An object that is being read: what is known of it, and a stream of its content.
///
/// If the connection fails on the way, the rest is asked for again, as often as the
/// [`RetryPolicy`](crate::RetryPolicy) allows and only as long as the object is the same one. Where the `ETag` is the
/// content's MD5 and the whole object is read, the stream ends with [`Error::Checksum`] if the content has another.
pub struct Download {
    /// What the headers tell.
    pub info: ObjectInfo,
    /// How many bytes will be read: the object's size, or that of the range.
    pub length: Option<u64>,
    operation: Operation,
    content: BoxStream<'static, Result<Bytes, Error>>,
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
    pub(crate) async fn start(
        client: &Client,
        container: &str,
        object: &str,
        options: &GetOptions,
    ) -> Result<Self, Error> {
        let request = Request {
            headers: options.headers()?,
            query: options.query(),
            ..Request::object(Method::GET, container, object)
        };
        let mut response = client.transport().send(request).await?;
        let length = crate::metadata::number(&response.headers, "content-length");
        let range = text(&response.headers, CONTENT_RANGE.as_str());
        let range = range.as_deref().and_then(ContentRange::parse);
        let whole = response.status == StatusCode::OK;
        let info = ObjectInfo::read(std::mem::take(&mut response.headers));
        let operation = response.operation.clone();
        let check = info
            .content_md5()
            .filter(|_| whole && !options.manifest)
            .map(str::to_owned);
        let position = range.map_or(0, |range| range.first);
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
            position,
            attempts: Attempts::new(client.transport().retry_policy()),
            started: Instant::now(),
            check: check.map(|expected| (Md5::new(), expected)),
            operation: operation.clone(),
            body: response.into_stream(),
        };
        Ok(Self {
            info,
            length,
            operation,
            content: reader.into_stream(),
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
        while let Some(chunk) = self.content.try_next().await? {
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
    /// # Errors
    /// [`Error::File`], [`Error::Checksum`], and those of a connection.
    pub async fn write_file(
        self,
        path: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<u64, Error> {
        file::write(self.content, path.as_ref(), options).await
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.content.poll_next_unpin(context)
    }
}

/// Where a download stands.
struct Reader {
    client: Client,
    container: String,
    object: String,
    options: GetOptions,
    /// The next byte's place in the object.
    position: u64,
    /// The last byte's place, if it is known.
    last: Option<u64>,
    attempts: Attempts,
    started: Instant,
    /// The MD5 so far, and what it must become.
    check: Option<(Md5, String)>,
    operation: Operation,
    body: BoxStream<'static, Result<Bytes, Error>>,
}

impl Reader {
    fn into_stream(self) -> BoxStream<'static, Result<Bytes, Error>> {
        futures_util::stream::try_unfold(self, |mut reader| async move {
            Ok(reader.next().await?.map(|chunk| (chunk, reader)))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.body.try_next().await {
                Ok(Some(chunk)) => {
                    self.position += chunk.len() as u64;
                    if let Some((md5, _)) = &mut self.check {
                        md5.update(&chunk);
                    }
                    return Ok(Some(chunk));
                }
                Ok(None) => return self.finish().map(|()| None),
                Err(error) => self.resume(error).await?,
            }
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        let Some((md5, expected)) = self.check.take() else {
            return Ok(());
        };
        let found = hex_md5(md5);
        if found.eq_ignore_ascii_case(&expected) {
            return Ok(());
        }
        Err(Error::Checksum {
            operation: Box::new(self.operation.clone()),
            expected,
            found,
        })
    }

    /// Asks for the rest after `error`, or gives `error` back.
    async fn resume(&mut self, error: Error) -> Result<(), Error> {
        let (Some(last), Some(_)) = (self.last, &self.options.if_match) else {
            return Err(error);
        };
        self.attempts.start();
        let elapsed = self.started.elapsed();
        let wait = self
            .attempts
            .wait_after(Failure::Unanswered, Replay::Always, elapsed);
        let Some(wait) = wait else { return Err(error) };
        tracing::debug!(%error, position = self.position, ?wait, "reading on");
        tokio::time::sleep(wait).await;
        if self.position > last {
            // All of it was there before the connection failed.
            self.body = futures_util::stream::empty().boxed();
            return Ok(());
        }
        self.options.range = Some(ByteRange::Between(self.position, last));
        let request = Request {
            headers: self.options.headers()?,
            query: self.options.query(),
            ..Request::object(Method::GET, &self.container, &self.object)
        };
        let response = self.client.transport().send(request).await?;
        if !continues(&response, self.position, last) {
            return Err(error);
        }
        self.body = response.into_stream();
        Ok(())
    }
}

fn continues(response: &Response, first: u64, last: u64) -> bool {
    let range = text(&response.headers, CONTENT_RANGE.as_str());
    let range = range.as_deref().and_then(ContentRange::parse);
    response.status == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|range| (range.first, range.last) == (first, last))
}
