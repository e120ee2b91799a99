//! Reading through links.

use http::StatusCode;
use http::header::{CONTENT_LOCATION, ETAG};

use super::{ALLOW_RESERVED, EXTEND, STORED_ETAG, SYMLOOP_MAX, conflict_at, target_path};
use crate::message::{Grant, Request};
use crate::path::Path;
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};

/// Which links a read goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    All,
    /// Only those that name their target's `ETag`.
    Static,
}

/// Reads what a request names, through links, to the object at their end.
///
/// `expected` is the `ETag` that the object, or the static link on the way to it, must have.
pub(super) async fn follow(
    mut request: Request,
    mut expected: Option<String>,
    links: Links,
    next: Next<'_>,
) -> Reply {
    // Of a static link that is being made, the target counts as reached by it.
    let mut location = expected.is_some().then(|| request.path.as_str().to_owned());
    let (grant, reserved) = (request.grant.clone(), request.allow_reserved_names);
    let mut followed = 0;
    loop {
        let again = repeated(&request, request.path.clone());
        let mut response = next.run(request).await;
        let pinned = response.header(STORED_ETAG).map(str::to_owned);
        let target = target_path(&response.headers, &again.path)
            .filter(|_| links == Links::All || pinned.is_some());
        let Some(target) = target else {
            if let Some(found) = response.header(ETAG.as_str())
                && let Some(expected) = &expected
                && found.trim_matches('"') != expected
            {
                let text = format!(
                    "Object Etag '{}' does not match X-Symlink-Target-Etag header '{expected}'",
                    found.trim_matches('"')
                );
                return Err(conflict_at(text, location.as_deref()));
            }
            if let Some(location) = location {
                response.set(CONTENT_LOCATION, &location);
            }
            return Ok(response);
        };
        if expected.is_some()
            && expected.as_deref() != pinned.as_deref().or(response.header(ETAG.as_str()))
        {
            let text = "X-Symlink-Target-Etag headers do not match".to_owned();
            return Err(conflict_at(text, location.as_deref()));
        }
        if followed >= SYMLOOP_MAX {
            return Err(Reject::plain(
                StatusCode::CONFLICT,
                format!("Too many levels of symbolic links, maximum allowed is {SYMLOOP_MAX}"),
            ));
        }
        if !response.header(EXTEND).is_some_and(crate::query::truthy) {
            followed += 1;
        }
        let path = Path::decode(&target).ok_or_else(|| {
            Reject::html(
                StatusCode::PRECONDITION_FAILED,
                "Invalid UTF8 or contains NULL",
            )
        })?;
        request = repeated(&again, path);
        // One link that needs no rights does not spare the next.
        (request.grant, request.allow_reserved_names) =
            if response.headers.contains_key(ALLOW_RESERVED) {
                (Grant::PreAuthorized, true)
            } else {
                (grant.clone(), reserved)
            };
        expected = pinned;
        location = Some(target);
    }
}

/// The same read of another path.
fn repeated(request: &Request, path: Path) -> Request {
    let mut repeated = request.sub(request.method.clone(), path);
    repeated.headers = request.headers.clone();
    repeated.query = request.query.clone();
    repeated
}
