//! The one place that sends: token, retries, transaction ids, a status turned into an error.

mod request;
mod response;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::CONTENT_LENGTH;
use identity::{Access, Session};
use tokio::time::Instant;
use url::Url;

pub use request::{Request, Service};
pub use response::Response;

use crate::Error;
use crate::body::Watch;
use crate::error::Operation;
use crate::metadata::hide_secrets;
use crate::path;
use crate::progress::Event;
use crate::retry::{Attempts, Failure, RetryPolicy};
use crate::transfers::Pace;

/// Sends requests for a session. Get one from [`Client::transport`](crate::Client::transport).
#[derive(Clone, Debug)]
pub struct Transport {
    session: Session,
    retry: RetryPolicy,
    pace: Option<Arc<Pace>>,
}

impl Transport {
    pub(crate) fn new(session: Session, retry: RetryPolicy) -> Self {
        Self {
            session,
            retry,
            pace: None,
        }
    }

    /// The same transport, reporting each attempt to `pace`.
    pub(crate) fn paced(self, pace: Arc<Pace>) -> Self {
        Self {
            pace: Some(pace),
            ..self
        }
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
    /// token, and a 422 to data that was announced with its MD5 once with the same, as long as the data can be sent
    /// again.
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
        let mut damaged = false;
        loop {
            attempts.start();
            let (failure, error) = match self.access(&request, refused.as_ref()).await {
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
                            let failure =
                                Failure::Answered(response.status, response.retry_after(now));
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
                    // The server says that what came is not what was announced: once, that may be the network's doing.
                    if !damaged
                        && request.is_replayable_upload()
                        && matches!(error, Error::Unprocessable(_))
                    {
                        damaged = true;
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
            request.progress.tell(Event::Retry { wait });
            tokio::time::sleep(wait).await;
        }
    }

    /// The token and addresses to use; others than `refused`, if there was a 401. Data that can be sent only once gets a
    /// token that is known to be good, not one that an earlier process has left.
    async fn access(
        &self,
        request: &Request<'_>,
        refused: Option<&Arc<Access>>,
    ) -> Result<Arc<Access>, identity::Error> {
        match refused {
            Some(refused) => self.session.renew(refused).await,
            None if request.body.is_one_shot() => self.session.access_not_cached().await,
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
        let watch = Watch::new(*hash, &request.progress);
        let mut operation = operation(request, access);
        let prepared = attempt
            .prepare(&watch)
            .map_err(|error| (Failure::Local, error))?;
        let idle_timeout = self.session.idle_timeout();
        let deadline = self.retry.deadline.map(|deadline| started + deadline);
        let sent_at = Instant::now();
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
                operation.trans_id = response::trans_id(&headers);
                tracing::debug!(
                    %operation, status = status.as_u16(), trans_id = operation.trans_id, attempts, "answered"
                );
                if let Some(pace) = &self.pace {
                    pace.report(status, request.is_small().then(|| sent_at.elapsed()));
                }
                if !status.is_success() {
                    watch.undo();
                }
                let sent_md5 = watch.md5();
                Ok(Response {
                    status,
                    headers,
                    operation,
                    sent_md5,
                    attempts,
                    signed_in_by: self.session.credentials().method(),
                    token_is_final: access.token.is_some() && !self.session.can_renew(),
                    idle_timeout,
                    body,
                })
            }
            Ok(Err(source)) => {
                watch.undo();
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
                watch.undo();
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
#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use http_body::Body as _;

    use super::*;
    use crate::{Body, Progress};

    #[tokio::test(start_paused = true)]
    async fn waits_for_an_upload_as_long_as_it_moves() {
        let watch = Watch::new(false, &Progress::default());
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
