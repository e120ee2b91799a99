//! Accounts: GET and HEAD, PUT, POST, DELETE (`swift/proxy/controllers/account.py`, `swift/account/server.py`).

use http::header::{ACCEPT_RANGES, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{acl, container::page_of, done, metadata, temp_url_keys};
use crate::core::Core;
use crate::listing::{Entry, Listing, ListingOf};
use crate::message::{Request, Response};
use crate::path::Resource;
use crate::reject::{Reject, Reply};
use crate::store::page::PageItem;
use crate::store::{Account, PolicyTotals};
use crate::timestamp::Timestamp;

fn name<'a>(request: &'a Request, core: &Core) -> Result<&'a str, Reject> {
    let name = request.path.resource().map_or("", Resource::account);
    let limit = core.flavour.limits.max_account_name_length;
    if name.len() > limit {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            format!("Account name length of {} longer than {limit}", name.len()),
        ));
    }
    Ok(name)
}

/// GET and HEAD. An account that nothing was ever written to is empty, not missing: it is made by the first write.
pub(crate) fn read(request: &Request, core: &Core) -> Reply {
    let access = acl::authorize(request, core, None)?;
    let name = name(request, core)?;
    let page = page_of(request, core)?;
    if core.store.is_removed_account(name) {
        return Err(Reject::html(StatusCode::GONE, "")
            .header(HeaderName::from_static("x-account-status"), "Deleted"));
    }
    let account = core.store.account(name);
    let mut response = Response::new(StatusCode::OK);
    describe(
        account.as_deref(),
        request.received,
        core,
        &mut response.headers,
    );
    if let Some(account) = &account
        && let Some(domain) = acl::keystone::shown_domain(request, account)
    {
        response
            .headers
            .insert("x-account-project-domain-id", domain);
    }
    if access.owner {
        let list = core.store.account_acl(name);
        if let Some(access_control) = list.as_deref().and_then(acl::shown_account_acl) {
            response.set(
                HeaderName::from_static("x-account-access-control"),
                &access_control,
            );
        }
    } else {
        metadata::hide_from_strangers(&mut response.headers, false);
    }
    if request.method == Method::HEAD {
        // One that is not there yet answers like the listing it would have.
        if account.is_some() {
            response.status = StatusCode::NO_CONTENT;
        }
        return Ok(response);
    }
    let entries = account.map_or_else(Vec::new, |account| {
        account.list(&page.as_page(), |item| match item {
            PageItem::Subdir(name) => Entry::Subdir(name.to_owned()),
            PageItem::Entry(name, container) => {
                let (count, bytes) = container.totals(request.received);
                Entry::Container {
                    name: name.to_owned(),
                    count,
                    bytes,
                    last_modified: container.changed(),
                    policy: core.flavour.policies[container.policy],
                }
            }
        })
    });
    response.listing = Some(Box::new(Listing {
        of: ListingOf::Account(name.to_owned()),
        entries,
    }));
    Ok(response)
}

/// Counts, metadata and times of an account, or of one that is not there yet.
fn describe(account: Option<&Account>, now: Timestamp, core: &Core, headers: &mut HeaderMap) {
    let totals = account.map_or([PolicyTotals::default(); 2], |account| account.totals(now));
    let mut number = |name: &str, value: u64| {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            headers.insert(name, value.into());
        }
    };
    number(
        "x-account-container-count",
        totals.iter().map(|of| of.containers).sum(),
    );
    number(
        "x-account-object-count",
        totals.iter().map(|of| of.objects).sum(),
    );
    number(
        "x-account-bytes-used",
        totals.iter().map(|of| of.bytes).sum(),
    );
    for (policy, of) in core.flavour.policies.iter().zip(totals) {
        if of != PolicyTotals::default() {
            let prefix = format!("x-account-storage-policy-{policy}");
            number(&format!("{prefix}-container-count"), of.containers);
            number(&format!("{prefix}-object-count"), of.objects);
            number(&format!("{prefix}-bytes-used"), of.bytes);
        }
    }
    let created = account.map_or(now, |account| account.created).to_string();
    headers.insert("x-timestamp", crate::message::header_value(&created));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Some(account) = account {
        headers.extend((**account.metadata()).clone());
    }
}

/// PUT: only resellers may.
pub(crate) fn put(request: &Request, core: &Core) -> Reply {
    let access = acl::authorize(request, core, None)?;
    metadata::check(&request.headers, "account", &core.flavour.limits)?;
    let name = name(request, core)?;
    if core.store.is_removed_account(name) {
        return Err(Reject::html(StatusCode::FORBIDDEN, "Recently deleted"));
    }
    let (account, created) = core.store.ensure_account(name, core.clock.timestamp());
    acl::keystone::keep_domain(request, name, &account, created);
    update(request, core, &account, access.owner)?;
    Ok(done(if created {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    }))
}

/// POST: merges metadata.
pub(crate) fn post(request: &Request, core: &Core) -> Reply {
    let access = acl::authorize(request, core, None)?;
    let name = name(request, core)?;
    metadata::check(&request.headers, "account", &core.flavour.limits)?;
    if core.store.is_removed_account(name) {
        return Err(Reject::not_found());
    }
    let (account, created) = core.store.ensure_account(name, core.clock.timestamp());
    acl::keystone::keep_domain(request, name, &account, created);
    update(request, core, &account, access.owner)?;
    Ok(done(StatusCode::NO_CONTENT))
}

fn update(request: &Request, core: &Core, account: &Account, owner: bool) -> Result<(), Reject> {
    let mut updates = metadata::updates(&request.headers, "account", owner);
    if owner && let Some(access_control) = request.headers.get("x-account-access-control") {
        updates.push((
            HeaderName::from_static("x-account-sysmeta-core-access-control"),
            access_control.clone(),
        ));
    }
    core.former_keys.during(
        &request.headers,
        (name(request, core)?, ""),
        core.clock.now(),
        || temp_url_keys::of_account(account),
        || {
            account.update(updates, |whole| {
                metadata::check_whole(whole, "account", &core.flavour.limits)
            })
        },
    )
}

/// DELETE: only resellers may; takes everything in the account along.
pub(crate) fn delete(request: &Request, core: &Core) -> Reply {
    acl::authorize(request, core, None)?;
    if !request.query.is_empty() {
        return Err(Reject::bad_request());
    }
    let name = name(request, core)?;
    if core.store.remove_account(name) {
        Ok(done(StatusCode::NO_CONTENT))
    } else {
        Err(Reject::not_found())
    }
}
