//! Who may sign in, to which projects, in which regions.
//!
//! A [`Config`] is written in Rust, or read from a TOML file by [`Config::load`]. `emulator/sample.toml` shows every key
//! with what it means. What is left out is as in [`crate::defaults`].

mod file;
mod problem;
mod second_factor;
mod secret;

use std::net::SocketAddr;

use serde::Deserialize;

pub use file::ConfigError;
pub use problem::Problem;
pub use second_factor::{Factor, SecondFactor};
pub use secret::Secret;

use crate::defaults;

/// How long a token may live at most, in seconds: ten years.
pub const LONGEST_TOKEN_LIFE_SECONDS: u64 = 10 * 365 * 86_400;

/// Everything about signing in.
///
/// ```
/// use emulator::config::{Config, TempAuthUser};
///
/// let mut config = Config::default();
/// config.tempauth.users.push(TempAuthUser {
///     account: "mine".to_owned(),
///     user: "me".to_owned(),
///     key: "let me in".into(),
///     groups: vec![".admin".to_owned()],
/// });
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a token is good, in seconds by the emulator's clock: 1 to [`LONGEST_TOKEN_LIFE_SECONDS`].
    pub token_life_seconds: u64,
    /// The regions, at least one. The first is the one that is meant where none is named.
    pub regions: Vec<Region>,
    /// What the services are called in catalogs.
    pub catalog: Catalog,
    /// `TempAuth`'s users.
    pub tempauth: TempAuth,
    /// Rackspace's users.
    pub rackspace: Rackspace,
    /// Keystone's domains, projects and users, and the rules for their roles.
    pub keystone: Keystone,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            token_life_seconds: defaults::TOKEN_LIFE_SECONDS,
            regions: vec![Region {
                name: defaults::REGION.to_owned(),
                listen: None,
            }],
            catalog: Catalog::default(),
            tempauth: TempAuth::default(),
            rackspace: Rackspace::default(),
            keystone: Keystone::default(),
        }
    }
}

impl Config {
    /// Has the first region listen there, wherever it says itself.
    pub fn listen_at(&mut self, address: SocketAddr) {
        if let Some(first) = self.regions.first_mut() {
            first.listen = Some(address);
        }
    }

    /// What is wrong with it by itself; that users and projects are there is found out when it is used.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if !(1..=LONGEST_TOKEN_LIFE_SECONDS).contains(&self.token_life_seconds) {
            let message = format!("it must be 1 to {LONGEST_TOKEN_LIFE_SECONDS} seconds");
            return Err(Problem::new("token_life_seconds", message));
        }
        if self.regions.is_empty() {
            return Err(Problem::new("regions", "there must be at least one"));
        }
        for (index, region) in self.regions.iter().enumerate() {
            let within = |problem: Problem| problem.within(&format!("regions[{index}]"));
            if region.name.is_empty() {
                return Err(within(Problem::new("name", "it must not be empty")));
            }
            let mut earlier = self.regions[..index].iter();
            if earlier.any(|other| other.name.eq_ignore_ascii_case(&region.name)) {
                let message = "there is such a region already";
                return Err(within(Problem::new("name", message)));
            }
        }
        Ok(())
    }
}

/// A region: a listener of its own with a storage of its own. Users and tokens are the same in all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its name in catalogs, `ORD` for one.
    pub name: String,
    /// Where it listens. For the first region the builder's address stands in, for others a free port of 127.0.0.1.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
}

/// What the services are called in catalogs.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// The storage of `TempAuth`'s and Keystone's users.
    pub swift: String,
    /// The storage of Rackspace's users.
    pub cloud_files: String,
    /// The CDN.
    pub cdn: String,
    /// Identity.
    pub keystone: String,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            swift: "swift".to_owned(),
            cloud_files: "cloudFiles".to_owned(),
            cdn: "cloudFilesCDN".to_owned(),
            keystone: "keystone".to_owned(),
        }
    }
}

/// `TempAuth`'s users.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TempAuth {
    /// The users, as `user_ACCOUNT_USER = KEY GROUP…` in Swift's own configuration.
    pub users: Vec<TempAuthUser>,
}

impl Default for TempAuth {
    fn default() -> Self {
        let users = defaults::TEMPAUTH_USERS.iter().map(|user| TempAuthUser {
            account: user.account.to_owned(),
            user: user.user.to_owned(),
            key: user.key.into(),
            groups: user
                .groups
                .iter()
                .map(|group| (*group).to_owned())
                .collect(),
        });
        Self {
            users: users.collect(),
        }
    }
}

/// A user of `TempAuth`, who signs in as `account:user`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TempAuthUser {
    /// The account's name without `AUTH_`.
    pub account: String,
    /// The user's name within the account.
    pub user: String,
    /// What the user shows as `X-Auth-Key`, or as a password.
    pub key: Secret,
    /// Further groups: `.admin` may do everything in the account, `.reseller_admin` in all accounts, `.reseller_reader`
    /// may read in all accounts.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Rackspace's users.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rackspace {
    /// The users.
    pub users: Vec<RackspaceUser>,
}

impl Default for Rackspace {
    fn default() -> Self {
        Self {
            users: vec![RackspaceUser {
                name: defaults::RACKSPACE_USER.to_owned(),
                api_key: defaults::RACKSPACE_API_KEY.into(),
                password: defaults::RACKSPACE_PASSWORD.into(),
                tenant: defaults::RACKSPACE_TENANT.to_owned(),
                account: defaults::RACKSPACE_ACCOUNT.to_owned(),
                role: RackspaceRole::default(),
                default_region: None,
                second_factor: None,
            }],
        }
    }
}

/// A user of Rackspace's identity service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RackspaceUser {
    /// The user's name.
    pub name: String,
    /// For `RAX-KSKEY:apiKeyCredentials`, and for `X-Auth-Key` at v1.0.
    pub api_key: Secret,
    /// For `passwordCredentials`.
    pub password: Secret,
    /// The numeric tenant, to which tokens belong.
    pub tenant: String,
    /// The storage account, `MossoCloudFS_…`.
    pub account: String,
    /// What the user may do with the storage.
    #[serde(default)]
    pub role: RackspaceRole,
    /// `RAX-AUTH:defaultRegion`; by default the first region.
    #[serde(default)]
    pub default_region: Option<String>,
    /// Asked for after the password, if there is one. API keys do without.
    #[serde(default)]
    pub second_factor: Option<SecondFactor>,
}

/// What a user of Rackspace may do with the storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RackspaceRole {
    /// `object-store:default`: everything, as the account's owner.
    #[default]
    Default,
    /// `object-store:admin`: everything.
    Admin,
    /// `object-store:observer`: GET and HEAD.
    Observer,
}

/// Keystone's domains, projects and users, and what their roles allow in Swift.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keystone {
    /// Domains beside `default`, which is always there and is called `Default`.
    pub domains: Vec<Domain>,
    /// Projects; each has the account `AUTH_ID`, and `SERVICE_ID`.
    pub projects: Vec<Project>,
    /// Users.
    pub users: Vec<KeystoneUser>,
    /// Application credentials that are there from the start; users may make more.
    pub application_credentials: Vec<ApplicationCredential>,
    /// Who has one of these roles in a project owns its account (`operator_roles` of `keystoneauth`).
    pub operator_roles: Vec<String>,
    /// Who has one of these in a project may read its account (`project_reader_roles`).
    pub project_reader_roles: Vec<String>,
    /// Who has one of these may read every account (`system_reader_roles`).
    pub system_reader_roles: Vec<String>,
    /// Who has this role may do everything in every account (`reseller_admin_role`).
    pub reseller_admin_role: String,
    /// What a service's token must have beside the user's, to open a `SERVICE_` account (`SERVICE_service_roles`).
    pub service_roles: Vec<String>,
}

impl Default for Keystone {
    fn default() -> Self {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            domains: Vec::new(),
            projects: Vec::new(),
            users: Vec::new(),
            application_credentials: vec![ApplicationCredential {
                id: Some(defaults::APPLICATION_CREDENTIAL_ID.to_owned()),
                name: defaults::APPLICATION_CREDENTIAL_NAME.to_owned(),
                user: "test:tester".to_owned(),
                project: None,
                secret: defaults::APPLICATION_CREDENTIAL_SECRET.into(),
                roles: None,
                unrestricted: false,
            }],
            operator_roles: named(&["admin", "swiftoperator"]),
            project_reader_roles: named(&["reader"]),
            system_reader_roles: named(&["system_reader"]),
            reseller_admin_role: "ResellerAdmin".to_owned(),
            service_roles: named(&["service"]),
        }
    }
}

/// A domain: what users' and projects' names are unique in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its id; by default made of the name, and the same at every start.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
}

/// A project: an account in the storage.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Its id, which is the account's name without the prefix; by default made of domain and name, and the same at every
    /// start.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name, unique in the domain.
    pub name: String,
    /// The domain's id or name.
    #[serde(default = "default_domain")]
    pub domain: String,
}

/// A user of Keystone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeystoneUser {
    /// The user's id; by default made of domain and name, and the same at every start.
    #[serde(default)]
    pub id: Option<String>,
    /// The user's name, unique in the domain.
    pub name: String,
    /// The domain's id or name.
    #[serde(default = "default_domain")]
    pub domain: String,
    /// The password.
    pub password: Secret,
    /// Where the user signs in to who names no scope: a project's id or name. Without one, the token opens nothing.
    #[serde(default)]
    pub default_project: Option<String>,
    /// Roles, and where the user has them.
    #[serde(default)]
    pub roles: Vec<Assignment>,
    /// Asked for beside the password (`totp`), if there is one. Application credentials do without.
    #[serde(default)]
    pub second_factor: Option<SecondFactor>,
}

/// Roles in one place: a project, a domain, or the system; exactly one is named.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assignment {
    /// A project's id or name.
    pub project: Option<String>,
    /// A domain's id or name.
    pub domain: Option<String>,
    /// Whether the roles are in the system as a whole.
    pub system: bool,
    /// The roles' names. `admin` has `member` with it and `member` has `reader`, as Keystone's bootstrap makes them.
    pub roles: Vec<String>,
}

/// What signs in for a user without the user's password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationCredential {
    /// Its id; by default made of user and name, and the same at every start.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name, unique for the user.
    pub name: String,
    /// The user's id or name; `account:user` for one of `TempAuth`.
    pub user: String,
    /// The project's id or name; by default the user's default project.
    #[serde(default)]
    pub project: Option<String>,
    /// The secret.
    pub secret: Secret,
    /// Some of the user's roles in the project; by default all.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Whether it may make and delete application credentials itself.
    #[serde(default)]
    pub unrestricted: bool,
}

fn default_domain() -> String {
    "default".to_owned()
}
