//! Tokens: who asks (`swift/common/middleware/tempauth.py`).
//!
//! `GET /auth/v1.0` with `X-Auth-User: account:user` and `X-Auth-Key` (or `X-Storage-User`, `X-Storage-Pass`) answers
//! 200 with `X-Auth-Token`, `X-Storage-Token` (the same), `X-Auth-Token-Expires` (seconds left) and `X-Storage-Url`,
//! or 401. `GET /auth/v1/account/auth` takes the user's name alone.
//!
//! Any other request may show a token in `X-Auth-Token` or `X-Storage-Token`, and a second one in `X-Service-Token`,
//! whose groups come on top. A token that must be ours and is not valid is refused at once, whatever it was for;
//! without one the request goes on as nobody's. *Whether* it may go on is decided in `resources/acl`.

use std::sync::Arc;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, Method, StatusCode};

use crate::core::Core;
use crate::headers::{X_AUTH_TOKEN, X_STORAGE_TOKEN, find, find_text};
use crate::message::{Grant, Request, Response, User};
use crate::region::host_url;
use crate::reject::{Reject, Reply};
use crate::services::identity::{ACCOUNT_PREFIX, Door, Identity, RACKSPACE_PREFIX, Wanted};

const AUTH_PATH: &str = "/auth/";

/// Says who asks, or gives the answer where there is one already.
pub(crate) fn enter(request: &mut Request, core: &Core) -> Option<Reply> {
    // A temporary URL or a form has said already who asks, and then no token is looked at.
    if !matches!(request.grant, Grant::Anonymous) {
        return None;
    }
    let identity = &core.identity;
    if let Some(path) = request.path.as_str().strip_prefix(AUTH_PATH) {
        return Some(give_token(request, path, identity));
    }
    match bearer(request, identity) {
        Ok(None) => None,
        Ok(Some(user)) => {
            request.grant = Grant::User(user);
            None
        }
        Err(refusal) => Some(Err(refusal)),
    }
}

/// Whose token the request shows; `None` if it shows none that is ours.
fn bearer(request: &Request, identity: &Identity) -> Result<Option<Arc<User>>, Reject> {
    let token = find(&request.headers, "x-auth-token");
    let Some(token) = token.or_else(|| find(&request.headers, "x-storage-token")) else {
        return Ok(None);
    };
    let token = token.to_str().unwrap_or_default();
    let now = request.received.system_time();
    let Some(user) = identity.authenticate(token, now) else {
        return if must_be_ours(token, request) {
            Err(unknown_token(request))
        } else {
            Ok(None)
        };
    };
    let shown = find_text(&request.headers, "x-service-token");
    let shown = shown.filter(|token| !token.is_empty());
    let service = shown.and_then(|token| identity.authenticate(token, now));
    if shown.is_some() && service.is_none() && user.roles().is_some() {
        // To `keystoneauth` both tokens are good, or there is nobody.
        return Ok(None);
    }
    Ok(Some(match service {
        Some(service) => Arc::new(user.with_service(&service)),
        None => user,
    }))
}

/// `TempAuth` knows its tokens by their prefix. Rackspace's have none, but nobody else's open Rackspace's accounts.
fn must_be_ours(token: &str, request: &Request) -> bool {
    token.starts_with(ACCOUNT_PREFIX)
        || request
            .path
            .named()
            .is_some_and(|named| !token.is_empty() && named.account().starts_with(RACKSPACE_PREFIX))
}

fn unknown_token(request: &Request) -> Reject {
    let account = request.path.as_str().split('/').nth(2);
    unauthorized(account.unwrap_or_default())
}

fn unauthorized(realm: &str) -> Reject {
    let realm = if realm.is_empty() { "unknown" } else { realm };
    Reject::unauthorized().header(WWW_AUTHENTICATE, &format!("Swift realm=\"{realm}\""))
}

/// `handle_request` and `handle_get_token`: `path` is what follows `/auth/`.
fn give_token(request: &Request, path: &str, identity: &Identity) -> Reply {
    if request.method != Method::GET {
        return Err(Reject::new(StatusCode::METHOD_NOT_ALLOWED));
    }
    let mut parts: Vec<&str> = path.splitn(4, '/').collect();
    let last = parts.pop();
    if path.is_empty() || parts.contains(&"") {
        return Err(Reject::not_found());
    }
    parts.extend(last);
    let version = parts[0];
    let name = match parts[..] {
        ["v1", account, "auth"] => user_of(request, account)?,
        ["auth" | "v1.0", ..] => first_of(request, ["x-auth-user", "x-storage-user"])
            .filter(|name| name.contains(':'))
            .ok_or_else(|| unauthorized("unknown"))?
            .to_owned(),
        _ => return Err(Reject::bad_request()),
    };
    let keys = if version == "v1" {
        ["x-storage-pass", "x-auth-key"]
    } else {
        ["x-auth-key", "x-storage-pass"]
    };
    let account = name.split(':').next().unwrap_or_default();
    let now = request.received.system_time();
    let person = first_of(request, keys)
        .and_then(|key| identity.by_key(&name, key))
        .ok_or_else(|| unauthorized(account))?;
    let token = identity
        .issue(&person, Wanted::at_home(&person, Door::V1), now)
        .ok_or_else(|| unauthorized(account))?;

    let mut response = Response::with(StatusCode::OK, "text/html; charset=UTF-8", "");
    response.set(X_AUTH_TOKEN, &token.id);
    response.set(X_STORAGE_TOKEN, &token.id);
    let left = token.expires.duration_since(now).unwrap_or_default();
    response
        .headers
        .insert("x-auth-token-expires", left.as_secs().into());
    let url = person.storage_url(&host_url(&request.headers));
    response.set(HeaderName::from_static("x-storage-url"), &url);
    Ok(response)
}

/// The full name of who signs in at an account's own address, where the name may come with or without the account.
fn user_of(request: &Request, account: &str) -> Result<String, Reject> {
    if let Some(user) = first_of(request, ["x-storage-user"]) {
        return Ok(format!("{account}:{user}"));
    }
    first_of(request, ["x-auth-user"])
        .filter(|name| name.split_once(':').is_some_and(|(of, _)| of == account))
        .map(str::to_owned)
        .ok_or_else(|| unauthorized(account))
}

/// The first of these headers that is there and not empty.
fn first_of<'a, const N: usize>(request: &'a Request, names: [&str; N]) -> Option<&'a str> {
    names
        .into_iter()
        .filter_map(|name| request.header(name))
        .find(|value| !value.is_empty())
}
