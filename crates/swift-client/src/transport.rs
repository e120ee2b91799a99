//! The one place that sends: token, retries, transaction ids, a status turned into an error.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use identity::{Access, Session};
use tokio::time::Instant;
use url::Url;

use crate::Error;
use crate::body::{Body, Watch};
use crate::error::{Exchange, Operation, message};
use crate::metadata::{hide_secrets, text};
use crate::path;
use crate::retry::{Attempts, Failure, Replay, RetryPolicy};

/// So much of an error's body is read for its message.
const ERROR_BODY_BYTES: usize = 16 << 10;

/// Up to so much is read to keep a connection.
const DISCARDED_BODY_BYTES: u64 = 64 << 10;

/// Which of the account's addresses a request goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Service {
    /// Object storage.
    #[default]
    ObjectStore,
    /// The CDN management service.
    Cdn,
    /// `/info` at the host of object storage, which is about no account.
    Info,
}

/// A request to a service of the account, for what [`Client`](crate::Client) has no call for.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// HTTP method.
    pub method: Method,
    /// Where to.
    pub service: Service,
    /// Container, not escaped.
    pub container: Option<&'a str>,
    /// Object, not escaped; needs a container.
    pub object: Option<&'a str>,
    /// Query, not escaped; with an empty value only the name is sent.
    pub query: Vec<(&'a str, &'a str)>,
    /// Headers. The token is added.
    pub headers: HeaderMap,
    /// Data.
    pub body: Body,
    /// Whether it may be sent again.
    pub replay: Replay,
}

impl<'a> Request<'a> {
    /// A request to the account in object storage.
    pub fn account(method: Method) -> Self {
        Self {
            method,
            ..Self::default()
        }
    }

    /// A request to a container in object storage.
    pub fn container(method: Method, container: &'a str) -> Self {
        Self {
            container: Some(container),
            ..Self::account(method)
        }
    }

    /// A request to an object.
    pub fn object(method: Method, container: &'a str, object: &'a str) -> Self {
        Self {
            object: Some(object),
            ..Self::container(method, container)
        }
    }
}

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
    attempts: u32,
    idle_timeout: Duration,
    body: reqwest::Response,
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
}

/// Sends requests for a session. Get one from [`Client::transport`](crate::Client::transport).
#[derive(Clone, Debug)]
pub struct Transport {
    session: Session,
    retry: RetryPolicy,
}

impl Transport {
    pub(crate) fn new(session: Session, retry: RetryPolicy) -> Self {
        Self { session, retry }
    }

    /// Who sends.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How hard it tries.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry
    }

    /// Sends a request until it succeeds or trying again makes no sense. A 401 is answered once with another
    /// token, as long as the data can be sent again.
    ///
    /// # Errors
    /// Any [`Error`]; each status that is no success (200 to 299) is one.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, Error> {
        self.send_hashed(request, false).await
    }

    /// As [`Transport::send`]; with `hash`, the answer tells the MD5 of what was sent.
    pub(crate) async fn send_hashed(
        &self,
        request: Request<'_>,
        hash: bool,
    ) -> Result<Response, Error> {
        let started = Instant::now();
        let mut attempts = Attempts::new(self.retry);
        let mut refused: Option<Arc<Access>> = None;
        let mut may_have_worked = false;
        loop {
            attempts.start();
            let (failure, error) = match self.access(refused.as_ref()).await {
                Ok(access) => {
                    let attempt = Attempt {
                        request: &request,
                        access: &access,
                        number: attempts.made(),
                        hash,
                    };
                    let (failure, error) = match self.attempt(&attempt, started).await {
                        Ok(response) if response.status.is_success() => return Ok(response),
                        Ok(response) if may_have_worked && response.says_deleted(&request) => {
                            return Ok(response);
                        }
                        Ok(response) => {
                            let now = self.session.clock().now();
                            let failure = Failure::Answered(
                                response.status,
                                retry_after(&response.headers, now),
                            );
                            (failure, response.into_error().await)
                        }
                        Err(failed) => failed,
                    };
                    let again =
                        refused.is_none() && self.session.can_renew() && request.body.is_whole();
                    if again && matches!(error, Error::Unauthorized(_)) {
                        refused = Some(access);
                        continue;
                    }
                    (failure, error)
                }
                Err(error) if error.is_transient() => (Failure::NotSent, error.into()),
                Err(error) => return Err(error.into()),
            };
            may_have_worked |= failure.may_have_worked();
            let wait = attempts.wait_after(failure, request.replay, started.elapsed());
            let Some(wait) = wait.filter(|_| request.body.is_whole()) else {
                return Err(error);
            };
            tracing::debug!(%error, ?wait, "trying again");
            tokio::time::sleep(wait).await;
        }
    }

    /// The token and addresses to use; others than `refused`, if there was a 401.
    async fn access(&self, refused: Option<&Arc<Access>>) -> Result<Arc<Access>, identity::Error> {
        match refused {
            Some(refused) => self.session.renew(refused).await,
            None => self.session.access().await,
        }
    }

    /// Sends once; gives any answer, whatever its status.
    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        started: Instant,
    ) -> Result<Response, (Failure, Error)> {
        let Attempt {
            request,
            access,
            number,
            hash,
        } = attempt;
        let watch = Watch::new(*hash);
        let mut operation = operation(request, access);
        let prepared = attempt
            .prepare(&watch)
            .map_err(|error| (Failure::Local, error))?;
        let idle_timeout = self.session.idle_timeout();
        let deadline = self.retry.deadline.map(|deadline| started + deadline);
        let sent = while_alive(
            self.session.http().execute(prepared),
            &watch,
            idle_timeout,
            deadline,
        );
        let attempts = *number;
        match sent.await {
            Ok(Ok(mut body)) => {
                let mut headers = std::mem::take(body.headers_mut());
                hide_secrets(&mut headers);
                let status = body.status();
                operation.trans_id = trans_id(&headers);
                tracing::debug!(
                    %operation, status = status.as_u16(), trans_id = operation.trans_id, attempts, "answered"
                );
                let sent_md5 = watch.md5();
                Ok(Response {
                    status,
                    headers,
                    operation,
                    sent_md5,
                    attempts,
                    idle_timeout,
                    body,
                })
            }
            Ok(Err(source)) => {
                let operation = Box::new(operation);
                if let Some(source) = watch.take_failure() {
                    return Err((Failure::Local, Error::Source { operation, source }));
                }
                let failure = if source.is_connect() {
                    Failure::NotSent
                } else {
                    Failure::Unanswered
                };
                Err((
                    failure,
                    Error::Connection {
                        operation,
                        attempts,
                        source: source.without_url(),
                    },
                ))
            }
            Err(waited) => {
                let operation = Box::new(operation);
                Err((
                    Failure::Unanswered,
                    Error::TimedOut {
                        operation,
                        attempts,
                        waited,
                    },
                ))
            }
        }
    }
}

/// One attempt at a request.
struct Attempt<'a> {
    request: &'a Request<'a>,
    access: &'a Access,
    number: u32,
    hash: bool,
}

impl Attempt<'_> {
    fn prepare(&self, watch: &Arc<Watch>) -> Result<reqwest::Request, Error> {
        let Self {
            request, access, ..
        } = self;
        let below =
            |account: &Url| path::url(account, request.container, request.object, &request.query);
        let url = match request.service {
            Service::ObjectStore => below(&access.storage_url)?,
            Service::Cdn => below(access.cdn_url()?)?,
            Service::Info => {
                let mut url = access.storage_url.clone();
                url.set_path("/info");
                url
            }
        };
        let mut prepared = reqwest::Request::new(request.method.clone(), url);
        *prepared.headers_mut() = request.headers.clone();
        if let Some(token) = &access.token {
            let token = token.header_value();
            let token = token.ok_or_else(|| Error::InvalidHeader {
                name: "X-Auth-Token".to_owned(),
            })?;
            prepared.headers_mut().insert("x-auth-token", token);
        }
        // A length of nothing has to be said, too: Swift answers 411 to a PUT that says none.
        let may_have_body = matches!(request.method, Method::PUT | Method::POST);
        if let Some(length) = request
            .body
            .length()
            .filter(|length| may_have_body || *length > 0)
        {
            prepared.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *prepared.body_mut() = request.body.open(watch);
        Ok(prepared)
    }
}

impl Response {
    /// Whether this tells that what `request` was to delete is not there.
    fn says_deleted(&self, request: &Request<'_>) -> bool {
        self.status == StatusCode::NOT_FOUND && request.method == Method::DELETE
    }

    async fn into_error(self) -> Error {
        let operation = self.operation.clone();
        let (status, attempts) = (self.status, self.attempts);
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
        })
    }
}

/// Waits for `answer` as long as `watch` sees data move, or until `deadline`; else tells how long nothing moved.
async fn while_alive<T>(
    answer: impl Future<Output = T>,
    watch: &Watch,
    idle_timeout: Duration,
    deadline: Option<Instant>,
) -> Result<T, Duration> {
    let mut answer = std::pin::pin!(answer);
    let mut seen = 0;
    loop {
        let since = Instant::now();
        let idle_until = since + idle_timeout;
        let until = deadline.map_or(idle_until, |deadline| deadline.min(idle_until));
        if let Ok(answer) = tokio::time::timeout_at(until, &mut answer).await {
            return Ok(answer);
        }
        let sent = watch.sent_bytes();
        if sent == seen || deadline == Some(until) {
            return Err(since.elapsed());
        }
        seen = sent;
    }
}

fn operation(request: &Request<'_>, access: &Access) -> Operation {
    let account = access
        .storage_url
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next();
    Operation {
        method: request.method.clone(),
        account: account.unwrap_or_default().to_owned(),
        container: request.container.map(str::to_owned),
        object: request.object.map(str::to_owned),
        service: request.service,
        trans_id: None,
    }
}

fn trans_id(headers: &HeaderMap) -> Option<String> {
    text(headers, "x-trans-id").or_else(|| text(headers, "x-openstack-request-id"))
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(&value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use http_body::Body as _;

    use super::*;

    #[test]
    fn reads_retry_after_in_seconds_and_as_a_date() {
        let now: jiff::Timestamp = "2026-11-24T00:31:00Z".parse().unwrap();
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

    #[tokio::test(start_paused = true)]
    async fn waits_for_an_upload_as_long_as_it_moves() {
        let watch = Watch::new(false);
        let second = Duration::from_secs(1);
        let body = Body::from(vec![0; 1 << 20]);
        let upload = async {
            let mut data = body.open(&watch).unwrap();
            for _ in 0..4 {
                tokio::time::sleep(9 * second).await;
                let frame = std::future::poll_fn(|cx| Pin::new(&mut data).poll_frame(cx)).await;
                assert!(frame.is_some());
            }
        };
        assert_eq!(while_alive(upload, &watch, 10 * second, None).await, Ok(()));
        let silence = std::future::pending::<()>();
        assert_eq!(
            while_alive(silence, &watch, 10 * second, None).await,
            Err(10 * second)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn stops_waiting_at_the_deadline() {
        let second = Duration::from_secs(1);
        let deadline = Some(Instant::now() + 3 * second);
        let silence = std::future::pending::<()>();
        let waited = while_alive(silence, &Watch::default(), 10 * second, deadline).await;
        assert_eq!(waited, Err(3 * second));
    }
}
