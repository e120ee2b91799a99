//! The services of a project, in every region.

use http::HeaderMap;

use super::directory::Project;
use crate::core::Core;

/// What a client may look for in a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ObjectStore,
    Cdn,
    Identity,
}

impl Kind {
    /// The type, by which clients look it up.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ObjectStore => "object-store",
            Self::Cdn => "rax:object-cdn",
            Self::Identity => "identity",
        }
    }
}

/// A service, with its address in each region.
pub(super) struct Service {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Region and URL.
    pub(super) endpoints: Vec<(String, String)>,
}

/// The catalog of a project, at the host that the client used.
pub(super) fn services(project: &Project, core: &Core, headers: &HeaderMap) -> Vec<Service> {
    let names = &core.identity.names;
    let service = |name: &str, kind, url: &dyn Fn(&str) -> String| Service {
        name: name.to_owned(),
        kind,
        endpoints: core
            .regions
            .addresses(headers)
            .map(|(region, base)| (region.to_owned(), url(&base)))
            .collect(),
    };
    let storage = if project.is_rackspace {
        &names.cloud_files
    } else {
        &names.swift
    };
    let mut services = vec![service(storage, Kind::ObjectStore, &|base| {
        storage_url(base, project)
    })];
    if project.has_cdn {
        services.push(service(&names.cdn, Kind::Cdn, &|base| {
            format!("{base}/cdn/v1/{}", project.account)
        }));
    }
    services
}

/// Keystone itself, which is in its own catalog.
pub(super) fn identity(core: &Core, headers: &HeaderMap) -> Service {
    let endpoints = core.regions.addresses(headers);
    Service {
        name: core.identity.names.keystone.clone(),
        kind: Kind::Identity,
        endpoints: endpoints
            .map(|(region, base)| (region.to_owned(), format!("{base}/v3")))
            .collect(),
    }
}

/// The storage URL of a project, given the server's address.
pub(super) fn storage_url(base: &str, project: &Project) -> String {
    format!("{base}/v1/{}", project.account)
}
