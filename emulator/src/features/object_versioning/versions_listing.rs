//! `?versions`: every version of every object, merged out of the container and its hidden one.

use std::collections::HashSet;

use compact_str::CompactString;
use http::header::ACCEPT;
use http::{Method, StatusCode};
use serde_json::Value;

use super::names;
use crate::accept::best_match;
use crate::listing::{Entry, Listing, ListingOf, ObjectEntry};
use crate::message::Request;
use crate::path::Path;
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::Reject;
use crate::resources::archive;

/// What a request asks of the listing.
#[derive(Debug)]
pub(super) struct Wanted {
    /// To the hidden container, whose path is still to be filled in.
    request: Request,
    reverse: bool,
    limit: Option<usize>,
}

impl Wanted {
    /// Reads the parameters. 406 for anything but JSON, 400 for a marker or delimiter that cannot be one.
    pub(super) fn new(request: &Request) -> Result<Self, Reject> {
        if !takes_json(request) {
            return Err(Reject::new(StatusCode::NOT_ACCEPTABLE));
        }
        let bad = |text: &'static str| Reject::html(StatusCode::BAD_REQUEST, text);
        let asked = |name: &str| request.query.get(name);
        let mut query = Query::default();
        match (asked("marker"), asked("version_marker").as_deref()) {
            (None, Some(_)) => return Err(bad("version_marker param requires marker")),
            (None, None) => {}
            // Just behind all versions of the marker, whose last part is made of digits.
            (Some(marker), None) => {
                query = query.with("marker", &format!("{}:", names::prefix(&marker)));
            }
            (Some(marker), Some("null")) => query = query.with("marker", &names::prefix(&marker)),
            (Some(marker), Some(version)) => {
                let id =
                    names::parse_id(version).ok_or_else(|| bad("invalid version_marker param"))?;
                query = query.with("marker", &names::version(&marker, id));
            }
        }
        if let Some(delimiter) = asked("delimiter") {
            if delimiter
                .chars()
                .any(|letter| letter.is_ascii_digit() || letter == '.' || letter == '\0')
            {
                return Err(bad("invalid delimiter param"));
            }
            query = query.with("delimiter", &delimiter);
        }
        if let Some(prefix) = asked("prefix") {
            query = query.with("prefix", &format!("\0{prefix}"));
        }
        for name in ["limit", "reverse"] {
            if let Some(value) = asked(name) {
                query = query.with(name, &value);
            }
        }
        let mut hidden = request.pre_authorized(Method::GET, request.path.clone());
        hidden.allow_reserved_names = true;
        hidden.query = query;
        Ok(Self {
            request: hidden,
            reverse: request.query.is_true("reverse"),
            limit: asked("limit").and_then(|limit| limit.parse().ok()),
        })
    }
}

/// Whether the client takes JSON: as `?format` says, or else `Accept`.
fn takes_json(request: &Request) -> bool {
    if let Some(format) = request
        .query
        .get("format")
        .filter(|format| !format.is_empty())
    {
        return format.eq_ignore_ascii_case("json");
    }
    let accept = request.header(ACCEPT.as_str()).unwrap_or("");
    matches!(best_match(accept, &["application/json"]), Ok(Some(_)))
}

/// Merges the versions in the hidden container with what the container itself has: `current` holds its entries, and of
/// links to versions the version's name.
pub(super) async fn list(
    wanted: Wanted,
    next: Next<'_>,
    hidden: Path,
    container: String,
    current: Vec<(Entry, Option<String>)>,
) -> Result<Listing, Reject> {
    let mut request = wanted.request;
    request.path = hidden.into();
    let response = next.run(request).await;
    if !response.is_success() && response.status != StatusCode::NOT_FOUND {
        return Err(Reject::new(response.status));
    }
    let versions = response
        .listing
        .map(|listing| listing.entries)
        .unwrap_or_default();
    let mut entries = merge(current, versions);
    entries.sort_by(|one, other| {
        if wanted.reverse {
            other.name().cmp(one.name())
        } else {
            one.name().cmp(other.name())
        }
    });
    entries.truncate(
        wanted
            .limit
            .unwrap_or(next.core().flavour.limits.listing_limit),
    );
    Ok(Listing {
        of: ListingOf::Versions(container),
        entries,
    })
}

/// All entries, those of one object in the order that listings show them in: `null` first, then newest to oldest.
fn merge(current: Vec<(Entry, Option<String>)>, versions: Vec<Entry>) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(current.len() + versions.len());
    let mut subdirs = HashSet::new();
    let mut links = HashSet::new();
    // Objects whose latest version has been seen.
    let mut latest: HashSet<CompactString> = HashSet::new();
    for (entry, link) in current {
        match (entry, link) {
            (Entry::Object(_), Some(version)) => {
                links.insert(version);
            }
            (Entry::Object(entry), None) => {
                latest.insert(entry.name.clone());
                entries.push(versioned(entry, "null".to_owned(), true));
            }
            (Entry::Subdir(name), _) => {
                subdirs.insert(name);
            }
            (Entry::Container { .. }, _) => {}
        }
    }
    for entry in versions {
        let mut entry = match entry {
            Entry::Object(entry) => entry,
            Entry::Subdir(name) => {
                let name = name.trim_start_matches('\0').split('\0').next();
                subdirs.extend(name.map(str::to_owned));
                continue;
            }
            Entry::Container { .. } => continue,
        };
        let Some((name, id)) = names::parse(&entry.name) else {
            continue;
        };
        let name = CompactString::from(name);
        let linked = links.contains(entry.name.as_str());
        let is_latest =
            linked || entry.content_type == archive::DELETE_MARKER && !latest.contains(&name);
        if is_latest {
            latest.insert(name.clone());
        }
        entry.name = name;
        entries.push(versioned(entry, id, is_latest));
    }
    entries.extend(subdirs.into_iter().map(Entry::Subdir));
    entries
}

fn versioned(mut entry: ObjectEntry, id: String, is_latest: bool) -> Entry {
    entry.extra.push(("version_id", Value::String(id)));
    entry.extra.push(("is_latest", Value::Bool(is_latest)));
    Entry::Object(entry)
}
