//! What was answered.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;

use super::Request;
use crate::Error;
use crate::error::{Exchange, Operation, message};
use crate::metadata::text;

/// So much of an error's body is read for its message.
const ERROR_BODY_BYTES: usize = 16 << 10;

/// Up to so much is read to keep a connection.
const DISCARDED_BODY_BYTES: u64 = 64 << 10;
/// A successful answer.
pub struct Response {
    /// Status, 200 to 299; or 404 to a DELETE of which an earlier attempt, whose answer was lost, has done the work.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// What was asked, for messages.
    pub(crate) operation: Operation,
    /// The MD5 of the data sent, if that was asked for.
    pub(crate) sent_md5: Option<String>,
    pub(super) attempts: u32,
    /// How we had signed in, and whether no other token can be had.
    pub(super) signed_in_by: &'static str,
    pub(super) token_is_final: bool,
    pub(super) idle_timeout: Duration,
    pub(super) body: reqwest::Response,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("operation", &self.operation)
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl Response {
    /// The server's name for this exchange.
    pub fn trans_id(&self) -> Option<&str> {
        self.operation.trans_id.as_deref()
    }

    /// The whole body, of at most `limit_bytes`.
    ///
    /// # Errors
    /// [`Error::OverLimit`], [`Error::Connection`], [`Error::TimedOut`].
    pub async fn bytes(self, limit_bytes: u64) -> Result<Bytes, Error> {
        let operation = self.operation.clone();
        let over = |length: u64| length > limit_bytes;
        let refuse = || Error::OverLimit {
            operation: Box::new(operation.clone()),
            limit_bytes,
        };
        if self.body.content_length().is_some_and(over) {
            return Err(refuse());
        }
        let mut stream = self.into_stream();
        let Some(first) = stream.try_next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = stream.try_next().await? else {
            return if over(first.len() as u64) {
                Err(refuse())
            } else {
                Ok(first)
            };
        };
        let mut all = BytesMut::from(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if over((all.len() + chunk.len()) as u64) {
                return Err(refuse());
            }
            all.extend_from_slice(&chunk);
            next = stream.try_next().await?;
        }
        Ok(all.freeze())
    }

    /// Reads what body there is and gives the headers: a connection is free for the next request only when its answer
    /// has been read to the end.
    pub async fn discard(mut self) -> HeaderMap {
        let headers = std::mem::take(&mut self.headers);
        // The status has said all that matters, so a body that is long or breaks off changes nothing.
        let _ = self.bytes(DISCARDED_BODY_BYTES).await;
        headers
    }

    /// The body as it arrives. It fails if the connection breaks before the announced length is there, or is silent
    /// for too long.
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes, Error>> {
        let Self {
            operation,
            attempts,
            idle_timeout,
            body,
            ..
        } = self;
        let operation = Box::new(operation);
        let state = Some((body.bytes_stream().boxed(), operation));
        futures_util::stream::try_unfold(state, move |state| async move {
            let Some((mut body, operation)) = state else {
                return Ok(None);
            };
            match tokio::time::timeout(idle_timeout, body.next()).await {
                Ok(Some(Ok(chunk))) => Ok(Some((chunk, Some((body, operation))))),
                Ok(Some(Err(source))) => Err(Error::Connection {
                    operation,
                    attempts,
                    source: source.without_url(),
                }),
                Ok(None) => Ok(None),
                Err(_) => Err(Error::TimedOut {
                    operation,
                    attempts,
                    waited: idle_timeout,
                }),
            }
        })
        .boxed()
    }

    /// Whether this tells that what `request` was to delete is not there.
    pub(super) fn says_deleted(&self, request: &Request<'_>) -> bool {
        self.status == StatusCode::NOT_FOUND && request.method == Method::DELETE
    }

    /// What `Retry-After` asks for, in seconds or as a date.
    pub(super) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(&self.headers, now)
    }

    /// The error that this answer is.
    pub(super) async fn into_error(self) -> Error {
        let operation = self.operation.clone();
        let (status, attempts) = (self.status, self.attempts);
        let (signed_in_by, token_is_final) = (self.signed_in_by, self.token_is_final);
        let mut start = Vec::new();
        let mut body = self.into_stream();
        // A body that breaks off says less, and changes nothing about the status.
        while let Ok(Some(chunk)) = body.try_next().await {
            let room = ERROR_BODY_BYTES - start.len();
            start.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if start.len() == ERROR_BODY_BYTES {
                break;
            }
        }
        let message = message(&start);
        Error::from_exchange(Exchange {
            operation,
            status,
            message,
            attempts,
            signed_in_by,
            token_is_final,
        })
    }
}

/// The server's name for an exchange.
pub(super) fn trans_id(headers: &HeaderMap) -> Option<String> {
    text(headers, "x-trans-id").or_else(|| text(headers, "x-openstack-request-id"))
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(&value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_retry_after_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-24T00:31:00Z".parse().unwrap();
        let wait = |value: &str| {
            retry_after(
                &[(RETRY_AFTER, value.parse().unwrap())]
                    .into_iter()
                    .collect(),
                now,
            )
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("Tue, 24 Nov 2026 00:31:07 GMT"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(wait("Tue, 24 Nov 2026 00:30:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
