//! The only file with sockets: accepts connections, speaks HTTP/1, turns hyper's messages into ours and back.
//!
//! Also what Swift's `catch_errors` does: every answer has a transaction id, and every 401 says whose door it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::core::Core;
use crate::faults::{Strike, Verdict};
use crate::headers::{X_OPENSTACK_REQUEST_ID, X_TRANS_ID, X_TRANS_ID_EXTRA};
use crate::journal::{Exchange, Peer, Sent};
use crate::message::{Body, Grant, Request, Response, Upload};
use crate::path::Path;
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::{Reject, has_standard_body, name_realm, reason};
use crate::services;
use crate::timestamp::Timestamp;
use crate::trans_id::TransId;
use crate::wire::{Line, Wire};
use crate::written;

/// Headers beyond which a request is refused; Swift's own clients send well over a hundred.
const MAX_HEADERS: usize = 256;

/// Serves connections until `stop` turns true.
pub(crate) async fn serve(listener: TcpListener, core: Arc<Core>, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, remote)) => {
                tokio::spawn(connection(stream, remote, Arc::clone(&core)));
            }
            Err(error) => {
                // Out of file handles, mostly: others will be closed.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, remote: SocketAddr, core: Arc<Core>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn off Nagle's algorithm");
    }
    let _open = Open::new(&core);
    let line = Arc::new(Line::default());
    let wire = Wire::new(stream, Arc::clone(&line), core.client_timeout);
    let client = Arc::new(Client {
        remote,
        line,
        peer: Peer::default(),
    });
    let client_timeout = core.client_timeout;
    let service = service_fn(move |request| {
        let core = Arc::clone(&core);
        let client = Arc::clone(&client);
        // On the heap for as long as it is answered: hyper keeps room for it as long as the connection is open, and most
        // connections rest.
        Box::pin(async move { respond(request, &client, &core).await })
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .max_headers(MAX_HEADERS)
        // From the end of one answer to the end of the next head, as nothing tells hyper when that begins.
        .header_read_timeout(client_timeout)
        .serve_connection(TokioIo::new(wire), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, %remote, "a connection broke off");
    }
}

/// What there is of a connection while its requests are answered.
struct Client {
    remote: SocketAddr,
    line: Arc<Line>,
    peer: Peer,
}

/// Counts a connection as long as it is open.
struct Open(Arc<Core>);

impl Open {
    fn new(core: &Arc<Core>) -> Self {
        core.journal.accepted.fetch_add(1, Ordering::Relaxed);
        core.journal.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(core))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.journal.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// There is no answer: the connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("a fault resets the connection")]
struct Hangup;

async fn respond(
    request: http::Request<Incoming>,
    client: &Client,
    core: &Arc<Core>,
) -> Result<http::Response<Sent>, Hangup> {
    let started = Instant::now();
    let now = Timestamp::from(core.clock.now());
    let (mut head, body) = request.into_parts();
    if !is_read_as_it_is(&head.headers) {
        head.headers = as_read_by_swift(&head.headers);
    }
    let trans_id = TransId::new(now, head.headers.get(X_TRANS_ID_EXTRA));
    let is_head = head.method == Method::HEAD;
    let keep_alive = head
        .headers
        .get(CONNECTION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive"));
    let raw_path = head.uri.path();
    let mut exchange = None;
    let mut strike = None;
    let mut response = match Path::decode(raw_path) {
        _ if has_long_request_line(&head.method, &head.uri) => {
            Response::new(StatusCode::URI_TOO_LONG)
        }
        _ if has_long_line(&head.headers) => {
            Reject::html(StatusCode::BAD_REQUEST, "").into_response()
        }
        Some(path) => {
            let body = Body::Incoming(Upload::new(
                body,
                &head.headers,
                core.client_timeout,
                &client.line,
            ));
            let request = Request {
                method: head.method,
                path: path.into(),
                query: Query::new(head.uri.query().unwrap_or("")),
                headers: head.headers,
                body,
                grant: Grant::Anonymous,
                trans_id: trans_id.clone(),
                remote: Some(client.remote.ip()),
                received: now,
                allow_reserved_names: false,
                listing_lag: None,
            };
            if !services::control::owns(&request) {
                let begun = Exchange::begin(core, &request, &head.uri, started, &client.peer);
                exchange = Some(begun);
                strike = core.faults.strike(&request, core);
            }
            let mut response = match &strike {
                None => answer(request, core).await,
                // On the heap, so that requests without a fault have no place for it on their way.
                Some(strike) => {
                    if let Some(exchange) = &mut exchange {
                        exchange.struck_by(strike.id);
                    }
                    Box::pin(struck(strike, request, client, core)).await?
                }
            };
            name_realm(&mut response, || decoded(&head.uri));
            response
        }
        None => Reject::html(
            StatusCode::PRECONDITION_FAILED,
            "Invalid UTF8 or contains NULL",
        )
        .into_response(),
    };
    finish(&mut response, &trans_id, is_head);
    if keep_alive {
        // Said again to those who say it, as Swift's server does.
        response
            .headers
            .insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    }
    if let Some(strike) = strike {
        response.body = strike.after(response.body, &client.line);
    }
    if client.line.is_reset() {
        return Err(Hangup);
    }
    if response.status == StatusCode::NO_CONTENT {
        client.line.answers_no_content();
    }
    let body = match exchange {
        Some(exchange) => exchange.answered(response.status, response.body),
        None => Sent::unrecorded(response.body),
    };
    let mut sent = http::Response::new(body);
    *sent.status_mut() = response.status;
    let phrase = reason(response.status);
    if response.status.canonical_reason() != Some(phrase)
        && let Ok(phrase) = ReasonPhrase::try_from(phrase.as_bytes())
    {
        sent.extensions_mut().insert(phrase);
    }
    *sent.headers_mut() = response.headers;
    sent.headers_mut()
        .insert(http::header::DATE, written::date(now.seconds()));
    Ok(sent)
}

/// The answer to a request that a fault has struck.
async fn struck(
    strike: &Strike,
    request: Request,
    client: &Client,
    core: &Arc<Core>,
) -> Result<Response, Hangup> {
    match strike.before(request, &client.line).await {
        Verdict::Pass(request) => Ok(answer(*request, core).await),
        Verdict::Answer(response) => Ok(response),
        Verdict::Reset => Err(Hangup),
    }
}

/// The longest line of a request that Swift's server reads, in bytes (`MAX_REQUEST_LINE` and `MAX_HEADER_LINE` in
/// eventlet's `wsgi.py`).
const MAX_LINE: usize = 8192;

fn has_long_request_line(method: &Method, uri: &Uri) -> bool {
    const BLANKS_VERSION_AND_END: usize = "  HTTP/1.1\r\n".len();
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    method.as_str().len() + target + BLANKS_VERSION_AND_END > MAX_LINE
}

fn decoded(uri: &Uri) -> String {
    Path::decode(uri.path()).map_or_else(String::new, |path| path.as_str().to_owned())
}

/// Whether [`as_read_by_swift`] leaves them as they are, as nearly always.
fn is_read_as_it_is(headers: &HeaderMap) -> bool {
    headers.len() == headers.keys_len() && !headers.keys().any(|name| name.as_str().contains('_'))
}

/// A request's headers as Swift's server hands them on (`get_environ` in eventlet's `wsgi.py`): several of one name
/// become one, with commas between, and a name with an underscore, which could pass for another, is left out.
fn as_read_by_swift(headers: &HeaderMap) -> HeaderMap {
    let mut read = HeaderMap::with_capacity(headers.keys_len());
    for name in headers.keys().filter(|name| !name.as_str().contains('_')) {
        let mut values = headers.get_all(name).iter();
        let Some(first) = values.next() else {
            continue;
        };
        let mut joined = first.clone();
        for value in values {
            let both = [joined.as_bytes(), value.as_bytes()].join(&b',');
            // Two values without control characters make one without.
            joined = HeaderValue::from_maybe_shared(Bytes::from(both)).unwrap_or(joined);
        }
        read.insert(name, joined);
    }
    read
}

/// Whether a header's line is longer than Swift's server reads.
fn has_long_line(headers: &HeaderMap) -> bool {
    const COLON_AND_END: usize = ": \r\n".len();
    headers
        .iter()
        .any(|(name, value)| name.as_str().len() + value.len() + COLON_AND_END > MAX_LINE)
}

async fn answer(request: Request, core: &Arc<Core>) -> Response {
    // These are on the heap, so that requests for the storage have no place for them on their way.
    if services::control::owns(&request) {
        return Box::pin(services::control::handle(request, core)).await;
    }
    core.cdn.deliver_due_logs(core);
    if services::cdn::owns(&request) {
        return Box::pin(services::cdn::handle(request, core)).await;
    }
    let request = if services::identity::may_own(&request) {
        match Box::pin(services::identity::handle(request, core)).await {
            Ok(response) => return response,
            Err(request) => request,
        }
    } else {
        request
    };
    Next::all(core).run(request).await
}

fn finish(response: &mut Response, trans_id: &TransId, is_head: bool) {
    let id = trans_id.value();
    response.headers.insert(X_TRANS_ID, id.clone());
    response.headers.insert(X_OPENSTACK_REQUEST_ID, id);
    if !response.headers.contains_key(CONTENT_LENGTH)
        && let Some(length) = response.body.length()
    {
        response
            .headers
            .insert(CONTENT_LENGTH, written::number(length));
    }
    if is_head && has_standard_body(response) {
        response.headers.insert(CONTENT_LENGTH, 0.into());
    }
    if is_head
        || response.status == StatusCode::NO_CONTENT
        || response.status == StatusCode::NOT_MODIFIED
    {
        response.body = Body::Empty;
    }
}
