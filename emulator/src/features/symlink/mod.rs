//! Objects that stand for another (`swift/common/middleware/symlink.py`).
//!
//! In: PUT with `X-Symlink-Target: container/object` and perhaps `X-Symlink-Target-Account`, percent-encoded, and no
//! body. With `X-Symlink-Target-Etag` the link is static: its target must be there with that `ETag`, now and at every
//! read. GET and HEAD answer with the target, and with `Content-Location`, which names the last object on the way; with
//! `?symlink=get` they answer with the link itself. POST writes to the link and answers 307 with the target's
//! `Location`. DELETE removes the link.
//!
//! Out: `X-Symlink-Target`, `X-Symlink-Target-Account`, `X-Symlink-Target-Etag`, `X-Symlink-Target-Bytes` of the link
//! itself; `symlink_path`, `symlink_etag` and `symlink_bytes` in JSON listings.
//!
//! 400 for a body, a link to itself or a malformed `ETag`, 412 for a malformed target (for one that is not UTF-8 as well,
//! where Swift makes a link that answers 412), 409 where a static link's target is missing or has changed and where there
//! are more than two links in a row.
//!
//! A link is an object of zero bytes with `X-Object-Sysmeta-Symlink-*`. The same facts stand behind the hash that its
//! container lists (`hash; symlink_target=…; …`), where the listing finds them. Features that make links of their own
//! set `X-Object-Sysmeta-Symloop-Extend` to have them not counted, and `X-Object-Sysmeta-Allow-Reserved-Names` to let
//! them point to names that are Swift's own and that nobody is asked the rights for.

mod listing;
mod make;
mod read;

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::core::Core;
use crate::headers::find;
use crate::message::{Request, header_text};
use crate::path::{Kind, Path, Resource, quote};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::resources::object::is_plain;

/// Links in a row that a read follows.
pub(crate) const SYMLOOP_MAX: u32 = 2;

const TARGET: &str = "x-symlink-target";
const TARGET_ACCOUNT: &str = "x-symlink-target-account";
const TARGET_ETAG: &str = "x-symlink-target-etag";

const STORED_TARGET: &str = "x-object-sysmeta-symlink-target";
const STORED_ACCOUNT: &str = "x-object-sysmeta-symlink-target-account";
const STORED_ETAG: &str = "x-object-sysmeta-symlink-target-etag";
const STORED_BYTES: &str = "x-object-sysmeta-symlink-target-bytes";
const STORED_PREFIX: &str = "x-object-sysmeta-";

const EXTEND: &str = "x-object-sysmeta-symloop-extend";
const ALLOW_RESERVED: &str = "x-object-sysmeta-allow-reserved-names";
const LISTED_HASH: &str = "x-object-sysmeta-container-update-override-etag";

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    match request.path.kind() {
        Some(Kind::Object) => match request.method {
            Method::GET | Method::HEAD => !is_plain(request, core),
            Method::POST => true,
            Method::PUT => find(&request.headers, TARGET).is_some(),
            _ => false,
        },
        Some(Kind::Container) => request.method == Method::GET,
        _ => false,
    }
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    if request.path.named().and_then(Resource::object).is_none() {
        return Ok(listing::list(request, next).await);
    }
    match request.method {
        Method::PUT => make::put(request, next).await,
        Method::POST => post(request, next).await,
        _ if request.query.get("symlink").as_deref() == Some("get") => {
            let mut response = next.run(request).await;
            show_target(&mut response.headers);
            Ok(response)
        }
        // Whoever reads what is no link pays for nothing but this look.
        _ if !is_link(&request, next.core()) => {
            let response = next.run(request).await;
            if response.headers.contains_key(STORED_TARGET) {
                // Made a link between the look and the read.
                return Err(Reject::new(StatusCode::SERVICE_UNAVAILABLE));
            }
            Ok(response)
        }
        _ => read::follow(request, None, read::Links::All, next).await,
    }
}

fn is_link(request: &Request, core: &Core) -> bool {
    let Some(Resource::Object(account, container, object)) = request.path.named() else {
        return false;
    };
    core.store
        .container(account, container)
        .and_then(|container| container.stored_object(object))
        .is_some_and(|object| object.header(STORED_TARGET).is_some())
}

/// Tells a client what a link names.
fn show_target(headers: &mut HeaderMap) {
    for (stored, shown) in [
        (STORED_TARGET, TARGET),
        (STORED_ACCOUNT, TARGET_ACCOUNT),
        (STORED_ETAG, TARGET_ETAG),
        (STORED_BYTES, "x-symlink-target-bytes"),
    ] {
        if let Some(value) = headers.remove(stored) {
            headers.insert(shown, value);
        }
    }
}

/// Writes metadata to what is named, and says so if that is a link.
async fn post(request: Request, next: Next<'_>) -> Reply {
    if request.headers.contains_key(TARGET) {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "A PUT request is required to set a symlink target",
        ));
    }
    let path = request.path.clone();
    let response = next.run(request).await;
    let Some(location) = target_path(&response.headers, &path).filter(|_| response.is_success())
    else {
        return Ok(response);
    };
    let mut redirect = Reject::html(
        StatusCode::TEMPORARY_REDIRECT,
        "The requested POST was applied to a symlink. POST directly to the target to apply requested metadata.",
    )
    .into_response();
    redirect.set(LOCATION, &location);
    if let Some(etag) = response.headers.get(STORED_ETAG) {
        redirect.headers.insert(TARGET_ETAG, etag.clone());
    }
    let system = response
        .headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _): &(HeaderName, _)| name.as_str().starts_with(STORED_PREFIX));
    redirect.headers.extend(system);
    Ok(redirect)
}

/// The percent-encoded path that a link names, if these are the headers of a link. `link` is its own path.
fn target_path(headers: &HeaderMap, link: &Path) -> Option<String> {
    let target = header_text(headers, STORED_TARGET)?;
    let account = header_text(headers, STORED_ACCOUNT).map_or_else(
        || link.named().map(|named| quote(named.account())),
        |account| Some(account.to_owned()),
    )?;
    Some(format!(
        "/{}/{account}/{}",
        link.version(),
        target.trim_start_matches('/')
    ))
}

/// 409, and where the object is that it is about.
fn conflict_at(text: String, location: Option<&str>) -> Reject {
    Reject::plain(StatusCode::CONFLICT, text).header(CONTENT_LOCATION, location.unwrap_or(""))
}
