//! How `OpenStack`'s identity service v3 is asked: by whom, with what, for what.

use crate::Secret;

/// What is shown to Keystone v3.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum V3Method {
    /// User and password.
    Password {
        /// Whose password.
        user: V3User,
        /// Password.
        password: Secret,
        /// Second factor (`totp`), for users who must show both.
        passcode: Option<Secret>,
    },
    /// A time-based passcode alone (`totp`).
    Totp {
        /// Whose.
        user: V3User,
        /// What the app shows.
        passcode: Secret,
    },
    /// Another token, usually to change its scope.
    Token {
        /// The token.
        token: Secret,
    },
    /// An application credential by id. It carries its own scope.
    ApplicationCredentialId {
        /// Id.
        id: String,
        /// Secret.
        secret: Secret,
    },
    /// An application credential by name, with the user who owns it.
    ApplicationCredentialName {
        /// Name.
        name: String,
        /// Owner.
        user: V3User,
        /// Secret.
        secret: Secret,
    },
}

/// A Keystone v3 user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum V3User {
    /// By id, unique in the whole cloud.
    Id(String),
    /// By name, unique in its domain.
    Name {
        /// Name.
        name: String,
        /// Its domain.
        domain: Domain,
    },
}

impl V3User {
    /// Name or id, for messages.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::Id(user) | Self::Name { name: user, .. } => user,
        }
    }
}

/// A Keystone v3 domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// By id; `default` is the one every cloud has.
    Id(String),
    /// By name.
    Name(String),
}

impl Default for Domain {
    fn default() -> Self {
        Self::Id("default".to_owned())
    }
}

/// What a Keystone v3 token shall be good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum V3Scope {
    /// Nothing asked: the user's default project, if there is one. Right for application credentials.
    #[default]
    Unscoped,
    /// A project by id.
    ProjectId(String),
    /// A project by name, in its domain.
    ProjectName {
        /// Name.
        name: String,
        /// Its domain.
        domain: Domain,
    },
    /// A domain.
    Domain(Domain),
    /// The whole cloud, for its operators.
    System,
}
