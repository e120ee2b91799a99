//! The edge: what the public fetches.
//!
//! | case | answer |
//! |---|---|
//! | a copy whose TTL has not run out | that copy, whatever has become of object and container since |
//! | the container is published, and the object is there | 200, 206, 304 or 412 with the container's TTL |
//! | a range that the object does not have | 416, to be kept for 30 s |
//! | the container is not published or unknown, or the object is not there | 404, kept for 30 s |
//! | an object over 10 GiB | 400, to be kept for 30 s |
//! | an address of another shape, a hash that is none | 404, 400, to be kept for a day |
//! | another method than GET, HEAD and OPTIONS | 405, to be kept for a day |
//!
//! Every answer to a read says so with `Cache-Control: max-age=SECONDS, public` and `Expires`. The seconds are those of
//! the TTL, counted from the fetch, and `Age` says how many are over. `X-Cache` is `HIT` or `MISS`.
//!
//! The origin is read in the server's own name, so the access lists of containers do not matter here. Queries mean
//! nothing. HEAD fetches a copy as GET does. A copy shares the bytes that storage has in memory, up to 128 MiB; bytes that
//! must be copied, those of large objects and of bodies in files, are kept up to 64 MiB. What is longer is read from the
//! origin each time, so for it a change is seen at once. The headers of an object come through, the CORS rules of its container do not.
//!
//! A container that says in storage that it is a site (`X-Container-Meta-Web-Index`, `-Error`, `-Listings`,
//! `-Listings-CSS`, `-Directory-Type`: see `features/staticweb`) is one here, whoever may read it in storage: pages and
//! listings are kept like objects, error pages for 30 s, and 301 leads to an address within the edge. The root of any
//! other container is 404.
//!
//! Source: `CdnHandler` in `sos/origin.py`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, ETAG, EXPIRES, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, ORIGIN, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::address::{self, BadLabel};
use super::cache::{EdgeCopy, Key, MAX_SHARED};
use super::logs::Visit;
use crate::core::Core;
use crate::headers::X_WEB_MODE;
use crate::message::{Body, Request, Response, header_text, header_value};
use crate::path::{Path, quote};
use crate::pipeline::Next;
use crate::reject::Reject;
use crate::resources::object;
use crate::store::{Stored, compact};
use crate::timestamp::{Timestamp, http_date};

const METHODS: &str = "GET, HEAD, OPTIONS";

/// Ours: whether an answer is from a copy, `HIT`, or from the origin, `MISS`.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// How long a refusal may be kept that could soon be none, and one that will be none for long.
const SHORT: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_hours(24);

/// The longest object that is kept at the edge where its bytes are not shared with storage, in bytes.
const MAX_COPY: u64 = 64 << 20;
/// The longest object that the CDN serves at all, in bytes (`max_cdn_file_size`).
const MAX_OBJECT: u64 = 10 << 30;

/// Headers of the client that matter to an object that is read from the origin each time.
const PASSED_ON: [HeaderName; 5] = [IF_MODIFIED_SINCE, IF_MATCH, IF_NONE_MATCH, RANGE, IF_RANGE];

/// What a request at the edge is for.
#[derive(Debug)]
pub(super) struct Target {
    /// Names the container: see [`address::parse`].
    pub(super) label: String,
    /// What the path begins with in front of `/NAME`: empty where the label is in the host.
    pub(super) base: String,
    /// The object, or empty for the container itself; `None` where the path ends before the slash.
    pub(super) name: Option<String>,
}

impl Target {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("")
    }
}

/// Answers a request at the edge, and notes it where the owner of the container wants to know.
pub(super) async fn handle(request: Request, target: &Target, core: &Arc<Core>) -> Response {
    let now = core.clock.now();
    let hash = match address::parse(&target.label) {
        Ok(hash) => hash,
        Err(BadLabel::Shape) => return refuse(Reject::not_found(), LONG, now),
        Err(BadLabel::Hash) => return refuse(Reject::bad_request(), LONG, now),
    };
    let visit = core
        .cdn
        .rows()
        .logged(hash)
        .map(|(account, container)| Visit::new(account, container, &request, target));
    let response = match request.method {
        Method::GET | Method::HEAD => read(request, hash, target, core, now).await,
        Method::OPTIONS => options(request, hash, target.name(), core, now).await,
        _ => refuse(Reject::method_not_allowed(METHODS), LONG, now),
    };
    if let Some(visit) = visit {
        core.cdn.logs.note(core, &visit, &response);
    }
    response
}

async fn read(
    mut request: Request,
    hash: u128,
    target: &Target,
    core: &Arc<Core>,
    now: SystemTime,
) -> Response {
    let key = Key::new(hash, target.name());
    let fresh = core.cdn.cache().fresh(&key, now);
    // Without its slash the container's own address is another page than with it: the way there.
    if let Some(copy) = fresh.filter(|_| target.name.is_some()) {
        return serve(&mut request, &copy, now, "HIT");
    }
    let fetch = core.cdn.cache().fetch();
    let copy = match published(hash, target.name.as_deref(), core) {
        None => missing(now),
        Some((path, ttl)) => {
            let mut whole = request.pre_authorized(Method::GET, path.clone());
            whole
                .headers
                .insert(X_WEB_MODE, HeaderValue::from_static("True"));
            match origin(whole, core).await {
                Origin::Here(status, headers, body) => EdgeCopy {
                    status,
                    headers,
                    body,
                    fetched: now,
                    ttl: if status == StatusCode::OK { ttl } else { SHORT },
                },
                Origin::Moved(mut response) => {
                    relocate(&mut response, &path, target);
                    return unkept(response, ttl, now);
                }
                Origin::Large => {
                    let response = Next::all(core).run(passed_on(&request, path)).await;
                    return unkept(response, ttl, now);
                }
                Origin::TooLarge => return refuse(Reject::bad_request(), SHORT, now),
                Origin::Failed(response) => return unkept(response, ttl, now),
            }
        }
    };
    let copy = Arc::new(copy);
    core.cdn.cache().insert(fetch, key, Arc::clone(&copy));
    serve(&mut request, &copy, now, "MISS")
}

/// Where an object lies, or the container itself with its slash or without, and for how long it is kept, if the
/// container is published now.
fn published(hash: u128, name: Option<&str>, core: &Core) -> Option<(Path, Duration)> {
    let rows = core.cdn.rows();
    let (account, container, row) = rows.published(hash)?;
    let path = match name {
        Some(name) => Path::object(account, container, name),
        None => Path::container(account, container),
    };
    Some((path, Duration::from_secs(row.ttl.into())))
}

/// Makes a site's way to another of its pages one within the edge: the origin's names mean nothing there.
fn relocate(response: &mut Response, asked: &Path, target: &Target) {
    let container = asked.named().map_or(0, |named| {
        "/v1//".len() + named.account().len() + named.container().unwrap_or_default().len()
    });
    // A site leads from a level to the same with a slash behind it, and nowhere else.
    let below = asked.as_str().get(container..).unwrap_or_default();
    let place = quote(&format!("{}{below}/", target.base));
    response.set(LOCATION, &place);
}

/// What the origin has to say to a GET of a whole object.
enum Origin {
    /// The object, a page of its site, or that there is none: 200 or 404.
    Here(StatusCode, HeaderMap, Stored),
    /// A site's way to another of its pages.
    Moved(Response),
    /// Too long to be kept, or of unknown length.
    Large,
    TooLarge,
    Failed(Response),
}

async fn origin(whole: Request, core: &Arc<Core>) -> Origin {
    let response = Next::all(core).run(whole).await;
    match response.status {
        StatusCode::OK | StatusCode::NOT_FOUND => {}
        StatusCode::MOVED_PERMANENTLY => return Origin::Moved(response),
        _ => return Origin::Failed(response),
    }
    let most = match response.body {
        Body::Bytes(_) | Body::Chunks(_) => MAX_SHARED,
        _ => MAX_COPY,
    };
    match response.body.length() {
        Some(length) if length > MAX_OBJECT => return Origin::TooLarge,
        Some(length) if length <= most => {}
        _ => return Origin::Large,
    }
    let (status, mut headers) = (response.status, response.headers);
    let mut body = response.body;
    let mut blocks = Vec::new();
    while let Some(block) = body.next().await {
        let Ok(block) = block else {
            let unavailable = Reject::new(StatusCode::SERVICE_UNAVAILABLE);
            return Origin::Failed(unavailable.into_response());
        };
        blocks.push(block);
    }
    headers.remove(CONTENT_LENGTH);
    for value in headers.values_mut() {
        *value = compact(value);
    }
    Origin::Here(status, headers, Stored::from_chunks(blocks))
}

/// The client's own request, as the origin is to see it.
fn passed_on(request: &Request, path: Path) -> Request {
    let mut sub = request.pre_authorized(request.method.clone(), path);
    for name in PASSED_ON {
        if let Some(value) = request.headers.get(&name) {
            sub.headers.insert(name, value.clone());
        }
    }
    sub
}

/// That there is nothing, which is kept like an object is, but not for long.
fn missing(now: SystemTime) -> EdgeCopy {
    let refusal = Reject::not_found().into_response();
    let body = match refusal.body {
        Body::Bytes(bytes) => bytes,
        _ => Bytes::new(),
    };
    EdgeCopy {
        status: refusal.status,
        headers: refusal.headers,
        body: Stored::One(body),
        fetched: now,
        ttl: SHORT,
    }
}

/// Whether `If-Range`, where there is one, still means this copy (RFC 9110 section 13.1.5). Swift itself never looks.
fn range_applies(asked: &HeaderMap, copy: &HeaderMap) -> bool {
    let Some(condition) = header_text(asked, IF_RANGE.as_str()) else {
        return true;
    };
    if let Ok(date) = httpdate::parse_http_date(condition) {
        let modified = header_text(copy, LAST_MODIFIED.as_str())
            .and_then(|modified| httpdate::parse_http_date(modified).ok());
        return modified.is_some_and(|modified| modified <= date);
    }
    header_text(copy, ETAG.as_str())
        .is_some_and(|etag| etag.trim_matches('"') == condition.trim_matches('"'))
}

/// Answers with a copy, and with what the request's conditions and range make of it.
fn serve(request: &mut Request, copy: &EdgeCopy, now: SystemTime, cache: &'static str) -> Response {
    if !range_applies(&request.headers, &copy.headers) {
        request.headers.remove(RANGE);
    }
    let mut response = if copy.status == StatusCode::OK {
        object::serve(request, copy.headers.clone(), &copy.body)
    } else {
        let mut response = Response::new(copy.status);
        response.headers = copy.headers.clone();
        response.body = copy.body.body();
        response
    };
    let age = if is_kept(response.status) || response.status == copy.status {
        set_lifetime(&mut response.headers, copy.ttl, copy.fetched);
        copy.age(now)
    } else {
        set_lifetime(&mut response.headers, SHORT, now);
        Duration::ZERO
    };
    response.headers.insert(AGE, age.as_secs().into());
    response
        .headers
        .insert(X_CACHE, HeaderValue::from_static(cache));
    response
}

/// An answer of the origin that the edge does not keep.
fn unkept(mut response: Response, ttl: Duration, now: SystemTime) -> Response {
    let lifetime = if is_kept(response.status) { ttl } else { SHORT };
    set_lifetime(&mut response.headers, lifetime, now);
    response
        .headers
        .insert(X_CACHE, HeaderValue::from_static("MISS"));
    response
}

/// Whether an answer is about an object that is there, and lives as long as its copies do.
fn is_kept(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// Says for how long an answer may be kept, from a moment on. What the object itself says of that does not count.
fn set_lifetime(headers: &mut HeaderMap, lifetime: Duration, from: SystemTime) {
    let seconds = lifetime.as_secs();
    let control = format!("max-age={seconds}, public");
    headers.insert(CACHE_CONTROL, header_value(&control));
    let until = Timestamp::from(from).seconds().saturating_add(seconds);
    headers.insert(EXPIRES, header_value(&http_date(until)));
}

fn refuse(reject: Reject, lifetime: Duration, now: SystemTime) -> Response {
    let mut response = reject.into_response();
    set_lifetime(&mut response.headers, lifetime, now);
    response
}

/// Answers OPTIONS as the origin does, but that nothing can be written here.
async fn options(
    request: Request,
    hash: u128,
    name: &str,
    core: &Arc<Core>,
    now: SystemTime,
) -> Response {
    let asked = request.headers.get(ACCESS_CONTROL_REQUEST_METHOD);
    if asked.is_some_and(|method| !METHODS.split(", ").any(|known| known == method)) {
        return Reject::unauthorized()
            .header(ALLOW, METHODS)
            .into_response();
    }
    let Some((path, _)) = published(hash, Some(name), core).filter(|_| !name.is_empty()) else {
        return refuse(Reject::not_found(), SHORT, now);
    };
    let mut sub = request.pre_authorized(Method::OPTIONS, path);
    for name in [
        ORIGIN,
        ACCESS_CONTROL_REQUEST_METHOD,
        ACCESS_CONTROL_REQUEST_HEADERS,
    ] {
        if let Some(value) = request.headers.get(&name) {
            sub.headers.insert(name, value.clone());
        }
    }
    let mut response = Next::all(core).run(sub).await;
    for name in [ALLOW, ACCESS_CONTROL_ALLOW_METHODS] {
        if let Some(methods) = response.headers.get_mut(&name) {
            *methods = HeaderValue::from_static(METHODS);
        }
    }
    response
}
