//! The bytes of an object, read on after a connection has failed.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http::header::CONTENT_RANGE;
use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::metadata::text;
use crate::object::ContentRange;
use crate::progress::Event;
use crate::retry::{Attempts, Failure};
use crate::{ByteRange, Client, Error, GetOptions, Progress, Replay, Request, Response};

/// Where a download stands.
pub(super) struct Reader {
    pub(super) client: Client,
    pub(super) container: String,
    pub(super) object: String,
    pub(super) options: GetOptions,
    /// The next byte's place in the object.
    pub(super) position: u64,
    /// The last byte's place, if it is known.
    pub(super) last: Option<u64>,
    pub(super) attempts: Attempts,
    pub(super) started: Instant,
    pub(super) progress: Progress,
    pub(super) body: BoxStream<'static, Result<Bytes, Error>>,
}

impl Reader {
    pub(super) fn into_stream(self) -> BoxStream<'static, Result<Bytes, Error>> {
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
                    self.progress.tell(Event::Bytes(chunk.len() as u64));
                    return Ok(Some(chunk));
                }
                Ok(None) => return Ok(None),
                Err(error) => self.resume(error).await?,
            }
        }
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
        self.progress.tell(Event::Retry { wait });
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
