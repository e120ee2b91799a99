//! `POST /v3/auth/tokens`: who asks, and for what.
//!
//! ```text
//! {"auth":{"identity":{"methods":["password"],
//!                      "password":{"user":{"name","domain":{"name"|"id"},"password"}}},     or {"id","password"}
//!          "scope":{"project":{"name","domain":{"name"|"id"}}}}}
//! ```
//!
//! Methods are `password`, `token`, `totp` (a passcode, together with `password`) and `application_credential`. The scope
//! is a project (`id`, or `name` and `domain`), a domain, `{"system":{"all":true}}` or `"unscoped"`; who names none is in
//! the default project, if there is one.
//!
//! Who has a second factor and shows only one of password and passcode is answered 401 with a receipt for it, in
//! `Openstack-Auth-Receipt`; shown with the same header, it stands in for that one for five minutes:
//!
//! ```text
//! ← {"receipt":{"methods":["password"],"user":{…},"issued_at","expires_at"},"required_auth_methods":[["password","totp"]]}
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::super::directory::{ApplicationCredential, Domain, Person};
use super::super::{Door, Identity, Scope, Token, Wanted, read_json};
use super::fault::Fault;
use super::{Answer, describe};
use crate::core::Core;
use crate::message::{Request, Response};

/// What the methods have shown so far.
#[derive(Default)]
struct Proof {
    person: Option<Arc<Person>>,
    methods: Vec<String>,
    from: Option<Arc<Token>>,
    credential: Option<Arc<ApplicationCredential>>,
    /// Whether it was the API key that stood in for a password: it needs no second factor.
    by_api_key: bool,
}

const RECEIPT: HeaderName = HeaderName::from_static("openstack-auth-receipt");

/// What somebody with a second factor must show.
const BOTH_FACTORS: [&str; 2] = ["password", "totp"];

pub(super) async fn handle(request: &mut Request, core: &Core) -> Answer {
    let body = read_json(request).await.map_err(Fault::bad_request)?;
    let auth = object(&body, "auth")?;
    let shown = object(auth, "identity")?;
    let scope = &auth["scope"];
    let identity = &core.identity;
    let now = request.received.system_time();

    let mut proof = prove(shown, scope, identity, now)?;
    let person = proof.person.ok_or_else(Fault::unauthorized)?;
    if let Some(id) = request.header(RECEIPT.as_str()) {
        let receipt = identity.sessions.get(id, now);
        let own = receipt.filter(|receipt| receipt.person.id == person.id);
        let earlier = own.ok_or_else(Fault::unauthorized)?.methods;
        let missing = |method: &String| !proof.methods.contains(method);
        let earlier: Vec<_> = earlier.into_iter().filter(missing).collect();
        proof.methods.extend(earlier);
    }
    let of_both = |method: &&str| proof.methods.iter().any(|shown| shown == method);
    let factors = BOTH_FACTORS.iter().filter(|method| of_both(method)).count();
    if factors == 1 && person.second_factor.is_some() && !proof.by_api_key {
        return Ok(receipt(&person, proof.methods, identity, now));
    }
    let scope = match (&proof.credential, &proof.from) {
        (Some(credential), _) => {
            // A credential is for one project, and says so itself.
            if !scope.is_null() {
                return Err(Fault::unauthorized());
            }
            Scope::Project(Arc::clone(&credential.project))
        }
        (None, Some(from)) if scope.is_null() => from.scope.clone(),
        _ => read_scope(scope, &person, identity)?,
    };
    let wanted = Wanted {
        door: Door::V3,
        scope,
        methods: proof.methods,
        from: proof.from,
        credential: proof.credential,
    };
    let token = identity.issue(&person, wanted, now);
    let token = token.ok_or_else(Fault::unauthorized)?;
    let described = describe::token(&token, core, request);
    let mut response = Response::json(StatusCode::CREATED, &json!({ "token": described }));
    response.set(HeaderName::from_static("x-subject-token"), &token.id);
    response.set(http::header::VARY, "X-Auth-Token");
    Ok(response)
}

/// Says that one factor was right and the other is wanted.
fn receipt(
    person: &Arc<Person>,
    methods: Vec<String>,
    identity: &Identity,
    now: SystemTime,
) -> Response {
    let (id, receipt) = identity.sessions.receipt(person, methods, now);
    let of = &receipt.person;
    let described = json!({
        "methods": receipt.methods,
        "user": describe::with_domain(&of.id, &of.name, &of.domain),
        "issued_at": describe::moment(now),
        "expires_at": describe::moment(receipt.until)
    });
    let body = json!({"receipt": described, "required_auth_methods": [BOTH_FACTORS]});
    let mut response = Response::json(StatusCode::UNAUTHORIZED, &body);
    response.set(RECEIPT, &id);
    response
}

/// A member that must be there and be an object.
fn object<'a>(within: &'a Value, member: &str) -> Result<&'a Value, Fault> {
    let found = within.get(member).filter(|value| value.is_object());
    found.ok_or_else(|| Fault::malformed(member, "an object"))
}

/// A member that must be there and be text.
fn text<'a>(within: &'a Value, member: &str) -> Result<&'a str, Fault> {
    within[member]
        .as_str()
        .ok_or_else(|| Fault::malformed(member, "text"))
}

/// Goes through the methods; all of them must show the same person.
fn prove(
    shown: &Value,
    scope: &Value,
    identity: &Identity,
    now: SystemTime,
) -> Result<Proof, Fault> {
    let methods = shown["methods"]
        .as_array()
        .ok_or_else(|| Fault::malformed("methods", "a list"))?;
    let mut proof = Proof::default();
    for method in methods {
        let method = method
            .as_str()
            .ok_or_else(|| Fault::malformed("methods", "text"))?;
        let person = match method {
            "password" => {
                let person = by_password(object(shown, method)?, scope, identity, &mut proof)?;
                proof.methods.push(method.to_owned());
                person
            }
            "totp" => {
                let user = object(object(shown, method)?, "user")?;
                let passcode = text(user, "passcode")?;
                let fits = |person: &Person| person.shows_passcode(passcode, now);
                let person = find(user, scope, identity, fits)?;
                proof.methods.push(method.to_owned());
                person
            }
            "token" => {
                let from = identity.token(text(object(shown, method)?, "id")?, now);
                let from = from.ok_or_else(|| Fault::not_found("token"))?;
                if from.credential.is_some() {
                    // What a credential gave leave for stays within it.
                    let action = "Using a delegated token to create another token is not allowed.";
                    return Err(Fault::forbidden(action));
                }
                proof.methods.push(method.to_owned());
                let earlier = from.methods.iter().filter(|known| *known != method);
                proof.methods.extend(earlier.cloned());
                let person = identity.directory().people.get(&from.person.id).cloned();
                proof.from = Some(from);
                person
            }
            "application_credential" => {
                proof.credential = by_credential(object(shown, method)?, identity, now)?;
                proof.methods.push(method.to_owned());
                let owner = proof.credential.as_ref().map(|known| &known.person);
                owner.and_then(|id| identity.directory().people.get(id).cloned())
            }
            _ => None,
        };
        let person = person.ok_or_else(Fault::unauthorized)?;
        if proof
            .person
            .as_ref()
            .is_some_and(|earlier| earlier.id != person.id)
        {
            return Err(Fault::unauthorized());
        }
        proof.person = Some(person);
    }
    Ok(proof)
}

/// A password; for Rackspace's people the API key does as well, and needs no second factor.
fn by_password(
    shown: &Value,
    scope: &Value,
    identity: &Identity,
    proof: &mut Proof,
) -> Result<Option<Arc<Person>>, Fault> {
    let user = object(shown, "user")?;
    if user.get("password").is_none() {
        return Ok(None);
    }
    let password = text(user, "password")?;
    let person = find(user, scope, identity, |person| person.password.is(password))?;
    if person.is_some() {
        return Ok(person);
    }
    let person = find(user, scope, identity, |person| {
        person
            .api_key
            .as_ref()
            .is_some_and(|known| known.is(password))
    })?;
    proof.by_api_key = person.is_some();
    Ok(person)
}

/// A user by id, or by name and domain; a name that is not unique in the domain goes with the scope's project.
fn find(
    user: &Value,
    scope: &Value,
    identity: &Identity,
    proves: impl Fn(&Person) -> bool,
) -> Result<Option<Arc<Person>>, Fault> {
    if let Some(id) = user.get("id") {
        let id = id.as_str().ok_or_else(|| Fault::malformed("id", "text"))?;
        // The login does for an id, too: it is unique, and everybody knows it.
        return Ok(identity.find(id, None, |person| {
            (*person.id == *id || **person.login() == *id) && proves(person)
        }));
    }
    let name = text(user, "name")?;
    let domain = domain(user, identity)?;
    let project = name_or_id(&scope["project"]);
    let Some(domain) = domain else {
        return Ok(None);
    };
    Ok(identity.find(name, project, |person| {
        is_within(&person.domain, &domain) && proves(person)
    }))
}

/// The domain that something with a name is in. `None` if there is none like it.
fn domain(of: &Value, identity: &Identity) -> Result<Option<Arc<Domain>>, Fault> {
    let named = name_or_id(object(of, "domain")?);
    let named = named.ok_or_else(|| Fault::malformed("domain", "'id' or 'name'"))?;
    Ok(identity.directory().domain(named))
}

/// Rackspace's people and projects are found in the default domain as well.
fn is_within(domain: &Domain, wanted: &Domain) -> bool {
    domain.id == wanted.id || domain.is(&wanted.id)
}

fn name_or_id(of: &Value) -> Option<&str> {
    of["id"].as_str().or_else(|| of["name"].as_str())
}

fn by_credential(
    shown: &Value,
    identity: &Identity,
    now: SystemTime,
) -> Result<Option<Arc<ApplicationCredential>>, Fault> {
    let secret = text(shown, "secret")?;
    let known = if let Some(id) = shown.get("id") {
        let id = id.as_str().ok_or_else(|| Fault::malformed("id", "text"))?;
        let known = identity.directory().credentials.get(id).cloned();
        let missing = || Fault::not_found(&format!("Application Credential: {id}"));
        Some(known.ok_or_else(missing)?)
    } else {
        let name = text(shown, "name")?;
        let owns = |person: &Person| identity.directory().credential_of(person, name).is_some();
        let owner = find(object(shown, "user")?, &Value::Null, identity, owns)?;
        owner.and_then(|owner| identity.directory().credential_of(&owner, name))
    };
    Ok(known.filter(|known| known.secret.is(secret) && known.expires.is_none_or(|end| now <= end)))
}

/// What the token shall be for. Nobody may be where they have no role.
fn read_scope(scope: &Value, person: &Person, identity: &Identity) -> Result<Scope, Fault> {
    let found = if scope.is_null() {
        let home = person.home.clone();
        return Ok(home.map_or(Scope::Unscoped, Scope::Project));
    } else if scope.as_object().is_some_and(|scope| scope.len() > 1) {
        return Err(Fault::malformed(
            "scope",
            "one of system, project, domain and unscoped",
        ));
    } else if scope == "unscoped" || scope.get("unscoped").is_some() {
        return Ok(Scope::Unscoped);
    } else if let Some(project) = scope.get("project") {
        read_project(project, person, identity)?
    } else if let Some(named) = scope.get("domain") {
        let named = name_or_id(named);
        let named = named.ok_or_else(|| Fault::malformed("domain", "'id' or 'name'"))?;
        identity.directory().domain(named).map(Scope::Domain)
    } else if scope.get("system").is_some() {
        Some(Scope::System)
    } else {
        return Err(Fault::malformed(
            "scope",
            "a project, a domain or the system",
        ));
    };
    let place = |scope: &Scope| {
        scope
            .place()
            .is_some_and(|place| person.has_role_on(&place))
    };
    found.filter(place).ok_or_else(Fault::unauthorized)
}

fn read_project(
    project: &Value,
    person: &Person,
    identity: &Identity,
) -> Result<Option<Scope>, Fault> {
    let found = if let Some(id) = project.get("id") {
        let id = id.as_str().ok_or_else(|| Fault::malformed("id", "text"))?;
        identity.project_for(person, |known| {
            *known.id == *id || known.is_rackspace && *known.account == *id
        })
    } else {
        let name = text(project, "name")?;
        domain(project, identity)?.and_then(|wanted| {
            identity.project_for(person, |known| {
                known.is(name) && is_within(&known.domain, &wanted)
            })
        })
    };
    Ok(found.map(Scope::Project))
}
