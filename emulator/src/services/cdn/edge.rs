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
//! nothing. HEAD fetches a copy as GET does. Objects over 64 MiB are read from the origin each time, so for them a
//! change is seen at once. The headers of an object come through, the CORS rules of its container do not. The root of a
//! container is 404.
//!
//! Source: `CdnHandler` in `sos/origin.py`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, ETAG, EXPIRES, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, ORIGIN, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::address::{self, BadLabel};
use super::cache::{EdgeCopy, Key};
use crate::core::Core;
use crate::message::{Body, Request, Response, header_text, header_value};
use crate::path::Path;
use crate::pipeline::Next;
use crate::reject::Reject;
use crate::resources::object;
use crate::store::Stored;
use crate::timestamp::{Timestamp, http_date};

const METHODS: &str = "GET, HEAD, OPTIONS";

/// Ours: whether an answer is from a copy, `HIT`, or from the origin, `MISS`.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// How long a refusal may be kept that could soon be none, and one that will be none for long.
const SHORT: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_hours(24);

/// The longest object that is kept at the edge, in bytes.
const MAX_COPY: u64 = 64 << 20;
/// The longest object that the CDN serves at all, in bytes (`max_cdn_file_size`).
const MAX_OBJECT: u64 = 10 << 30;

/// Headers of the client that matter to an object that is read from the origin each time.
const PASSED_ON: [HeaderName; 5] = [IF_MODIFIED_SINCE, IF_MATCH, IF_NONE_MATCH, RANGE, IF_RANGE];

/// Answers a request for an object, empty for the container itself, at the address with this label.
pub(super) async fn handle(
    request: Request,
    label: &str,
    name: &str,
    core: &Arc<Core>,
) -> Response {
    let now = core.clock.now();
    let hash = match address::parse(label) {
        Ok(hash) => hash,
        Err(BadLabel::Shape) => return refuse(Reject::not_found(), LONG, now),
        Err(BadLabel::Hash) => return refuse(Reject::bad_request(), LONG, now),
    };
    match request.method {
        Method::GET | Method::HEAD => read(request, hash, name, core, now).await,
        Method::OPTIONS => options(request, hash, name, core, now).await,
        _ => refuse(Reject::method_not_allowed(METHODS), LONG, now),
    }
}

async fn read(
    mut request: Request,
    hash: u128,
    name: &str,
    core: &Arc<Core>,
    now: SystemTime,
) -> Response {
    let key = Key::new(hash, name);
    let fresh = core.cdn.cache().fresh(&key, now);
    if let Some(copy) = fresh {
        return serve(&mut request, &copy, now, "HIT");
    }
    let fetch = core.cdn.cache().fetch();
    let copy = match published(hash, name, core) {
        None => missing(now),
        Some((path, ttl)) => {
            let whole = request.pre_authorized(Method::GET, path.clone());
            match origin(whole, core).await {
                Origin::Here(headers, body) => EdgeCopy {
                    status: StatusCode::OK,
                    headers,
                    body,
                    fetched: now,
                    ttl,
                },
                Origin::Missing => missing(now),
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

/// Where an object lies and for how long it is kept, if its container is published now.
fn published(hash: u128, name: &str, core: &Core) -> Option<(Path, Duration)> {
    let rows = core.cdn.rows();
    let (account, container, row) = rows.published(hash)?;
    if name.is_empty() {
        return None;
    }
    let path = Path::object(account, container, name);
    Some((path, Duration::from_secs(row.ttl.into())))
}

/// What the origin has to say to a GET of a whole object.
enum Origin {
    Here(HeaderMap, Stored),
    Missing,
    /// Too long to be kept, or of unknown length.
    Large,
    TooLarge,
    Failed(Response),
}

async fn origin(whole: Request, core: &Arc<Core>) -> Origin {
    let response = Next::all(core).run(whole).await;
    match response.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Origin::Missing,
        _ => return Origin::Failed(response),
    }
    match response.body.length() {
        Some(length) if length > MAX_OBJECT => return Origin::TooLarge,
        Some(length) if length <= MAX_COPY => {}
        _ => return Origin::Large,
    }
    let mut headers = response.headers;
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
    Origin::Here(headers, Stored::from_chunks(blocks))
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
    status.is_success() || status == StatusCode::NOT_MODIFIED
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
    let Some((path, _)) = published(hash, name, core) else {
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
