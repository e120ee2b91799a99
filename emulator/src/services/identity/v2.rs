//! Identity v2.0, in Rackspace's dialect.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v2.0/tokens` | 200, token and catalog; 400, 401, 404 (unknown token) |
//! | `GET`, `HEAD /v2.0/tokens/{id}` | 200, token and user; 404. `?belongsTo=` asks for a tenant |
//! | `GET /v2.0/tokens/{id}/endpoints` | 200, the catalog as a list |
//! | `DELETE /v2.0/tokens`, `DELETE /v2.0/tokens/{id}` | 204, the token is revoked; 403, 404 |
//! | `GET /v2.0/tenants` | 200, the tenants of the token's bearer |
//! | `GET /v2.0/users`, `?name=`, `/{id}`, `/{id}/roles` | 200, the token's bearer; 403, 404 |
//! | `GET /v2.0/users/{id}/OS-KSADM/credentials` | 200, the API key; also below it `/RAX-KSKEY:apiKeyCredentials` |
//! | `GET /v2.0/extensions` | 200, none |
//!
//! ```text
//! → {"auth":{"RAX-KSKEY:apiKeyCredentials":{"username":"demo","apiKey":"…"}}}
//!   {"auth":{"passwordCredentials":{"username":"demo","password":"…"},"tenantId":"123456"}}
//!   {"auth":{"RAX-AUTH:passcodeCredentials":{"passcode":"…"}}}        with X-SessionId
//!   {"auth":{"token":{"id":"…"},"tenantId":"123456"}}
//! ← {"access":{"token":{"id","expires","tenant":{"id","name"},"RAX-AUTH:authenticatedBy":["APIKEY"]},
//!              "serviceCatalog":[{"name","type","endpoints":[{"region","tenantId","publicURL","internalURL"}]}],
//!              "user":{"id","name","roles":[…],"RAX-AUTH:defaultRegion":"DFW"}}}
//! ```
//!
//! Whoever has a second factor and shows the password is answered 401 with `WWW-Authenticate: OS-MF sessionId='…',
//! factor='PASSCODE'`, and shows the passcode within ten minutes. An API key does without.
//!
//! Errors are `{"<name>":{"code":<status>,"message":"…"}}`. The tenant of a token is numeric, that of its storage is
//! the account `MossoCloudFS_…`. The users of `TempAuth` and Keystone may sign in here too, by `passwordCredentials`;
//! they have no CDN. A Keystone user who names no tenant and has no default project is in none, as in Keystone's v2.0.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::catalog::{self, Kind as ServiceKind, Service};
use super::directory::{Kind, Project};
use super::fault::Fault;
use super::v1::default_region;
use super::{Door, Identity, Scope, Token, Wanted, discovery, read_json};
use crate::config::{Factor, RackspaceRole};
use crate::core::Core;
use crate::message::{Request, Response};
use crate::region::host_url;
use crate::timestamp::Timestamp;

type Answer = Result<Response, Fault>;

/// `steps` is the path behind `/v2.0`.
pub(super) async fn handle(request: &mut Request, steps: &[&str], core: &Core) -> Response {
    let identity = &core.identity;
    let method = request.method.clone();
    let answer = match (steps, &method) {
        ([], &Method::GET | &Method::HEAD) => {
            Ok(discovery::one(&discovery::v2(&host_url(&request.headers))))
        }
        (["tokens"], &Method::POST) => sign_in(request, core).await,
        (["tokens"], &Method::DELETE) => revoke(request, None, identity),
        (["tokens", id], &Method::DELETE) => revoke(request, Some(id), identity),
        (["tokens", id], &Method::GET | &Method::HEAD) => validate(request, id, core),
        (["tokens", id, "endpoints"], &Method::GET) => endpoints(request, id, core),
        (["tenants"], &Method::GET) => tenants(request, identity),
        (["users"], &Method::GET) => users(request, core),
        (["users", id, rest @ ..], &Method::GET) => user(request, id, rest, core),
        (["extensions"], &Method::GET) => Ok(ok(&json!({"extensions": {"values": []}}))),
        ([] | ["tokens" | "tenants" | "extensions" | "users", ..], _) => Err(Fault::METHOD),
        _ => Err(Fault::NOT_FOUND),
    };
    answer.unwrap_or_else(Fault::into_response)
}

fn ok(value: &Value) -> Response {
    Response::json(StatusCode::OK, value)
}

async fn sign_in(request: &mut Request, core: &Core) -> Answer {
    let body = read_json(request).await.map_err(|_| Fault::BAD_REQUEST)?;
    let auth = &body["auth"];
    let identity = &core.identity;
    let now = request.received.system_time();
    let tenant = match (named(auth, "tenantId")?, named(auth, "tenantName")?) {
        (Some(_), Some(_)) => return Err(Fault::TWO_TENANTS),
        (id, name) => id.or(name),
    };
    let tenant = tenant.as_deref();
    let (person, by) = if let Some(shown) = auth.get("RAX-KSKEY:apiKeyCredentials") {
        let (name, key) = (text(shown, "username")?, text(shown, "apiKey")?);
        let person = identity.find(name, tenant, |person| {
            person.api_key.as_ref().is_some_and(|known| known.is(key))
        });
        (person.ok_or(Fault::UNAUTHORIZED)?, vec!["APIKEY"])
    } else if let Some(shown) = auth.get("passwordCredentials") {
        let (name, password) = (text(shown, "username")?, text(shown, "password")?);
        // There are no domains here: only those of the default one can be meant.
        let person = identity.find(name, tenant, |person| {
            person.domain.is(super::directory::DEFAULT_DOMAIN) && person.password.is(password)
        });
        let person = person.ok_or(Fault::UNAUTHORIZED)?;
        if person.second_factor.is_some() {
            return Err(Fault::passcode_wanted(identity.sessions.open(&person, now)));
        }
        (person, vec!["PASSWORD"])
    } else if let Some(shown) = auth.get("RAX-AUTH:passcodeCredentials") {
        let passcode = text(shown, "passcode")?;
        let session = request.header("x-sessionid").unwrap_or_default();
        let person = identity.sessions.close(session, passcode, now);
        let person = person.ok_or(Fault::UNAUTHORIZED)?;
        let factor = match person.second_factor.as_ref().map(|factor| factor.by) {
            Some(Factor::Otp) => "OTPPASSCODE",
            Some(Factor::Sms) | None => "PASSCODE",
        };
        (person, vec![factor, "PASSWORD"])
    } else if let Some(shown) = auth.get("token") {
        let found = identity.token(text(shown, "id")?, now);
        let token = found.ok_or(Fault::TOKEN_NOT_FOUND)?;
        (Arc::clone(&token.person), vec!["PASSWORD"])
    } else {
        return Err(Fault::BAD_REQUEST);
    };
    let mut wanted = Wanted::at_home(&person, Door::V2);
    if let Some(tenant) = tenant {
        let project = identity.project_for(&person, |project| project.is(tenant));
        wanted.scope = Scope::Project(project.ok_or(Fault::UNAUTHORIZED)?);
    }
    let token = identity
        .issue(&person, wanted, now)
        .ok_or(Fault::UNAUTHORIZED)?;
    let mut described = describe_token(&token);
    described["RAX-AUTH:authenticatedBy"] = json!(by);
    let mut access = json!({"token": described, "user": describe_user(&token, core)});
    if request.query.get("include_endpoints").as_deref() != Some("false") {
        access["serviceCatalog"] = catalog(&token, core, request);
    }
    Ok(ok(&json!({ "access": access })))
}

/// A text that must be there.
fn text<'a>(within: &'a Value, name: &str) -> Result<&'a str, Fault> {
    within[name].as_str().ok_or(Fault::BAD_REQUEST)
}

/// A text that may be there; clients write numeric tenants as numbers as well.
fn named(within: &Value, name: &str) -> Result<Option<String>, Fault> {
    match &within[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(Fault::BAD_REQUEST),
    }
}

fn shown(request: &Request, identity: &Identity) -> Result<Arc<Token>, Fault> {
    identity.shown(request).ok_or(Fault::NO_VALID_TOKEN)
}

/// Whoever has a good token may ask about any other whose id they know.
fn asked_about(request: &Request, id: &str, identity: &Identity) -> Result<Arc<Token>, Fault> {
    shown(request, identity)?;
    let token = identity.token(id, request.received.system_time());
    let belongs_to = request.query.get("belongsTo");
    token
        .filter(|token| {
            belongs_to.is_none_or(|tenant| {
                let project = token.scope.project();
                project.is_some_and(|project| project.is(&tenant))
            })
        })
        .ok_or(Fault::TOKEN_NOT_FOUND)
}

fn validate(request: &Request, id: &str, core: &Core) -> Answer {
    let token = asked_about(request, id, &core.identity)?;
    let access = json!({"token": describe_token(&token), "user": describe_user(&token, core)});
    Ok(ok(&json!({ "access": access })))
}

fn endpoints(request: &Request, id: &str, core: &Core) -> Answer {
    let token = asked_about(request, id, &core.identity)?;
    let mut all = Vec::new();
    for service in services(&token, core, request) {
        for (mut endpoint, number) in described_endpoints(&service, &token).into_iter().zip(1..) {
            endpoint["id"] = json!(number);
            endpoint["name"] = service.name.as_str().into();
            endpoint["type"] = service.kind.name().into();
            all.push(endpoint);
        }
    }
    Ok(ok(&json!({"endpoints": all, "endpoints_links": []})))
}

/// Takes back the token shown, or another: one of the same user's, or as a reseller's admin anybody's.
fn revoke(request: &Request, id: Option<&str>, identity: &Identity) -> Answer {
    let own = shown(request, identity)?;
    let now = request.received.system_time();
    let token = match id {
        None => Arc::clone(&own),
        Some(id) => identity.token(id, now).ok_or(Fault::TOKEN_NOT_FOUND)?,
    };
    if token.person.id != own.person.id && !own.user.is_reseller_admin() {
        return Err(Fault::FORBIDDEN);
    }
    identity.tokens.revoke(&token.id);
    Ok(Response::new(StatusCode::NO_CONTENT))
}

fn tenants(request: &Request, identity: &Identity) -> Answer {
    let token = shown(request, identity)?;
    let mut tenants = Vec::new();
    for project in identity.projects_of(&token.person) {
        let described = |id: &str, name: &str| json!({"id": id, "name": name, "enabled": true});
        tenants.push(described(&project.id, &project.name));
        if project.is_rackspace {
            tenants.push(described(&project.account, &project.account));
        }
    }
    Ok(ok(&json!({"tenants": tenants, "tenants_links": []})))
}

/// Those whom the bearer may see: the bearer.
fn users(request: &Request, core: &Core) -> Answer {
    let token = shown(request, &core.identity)?;
    let user = describe_user(&token, core);
    match request.query.get("name") {
        None => Ok(ok(&json!({"users": [user]}))),
        Some(name) if **token.person.login() == *name => Ok(ok(&json!({ "user": user }))),
        Some(_) => Err(Fault::USER_NOT_FOUND),
    }
}

fn user(request: &Request, id: &str, rest: &[&str], core: &Core) -> Answer {
    let token = shown(request, &core.identity)?;
    let person = &token.person;
    if *person.id != *id && **person.login() != *id {
        let known = !core.identity.directory().named(id).is_empty();
        return Err(if known {
            Fault::FORBIDDEN
        } else {
            Fault::USER_NOT_FOUND
        });
    }
    let api_key = || {
        let key = person.api_key.as_ref().ok_or(Fault::NOT_FOUND)?;
        let credentials = json!({"username": **person.login(), "apiKey": key.reveal()});
        Ok(json!({"RAX-KSKEY:apiKeyCredentials": credentials}))
    };
    match rest {
        [] => Ok(ok(&json!({"user": describe_user(&token, core)}))),
        ["roles"] => {
            let roles = describe_roles(&token);
            Ok(ok(&json!({"roles": roles, "roles_links": []})))
        }
        ["OS-KSADM", "credentials"] => Ok(ok(&json!({"credentials": [api_key()?]}))),
        ["OS-KSADM", "credentials", "RAX-KSKEY:apiKeyCredentials"] => Ok(ok(&api_key()?)),
        _ => Err(Fault::NOT_FOUND),
    }
}

fn describe_token(token: &Token) -> Value {
    let mut described = json!({"id": token.id, "expires": moment(token)});
    if let Some(project) = token.scope.project() {
        described["tenant"] = json!({"id": *project.id, "name": *project.name});
    }
    described
}

/// When the token runs out, with milliseconds: `2026-01-31T12:00:00.123Z`.
pub(super) fn moment(token: &Token) -> String {
    let mut moment = Timestamp::from(token.expires).iso();
    moment.truncate("2026-01-31T12:00:00.123".len());
    moment + "Z"
}

fn describe_user(token: &Token, core: &Core) -> Value {
    let person = &token.person;
    let mut user = json!({
        "id": *person.id,
        "name": **person.login(),
        "enabled": true,
        "roles": describe_roles(token),
        "RAX-AUTH:defaultRegion": default_region(person, core),
        "RAX-AUTH:multiFactorEnabled": person.second_factor.is_some()
    });
    if let Some(home) = &person.home {
        user["RAX-AUTH:domainId"] = json!(*home.id);
    }
    user
}

fn describe_roles(token: &Token) -> Vec<Value> {
    let Some(project) = token.scope.project() else {
        return Vec::new();
    };
    let storage = |name| json!({"id": "5", "name": name, "tenantId": *project.account});
    let compute = json!({"id": "6", "name": "compute:default", "tenantId": *project.id});
    match &token.person.kind {
        Kind::Rackspace(role) => {
            let name = match role {
                RackspaceRole::Default => "object-store:default",
                RackspaceRole::Admin => "object-store:admin",
                RackspaceRole::Observer => "object-store:observer",
            };
            vec![storage(name), compute]
        }
        Kind::TempAuth { .. } | Kind::Keystone => token
            .roles
            .iter()
            .map(|role| json!({"id": **role, "name": **role, "tenantId": *project.id}))
            .collect(),
    }
}

fn services(token: &Token, core: &Core, request: &Request) -> Vec<Service> {
    token
        .scope
        .project()
        .map_or_else(Vec::new, |project: &Arc<Project>| {
            catalog::services(project, core, &request.headers)
        })
}

fn catalog(token: &Token, core: &Core, request: &Request) -> Value {
    let services = services(token, core, request).into_iter();
    services
        .map(|service| {
            let endpoints = described_endpoints(&service, token);
            json!({"name": service.name, "type": service.kind.name(), "endpoints": endpoints})
        })
        .collect()
}

fn described_endpoints(service: &Service, token: &Token) -> Vec<Value> {
    let account = token
        .scope
        .project()
        .map_or("", |project| &*project.account);
    let endpoints = service.endpoints.iter();
    endpoints
        .map(|(region, url)| {
            let mut endpoint = json!({"region": region, "tenantId": account, "publicURL": url});
            // Rackspace's own network reaches the storage, and not the CDN.
            if service.kind == ServiceKind::ObjectStore {
                endpoint["internalURL"] = url.as_str().into();
            }
            endpoint
        })
        .collect()
}
