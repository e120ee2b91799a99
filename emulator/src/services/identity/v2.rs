//! Identity v2.0, in Rackspace's dialect.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v2.0/tokens` | 200, token and catalog; 400, 401, 404 (unknown token) |
//! | `GET /v2.0/tokens/{id}` | 200, token and user; 404 |
//! | `DELETE /v2.0/tokens`, `DELETE /v2.0/tokens/{id}` | 204, the token is revoked; 403, 404 |
//! | `GET /v2.0/tenants` | 200, the tenants of the token's bearer |
//!
//! ```text
//! → {"auth":{"RAX-KSKEY:apiKeyCredentials":{"username":"demo","apiKey":"…"}}}
//!   {"auth":{"passwordCredentials":{"username":"demo","password":"…"},"tenantId":"123456"}}
//!   {"auth":{"token":{"id":"…"},"tenantId":"123456"}}
//! ← {"access":{"token":{"id","expires","tenant":{"id","name"},"RAX-AUTH:authenticatedBy":["APIKEY"]},
//!              "serviceCatalog":[{"name","type","endpoints":[{"region","tenantId","publicURL","internalURL"}]}],
//!              "user":{"id","name","roles":[…],"RAX-AUTH:defaultRegion":"DFW"}}}
//! ```
//!
//! Errors are `{"<name>":{"code":<status>,"message":"…"}}`. The tenant of a token is numeric, that of its storage is
//! the account `MossoCloudFS_…`. The users of `TempAuth` may sign in here too, by `passwordCredentials`; they have no
//! CDN.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Identity, Member, Token, base_url, discovery, read_json};
use crate::core::Core;
use crate::defaults;
use crate::message::{Request, Response};
use crate::timestamp::Timestamp;

/// A refusal in Rackspace's words.
struct Fault {
    status: StatusCode,
    name: &'static str,
    message: &'static str,
}

impl Fault {
    const BAD_REQUEST: Self = Self {
        status: StatusCode::BAD_REQUEST,
        name: "badRequest",
        message: "Invalid request body: unable to parse Auth data. Please review XML or JSON formatting",
    };
    const TWO_TENANTS: Self = Self {
        message: "Invalid request. Specify tenantId OR tenantName, not both.",
        ..Self::BAD_REQUEST
    };
    const UNAUTHORIZED: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        name: "unauthorized",
        message: "Unable to authenticate user with credentials provided.",
    };
    const NO_VALID_TOKEN: Self = Self {
        message: "No valid token provided. Please use the 'X-Auth-Token' header with a valid token.",
        ..Self::UNAUTHORIZED
    };
    const FORBIDDEN: Self = Self {
        status: StatusCode::FORBIDDEN,
        name: "forbidden",
        message: "Not Authorized",
    };
    const TOKEN_NOT_FOUND: Self = Self {
        status: StatusCode::NOT_FOUND,
        name: "itemNotFound",
        message: "Token not found.",
    };
    const NOT_FOUND: Self = Self {
        message: "Resource Not Found",
        ..Self::TOKEN_NOT_FOUND
    };
    const METHOD: Self = Self {
        status: StatusCode::METHOD_NOT_ALLOWED,
        name: "badMethod",
        message: "Method Not Allowed",
    };
}

type Answer = Result<Response, Fault>;

/// `steps` is the path behind `/v2.0`.
pub(super) async fn handle(request: &mut Request, steps: &[&str], core: &Core) -> Response {
    let identity = &core.identity;
    let method = request.method.clone();
    let answer = match (steps, &method) {
        ([], &Method::GET | &Method::HEAD) => {
            Ok(discovery::one(&discovery::v2(&base_url(&request.headers))))
        }
        (["tokens"], &Method::POST) => sign_in(request, identity).await,
        (["tokens"], &Method::DELETE) => revoke(request, None, identity),
        (["tokens", id], &Method::DELETE) => revoke(request, Some(id), identity),
        (["tokens", id], &Method::GET | &Method::HEAD) => validate(request, id, identity),
        (["tenants"], &Method::GET) => tenants(request, identity),
        ([] | ["tokens" | "tenants"] | ["tokens", _], _) => Err(Fault::METHOD),
        _ => Err(Fault::NOT_FOUND),
    };
    answer.unwrap_or_else(|fault| {
        let code = fault.status.as_u16();
        let detail = json!({"code": code, "message": fault.message});
        Response::json(fault.status, &json!({ fault.name: detail }))
    })
}

async fn sign_in(request: &mut Request, identity: &Identity) -> Answer {
    let body = read_json(request).await.map_err(|_| Fault::BAD_REQUEST)?;
    let auth = &body["auth"];
    let now = request.received.system_time();
    let (member, by) = if let Some(shown) = auth.get("RAX-KSKEY:apiKeyCredentials") {
        let member = identity.by_api_key(text(shown, "username")?, text(shown, "apiKey")?);
        (member.ok_or(Fault::UNAUTHORIZED)?, "APIKEY")
    } else if let Some(shown) = auth.get("passwordCredentials") {
        let member = identity.by_password(text(shown, "username")?, text(shown, "password")?);
        (member.ok_or(Fault::UNAUTHORIZED)?, "PASSWORD")
    } else if let Some(shown) = auth.get("token") {
        let found = identity.token(text(shown, "id")?, now);
        (found.ok_or(Fault::TOKEN_NOT_FOUND)?.1, "PASSWORD")
    } else if auth.get("RAX-AUTH:passcodeCredentials").is_some() {
        // Nobody here has a second factor, so there is no session that a passcode could belong to.
        return Err(Fault::UNAUTHORIZED);
    } else {
        return Err(Fault::BAD_REQUEST);
    };
    let tenant = match (named(auth, "tenantId")?, named(auth, "tenantName")?) {
        (Some(_), Some(_)) => return Err(Fault::TWO_TENANTS),
        (id, name) => id.or(name),
    };
    if tenant.is_some_and(|tenant| !member.belongs_to(&tenant)) {
        return Err(Fault::UNAUTHORIZED);
    }
    let mut token = describe_token(&identity.issue(member, now), member);
    token["RAX-AUTH:authenticatedBy"] = json!([by]);
    let mut access = json!({"token": token, "user": describe_user(member)});
    if request.query.get("include_endpoints").as_deref() != Some("false") {
        access["serviceCatalog"] = catalog(member, &base_url(&request.headers));
    }
    Ok(Response::json(StatusCode::OK, &json!({ "access": access })))
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

/// Whoever has a good token may ask about any other whose name they know.
fn validate(request: &Request, id: &str, identity: &Identity) -> Answer {
    identity.shown(request).ok_or(Fault::NO_VALID_TOKEN)?;
    let (token, member) = identity
        .token(id, request.received.system_time())
        .ok_or(Fault::TOKEN_NOT_FOUND)?;
    let access = json!({"token": describe_token(&token, member), "user": describe_user(member)});
    Ok(Response::json(StatusCode::OK, &json!({ "access": access })))
}

/// Takes back the token shown, or another: one of the same user's, or as a reseller's admin anybody's.
fn revoke(request: &Request, id: Option<&str>, identity: &Identity) -> Answer {
    let (own, revoker) = identity.shown(request).ok_or(Fault::NO_VALID_TOKEN)?;
    let now = request.received.system_time();
    let (token, bearer) = match id {
        None => (own, revoker),
        Some(id) => identity.token(id, now).ok_or(Fault::TOKEN_NOT_FOUND)?,
    };
    if bearer.name != revoker.name && !revoker.user.is_reseller_admin() {
        return Err(Fault::FORBIDDEN);
    }
    identity.revoke(&token.id);
    Ok(Response::new(StatusCode::NO_CONTENT))
}

fn tenants(request: &Request, identity: &Identity) -> Answer {
    let (_, member) = identity.shown(request).ok_or(Fault::NO_VALID_TOKEN)?;
    let mut names = vec![member.project];
    if member.is_rackspace() {
        names.push(&member.account);
    }
    let tenants: Vec<Value> = names
        .iter()
        .map(|name| json!({"id": name, "name": name, "enabled": true}))
        .collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({"tenants": tenants, "tenants_links": []}),
    ))
}

fn describe_token(token: &Token, member: &Member) -> Value {
    json!({
        "id": token.id,
        "expires": moment(token),
        "tenant": {"id": member.project, "name": member.project}
    })
}

/// When the token runs out, with milliseconds: `2026-01-31T12:00:00.123Z`.
fn moment(token: &Token) -> String {
    let mut moment = Timestamp::from(token.expires).iso();
    moment.truncate("2026-01-31T12:00:00.123".len());
    moment + "Z"
}

fn describe_user(member: &Member) -> Value {
    let storage = if member.is_admin() {
        "object-store:admin"
    } else {
        "object-store:default"
    };
    json!({
        "id": *member.name,
        "name": *member.name,
        "roles": [
            {"id": "5", "name": storage, "tenantId": member.account},
            {"id": "6", "name": "compute:default", "tenantId": member.project}
        ],
        "RAX-AUTH:defaultRegion": defaults::REGION,
        "RAX-AUTH:domainId": member.project
    })
}

fn catalog(member: &Member, base: &str) -> Value {
    let services = member.services(base).into_iter().map(|service| {
        let mut endpoint = json!({
            "region": defaults::REGION,
            "tenantId": member.account,
            "publicURL": service.url
        });
        // Rackspace's own network reaches the storage, and not the CDN.
        if service.kind == "object-store" {
            endpoint["internalURL"] = endpoint["publicURL"].clone();
        }
        json!({"name": service.name, "type": service.kind, "endpoints": [endpoint]})
    });
    services.collect()
}
