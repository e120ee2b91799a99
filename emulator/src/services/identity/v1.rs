//! `GET /v1.0`: how Rackspace's users signed in until 2012, and how old clients still do.
//!
//! `X-Auth-User` and `X-Auth-Key` (the API key) are answered 204 with `X-Auth-Token`, `X-Storage-Token` (the same),
//! `X-Storage-Url` and `X-CDN-Management-Url`; or 401.

use http::{HeaderName, Method, StatusCode};

use super::base_url;
use crate::core::Core;
use crate::message::{Request, Response};
use crate::reject::Reject;

pub(super) fn sign_in(request: &Request, core: &Core) -> Response {
    if request.method != Method::GET {
        return Reject::method_not_allowed("GET").into_response();
    }
    let user = request.header("x-auth-user").unwrap_or_default();
    let key = request.header("x-auth-key").unwrap_or_default();
    let Some(member) = core.identity.by_api_key(user, key) else {
        return Reject::unauthorized().into_response();
    };
    let now = request.received.system_time();
    let token = core.identity.issue(member, now);
    let mut response = Response::new(StatusCode::NO_CONTENT);
    response.set(HeaderName::from_static("x-auth-token"), &token.id);
    response.set(HeaderName::from_static("x-storage-token"), &token.id);
    for service in member.services(&base_url(&request.headers)) {
        let name = match service.kind {
            "object-store" => "x-storage-url",
            _ => "x-cdn-management-url",
        };
        response.set(HeaderName::from_static(name), &service.url);
    }
    response
}
