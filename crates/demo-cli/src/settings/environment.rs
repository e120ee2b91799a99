//! Environment variables, and the cloud they describe.
//!
//! Three families describe a whole cloud, and are never mixed: `ST_*` of the old `swift` command, `OS_*` of `OpenStack`,
//! and those of Rackspace's tools: `CLOUD_*` (pyrax), `RAX_*` (Ansible), `RS_*` (rack).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::FROM_ENVIRONMENT;
use super::keyring::{Keyring, SystemKeyring};
use super::keys::{KEYS, Layer, Origin, is_false, key};

/// The environment of the process, or of a test.
#[derive(Clone)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    pub(crate) home: Option<PathBuf>,
    pub(super) keyring: Arc<dyn Keyring>,
}

impl Environment {
    /// That of this process. Variables that are not Unicode count as not set.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            keyring: Arc::new(SystemKeyring),
        }
    }

    #[cfg(test)]
    pub(crate) fn new<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        home: Option<&str>,
    ) -> Self {
        let variables = variables.into_iter();
        Self {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            home: home.map(PathBuf::from),
            keyring: Arc::new(super::keyring::NoKeyring),
        }
    }

    /// A variable. An empty one counts as not set.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// A folder for one kind of the user's files: where the variable says, or below the home folder.
    pub(super) fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let said = self.text(variable).map(PathBuf::from);
        said.filter(|path| path.is_absolute())
            .or_else(|| Some(self.home.as_ref()?.join(below_home)))
    }

    /// A path in which `~` stands for the home folder.
    pub(super) fn expanded(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }

    /// The variable that would hold a setting of the cloud that variables describe.
    pub(super) fn variable_for(&self, name: &str) -> Option<&'static str> {
        let named = |names: &[(&'static str, &str)]| {
            let mut found = names.iter().filter(|(_, setting)| *setting == name);
            found.next().map(|(variable, _)| *variable)
        };
        let os = || key(name).variables.first().copied();
        match self.family() {
            Family::St => named(&ST).or_else(os),
            Family::Os | Family::None => os(),
            Family::Rackspace => named(RACKSPACE).or_else(|| named(PYRAX)),
        }
    }

    /// Whether this is what the cloud is called that variables describe; `OS_CLOUD_NAME` gives it one name more.
    pub(super) fn is_own_name(&self, name: &str) -> bool {
        FROM_ENVIRONMENT.contains(&name) || self.text("OS_CLOUD_NAME") == Some(name)
    }

    /// Whether the variables describe a cloud by themselves, so that it need not be named.
    pub(super) fn describes_a_cloud(&self) -> bool {
        self.family() != Family::None
    }

    /// What the variables say when they are the cloud (`env`).
    pub(super) fn own_cloud(&self) -> Layer {
        match self.family() {
            Family::St => self.st(),
            Family::Os | Family::None => self.os(),
            Family::Rackspace => self.rackspace(),
        }
    }

    /// What `OS_*` say of a cloud that is described elsewhere. Variables that describe a whole cloud of their own, as an
    /// openrc file sets them, say nothing of another one: the second value is then one of them.
    pub(super) fn over_another(&self) -> (Layer, Option<&'static str>) {
        let layer = self.os();
        let who = ["username", "user_id", "application_credential_id", "token"];
        let proof = [
            "password",
            "application_credential_secret",
            "api_key",
            "token",
        ];
        let any = |names: &[&str]| names.iter().any(|name| layer.has(name));
        if layer.has("auth_url") && any(&who) && any(&proof) {
            (Layer::default(), Some("OS_AUTH_URL"))
        } else if self.has_ready_token() {
            (Layer::default(), Some("OS_AUTH_TOKEN"))
        } else {
            (layer, None)
        }
    }

    /// What pyrax's variables say of one of its environments.
    pub(super) fn over_pyrax(&self) -> Layer {
        let mut layer = Layer::default();
        for (variable, name) in PYRAX {
            if let Some(value) = self.text(variable) {
                layer.set(name, value, Origin::Variable((*variable).to_owned()));
            }
        }
        if self
            .text("USE_SERVICENET")
            .is_some_and(|text| !is_false(text))
        {
            layer.set(
                "interface",
                "internal",
                Origin::Variable("USE_SERVICENET".to_owned()),
            );
        }
        layer
    }

    fn family(&self) -> Family {
        let any = |names: &[&str]| names.iter().any(|name| self.text(name).is_some());
        if any(&["ST_AUTH"]) {
            Family::St
        } else if any(&["OS_AUTH_URL"]) || self.has_ready_token() || self.is_anonymous() {
            Family::Os
        } else if any(&[
            "RAX_USERNAME",
            "RS_USERNAME",
            "CLOUD_ID_TYPE",
            "CLOUD_KEYRING_USER",
        ]) {
            Family::Rackspace
        } else {
            Family::None
        }
    }

    /// As `swift auth` prints them: no signing in at all.
    fn has_ready_token(&self) -> bool {
        self.text("OS_AUTH_TOKEN").is_some() && self.text("OS_STORAGE_URL").is_some()
    }

    fn is_anonymous(&self) -> bool {
        matches!(self.text("OS_AUTH_TYPE"), Some("none" | "noauth"))
            && self.text("OS_STORAGE_URL").is_some()
    }

    fn os(&self) -> Layer {
        let mut layer = Layer::default();
        for key in KEYS {
            let mut variables = key.variables.iter();
            if let Some(variable) = variables.find(|name| self.text(name).is_some()) {
                let value = self.text(variable).unwrap_or_default();
                layer.set(key.name, value, Origin::Variable((*variable).to_owned()));
            }
        }
        for variable in ["OS_INSECURE", "SWIFTCLIENT_INSECURE"] {
            // The opposite of what the setting says.
            if self.text(variable).is_some_and(|text| !is_false(text)) {
                layer.set("verify", "false", Origin::Variable(variable.to_owned()));
            }
        }
        if self.has_ready_token() && self.text("OS_AUTH_TYPE").is_none() {
            layer.set(
                "auth_type",
                "admin_token",
                Origin::Variable("OS_AUTH_TOKEN".to_owned()),
            );
        }
        layer.spread_domain();
        layer
    }

    fn st(&self) -> Layer {
        // Domains, projects and the like are taken from OS_*, as the swift command does.
        let mut layer = self.os();
        for name in ["password", "username", "auth_type", "token"] {
            layer.remove(name);
        }
        for (variable, name) in ST {
            let value = self.text(variable).unwrap_or_default();
            layer.set(name, value, Origin::Variable(variable.to_owned()));
        }
        let version = [
            "ST_AUTH_VERSION",
            "OS_AUTH_VERSION",
            "OS_IDENTITY_API_VERSION",
        ]
        .into_iter()
        .find_map(|name| Some((name, self.text(name)?)));
        let (variable, version) = version.unwrap_or(("ST_AUTH", "1.0"));
        let auth_type = match version.as_bytes().first() {
            Some(b'3') => "v3password",
            Some(b'2') => "v2password",
            _ => "v1password",
        };
        // The old way to name both in one.
        if auth_type == "v2password"
            && let Some((tenant, user)) = self.text("ST_USER").and_then(|user| user.split_once(':'))
        {
            let origin = || Origin::Variable("ST_USER".to_owned());
            layer.set("username", user, origin());
            layer.set_default("project_name", tenant, origin());
        }
        layer.set(
            "auth_type",
            auth_type,
            Origin::Variable(variable.to_owned()),
        );
        layer
    }

    fn rackspace(&self) -> Layer {
        let mut layer = self.over_pyrax();
        for (variable, name) in RACKSPACE {
            if let Some(value) = self.text(variable) {
                layer.set_default(name, value, Origin::Variable((*variable).to_owned()));
            }
        }
        layer
    }
}

#[derive(PartialEq, Eq)]
enum Family {
    St,
    Os,
    Rackspace,
    None,
}

/// Those of the old `swift` command.
const ST: [(&str, &str); 3] = [
    ("ST_AUTH", "auth_url"),
    ("ST_USER", "username"),
    ("ST_KEY", "password"),
];

/// pyrax's variables (`pyrax/__init__.py`). Its debugging and its encoding have no counterpart here.
const PYRAX: &[(&str, &str)] = &[
    ("CLOUD_ID_TYPE", "auth_type"),
    ("CLOUD_AUTH_ENDPOINT", "auth_url"),
    ("CLOUD_KEYRING_USER", "keyring_username"),
    ("CLOUD_REGION", "region_name"),
    ("CLOUD_TENANT_ID", "project_id"),
    ("CLOUD_TENANT_NAME", "project_name"),
    ("CLOUD_USER_AGENT", "user_agent"),
    ("CLOUD_VERIFY_SSL", "verify"),
];

/// Those of Ansible's Rackspace modules and of the rack command.
const RACKSPACE: &[(&str, &str)] = &[
    ("RAX_USERNAME", "username"),
    ("RAX_API_KEY", "api_key"),
    ("RAX_REGION", "region_name"),
    ("RS_USERNAME", "username"),
    ("RS_API_KEY", "api_key"),
    ("RS_REGION_NAME", "region_name"),
    ("RS_AUTH_URL", "auth_url"),
];
