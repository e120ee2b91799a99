//! What travels through the pipeline: requests, responses, bodies, and who is asking.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AsHeaderName, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST,
    ORIGIN, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use sync_wrapper::SyncWrapper;
use tokio::time::timeout;

use crate::head::HeaderLines;
use crate::listing::Listing;
use crate::path::Path;
use crate::patience::Patience;
use crate::place::Place;
use crate::query::Query;
use crate::timestamp::Timestamp;
use crate::trans_id::TransId;
use crate::wire::Line;

/// A request on its way through the pipeline.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: Place,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) grant: Grant,
    /// The transaction that this request, and every request made on its behalf, is part of.
    pub(crate) trans_id: TransId,
    /// The client's address.
    pub(crate) remote: Option<IpAddr>,
    /// When the request came, by the emulator's clock; writes take their timestamps of their own.
    pub(crate) received: Timestamp,
    /// Set by features for requests of their own: names with NUL in them are reserved for Swift itself.
    pub(crate) allow_reserved_names: bool,
    /// Set by a fault: listings of containers show how things were so long ago.
    pub(crate) listing_lag: Option<Duration>,
}

impl Request {
    /// A request on behalf of this one: same transaction and client, no query, no body, and of the headers only those
    /// that say where the client comes from (`make_env` in `swift/common/wsgi.py`): access lists go by `Referer`.
    pub(crate) fn sub(&self, method: Method, path: Path) -> Self {
        let origin = [
            HOST,
            ORIGIN,
            REFERER,
            USER_AGENT,
            ACCESS_CONTROL_REQUEST_METHOD,
        ]
        .into_iter()
        .filter_map(|name| {
            let value = self.headers.get(&name)?.clone();
            Some((name, value))
        });
        Self {
            method,
            path: path.into(),
            query: Query::default(),
            headers: origin.collect(),
            body: Body::Empty,
            grant: self.grant.clone(),
            trans_id: self.trans_id.clone(),
            remote: self.remote,
            received: self.received,
            allow_reserved_names: self.allow_reserved_names,
            listing_lag: self.listing_lag,
        }
    }

    /// The same, which nobody will ask for rights: for what Swift does in its own name.
    pub(crate) fn pre_authorized(&self, method: Method, path: Path) -> Self {
        Self {
            grant: Grant::PreAuthorized,
            ..self.sub(method, path)
        }
    }

    /// A header's value, where it is there and is UTF-8.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        header_text(&self.headers, name)
    }

    /// Whether a header is there and means yes.
    pub(crate) fn header_is_true(&self, name: impl AsHeaderName) -> bool {
        self.header(name).is_some_and(crate::query::truthy)
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// A header's value, where it is there and is UTF-8.
pub(crate) fn header_text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

/// A header value out of text that has no control characters in it; empty where it does.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static(""))
}

/// A response on its way back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// More headers, none of which is in `headers`, for an answer that no feature will look at.
    pub(crate) lines: HeaderLines,
    pub(crate) body: Body,
    /// The entries of an account or container, which `listing_formats` writes out in the form that was asked for.
    pub(crate) listing: Option<Box<Listing>>,
}

impl Response {
    pub(crate) fn new(status: StatusCode) -> Self {
        Self::of(status, crate::headers::spare())
    }

    /// A response with these headers and no body.
    pub(crate) fn of(status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            status,
            headers,
            lines: HeaderLines::default(),
            body: Body::Empty,
            listing: None,
        }
    }

    /// A response with a body in memory.
    pub(crate) fn with(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        let mut response = Self::new(status);
        response
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response.set_body(body.into());
        response
    }

    /// A JSON response.
    pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Self {
        Self::with(status, "application/json; charset=UTF-8", value.to_string())
    }

    /// Replaces the body, and its length.
    pub(crate) fn set_body(&mut self, body: Bytes) {
        self.headers
            .insert(CONTENT_LENGTH, crate::written::number(body.len() as u64));
        self.body = Body::Bytes(body);
    }

    pub(crate) fn set(&mut self, name: HeaderName, value: &str) {
        self.headers.insert(name, header_value(value));
    }

    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        header_text(&self.headers, name)
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }
}

/// Who asks. *Whether* they may is decided innermost, in `resources/acl.rs`, so that requests made on behalf of another
/// are checked as well.
#[derive(Clone, Debug)]
pub(crate) enum Grant {
    /// Nobody: no token, no temporary URL.
    Anonymous,
    /// A user with a valid token.
    User(Arc<User>),
    /// The bearer of a valid temporary URL or form: the whole account, or one container of it.
    Signed {
        account: Arc<str>,
        container: Option<Arc<str>>,
    },
    /// A feature, in the server's own name.
    PreAuthorized,
}

impl Grant {
    /// Whether this is somebody with a name, whose refusal is 403 and not 401.
    pub(crate) fn is_named(&self) -> bool {
        !matches!(self, Self::Anonymous)
    }

    /// Whether this user may set what only resellers may, quotas of accounts for one.
    pub(crate) fn is_reseller_admin(&self) -> bool {
        match self {
            Self::User(user) => user.is_reseller_admin(),
            Self::PreAuthorized => true,
            Self::Anonymous | Self::Signed { .. } => false,
        }
    }
}

/// Somebody with a valid token. By which rules they are judged follows from the token they show.
#[derive(Clone, Debug)]
pub(crate) enum User {
    /// By the groups they are in, as with TempAuth: the first is the account and the second the full name.
    Groups(ByGroups),
    /// By the roles they have in the project that the token is for, as with Keystone.
    Roles(Box<ByRoles>),
}

/// A user as TempAuth and Rackspace know them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByGroups {
    pub(crate) groups: Vec<String>,
    /// Whether GET and HEAD are all they may do, whatever the groups allow.
    pub(crate) reads_only: bool,
}

/// A user as Keystone knows them. Ids and names are those of the token.
#[derive(Clone, Debug)]
pub(crate) struct ByRoles {
    pub(crate) user_id: Arc<str>,
    pub(crate) user_name: Arc<str>,
    /// `None` where the token is of an identity service without domains (v2.0).
    pub(crate) user_domain: Option<Arc<str>>,
    /// `None` where the token is for no project.
    pub(crate) project: Option<RolesProject>,
    /// In lower case.
    pub(crate) roles: Vec<String>,
    /// Whether a service asks together with the user: the token of one came along.
    pub(crate) served: bool,
    pub(crate) can: Powers,
}

/// The project that a token is for.
#[derive(Clone, Debug)]
pub(crate) struct RolesProject {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    /// `None` as above.
    pub(crate) domain: Option<Arc<str>>,
    /// The storage account.
    pub(crate) account: Arc<str>,
}

/// What a user's roles amount to, by the emulator's configuration.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
pub(crate) struct Powers {
    /// `reseller_admin_role`: everything everywhere.
    pub(crate) administer: bool,
    /// `system_reader_roles`: GET and HEAD everywhere.
    pub(crate) read_all: bool,
    /// `operator_roles`: everything in the project's account.
    pub(crate) operate: bool,
    /// `project_reader_roles`: GET and HEAD in the project's account.
    pub(crate) read: bool,
    /// `SERVICE_service_roles`: to open a service's account together with its owner.
    pub(crate) serve: bool,
}

impl User {
    pub(crate) fn is_reseller_admin(&self) -> bool {
        match self {
            Self::Groups(user) => user.is_in(".reseller_admin"),
            Self::Roles(user) => user.can.administer,
        }
    }

    /// The user as Keystone knows them.
    pub(crate) fn roles(&self) -> Option<&ByRoles> {
        match self {
            Self::Groups(_) => None,
            Self::Roles(user) => Some(user),
        }
    }

    /// Whether they may do everything in an account, or where they only read, see everything.
    pub(crate) fn manages(&self, account: &str, reading: bool) -> bool {
        self.is_reseller_admin()
            || match self {
                Self::Groups(user) => user.is_in(account) && (reading || !user.reads_only),
                Self::Roles(user) => {
                    let is_theirs = user
                        .project
                        .as_ref()
                        .is_some_and(|of| *of.account == *account);
                    is_theirs && (user.can.operate || reading && user.can.read)
                }
            }
    }

    /// This user together with a service that asks on the user's behalf.
    pub(crate) fn with_service(&self, service: &Self) -> Self {
        match self {
            Self::Groups(user) => {
                let names = match service {
                    Self::Groups(service) => &service.groups,
                    Self::Roles(service) => &service.roles,
                };
                Self::Groups(ByGroups {
                    groups: [&user.groups[..], &names[..]].concat(),
                    ..*user
                })
            }
            Self::Roles(user) => {
                let mut both = user.clone();
                both.served = match service {
                    Self::Groups(service) => service.is_in("service"),
                    Self::Roles(service) => service.can.serve,
                };
                Self::Roles(both)
            }
        }
    }
}

impl ByGroups {
    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|found| found == group)
    }
}

/// Bytes in or out: nothing, in memory, or still to come.
#[derive(Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    Bytes(Bytes),
    /// Several blocks in memory, shared with whoever else holds them.
    Chunks(VecDeque<Bytes>),
    /// The body of a client's request.
    Incoming(Box<Upload>),
    /// Whatever else makes bytes, with how many are still to come where that is known.
    ///
    /// The wrapper makes a body that is only `Send` shareable, so that a request can be lent across an `.await`.
    Stream {
        stream: SyncWrapper<Pin<Box<dyn http_body::Body<Data = Bytes, Error = BodyError> + Send>>>,
        length: Option<u64>,
    },
}

/// The body of a client's request.
///
/// What nobody has read of it is read when this is dropped, and thrown away, as Swift's server does: many clients look at
/// the answer only once they have sent everything, and would find the connection shut instead.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Option<Incoming>,
    /// Nothing will come that nobody asks for: the client waits to be told to go on (`Expect: 100-continue`), or has
    /// stopped sending.
    waits: bool,
    patience: Patience,
    /// How many bytes have been read, for the journal.
    read: Arc<AtomicU64>,
    /// The connection, until it knows that all has come.
    line: Option<Arc<Line>>,
}

impl Upload {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        match Pin::new(&mut *incoming).poll_frame(context) {
            Poll::Ready(frame) => {
                self.patience.rest();
                if incoming.is_end_stream() {
                    all_has_come(&mut self.line);
                }
                if let Some(Ok(frame)) = &frame
                    && let Some(data) = frame.data_ref()
                {
                    self.read.fetch_add(data.len() as u64, Ordering::Relaxed);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Client)))
            }
            Poll::Pending if self.patience.is_over(context) => {
                // There is no use in waiting for the rest either.
                self.waits = true;
                Poll::Ready(Some(Err(BodyError::Stalled)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut line = self.line.take();
        let Some(mut incoming) = self.incoming.take() else {
            return;
        };
        if self.waits || incoming.is_end_stream() {
            all_has_come(&mut line);
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let limit = self.patience.limit();
            runtime.spawn(async move {
                while let Ok(Some(Ok(_))) = timeout(limit, incoming.frame()).await {
                    if incoming.is_end_stream() {
                        break;
                    }
                }
                all_has_come(&mut line);
            });
        }
    }
}

/// Tells a connection, once, that what comes next begins a request.
fn all_has_come(line: &mut Option<Arc<Line>>) {
    if let Some(line) = line.take() {
        line.body_is_coming(false);
    }
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client went away, or what it sent was no body.
    #[error("the client's body broke off")]
    Client(#[source] hyper::Error),
    /// A request made on behalf of this one failed halfway.
    #[error("{0}")]
    Server(String),
    /// Nothing came for longer than anybody waits.
    #[error("the body stopped coming")]
    Stalled,
    /// A fault cut it.
    #[error("the body was cut by a fault")]
    Cut,
    /// Longer than the reader takes.
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
}

impl Body {
    /// What comes with a request on this connection, if anything does, of which nothing may fail to come for longer than
    /// `timeout`.
    pub(crate) fn of_client(
        incoming: Incoming,
        headers: &HeaderMap,
        timeout: Duration,
        line: &Arc<Line>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self::Empty;
        }
        line.body_is_coming(true);
        Self::Incoming(Box::new(Upload {
            incoming: Some(incoming),
            waits: headers.contains_key(EXPECT),
            patience: Patience::new(timeout),
            read: Arc::default(),
            line: Some(Arc::clone(line)),
        }))
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            match self.frame().await? {
                Ok(frame) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Some(Ok(data));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// All of it, if it is no longer than `limit` bytes.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        let mut whole = BytesMut::new();
        let mut first = None;
        while let Some(bytes) = self.next().await {
            let bytes = bytes?;
            let held = whole.len() + first.as_ref().map_or(0, Bytes::len);
            if held + bytes.len() > limit {
                return Err(BodyError::TooLong(limit));
            }
            if held == 0 {
                first = Some(bytes);
            } else {
                whole.extend(first.take());
                whole.extend_from_slice(&bytes);
            }
        }
        Ok(first.unwrap_or_else(|| whole.freeze()))
    }

    /// Counts the bytes that are read of a client's body, if it has any.
    pub(crate) fn counter(&self) -> Option<Arc<AtomicU64>> {
        match self {
            Self::Incoming(upload) => Some(Arc::clone(&upload.read)),
            _ => None,
        }
    }

    /// Its length in bytes, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        http_body::Body::size_hint(self).exact()
    }

    /// A body made by a stream of a known or unknown length.
    pub(crate) fn stream(
        body: impl http_body::Body<Data = Bytes, Error = BodyError> + Send + 'static,
    ) -> Self {
        Self::Stream {
            length: body.size_hint().exact(),
            stream: SyncWrapper::new(Box::pin(body)),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(_) => {
                let Self::Bytes(bytes) = std::mem::take(&mut *self) else {
                    return Poll::Ready(None);
                };
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Chunks(chunks) => {
                Poll::Ready(chunks.pop_front().map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Incoming(upload) => upload.poll_frame(context),
            Self::Stream { stream, length } => {
                let polled = stream.get_mut().as_mut().poll_frame(context);
                if let (Poll::Ready(Some(Ok(frame))), Some(length)) = (&polled, length)
                    && let Some(data) = frame.data_ref()
                {
                    *length = length.saturating_sub(data.len() as u64);
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Chunks(chunks) => chunks.is_empty(),
            Self::Incoming(upload) => upload.incoming.as_ref().is_none_or(Incoming::is_end_stream),
            Self::Stream { length, .. } => *length == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Chunks(chunks) => {
                SizeHint::with_exact(chunks.iter().map(|chunk| chunk.len() as u64).sum())
            }
            Self::Incoming(upload) => upload
                .incoming
                .as_ref()
                .map_or_else(SizeHint::default, Incoming::size_hint),
            Self::Stream { length, .. } => {
                length.map_or_else(SizeHint::default, SizeHint::with_exact)
            }
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.length() {
            Some(length) => write!(formatter, "Body({length} bytes)"),
            None => write!(formatter, "Body(unknown length)"),
        }
    }
}
