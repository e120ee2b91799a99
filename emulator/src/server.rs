//! The only file with sockets: accepts connections, speaks HTTP/1, turns hyper's messages into ours and back.
//!
//! Also what Swift's `catch_errors` does: every answer has a transaction id, and every 401 says whose door it is.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::{self, Either, Ready};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1;
use hyper::service::Service as HyperService;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::core::Core;
use crate::faults::{Strike, Verdict};
use crate::glance::{Glance, MAX_LINE};
use crate::head::{HeaderLines, Headers};
use crate::headers::{X_OPENSTACK_REQUEST_ID, X_TRANS_ID};
use crate::journal::{Exchange, Peer, Sent, Service};
use crate::message::{Body, Grant, Request, Response};
use crate::path::Path;
use crate::pipeline::{Begun, Next};
use crate::query::Query;
use crate::reject::{Reject, has_standard_body, name_realm, reason};
use crate::services;
use crate::shortcut;
use crate::timestamp::Timestamp;
use crate::trans_id::TransId;
use crate::wire::{Answering, Line, Wire};
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
    let line = Arc::new(Line::new());
    let mut wire = Wire::new(stream, Arc::clone(&line), core.client_timeout);
    let client = Client {
        remote,
        line,
        peer: Arc::new(Peer::new(core)),
    };
    let mut http = http1::Builder::new();
    http.title_case_headers(true);
    // Hyper does not know the emulator's time.
    http.auto_date_header(false);
    loop {
        let mut served = http.serve_connection(TokioIo::new(wire), &client);
        let ended = poll_fn(|context| served.poll_without_shutdown(context)).await;
        let left = served.into_parts();
        wire = left.io.into_inner();
        if wire.needs_room() {
            wire = wire.with_room(&left.read_buf);
            http.max_headers(MAX_HEADERS);
            continue;
        }
        if let Err(error) = ended {
            tracing::debug!(%error, %remote, "a connection broke off");
        } else if let Err(error) = wire.shutdown().await {
            tracing::debug!(%error, %remote, "a connection cannot be closed");
        }
        return;
    }
}

/// What there is of a connection while its requests are answered.
struct Client {
    remote: SocketAddr,
    line: Arc<Line>,
    peer: Arc<Peer>,
}

/// A response on its way to hyper.
struct Responding<'a> {
    line: &'a Line,
    response: Answered<'a>,
}

/// At once or later.
///
/// Hyper keeps room for one of these as long as a connection is open, and most connections rest: so what takes its time is on
/// the heap.
type Answered<'a> = Either<
    Ready<Result<Outgoing, Hangup>>,
    Pin<Box<dyn Future<Output = Result<Outgoing, Hangup>> + Send + 'a>>,
>;

/// A response for hyper, and the headers that it is not told of.
type Outgoing = (http::Response<Sent>, HeaderLines);

impl Future for Responding<'_> {
    type Output = Result<http::Response<Sent>, Hangup>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (response, lines) = ready!(Pin::new(&mut self.response).poll(context))?;
        self.line.takes(lines);
        Poll::Ready(Ok(response))
    }
}

impl<'a> HyperService<http::Request<Incoming>> for &'a Client {
    type Response = http::Response<Sent>;
    type Error = Hangup;
    type Future = Responding<'a>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        Responding {
            line: &self.line,
            response: respond(request, self),
        }
    }
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

/// What is known of a request while it is answered.
struct Asked<'a> {
    client: &'a Client,
    uri: Uri,
    trans_id: TransId,
    received: Timestamp,
    is_head: bool,
    keep_alive: bool,
    /// `None` for what nobody writes down.
    exchange: Option<Exchange>,
    strike: Option<Strike>,
    answering: Answering,
}

fn respond(request: http::Request<Incoming>, client: &Client) -> Answered<'_> {
    let core = client.peer.core();
    let started = Instant::now();
    let received = Timestamp::from(core.clock.now());
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    let mut glance = Glance::at(&headers);
    if !glance.is_handed_on {
        headers = as_read_by_swift(&headers);
        glance = Glance::at(&headers);
    }
    let extra = if glance.names_transaction {
        headers.get("x-trans-id-extra")
    } else {
        None
    };
    let mut asked = Asked {
        client,
        trans_id: TransId::new(received, extra),
        received,
        is_head: head.method == Method::HEAD,
        keep_alive: glance.keep_alive,
        exchange: None,
        strike: None,
        answering: client.line.answers(),
        uri: head.uri,
    };
    if has_long_request_line(&head.method, &asked.uri) {
        return now(asked.end(Response::new(StatusCode::URI_TOO_LONG)));
    }
    if glance.has_long_line {
        let refusal = Reject::html(StatusCode::BAD_REQUEST, "");
        return now(asked.end(refusal.into_response()));
    }
    let Some(path) = Path::decode(asked.uri.path()) else {
        let text = "Invalid UTF8 or contains NULL";
        let refusal = Reject::html(StatusCode::PRECONDITION_FAILED, text);
        return now(asked.end(refusal.into_response()));
    };
    let body = Body::of_client(body, &headers, core.client_timeout, &client.line);
    let mut request = Request {
        method: head.method,
        path: path.into(),
        query: Query::new(asked.uri.query().unwrap_or("")),
        headers,
        body,
        grant: Grant::Anonymous,
        trans_id: asked.trans_id.clone(),
        remote: Some(client.remote.ip()),
        received,
        allow_reserved_names: false,
        listing_lag: None,
    };
    if services::control::owns(&request) {
        let answer = services::control::handle(request, core);
        return Either::Right(Box::pin(async move { asked.end(answer.await) }));
    }
    let service = Service::of(&request, glance);
    let kind = (service, glance);
    let begun = Exchange::begin(&client.peer, &request, kind, &asked.uri, started);
    asked.exchange = Some(begun);
    core.cdn.deliver_due_logs(core);
    if let Some(strike) = core.faults.strike(&request, core) {
        return Either::Right(Box::pin(struck(request, service, strike, asked)));
    }
    if service == Service::Storage
        && let Some(response) = shortcut::read(&mut request, glance, core)
    {
        return now(asked.end(response));
    }
    match answer(request, service, core) {
        Answer::Now(response) => now(asked.end(response)),
        Answer::Later(response) => {
            Either::Right(Box::pin(async move { asked.end(response.await) }))
        }
    }
}

fn now<'a>(response: Result<Outgoing, Hangup>) -> Answered<'a> {
    Either::Left(future::ready(response))
}

/// The answer to a request that a fault has struck.
async fn struck(
    request: Request,
    service: Service,
    strike: Strike,
    mut asked: Asked<'_>,
) -> Result<Outgoing, Hangup> {
    let Asked { client, .. } = asked;
    if let Some(exchange) = &mut asked.exchange {
        exchange.struck_by(strike.id);
    }
    let response = match strike.before(request, &client.line).await {
        Verdict::Pass(request) => {
            let answer = answer(*request, service, client.peer.core());
            answer.response().await
        }
        Verdict::Answer(response) => response,
        Verdict::Reset => return Err(Hangup),
    };
    asked.strike = Some(strike);
    asked.end(response)
}

impl Asked<'_> {
    /// The response as it goes out.
    fn end(self, mut response: Response) -> Result<Outgoing, Hangup> {
        let line = &self.client.line;
        name_realm(&mut response, || decoded(&self.uri));
        let may_be_cut = self.strike.is_some();
        finish(&mut response, self.is_head, may_be_cut);
        if self.keep_alive {
            // Said again to those who say it, as Swift's server does.
            response
                .headers
                .insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        }
        if let Some(strike) = self.strike {
            response.body = strike.after(response.body, line);
        }
        if line.is_reset() {
            return Err(Hangup);
        }
        let body = match self.exchange {
            Some(exchange) => exchange.answered(response.status, response.body, self.answering),
            None => Sent::unrecorded(response.body, self.answering),
        };
        let mut sent = http::Response::new(body);
        *sent.status_mut() = response.status;
        let phrase = reason(response.status);
        if response.status.canonical_reason() != Some(phrase)
            && let Ok(phrase) = ReasonPhrase::try_from(phrase.as_bytes())
        {
            sent.extensions_mut().insert(phrase);
        }
        let mut lines = response.lines;
        lines.take(&mut response.headers, response.status);
        lines.put(X_TRANS_ID, |page| self.trans_id.put(page));
        lines.put(X_OPENSTACK_REQUEST_ID, |page| self.trans_id.put(page));
        lines.put(DATE, |page| written::date(page, self.received.seconds()));
        *sent.headers_mut() = response.headers;
        Ok((sent, lines))
    }
}

fn has_long_request_line(method: &Method, uri: &Uri) -> bool {
    const BLANKS_VERSION_AND_END: usize = "  HTTP/1.1\r\n".len();
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    method.as_str().len() + target + BLANKS_VERSION_AND_END > MAX_LINE
}

fn decoded(uri: &Uri) -> String {
    Path::decode(uri.path()).map_or_else(String::new, |path| path.as_str().to_owned())
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

/// The response to a request, or how to get it.
enum Answer<'a> {
    Now(Response),
    Later(Pin<Box<dyn Future<Output = Response> + Send + 'a>>),
}

impl Answer<'_> {
    async fn response(self) -> Response {
        match self {
            Self::Now(response) => response,
            Self::Later(response) => response.await,
        }
    }
}

fn answer(request: Request, service: Service, core: &Arc<Core>) -> Answer<'_> {
    if service == Service::Edge || services::cdn::manages(&request) {
        return Answer::Later(Box::pin(services::cdn::handle(request, core)));
    }
    if services::identity::may_own(&request) {
        return Answer::Later(Box::pin(async move {
            match services::identity::handle(request, core).await {
                Ok(response) => response,
                Err(request) => Next::all(core).run(request).await,
            }
        }));
    }
    match Next::all(core).begin(request) {
        Begun::Done(response) => Answer::Now(response),
        Begun::Later(reply) => Answer::Later(Box::pin(reply.response())),
    }
}

/// Says the length of a body that is left out, or that a fault may cut; of others hyper says it.
fn finish(response: &mut Response, is_head: bool, may_be_cut: bool) {
    let is_left_out = is_head
        || response.status == StatusCode::NO_CONTENT
        || response.status == StatusCode::NOT_MODIFIED;
    if (is_left_out || may_be_cut)
        && !response.headers.contains_key(CONTENT_LENGTH)
        && let Some(length) = response.body.length()
    {
        response
            .headers
            .insert(CONTENT_LENGTH, written::number(length));
    }
    if is_head && has_standard_body(response) {
        response.headers.insert(CONTENT_LENGTH, 0.into());
    }
    if is_left_out {
        response.body = Body::Empty;
    }
}
