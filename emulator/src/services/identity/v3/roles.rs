//! Roles, and who has them where. Only admins see and change them.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::super::directory::{Person, Place, role_id};
use super::call::{Call, created, no_content, ok, required_name};
use super::fault::Fault;
use super::{Answer, describe};

pub(super) fn roles(call: &Call<'_>) -> Answer {
    if call.method == Method::POST {
        call.admins_only("create_role")?;
        let name = required_name(call.members("role")?, "role")?;
        let mut directory = call.identity.directory_mut();
        let id: Arc<str> = role_id(name).into();
        if directory.all_roles().contains_key(&id) {
            return Err(Fault::duplicate("role", name));
        }
        directory.roles.insert(id, name.into());
        return Ok(created(&json!({"role": describe::role(name, &call.base)})));
    }
    call.admins_only("list_roles")?;
    let all = call.identity.directory().all_roles();
    let all = all.values().map(|name| describe::role(name, &call.base));
    Ok(call.list("roles", all.collect()))
}

pub(super) fn role(call: &Call<'_>, id: &str) -> Answer {
    let deletes = call.method == Method::DELETE;
    call.admins_only(if deletes { "delete_role" } else { "get_role" })?;
    let name = known(call, id)?;
    if deletes {
        let mut directory = call.identity.directory_mut();
        directory.roles.remove(id);
        directory.change_people(|person| person.roles.retain(|(_, role)| *role != name));
        drop(directory);
        call.identity
            .tokens
            .revoke_all(|token| token.roles.contains(&name));
        return Ok(no_content());
    }
    Ok(ok(&json!({"role": describe::role(&name, &call.base)})))
}

fn known(call: &Call<'_>, id: &str) -> Result<Arc<str>, Fault> {
    let all = call.identity.directory().all_roles();
    let name = all.get(id).cloned();
    name.ok_or_else(|| Fault::not_found(&format!("role: {id}")))
}

/// The roles of a user in a place, of which `role` is one: listed, looked for, given or taken.
pub(super) fn grant(call: &Call<'_>, place: &Place, user: &str, role: Option<&str>) -> Answer {
    let action = match (&call.method, role) {
        (&Method::PUT, _) => "create_grant",
        (&Method::DELETE, _) => "revoke_grant",
        (_, Some(_)) => "check_grant",
        (_, None) => "list_grants",
    };
    call.admins_only(action)?;
    let directory = call.identity.directory();
    let there = match place {
        Place::Project(id) => directory.projects.contains_key(id),
        Place::Domain(id) => directory.domains.contains_key(id),
        Place::System => true,
    };
    let person = directory.people.get(user).cloned();
    drop(directory);
    if !there {
        return Err(Fault::not_found("the place that the role is for"));
    }
    let person = person.ok_or_else(|| Fault::not_found(&format!("user: {user}")))?;
    let Some(role) = role else {
        let here = person.roles.iter().filter(|(at, _)| at == place);
        let here = here.map(|(_, name)| describe::role(name, &call.base));
        return Ok(call.list("roles", here.collect()));
    };
    let given = (place.clone(), known(call, role)?);
    let has = person.roles.contains(&given);
    match call.method {
        Method::PUT if !has => {
            let mut person = Person::clone(&person);
            person.roles.push(given);
            call.identity.directory_mut().put_person(person);
        }
        Method::PUT => {}
        Method::DELETE if has => {
            let mut person = Person::clone(&person);
            person.roles.retain(|known| *known != given);
            call.identity.directory_mut().put_person(person);
            // What was had with the role goes with it.
            call.identity.tokens.revoke_all(|token| {
                *token.person.id == *user && token.scope.place().as_ref() == Some(place)
            });
        }
        _ if !has => return Err(Fault::not_found("role assignment with role")),
        _ => {}
    }
    Ok(no_content())
}

/// Who has what where. The query may name a user, a role and a place.
pub(super) fn assignments(call: &Call<'_>) -> Answer {
    call.admins_only("list_role_assignments")?;
    let wanted = |name: &str| call.request.query.get(name);
    let (user, role) = (wanted("user.id"), wanted("role.id"));
    let (project, domain) = (wanted("scope.project.id"), wanted("scope.domain.id"));
    let with_names = call.request.query.has("include_names");
    let directory = call.identity.directory();
    let mut found = Vec::new();
    for person in directory.people.values() {
        if user.as_ref().is_some_and(|user| **user != *person.id) {
            continue;
        }
        for (place, name) in &person.roles {
            let id = role_id(name);
            let (scope, path) = match place {
                Place::Project(at) => {
                    let project = directory.projects.get(at);
                    let named =
                        project.map(|of| describe::with_domain(&of.id, &of.name, &of.domain));
                    (
                        json!({"project": shown(at, named, with_names)}),
                        format!("projects/{at}"),
                    )
                }
                Place::Domain(at) => {
                    let named = directory.domains.get(at);
                    let named = named.map(|of| json!({"id": *of.id, "name": *of.name}));
                    (
                        json!({"domain": shown(at, named, with_names)}),
                        format!("domains/{at}"),
                    )
                }
                Place::System => (json!({"system": {"all": true}}), "system".to_owned()),
            };
            let is_at = |kind: &str, wanted: Option<&str>| {
                wanted.is_none_or(|wanted| scope[kind]["id"] == wanted)
            };
            let fits = is_at("project", project.as_deref())
                && is_at("domain", domain.as_deref())
                && role.as_ref().is_none_or(|role| **role == *id);
            if !fits {
                continue;
            }
            let named = describe::with_domain(&person.id, &person.name, &person.domain);
            let link = format!("{}/v3/{path}/users/{}/roles/{id}", call.base, person.id);
            found.push(json!({
                "scope": scope,
                "user": shown(&person.id, Some(named), with_names),
                "role": shown(&id, Some(json!({"id": id, "name": **name})), with_names),
                "links": {"assignment": link}
            }));
        }
    }
    Ok(call.list("role_assignments", found))
}

/// With its name where names are wanted and known, else by id alone.
fn shown(id: &str, named: Option<Value>, with_names: bool) -> Value {
    match named {
        Some(named) if with_names => named,
        _ => json!({ "id": id }),
    }
}
