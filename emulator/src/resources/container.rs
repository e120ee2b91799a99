//! Containers: GET and HEAD, PUT, POST, DELETE (`swift/proxy/controllers/container.py`, `swift/container/server.py`).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use http::header::{ACCEPT_RANGES, CONTENT_TYPE, LAST_MODIFIED};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::past::Past;
use super::receive::no_room;
use super::{acl, done, media_type, metadata, temp_url_keys};
use crate::core::Core;
use crate::listing::{Entry, Hash, Listing, ListingOf, ObjectEntry};
use crate::message::{Request, Response, header_value};
use crate::path::Resource;
use crate::reject::{Reject, Reply};
use crate::store::page::{Page, PageItem};
use crate::store::{Container, Object};
use crate::timestamp::Timestamp;

/// What part of a listing a request asks for, with the texts it refers to.
#[derive(Debug, Default)]
pub(crate) struct PageRequest {
    limit: usize,
    marker: String,
    end_marker: String,
    prefix: String,
    delimiter: String,
    path: Option<String>,
    reverse: bool,
    reserved: bool,
}

impl PageRequest {
    pub(crate) fn as_page(&self) -> Page<'_> {
        Page {
            limit: self.limit,
            marker: &self.marker,
            end_marker: &self.end_marker,
            prefix: &self.prefix,
            delimiter: &self.delimiter,
            path: self.path.as_deref(),
            reverse: self.reverse,
            reserved: self.reserved,
        }
    }
}

/// Reads a listing's parameters (`validate_params` in `swift/common/request_helpers.py`, `constrain_req_limit`).
pub(crate) fn page_of(request: &Request, core: &Core) -> Result<PageRequest, Reject> {
    let most = core.flavour.limits.listing_limit;
    let mut page = PageRequest {
        limit: most,
        reserved: request.allow_reserved_names,
        ..PageRequest::default()
    };
    if request.query.is_empty() {
        return Ok(page);
    }
    let text = |name: &str| -> Result<Option<String>, Reject> {
        if request.query.utf8(name) {
            Ok(request.query.get(name).map(std::borrow::Cow::into_owned))
        } else {
            Err(Reject::plain(
                StatusCode::BAD_REQUEST,
                format!("\"{name}\" parameter not valid UTF-8"),
            ))
        }
    };
    if let Some(limit) = text("limit")?
        && !limit.is_empty()
        && limit.bytes().all(|byte| byte.is_ascii_digit())
    {
        page.limit = limit.parse().unwrap_or(usize::MAX);
        if page.limit > most {
            return Err(Reject::html(
                StatusCode::PRECONDITION_FAILED,
                format!("Maximum limit is {most}"),
            ));
        }
    }
    page.marker = text("marker")?.unwrap_or_default();
    page.end_marker = text("end_marker")?.unwrap_or_default();
    page.prefix = text("prefix")?.unwrap_or_default();
    page.delimiter = text("delimiter")?.unwrap_or_default();
    page.path = text("path")?;
    page.reverse = request.query.is_true("reverse");
    Ok(page)
}

/// Account and container that a path names; both are there when this is called.
fn names(request: &Request) -> (&str, &str) {
    match request.path.named() {
        Some(Resource::Container(account, container) | Resource::Object(account, container, _)) => {
            (account, container)
        }
        Some(Resource::Account(account)) => (account, ""),
        None => ("", ""),
    }
}

/// The access list of one kind that the container has which a request names.
pub(crate) fn access_list_for(request: &Request, core: &Core, name: HeaderName) -> Option<String> {
    let container = request.path.found_container(&core.store)?;
    text(&container.metadata_value(name)?)
}

/// The container's access list of one kind, if it has one.
pub(crate) fn access_list(
    core: &Core,
    account: &str,
    container: &str,
    name: &str,
) -> Option<String> {
    let value = core
        .store
        .container(account, container)?
        .metadata_value(name)?;
    text(&value)
}

fn text(value: &HeaderValue) -> Option<String> {
    String::from_utf8(value.as_bytes().to_vec()).ok()
}

/// GET and HEAD.
pub(crate) fn read(request: &Request, core: &Core) -> Reply {
    let (account, name) = names(request);
    let found = core.store.container(account, name);
    let list = access_list(core, account, name, "x-container-read");
    let access = acl::authorize(request, core, list.as_deref())?;
    let wanted = page_of(request, core)?;
    let container = found.ok_or_else(Reject::not_found)?;
    let mut view = container.view(request.received);
    let past = request.listing_lag.map(|lag| {
        let now = request.received.system_time();
        let moment = Timestamp::from(now.checked_sub(lag).unwrap_or(UNIX_EPOCH));
        let gone = core.faults.history();
        Past::new(
            &container,
            gone.at(core.regions.here, account, name, moment),
            moment,
        )
    });
    if let Some(past) = &past {
        (view.objects, view.bytes) = past.totals();
    }
    let mut response = Response::new(StatusCode::OK);
    response.headers = view.metadata;
    let headers = &mut response.headers;
    headers.insert("x-container-object-count", view.objects.into());
    headers.insert("x-container-bytes-used", view.bytes.into());
    headers.insert("x-timestamp", header_value(&container.created.to_string()));
    headers.insert(LAST_MODIFIED, header_value(&view.changed.last_modified()));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        "x-storage-policy",
        HeaderValue::from_static(core.flavour.policies[container.policy]),
    );
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    metadata::hide_from_strangers(headers, access.owner);
    if request.method == Method::HEAD {
        response.status = StatusCode::NO_CONTENT;
        return Ok(response);
    }
    let item = |item: PageItem<'_, Arc<Object>>| match item {
        PageItem::Subdir(name) => Entry::Subdir(name.to_owned()),
        PageItem::Entry(name, object) => Entry::Object(entry(name, object)),
    };
    let entries = match &past {
        None => container.list(&wanted.as_page(), request.received, item),
        Some(past) => past.list(&wanted.as_page(), item),
    };
    response.listing = Some(Box::new(Listing {
        of: ListingOf::Container(name.to_owned()),
        entries,
    }));
    Ok(response)
}

fn entry(name: &str, object: &Object) -> ObjectEntry {
    ObjectEntry {
        name: name.into(),
        hash: object.listing().map_or_else(
            || Hash::Md5(object.etag.hex()),
            |listing| Hash::Text(listing.hash.clone()),
        ),
        bytes: object.shown_bytes(),
        // None of the common ones has parameters.
        content_type: object.content_type.common().map_or_else(
            || {
                let own = String::from_utf8_lossy(object.content_type.as_bytes());
                Cow::Owned(media_type::listed(&own))
            },
            Cow::Borrowed,
        ),
        last_modified: object.modified,
        extra: Vec::new(),
    }
}

/// Puts the access lists of a request into their canonical form.
fn clean_acls(request: &mut Request) -> Result<(), Reject> {
    for name in ["x-container-read", "x-container-write"] {
        let Some(value) = request.header(name) else {
            continue;
        };
        let clean = acl::clean_acl(name, value)
            .map_err(|error| Reject::html(StatusCode::BAD_REQUEST, error))?;
        request
            .headers
            .insert(HeaderName::from_static(name), header_value(&clean));
    }
    Ok(())
}

/// PUT: makes it, or merges metadata into it.
pub(crate) fn put(mut request: Request, core: &Core) -> Reply {
    let access = acl::authorize(&request, core, None)?;
    clean_acls(&mut request)?;
    metadata::check(&request.headers, "container", &core.flavour.limits)?;
    let asked = policy(&request, core)?;
    let (account, name) = names(&request);
    let limit = core.flavour.limits.max_container_name_length;
    if name.len() > limit {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            format!(
                "Container name length of {} longer than {limit}",
                name.len()
            ),
        ));
    }
    if core.store.is_removed_account(account) {
        return Err(Reject::new(StatusCode::SERVICE_UNAVAILABLE));
    }
    let now = core.clock.timestamp();
    let (account, made) = core.store.ensure_account(account, now);
    acl::keystone::keep_domain(&request, names(&request).0, &account, made);
    let (container, created) = account
        .ensure_container(name, asked.unwrap_or(0), now)
        .map_err(no_room)?;
    if asked.is_some_and(|asked| asked != container.policy) {
        return Err(Reject::conflict());
    }
    let updates = metadata::updates(&request.headers, "container", access.owner);
    update(&request, core, &container, now, updates)?;
    Ok(done(if created {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    }))
}

/// Takes over new metadata, if the whole is then no more than allowed.
fn update(
    request: &Request,
    core: &Core,
    container: &Container,
    now: Timestamp,
    updates: Vec<(HeaderName, HeaderValue)>,
) -> Result<(), Reject> {
    core.former_keys.during(
        &request.headers,
        names(request),
        core.clock.now(),
        || temp_url_keys::of_container(container),
        || {
            container.update(now, updates, |whole| {
                metadata::check_whole(whole, "container", &core.flavour.limits)
            })
        },
    )
}

/// The storage policy that a request names.
fn policy(request: &Request, core: &Core) -> Result<Option<usize>, Reject> {
    let Some(name) = request
        .header("x-storage-policy")
        .filter(|name| !name.is_empty())
    else {
        return Ok(None);
    };
    let found = core
        .flavour
        .policies
        .iter()
        .position(|policy| policy.eq_ignore_ascii_case(name));
    found.map(Some).ok_or_else(|| {
        Reject::plain(
            StatusCode::BAD_REQUEST,
            format!("Invalid X-Storage-Policy '{name}'"),
        )
    })
}

/// POST: merges metadata.
pub(crate) fn post(mut request: Request, core: &Core) -> Reply {
    let access = acl::authorize(&request, core, None)?;
    clean_acls(&mut request)?;
    metadata::check(&request.headers, "container", &core.flavour.limits)?;
    let (account, name) = names(&request);
    let container = core
        .store
        .container(account, name)
        .ok_or_else(Reject::not_found)?;
    let updates = metadata::updates(&request.headers, "container", access.owner);
    update(&request, core, &container, core.clock.timestamp(), updates)?;
    Ok(done(StatusCode::NO_CONTENT))
}

/// DELETE: only an empty one.
pub(crate) fn delete(request: &Request, core: &Core) -> Reply {
    acl::authorize(request, core, None)?;
    let (account, name) = names(request);
    let now = core.clock.timestamp();
    let container = core.store.container(account, name);
    if container.is_some_and(|container| container.changed() >= now) {
        // Written later than now, by a clock that was set back: the older request loses (`DELETE` in
        // `swift/container/server.py`).
        return Err(Reject::conflict());
    }
    let removed = core
        .store
        .account(account)
        .and_then(|account| account.remove_container(name, request.received));
    match removed {
        None => Err(Reject::not_found()),
        Some(false) => Err(Reject::conflict()),
        Some(true) => Ok(done(StatusCode::NO_CONTENT)),
    }
}
