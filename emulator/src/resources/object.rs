//! Objects: GET and HEAD, PUT, POST, DELETE (`swift/proxy/controllers/obj.py`, `swift/obj/server.py`).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::receive::{no_room, receive};
use super::{acl, conditional, container, done, expiry, media_type, metadata, range};
use crate::core::Core;
use crate::head::Headers;
use crate::headers::{
    X_CONTAINER_READ, X_CONTAINER_WRITE, X_DELETE_AT, X_OPEN_EXPIRED, X_TIMESTAMP, find, find_text,
    keep_spare, spare,
};
use crate::message::{Body, BodyError, Request, Response, header_text};
use crate::path::Resource;
use crate::reject::{Reject, Reply};
use crate::segmented::concat;
use crate::store::{
    Container, Extra, Full, ListingOverride, MediaType, Metadata, NotPut, Object, Stored, compact,
};
use crate::timestamp::Timestamp;
use crate::written::{self, digits};

/// Headers of an object that are kept as they came (`allowed_headers` in `swift/obj/server.py`).
const KEPT: [&str; 8] = [
    "content-disposition",
    "content-encoding",
    "x-object-manifest",
    "x-static-large-object",
    "cache-control",
    "content-language",
    "expires",
    "x-robots-tag",
];

/// What Cloud Files keeps besides, so that scripts of other origins may read what the CDN serves, which the container's own
/// rules do not reach ("CORS headers for objects" in the Cloud Files developer guide). Swift drops them.
const KEPT_BY_CLOUD_FILES: [&str; 9] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-request-headers",
    "access-control-request-method",
    "origin",
];

/// Account, container and object that a path names.
fn names(request: &Request) -> Result<(&str, &str, &str), Reject> {
    match request.path.named() {
        Some(Resource::Object(account, container, object)) => Ok((account, container, object)),
        _ => Err(Reject::not_found()),
    }
}

/// Whether a request is for what is read by itself, be it for nothing: features that put together what others are made of
/// have nothing to do with it. An older version is not what lies where the path leads.
pub(crate) fn is_plain(request: &Request, core: &Core) -> bool {
    let found = request.path.found_object(&core.store);
    found.is_none_or(|object| object.is_plain()) && !request.query.has("version-id")
}

/// GET and HEAD. The object is the one that [`is_plain`] looked at.
pub(crate) fn read(mut request: Request, core: &Core) -> Reply {
    let reply = found(&request, core);
    keep_spare(std::mem::take(&mut request.headers));
    reply
}

fn found(request: &Request, core: &Core) -> Reply {
    let list = container::access_list_for(request, core, X_CONTAINER_READ);
    acl::authorize(request, core, list.as_deref())?;
    let object = request.path.found_object(&core.store);
    show(request, object.ok_or_else(Reject::not_found)?)
}

/// The same for who has found the object already, and knows that it is read as it is: it is neither manifest nor link, and no
/// header of the request says more than `asks_part`, whether there are conditions or ranges.
pub(crate) fn read_found(
    request: &mut Request,
    core: &Core,
    (container, object): (&Metadata, &Object),
    asks_part: bool,
) -> Reply {
    let list = find_text(container, "x-container-read");
    acl::allow(request, core, list, "")?;
    let reply = if asks_part || object.is_expired(request.received) {
        show(request, object)
    } else {
        let mut response = Response::new(StatusCode::OK);
        if object.headers().is_empty() {
            describe(object, &mut response.lines);
        } else {
            describe(object, &mut response.headers);
        }
        if request.method == Method::GET {
            response.body = object.body.body();
        } else {
            let length = written::number(object.body.len());
            response.headers.insert(CONTENT_LENGTH, length);
        }
        Ok(response)
    };
    keep_spare(std::mem::take(&mut request.headers));
    reply
}

fn show(request: &Request, object: &Object) -> Reply {
    if object.is_expired(request.received) && !request.header_is_true(X_OPEN_EXPIRED) {
        return Err(Reject::not_found());
    }
    let mut headers = spare();
    describe(object, &mut headers);
    if is_large(object) && request.query.get("multipart-manifest").as_deref() != Some("get") {
        // Conditions and ranges mean the large object, of which the manifest knows nothing: `slo` and `dlo` heed them.
        let mut response = Response::of(StatusCode::OK, headers);
        response
            .headers
            .insert(CONTENT_LENGTH, object.body.len().into());
        response.body = object.body.body();
        return Ok(response);
    }
    Ok(serve(request, headers, &object.body))
}

fn is_large(object: &Object) -> bool {
    object
        .headers()
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "x-static-large-object" | "x-object-manifest"))
}

/// The headers of a stored object, but for its length.
fn describe(object: &Object, headers: &mut impl Headers) {
    headers.put(CONTENT_TYPE, |page| {
        page.extend_from_slice(object.content_type.as_bytes());
    });
    headers.put(ETAG, |page| page.extend_from_slice(&object.etag.hex()));
    headers.put(LAST_MODIFIED, |page| {
        object.modified.put_last_modified(page);
    });
    headers.put(X_TIMESTAMP, |page| object.modified.put(page));
    headers.copy(&ACCEPT_RANGES, &HeaderValue::from_static("bytes"));
    for (name, value) in object.headers() {
        headers.copy(name, value);
    }
    if let Some(at) = object.delete_at() {
        headers.put(X_DELETE_AT, |page| digits(page, at, 1));
    }
}

/// Answers a read of stored bytes with what the request's conditions and ranges ask for.
///
/// `headers` are those of the whole object and must hold `ETag`, `Last-Modified` and `Content-Type`.
pub(crate) fn serve(request: &Request, headers: HeaderMap, body: &Stored) -> Response {
    let whole = 0..body.len();
    Answer::new(request, headers, body.len()).with(|range| {
        if range == whole {
            body.body()
        } else {
            body.slice(range)
        }
    })
}

/// The answer to a read before its body is there: what conditions and ranges make of status and headers.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response,
    wanted: BodyWanted,
}

/// Which bytes the body of an answer is made of.
#[derive(Debug)]
enum BodyWanted {
    /// None of the object's: a HEAD, a refusal.
    Nothing,
    One(Range<u64>),
    Several(Multipart),
}

impl Answer {
    /// `headers` are those of the whole object and must hold `ETag`, `Last-Modified` and `Content-Type`; `length` is its
    /// length in bytes.
    pub(crate) fn new(request: &Request, headers: HeaderMap, length: u64) -> Self {
        let mut response = Response::of(StatusCode::OK, headers);
        if let Some(status) = refused(request, &response.headers) {
            response.status = status;
            response.headers.insert(CONTENT_LENGTH, 0.into());
            if status == StatusCode::PRECONDITION_FAILED {
                response.headers.remove(ACCEPT_RANGES);
                response.headers.insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=UTF-8"),
                );
            }
            return Self {
                response,
                wanted: BodyWanted::Nothing,
            };
        }
        let is_get = request.method == Method::GET;
        // Swift does not look at If-Range.
        let asked = if is_get {
            range::wanted(find(&request.headers, "range"), length)
        } else {
            range::Wanted::Whole
        };
        let wanted = match asked {
            range::Wanted::Whole => {
                response
                    .headers
                    .insert(CONTENT_LENGTH, written::number(length));
                if is_get {
                    BodyWanted::One(0..length)
                } else {
                    BodyWanted::Nothing
                }
            }
            range::Wanted::Unsatisfiable => {
                let refusal = Reject::new(StatusCode::RANGE_NOT_SATISFIABLE).into_response();
                response.status = refusal.status;
                response.set(CONTENT_RANGE, &format!("bytes */{length}"));
                response
                    .headers
                    .insert(CONTENT_LENGTH, refusal.body.length().unwrap_or(0).into());
                response.body = refusal.body;
                BodyWanted::Nothing
            }
            range::Wanted::Parts(parts) if parts.len() == 1 => {
                let part = parts[0].clone();
                response.status = StatusCode::PARTIAL_CONTENT;
                response.set(CONTENT_RANGE, &content_range(&part, length));
                response
                    .headers
                    .insert(CONTENT_LENGTH, (part.end - part.start).into());
                BodyWanted::One(part)
            }
            range::Wanted::Parts(parts) => {
                let multipart = Multipart::new(&mut response, parts, length);
                BodyWanted::Several(multipart)
            }
        };
        Self { response, wanted }
    }

    /// The parts of the object that the body needs, in order.
    pub(crate) fn ranges(&self) -> Vec<Range<u64>> {
        match &self.wanted {
            BodyWanted::Nothing => Vec::new(),
            BodyWanted::One(range) => vec![range.clone()],
            BodyWanted::Several(multipart) => multipart
                .parts
                .iter()
                .map(|(_, range)| range.clone())
                .collect(),
        }
    }

    /// The whole answer, out of a body for each of the ranges in turn.
    pub(crate) fn with(mut self, mut body: impl FnMut(Range<u64>) -> Body) -> Response {
        match self.wanted {
            BodyWanted::Nothing => {}
            BodyWanted::One(range) => self.response.body = body(range),
            BodyWanted::Several(multipart) => self.response.body = multipart.body(body),
        }
        self.response
    }
}

/// The status that a request's conditions make of the answer with these headers.
fn refused(request: &Request, headers: &HeaderMap) -> Option<StatusCode> {
    let etag = || header_text(headers, ETAG).unwrap_or("").trim_matches('"');
    // Read back, for what of features an answer consists of may have set it.
    let modified = || {
        header_text(headers, LAST_MODIFIED)
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .map_or(0, |date| Timestamp::from(date).seconds())
    };
    conditional::refuse(&request.headers, etag, modified)
}

fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// Several ranges in one answer (RFC 9110 section 14.6): each with a head of its own.
#[derive(Debug)]
struct Multipart {
    parts: Vec<(Bytes, Range<u64>)>,
    end: Bytes,
}

impl Multipart {
    fn new(response: &mut Response, ranges: Vec<Range<u64>>, length: u64) -> Self {
        let boundary = format!("{:032x}", rand::random::<u128>());
        let content_type = header_text(&response.headers, "content-type")
            .unwrap_or("application/octet-stream")
            .to_owned();
        let parts: Vec<_> = ranges
            .into_iter()
            .map(|range| {
                let head = format!(
                    "--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
                    content_range(&range, length)
                );
                (Bytes::from(head), range)
            })
            .collect();
        let end = Bytes::from(format!("--{boundary}--"));
        let total: u64 = parts
            .iter()
            .map(|(head, range)| head.len() as u64 + (range.end - range.start) + 2)
            .sum();
        response.status = StatusCode::PARTIAL_CONTENT;
        response
            .headers
            .insert(CONTENT_LENGTH, (total + end.len() as u64).into());
        response.set(
            CONTENT_TYPE,
            &format!("multipart/byteranges;boundary={boundary}"),
        );
        Self { parts, end }
    }

    fn body(self, mut body: impl FnMut(Range<u64>) -> Body) -> Body {
        let mut pieces = Vec::with_capacity(self.parts.len() * 3 + 1);
        for (head, range) in self.parts {
            pieces.push(Body::Bytes(head));
            pieces.push(body(range));
            pieces.push(Body::Bytes(Bytes::from_static(b"\r\n")));
        }
        pieces.push(Body::Bytes(self.end));
        concat(pieces)
    }
}

/// PUT: stores the body whole or not at all.
pub(crate) async fn put(mut request: Request, core: &Core) -> Reply {
    let only_if_absent = match request.header(IF_NONE_MATCH) {
        None => false,
        Some(list) if conditional::matches(list, &[]) => true,
        Some(_) => {
            return Err(Reject::plain(
                StatusCode::BAD_REQUEST,
                "If-None-Match only supports *",
            ));
        }
    };
    let body = std::mem::take(&mut request.body);
    let (account, container_name, name) = names(&request)?;
    let list = container::access_list_for(&request, core, X_CONTAINER_WRITE);
    acl::authorize(&request, core, list.as_deref())?;
    let container = request
        .path
        .found_container(&core.store)
        .ok_or_else(Reject::not_found)?;
    check_creation(&request, core, name)?;
    let delete_at = expiry::delete_at(&request.headers, request.received)?;
    metadata::check(&request.headers, "object", &core.flavour.limits)?;
    let exists = |former: Option<&Object>| {
        only_if_absent && former.is_some_and(|former| !former.is_expired(core.clock.timestamp()))
    };
    if exists(container.stored_object(name).as_deref()) {
        return Err(Reject::precondition_failed());
    }
    let created = core.clock.timestamp();
    let (stored, md5) = receive(&request, body, core).await?;
    let etag = md5.to_string();
    if let Some(expected) = request.header(ETAG).map(unquoted)
        && !expected.is_empty()
        && expected != etag
    {
        return Err(Reject::new(StatusCode::UNPROCESSABLE_ENTITY)
            .header(LAST_MODIFIED, &created.last_modified()));
    }
    let object = Object {
        created,
        modified: created,
        content_type: content_type(&request, name),
        etag: md5,
        extra: Extra::new(
            delete_at,
            kept_headers(&request, core, true),
            listing_override(&request.headers, &etag, stored.len()),
        ),
        body: stored,
    };
    let place = Resource::Object(account, container_name, name);
    put_into(core, place, container, object, |former| {
        if exists(former) {
            Err(Reject::precondition_failed())
        } else {
            Ok(())
        }
    })?;
    keep_spare(std::mem::take(&mut request.headers));
    let mut response = done(StatusCode::CREATED);
    response
        .headers
        .put(ETAG, |page| page.extend_from_slice(etag.as_bytes()));
    response
        .headers
        .put(LAST_MODIFIED, |page| created.put_last_modified(page));
    Ok(response)
}

/// An ETag without its quotes, if it has them on both sides (`normalize_etag` in `swift/common/swob.py`).
fn unquoted(etag: &str) -> &str {
    etag.strip_prefix('"')
        .and_then(|etag| etag.strip_suffix('"'))
        .unwrap_or(etag)
}

/// Puts an object where nothing newer stands: of two writers the later one wins, whoever finishes last.
pub(crate) fn put_into(
    core: &Core,
    place: Resource<'_>,
    container: &Container,
    object: Object,
    allow: impl FnOnce(Option<&Object>) -> Result<(), Reject>,
) -> Result<(), Reject> {
    let created = object.created;
    let former = container
        .put(place.object().unwrap_or(""), object, |former| {
            allow(former)?;
            if former.is_some_and(|former| former.created >= created) {
                // An object server refuses the older one with 409, which the proxy turns into "taken note of".
                return Err(Reject::new(StatusCode::ACCEPTED));
            }
            Ok(())
        })
        .map_err(not_put)?;
    remember(core, place, former, created);
    Ok(())
}

/// Keeps what was removed or replaced, if a fault is to show how things were.
fn remember(core: &Core, place: Resource<'_>, former: Option<Arc<Object>>, until: Timestamp) {
    if core.faults.keeps_history()
        && let Some(former) = former
        && let Resource::Object(account, container, name) = place
    {
        let names = [account, container, name];
        let here = core.regions.here;
        core.faults.history().remember(here, names, former, until);
    }
}

fn not_put(reason: NotPut<Reject>) -> Reject {
    match reason {
        NotPut::Gone => Reject::not_found(),
        NotPut::Full => no_room(Full),
        NotPut::Refused(refusal) => refusal,
    }
}

/// What a PUT must look like (`check_object_creation` in `swift/common/constraints.py`).
fn check_creation(request: &Request, core: &Core, name: &str) -> Result<(), Reject> {
    let limits = &core.flavour.limits;
    let encoding = request.header(TRANSFER_ENCODING);
    if let Some(encoding) = encoding
        && !encoding.eq_ignore_ascii_case("chunked")
    {
        return Err(if encoding.to_ascii_lowercase().contains("chunked") {
            Reject::plain(
                StatusCode::NOT_IMPLEMENTED,
                "Unsupported Transfer-Coding header value specified in Transfer-Encoding header",
            )
        } else {
            Reject::plain(
                StatusCode::BAD_REQUEST,
                "Invalid Transfer-Encoding header value",
            )
        });
    }
    let length = request
        .header(CONTENT_LENGTH)
        .map(str::parse::<u64>)
        .transpose()
        .map_err(|_| {
            Reject::plain(
                StatusCode::BAD_REQUEST,
                "Invalid Content-Length header value",
            )
        })?
        .filter(|_| encoding.is_none());
    if length.is_some_and(|length| length > limits.max_file_size) {
        return Err(Reject::plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Your request is too large.",
        ));
    }
    if length.is_none() && encoding.is_none() {
        return Err(Reject::plain(
            StatusCode::LENGTH_REQUIRED,
            "Missing Content-Length header.",
        ));
    }
    if name.len() > limits.max_object_name_length {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            format!(
                "Object name length of {} longer than {}",
                name.len(),
                limits.max_object_name_length
            ),
        ));
    }
    if let Some(value) = request.headers.get(CONTENT_TYPE)
        && std::str::from_utf8(value.as_bytes()).is_err()
    {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "Invalid Content-Type",
        ));
    }
    if request
        .header(CONTENT_TYPE)
        .is_some_and(media_type::has_reserved_parameter)
    {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            "Invalid Content-Type, swift_* is not a valid parameter name.",
        ));
    }
    Ok(())
}

/// The type of an object: as sent, or guessed from its name.
fn content_type(request: &Request, name: &str) -> MediaType {
    let sent = request
        .headers
        .get(CONTENT_TYPE)
        .filter(|value| !value.is_empty());
    match sent {
        Some(sent) if !request.header_is_true("x-detect-content-type") => MediaType::from(sent),
        _ => MediaType::of(media_type::guess(name)),
    }
}

/// Swift's own status for a client that left in the middle.
pub(crate) fn client_disconnect() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// What becomes of a request whose body broke off.
pub(crate) fn broken_off(request: &Request, error: &BodyError) -> Reject {
    tracing::debug!(trans_id = %request.trans_id, %error, "a body broke off");
    match error {
        BodyError::Client(_) | BodyError::Cut => Reject::new(client_disconnect()),
        BodyError::Stalled => Reject::new(StatusCode::REQUEST_TIMEOUT),
        BodyError::Server(_) => Reject::new(StatusCode::SERVICE_UNAVAILABLE),
        BodyError::TooLong(_) => {
            Reject::plain(StatusCode::PAYLOAD_TOO_LARGE, "Your request is too large.")
        }
    }
}

/// What of a request's headers is kept with the object. `whole` is true for PUT: system metadata is written only then.
fn kept_headers(request: &Request, core: &Core, whole: bool) -> Box<[(HeaderName, HeaderValue)]> {
    // Asked only where such a header is there, which is rare.
    let is_cloud_files = || {
        let account = request.path.named().map(Resource::account);
        account.is_some_and(|account| core.is_cloud_files(account))
    };
    request
        .headers
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            name.starts_with("x-object-meta-")
                || name.starts_with("x-object-transient-sysmeta-")
                || is_kept(name, false)
                || is_kept(name, true) && is_cloud_files()
                || whole && is_data_metadata(name)
        })
        .map(|(name, value)| (name.clone(), compact(value)))
        .collect()
}

/// Whether a header that is no metadata is kept with an object as it came.
pub(crate) fn is_kept(name: &str, is_cloud_files: bool) -> bool {
    KEPT.contains(&name) || is_cloud_files && KEPT_BY_CLOUD_FILES.contains(&name)
}

/// Metadata that belongs to the bytes and outlives a POST.
fn is_data_metadata(name: &str) -> bool {
    name == "x-static-large-object" || name.starts_with("x-object-sysmeta-")
}

/// What a feature wants the listing to show (`x-object-sysmeta-container-update-override-*`), and the size of a large
/// object, for which Swift appends `;swift_bytes=` to its content type.
fn listing_override(headers: &HeaderMap, etag: &str, length: u64) -> Option<Box<ListingOverride>> {
    let is_system = |name: &HeaderName| name.as_str().starts_with("x-object-sysmeta-");
    if !headers.keys().any(is_system) {
        return None;
    }
    let hash = find_text(headers, "x-object-sysmeta-container-update-override-etag");
    let bytes = find_text(headers, "x-object-sysmeta-container-update-override-size");
    let whole_bytes =
        find_text(headers, "x-object-sysmeta-slo-size").and_then(|size| size.parse().ok());
    if hash.is_none() && bytes.is_none() && whole_bytes.is_none() {
        return None;
    }
    Some(Box::new(ListingOverride {
        hash: hash.unwrap_or(etag).to_owned(),
        bytes: bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or(length),
        whole_bytes,
    }))
}

/// POST: replaces the metadata, leaves the bytes.
pub(crate) fn post(request: &Request, core: &Core) -> Reply {
    let (account, container_name, name) = names(request)?;
    let list = container::access_list_for(request, core, X_CONTAINER_WRITE);
    acl::authorize(request, core, list.as_deref())?;
    let container = core
        .store
        .container(account, container_name)
        .ok_or_else(Reject::not_found)?;
    metadata::check(&request.headers, "object", &core.flavour.limits)?;
    let delete_at = expiry::delete_at(&request.headers, request.received)?;
    let object = if request.header_is_true("x-open-expired") {
        container.stored_object(name)
    } else {
        container.object(name, request.received)
    }
    .ok_or_else(Reject::not_found)?;
    let mut kept = kept_headers(request, core, false).into_vec();
    kept.retain(|(name, _)| !is_data_metadata(name.as_str()));
    kept.extend(
        object
            .headers()
            .iter()
            .filter(|(name, _)| is_data_metadata(name.as_str()))
            .cloned(),
    );
    let content_type = request
        .headers
        .get(CONTENT_TYPE)
        .filter(|value| !value.is_empty())
        .map_or_else(|| object.content_type.clone(), MediaType::from);
    // Features tell from it what was written to.
    let system: Vec<(HeaderName, HeaderValue)> = kept
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-object-sysmeta-"))
        .cloned()
        .collect();
    let modified = core.clock.timestamp();
    let changed = Object {
        modified,
        content_type,
        extra: Extra::new(
            delete_at,
            kept.into(),
            object.listing().cloned().map(Box::new),
        ),
        ..Object::clone(&object)
    };
    let former = container
        .put(name, changed, |former| match former {
            // Overwritten in between, the metadata was for bytes that are gone; changed later than now, by a clock that
            // was set back, the older request loses (`POST` in `swift/obj/server.py`).
            Some(former) if former.created == object.created && former.modified < modified => {
                Ok(())
            }
            Some(_) => Err(Reject::conflict()),
            None => Err(Reject::not_found()),
        })
        .map_err(not_put)?;
    let place = Resource::Object(account, container_name, name);
    remember(core, place, former, modified);
    let mut response = done(StatusCode::ACCEPTED);
    response.headers.extend(system);
    Ok(response)
}

/// DELETE.
pub(crate) fn delete(request: &Request, core: &Core) -> Reply {
    let (account, container_name, name) = names(request)?;
    let list = container::access_list_for(request, core, X_CONTAINER_WRITE);
    acl::authorize(request, core, list.as_deref())?;
    let container = core
        .store
        .container(account, container_name)
        .ok_or_else(Reject::not_found)?;
    let expected = metadata::integer(&request.headers, "x-if-delete-at")
        .map(|at| {
            at.map_err(|()| {
                Reject::plain(StatusCode::BAD_REQUEST, "Bad X-If-Delete-At header value")
            })
        })
        .transpose()?;
    if let Some(expected) = expected {
        let due = container
            .stored_object(name)
            .and_then(|object| object.delete_at())
            .is_some_and(|at| i64::try_from(at) == Ok(expected));
        if !due {
            return Err(Reject::precondition_failed());
        }
    }
    let now = core.clock.timestamp();
    let removed = container.remove(name, |former| match former {
        None => Err(Reject::not_found()),
        Some(former) if former.created < now => Ok(()),
        // Written later than now, by a clock that was set back: the older request loses (`DELETE` in
        // `swift/obj/server.py`).
        Some(former) if former.is_expired(request.received) => Err(Reject::not_found()),
        Some(_) => Err(Reject::conflict()),
    })?;
    let place = Resource::Object(account, container_name, name);
    remember(core, place, removed.clone(), now);
    match removed {
        Some(object) if !object.is_expired(request.received) => Ok(done(StatusCode::NO_CONTENT)),
        _ => Err(Reject::not_found()),
    }
}
