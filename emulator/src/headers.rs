//! What nearly every request needs of headers, made ready beforehand: names, and maps to put them in.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue};

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $(pub(crate) const $constant: HeaderName = HeaderName::from_static($name);)*
    };
}

names! {
    X_AUTH_TOKEN = "x-auth-token";
    X_CONTAINER_READ = "x-container-read";
    X_CONTAINER_WRITE = "x-container-write";
    X_DELETE_AFTER = "x-delete-after";
    X_DELETE_AT = "x-delete-at";
    X_OPEN_EXPIRED = "x-open-expired";
    X_OPENSTACK_REQUEST_ID = "x-openstack-request-id";
    X_STATIC_LARGE_OBJECT = "x-static-large-object";
    X_STORAGE_TOKEN = "x-storage-token";
    X_TIMESTAMP = "x-timestamp";
    X_TRANS_ID = "x-trans-id";
    X_WEB_MODE = "x-web-mode";
}

/// A header's value.
///
/// Most requests have few headers, and to look at each is faster then than to hash the name.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a HeaderValue> {
    if headers.keys_len() > FEW {
        return headers.get(name);
    }
    let found = headers.iter().find(|(found, _)| found.as_str() == name);
    found.map(|(_, value)| value)
}

/// The same, where it is UTF-8.
pub(crate) fn find_text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    std::str::from_utf8(find(headers, name)?.as_bytes()).ok()
}

/// So many are few.
const FEW: usize = 12;

/// What an answer has of headers, mostly.
const USUAL: usize = 12;

/// No map that has grown beyond this is kept.
const MOST: usize = 64;

/// How many maps a thread keeps.
const SPARE: usize = 8;

thread_local! {
    static MAPS: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// An empty map with room for the headers of an answer.
///
/// Hyper puts the headers of each request where those of the answer before it were; so one map per connection does for
/// both, if answers are put where the headers of the request were.
pub(crate) fn spare() -> HeaderMap {
    let spare = MAPS.with_borrow_mut(Vec::pop);
    spare.unwrap_or_else(|| HeaderMap::with_capacity(USUAL))
}

/// Keeps the room of a map that is needed no more for [`spare`].
pub(crate) fn keep_spare(mut map: HeaderMap) {
    if (USUAL..=MOST).contains(&map.capacity()) {
        map.clear();
        MAPS.with_borrow_mut(|maps| {
            if maps.len() < SPARE {
                maps.push(map);
            }
        });
    }
}
