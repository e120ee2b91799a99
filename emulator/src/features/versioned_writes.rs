//! The older versioning: what is replaced goes to an archive container
//! (`swift/common/middleware/versioned_writes/legacy.py`).
//!
//! In, on PUT and POST of a container: `X-Versions-Location: archive` (stack mode: DELETE brings the version before
//! back) or `X-History-Location: archive` (history mode: DELETE keeps what it deletes, and a marker);
//! `X-Remove-Versions-Location`, `X-Remove-History-Location` or an empty value ends it. Out, on GET and HEAD: the same.
//! 400 for both modes at once, 412 for a name with a slash.
//!
//! A version of `object` is called `<length of its name in bytes, three hex digits>object/<time it was written>`.
//! 412 where a version cannot be kept, because the archive is not there for one.
//!
//! Kept as `X-Container-Sysmeta-Versions-Location` and `-Mode` (`stack` or `history`).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode;

use crate::core::Core;
use crate::message::Request;
use crate::path::{Kind, Path, Resource};
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::{Reject, Reply};
use crate::resources::archive;
use crate::store::page::{Page, PageItem};
use crate::store::{Container, Object};
use crate::timestamp::Timestamp;

const VERSIONS: HeaderName = HeaderName::from_static("x-versions-location");
const HISTORY: HeaderName = HeaderName::from_static("x-history-location");
const REMOVE_VERSIONS: HeaderName = HeaderName::from_static("x-remove-versions-location");
const REMOVE_HISTORY: HeaderName = HeaderName::from_static("x-remove-history-location");
const LOCATION: HeaderName = HeaderName::from_static("x-container-sysmeta-versions-location");
const MODE: HeaderName = HeaderName::from_static("x-container-sysmeta-versions-mode");

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    let has_archive = || {
        let container = request.path.found_container(&core.store);
        container.is_some_and(|container| container.metadata_value(LOCATION).is_some())
    };
    match request.path.kind() {
        Some(Kind::Container) => match request.method {
            Method::PUT | Method::POST => [VERSIONS, HISTORY, REMOVE_VERSIONS, REMOVE_HISTORY]
                .iter()
                .any(|name| request.headers.contains_key(name)),
            Method::GET | Method::HEAD => has_archive(),
            _ => false,
        },
        Some(Kind::Object) => {
            matches!(request.method, Method::PUT | Method::DELETE) && has_archive()
        }
        Some(Kind::Account) | None => false,
    }
}

pub(crate) async fn handle(mut request: Request, next: Next<'_>) -> Reply {
    let Some(Resource::Object(account, container, object)) = request.path.named() else {
        translate(&mut request.headers)?;
        let mut response = next.run(request).await;
        if let Some(location) = response.headers.get(LOCATION).cloned() {
            let history = response.header(MODE.as_str()) == Some("history");
            let name = if history { HISTORY } else { VERSIONS };
            response.headers.insert(name, location);
        }
        return Ok(response);
    };
    let Some(versioned) = Versioned::find(next.core(), account, container, object) else {
        return Ok(next.run(request).await);
    };
    if request.method == Method::DELETE && !versioned.history {
        return pop(request, next, &versioned).await;
    }
    if versioned.keep_current(&request, next.core())? {
        request.query = Query::default();
    }
    if request.method == Method::DELETE {
        let core = next.core();
        let marker = versioned.name_at(core.clock.timestamp());
        archive::mark_deleted(core, versioned.version(&marker)).map_err(not_kept)?;
    }
    Ok(next.run(request).await)
}

/// Turns what a client says into what is kept. An empty value keeps nothing.
fn translate(headers: &mut HeaderMap) -> Result<(), Reject> {
    let versions = headers.remove(VERSIONS);
    let history = headers.remove(HISTORY);
    let removed = [
        headers.remove(REMOVE_VERSIONS),
        headers.remove(REMOVE_HISTORY),
    ]
    .iter()
    .flatten()
    .any(|value| !value.is_empty());
    let mentioned = versions.is_some() || history.is_some();
    let named = |location: Option<HeaderValue>| location.filter(|location| !location.is_empty());
    let (location, mode) = match (named(versions), named(history)) {
        (Some(_), Some(_)) => {
            return Err(Reject::plain(
                StatusCode::BAD_REQUEST,
                "Only one of x-versions-location or x-history-location may be specified",
            ));
        }
        (Some(location), None) => (location, "stack"),
        (None, Some(location)) => (location, "history"),
        (None, None) => {
            if mentioned || removed {
                headers.insert(LOCATION, HeaderValue::from_static(""));
                headers.insert(MODE, HeaderValue::from_static(""));
            }
            return Ok(());
        }
    };
    if location.as_bytes().contains(&b'/') {
        return Err(Reject::html(
            StatusCode::PRECONDITION_FAILED,
            "Container name cannot contain slashes",
        ));
    }
    headers.insert(LOCATION, location);
    headers.insert(MODE, HeaderValue::from_static(mode));
    Ok(())
}

/// An object whose versions are kept, and where.
#[derive(Debug)]
struct Versioned {
    account: String,
    container: String,
    object: String,
    archive: String,
    history: bool,
}

impl Versioned {
    fn find(core: &Core, account: &str, container: &str, object: &str) -> Option<Self> {
        let found = core.store.container(account, container)?;
        let location = found.metadata_value(LOCATION.as_str())?;
        let location = percent_decode(location.as_bytes()).decode_utf8().ok()?;
        Some(Self {
            account: account.to_owned(),
            container: container.to_owned(),
            object: object.to_owned(),
            archive: location.split('/').next().unwrap_or("").to_owned(),
            history: found
                .metadata_value(MODE.as_str())
                .is_some_and(|mode| mode == "history"),
        })
    }

    /// What the names of all versions begin with.
    fn prefix(&self) -> String {
        format!("{:03x}{}/", self.object.len(), self.object)
    }

    fn name_at(&self, time: Timestamp) -> String {
        format!("{}{time}", self.prefix())
    }

    fn current(&self) -> Resource<'_> {
        Resource::Object(&self.account, &self.container, &self.object)
    }

    fn version<'a>(&'a self, name: &'a str) -> Resource<'a> {
        Resource::Object(&self.account, &self.archive, name)
    }

    /// Copies what is there to the archive. True if there was something.
    fn keep_current(&self, request: &Request, core: &Core) -> Result<bool, Reject> {
        archive::authorize_write(request, core)?;
        let current = core
            .store
            .container(&self.account, &self.container)
            .and_then(|container| container.object(&self.object, request.received));
        let Some(current) = current else {
            return Ok(false);
        };
        let name = self.name_at(current.modified);
        archive::keep(core, self.version(&name), &current).map_err(not_kept)?;
        Ok(true)
    }

    /// Brings a version back.
    fn restore(&self, core: &Core, version: &Object) -> Result<(), Reject> {
        archive::keep(core, self.current(), version).map_err(not_kept)
    }

    /// Deletes a version or a marker in the name of the one who deleted the object.
    async fn delete(&self, request: &Request, next: Next<'_>, version: &str) -> Reply {
        let path = Path::object(&self.account, &self.archive, version);
        Ok(next.run(request.pre_authorized(Method::DELETE, path)).await)
    }
}

/// DELETE in stack mode: the version before takes the place of the current one.
async fn pop(mut request: Request, next: Next<'_>, versioned: &Versioned) -> Reply {
    let core = next.core();
    let mut versions = NewestFirst {
        archive: core.store.container(&versioned.account, &versioned.archive),
        prefix: versioned.prefix(),
        marker: String::new(),
        now: request.received,
    };
    if let Some((name, version)) = versions.next() {
        archive::authorize_write(&request, core)?;
        if !archive::is_delete_marker(&version) {
            versioned.restore(core, &version)?;
            return versioned.delete(&request, next, &name).await;
        }
        let current = next
            .run(request.pre_authorized(Method::HEAD, request.path.clone()))
            .await;
        if current.status == StatusCode::NOT_FOUND {
            // The marker is the latest: it goes, and what was deleted comes back.
            if let Some((older, version)) = versions.next()
                && !archive::is_delete_marker(&version)
            {
                versioned.restore(core, &version)?;
                if let Some(archive) = &versions.archive {
                    archive.remove(&older, |_| Ok::<(), Reject>(()))?;
                }
            }
            return versioned.delete(&request, next, &name).await;
        }
        if !current.is_success() {
            return Err(not_kept(Reject::new(current.status)));
        }
        // Back to the state of the marker: the object is deleted as it stands.
    }
    request.headers.remove("x-if-delete-at");
    Ok(next.run(request).await)
}

/// What a version that could not be kept or brought back means for the request that wanted it.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_kept(refused: Reject) -> Reject {
    if refused.status.is_client_error() {
        Reject::precondition_failed()
    } else {
        Reject::new(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// The versions of one object from the newest on, looked up one at a time.
struct NewestFirst {
    archive: Option<Arc<Container>>,
    prefix: String,
    marker: String,
    now: Timestamp,
}

impl Iterator for NewestFirst {
    type Item = (String, Arc<Object>);

    fn next(&mut self) -> Option<Self::Item> {
        let page = Page {
            limit: 1,
            marker: &self.marker,
            prefix: &self.prefix,
            reverse: true,
            ..Page::default()
        };
        let found = self
            .archive
            .as_ref()?
            .list(&page, self.now, |item| match item {
                PageItem::Entry(name, object) => Some((name.to_owned(), Arc::clone(object))),
                PageItem::Subdir(_) => None,
            });
        let (name, object) = found.into_iter().flatten().next()?;
        self.marker.clone_from(&name);
        Some((name, object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(headers: &[(HeaderName, &'static str)]) -> Result<Option<(String, String)>, u16> {
        let mut map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        translate(&mut map).map_err(|refused| refused.status.as_u16())?;
        let text = |name: HeaderName| Some(map.get(name)?.to_str().ok()?.to_owned());
        Ok(text(LOCATION).zip(text(MODE)))
    }

    #[test]
    fn each_header_has_its_mode_and_only_one_may_speak() {
        let kept = |location: &str, mode: &str| Ok(Some((location.to_owned(), mode.to_owned())));
        assert_eq!(translated(&[(VERSIONS, "a")]), kept("a", "stack"));
        assert_eq!(translated(&[(HISTORY, "a")]), kept("a", "history"));
        assert_eq!(
            translated(&[(VERSIONS, ""), (HISTORY, "a")]),
            kept("a", "history")
        );
        assert_eq!(
            translated(&[(VERSIONS, "a"), (HISTORY, "")]),
            kept("a", "stack")
        );
        assert_eq!(
            translated(&[(VERSIONS, "a"), (REMOVE_VERSIONS, "x")]),
            kept("a", "stack")
        );
        assert_eq!(translated(&[(VERSIONS, "")]), kept("", ""));
        assert_eq!(translated(&[(REMOVE_HISTORY, "x")]), kept("", ""));
        assert_eq!(translated(&[(REMOVE_HISTORY, "")]), Ok(None));
        assert_eq!(translated(&[(VERSIONS, "a"), (HISTORY, "b")]), Err(400));
        assert_eq!(translated(&[(VERSIONS, "a/b")]), Err(412));
    }

    #[test]
    fn versions_are_named_by_length_in_bytes_and_time() {
        let versioned = Versioned {
            account: "a".to_owned(),
            container: "c".to_owned(),
            object: "d\u{e9}".to_owned(),
            archive: "v".to_owned(),
            history: false,
        };
        let name = versioned.name_at(Timestamp::from_ticks(140_000_000_012_345));
        assert_eq!(name, "003d\u{e9}/1400000000.12345");
    }
}
