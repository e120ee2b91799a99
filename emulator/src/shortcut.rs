//! The way of the request that is made most, past all features: somebody with a token reads an object that is what it is.
//!
//! A feature costs little to ask, but there are twenty, and together they take longer than all that is to be done. What would
//! make any of them act is looked for here at once; whoever gives a feature something more to act on must say so here.
//! Debug builds, and so all tests, ask each of them after all, and end where one of them would have acted.

use std::sync::Arc;

use crate::core::Core;
use crate::features::{etag_quoter, gatekeeper, object_versioning, tempauth};
use crate::glance::Glance;
use crate::message::{Grant, Request, Response};
use crate::path::Resource;
use crate::pipeline::Next;
use crate::reject::Reject;
use crate::resources::object;
use crate::store::{MetadataGuard, Object};

/// The answer, if this is such a request; `glance` is one at its headers. If not, nothing has changed, except that it may be
/// known by now who asks.
pub(crate) fn read(request: &mut Request, glance: Glance, core: &Arc<Core>) -> Option<Response> {
    let is_plain = glance.is_plain_read && request.is_read() && request.query.is_empty();
    if !is_plain || !glance.shows_token {
        return None;
    }
    let Ok(Resource::Object(account, container, name)) = request.path.resource() else {
        return None;
    };
    if request.path.as_str().contains('\0') {
        return None;
    }
    let (container, object) = look(account, container, name, core)?;
    if let Some(reply) = tempauth::enter(request, core) {
        return Some(reply.unwrap_or_else(Reject::into_response));
    }
    if !matches!(request.grant, Grant::User(_)) {
        return None;
    }
    debug_assert!(
        Next::all(core).first_to_act(request).is_none() || has_changed(request, core, &object),
        "a feature would have acted"
    );
    let reply = object::read_found(request, core, (&container, &object), glance.asks_part);
    let mut response = reply.unwrap_or_else(Reject::into_response);
    if !object.headers().is_empty() {
        gatekeeper::leave(&mut response.headers);
    }
    Some(response)
}

/// An object of which no feature has anything to say, nor of what it lies in, and the metadata of its container.
fn look(
    account: &str,
    container: &str,
    name: &str,
    core: &Core,
) -> Option<(MetadataGuard, Arc<Object>)> {
    core.store
        .with_account(account, |account| {
            account.with_container(container, |container| {
                let metadata = container.metadata();
                if etag_quoter::has_say(&account.metadata(), &metadata)
                    || object_versioning::has_say(&metadata)
                {
                    return None;
                }
                let object = container.stored_object(name)?;
                object.is_plain().then_some((metadata, object))
            })
        })?
        .flatten()
}

/// Whether somebody has changed what was found since it was found.
fn has_changed(request: &Request, core: &Core, found: &Arc<Object>) -> bool {
    let Ok(Resource::Object(account, container, name)) = request.path.resource() else {
        return true;
    };
    let again = look(account, container, name, core);
    again.is_none_or(|(_, object)| !Arc::ptr_eq(&object, found))
}
