//! Who is asking, and how that is shown to the cloud.

mod fingerprint;
mod mask;
mod v3;

use std::fmt;

use url::Url;

use crate::Secret;
use crate::http_client::displayed;

pub(crate) use fingerprint::fingerprint;
use mask::mask;
pub use v3::{Domain, V3Method, V3Scope, V3User};

/// Every way of signing in. The secrets inside show as `***`.
///
/// `auth_url` is what users of the respective cloud have in their settings; for the v2.0 and v3 services it may be
/// given with or without the version, and with or without the last steps of the path (`/v2.0/tokens`).
///
/// ```
/// let me = identity::Credentials::temp_auth("http://127.0.0.1:8080/auth/v1.0", "test:tester", "testing");
/// assert!(!format!("{me:?}").contains("testing"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// `GET <auth_url>` with `X-Auth-User` and `X-Auth-Key`: Swift's `TempAuth` and `Swauth` (user `account:user`),
    /// Rackspace's v1.0 (user name and API key), Ceph's gateway.
    TempAuthV1 {
        /// The whole URL, such as `http://127.0.0.1:8080/auth/v1.0`.
        auth_url: String,
        /// User name.
        user: String,
        /// Key.
        key: Secret,
    },
    /// Rackspace identity v2.0 with user name and API key (`RAX-KSKEY:apiKeyCredentials`).
    RackspaceApiKey {
        /// Such as [`RACKSPACE_US`].
        auth_url: String,
        /// User name.
        username: String,
        /// API key.
        api_key: Secret,
        /// Account to sign in to; the user's own if left out.
        tenant: Option<Tenant>,
    },
    /// Rackspace identity v2.0 with user name and password, and a passcode where the user has set that up.
    RackspacePassword {
        /// Such as [`RACKSPACE_US`].
        auth_url: String,
        /// User name.
        username: String,
        /// Password.
        password: Secret,
        /// Second factor; needed only when the service asks for it
        /// ([`Error::PasscodeRequired`](crate::Error::PasscodeRequired)).
        passcode: Option<Passcode>,
        /// Account to sign in to; the user's own if left out.
        tenant: Option<Tenant>,
    },
    /// Rackspace identity v2.0 with user name and one secret of which nobody said what it is: it is tried as API key,
    /// then as password, as pyrax did with what it found in the keyring.
    RackspaceKeyOrPassword {
        /// Such as [`RACKSPACE_US`].
        auth_url: String,
        /// User name.
        username: String,
        /// API key or password.
        secret: Secret,
        /// As in [`Credentials::RackspacePassword`].
        passcode: Option<Passcode>,
        /// Account to sign in to; the user's own if left out.
        tenant: Option<Tenant>,
    },
    /// Identity v2.0 with another token, usually to sign in to another tenant.
    V2Token {
        /// Such as [`RACKSPACE_US`].
        auth_url: String,
        /// The token.
        token: Secret,
        /// Tenant to sign in to.
        tenant: Option<Tenant>,
    },
    /// Keystone v2.0 with user name and password.
    KeystoneV2Password {
        /// Such as `https://cloud.example:5000/v2.0`.
        auth_url: String,
        /// User name.
        username: String,
        /// Password.
        password: Secret,
        /// Tenant to sign in to. Without one the catalog is usually empty.
        tenant: Option<Tenant>,
    },
    /// Keystone v3, also Rackspace's `OpenStack` offering.
    KeystoneV3 {
        /// Such as `https://cloud.example:5000/v3`.
        auth_url: String,
        /// What is shown.
        method: V3Method,
        /// What the token shall be good for.
        scope: V3Scope,
    },
    /// A token from elsewhere. It cannot be renewed.
    Token {
        /// The token.
        token: Secret,
        /// Account URL, such as `https://cloud.example/v1/AUTH_test`.
        storage_url: String,
        /// CDN management URL of the same account.
        cdn_url: Option<String>,
    },
    /// No token at all: public containers.
    Anonymous {
        /// Account URL.
        storage_url: String,
    },
}

/// Rackspace's identity service, v2.0.
pub const RACKSPACE_US: &str = "https://identity.api.rackspacecloud.com/v2.0";

/// Rackspace's identity service for accounts opened in the United Kingdom, v2.0.
pub const RACKSPACE_UK: &str = "https://lon.identity.api.rackspacecloud.com/v2.0";

/// A v2.0 tenant: an account, later called project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// The second factor of a Rackspace sign-in.
#[derive(Clone, Debug)]
pub struct Passcode {
    /// What the telephone or the app shows, or a bypass code.
    pub code: Secret,
    /// The session that asked for it, from [`Error::PasscodeRequired`](crate::Error::PasscodeRequired). Left out, the
    /// password is sent first and the code right after it, which suits codes that an app makes.
    pub session_id: Option<Secret>,
}

impl Credentials {
    /// [`Credentials::TempAuthV1`].
    pub fn temp_auth(
        auth_url: impl Into<String>,
        user: impl Into<String>,
        key: impl Into<Secret>,
    ) -> Self {
        Self::TempAuthV1 {
            auth_url: auth_url.into(),
            user: user.into(),
            key: key.into(),
        }
    }

    /// [`Credentials::RackspaceApiKey`] with the user's own account.
    pub fn rackspace_api_key(
        auth_url: impl Into<String>,
        username: impl Into<String>,
        api_key: impl Into<Secret>,
    ) -> Self {
        Self::RackspaceApiKey {
            auth_url: auth_url.into(),
            username: username.into(),
            api_key: api_key.into(),
            tenant: None,
        }
    }

    /// [`Credentials::RackspacePassword`] with the user's own account and no passcode.
    pub fn rackspace_password(
        auth_url: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self::RackspacePassword {
            auth_url: auth_url.into(),
            username: username.into(),
            password: password.into(),
            passcode: None,
            tenant: None,
        }
    }

    /// [`Credentials::Token`] without a CDN.
    pub fn token(token: impl Into<Secret>, storage_url: impl Into<String>) -> Self {
        Self::Token {
            token: token.into(),
            storage_url: storage_url.into(),
            cdn_url: None,
        }
    }

    /// [`Credentials::Anonymous`].
    pub fn anonymous(storage_url: impl Into<String>) -> Self {
        Self::Anonymous {
            storage_url: storage_url.into(),
        }
    }

    /// The way of signing in, in words, for messages.
    pub fn method(&self) -> &'static str {
        match self {
            Self::TempAuthV1 { .. } => "v1 user and key",
            Self::RackspaceApiKey { .. } => "Rackspace API key",
            Self::RackspacePassword { .. } => "Rackspace password",
            Self::RackspaceKeyOrPassword { .. } => "Rackspace API key or password",
            Self::V2Token { .. } => "v2.0 token",
            Self::KeystoneV2Password { .. } => "Keystone v2.0 password",
            Self::KeystoneV3 { method, .. } => match method {
                V3Method::Password { passcode: None, .. } => "Keystone v3 password",
                V3Method::Password { .. } => "Keystone v3 password and passcode",
                V3Method::Totp { .. } => "Keystone v3 passcode",
                V3Method::Token { .. } => "Keystone v3 token",
                V3Method::ApplicationCredentialId { .. }
                | V3Method::ApplicationCredentialName { .. } => {
                    "Keystone v3 application credential"
                }
            },
            Self::Token { .. } => "ready token",
            Self::Anonymous { .. } => "anonymous access",
        }
    }

    /// The user's or the application credential's name (or id), where one is given, for messages.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::TempAuthV1 { user, .. } => Some(user),
            Self::RackspaceApiKey { username, .. }
            | Self::RackspacePassword { username, .. }
            | Self::RackspaceKeyOrPassword { username, .. }
            | Self::KeystoneV2Password { username, .. } => Some(username),
            Self::KeystoneV3 { method, .. } => match method {
                V3Method::Password { user, .. } | V3Method::Totp { user, .. } => Some(user.shown()),
                V3Method::Token { .. } => None,
                V3Method::ApplicationCredentialId { id, .. } => Some(id),
                V3Method::ApplicationCredentialName { name, .. } => Some(name),
            },
            Self::V2Token { .. } | Self::Token { .. } | Self::Anonymous { .. } => None,
        }
    }

    /// `text` with every secret of these credentials replaced: a server may echo what it was sent.
    pub(crate) fn masked(&self, text: String) -> String {
        let secrets = self.secrets().into_iter();
        secrets.fold(text, |text, secret| mask(text, secret.expose()))
    }

    fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::TempAuthV1 { key: secret, .. }
            | Self::RackspaceApiKey {
                api_key: secret, ..
            }
            | Self::KeystoneV2Password {
                password: secret, ..
            }
            | Self::V2Token { token: secret, .. }
            | Self::Token { token: secret, .. } => vec![secret],
            Self::RackspacePassword {
                password: secret,
                passcode,
                ..
            }
            | Self::RackspaceKeyOrPassword {
                secret, passcode, ..
            } => {
                let passcode = passcode.iter().flat_map(|passcode| {
                    std::iter::once(&passcode.code).chain(passcode.session_id.as_ref())
                });
                std::iter::once(secret).chain(passcode).collect()
            }
            Self::KeystoneV3 { method, .. } => match method {
                V3Method::Password {
                    password, passcode, ..
                } => std::iter::once(password).chain(passcode).collect(),
                V3Method::Totp {
                    passcode: secret, ..
                }
                | V3Method::Token { token: secret }
                | V3Method::ApplicationCredentialId { secret, .. }
                | V3Method::ApplicationCredentialName { secret, .. } => vec![secret],
            },
            Self::Anonymous { .. } => Vec::new(),
        }
    }

    /// These credentials with another passcode, or with none. Those that know no passcode stay as they are.
    pub(crate) fn with_passcode(&self, given: Option<Passcode>) -> Self {
        let mut credentials = self.clone();
        match &mut credentials {
            Self::RackspacePassword { passcode, .. }
            | Self::RackspaceKeyOrPassword { passcode, .. } => *passcode = given,
            Self::KeystoneV3 {
                method: V3Method::Password { passcode, .. },
                ..
            } => *passcode = given.map(|given| given.code),
            _ => {}
        }
        credentials
    }

    /// Whether what is shown has a life of its own, at whose end the service knows nothing of it.
    pub(crate) fn may_be_gone(&self) -> bool {
        matches!(
            self,
            Self::V2Token { .. }
                | Self::KeystoneV3 {
                    method: V3Method::Token { .. }
                        | V3Method::ApplicationCredentialId { .. }
                        | V3Method::ApplicationCredentialName { .. },
                    ..
                }
        )
    }

    /// Whether whom these sign in to tells of services by type and region.
    pub(crate) fn has_catalog(&self) -> bool {
        !matches!(
            self,
            Self::TempAuthV1 { .. } | Self::Token { .. } | Self::Anonymous { .. }
        )
    }

    /// Where these sign in, or what they lead to.
    fn url(&self) -> &str {
        match self {
            Self::TempAuthV1 { auth_url, .. }
            | Self::RackspaceApiKey { auth_url, .. }
            | Self::RackspacePassword { auth_url, .. }
            | Self::RackspaceKeyOrPassword { auth_url, .. }
            | Self::V2Token { auth_url, .. }
            | Self::KeystoneV2Password { auth_url, .. }
            | Self::KeystoneV3 { auth_url, .. } => auth_url,
            Self::Token { storage_url, .. } | Self::Anonymous { storage_url } => storage_url,
        }
    }
}

/// Names the method, the user and the server. A URL is shown without its user part and query, which may be secret too.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("method", &self.method())
            .field("user", &self.user())
            .field(
                "url",
                &Url::parse(self.url()).map(|url| displayed(&url)).ok(),
            )
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_a_server_says_back_is_hidden_in_every_spelling_it_was_sent_in() {
        let credentials = Credentials::temp_auth("http://127.0.0.1/", "me", r#" open"ses\ame "#);
        for (echoed, shown) in [
            (r#"plain:< open"ses\ame >"#, "plain:<***>"),
            (r#"header:<open"ses\ame>"#, "header:<***>"),
            (r#"json:< open\"ses\\ame >"#, "json:<***>"),
        ] {
            assert_eq!(credentials.masked(echoed.to_owned()), shown);
        }
    }
}
