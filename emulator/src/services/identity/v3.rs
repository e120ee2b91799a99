//! Keystone's v3, as far as object storage needs it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v3/auth/tokens` | 201, the token in `X-Subject-Token`, project and catalog in the body; 400, 401 |
//! | `GET`, `HEAD`, `DELETE /v3/auth/tokens` | 200, 200, 204 for the token in `X-Subject-Token`; 401, 403, 404 |
//! | `GET /v3/auth/catalog`, `GET /v3/auth/projects` | 200, of the token's bearer |
//!
//! Methods are `password`, `token` and `application_credential` (by id, or by name and user). All users and projects are
//! in the domain `default`; `TempAuth`'s users are known as `account:user`, or by the user's name alone where the
//! project is named. Whoever names no project is in the one they have: there is no other.
//!
//! Errors are `{"error":{"code":<status>,"title":"…","message":"…"}}`.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::{Identity, Member, Secret, Token, base_url, discovery, read_json};
use crate::core::Core;
use crate::defaults;
use crate::message::{Request, Response};
use crate::timestamp::Timestamp;

/// A refusal in Keystone's words.
struct Fault(StatusCode, String);

impl Fault {
    fn bad_request(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn unauthorized() -> Self {
        let message = "The request you have made requires authentication.";
        Self(StatusCode::UNAUTHORIZED, message.to_owned())
    }

    fn forbidden() -> Self {
        let message = "You are not authorized to perform the requested action.";
        Self(StatusCode::FORBIDDEN, message.to_owned())
    }

    fn not_found(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("Could not find {what}."))
    }

    fn into_response(self, base: &str) -> Response {
        let Self(status, message) = self;
        let title = status.canonical_reason().unwrap_or_default();
        let detail = json!({"code": status.as_u16(), "title": title, "message": message});
        let mut response = Response::json(status, &json!({ "error": detail }));
        if status == StatusCode::UNAUTHORIZED {
            response.set(WWW_AUTHENTICATE, &format!("Keystone uri=\"{base}/v3\""));
        }
        response
    }
}

type Answer = Result<Response, Fault>;

/// `steps` is the path behind `/v3`.
pub(super) async fn handle(request: &mut Request, steps: &[&str], core: &Core) -> Response {
    let identity = &core.identity;
    let base = base_url(&request.headers);
    let method = request.method.clone();
    let answer = match (steps, &method) {
        ([], &Method::GET | &Method::HEAD) => Ok(discovery::one(&discovery::v3(&base))),
        (["auth", "tokens"], &Method::POST) => sign_in(request, identity, &base).await,
        (["auth", "tokens"], &Method::GET | &Method::HEAD) => validate(request, identity, &base),
        (["auth", "tokens"], &Method::DELETE) => revoke(request, identity),
        (["auth", "catalog"], &Method::GET) => own_catalog(request, identity, &base),
        (["auth", "projects"], &Method::GET) => own_projects(request, identity, &base),
        ([] | ["auth", "tokens" | "catalog" | "projects"], _) => {
            let message = "The method is not allowed for the requested URL.";
            Err(Fault(StatusCode::METHOD_NOT_ALLOWED, message.to_owned()))
        }
        _ => Err(Fault::not_found("this resource")),
    };
    answer.unwrap_or_else(|fault| fault.into_response(&base))
}

async fn sign_in(request: &mut Request, identity: &Identity, base: &str) -> Answer {
    let body = read_json(request).await.map_err(Fault::bad_request)?;
    let auth = &body["auth"];
    let methods = auth["identity"]["methods"]
        .as_array()
        .ok_or_else(|| Fault::bad_request("'methods' is a required property"))?;
    let now = request.received.system_time();
    let mut signed_in: Option<&Member> = None;
    for method in methods {
        let shown = method.as_str().map(|name| (name, &auth["identity"][name]));
        let member = match shown {
            Some(("password", shown)) => by_password(&shown["user"], &auth["scope"], identity),
            Some(("token", shown)) => shown["id"]
                .as_str()
                .and_then(|id| identity.token(id, now))
                .map(|(_, member)| member),
            Some(("application_credential", shown)) => by_application(shown, identity),
            _ => None,
        };
        let member = member.ok_or_else(Fault::unauthorized)?;
        if signed_in.is_some_and(|earlier| earlier.name != member.name) {
            return Err(Fault::unauthorized());
        }
        signed_in = Some(member);
    }
    let member = signed_in.ok_or_else(Fault::unauthorized)?;
    check_scope(&auth["scope"], member)?;

    let token = identity.issue(member, now);
    let mut described = describe(&token, member, base, request);
    described["methods"] = Value::clone(&auth["identity"]["methods"]);
    let mut response = Response::json(StatusCode::CREATED, &json!({ "token": described }));
    response.set(HeaderName::from_static("x-subject-token"), &token.id);
    Ok(response)
}

/// A user by id or name and domain; a name without its account takes the account from the scope's project.
fn by_password<'a>(user: &Value, scope: &Value, identity: &'a Identity) -> Option<&'a Member> {
    let password = user["password"].as_str()?;
    let name = known_user(user)?;
    let within = name_or_id(&scope["project"]).map(|project| format!("{project}:{name}"));
    identity
        .by_password(name, password)
        // Rackspace takes the API key for a password.
        .or_else(|| identity.by_api_key(name, password))
        .or_else(|| identity.by_password(&within?, password))
}

/// The user's id, or the name if the domain is the only one there is.
fn known_user(user: &Value) -> Option<&str> {
    user["id"].as_str().or_else(|| {
        let name = user["name"].as_str()?;
        is_our_domain(&user["domain"]).then_some(name)
    })
}

/// Rackspace's users have a domain of another name, which is the same to us.
fn is_our_domain(domain: &Value) -> bool {
    name_or_id(domain).is_some_and(|domain| {
        domain.eq_ignore_ascii_case("default") || domain == "rackspace_cloud_domain"
    })
}

fn name_or_id(of: &Value) -> Option<&str> {
    of["id"].as_str().or_else(|| of["name"].as_str())
}

fn by_application<'a>(shown: &Value, identity: &'a Identity) -> Option<&'a Member> {
    const OWNER: &str = "test:tester";
    let known = match shown["id"].as_str() {
        Some(id) => id == defaults::APPLICATION_CREDENTIAL_ID,
        None => {
            shown["name"] == defaults::APPLICATION_CREDENTIAL_NAME
                && known_user(&shown["user"]) == Some(OWNER)
        }
    };
    let secret = Secret(defaults::APPLICATION_CREDENTIAL_SECRET);
    let right = secret.is(shown["secret"].as_str()?);
    (known && right).then(|| identity.member(OWNER)).flatten()
}

/// Nobody may be where they do not belong.
fn check_scope(scope: &Value, member: &Member) -> Result<(), Fault> {
    let project = &scope["project"];
    if project.is_null() {
        return Ok(());
    }
    let by_id = project["id"].as_str();
    let named = by_id.or_else(|| {
        let name = project["name"].as_str()?;
        is_our_domain(&project["domain"]).then_some(name)
    });
    if named.is_some_and(|named| member.belongs_to(named)) {
        Ok(())
    } else {
        Err(Fault::unauthorized())
    }
}

fn shown<'a>(request: &Request, identity: &'a Identity) -> Result<(Token, &'a Member), Fault> {
    identity.shown(request).ok_or_else(Fault::unauthorized)
}

/// The token that the request is about.
fn subject<'a>(request: &Request, identity: &'a Identity) -> Result<(Token, &'a Member), Fault> {
    let (_, bearer) = shown(request, identity)?;
    let id = request
        .header("x-subject-token")
        .ok_or_else(|| Fault::bad_request("X-Subject-Token is missing"))?;
    let (token, member) = identity
        .token(id, request.received.system_time())
        .ok_or_else(|| Fault::not_found("this token"))?;
    if bearer.name != member.name && !bearer.user.is_reseller_admin() {
        return Err(Fault::forbidden());
    }
    Ok((token, member))
}

fn validate(request: &Request, identity: &Identity, base: &str) -> Answer {
    let (token, member) = subject(request, identity)?;
    let described = describe(&token, member, base, request);
    let mut response = Response::json(StatusCode::OK, &json!({ "token": described }));
    response.set(HeaderName::from_static("x-subject-token"), &token.id);
    Ok(response)
}

fn revoke(request: &Request, identity: &Identity) -> Answer {
    let (token, _) = subject(request, identity)?;
    identity.revoke(&token.id);
    Ok(Response::new(StatusCode::NO_CONTENT))
}

fn own_catalog(request: &Request, identity: &Identity, base: &str) -> Answer {
    let (_, member) = shown(request, identity)?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "catalog": catalog(member, base),
            "links": {"self": format!("{base}/v3/auth/catalog"), "next": null, "previous": null}
        }),
    ))
}

fn own_projects(request: &Request, identity: &Identity, base: &str) -> Answer {
    let (_, member) = shown(request, identity)?;
    let project = json!({
        "id": member.project,
        "name": member.project,
        "domain_id": "default",
        "enabled": true,
        "is_domain": false
    });
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "projects": [project],
            "links": {"self": format!("{base}/v3/auth/projects"), "next": null, "previous": null}
        }),
    ))
}

fn describe(token: &Token, member: &Member, base: &str, request: &Request) -> Value {
    let domain = json!({"id": "default", "name": "Default"});
    let role = if member.user.is_reseller_admin() {
        "ResellerAdmin"
    } else if member.is_admin() {
        "swiftoperator"
    } else {
        "member"
    };
    let mut described = json!({
        "methods": ["password"],
        "issued_at": moment(token.issued),
        "expires_at": moment(token.expires),
        "audit_ids": [],
        "is_domain": false,
        "user": {
            "id": *member.name,
            "name": *member.name,
            "domain": domain,
            "password_expires_at": null
        },
        "project": {"id": member.project, "name": member.project, "domain": domain},
        "roles": [{"id": role, "name": role}]
    });
    if !request.query.has("nocatalog") {
        described["catalog"] = catalog(member, base);
    }
    described
}

/// `2026-01-31T12:00:00.123456Z`.
fn moment(time: std::time::SystemTime) -> String {
    Timestamp::from(time).iso() + "Z"
}

/// The catalog, one endpoint to an interface. Operators use the public one.
fn catalog(member: &Member, base: &str) -> Value {
    let identity = ("keystone", "identity", format!("{base}/v3"));
    let services = member
        .services(base)
        .into_iter()
        .map(|service| (service.name, service.kind, service.url));
    services
        .chain([identity])
        .map(|(name, kind, url)| {
            let endpoints: Vec<Value> = ["public", "internal", "admin"]
                .into_iter()
                .filter(|interface| *interface == "public" || kind != "rax:object-cdn")
                .map(|interface| {
                    json!({
                        "id": format!("{name}-{interface}"),
                        "interface": interface,
                        "region": defaults::REGION,
                        "region_id": defaults::REGION,
                        "url": url
                    })
                })
                .collect();
            json!({"id": name, "name": name, "type": kind, "endpoints": endpoints})
        })
        .collect()
}
