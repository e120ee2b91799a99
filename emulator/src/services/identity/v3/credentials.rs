//! Application credentials: `/v3/users/{id}/application_credentials`. Users make their own; admins may look.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::directory::{ApplicationCredential, role_id};
use super::call::{Call, allow, created, invalid, no_content, ok, required_name, text, truth};
use super::fault::Fault;
use super::{Answer, describe, is_admin};
use crate::config::Secret;

pub(super) fn all(call: &Call<'_>, user: &str) -> Answer {
    if call.method == Method::POST {
        return make(call, user);
    }
    let may = call.is_about_bearer(user) || is_admin(&call.token);
    allow(may, "list_application_credentials")?;
    let directory = call.identity.directory();
    let own = directory
        .credentials
        .values()
        .filter(|known| *known.person == *user);
    let own = own.map(|known| describe::credential(known, &call.base));
    Ok(call.list("application_credentials", own.collect()))
}

pub(super) fn one(call: &Call<'_>, user: &str, id: &str) -> Answer {
    let deletes = call.method == Method::DELETE;
    let may = call.is_about_bearer(user) || is_admin(&call.token);
    let action = if deletes {
        "delete_application_credential"
    } else {
        "get_application_credential"
    };
    allow(may, action)?;
    if deletes {
        refuse_restricted(call)?;
    }
    let known = call.identity.directory().credentials.get(id).cloned();
    let known = known
        .filter(|known| *known.person == *user)
        .ok_or_else(|| Fault::not_found(&format!("Application Credential: {id}")))?;
    if deletes {
        call.identity.directory_mut().credentials.remove(id);
        call.identity.tokens.revoke_all(|token| {
            let credential = token.credential.as_ref();
            credential.is_some_and(|credential| *credential.id == *id)
        });
        return Ok(no_content());
    }
    let described = describe::credential(&known, &call.base);
    Ok(ok(&json!({ "application_credential": described })))
}

/// What an application credential lets in may make others only if it was made for that.
fn refuse_restricted(call: &Call<'_>) -> Result<(), Fault> {
    match &call.token.credential {
        Some(credential) if !credential.unrestricted => Err(Fault::forbidden(
            "Using method 'application_credential' is not allowed for managing additional application credentials",
        )),
        _ => Ok(()),
    }
}

fn make(call: &Call<'_>, user: &str) -> Answer {
    allow(call.is_about_bearer(user), "create_application_credential")?;
    refuse_restricted(call)?;
    let members = call.members("application_credential")?;
    let name = required_name(members, "application_credential")?;
    let project = call.token.scope.project();
    let project =
        project.ok_or_else(|| Fault::forbidden("identity:create_application_credential"))?;
    let secret = match text(members, "secret")? {
        Some(secret) => secret.to_owned(),
        None => format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
    };
    let credential = ApplicationCredential {
        id: Uuid::new_v4().simple().to_string().into(),
        name: name.into(),
        description: text(members, "description")?.map(str::to_owned),
        person: user.into(),
        project: Arc::clone(project),
        secret: Secret::from(secret.as_str()),
        roles: roles(call, members)?,
        unrestricted: truth(members, "unrestricted")?.unwrap_or(false),
        expires: expires(call, members)?,
    };
    let mut described = describe::credential(&credential, &call.base);
    // The one time that it is told.
    described["secret"] = secret.into();
    if !call.identity.directory_mut().add_credential(credential) {
        return Err(Fault::duplicate("application_credential", name));
    }
    Ok(created(&json!({ "application_credential": described })))
}

/// The roles that are asked for, which must be among the token's; all of those where none is named.
fn roles(call: &Call<'_>, members: &Map<String, Value>) -> Result<Vec<Arc<str>>, Fault> {
    let held = &call.token.roles;
    let Some(asked) = members.get("roles").filter(|asked| !asked.is_null()) else {
        return Ok(held.clone());
    };
    let asked = asked.as_array().ok_or_else(|| invalid("roles", "a list"))?;
    let mut roles = Vec::new();
    for role in asked {
        let found = held.iter().find(|held| {
            role["name"].as_str() == Some(&***held) || role["id"].as_str() == Some(&role_id(held))
        });
        let unassigned = || {
            Fault::bad_request(
                "Invalid application credential: Cannot create an application credential with unassigned role",
            )
        };
        roles.push(Arc::clone(found.ok_or_else(unassigned)?));
    }
    if roles.is_empty() {
        return Ok(held.clone());
    }
    Ok(roles)
}

fn expires(call: &Call<'_>, members: &Map<String, Value>) -> Result<Option<SystemTime>, Fault> {
    let Some(text) = text(members, "expires_at")? else {
        return Ok(None);
    };
    // UTC, whether or not that is said.
    let end = format!("{}Z", text.trim_end_matches('Z')).parse::<jiff::Timestamp>();
    let end = end.map_err(|_| Fault::bad_request("Timestamp not in expected format"))?;
    let since_1970 = Duration::from_micros(u64::try_from(end.as_microsecond()).unwrap_or(0));
    let end = UNIX_EPOCH + since_1970;
    if end < call.request.received.system_time() {
        return Err(Fault::bad_request(
            "The 'expires_at' must not be before now",
        ));
    }
    Ok(Some(end))
}
