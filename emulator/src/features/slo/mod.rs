//! Static large objects (`swift/common/middleware/slo.py`): a manifest that lists its segments one by one.
//!
//! PUT with `?multipart-manifest=put` takes a JSON list of `{"path", "etag", "size_bytes", "range"}` (all but the path
//! optional) and `{"data"}` (base64), sees that each segment is there and as described, and stores the manifest. The
//! ETag of the large object is MD5 over those of its segments; sent along, it is checked (422). A manifest that is
//! malformed, or whose segments are not as described, is a 400 that lists what is wrong with each. 413 beyond
//! [`MAX_SEGMENTS`] or [`MAX_MANIFEST_SIZE`], 405 with `X-Copy-From`. With `heartbeat=on` the answer is 202 and the real
//! one stands in the body.
//!
//! GET and HEAD serve the segments as one object, with `X-Static-Large-Object`, `X-Manifest-Etag`, conditions and ranges;
//! `?part-number=N` serves one segment (206, 416 beyond the last) and tells `X-Parts-Count`;
//! `?multipart-manifest=get` shows the manifest, with `format=raw` as it could be sent again. 409 if the first segment
//! that is needed is not what it was; if a later one is not, the answer is cut short.
//!
//! DELETE with `?multipart-manifest=delete` deletes the segments and then the manifest, and reports as bulk deletes do;
//! with `async=on` it answers 204, and what Swift leaves to its expirer is deleted at once.
//!
//! Listings show the size of the whole and, in JSON, `slo_etag`; totals count the manifest only. To send
//! `X-Static-Large-Object` with any other request is a 400.

mod delete;
pub(crate) mod manifest;
mod put;
mod read;

use http::{HeaderMap, Method, StatusCode};

use crate::core::Core;
use crate::headers::X_STATIC_LARGE_OBJECT;
use crate::listing::{Entry, ObjectEntry};
use crate::message::{Request, Response, header_text};
use crate::path::{Kind, Resource};
use crate::pipeline::Next;
use crate::query::truthy;
use crate::reject::{Reject, Reply};
use crate::resources::object::is_plain;

/// The most segments that are objects in one manifest.
pub(crate) const MAX_SEGMENTS: usize = 1000;
/// The longest manifest that a client may send, in bytes.
pub(crate) const MAX_MANIFEST_SIZE: usize = 8 * 1024 * 1024;

/// What a manifest may have grown to when it is stored, in bytes: each entry tells a little more than was sent.
const MAX_STORED_SIZE: usize = 4 * MAX_MANIFEST_SIZE;

const SLO_ETAG: &str = "x-object-sysmeta-slo-etag";
const SLO_SIZE: &str = "x-object-sysmeta-slo-size";

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    match request.path.kind() {
        Some(Kind::Object) => {
            if request.is_read() {
                return !is_plain(request, core) || manifest_parameter(request).is_some();
            }
            manifest_parameter(request).is_some()
                || request.headers.contains_key(X_STATIC_LARGE_OBJECT)
        }
        Some(Kind::Container) => request.method == Method::GET,
        Some(Kind::Account) | None => false,
    }
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    if request.path.named().and_then(Resource::object).is_none() {
        return Ok(list(next.run(request).await));
    }
    if request.is_read() {
        return read::read(request, next).await;
    }
    match manifest_parameter(&request).as_deref() {
        Some("put") if request.method == Method::PUT => put::put(request, next).await,
        Some("delete") if request.method == Method::DELETE => delete::delete(request, next).await,
        _ if request.headers.contains_key(X_STATIC_LARGE_OBJECT) => Err(Reject::html(
            StatusCode::BAD_REQUEST,
            "X-Static-Large-Object is a reserved header. To create a static large object add query param \
             multipart-manifest=put.",
        )),
        _ => Ok(next.run(request).await),
    }
}

fn manifest_parameter(request: &Request) -> Option<std::borrow::Cow<'_, str>> {
    request.query.get("multipart-manifest")
}

fn is_slo(headers: &HeaderMap) -> bool {
    header_text(headers, X_STATIC_LARGE_OBJECT).is_some_and(truthy)
}

/// Takes the ETags of large objects out of the hashes they were stored with.
fn list(mut response: Response) -> Response {
    if let Some(listing) = &mut response.listing {
        for entry in &mut listing.entries {
            if let Entry::Object(object) = entry
                && object.hash.has_parameters()
            {
                show_etag(object);
            }
        }
    }
    response
}

fn show_etag(object: &mut ObjectEntry) {
    let mut etag = None;
    let mut kept = String::with_capacity(object.hash.len());
    for (index, part) in object.hash.split(';').map(str::trim).enumerate() {
        if let Some(value) = part.strip_prefix("slo_etag=") {
            etag = Some(format!("\"{value}\""));
        } else {
            if index > 0 {
                kept.push_str("; ");
            }
            kept.push_str(part);
        }
    }
    if let Some(etag) = etag {
        object.hash = kept.into();
        object.extra.push(("slo_etag", etag.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_show_the_etag_of_the_whole_beside_that_of_the_manifest() {
        let mut object = ObjectEntry {
            name: "o".into(),
            hash: "abc; slo_etag=def; symlink_target=/c/o".to_owned().into(),
            bytes: 1,
            content_type: "t".into(),
            last_modified: crate::timestamp::Timestamp::default(),
            extra: Vec::new(),
        };
        show_etag(&mut object);
        assert_eq!(&*object.hash, "abc; symlink_target=/c/o");
        assert_eq!(object.extra, [("slo_etag", "\"def\"".into())]);
    }
}
