//! Users. Admins make and change them; everybody sees themselves.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::directory::{DEFAULT_DOMAIN, Kind, Person};
use super::call::{
    Call, allow, created, invalid, name, no_content, ok, required_name, text, truth,
};
use super::fault::Fault;
use super::{Answer, describe, is_admin};
use crate::config::Secret;

pub(super) fn users(call: &Call<'_>) -> Answer {
    if call.method == Method::POST {
        return make(call);
    }
    call.admins_only("list_users")?;
    let directory = call.identity.directory();
    let people = directory.people.values();
    let people = people.map(|of| describe::user(of, &call.base)).collect();
    Ok(call.list("users", people))
}

fn make(call: &Call<'_>) -> Answer {
    call.admins_only("create_user")?;
    let members = call.members("user")?;
    let name = required_name(members, "user")?;
    let mut directory = call.identity.directory_mut();
    let domain = text(members, "domain_id")?.unwrap_or(DEFAULT_DOMAIN);
    let domain = directory.domains.get(domain).cloned();
    let domain = domain.ok_or_else(|| Fault::not_found("domain"))?;
    let same = |known: &Arc<Person>| *known.name == *name && known.domain.id == domain.id;
    if directory.named(name).iter().any(same) {
        return Err(Fault::duplicate("user", name));
    }
    let home = match text(members, "default_project_id")? {
        Some(id) => directory.projects.get(id).cloned(),
        None => None,
    };
    let person = Person {
        id: Uuid::new_v4().simple().to_string().into(),
        name: name.into(),
        domain,
        kind: Kind::Keystone,
        enabled: truth(members, "enabled")?.unwrap_or(true),
        // Who has no password cannot sign in by one: nobody can guess this.
        password: match text(members, "password")? {
            Some(password) => password.into(),
            None => Secret::from(Uuid::new_v4().to_string()),
        },
        api_key: None,
        second_factor: None,
        home,
        default_region: None,
        roles: Vec::new(),
        extra: extra(members),
    };
    let described = describe::user(&person, &call.base);
    directory.put_person(person);
    Ok(created(&json!({ "user": described })))
}

/// What Keystone keeps without knowing what it means.
fn extra(members: &Map<String, Value>) -> Map<String, Value> {
    const KNOWN: [&str; 8] = [
        "id",
        "name",
        "domain_id",
        "enabled",
        "password",
        "default_project_id",
        "options",
        "links",
    ];
    let extra = members
        .iter()
        .filter(|(name, _)| !KNOWN.contains(&name.as_str()));
    extra
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

pub(super) fn user(call: &Call<'_>, id: &str) -> Answer {
    let action = match call.method {
        Method::PATCH => "update_user",
        Method::DELETE => "delete_user",
        _ => "get_user",
    };
    let looks = action == "get_user" && *call.token.person.id == *id;
    allow(is_admin(&call.token) || looks, action)?;
    let known = known(call, id)?;
    match call.method {
        Method::DELETE => {
            call.identity.directory_mut().remove_person(id);
            call.identity.tokens.forget(id);
            Ok(no_content())
        }
        Method::PATCH => {
            let members = call.members("user")?;
            let mut person = (*known).clone();
            if let Some(name) = name(members)? {
                person.name = name.into();
            }
            if let Some(password) = text(members, "password")? {
                person.password = password.into();
            }
            person.enabled = truth(members, "enabled")?.unwrap_or(person.enabled);
            person.extra.extend(extra(members));
            let mut directory = call.identity.directory_mut();
            if let Some(home) = text(members, "default_project_id")? {
                person.home = directory.projects.get(home).cloned();
            }
            let same = |other: &Arc<Person>| {
                *other.id != *id && other.name == person.name && other.domain.id == person.domain.id
            };
            if person.name != known.name && directory.named(&person.name).iter().any(same) {
                return Err(Fault::duplicate("user", &person.name));
            }
            let described = describe::user(&person, &call.base);
            let revoke = !person.enabled || members.contains_key("password");
            directory.put_person(person);
            drop(directory);
            if revoke {
                call.identity.tokens.forget(id);
            }
            Ok(ok(&json!({ "user": described })))
        }
        _ => Ok(ok(&json!({"user": describe::user(&known, &call.base)}))),
    }
}

fn known(call: &Call<'_>, id: &str) -> Result<Arc<Person>, Fault> {
    let known = call.identity.directory().people.get(id).cloned();
    known.ok_or_else(|| Fault::not_found(&format!("user: {id}")))
}

pub(super) fn projects(call: &Call<'_>, id: &str) -> Answer {
    let own = *call.token.person.id == *id;
    allow(own || is_admin(&call.token), "list_user_projects")?;
    let projects = call.identity.projects_of(&*known(call, id)?);
    let projects = projects.iter().map(|of| describe::project(of, &call.base));
    Ok(call.list("projects", projects.collect()))
}

/// There are no groups, so nobody is in one.
pub(super) fn groups(call: &Call<'_>, id: &str) -> Answer {
    let own = *call.token.person.id == *id;
    allow(own || is_admin(&call.token), "list_groups_for_user")?;
    known(call, id)?;
    Ok(call.list("groups", Vec::new()))
}

/// A new password from who knows the old one. All the user's tokens are taken back.
pub(super) fn change_password(identity: &super::super::Identity, id: &str, body: &Value) -> Answer {
    let members = body["user"]
        .as_object()
        .ok_or_else(|| Fault::bad_request("'user' is a required property"))?;
    let required = |member: &str| text(members, member)?.ok_or_else(|| invalid(member, "text"));
    let (old, new) = (required("original_password")?, required("password")?);
    let mut directory = identity.directory_mut();
    let known = directory
        .people
        .get(id)
        .filter(|person| person.password.is(old));
    let mut person = (**known.ok_or_else(Fault::unauthorized)?).clone();
    person.password = new.into();
    directory.put_person(person);
    drop(directory);
    identity.tokens.forget(id);
    Ok(no_content())
}
