//! What is known of clouds that many people use, so that they need not say it.

use identity::{RACKSPACE_UK, RACKSPACE_US};

use super::keys::{Layer, Origin};

/// A profile that comes with this program. It names no region: which ones there are, the catalog tells, and none is
/// chosen silently.
pub(super) struct Profile {
    name: &'static str,
    auth_url: &'static str,
}

/// Named as in openstacksdk, which has no profile for accounts opened in the United Kingdom.
const PROFILES: &[Profile] = &[
    Profile {
        name: "rackspace",
        auth_url: RACKSPACE_US,
    },
    Profile {
        name: "rackspace-uk",
        auth_url: RACKSPACE_UK,
    },
];

/// The profile of this name.
pub(super) fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

impl Profile {
    /// What it says of a cloud.
    pub(super) fn layer(&self) -> Layer {
        let origin = || Origin::Profile(self.name.to_owned());
        let mut layer = Layer::default();
        layer.set("auth_url", self.auth_url, origin());
        layer.set("identity_api_version", "2.0", origin());
        layer
    }
}
