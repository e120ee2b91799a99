//! What is known of clouds that many people use, so that they need not say it.

use identity::{RACKSPACE_UK, RACKSPACE_US};

use super::keys::{Layer, Origin};

/// A profile that comes with this program. Where a cloud has several regions it names none: which ones there are, the
/// catalog tells, and none is chosen silently.
pub(super) struct Profile {
    name: &'static str,
    /// Other settings may be named in it, in braces.
    auth_url: &'static str,
    version: &'static str,
    /// Of users and projects.
    domain: Option<&'static str>,
    region: Option<&'static str>,
}

/// A cloud with a Keystone v3.
const fn keystone(name: &'static str, auth_url: &'static str) -> Profile {
    Profile {
        name,
        auth_url,
        version: "3",
        domain: None,
        region: None,
    }
}

/// Named as in openstacksdk, of whose profiles (`openstack/config/vendors`) those are here that name an address and of
/// which it does not say that they are gone. It has none for Rackspace's accounts opened in the United Kingdom, nor for
/// its present `OpenStack` (Flex), where users sign in to each region by itself.
const PROFILES: &[Profile] = &[
    Profile {
        version: "2.0",
        ..keystone("rackspace", RACKSPACE_US)
    },
    Profile {
        version: "2.0",
        ..keystone("rackspace-uk", RACKSPACE_UK)
    },
    Profile {
        domain: Some("rackspace_cloud_domain"),
        ..keystone(
            "rackspace-flex",
            "https://keystone.api.{region_name}.rackspacecloud.com/v3",
        )
    },
    Profile {
        domain: Some("Default"),
        region: Some("RegionOne"),
        ..keystone("auro", "https://api.van2.auro.io:5000/v3")
    },
    Profile {
        region: Some("europe-se-1"),
        ..keystone("binero", "https://auth.binero.cloud:5000/v3")
    },
    Profile {
        version: "2.0",
        ..keystone("catalyst", "https://api.cloud.catalyst.net.nz:5000/v2.0")
    },
    keystone("citycloud", "https://{region_name}.citycloud.com:5000/v3/"),
    Profile {
        version: "2.0",
        ..keystone("conoha", "https://identity.{region_name}.conoha.io")
    },
    Profile {
        region: Some("RegionOne"),
        ..keystone("dreamcompute", "https://iad2.dream.io:5000")
    },
    Profile {
        region: Some("se-sto"),
        ..keystone("elastx", "https://ops.elastx.cloud:5000/v3")
    },
    keystone("entercloudsuite", "https://api.entercloudsuite.com/"),
    keystone("limestonenetworks", "https://auth.cloud.lstn.net:5000/v3"),
    keystone("otc", "https://iam.{region_name}.otc.t-systems.com/v3"),
    Profile {
        region: Some("eu-ch2"),
        ..keystone(
            "otc-swiss",
            "https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3",
        )
    },
    Profile {
        domain: Some("Default"),
        ..keystone("ovh-us", "https://auth.cloud.ovh.us/")
    },
    keystone("switchcloud", "https://identity.compute.cloud.switch.ch/v3"),
    keystone("switchengines", "https://keystone.cloud.switch.ch:5000/v3"),
    Profile {
        region: Some("no-osl1"),
        ..keystone("zetta", "https://identity.api.zetta.io/v3")
    },
];

/// The profile of this name.
pub(super) fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

impl Profile {
    /// What it says of a cloud.
    pub(super) fn layer(&self) -> Layer {
        let mut layer = Layer::default();
        let settings = [
            ("auth_url", Some(self.auth_url)),
            ("identity_api_version", Some(self.version)),
            ("user_domain_name", self.domain),
            ("project_domain_name", self.domain),
            ("region_name", self.region),
        ];
        for (name, value) in settings {
            if let Some(value) = value {
                layer.set(name, value, Origin::Profile(self.name.to_owned()));
            }
        }
        layer
    }
}
