//! The management service: which containers are published, and how.
//!
//! | request | answer |
//! |---|---|
//! | `GET ACCOUNT` | 200 and the list, see [`super::listing`]; as text 204 for an account that never published |
//! | `PUT ACCOUNT/CONTAINER` | 201 if that is new or changes something, else 202; the four addresses |
//! | `POST ACCOUNT/CONTAINER` | 202 and the addresses; 404 if it never was published |
//! | `HEAD ACCOUNT/CONTAINER` | 204 and everything known of it, published or not; 404 if it never was |
//! | `DELETE ACCOUNT/CONTAINER` | 204 with `X-Remove-CDN-Container: true`: it is as if it never was published; 404 |
//! | | 204 with `X-Purge-Email`: the edge has nothing of it any longer, which counts as one purge; 404; 498 |
//! | | 405 with neither |
//! | `DELETE ACCOUNT/CONTAINER/OBJECT` | 204: the edge has it no longer; 404; 498 from the 26th on a day |
//!
//! PUT and POST read `X-CDN-Enabled`, `X-TTL` (seconds) and `X-Log-Retention`, and keep what is not named. The container
//! need not exist in storage. `X-Purge-Email` is read by nobody: no mail is sent. Without a valid token all of it is
//! 401, and 403 for users who neither own the account nor are resellers.

use http::{HeaderName, Method, StatusCode};

use super::address::{self, Uris};
use super::cache::Key;
use super::rows::Change;
use super::{listing, python_bool, uris};
use crate::core::Core;
use crate::message::{Request, Response};
use crate::reject::{Reject, Reply};

/// The path below which the service lies; the account comes next.
pub(super) const ROOT: &str = "/cdn/v1/";

/// Answers a request below [`ROOT`].
pub(super) fn handle(request: &Request, core: &Core) -> Response {
    answer(request, core).unwrap_or_else(|reject| {
        let mut response = reject.into_response();
        crate::reject::name_realm(&mut response, || {
            request.path.as_str()["/cdn".len()..].to_owned()
        });
        response
    })
}

fn answer(request: &Request, core: &Core) -> Reply {
    let path = request.path.as_str().strip_prefix(ROOT).unwrap_or("");
    let mut parts = path.splitn(3, '/').filter(|part| !part.is_empty());
    let account = parts.next().ok_or_else(bad_path)?;
    authorize(request, core, account)?;

    if request.method == Method::GET {
        // The service looks at the account alone, whatever follows.
        return listing::list(request, core, account);
    }
    let container = parts.next();
    let object = parts.next();
    let cdn = &core.cdn;
    match (request.method.as_str(), container, object) {
        ("PUT", Some(container), None) => {
            let change = read_change(request, core)?;
            let changed = cdn.rows_mut().put(account, container, change);
            let mut response = if changed {
                plain(StatusCode::CREATED, "201 Created\n\n\n\n   ")
            } else {
                accepted()
            };
            set_uris(&mut response, &uris(core, request, account, container));
            Ok(response)
        }
        ("POST", Some(container), None) => {
            let change = read_change(request, core)?;
            if !cdn.rows_mut().post(account, container, change) {
                return Err(Reject::not_found());
            }
            let mut response = accepted();
            set_uris(&mut response, &uris(core, request, account, container));
            Ok(response)
        }
        ("HEAD", Some(container), None) => {
            let row = cdn.rows().row(account, container);
            let row = row.ok_or_else(Reject::not_found)?;
            let mut response = Response::new(StatusCode::NO_CONTENT);
            set_uris(&mut response, &uris(core, request, account, container));
            for (name, value) in [
                ("x-cdn-enabled", python_bool(row.enabled)),
                ("x-ttl", &row.ttl.to_string()),
                ("x-log-retention", python_bool(row.log_retention)),
            ] {
                response.set(HeaderName::from_static(name), value);
            }
            Ok(response)
        }
        ("DELETE", Some(container), None) => {
            if !request.header_is_true("x-remove-cdn-container") {
                if request.headers.contains_key("x-purge-email") {
                    return purge(core, account, container, None);
                }
                return Err(Reject::method_not_allowed("GET, HEAD, POST, PUT"));
            }
            if !cdn.rows_mut().remove(account, container) {
                return Err(Reject::not_found());
            }
            Ok(Response::new(StatusCode::NO_CONTENT))
        }
        ("DELETE", Some(container), Some(object)) => purge(core, account, container, Some(object)),
        ("PUT" | "POST" | "HEAD" | "DELETE", None, _) => Err(bad_path()),
        _ => Err(Reject::not_found()),
    }
}

/// Drops an object from the edge, or all of a container's. Storage keeps them, and the next fetch is a first one.
fn purge(core: &Core, account: &str, container: &str, object: Option<&str>) -> Reply {
    let mut rows = core.cdn.rows_mut();
    if rows.row(account, container).is_none() {
        return Err(Reject::not_found());
    }
    if !rows.count_purge(account, core.clock.now()) {
        let rate_limited = StatusCode::from_u16(498).expect("498 is a three-digit number");
        return Err(Reject::html(
            rate_limited,
            "<html><h1>Rate Limited</h1><p></p></html>\n",
        ));
    }
    drop(rows);
    let hash = address::hash(account, container);
    match object {
        Some(object) => core.cdn.cache().purge(&Key::new(hash, object)),
        None => core.cdn.cache().purge_containers(|of| of == hash),
    }
    Ok(Response::new(StatusCode::NO_CONTENT))
}

/// Lets in the account's owners and resellers.
fn authorize(request: &Request, core: &Core, account: &str) -> Result<(), Reject> {
    let user = request
        .header("x-auth-token")
        .and_then(|token| core.identity.authenticate(token, core.clock.now()))
        .ok_or_else(Reject::unauthorized)?;
    if user.manages(account, request.is_read()) {
        Ok(())
    } else {
        Err(Reject::forbidden())
    }
}

fn read_change(request: &Request, core: &Core) -> Result<Change, Reject> {
    Change::read(&request.headers, core.cdn.strict)
        .map_err(|text| Reject::plain(StatusCode::BAD_REQUEST, text))
}

fn bad_path() -> Reject {
    Reject::plain(
        StatusCode::BAD_REQUEST,
        "Invalid request. URI format: /<api version>/<account>/<container>",
    )
}

fn set_uris(response: &mut Response, uris: &Uris) {
    for (name, uri) in [
        ("x-cdn-uri", &uris.http),
        ("x-cdn-ssl-uri", &uris.ssl),
        ("x-cdn-streaming-uri", &uris.streaming),
        ("x-cdn-ios-uri", &uris.ios),
    ] {
        response.set(HeaderName::from_static(name), uri);
    }
}

// The bodies have the lengths, and begin with the words, that published samples of the service show.

fn accepted() -> Response {
    plain(
        StatusCode::ACCEPTED,
        "202 Accepted\n\nThe request is accepted for processing.\n\n   ",
    )
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    Response::with(status, "text/plain; charset=UTF-8", text)
}
