//! Limits that a container's owner sets on it (`swift/common/middleware/container_quotas.py`).
//!
//! In: `X-Container-Meta-Quota-Bytes` and `X-Container-Meta-Quota-Count` on PUT and POST of the container; 400 where they
//! are no numbers. A PUT of an object that would go beyond is refused with 413 before its body is read. What it would
//! replace does not count in its favour, and a body of unknown length counts as nothing.

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};

use crate::core::Core;
use crate::message::Request;
use crate::path::{Kind, Path, Resource};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::resources::acl;
use crate::store::Container;

const BYTES: &str = "x-container-meta-quota-bytes";
const COUNT: &str = "x-container-meta-quota-count";

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    match request.path.kind() {
        Some(Kind::Container) => {
            (request.method == Method::PUT || request.method == Method::POST)
                && [BYTES, COUNT]
                    .iter()
                    .any(|name| request.headers.contains_key(*name))
        }
        // Most containers have no quota.
        Some(Kind::Object) => {
            request.method == Method::PUT
                && request
                    .path
                    .found_container(&core.store)
                    .is_some_and(|container| {
                        quota(container, BYTES).is_some() || quota(container, COUNT).is_some()
                    })
        }
        _ => false,
    }
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    match request.path.named() {
        Some(Resource::Object(account, container, _)) => {
            let container = next.core().store.container(account, container);
            if let Some(container) = container
                && is_exceeded(&request, &container, next).await
            {
                return Err(refuse(&request, &container, next.core()));
            }
        }
        _ => check(&request)?,
    }
    Ok(next.run(request).await)
}

/// Whether the quotas of a request are numbers, or empty to remove them.
fn check(request: &Request) -> Result<(), Reject> {
    for (name, message) in [
        (BYTES, "Invalid bytes quota."),
        (COUNT, "Invalid count quota."),
    ] {
        if let Some(value) = request.headers.get(name)
            && !value.as_bytes().iter().all(u8::is_ascii_digit)
        {
            return Err(Reject::html(StatusCode::BAD_REQUEST, message));
        }
    }
    Ok(())
}

async fn is_exceeded(request: &Request, container: &Container, next: Next<'_>) -> bool {
    let (bytes, count) = (quota(container, BYTES), quota(container, COUNT));
    let length: u64 = request
        .header(CONTENT_LENGTH.as_str())
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let (objects, used) = used(request, next).await;
    bytes.is_some_and(|quota| quota < used.saturating_add(length))
        || count.is_some_and(|quota| quota < objects.saturating_add(1))
}

/// Objects and bytes as a HEAD of the container tells them: versions kept elsewhere count as its own.
async fn used(request: &Request, next: Next<'_>) -> (u64, u64) {
    let Some(Resource::Object(account, container, _)) = request.path.named() else {
        return (0, 0);
    };
    let head = request.pre_authorized(Method::HEAD, Path::container(account, container));
    let response = next.run(head).await;
    let number = |name: &str| {
        let number = response.header(name).and_then(|text| text.parse().ok());
        number.unwrap_or(0)
    };
    (
        number("x-container-object-count"),
        number("x-container-bytes-used"),
    )
}

/// A quota of the container, if it has one. More than fits is no limit.
fn quota(container: &Container, name: &str) -> Option<u64> {
    let value = container.metadata_value(name)?;
    let text = value.to_str().ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Whoever may not write at all is told that, and learns nothing of the container.
fn refuse(request: &Request, container: &Container, core: &Core) -> Reject {
    let list = container.metadata_value("x-container-write");
    let list = list
        .as_ref()
        .and_then(|list| std::str::from_utf8(list.as_bytes()).ok());
    match acl::authorize(request, core, list) {
        Ok(_) => Reject::html(StatusCode::PAYLOAD_TOO_LARGE, "Upload exceeds quota."),
        Err(refusal) => refusal,
    }
}
