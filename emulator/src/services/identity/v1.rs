//! Rackspace's identity v1.0 and v1.1: how its users signed in until 2012, and how old clients still do.
//!
//! `GET /v1.0` with `X-Auth-User` and `X-Auth-Key` (the API key; also `X-Storage-User`, `X-Storage-Pass`) is answered 204
//! with `X-Auth-Token`, `X-Storage-Token` (the same), `X-Storage-Url` and `X-CDN-Management-Url`; or 401.
//!
//! `POST /v1.1/auth` takes the same as JSON, and answers 200, 400 or 401:
//!
//! ```text
//! → {"credentials":{"username":"demo","key":"…"}}
//!   {"passwordCredentials":{"username":"demo","password":"…"}}
//!   {"mossoCredentials":{"mossoId":123456,"key":"…"}}
//!   {"nastCredentials":{"nastId":"MossoCloudFS_…","key":"…"}}
//! ← {"auth":{"token":{"id","expires"},
//!            "serviceCatalog":{"cloudFiles":[{"region","publicURL","internalURL","v1Default":true}],"cloudFilesCDN":[…]}}}
//! ```
//!
//! The storage of the user's default region stands in v1.0's headers. Whoever has a second factor cannot come this way.

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::directory::{Person, Project};
use super::fault::Fault;
use super::{Door, Identity, Wanted, catalog, read_json, v2};
use crate::core::Core;
use crate::message::{Request, Response};
use crate::reject::Reject;

/// `/v1.0` is also what `TempAuth` may be looked for at, so only who brings a name is meant.
pub(super) fn is_wanted(request: &Request) -> bool {
    header(request, ["x-auth-user", "x-storage-user"]).is_some()
}

/// `GET /v1.0`.
pub(super) fn sign_in(request: &Request, core: &Core) -> Response {
    if request.method != Method::GET {
        return Reject::method_not_allowed("GET").into_response();
    }
    let user = header(request, ["x-auth-user", "x-storage-user"]).unwrap_or_default();
    let key = header(request, ["x-auth-key", "x-storage-pass"]).unwrap_or_default();
    let person = by_api_key(&core.identity, user, key);
    let Some((Some(home), person)) = person.map(|person| (person.home.clone(), person)) else {
        return Reject::unauthorized().into_response();
    };
    let now = request.received.system_time();
    let wanted = Wanted::at_home(&person, Door::V1);
    let Some(token) = core.identity.issue(&person, wanted, now) else {
        return Reject::unauthorized().into_response();
    };
    let mut response = Response::new(StatusCode::NO_CONTENT);
    response.set(HeaderName::from_static("x-auth-token"), &token.id);
    response.set(HeaderName::from_static("x-storage-token"), &token.id);
    let region = default_region(&person, core);
    for service in catalog::services(&home, core, &request.headers) {
        let name = match service.kind {
            catalog::Kind::ObjectStore => "x-storage-url",
            _ => "x-cdn-management-url",
        };
        let endpoint = service.endpoints.iter().find(|(of, _)| of == region);
        if let Some((_, url)) = endpoint {
            response.set(HeaderName::from_static(name), url);
        }
    }
    response
}

/// Everything below `/v1.1`, of which `steps` is the rest.
pub(super) async fn handle(request: &mut Request, steps: &[&str], core: &Core) -> Response {
    let answer = match (steps, &request.method) {
        (["auth"], &Method::POST) => sign_in_by_json(request, core).await,
        (["auth"], _) => Err(Fault::METHOD),
        _ => Err(Fault::NOT_FOUND),
    };
    answer.unwrap_or_else(Fault::into_response)
}

async fn sign_in_by_json(request: &mut Request, core: &Core) -> Result<Response, Fault> {
    let body = read_json(request).await.map_err(|_| Fault::BAD_REQUEST)?;
    let identity = &core.identity;
    let text = |of: &Value, key: &str| match &of[key] {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Fault::BAD_REQUEST),
    };
    let at_home = |project: String, key: &str| {
        let directory = identity.directory();
        let mut people = directory.people.values().filter(|person| {
            let is_there = |home: &Arc<Project>| home.is_rackspace && home.is(&project);
            person.home.as_ref().is_some_and(is_there) && shows_api_key(person, key)
        });
        people.next().cloned()
    };
    let person = if let Some(shown) = body.get("credentials") {
        by_api_key(identity, &text(shown, "username")?, &text(shown, "key")?)
    } else if let Some(shown) = body.get("passwordCredentials") {
        let (name, password) = (text(shown, "username")?, text(shown, "password")?);
        identity.find(&name, None, |person| {
            person.api_key.is_some()
                && person.second_factor.is_none()
                && person.password.is(&password)
        })
    } else if let Some(shown) = body.get("mossoCredentials") {
        at_home(text(shown, "mossoId")?, &text(shown, "key")?)
    } else if let Some(shown) = body.get("nastCredentials") {
        at_home(text(shown, "nastId")?, &text(shown, "key")?)
    } else {
        return Err(Fault::BAD_REQUEST);
    };
    let person = person.ok_or(Fault::UNAUTHORIZED)?;
    let home = person.home.clone().ok_or(Fault::UNAUTHORIZED)?;
    let now = request.received.system_time();
    let token = identity
        .issue(&person, Wanted::at_home(&person, Door::V1), now)
        .ok_or(Fault::UNAUTHORIZED)?;
    let mut services = serde_json::Map::new();
    for service in catalog::services(&home, core, &request.headers) {
        let default = default_region(&person, core);
        let endpoints = service.endpoints.iter().map(|(region, url)| {
            let mut endpoint = json!({"region": region, "publicURL": url});
            if service.kind == catalog::Kind::ObjectStore {
                endpoint["internalURL"] = url.as_str().into();
            }
            if region == default {
                endpoint["v1Default"] = true.into();
            }
            endpoint
        });
        services.insert(service.name.clone(), endpoints.collect());
    }
    let token = json!({"id": token.id, "expires": v2::moment(&token)});
    Ok(Response::json(
        StatusCode::OK,
        &json!({"auth": {"token": token, "serviceCatalog": services}}),
    ))
}

/// The region whose addresses stand in where only one can.
pub(super) fn default_region<'a>(person: &'a Person, core: &'a Core) -> &'a str {
    person
        .default_region
        .as_deref()
        .unwrap_or_else(|| core.regions.first())
}

fn by_api_key(identity: &Identity, name: &str, key: &str) -> Option<Arc<Person>> {
    identity.find(name, None, |person| shows_api_key(person, key))
}

fn shows_api_key(person: &Person, key: &str) -> bool {
    let fits = person.api_key.as_ref().is_some_and(|known| known.is(key));
    fits && person.second_factor.is_none()
}

fn header<'a>(request: &'a Request, names: [&str; 2]) -> Option<&'a str> {
    names.into_iter().find_map(|name| request.header(name))
}
