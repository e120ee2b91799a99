//! The settings of a cloud: what each is called, wherever it stands, and where a value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::bail;
use identity::Secret;

/// A setting of a cloud. Its name is the one it has in `clouds.yaml`.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Never shown.
    pub(super) secret: bool,
    /// `OpenStack`'s variables for it; the first that is set counts.
    pub(super) variables: &'static [&'static str],
    /// Other names in `clouds.yaml`, which openstacksdk understands as well.
    pub(super) also: &'static [&'static str],
}

const fn open(
    name: &'static str,
    variables: &'static [&'static str],
    also: &'static [&'static str],
) -> Key {
    Key {
        name,
        secret: false,
        variables,
        also,
    }
}

const fn secret(
    name: &'static str,
    variables: &'static [&'static str],
    also: &'static [&'static str],
) -> Key {
    Key {
        name,
        secret: true,
        variables,
        also,
    }
}

/// All of them, in the order in which they are shown.
pub(super) const KEYS: &[Key] = &[
    open("profile", &[], &["cloud"]),
    open(
        "auth_type",
        &["OS_AUTH_TYPE", "OS_AUTH_PLUGIN"],
        &["auth_plugin"],
    ),
    open(
        "identity_api_version",
        &[
            "OS_IDENTITY_API_VERSION",
            "OS_AUTH_VERSION",
            "ST_AUTH_VERSION",
        ],
        &[],
    ),
    open("auth_url", &["OS_AUTH_URL"], &[]),
    open("username", &["OS_USERNAME"], &["user_name"]),
    open("user_id", &["OS_USER_ID"], &[]),
    open("user_domain_id", &["OS_USER_DOMAIN_ID"], &[]),
    open("user_domain_name", &["OS_USER_DOMAIN_NAME"], &[]),
    secret("password", &["OS_PASSWORD"], &[]),
    secret("api_key", &["OS_API_KEY"], &[]),
    secret("passcode", &["OS_PASSCODE"], &[]),
    secret("token", &["OS_TOKEN", "OS_AUTH_TOKEN"], &["auth_token"]),
    open(
        "application_credential_id",
        &["OS_APPLICATION_CREDENTIAL_ID"],
        &[],
    ),
    open(
        "application_credential_name",
        &["OS_APPLICATION_CREDENTIAL_NAME"],
        &[],
    ),
    secret(
        "application_credential_secret",
        &["OS_APPLICATION_CREDENTIAL_SECRET"],
        &[],
    ),
    open(
        "project_id",
        &["OS_PROJECT_ID", "OS_TENANT_ID"],
        &["tenant_id"],
    ),
    open(
        "project_name",
        &["OS_PROJECT_NAME", "OS_TENANT_NAME"],
        &["tenant_name", "project", "tenant"],
    ),
    open("project_domain_id", &["OS_PROJECT_DOMAIN_ID"], &[]),
    open("project_domain_name", &["OS_PROJECT_DOMAIN_NAME"], &[]),
    open("domain_id", &["OS_DOMAIN_ID"], &[]),
    open("domain_name", &["OS_DOMAIN_NAME"], &[]),
    open(
        "default_domain",
        &["OS_DEFAULT_DOMAIN", "OS_DEFAULT_DOMAIN_ID"],
        &["default_domain_id"],
    ),
    open("default_domain_name", &["OS_DEFAULT_DOMAIN_NAME"], &[]),
    open("system_scope", &["OS_SYSTEM_SCOPE"], &[]),
    open("region_name", &["OS_REGION_NAME"], &["region"]),
    open(
        "interface",
        &["OS_INTERFACE", "OS_ENDPOINT_TYPE"],
        &["endpoint_type"],
    ),
    open("object_store_service_type", &["OS_SERVICE_TYPE"], &[]),
    open(
        "object_store_endpoint_override",
        &["OS_OBJECT_STORE_ENDPOINT_OVERRIDE", "OS_STORAGE_URL"],
        &["object_store_endpoint", "endpoint"],
    ),
    open(
        "object_cdn_endpoint_override",
        &["OS_OBJECT_CDN_ENDPOINT_OVERRIDE"],
        &[],
    ),
    open("cacert", &["OS_CACERT"], &["ca_cert"]),
    open(CERTIFICATE, &["OS_CERT"], &[]),
    open(CERTIFICATE_KEY, &["OS_KEY"], &[]),
    open("verify", &[], &[]),
    open("api_timeout", &[], &[]),
    open("user_agent", &[], &[]),
    open("keyring_username", &[], &[]),
];

/// The file with our own certificate.
pub(super) const CERTIFICATE: &str = "cert";

/// The file with its private key.
pub(super) const CERTIFICATE_KEY: &str = "key";

/// In these other settings may be named.
const ADDRESSES: [&str; 3] = [
    "auth_url",
    "object_store_endpoint_override",
    "object_cdn_endpoint_override",
];

/// Settings that say the same in different ways. Who says one sets aside what lower places say with the others.
const RIVALS: &[&[&str]] = &[
    &["username", "user_id"],
    &["user_domain_id", "user_domain_name"],
    &["project_domain_id", "project_domain_name"],
    &["default_domain", "default_domain_name"],
    &["application_credential_id", "application_credential_name"],
    &[
        "project_id",
        "project_name",
        "domain_id",
        "domain_name",
        "system_scope",
    ],
];

/// The setting of this name.
pub(super) fn key(name: &str) -> &'static Key {
    KEYS.iter()
        .find(|key| key.name == name)
        .expect("the names in this program are those of the table")
}

/// A value, and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) value: Secret,
    pub(super) origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An argument, such as `--region`.
    Flag(&'static str),
    /// A variable.
    Variable(String),
    /// A file, with the line or the section in it.
    File {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: Option<u64>,
        /// As in `[section]`.
        section: Option<String>,
    },
    /// The keyring of the desktop, asked for this service and user.
    Keyring {
        /// Such as `cloudfiles`.
        service: String,
        /// Whose secret.
        user: String,
    },
    /// A profile that comes with this program.
    Profile(String),
    /// This program.
    BuiltIn,
}

impl Origin {
    /// The kind in one word, for JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Variable(_) => "variable",
            Self::File { .. } => "file",
            Self::Keyring { .. } => "keyring",
            Self::Profile(_) => "profile",
            Self::BuiltIn => "built-in",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File {
                path,
                line,
                section,
            } => {
                write!(f, "{}", path.display())?;
                if let Some(line) = line {
                    write!(f, ":{line}")?;
                }
                match section {
                    Some(section) => write!(f, " [{section}]"),
                    None => Ok(()),
                }
            }
            Self::Keyring { service, user } => write!(f, "keyring ({service}, {user})"),
            Self::Profile(name) => write!(f, "profile {name} (built in)"),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// What one place says, or several laid over one another.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer(BTreeMap<&'static str, Setting>);

impl Layer {
    /// Says something. An empty text says nothing.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Secret>, origin: Origin) {
        let value = value.into();
        if !value.expose().is_empty() {
            self.0.insert(key(name).name, Setting { value, origin });
        }
    }

    /// Says something that nobody has said.
    pub(super) fn set_default(&mut self, name: &str, value: &str, origin: Origin) {
        if !self.0.contains_key(name) {
            self.set(name, value, origin);
        }
    }

    /// Unsays something.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Where there is a project, `domain_*` names the domain of user and project at once (`_handle_domain_id` in
    /// `openstack/config/loader.py`); else it is what the token shall be for.
    pub(super) fn spread_domain(&mut self) {
        if !self.has("project_id") && !self.has("project_name") {
            return;
        }
        for (both, of_each) in [
            ("domain_id", ["user_domain_id", "project_domain_id"]),
            ("domain_name", ["user_domain_name", "project_domain_name"]),
        ] {
            let Some(setting) = self.0.remove(both) else {
                continue;
            };
            for name in of_each {
                let is_said = RIVALS
                    .iter()
                    .find(|rivals| rivals.contains(&name))
                    .is_some_and(|rivals| rivals.iter().any(|rival| self.has(rival)));
                if !is_said {
                    self.0.insert(key(name).name, setting.clone());
                }
            }
        }
    }

    /// Puts settings into the addresses that name them in braces, as in `https://{region_name}.cloud.example/v3`.
    pub(super) fn fill_in(&mut self) -> anyhow::Result<()> {
        for address in ADDRESSES {
            let Some(setting) = self.0.get(address) else {
                continue;
            };
            let Setting { value, origin } = setting.clone();
            let mut filled = value.expose().to_owned();
            for key in KEYS.iter().filter(|key| !key.secret) {
                let named = format!("{{{}}}", key.name);
                if !filled.contains(&named) {
                    continue;
                }
                let Some(of) = self.0.get(key.name) else {
                    bail!(
                        "{origin}: {address} depends on {}, which is not set",
                        key.name
                    )
                };
                filled = filled.replace(&named, of.value.expose());
            }
            self.set(address, filled, origin);
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Lays `above` over this: what it says counts.
    pub(super) fn overlay(&mut self, above: Self) {
        for rivals in RIVALS {
            if rivals.iter().any(|name| above.has(name)) {
                self.0.retain(|name, _| !rivals.contains(name));
            }
        }
        self.0.extend(above.0);
    }

    /// In the order of [`KEYS`].
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Key, &Setting)> {
        KEYS.iter()
            .filter_map(|key| Some((key, self.0.get(key.name)?)))
    }
}

/// Whether a text says no.
pub(super) fn is_false(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "false" | "0" | "no" | "off"
    )
}
