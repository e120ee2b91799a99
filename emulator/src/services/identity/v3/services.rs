//! Services, endpoints and regions, as an admin sees them apart from the catalog. They follow from the configuration and
//! cannot be changed.

use serde_json::{Value, json};

use super::super::catalog::{self, Kind, Service};
use super::super::directory::stable_id;
use super::Answer;
use super::call::Call;
use crate::core::Core;
use crate::message::Response;

/// All services, the project's id left open in the addresses.
fn all(call: &Call<'_>, core: &Core) -> [Service; 2] {
    let headers = &call.request.headers;
    let endpoints = core.regions.addresses(headers).map(|(region, base)| {
        let url = format!("{base}/v1/AUTH_%(project_id)s");
        (region.to_owned(), url)
    });
    let swift = Service {
        name: core.identity.names.swift.clone(),
        kind: Kind::ObjectStore,
        endpoints: endpoints.collect(),
    };
    [catalog::identity(core, headers), swift]
}

fn id_of(service: &Service) -> String {
    stable_id(&["service", &service.name])
}

pub(super) fn services(call: &Call<'_>, core: &Core) -> Answer {
    call.admins_only("list_services")?;
    let services = all(call, core).map(|service| {
        let id = id_of(&service);
        let link = format!("{}/v3/services/{id}", call.base);
        json!({
            "id": id,
            "name": service.name,
            "type": service.kind.name(),
            "enabled": true,
            "links": {"self": link}
        })
    });
    Ok(call.list("services", services.to_vec()))
}

pub(super) fn endpoints(call: &Call<'_>, core: &Core) -> Answer {
    call.admins_only("list_endpoints")?;
    let mut found = Vec::new();
    for service in all(call, core) {
        let of = id_of(&service);
        for (region, url) in &service.endpoints {
            for interface in ["public", "internal", "admin"] {
                let id = stable_id(&["endpoint", &of, region, interface]);
                found.push(json!({
                    "links": {"self": format!("{}/v3/endpoints/{id}", call.base)},
                    "id": id,
                    "interface": interface,
                    "region": region,
                    "region_id": region,
                    "service_id": of,
                    "url": url,
                    "enabled": true
                }));
            }
        }
    }
    Ok(call.list("endpoints", found))
}

/// Everybody may see these.
pub(super) fn regions(call: &Call<'_>, core: &Core) -> Response {
    let regions = core.regions.all.iter().map(|region| -> Value {
        let link = format!("{}/v3/regions/{}", call.base, region.name);
        json!({
            "id": region.name,
            "description": "",
            "parent_region_id": null,
            "links": {"self": link}
        })
    });
    call.list("regions", regions.collect())
}
