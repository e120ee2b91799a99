//! Projects and domains. Admins make and change them; others see the ones they are in.

use std::sync::Arc;

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::super::directory::{Domain, Place, Project};
use super::super::{ACCOUNT_PREFIX, Scope};
use super::call::{Call, allow, created, name, no_content, ok, required_name, text, truth};
use super::fault::Fault;
use super::{Answer, describe, is_admin};

pub(super) fn projects(call: &Call<'_>) -> Answer {
    if call.method == Method::POST {
        return make_project(call);
    }
    call.admins_only("list_projects")?;
    let directory = call.identity.directory();
    let projects = directory.projects.values();
    let projects = projects
        .map(|of| describe::project(of, &call.base))
        .collect();
    Ok(call.list("projects", projects))
}

fn make_project(call: &Call<'_>) -> Answer {
    call.admins_only("create_project")?;
    let members = call.members("project")?;
    let name = required_name(members, "project")?;
    let mut directory = call.identity.directory_mut();
    let domain = text(members, "domain_id")?.unwrap_or(super::super::directory::DEFAULT_DOMAIN);
    let domain = directory.domains.get(domain).cloned();
    let domain = domain.ok_or_else(|| Fault::not_found("domain"))?;
    let same = |known: &Arc<Project>| *known.name == *name && known.domain.id == domain.id;
    if directory.projects.values().any(same) {
        return Err(Fault::duplicate("project", name));
    }
    let id = Uuid::new_v4().simple().to_string();
    let project = Project {
        account: format!("{ACCOUNT_PREFIX}{id}").into(),
        id: id.into(),
        name: name.into(),
        description: text(members, "description")?.unwrap_or_default().to_owned(),
        enabled: truth(members, "enabled")?.unwrap_or(true),
        domain,
        is_rackspace: false,
        has_cdn: false,
    };
    let described = describe::project(&project, &call.base);
    directory.put_project(project);
    Ok(created(&json!({ "project": described })))
}

pub(super) fn project(call: &Call<'_>, id: &str) -> Answer {
    let here = call
        .token
        .scope
        .project()
        .is_some_and(|project| *project.id == *id);
    let known = call.identity.directory().projects.get(id).cloned();
    let action = match call.method {
        Method::PATCH => "update_project",
        Method::DELETE => "delete_project",
        _ => "get_project",
    };
    let looks = action == "get_project";
    allow(is_admin(&call.token) || looks && here, action)?;
    let known = known.ok_or_else(|| Fault::not_found(&format!("project: {id}")))?;
    match call.method {
        Method::DELETE => {
            call.identity.directory_mut().take_project(id);
            revoke_for_project(call, id);
            Ok(no_content())
        }
        Method::PATCH => {
            let members = call.members("project")?;
            let mut project = (*known).clone();
            if let Some(name) = name(members)? {
                project.name = name.into();
            }
            if let Some(description) = text(members, "description")? {
                description.clone_into(&mut project.description);
            }
            project.enabled = truth(members, "enabled")?.unwrap_or(project.enabled);
            let described = describe::project(&project, &call.base);
            let enabled = project.enabled;
            let mut directory = call.identity.directory_mut();
            let same = |other: &Arc<Project>| {
                *other.id != *id
                    && other.name == project.name
                    && other.domain.id == project.domain.id
            };
            if directory.projects.values().any(same) {
                return Err(Fault::duplicate("project", &project.name));
            }
            directory.put_project(project);
            drop(directory);
            if !enabled {
                revoke_for_project(call, id);
            }
            Ok(ok(&json!({ "project": described })))
        }
        _ => Ok(ok(
            &json!({"project": describe::project(&known, &call.base)}),
        )),
    }
}

fn revoke_for_project(call: &Call<'_>, id: &str) {
    call.identity.tokens.revoke_all(|token| {
        let project = token.scope.project();
        project.is_some_and(|project| *project.id == *id)
    });
}

pub(super) fn domains(call: &Call<'_>) -> Answer {
    if call.method == Method::POST {
        return make_domain(call);
    }
    call.admins_only("list_domains")?;
    let directory = call.identity.directory();
    let domains = directory.domains.values();
    let domains = domains
        .map(|of| describe::domain_resource(of, &call.base))
        .collect();
    Ok(call.list("domains", domains))
}

fn make_domain(call: &Call<'_>) -> Answer {
    call.admins_only("create_domain")?;
    let members = call.members("domain")?;
    let name = required_name(members, "domain")?;
    let mut directory = call.identity.directory_mut();
    if directory.domains.values().any(|known| *known.name == *name) {
        return Err(Fault::duplicate("domain", name));
    }
    let domain = Domain {
        id: Uuid::new_v4().simple().to_string().into(),
        name: name.into(),
        description: text(members, "description")?.unwrap_or_default().to_owned(),
        enabled: truth(members, "enabled")?.unwrap_or(true),
    };
    let described = describe::domain_resource(&domain, &call.base);
    directory.put_domain(domain);
    Ok(created(&json!({ "domain": described })))
}

pub(super) fn domain(call: &Call<'_>, id: &str) -> Answer {
    let is_in = match &call.token.scope {
        Scope::Project(project) => *project.domain.id == *id,
        Scope::Domain(domain) => *domain.id == *id,
        Scope::System | Scope::Unscoped => false,
    };
    let known = call.identity.directory().domains.get(id).cloned();
    let action = match call.method {
        Method::PATCH => "update_domain",
        Method::DELETE => "delete_domain",
        _ => "get_domain",
    };
    let looks = action == "get_domain";
    allow(is_admin(&call.token) || looks && is_in, action)?;
    let known = known.ok_or_else(|| Fault::not_found(&format!("domain: {id}")))?;
    match call.method {
        Method::DELETE => delete_domain(call, &known),
        Method::PATCH => {
            let members = call.members("domain")?;
            let mut domain = (*known).clone();
            if let Some(name) = name(members)? {
                domain.name = name.into();
            }
            if let Some(description) = text(members, "description")? {
                description.clone_into(&mut domain.description);
            }
            domain.enabled = truth(members, "enabled")?.unwrap_or(domain.enabled);
            let described = describe::domain_resource(&domain, &call.base);
            let enabled = domain.enabled;
            call.identity.directory_mut().put_domain(domain);
            if !enabled {
                revoke_for_domain(call, id);
            }
            Ok(ok(&json!({ "domain": described })))
        }
        _ => Ok(ok(
            &json!({"domain": describe::domain_resource(&known, &call.base)}),
        )),
    }
}

/// Takes everything in it along; only where it has been disabled, so that nobody does so by mistake.
fn delete_domain(call: &Call<'_>, domain: &Domain) -> Answer {
    if domain.enabled {
        let message = "Cannot delete a domain that is enabled, please disable it first.";
        return Err(Fault::forbidden_because(message));
    }
    let mut directory = call.identity.directory_mut();
    let people = directory
        .people
        .values()
        .filter(|of| of.domain.id == domain.id);
    let people: Vec<_> = people.map(|of| Arc::clone(&of.id)).collect();
    for id in &people {
        directory.remove_person(id);
    }
    let projects = directory
        .projects
        .values()
        .filter(|of| of.domain.id == domain.id);
    let projects: Vec<_> = projects.map(|of| Arc::clone(&of.id)).collect();
    for id in &projects {
        directory.take_project(id);
    }
    let here = Place::Domain(Arc::clone(&domain.id));
    directory.change_people(|person| person.roles.retain(|(place, _)| *place != here));
    directory.domains.remove(&domain.id);
    drop(directory);
    revoke_for_domain(call, &domain.id);
    Ok(no_content())
}

fn revoke_for_domain(call: &Call<'_>, id: &str) {
    call.identity.tokens.revoke_all(|token| {
        let of_scope = match &token.scope {
            Scope::Project(project) => *project.domain.id == *id,
            Scope::Domain(domain) => *domain.id == *id,
            Scope::System | Scope::Unscoped => false,
        };
        of_scope || *token.person.domain.id == *id
    });
}
