//! PUT of a manifest: reads it, looks at each segment, stores it.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use md5::{Digest, Md5};

use super::manifest::{self, Stored, StoredObject, Wanted, WantedObject};
use super::{MAX_MANIFEST_SIZE, MAX_SEGMENTS, SLO_ETAG, SLO_SIZE, is_slo, read};
use crate::accept::best_match;
use crate::headers::X_STATIC_LARGE_OBJECT;
use crate::message::{Body, BodyError, Request, Response, header_value};
use crate::path::{Path, Resource, quote};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::report::{self, status_line};
use crate::resources::object::broken_off;
use crate::resources::range;
use crate::segmented::unmeasured;
use crate::timestamp::Timestamp;

const LISTED_ETAG: HeaderName =
    HeaderName::from_static("x-object-sysmeta-container-update-override-etag");
/// A report's form, where the client takes none of those there are.
const DEFAULT_FORMAT: &str = "text/plain";

/// What is wrong with segments: quoted names, and why.
type Problems = Vec<(String, String)>;

pub(super) async fn put(mut request: Request, next: Next<'_>) -> Reply {
    let body = receive(&mut request).await?;
    let account = request
        .path
        .named()
        .map_or("", Resource::account)
        .to_owned();
    let own_path = request.path.as_str().trim_start_matches('/');
    let own_path = &own_path[own_path.find('/').unwrap_or(own_path.len())..];
    let wanted = manifest::parse(&body, &account, own_path)?;
    drop(body);
    let objects = wanted
        .iter()
        .filter(|entry| matches!(entry, Wanted::Object(_)));
    if objects.count() > MAX_SEGMENTS {
        return Err(Reject::html(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("Number of object-backed segments must be <= {MAX_SEGMENTS}"),
        ));
    }
    let accept = request.header("accept").unwrap_or("");
    let format = best_match(accept, &report::FORMATS)
        .ok()
        .flatten()
        .unwrap_or(DEFAULT_FORMAT);
    let heartbeat = request.query.is_true("heartbeat");

    let (segments, total, problems) = look_at_all(wanted, &request, &account, next).await;
    if !problems.is_empty() {
        let status = StatusCode::BAD_REQUEST;
        return Ok(if heartbeat {
            let why = "Bad Request\nThe server could not comply with the request since it is either malformed or \
                       otherwise incorrect.";
            beat(
                format,
                &[
                    ("Response Status", status_line(status).into()),
                    ("Response Body", why.into()),
                ],
                &problems,
            )
        } else {
            Response::with(
                status,
                format,
                report::write(format, &[], &problems, "upload"),
            )
        });
    }
    let etag = manifest::etag(&segments);
    let expected = request
        .header(ETAG.as_str())
        .map(|etag| etag.trim_matches('"'))
        .filter(|etag| !etag.is_empty());
    if expected.is_some_and(|expected| expected != etag) {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        if !heartbeat {
            return Err(Reject::new(status));
        }
        let why = "Unprocessable Entity\nUnable to process the contained instructions";
        let facts = [
            ("Response Status", status_line(status).into()),
            ("Response Body", why.into()),
        ];
        return Ok(beat(format, &facts, &problems));
    }
    become_manifest(&mut request, &segments, &etag, total);
    let mut response = next.run(request).await;
    if response.is_success() {
        response.set(ETAG, &format!("\"{etag}\""));
    }
    if heartbeat {
        return Ok(beat_of(format, response).await);
    }
    Ok(response)
}

/// The manifest as sent.
async fn receive(request: &mut Request) -> Result<Bytes, Reject> {
    let too_large = || {
        Reject::html(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("Manifest File > {MAX_MANIFEST_SIZE} bytes"),
        )
    };
    if request
        .header("x-copy-from")
        .is_some_and(|from| !from.is_empty())
    {
        return Err(Reject::html(
            StatusCode::METHOD_NOT_ALLOWED,
            "Multipart Manifest PUTs cannot be COPY requests",
        ));
    }
    match request.header(CONTENT_LENGTH.as_str()) {
        None => {
            let chunked = request
                .header(TRANSFER_ENCODING.as_str())
                .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
            if !chunked {
                return Err(Reject::new(StatusCode::LENGTH_REQUIRED));
            }
        }
        Some(length) => {
            if length
                .parse()
                .is_ok_and(|length: u64| length > MAX_MANIFEST_SIZE as u64)
            {
                return Err(too_large());
            }
        }
    }
    let body = std::mem::take(&mut request.body);
    body.collect(MAX_MANIFEST_SIZE)
        .await
        .map_err(|error| match error {
            BodyError::TooLong(_) => too_large(),
            BodyError::Client(_) | BodyError::Cut | BodyError::Stalled | BodyError::Server(_) => {
                broken_off(request, &error)
            }
        })
}

/// Looks at every segment, at each path once. Gives what is to be stored, its length, and what is wrong.
async fn look_at_all(
    wanted: Vec<Wanted>,
    request: &Request,
    account: &str,
    next: Next<'_>,
) -> (Vec<Stored>, u64, Problems) {
    let root = format!("/{}/{account}", request.path.version());
    let mut seen: HashMap<String, Response> = HashMap::new();
    let mut segments = Vec::with_capacity(wanted.len());
    let mut problems = Problems::new();
    let count = wanted.len();
    for (index, entry) in wanted.into_iter().enumerate() {
        let object = match entry {
            Wanted::Data(data) => {
                segments.push(Stored::Data { data });
                continue;
            }
            Wanted::Object(object) => object,
        };
        let name = object.path.trim_start_matches('/').to_owned();
        if !seen.contains_key(&name) {
            let head = request.sub(Method::HEAD, Path::new(format!("{root}/{name}")));
            // Through this feature again: a segment may be a large object itself.
            let response = read::read(head, next)
                .await
                .unwrap_or_else(Reject::into_response);
            seen.insert(name.clone(), response);
        }
        let Some(head) = seen.get(&name) else {
            continue;
        };
        let may_be_empty = index + 1 == count;
        segments.extend(look_at(&object, head, may_be_empty, &mut problems).map(Stored::Object));
    }
    let total = segments
        .iter()
        .map(Stored::length)
        .fold(0, u64::saturating_add);
    (segments, total, problems)
}

/// Compares a segment with what the manifest says of it.
fn look_at(
    wanted: &WantedObject,
    head: &Response,
    may_be_empty: bool,
    problems: &mut Problems,
) -> Option<StoredObject> {
    let mut problem = |what: &str| problems.push((quote(&wanted.path), what.to_owned()));
    if !head.is_success() {
        problem(&status_line(head.status));
        return None;
    }
    let text = |name: HeaderName| head.header(name.as_str()).unwrap_or("");
    let bytes: u64 = text(CONTENT_LENGTH).parse().unwrap_or(0);
    let mut length = bytes;
    let mut stored_range = None;
    if let Some(asked) = wanted.range {
        match range::within(asked, bytes) {
            None => problem("Unsatisfiable Range"),
            Some(part) if part == (0..bytes) => {}
            Some(part) => {
                length = part.end - part.start;
                stored_range = Some(format!("{}-{}", part.start, part.end - 1));
            }
        }
    }
    if length < 1 && !may_be_empty {
        problem("Too small; each segment must be at least 1 byte.");
    }
    let says = |size: i64| u64::try_from(size) == Ok(bytes);
    if wanted.size_bytes.is_some_and(|size| !says(size)) {
        problem("Size Mismatch");
    }
    let hash = text(ETAG).trim_matches('"');
    if wanted.etag.as_deref().is_some_and(|etag| etag != hash) {
        problem("Etag Mismatch");
    }
    let last_modified = httpdate::parse_http_date(text(LAST_MODIFIED)).map(Timestamp::from);
    Some(StoredObject {
        name: format!("/{}", wanted.path.trim_start_matches('/')),
        bytes,
        hash: hash.to_owned(),
        content_type: text(CONTENT_TYPE)
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_owned(),
        last_modified: last_modified.unwrap_or_default().iso(),
        range: stored_range,
        sub_slo: is_slo(&head.headers),
    })
}

/// Makes the request one that stores the manifest.
fn become_manifest(request: &mut Request, segments: &[Stored], etag: &str, total: u64) {
    let body = crate::json::to_string(&segments);
    let own_etag = hex::encode(Md5::digest(&body));
    // Whoever set the ETag to list before knows better than the manifest; what they add is kept.
    let listed = request.header(LISTED_ETAG.as_str()).unwrap_or("");
    let (value, parameters) = match listed.split_once(';') {
        Some((value, parameters)) => (value, format!(";{parameters}")),
        None => (listed, String::new()),
    };
    let value = if value.is_empty() { &own_etag } else { value };
    let listed = format!("{value}{parameters}; slo_etag={etag}");
    let headers = &mut request.headers;
    headers.remove(TRANSFER_ENCODING);
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(ETAG, header_value(&own_etag));
    headers.insert(LISTED_ETAG, header_value(&listed));
    headers.insert(HeaderName::from_static(SLO_ETAG), header_value(etag));
    headers.insert(HeaderName::from_static(SLO_SIZE), total.into());
    headers.insert(X_STATIC_LARGE_OBJECT, HeaderValue::from_static("True"));
    request.body = Body::Bytes(Bytes::from(body));
}

/// The answer to `heartbeat=on`: a blank to begin with, as Swift sends while it works, and the report.
fn beat(format: &'static str, facts: &report::Facts<'_>, problems: &Problems) -> Response {
    let report = report::write(format, facts, problems, "upload");
    let mut response = Response::new(StatusCode::ACCEPTED);
    response.set(CONTENT_TYPE, format);
    let body = Bytes::from(format!(" \r\n\r\n{report}"));
    // In chunks, since whoever waits for signs of life is told so before the length is known.
    response.body = unmeasured(Body::Bytes(body));
    response
}

async fn beat_of(format: &'static str, response: Response) -> Response {
    let mut facts = vec![("Response Status", status_line(response.status).into())];
    if response.is_success() {
        let header = |name: HeaderName| response.header(name.as_str()).unwrap_or("").into();
        facts.push(("Etag", header(ETAG)));
        facts.push(("Last Modified", header(LAST_MODIFIED)));
    }
    let body = response
        .body
        .collect(MAX_MANIFEST_SIZE)
        .await
        .unwrap_or_default();
    facts.push(("Response Body", String::from_utf8_lossy(&body).into()));
    beat(format, &facts, &Problems::new())
}
