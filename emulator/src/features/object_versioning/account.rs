//! Listings of an account: a container shows the bytes of its versions with its own.

use std::collections::HashMap;

use http::Method;

use super::names::{VERSIONS_PREFIX, versions_container};
use crate::core::Core;
use crate::listing::Entry;
use crate::message::Request;
use crate::pipeline::Next;
use crate::reject::Reply;
use crate::store::page::Page;

/// Whether any container of the account has versions.
pub(super) fn has_versions(core: &Core, account: &str) -> bool {
    let page = Page {
        limit: 1,
        prefix: VERSIONS_PREFIX,
        reserved: true,
        ..Page::default()
    };
    core.store
        .account(account)
        .is_some_and(|account| !account.list(&page, |_| ()).is_empty())
}

/// GET of an account.
///
/// Hidden containers whose own container is gone are shown in its name, so that they can be found and removed.
pub(super) async fn list(request: Request, next: Next<'_>) -> Reply {
    let mut hidden = request.pre_authorized(Method::GET, request.path.clone());
    hidden.allow_reserved_names = true;
    hidden.query = request.query.clone();
    for name in ["prefix", "marker", "end_marker"] {
        let value = match request.query.get(name) {
            Some(value) => versions_container(&value),
            None if name == "prefix" => VERSIONS_PREFIX.to_owned(),
            None => continue,
        };
        hidden.query = hidden.query.with(name, &value);
    }
    let reverse = request.query.is_true("reverse");
    let limit = request
        .query
        .get("limit")
        .and_then(|limit| limit.parse().ok());
    let mut response = next.run(request).await;
    let Some(listing) = response
        .listing
        .as_mut()
        .filter(|_| response.status.is_success())
    else {
        return Ok(response);
    };
    let hidden = next.run(hidden).await;
    let mut hidden: HashMap<String, Entry> = hidden
        .listing
        .map(|listing| listing.entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| match &entry {
            Entry::Container { name, .. } => {
                let name = name
                    .strip_prefix(VERSIONS_PREFIX)?
                    .strip_prefix('\0')?
                    .to_owned();
                Some((name, entry))
            }
            _ => None,
        })
        .collect();
    for entry in &mut listing.entries {
        if let Entry::Container { name, bytes, .. } = entry
            && let Some(Entry::Container { bytes: more, .. }) = hidden.remove(name.as_str())
        {
            *bytes += more;
        }
    }
    for (own_name, mut entry) in hidden {
        if let Entry::Container { name, count, .. } = &mut entry {
            *name = own_name;
            *count = 0;
        }
        listing.entries.push(entry);
    }
    listing.entries.sort_by(|one, other| {
        if reverse {
            other.name().cmp(one.name())
        } else {
            one.name().cmp(other.name())
        }
    });
    listing
        .entries
        .truncate(limit.unwrap_or(next.core().flavour.limits.listing_limit));
    Ok(response)
}
