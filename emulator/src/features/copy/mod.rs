//! Copies objects on the server (`swift/common/middleware/copy.py`).
//!
//! `COPY /v1/account/container/object` with `Destination: container/object` and perhaps `Destination-Account`, or PUT
//! with `X-Copy-From: container/object` and perhaps `X-Copy-From-Account`; all of them percent-encoded. The source is
//! read and the copy is written through the rest of the pipeline, so the rights to both are checked there. `Range` and
//! the other conditions of the request apply to the source, and so do `multipart-manifest=get`, `symlink=get` and
//! `version-id`.
//!
//! The copy takes over the source's metadata, to which the request's own headers are added, or with
//! `X-Fresh-Metadata: true` nothing but the request's. A whole object's `ETag` is checked again as it is written.
//!
//! Out: what the PUT answers, with `X-Copied-From`, `X-Copied-From-Account`, `X-Copied-From-Last-Modified`,
//! `X-Copied-From-Version-Id`, and the metadata of the copy. With `?heartbeat=true` 202, and the outcome in the body as
//! plain text or JSON (`Accept`). Ours comes in one piece: no copy in memory takes so long that the connection must be
//! kept awake.
//!
//! 412 where the headers name no object, 400 where there is a body, 413 where the source is too long or of unknown
//! length; any failure to read the source is the answer itself.

mod heartbeat;

use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_METHODS, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::headers::find;
use crate::message::{Request, Response, header_value};
use crate::path::{Kind, Path, Resource, quote};
use crate::path_header;
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};

const COPY: &str = "COPY";
const OVERRIDE: &str = "x-object-sysmeta-container-update-override-";

pub(crate) fn applies(request: &Request) -> bool {
    let asked = match request.method.as_str() {
        COPY | "OPTIONS" => true,
        "PUT" => find(&request.headers, "x-copy-from").is_some_and(|source| !source.is_empty()),
        _ => false,
    };
    asked && matches!(request.path.kind(), Some(Kind::Object))
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    match request.method.as_str() {
        "OPTIONS" => Ok(add_to_methods(next.run(request).await)),
        COPY => copy(turned_around(request)?, next).await,
        _ => copy(request, next).await,
    }
}

/// Says that objects can be copied, too.
fn add_to_methods(mut response: Response) -> Response {
    if response.is_success() {
        for name in [ALLOW, ACCESS_CONTROL_ALLOW_METHODS] {
            if let Some(methods) = response.header(name.as_str())
                && !methods.contains(COPY)
            {
                let methods = format!("{methods}, {COPY}");
                response.set(name, &methods);
            }
        }
    }
    response
}

/// A COPY to somewhere as the PUT from somewhere that it amounts to.
fn turned_around(mut request: Request) -> Result<Request, Reject> {
    let (account, container, object) = names(&request)?;
    let source = format!("/{container}/{object}");
    let (destination_container, destination_object) = request
        .headers
        .get("destination")
        .filter(|destination| !destination.is_empty())
        .ok_or_else(|| {
            Reject::html(
                StatusCode::PRECONDITION_FAILED,
                "Destination header required",
            )
        })
        .and_then(|destination| named_by("Destination", destination))?;
    let other_account = request
        .headers
        .get("destination-account")
        .map(path_header::account)
        .transpose()?;
    let path = Path::object(
        other_account.as_deref().unwrap_or(account),
        &destination_container,
        &destination_object,
    );
    if other_account.is_some() {
        let account = header_value(&quote(account));
        request.headers.insert("x-copy-from-account", account);
    }
    request.headers.remove("destination");
    request.headers.remove("destination-account");
    request
        .headers
        .insert("x-copy-from", header_value(&quote(&source)));
    request.headers.insert(CONTENT_LENGTH, 0.into());
    request.method = Method::PUT;
    request.path = path.into();
    Ok(request)
}

fn names(request: &Request) -> Result<(&str, &str, &str), Reject> {
    match request.path.named() {
        Some(Resource::Object(account, container, object)) => Ok((account, container, object)),
        _ => Err(Reject::not_found()),
    }
}

/// Container and object that a header names.
fn named_by(header: &str, value: &HeaderValue) -> Result<(String, String), Reject> {
    path_header::object(value).ok_or_else(|| {
        Reject::html(
            StatusCode::PRECONDITION_FAILED,
            format!("{header} header must be of the form <container name>/<object name>"),
        )
    })
}

async fn copy(request: Request, next: Next<'_>) -> Reply {
    let length = request.header(CONTENT_LENGTH.as_str());
    if length.is_some_and(|length| length.bytes().any(|digit| digit != b'0')) {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "Copy requests require a zero byte body",
        ));
    }
    let from = Source::named_by(&request)?;
    let source = next.run(from.read(&request)).await;
    if source.status.as_u16() >= 300 {
        return Ok(source);
    }
    let limit = next.core().flavour.limits.max_file_size;
    let length = source
        .header(CONTENT_LENGTH.as_str())
        .and_then(|length| length.parse::<u64>().ok())
        .filter(|length| *length <= limit)
        .ok_or_else(|| Reject::new(StatusCode::PAYLOAD_TOO_LARGE))?;

    let heartbeat = request.query.is_true("heartbeat");
    let accept = request.headers.get(ACCEPT).cloned();
    let mut answer = from.answer(&source);
    let put = written(request, source, length);
    let copied = put
        .headers
        .iter()
        .filter(|(name, _)| is_told(name.as_str()));
    answer.extend(copied.map(|(name, value)| (name.clone(), value.clone())));

    let mut response = next.run(put).await;
    if heartbeat {
        return Ok(heartbeat::outcome(response, answer, &from.text(), accept.as_ref()).await);
    }
    if response.is_success() {
        response.headers.extend(answer);
    }
    Ok(response)
}

/// What is copied.
struct Source {
    account: String,
    container: String,
    object: String,
}

impl Source {
    fn named_by(request: &Request) -> Result<Self, Reject> {
        let (account, _, _) = names(request)?;
        let account = match request.headers.get("x-copy-from-account") {
            Some(account) if !account.is_empty() => path_header::account(account)?,
            _ => account.to_owned(),
        };
        let (container, object) = request
            .headers
            .get("x-copy-from")
            .ok_or_else(Reject::precondition_failed)
            .and_then(|source| named_by("X-Copy-From", source))?;
        Ok(Self {
            account,
            container,
            object,
        })
    }

    /// The request that reads it, with all that `request` asks for.
    fn read(&self, request: &Request) -> Request {
        let path = Path::object(&self.account, &self.container, &self.object);
        let mut read = request.sub(Method::GET, path);
        read.headers = request.headers.clone();
        read.headers.remove(TRANSFER_ENCODING);
        read.headers.insert(CONTENT_LENGTH, 0.into());
        read.headers
            .insert("x-newest", HeaderValue::from_static("true"));
        read.query = if takes_manifest(request) {
            // A manifest in the form in which it can be put.
            request.query.with("format", "raw")
        } else {
            request.query.clone()
        };
        read
    }

    /// Container and object as the answer names them.
    fn text(&self) -> String {
        quote(&format!("{}/{}", self.container, self.object))
    }

    /// The headers that tell where the copy comes from.
    fn answer(&self, source: &Response) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-copied-from-account", header_value(&quote(&self.account)));
        headers.insert("x-copied-from", header_value(&self.text()));
        if let Some(modified) = source.headers.get(LAST_MODIFIED) {
            headers.insert("x-copied-from-last-modified", modified.clone());
        }
        if let Some(version) = source.headers.get("x-object-version-id") {
            headers.insert("x-copied-from-version-id", version.clone());
        }
        headers
    }
}

fn takes_manifest(request: &Request) -> bool {
    request.query.get("multipart-manifest").as_deref() == Some("get")
}

/// Turns the request into the PUT of what was read.
fn written(mut request: Request, source: Response, length: u64) -> Request {
    let takes_manifest = takes_manifest(&request);
    let is_static_manifest = source.headers.contains_key("x-static-large-object");
    let manifest = source.headers.get("x-object-manifest").cloned();
    let own_type = request
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|own| !own.is_empty());

    if request.header_is_true("x-fresh-metadata") {
        let system = source
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-object-sysmeta-"));
        for (name, value) in system {
            request.headers.entry(name).or_insert_with(|| value.clone());
        }
    } else {
        for (name, value) in &source.headers {
            if !is_left_behind(name.as_str()) {
                request.headers.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    let headers = &mut request.headers;
    headers.remove("x-copy-from");
    headers.remove("x-copy-from-account");
    headers.remove(TRANSFER_ENCODING);
    headers.insert(CONTENT_LENGTH, length.into());
    if !own_type && let Some(content_type) = source.headers.get(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, content_type.clone());
    }

    // Only a whole object's own bytes have its ETag: not a part, not the segments of a large object, not a manifest
    // that is checked and written anew.
    let is_whole = source.status == StatusCode::OK
        && !is_static_manifest
        && (manifest.is_none() || takes_manifest);
    if is_whole {
        if let Some(etag) = source.header(ETAG.as_str()) {
            headers.insert(ETAG, header_value(etag.trim_matches('"')));
        }
    } else {
        let overrides: Vec<HeaderName> = headers
            .keys()
            .filter(|name| name.as_str().starts_with(OVERRIDE))
            .cloned()
            .collect();
        for name in overrides {
            headers.remove(name);
        }
    }

    if takes_manifest {
        if is_static_manifest {
            request.query = request.query.with("multipart-manifest", "put");
        }
        if let Some(manifest) = manifest {
            request.query = request.query.without("multipart-manifest");
            request.headers.insert("x-object-manifest", manifest);
        }
    }
    if request.query.has("version-id") {
        request.query = request.query.without("version-id");
    }
    request.body = source.body;
    request
}

/// Headers of the source that mean the source alone.
fn is_left_behind(name: &str) -> bool {
    matches!(
        name,
        "x-static-large-object"
            | "x-object-manifest"
            | "etag"
            | "content-type"
            | "x-timestamp"
            | "x-backend-timestamp"
    )
}

/// Metadata of the copy that the answer repeats.
fn is_told(name: &str) -> bool {
    name.starts_with("x-object-meta-")
        || name.starts_with("x-object-sysmeta-")
        || name.starts_with("x-object-transient-sysmeta-")
        || name == "x-delete-at"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_source_alone_stays_behind() {
        for (name, stays) in [
            ("etag", true),
            ("x-timestamp", true),
            ("x-object-manifest", true),
            ("content-encoding", false),
            ("x-object-meta-etag", false),
            ("x-delete-at", false),
        ] {
            assert_eq!(is_left_behind(name), stays, "{name}");
        }
    }
}
