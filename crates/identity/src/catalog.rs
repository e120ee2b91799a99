//! Which services a cloud offers, and where.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::Error;
use crate::http_client::displayed;

/// The service type of Swift in a catalog.
pub const OBJECT_STORE: &str = "object-store";

/// The service type of the Cloud Files CDN in a catalog. (`rax:cdn` is another product.)
pub const OBJECT_CDN: &str = "rax:object-cdn";

/// The door through which a service is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// From everywhere.
    #[default]
    Public,
    /// From inside the data centre: Rackspace's `ServiceNet`.
    Internal,
    /// For operators.
    Admin,
}

impl Interface {
    /// Reads `public`, `internal`, `admin`, and v2.0's `publicURL` and so on; case does not matter.
    ///
    /// ```
    /// use identity::Interface;
    /// assert_eq!(Interface::parse("internalURL"), Some(Interface::Internal));
    /// assert_eq!(Interface::parse("side door"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        match lower.strip_suffix("url").unwrap_or(&lower) {
            "public" => Some(Self::Public),
            "internal" => Some(Self::Internal),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        })
    }
}

/// One address of one service. `Debug` shows its URL without user part and query, which may be secret.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Endpoint {
    /// Such as [`OBJECT_STORE`].
    pub service_type: String,
    /// Region; some clouds have none.
    pub region: Option<String>,
    /// Door.
    pub interface: Interface,
    /// Address, account included.
    pub url: String,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("service_type", &self.service_type)
            .field("region", &self.region)
            .field("interface", &self.interface)
            .field(
                "url",
                &Url::parse(&self.url).map(|url| displayed(&url)).ok(),
            )
            .finish()
    }
}

/// Everything a cloud offers to a user, as it said when the user signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Catalog {
    /// All addresses, in the cloud's order.
    pub endpoints: Vec<Endpoint>,
    /// The user's own region, where the cloud has such a thing (`RAX-AUTH:defaultRegion`). It is named in messages
    /// and never chosen silently.
    pub default_region: Option<String>,
}

impl Catalog {
    /// The address of a service. Regions are compared without regard to case.
    ///
    /// # Errors
    /// [`Error::NoSuchService`] if the catalog has none of this type, [`Error::UnknownRegion`] if it is not in
    /// `region`, [`Error::RegionRequired`] if `region` is `None` and there are several to choose from,
    /// [`Error::NoSuchInterface`] if there is no such door.
    pub fn endpoint(
        &self,
        service_type: &str,
        region: Option<&str>,
        interface: Interface,
    ) -> Result<&Endpoint, Error> {
        let offered: Vec<&Endpoint> = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.service_type == service_type)
            .collect();
        if offered.is_empty() {
            return Err(Error::NoSuchService {
                service_type: service_type.to_owned(),
                offered: names(
                    self.endpoints
                        .iter()
                        .map(|endpoint| endpoint.service_type.as_str()),
                ),
            });
        }
        let regions = names(
            offered
                .iter()
                .filter_map(|endpoint| endpoint.region.as_deref()),
        );
        let in_region: Vec<&Endpoint> = match region {
            Some(wanted) => {
                let of_everywhere = |endpoint: &&Endpoint| {
                    endpoint
                        .region
                        .as_deref()
                        .is_none_or(|region| region.eq_ignore_ascii_case(wanted))
                };
                offered.into_iter().filter(of_everywhere).collect()
            }
            None if regions.len() > 1 => {
                return Err(Error::RegionRequired {
                    service_type: service_type.to_owned(),
                    offered: regions,
                    default_region: self.default_region.clone(),
                });
            }
            None => offered,
        };
        if in_region.is_empty() {
            return Err(Error::UnknownRegion {
                service_type: service_type.to_owned(),
                region: region.unwrap_or_default().to_owned(),
                offered: regions,
            });
        }
        in_region
            .iter()
            .copied()
            .find(|endpoint| endpoint.interface == interface)
            .ok_or_else(|| Error::NoSuchInterface {
                service_type: service_type.to_owned(),
                interface,
            })
    }
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    all.collect::<BTreeSet<_>>()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// A service of a v2.0 catalog: each endpoint names up to three URLs.
#[derive(Deserialize)]
pub(crate) struct V2Service {
    #[serde(rename = "type")]
    service_type: String,
    #[serde(default)]
    endpoints: Vec<V2Endpoint>,
}

#[derive(Deserialize)]
struct V2Endpoint {
    region: Option<String>,
    #[serde(rename = "publicURL")]
    public: Option<String>,
    #[serde(rename = "internalURL")]
    internal: Option<String>,
    #[serde(rename = "adminURL")]
    admin: Option<String>,
}

/// A service of a v3 catalog: each endpoint is one interface.
#[derive(Deserialize)]
pub(crate) struct V3Service {
    #[serde(rename = "type")]
    service_type: String,
    #[serde(default)]
    endpoints: Vec<V3Endpoint>,
}

#[derive(Deserialize)]
struct V3Endpoint {
    interface: String,
    region: Option<String>,
    region_id: Option<String>,
    url: String,
}

/// The endpoints of a v2.0 catalog.
pub(crate) fn from_v2(services: Vec<V2Service>) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for service in services {
        for endpoint in service.endpoints {
            let doors = [
                (Interface::Public, endpoint.public),
                (Interface::Internal, endpoint.internal),
                (Interface::Admin, endpoint.admin),
            ];
            endpoints.extend(doors.into_iter().filter_map(|(interface, url)| {
                Some(Endpoint {
                    service_type: service.service_type.clone(),
                    region: endpoint.region.clone(),
                    interface,
                    url: url?,
                })
            }));
        }
    }
    endpoints
}

/// The endpoints of a v3 catalog; interfaces that nobody knows are left out.
pub(crate) fn from_v3(services: Vec<V3Service>) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for service in services {
        endpoints.extend(service.endpoints.into_iter().filter_map(|endpoint| {
            Some(Endpoint {
                service_type: service.service_type.clone(),
                region: endpoint.region_id.or(endpoint.region),
                interface: Interface::parse(&endpoint.interface)?,
                url: endpoint.url,
            })
        }));
    }
    endpoints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_regions() -> Catalog {
        let services = serde_json::from_str(
            r#"[{"name":"cloudFiles","type":"object-store","endpoints":[
                {"region":"DFW","tenantId":"M_1","publicURL":"https://dfw/v1/M_1","internalURL":"https://snet-dfw/v1/M_1"},
                {"region":"ORD","tenantId":"M_1","publicURL":"https://ord/v1/M_1"}]},
               {"name":"rackCDN","type":"rax:cdn","endpoints":[{"region":"DFW","publicURL":"https://other"}]}]"#,
        )
        .unwrap();
        Catalog {
            endpoints: from_v2(services),
            default_region: Some("DFW".into()),
        }
    }

    #[test]
    fn finds_a_region_whatever_its_case() {
        let catalog = two_regions();
        let endpoint = catalog
            .endpoint(OBJECT_STORE, Some("ord"), Interface::Public)
            .unwrap();
        assert_eq!(endpoint.url, "https://ord/v1/M_1");
    }

    #[test]
    fn lists_the_regions_when_none_is_named_and_there_are_several() {
        let error = two_regions()
            .endpoint(OBJECT_STORE, None, Interface::Public)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "object-store is offered in several regions, name one of: DFW, ORD (your account's default is DFW)"
        );
    }

    #[test]
    fn names_the_regions_offered_when_the_one_asked_for_is_unknown() {
        let error = two_regions()
            .endpoint(OBJECT_STORE, Some("LON"), Interface::Public)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "object-store is not offered in region LON, only in: DFW, ORD"
        );
    }

    #[test]
    fn does_not_take_the_other_cdn_product_for_the_cloud_files_cdn() {
        let error = two_regions()
            .endpoint(OBJECT_CDN, Some("DFW"), Interface::Public)
            .unwrap_err();
        assert!(matches!(error, Error::NoSuchService { .. }), "{error}");
    }

    #[test]
    fn says_that_a_door_is_missing() {
        let error = two_regions()
            .endpoint(OBJECT_STORE, Some("ORD"), Interface::Internal)
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::NoSuchInterface {
                    interface: Interface::Internal,
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn reads_a_v3_catalog_and_needs_no_region_when_there_is_only_one() {
        let services = serde_json::from_str(
            r#"[{"type":"object-store","name":"swift","id":"1","endpoints":[
                {"id":"a","interface":"public","region":"SJC3","region_id":"SJC3","url":"https://swift/v1/AUTH_p"},
                {"id":"b","interface":"internal","region":"SJC3","region_id":"SJC3","url":"https://in/v1/AUTH_p"},
                {"id":"c","interface":"secret","region":null,"region_id":null,"url":"https://no"}]}]"#,
        )
        .unwrap();
        let catalog = Catalog {
            endpoints: from_v3(services),
            default_region: None,
        };
        assert_eq!(
            catalog
                .endpoint(OBJECT_STORE, None, Interface::Internal)
                .unwrap()
                .url,
            "https://in/v1/AUTH_p"
        );
        assert_eq!(catalog.endpoints.len(), 2);
    }
}
