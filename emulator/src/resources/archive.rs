//! What every kind of versioning does: keeps an object under another name, and marks that one was deleted.
//!
//! Objects are immutable and share their bytes, so to keep one costs a few pointers, however large it is.

use http::StatusCode;

use super::{acl, container, object};
use crate::core::Core;
use crate::message::Request;
use crate::path::Resource;
use crate::reject::Reject;
use crate::store::{Etag, MediaType, Object, Stored};

/// The type of an object that says: here one was deleted. Clients cannot set it, Swift cuts its parameter off.
pub(crate) const DELETE_MARKER: &str = "application/x-deleted;swift_versions_deleted=1";

pub(crate) fn is_delete_marker(object: &Object) -> bool {
    object.content_type.as_bytes() == DELETE_MARKER.as_bytes()
}

/// Refuses whoever may not write to the container that the request names, before anything is kept on their behalf.
pub(crate) fn authorize_write(request: &Request, core: &Core) -> Result<(), Reject> {
    let resource = request.path.resource()?;
    let list = resource.container().and_then(|container| {
        container::access_list(core, resource.account(), container, "x-container-write")
    });
    acl::authorize(request, core, list.as_deref()).map(drop)
}

/// Puts a copy of an object at a place, written now.
///
/// 404 where the container is not there, 400 where the name is too long; something newer stays in place.
pub(crate) fn keep(core: &Core, place: Resource<'_>, object: &Object) -> Result<(), Reject> {
    let name = place.object().unwrap_or("");
    if name.len() > core.flavour.limits.max_object_name_length {
        return Err(Reject::bad_request());
    }
    let container = core
        .store
        .container(place.account(), place.container().unwrap_or(""))
        .ok_or_else(Reject::not_found)?;
    let now = core.clock.timestamp();
    let copy = Object {
        created: now,
        modified: now,
        ..object.clone()
    };
    match object::put_into(core, place, &container, copy, |_| Ok(())) {
        Err(refused) if refused.status != StatusCode::ACCEPTED => Err(refused),
        _ => Ok(()),
    }
}

/// Puts a delete marker at a place, as [`keep`] puts an object.
pub(crate) fn mark_deleted(core: &Core, place: Resource<'_>) -> Result<(), Reject> {
    let now = core.clock.timestamp();
    let marker = Object {
        created: now,
        modified: now,
        content_type: MediaType::of(DELETE_MARKER),
        etag: Etag::EMPTY,
        body: Stored::from_chunks(Vec::new()),
        extra: None,
    };
    keep(core, place, &marker)
}
