//! What kind of cloud this is: the order of its features, its limits, what `/info` tells.

use serde_json::{Value, json};

use crate::features::{bulk, symlink};
use crate::pipeline::Feature;

/// A cloud: an order of features and their limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flavour {
    /// From the outside in; Swift's own order (`etc/proxy-server.conf-sample`).
    pub(crate) features: &'static [Feature],
    pub(crate) limits: Limits,
    /// Storage policies by index; the first is the default.
    pub(crate) policies: &'static [&'static str],
}

/// Limits on names, metadata and sizes (`swift/common/constraints.py`), in bytes and counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_file_size: u64,
    pub(crate) max_meta_name_length: usize,
    pub(crate) max_meta_value_length: usize,
    pub(crate) max_meta_count: usize,
    pub(crate) max_meta_overall_size: usize,
    pub(crate) max_header_size: usize,
    pub(crate) max_object_name_length: usize,
    pub(crate) max_container_name_length: usize,
    pub(crate) max_account_name_length: usize,
    pub(crate) listing_limit: usize,
}

/// OpenStack Swift 2.38.3 with every proxy feature, as its own functional tests want it.
pub(crate) const SWIFT: Flavour = Flavour {
    features: &[
        Feature::Gatekeeper,
        Feature::Healthcheck,
        Feature::EtagQuoter,
        Feature::DomainRemap,
        Feature::ListingFormats,
        Feature::Bulk,
        Feature::Tempurl,
        Feature::Crossdomain,
        Feature::Formpost,
        Feature::Tempauth,
        Feature::Staticweb,
        Feature::Copy,
        Feature::ContainerQuotas,
        Feature::AccountQuotas,
        Feature::Slo,
        Feature::Dlo,
        Feature::VersionedWrites,
        Feature::ObjectVersioning,
        Feature::Symlink,
        Feature::Cors,
    ],
    limits: Limits {
        max_file_size: 5_368_709_122,
        max_meta_name_length: 128,
        max_meta_value_length: 256,
        max_meta_count: 90,
        max_meta_overall_size: 4096,
        max_header_size: 8192,
        max_object_name_length: 1024,
        max_container_name_length: 256,
        max_account_name_length: 256,
        listing_limit: 10_000,
    },
    policies: &["gold", "silver"],
};

impl Flavour {
    /// What `GET /info` tells: only what is there.
    pub(crate) fn info(&self) -> Value {
        let limits = &self.limits;
        let policies: Vec<Value> = self
            .policies
            .iter()
            .enumerate()
            .map(|(index, name)| {
                if index == 0 {
                    json!({"name": name, "aliases": name, "default": true})
                } else {
                    json!({"name": name, "aliases": name})
                }
            })
            .collect();
        let mut info = json!({
            "swift": {
                "version": "2.38.3",
                "strict_cors_mode": true,
                "policies": policies,
                "allow_account_management": true,
                "account_autocreate": true,
                "allow_open_expired": true,
                "max_file_size": limits.max_file_size,
                "max_meta_name_length": limits.max_meta_name_length,
                "max_meta_value_length": limits.max_meta_value_length,
                "max_meta_count": limits.max_meta_count,
                "max_meta_overall_size": limits.max_meta_overall_size,
                "max_header_size": limits.max_header_size,
                "max_request_line": 8192,
                "max_object_name_length": limits.max_object_name_length,
                "container_listing_limit": limits.listing_limit,
                "account_listing_limit": limits.listing_limit,
                "max_account_name_length": limits.max_account_name_length,
                "max_container_name_length": limits.max_container_name_length,
                "extra_header_count": 0
            },
            // In the pipeline of a standard Swift, and set up to do nothing: no rate is limited, and there is no other
            // cluster to sync with. Clients see them all the same, so they are told of; there is no feature behind them.
            "ratelimit": {
                "account_ratelimit": 0.0,
                "max_sleep_time_seconds": 60.0,
                "container_ratelimits": [],
                "container_listing_ratelimits": []
            },
            "container_sync": {"realms": {}},
        });
        for (name, section) in self.features.iter().flat_map(|feature| sections(*feature)) {
            info[name] = section;
        }
        // Two of Swift's middlewares are there and do nothing: no rate is limited, and no realm to synchronise with is
        // known.
        info["ratelimit"] = json!({
            "account_ratelimit": 0.0,
            "max_sleep_time_seconds": 60.0,
            "container_ratelimits": [],
            "container_listing_ratelimits": []
        });
        info["container_sync"] = json!({"realms": {}});
        info
    }
}

/// What a feature tells of itself in `/info`, by section.
fn sections(feature: Feature) -> Vec<(&'static str, Value)> {
    match feature {
        Feature::Gatekeeper
        | Feature::Healthcheck
        | Feature::ListingFormats
        | Feature::Copy
        | Feature::Cors => Vec::new(),
        Feature::Dlo => Vec::new(),
        Feature::EtagQuoter => vec![("etag_quoter", json!({"enable_by_default": false}))],
        Feature::DomainRemap => vec![("domain_remap", json!({"default_reseller_prefix": null}))],
        Feature::Bulk => vec![
            (
                "bulk_upload",
                json!({"max_containers_per_extraction": bulk::MAX_CONTAINERS, "max_failed_extractions": bulk::MAX_FAILED_EXTRACTIONS}),
            ),
            (
                "bulk_delete",
                json!({"max_deletes_per_request": bulk::MAX_DELETES, "max_failed_deletes": bulk::MAX_FAILED_DELETES}),
            ),
        ],
        Feature::Tempurl => vec![(
            "tempurl",
            json!({
                "methods": ["GET", "HEAD", "PUT", "POST", "DELETE"],
                "incoming_remove_headers": ["x-timestamp", "x-open-expired"],
                "incoming_allow_headers": [],
                "outgoing_remove_headers": ["x-object-meta-*"],
                "outgoing_allow_headers": ["x-object-meta-public-*"],
                "allowed_digests": ["sha1", "sha256", "sha512"],
                "deprecated_digests": ["sha1"]
            }),
        )],
        Feature::Crossdomain => vec![("crossdomain", json!({}))],
        Feature::Formpost => vec![(
            "formpost",
            json!({"allowed_digests": ["sha1", "sha256", "sha512"], "deprecated_digests": ["sha1"]}),
        )],
        Feature::Tempauth => vec![("tempauth", json!({"account_acls": true}))],
        Feature::Staticweb => vec![("staticweb", json!({}))],
        Feature::ContainerQuotas => vec![("container_quotas", json!({}))],
        Feature::AccountQuotas => vec![("account_quotas", json!({}))],
        Feature::VersionedWrites => vec![(
            "versioned_writes",
            json!({"allowed_flags": ["x-versions-location", "x-history-location"]}),
        )],
        Feature::ObjectVersioning => vec![("object_versioning", json!({}))],
        Feature::Slo => vec![(
            "slo",
            json!({
                "max_manifest_segments": crate::features::slo::MAX_SEGMENTS,
                "max_manifest_size": crate::features::slo::MAX_MANIFEST_SIZE,
                "yield_frequency": 10,
                "min_segment_size": 1,
                "allow_async_delete": true
            }),
        )],
        Feature::Symlink => vec![(
            "symlink",
            json!({"symloop_max": symlink::SYMLOOP_MAX, "static_links": true}),
        )],
    }
}
