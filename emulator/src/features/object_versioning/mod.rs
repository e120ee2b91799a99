//! Versions of objects (`swift/common/middleware/versioned_writes/object_versioning.py`).
//!
//! In: `X-Versions-Enabled: true|false` on PUT and POST of a container; `?version-id=<id>|null` on GET, HEAD, PUT (makes
//! an older version the current one), DELETE and OPTIONS of an object; `?versions`, `marker` and `version_marker` on GET
//! of a container. Out: `X-Versions-Enabled: True|False`, `X-Object-Version-Id`, `X-Object-Current-Version-Id`.
//!
//! The bytes of every version live in a container of a name that clients cannot say, `\0versions\0<container>`, called
//! `\0<object>\0<time it was written, counted backwards>`, so that the newest comes first. The container itself holds a
//! link to the current one, which the symlink feature follows. What was written before versions were kept, or while
//! they were not, is no link and has the version `null`. A DELETE takes the link away and leaves a delete marker.
//!
//! Statuses: 400 for a version that cannot be one, POST to a version, or versions of a container that has none; 404 for
//! a delete marker; 406 for `?versions` in anything but JSON; 409 for DELETE of a container with versions in it; 412
//! where a delete marker cannot be kept.
//!
//! Kept as `X-Container-Sysmeta-Versions-Enabled` and `-Container`, and on links `X-Object-Sysmeta-Versions-Symlink`.

mod account;
mod container;
mod names;
mod object;
mod versions_listing;

use http::{HeaderName, Method, StatusCode};

use crate::core::Core;
use crate::message::{Request, Response};
use crate::path::{Kind, Resource};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::store::Metadata;

/// What clients switch versions on and off with.
const ENABLED: HeaderName = HeaderName::from_static("x-versions-enabled");
const SYSMETA_ENABLED: HeaderName = HeaderName::from_static("x-container-sysmeta-versions-enabled");
/// The name of the container that holds the versions, percent-encoded.
const SYSMETA_CONTAINER: HeaderName =
    HeaderName::from_static("x-container-sysmeta-versions-container");
const VERSION_ID: HeaderName = HeaderName::from_static("x-object-version-id");

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    if request.path.as_str().contains('\0') {
        // Already one of the hidden names, or no name at all.
        return false;
    }
    if request.path.kind() == Some(Kind::Object) {
        let container = request.path.found_container(&core.store);
        return container
            .is_some_and(|container| names::versions_in(&container.metadata()).is_some())
            || version_id(request).is_some();
    }
    let was_versioned =
        |account: &str, container: &str| names::versions_of(core, account, container).is_some();
    match request.path.named() {
        Some(Resource::Account(account)) => {
            request.method == Method::GET && account::has_versions(core, account)
        }
        Some(Resource::Container(account, container)) => match request.method {
            Method::PUT | Method::POST => request.headers.contains_key(ENABLED),
            Method::GET | Method::HEAD => {
                request.query.has("versions")
                    || core
                        .store
                        .container(account, container)
                        .is_some_and(|container| {
                            container.metadata_value(SYSMETA_ENABLED.as_str()).is_some()
                        })
            }
            Method::DELETE => was_versioned(account, container),
            _ => false,
        },
        Some(Resource::Object(..)) | None => false,
    }
}

/// Whether the metadata of a container say that it has, or ever had, versions.
pub(crate) fn has_say(container: &Metadata) -> bool {
    names::versions_in(container).is_some()
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    match request.path.resource()? {
        Resource::Account(_) => account::list(request, next).await,
        Resource::Container(..) => match request.method {
            Method::PUT | Method::POST => container::enable(request, next).await,
            Method::DELETE => container::delete(request, next).await,
            _ => container::read(request, next).await,
        },
        Resource::Object(..) => object::handle(request, next).await,
    }
}

/// The version that a request names; an empty one is none.
fn version_id(request: &Request) -> Option<String> {
    let id = request.query.get("version-id")?;
    (!id.is_empty()).then(|| id.into_owned())
}

/// What the failure of a request in between means for the client: its own answer, but 412 for 404 and 503 for 5xx.
fn failed(response: Response) -> Reply {
    if response.status == StatusCode::NOT_FOUND {
        Err(Reject::precondition_failed())
    } else if response.status.is_client_error() {
        Ok(response)
    } else {
        Err(Reject::new(StatusCode::SERVICE_UNAVAILABLE))
    }
}
