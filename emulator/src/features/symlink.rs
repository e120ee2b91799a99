//! Objects that stand for another (`swift/common/middleware/symlink.py`).
//!
//! In: PUT with `X-Symlink-Target: container/object` and perhaps `X-Symlink-Target-Account`, percent-encoded, and no
//! body. With `X-Symlink-Target-Etag` the link is static: its target must be there with that `ETag`, now and at every
//! read. GET and HEAD answer with the target, and with `Content-Location`, which names the last object on the way; with
//! `?symlink=get` they answer with the link itself. POST writes to the link and answers 307 with the target's
//! `Location`. DELETE removes the link.
//!
//! Out: `X-Symlink-Target`, `X-Symlink-Target-Account`, `X-Symlink-Target-Etag`, `X-Symlink-Target-Bytes` of the link
//! itself; `symlink_path`, `symlink_etag` and `symlink_bytes` in JSON listings.
//!
//! 400 for a body, a link to itself or a malformed `ETag`, 412 for a malformed target, 409 where a static link's target
//! is missing or has changed and where there are more than two links in a row.
//!
//! A link is an object of zero bytes with `X-Object-Sysmeta-Symlink-*`. The same facts stand behind the hash that its
//! container lists (`hash; symlink_target=…; …`), where the listing finds them. Features that make links of their own
//! set `X-Object-Sysmeta-Symloop-Extend` to have them not counted, and `X-Object-Sysmeta-Allow-Reserved-Names` to let
//! them point to names that are Swift's own and that nobody is asked the rights for.

use http::header::{
    CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HOST, LOCATION, ORIGIN, REFERER,
    USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::core::Core;
use crate::listing::{Entry, ObjectEntry};
use crate::message::{Body, Grant, Request, Response, header_text, header_value};
use crate::path::{Path, Resource, quote};
use crate::path_header;
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};

/// Links in a row that a read follows.
pub(crate) const SYMLOOP_MAX: u32 = 2;

const TARGET: &str = "x-symlink-target";
const TARGET_ACCOUNT: &str = "x-symlink-target-account";
const TARGET_ETAG: &str = "x-symlink-target-etag";

const STORED_TARGET: &str = "x-object-sysmeta-symlink-target";
const STORED_ACCOUNT: &str = "x-object-sysmeta-symlink-target-account";
const STORED_ETAG: &str = "x-object-sysmeta-symlink-target-etag";
const STORED_BYTES: &str = "x-object-sysmeta-symlink-target-bytes";
const STORED_PREFIX: &str = "x-object-sysmeta-";

const EXTEND: &str = "x-object-sysmeta-symloop-extend";
const ALLOW_RESERVED: &str = "x-object-sysmeta-allow-reserved-names";
const LISTED_HASH: &str = "x-object-sysmeta-container-update-override-etag";
const SLO_ETAG: &str = "x-object-sysmeta-slo-etag";
const SLO_SIZE: &str = "x-object-sysmeta-slo-size";

const MD5_OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

pub(crate) fn applies(request: &Request) -> bool {
    match request.path.named() {
        Some(Resource::Object(..)) => match request.method {
            Method::GET | Method::HEAD | Method::POST => true,
            Method::PUT => request.headers.contains_key(TARGET),
            _ => false,
        },
        Some(Resource::Container(..)) => request.method == Method::GET,
        _ => false,
    }
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    if request.path.named().and_then(Resource::object).is_none() {
        return Ok(list(request, next).await);
    }
    match request.method {
        Method::PUT => put(request, next).await,
        Method::POST => post(request, next).await,
        _ if request.query.get("symlink").as_deref() == Some("get") => {
            let mut response = next.run(request).await;
            show_target(&mut response.headers);
            Ok(response)
        }
        // Whoever reads what is no link pays for nothing but this look.
        _ if !is_link(&request, next.core()) => {
            let response = next.run(request).await;
            if response.headers.contains_key(STORED_TARGET) {
                // Made a link between the look and the read.
                return Err(Reject::new(StatusCode::SERVICE_UNAVAILABLE));
            }
            Ok(response)
        }
        _ => follow(request, None, Links::All, next).await,
    }
}

fn is_link(request: &Request, core: &Core) -> bool {
    let Some(Resource::Object(account, container, object)) = request.path.named() else {
        return false;
    };
    core.store
        .container(account, container)
        .and_then(|container| container.stored_object(object))
        .is_some_and(|object| object.header(STORED_TARGET).is_some())
}

/// Tells a client what a link names.
fn show_target(headers: &mut HeaderMap) {
    for (stored, shown) in [
        (STORED_TARGET, TARGET),
        (STORED_ACCOUNT, TARGET_ACCOUNT),
        (STORED_ETAG, TARGET_ETAG),
        (STORED_BYTES, "x-symlink-target-bytes"),
    ] {
        if let Some(value) = headers.remove(stored) {
            headers.insert(shown, value);
        }
    }
}

/// Which links a read goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    All,
    /// Only those that name their target's `ETag`.
    Static,
}

/// Reads what a request names, through links, to the object at their end.
///
/// `expected` is the `ETag` that the object, or the static link on the way to it, must have.
async fn follow(
    mut request: Request,
    mut expected: Option<String>,
    links: Links,
    next: Next<'_>,
) -> Reply {
    // Of a static link that is being made, the target counts as reached by it.
    let mut location = expected.is_some().then(|| request.path.as_str().to_owned());
    let (grant, reserved) = (request.grant.clone(), request.allow_reserved_names);
    let mut followed = 0;
    loop {
        let again = repeated(&request, request.path.clone());
        let mut response = next.run(request).await;
        let pinned = response.header(STORED_ETAG).map(str::to_owned);
        let target = target_path(&response.headers, &again.path)
            .filter(|_| links == Links::All || pinned.is_some());
        let Some(target) = target else {
            if let Some(found) = response.header(ETAG.as_str())
                && let Some(expected) = &expected
                && found.trim_matches('"') != expected
            {
                let text = format!(
                    "Object Etag '{}' does not match X-Symlink-Target-Etag header '{expected}'",
                    found.trim_matches('"')
                );
                return Err(conflict_at(text, location.as_deref()));
            }
            if let Some(location) = location {
                response.set(CONTENT_LOCATION, &location);
            }
            return Ok(response);
        };
        if expected.is_some()
            && expected.as_deref() != pinned.as_deref().or(response.header(ETAG.as_str()))
        {
            let text = "X-Symlink-Target-Etag headers do not match".to_owned();
            return Err(conflict_at(text, location.as_deref()));
        }
        if followed >= SYMLOOP_MAX {
            return Err(Reject::plain(
                StatusCode::CONFLICT,
                format!("Too many levels of symbolic links, maximum allowed is {SYMLOOP_MAX}"),
            ));
        }
        if !response.header(EXTEND).is_some_and(crate::query::truthy) {
            followed += 1;
        }
        let path = Path::decode(&target).ok_or_else(|| {
            Reject::html(
                StatusCode::PRECONDITION_FAILED,
                "Invalid UTF8 or contains NULL",
            )
        })?;
        request = repeated(&again, path);
        // One link that needs no rights does not spare the next.
        (request.grant, request.allow_reserved_names) =
            if response.headers.contains_key(ALLOW_RESERVED) {
                (Grant::PreAuthorized, true)
            } else {
                (grant.clone(), reserved)
            };
        expected = pinned;
        location = Some(target);
    }
}

/// The same read of another path.
fn repeated(request: &Request, path: Path) -> Request {
    let mut repeated = request.sub(request.method.clone(), path);
    repeated.headers = request.headers.clone();
    repeated.query = request.query.clone();
    repeated
}

fn conflict_at(text: String, location: Option<&str>) -> Reject {
    Reject::plain(StatusCode::CONFLICT, text).header(CONTENT_LOCATION, location.unwrap_or(""))
}

/// The percent-encoded path that a link names, if these are the headers of a link. `link` is its own path.
fn target_path(headers: &HeaderMap, link: &Path) -> Option<String> {
    let target = header_text(headers, STORED_TARGET)?;
    let account = header_text(headers, STORED_ACCOUNT).map_or_else(
        || link.named().map(|named| quote(named.account())),
        |account| Some(account.to_owned()),
    )?;
    Some(format!(
        "/{}/{account}/{}",
        link.version(),
        target.trim_start_matches('/')
    ))
}

/// Makes a link.
async fn put(mut request: Request, next: Next<'_>) -> Reply {
    let declared = request
        .header(CONTENT_LENGTH.as_str())
        .map(|length| length.bytes().any(|digit| digit != b'0'));
    let has_body = match declared {
        Some(has_body) => has_body,
        None => request.body.next().await.is_some(),
    };
    if has_body {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "Symlink requests require a zero byte body",
        ));
    }
    let wanted = Wanted::of(&request)?;
    request.body = Body::Empty;
    request.headers.remove(TARGET);
    request.headers.remove(TARGET_ACCOUNT);
    if wanted.etag.is_none() && !has_content_type(&request) {
        request.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/symlink"),
        );
    }
    if let Some(etag) = &wanted.etag {
        pin(&mut request, &wanted, etag, next).await?;
    }
    let target = quote(&format!("{}/{}", wanted.container, wanted.object));
    let headers = &mut request.headers;
    headers.insert(STORED_TARGET, header_value(&target));
    if wanted.is_elsewhere {
        headers.insert(STORED_ACCOUNT, header_value(&quote(&wanted.account)));
    }
    let listed = listed_hash(headers);
    headers.insert(LISTED_HASH, header_value(&listed));
    Ok(next.run(request).await)
}

fn has_content_type(request: &Request) -> bool {
    request
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|own| !own.is_empty())
}

/// The target that a client wants for a link.
struct Wanted {
    account: String,
    /// Whether the client named the account.
    is_elsewhere: bool,
    container: String,
    object: String,
    etag: Option<String>,
}

impl Wanted {
    fn of(request: &Request) -> Result<Self, Reject> {
        const SHAPE: &str =
            "X-Symlink-Target header must be of the form <container name>/<object name>";
        let refused = || Reject::html(StatusCode::PRECONDITION_FAILED, SHAPE);
        let target = request.headers.get(TARGET).ok_or_else(refused)?;
        let text = request.header(TARGET).unwrap_or_default();
        if text.starts_with('/')
            || text
                .get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case("%2f"))
        {
            return Err(Reject::plain(StatusCode::PRECONDITION_FAILED, SHAPE));
        }
        let (container, object) = path_header::object(target).ok_or_else(refused)?;
        let elsewhere = request
            .headers
            .get(TARGET_ACCOUNT)
            .map(path_header::account)
            .transpose()?;
        let Some(Resource::Object(own_account, own_container, own_object)) = request.path.named()
        else {
            return Err(Reject::not_found());
        };
        let is_elsewhere = elsewhere.is_some();
        let account = elsewhere.unwrap_or_else(|| own_account.to_owned());
        let bad = |text| Err(Reject::plain(StatusCode::BAD_REQUEST, text));
        if (account.as_str(), container.as_str(), object.as_str())
            == (own_account, own_container, own_object)
        {
            return bad("Symlink cannot target itself");
        }
        let etag = match request.header(TARGET_ETAG).map(unquoted) {
            Some(etag) if etag.contains([';', '"', '\\']) => {
                return bad("Bad X-Symlink-Target-Etag format");
            }
            etag => etag.filter(|etag| !etag.is_empty()).map(str::to_owned),
        };
        Ok(Self {
            account,
            is_elsewhere,
            container,
            object,
            etag,
        })
    }
}

/// An `ETag` without the quotes around it (`normalize_etag` in `swift/common/swob.py`).
fn unquoted(etag: &str) -> &str {
    etag.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(etag)
}

/// Makes the link a static one, if its target is there and has that `ETag`.
async fn pin(
    request: &mut Request,
    wanted: &Wanted,
    etag: &str,
    next: Next<'_>,
) -> Result<(), Reject> {
    let path = Path::object(&wanted.account, &wanted.container, &wanted.object);
    let mut head = request.sub(Method::HEAD, path);
    // What a read may depend on.
    for name in [USER_AGENT, HOST, ORIGIN, REFERER] {
        if let Some(value) = request.headers.get(&name) {
            head.headers.insert(name, value.clone());
        }
    }
    let target = follow(head, Some(etag.to_owned()), Links::Static, next).await?;
    if target.status == StatusCode::NOT_FOUND {
        let location = target.header(CONTENT_LOCATION.as_str());
        return Err(conflict_at(
            "X-Symlink-Target does not exist".to_owned(),
            location,
        ));
    }
    if !target.is_success() {
        return Err(Reject::new(target.status));
    }
    let headers = &mut request.headers;
    if !headers.contains_key(LISTED_HASH) {
        // What other features show of the target in its listing they show of the link, too.
        if let Some(listed) = target.header(LISTED_HASH) {
            let parameters = listed.find(';').map_or("", |at| &listed[at..]);
            headers.insert(
                LISTED_HASH,
                header_value(&format!("{MD5_OF_NOTHING}{parameters}")),
            );
        } else if let Some(etag) = target.header(SLO_ETAG) {
            headers.insert(
                LISTED_HASH,
                header_value(&format!("{MD5_OF_NOTHING}; slo_etag={etag}")),
            );
        }
    }
    let bytes = target
        .headers
        .get(SLO_SIZE)
        .or_else(|| target.headers.get(CONTENT_LENGTH))
        .cloned()
        .unwrap_or(HeaderValue::from_static("0"));
    headers.insert(STORED_BYTES, bytes);
    headers.insert(STORED_ETAG, header_value(etag));
    if headers.get(CONTENT_TYPE).is_none_or(HeaderValue::is_empty)
        && let Some(content_type) = target.headers.get(CONTENT_TYPE)
    {
        headers.insert(CONTENT_TYPE, content_type.clone());
    }
    Ok(())
}

/// The hash that a link's container shall list, with what the link names behind it.
fn listed_hash(headers: &HeaderMap) -> String {
    let text = |name: &str| header_text(headers, name);
    let mut hash = text(LISTED_HASH).unwrap_or(MD5_OF_NOTHING).to_owned();
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            hash.push_str("; ");
            hash.push_str(key);
            hash.push('=');
            hash.push_str(value);
        }
    };
    add("symlink_target", text(STORED_TARGET));
    add("symlink_target_account", text(STORED_ACCOUNT));
    add("symlink_target_etag", text(STORED_ETAG));
    if text(STORED_ETAG).is_some() {
        add("symlink_target_bytes", text(STORED_BYTES));
    }
    hash
}

/// Writes metadata to what is named, and says so if that is a link.
async fn post(request: Request, next: Next<'_>) -> Reply {
    if request.headers.contains_key(TARGET) {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "A PUT request is required to set a symlink target",
        ));
    }
    let path = request.path.clone();
    let response = next.run(request).await;
    let Some(location) = target_path(&response.headers, &path).filter(|_| response.is_success())
    else {
        return Ok(response);
    };
    let mut redirect = Reject::html(
        StatusCode::TEMPORARY_REDIRECT,
        "The requested POST was applied to a symlink. POST directly to the target to apply requested metadata.",
    )
    .into_response();
    redirect.set(LOCATION, &location);
    if let Some(etag) = response.headers.get(STORED_ETAG) {
        redirect.headers.insert(TARGET_ETAG, etag.clone());
    }
    let system = response
        .headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _): &(HeaderName, _)| name.as_str().starts_with(STORED_PREFIX));
    redirect.headers.extend(system);
    Ok(redirect)
}

/// Lists a container, with what its links name.
async fn list(request: Request, next: Next<'_>) -> Response {
    let account = request
        .path
        .named()
        .map_or_else(String::new, |named| named.account().to_owned());
    let version = request.path.version().to_owned();
    let mut response = next.run(request).await;
    if let Some(listing) = &mut response.listing {
        for entry in &mut listing.entries {
            if let Entry::Object(object) = entry {
                show_link(object, &version, &account);
            }
        }
    }
    response
}

/// Turns what stands behind a listed hash into what the listing shows of a link. What is not ours stays there.
fn show_link(object: &mut ObjectEntry, version: &str, account: &str) {
    let Some((hash, parameters)) = object.hash.split_once(';') else {
        return;
    };
    let mut hash = hash.to_owned();
    let mut account = account;
    let (mut target, mut etag, mut bytes) = (None, None, None);
    // A copy of a link names its target twice; the last one counts.
    for parameter in parameters.split(';') {
        let parameter = parameter.trim();
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("symlink_target", value) => target = Some(value),
            ("symlink_target_account", value) => account = value,
            ("symlink_target_etag", value) => etag = Some(value),
            ("symlink_target_bytes", value) => bytes = value.parse::<u64>().ok(),
            _ => {
                hash.push_str("; ");
                hash.push_str(parameter);
            }
        }
    }
    let path = target.map(|target| format!("/{version}/{account}/{target}"));
    object.extra.extend(etag.map(|etag| ("symlink_etag", etag.into())));
    object.extra.extend(bytes.map(|bytes| ("symlink_bytes", bytes.into())));
    object.extra.extend(path.map(|path| ("symlink_path", path.into())));
    object.hash = hash;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    fn shown(hash: &str) -> ObjectEntry {
        let mut entry = ObjectEntry {
            name: "link".to_owned(),
            hash: hash.to_owned(),
            bytes: 0,
            content_type: "application/symlink".to_owned(),
            last_modified: Timestamp::from(std::time::UNIX_EPOCH),
            extra: Vec::new(),
        };
        show_link(&mut entry, "v1", "AUTH_a");
        entry
    }

    #[test]
    fn a_listing_shows_what_a_link_names_and_leaves_the_rest_to_others() {
        let entry = shown(
            "abc; slo_etag=def; symlink_target=c/o%3B; symlink_target_etag=e; symlink_target_bytes=4",
        );
        assert_eq!(entry.hash, "abc; slo_etag=def");
        assert_eq!(
            entry.extra,
            [
                ("symlink_etag", "e".into()),
                ("symlink_bytes", 4.into()),
                ("symlink_path", "/v1/AUTH_a/c/o%3B".into()),
            ]
        );
    }

    #[test]
    fn a_listing_names_the_account_of_a_target_that_is_elsewhere() {
        let entry = shown("abc; symlink_target=c/o; symlink_target_account=AUTH_b");
        assert_eq!(entry.extra, [("symlink_path", "/v1/AUTH_b/c/o".into())]);
    }

    #[test]
    fn a_copy_of_a_link_is_listed_once() {
        let entry = shown("abc; symlink_target=c/o; symlink_target=c/o");
        assert_eq!(entry.extra, [("symlink_path", "/v1/AUTH_a/c/o".into())]);
    }

    #[test]
    fn what_is_no_link_is_listed_as_it_is() {
        let entry = shown("abc");
        assert_eq!(entry.hash, "abc");
        assert!(entry.extra.is_empty());
    }

    #[test]
    fn what_a_link_names_is_kept_behind_its_hash() {
        let mut headers = HeaderMap::new();
        headers.insert(STORED_TARGET, HeaderValue::from_static("c/o"));
        assert_eq!(
            listed_hash(&headers),
            format!("{MD5_OF_NOTHING}; symlink_target=c/o")
        );
        headers.insert(LISTED_HASH, HeaderValue::from_static("abc; slo_etag=def"));
        headers.insert(STORED_ETAG, HeaderValue::from_static("e"));
        headers.insert(STORED_BYTES, HeaderValue::from_static("4"));
        assert_eq!(
            listed_hash(&headers),
            "abc; slo_etag=def; symlink_target=c/o; symlink_target_etag=e; symlink_target_bytes=4"
        );
    }

    #[test]
    fn an_etag_loses_its_quotes_only_where_it_has_both() {
        assert_eq!(unquoted("\"abc\""), "abc");
        assert_eq!(unquoted("\"abc"), "\"abc");
        assert_eq!(unquoted("\""), "\"");
    }
}
