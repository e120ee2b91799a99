//! Keystone's v3, as far as object storage needs it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v3/auth/tokens` | 201, the token in `X-Subject-Token`, scope and catalog in the body; 400, 401 |
//! | `GET`, `HEAD`, `DELETE /v3/auth/tokens` | 200, 200, 204 for the token in `X-Subject-Token`; 401, 403, 404 |
//! | `GET /v3/auth/catalog`, `projects`, `domains`, `system` | 200, of the token's bearer |
//! | `/v3/users/{id}/application_credentials[/{id}]` | see `credentials.rs` |
//! | `/v3/projects[/{id}]`, `/v3/domains[/{id}]` | see `places.rs` |
//! | `/v3/users[/{id}]`, `/{id}/projects`, `/{id}/groups`, `/{id}/password` | see `people.rs` |
//! | `/v3/roles[/{id}]`, `/v3/{projects,domains}/{id}/users/{id}/roles[/{id}]`, `/v3/system/users/{id}/roles[/{id}]`, `/v3/role_assignments` | see `roles.rs` |
//! | `GET /v3/services`, `endpoints`, `regions` | see `services.rs` |
//!
//! Who may do what is as in Keystone's default policy, for those who have the role `admin` somewhere and those who have
//! not; `manager` has no meaning of its own. What admins change holds until the emulator stops.
//!
//! `TempAuth`'s users are known as `account:user` in the domain `default`, or by the user's name alone where the project
//! is named. Their projects have the accounts' names.

mod call;
mod credentials;
mod describe;
mod fault;
mod people;
mod places;
mod roles;
mod services;
mod sign_in;

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::directory::Place;
use super::{Identity, Scope, Token, discovery, read_json};
use crate::core::Core;
use crate::message::{Request, Response};
use crate::region::host_url;
use call::Call;
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
        (["auth", "catalog"], &Method::GET) => own_catalog(request, core, &base),
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
            let links = json!({"self": format!("{base}/v3/auth/system")});
            Response::json(StatusCode::OK, &json!({"system": system, "links": links}))
        }),
        (
            []
            | [
                "auth",
                "tokens" | "catalog" | "projects" | "domains" | "system",
            ],
            _,
        ) => Err(Fault::method_not_allowed()),
        (["users", id, "password"], &Method::POST) => match read_json(request).await {
            Ok(body) => people::change_password(identity, id, &body),
            Err(error) => Err(Fault::bad_request(error)),
        },
        _ => resource(request, steps, core, &base).await,
    };
    answer.unwrap_or_else(|fault| fault.into_response(&base))
}

/// What Keystone keeps, for those whom it knows.
async fn resource(request: &mut Request, steps: &[&str], core: &Core, base: &str) -> Answer {
    let token = shown(request, &core.identity)?;
    let body = if matches!(request.method, Method::POST | Method::PATCH) {
        read_json(request).await.map_err(Fault::bad_request)?
    } else {
        Value::Null
    };
    let call = &Call {
        method: request.method.clone(),
        request,
        identity: &core.identity,
        token,
        body,
        base: base.to_owned(),
    };
    let method = call.method.as_str();
    let place = |of: fn(Arc<str>) -> Place, id: &str| of(id.into());
    match (steps, method) {
        (["projects"], "GET" | "POST") => places::projects(call),
        (["projects", id], "GET" | "PATCH" | "DELETE") => places::project(call, id),
        (["domains"], "GET" | "POST") => places::domains(call),
        (["domains", id], "GET" | "PATCH" | "DELETE") => places::domain(call, id),
        (["users"], "GET" | "POST") => people::users(call),
        (["users", id], "GET" | "PATCH" | "DELETE") => people::user(call, id),
        (["users", id, "projects"], "GET") => people::projects(call, id),
        (["users", id, "groups"], "GET") => people::groups(call, id),
        (["users", id, "application_credentials"], "GET" | "POST") => credentials::all(call, id),
        (["users", id, "application_credentials", which], "GET" | "DELETE") => {
            credentials::one(call, id, which)
        }
        (["roles"], "GET" | "POST") => roles::roles(call),
        (["roles", id], "GET" | "DELETE") => roles::role(call, id),
        (["role_assignments"], "GET") => roles::assignments(call),
        (["projects", id, "users", user, "roles"], "GET") => {
            roles::grant(call, &place(Place::Project, id), user, None)
        }
        (["domains", id, "users", user, "roles"], "GET") => {
            roles::grant(call, &place(Place::Domain, id), user, None)
        }
        (["system", "users", user, "roles"], "GET") => {
            roles::grant(call, &Place::System, user, None)
        }
        (["projects", id, "users", user, "roles", role], "PUT" | "HEAD" | "DELETE") => {
            roles::grant(call, &place(Place::Project, id), user, Some(role))
        }
        (["domains", id, "users", user, "roles", role], "PUT" | "HEAD" | "DELETE") => {
            roles::grant(call, &place(Place::Domain, id), user, Some(role))
        }
        (["system", "users", user, "roles", role], "PUT" | "HEAD" | "DELETE") => {
            roles::grant(call, &Place::System, user, Some(role))
        }
        (["services"], "GET") => services::services(call, core),
        (["endpoints"], "GET") => services::endpoints(call, core),
        (["regions"], "GET") => Ok(services::regions(call, core)),
        // There are none, and nobody can make any.
        (["groups" | "credentials" | "limits" | "registered_limits"], "GET") => {
            call.admins_only(&format!("list_{}", steps[0]))?;
            Ok(call.list(steps[0], Vec::new()))
        }
        _ => Err(Fault::not_found("this resource")),
    }
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

fn own_catalog(request: &Request, core: &Core, base: &str) -> Answer {
    let token = shown(request, &core.identity)?;
    if matches!(token.scope, Scope::Unscoped) {
        return Err(Fault::forbidden("identity:get_auth_catalog"));
    }
    let catalog = describe::catalog(&token, core, &request.headers);
    let links = json!({"self": format!("{base}/v3/auth/catalog")});
    Ok(Response::json(
        StatusCode::OK,
        &json!({"catalog": catalog, "links": links}),
    ))
}

/// The token that the request is about: the bearer's own, or for admins and services anybody's.
fn subject(request: &Request, identity: &Identity, action: &str) -> Result<Arc<Token>, Fault> {
    let own = shown(request, identity)?;
    let id = request
        .header("x-subject-token")
        .ok_or_else(|| Fault::forbidden(action))?;
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
