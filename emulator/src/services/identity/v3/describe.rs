//! Tokens, catalogs, projects and domains as Keystone writes them.

use std::time::SystemTime;

use http::HeaderMap;
use serde_json::{Value, json};

use super::super::catalog::{self, Kind};
use super::super::directory::{ApplicationCredential, Domain, Person, Project, role_id};
use super::super::{Scope, Token};
use crate::core::Core;
use crate::message::Request;
use crate::timestamp::Timestamp;

/// A token, with the catalog unless `?nocatalog` says that nobody wants it.
pub(super) fn token(token: &Token, core: &Core, request: &Request) -> Value {
    let mut described = json!({
        "methods": token.methods,
        "issued_at": moment(token.issued),
        "expires_at": moment(token.expires),
        "audit_ids": token.audit,
        "user": {
            "id": *token.person.id,
            "name": *token.person.name,
            "domain": domain(&token.person.domain),
            "password_expires_at": null
        }
    });
    match &token.scope {
        Scope::Unscoped => return described,
        Scope::Project(project) => {
            described["is_domain"] = false.into();
            described["project"] = json!({
                "id": *project.id,
                "name": *project.name,
                "domain": domain(&project.domain)
            });
        }
        Scope::Domain(of) => described["domain"] = domain(of),
        Scope::System => described["system"] = json!({"all": true}),
    }
    let roles = token
        .roles
        .iter()
        .map(|role| json!({"id": role_id(role), "name": **role}));
    described["roles"] = roles.collect();
    if let Some(credential) = &token.credential {
        described["application_credential"] = json!({
            "id": *credential.id,
            "name": *credential.name,
            "restricted": !credential.unrestricted
        });
    }
    if !request.query.has("nocatalog") {
        described["catalog"] = catalog(token, core, &request.headers);
    }
    described
}

/// `2026-01-31T12:00:00.123456Z`.
pub(super) fn moment(time: SystemTime) -> String {
    Timestamp::from(time).iso() + "Z"
}

fn domain(of: &Domain) -> Value {
    json!({"id": *of.id, "name": *of.name})
}

/// The catalog, one endpoint to an interface. Operators use the public one.
pub(super) fn catalog(token: &Token, core: &Core, headers: &HeaderMap) -> Value {
    let project = token.scope.project();
    let storage = project.map_or_else(Vec::new, |project| {
        catalog::services(project, core, headers)
    });
    let all = storage
        .into_iter()
        .chain([catalog::identity(core, headers)]);
    all.map(|service| {
        let mut endpoints = Vec::new();
        for (region, url) in &service.endpoints {
            let interfaces = ["public", "internal", "admin"].into_iter();
            let offered = |interface: &&str| *interface == "public" || service.kind != Kind::Cdn;
            endpoints.extend(interfaces.filter(offered).map(|interface| {
                json!({
                    "id": format!("{}-{region}-{interface}", service.name),
                    "interface": interface,
                    "region": region,
                    "region_id": region,
                    "url": url
                })
            }));
        }
        json!({
            "id": service.name,
            "name": service.name,
            "type": service.kind.name(),
            "endpoints": endpoints
        })
    })
    .collect()
}

/// A project as a resource of its own.
pub(super) fn project(of: &Project, base: &str) -> Value {
    json!({
        "id": *of.id,
        "name": *of.name,
        "domain_id": *of.domain.id,
        "parent_id": *of.domain.id,
        "description": of.description,
        "enabled": of.enabled,
        "is_domain": false,
        "tags": [],
        "options": {},
        "links": {"self": format!("{base}/v3/projects/{}", of.id)}
    })
}

/// A domain as a resource of its own.
pub(super) fn domain_resource(of: &Domain, base: &str) -> Value {
    json!({
        "id": *of.id,
        "name": *of.name,
        "description": of.description,
        "enabled": of.enabled,
        "tags": [],
        "options": {},
        "links": {"self": format!("{base}/v3/domains/{}", of.id)}
    })
}

/// A user as a resource of its own.
pub(super) fn user(of: &Person, base: &str) -> Value {
    let mut described = Value::Object(of.extra.clone());
    described["id"] = json!(*of.id);
    described["name"] = json!(*of.name);
    described["domain_id"] = json!(*of.domain.id);
    described["enabled"] = of.enabled.into();
    described["password_expires_at"] = Value::Null;
    described["options"] = json!({});
    described["links"] = json!({"self": format!("{base}/v3/users/{}", of.id)});
    if let Some(home) = &of.home {
        described["default_project_id"] = json!(*home.id);
    }
    described
}

/// A role as a resource of its own.
pub(super) fn role(name: &str, base: &str) -> Value {
    let id = role_id(name);
    let link = format!("{base}/v3/roles/{id}");
    json!({
        "id": id,
        "name": name,
        "domain_id": null,
        "description": null,
        "options": {},
        "links": {"self": link}
    })
}

/// Something by id, name and domain.
pub(super) fn with_domain(id: &str, name: &str, of: &Domain) -> Value {
    json!({"id": id, "name": name, "domain": domain(of)})
}

/// An application credential, without its secret.
pub(super) fn credential(of: &ApplicationCredential, base: &str) -> Value {
    let roles = of.roles.iter().map(|role| {
        json!({
            "id": role_id(role),
            "name": **role,
            "domain_id": null,
            "description": null,
            "options": {}
        })
    });
    json!({
        "id": *of.id,
        "name": *of.name,
        "description": of.description,
        "user_id": *of.person,
        "project_id": *of.project.id,
        "system": null,
        "expires_at": of.expires.map(|end| Timestamp::from(end).iso()),
        "unrestricted": of.unrestricted,
        "roles": roles.collect::<Vec<_>>(),
        "links": {"self": format!("{base}/v3/application_credentials/{}", of.id)}
    })
}
