//! Containers: versions on and off, totals, listings, DELETE.

use http::{HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::versions_listing::{self, Wanted};
use super::{ENABLED, SYSMETA_CONTAINER, SYSMETA_ENABLED, failed, names};
use crate::listing::{Entry, ObjectEntry};
use crate::message::{Request, header_value};
use crate::path::{Path, Resource, quote};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::resources::acl;

const BYTES_USED: HeaderName = HeaderName::from_static("x-container-bytes-used");

/// Account and container of a path that names a container.
fn names_of(request: &Request) -> Result<(String, String), Reject> {
    let resource = request.path.resource()?;
    let container = resource.container().unwrap_or("");
    Ok((resource.account().to_owned(), container.to_owned()))
}

/// PUT and POST with `X-Versions-Enabled`.
pub(super) async fn enable(mut request: Request, next: Next<'_>) -> Reply {
    let core = next.core();
    let (account, name) = names_of(&request)?;
    let found = core.store.container(&account, &name);
    let says = |header: &str| {
        found
            .as_ref()
            .and_then(|container| container.metadata_value(header))
            .is_some_and(|value| !value.is_empty())
    };
    let refuse = |text: &'static str| Err(Reject::html(StatusCode::BAD_REQUEST, text));
    if says("x-container-sysmeta-versions-location") {
        return refuse(
            "Cannot enable object versioning on a container that is already using the legacy versioned writes feature.",
        );
    }
    if says("x-container-sync-to") {
        return refuse(
            "Cannot enable object versioning on a container configured as source of container syncing.",
        );
    }
    let enabled = request.header_is_true(ENABLED.as_str());
    request.headers.insert(
        SYSMETA_ENABLED,
        HeaderValue::from_static(if enabled { "True" } else { "False" }),
    );
    if !enabled {
        return Ok(next.run(request).await);
    }
    let hidden = names::versions_container(&name);
    let mut make = request.pre_authorized(Method::PUT, Path::container(&account, &hidden));
    make.allow_reserved_names = true;
    let policy = match &found {
        Some(container) => Some(HeaderValue::from_static(
            core.flavour.policies[container.policy],
        )),
        None => request.headers.get("x-storage-policy").cloned(),
    };
    if let Some(policy) = policy {
        make.headers.insert("x-storage-policy", policy);
    }
    let made = next.run(make).await;
    if !made.is_success() && made.status != StatusCode::CONFLICT {
        return failed(made);
    }
    request
        .headers
        .insert(SYSMETA_CONTAINER, header_value(&quote(&hidden)));
    let response = next.run(request).await;
    if !response.is_success()
        && made.status == StatusCode::CREATED
        && let Some(account) = core.store.account(&account)
    {
        account.remove_container(&hidden, core.clock.timestamp());
    }
    Ok(response)
}

/// DELETE: only with no versions left; takes the hidden container along.
pub(super) async fn delete(request: Request, next: Next<'_>) -> Reply {
    let core = next.core();
    acl::authorize(&request, core, None)?;
    let (account, name) = names_of(&request)?;
    let hidden = names::versions_of(core, &account, &name).unwrap_or_default();
    let has_versions = core
        .store
        .container(&account, &hidden)
        .is_some_and(|hidden| hidden.totals(request.received).0 > 0);
    if has_versions {
        return Err(Reject::html(
            StatusCode::CONFLICT,
            "Delete all versions before deleting container.",
        ));
    }
    let response = next.run(request).await;
    if response.is_success()
        && let Some(account) = core.store.account(&account)
    {
        account.remove_container(&hidden, core.clock.timestamp());
    }
    Ok(response)
}

/// GET and HEAD: the bytes of the versions count, and links look like what they lead to.
pub(super) async fn read(request: Request, next: Next<'_>) -> Reply {
    let core = next.core();
    let (account, name) = names_of(&request)?;
    let wanted = (request.method == Method::GET && request.query.has("versions"))
        .then(|| Wanted::new(&request));
    let received = request.received;
    let mut response = next.run(request).await;
    if let Some(enabled) = response.headers.get(SYSMETA_ENABLED).cloned() {
        response.headers.insert(ENABLED, enabled);
    }
    let hidden = names::versions_of(core, &account, &name)
        .unwrap_or_else(|| names::versions_container(&name));
    if let Some(container) = core.store.container(&account, &hidden)
        && let Some(own) = response.header(BYTES_USED.as_str())
        && let Ok(own) = own.parse::<u64>()
    {
        let (_, bytes) = container.totals(received);
        response.headers.insert(BYTES_USED, (own + bytes).into());
    }
    let Some(mut listing) = response.listing.take().filter(|_| response.is_success()) else {
        return Ok(response);
    };
    let mut links = Vec::with_capacity(listing.entries.len());
    for entry in &mut listing.entries {
        links.push(match entry {
            Entry::Object(entry) => show_target(entry, &hidden),
            _ => None,
        });
    }
    if let Some(wanted) = wanted {
        let current = listing.entries.into_iter().zip(links).collect();
        let hidden = Path::container(&account, &hidden);
        let merged = versions_listing::list(wanted?, next, hidden, name, current).await?;
        response.listing = Some(Box::new(merged));
        return Ok(response);
    }
    for (entry, link) in listing.entries.iter_mut().zip(links) {
        if let (Entry::Object(entry), Some(link)) = (entry, link)
            && let Some((object, id)) = names::parse(&link)
        {
            let path = quote(&format!("/v1/{account}/{name}/{object}"));
            set_extra(
                entry,
                "symlink_path",
                format!("{path}?version-id={id}").into(),
            );
        }
    }
    response.listing = Some(listing);
    Ok(response)
}

/// Gives a link to a version that version's size and `ETag`. Returns the version's name; `None` if it is no such link.
fn show_target(entry: &mut ObjectEntry, hidden: &str) -> Option<String> {
    let extra = |name: &str| {
        entry
            .extra
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    };
    let bytes = match extra("symlink_bytes")? {
        Value::String(bytes) => bytes.parse().ok()?,
        bytes => bytes.as_u64()?,
    };
    let etag = extra("symlink_etag")?.as_str()?.to_owned();
    let path = percent_decode_str(extra("symlink_path")?.as_str()?)
        .decode_utf8()
        .ok()?;
    let path = Path::new(path.into_owned());
    let Some(Resource::Object(_, container, name)) = path.named() else {
        return None;
    };
    if container != hidden {
        return None;
    }
    let parameters = entry.hash.find(';').map_or("", |at| &entry.hash[at..]);
    entry.hash = format!("{etag}{parameters}").into();
    entry.bytes = bytes;
    entry
        .extra
        .retain(|(name, _)| *name != "symlink_bytes" && *name != "symlink_etag");
    entry.extra.push(("version_symlink", Value::Bool(true)));
    Some(name.to_owned())
}

fn set_extra(entry: &mut ObjectEntry, name: &'static str, value: Value) {
    entry.extra.retain(|(found, _)| *found != name);
    entry.extra.push((name, value));
}
