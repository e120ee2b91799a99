//! Keystone's v3, as far as object storage needs it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v3/auth/tokens` | 201, the token in `X-Subject-Token`, scope and catalog in the body; 400, 401 |
//! | `GET`, `HEAD`, `DELETE /v3/auth/tokens` | 200, 200, 204 for the token in `X-Subject-Token`; 401, 403, 404 |
//! | `GET /v3/auth/catalog`, `projects`, `domains`, `system` | 200, of the token's bearer |
//!
//! `TempAuth`'s users are known as `account:user` in the domain `default`, or by the user's name alone where the project
//! is named. Their projects have the accounts' names.

mod describe;
mod fault;
mod sign_in;

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::directory::Place;
use super::{Identity, Token, discovery};
use crate::core::Core;
use crate::message::{Request, Response};
use crate::region::host_url;
use fault::Fault;

type Answer = Result<Response, Fault>;

/// `steps` is the path behind `/v3`.
pub(super) async fn handle(request: &mut Request, steps: &[&str], core: &Core) -> Response {
    let identity = &core.identity;
    let base = host_url(&request.headers);
    let method = request.method.clone();
    let answer = match (steps, &method) {
        ([], &Method::GET | &Method::HEAD) => Ok(discovery::one(&discovery::v3(&base))),
        (["auth", "tokens"], &Method::POST) => sign_in::handle(request, core).await,
        (["auth", "tokens"], &Method::GET | &Method::HEAD) => validate(request, core),
        (["auth", "tokens"], &Method::DELETE) => revoke(request, identity),
        (["auth", "catalog"], &Method::GET) => shown(request, identity).map(|token| {
            let catalog = describe::catalog(&token, core, &request.headers);
            listed("catalog", &catalog, &base, "auth/catalog")
        }),
        (["auth", "projects"], &Method::GET) => shown(request, identity).map(|token| {
            let projects = identity.projects_of(&token.person);
            let projects = projects.iter().map(|of| describe::project(of, &base));
            listed("projects", &projects.collect(), &base, "auth/projects")
        }),
        (["auth", "domains"], &Method::GET) => shown(request, identity).map(|token| {
            let domains = own_domains(&token, identity, &base);
            listed("domains", &domains, &base, "auth/domains")
        }),
        (["auth", "system"], &Method::GET) => shown(request, identity).map(|token| {
            let all = token.person.has_role_on(&Place::System);
            let system = if all {
                json!([{"all": true}])
            } else {
                json!([])
            };
            listed("system", &system, &base, "auth/system")
        }),
        (
            []
            | [
                "auth",
                "tokens" | "catalog" | "projects" | "domains" | "system",
            ],
            _,
        ) => Err(Fault::method_not_allowed()),
        _ => Err(Fault::not_found("this resource")),
    };
    answer.unwrap_or_else(|fault| fault.into_response(&base))
}

/// A list, with the links that Keystone's have.
fn listed(name: &str, items: &Value, base: &str, path: &str) -> Response {
    let links = json!({"self": format!("{base}/v3/{path}"), "next": null, "previous": null});
    Response::json(StatusCode::OK, &json!({ name: items, "links": links }))
}

fn shown(request: &Request, identity: &Identity) -> Result<Arc<Token>, Fault> {
    identity.shown(request).ok_or_else(Fault::unauthorized)
}

/// Whether the bearer may do what only admins may.
fn is_admin(token: &Token) -> bool {
    token.user.is_reseller_admin() || token.roles.iter().any(|role| &**role == "admin")
}

/// The token that the request is about: the bearer's own, or for admins and services anybody's.
fn subject(request: &Request, identity: &Identity, action: &str) -> Result<Arc<Token>, Fault> {
    let own = shown(request, identity)?;
    let id = request
        .header("x-subject-token")
        .ok_or_else(|| Fault::bad_request("X-Subject-Token is missing"))?;
    let token = identity
        .token(id, request.received.system_time())
        .ok_or_else(|| Fault::not_found("token"))?;
    let serves = own.roles.iter().any(|role| &**role == "service");
    if own.person.id == token.person.id || is_admin(&own) || serves {
        Ok(token)
    } else {
        Err(Fault::forbidden(action))
    }
}

fn validate(request: &Request, core: &Core) -> Answer {
    let token = subject(request, &core.identity, "identity:validate_token")?;
    let described = describe::token(&token, core, request);
    let mut response = Response::json(StatusCode::OK, &json!({ "token": described }));
    response.set(HeaderName::from_static("x-subject-token"), &token.id);
    response.set(http::header::VARY, "X-Auth-Token");
    Ok(response)
}

fn revoke(request: &Request, identity: &Identity) -> Answer {
    let token = subject(request, identity, "identity:revoke_token")?;
    identity.tokens.revoke(&token.id);
    Ok(Response::new(StatusCode::NO_CONTENT))
}

fn own_domains(token: &Token, identity: &Identity, base: &str) -> Value {
    let directory = identity.directory();
    let domains = directory.domains.values();
    domains
        .filter(|domain| {
            token
                .person
                .has_role_on(&Place::Domain(Arc::clone(&domain.id)))
        })
        .map(|domain| describe::domain_resource(domain, base))
        .collect()
}
