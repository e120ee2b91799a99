//! Why signing in did not work.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;

use crate::{Interface, Secret};

/// Why there is no token or no address. It names what was tried and never the secret; URLs are shown without user
/// part and query.
///
/// It is cheap to clone: when several tasks wait for one sign-in, each of them is told why it failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL in the settings, or one the cloud sent, is none.
    #[error("{what} is not an http or https URL")]
    InvalidUrl {
        /// Which one, such as `auth_url`.
        what: &'static str,
    },
    /// A setting cannot be sent, for instance a user name with a line break.
    #[error("{what} cannot be sent in a request")]
    InvalidCredentials {
        /// Which one.
        what: &'static str,
    },
    /// The file with extra certificate authorities cannot be used.
    #[error("the certificate authorities in {} cannot be used: {reason}", path.display())]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The certificate that is to show servers who we are, or its key, cannot be used.
    #[error("the client certificate or key in {} cannot be used: {reason}", path.display())]
    ClientCertificate {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up")]
    HttpClient(#[source] Arc<reqwest::Error>),
    /// No answer: name not resolved, connection refused, certificate not trusted, time out.
    #[error("the identity service at {url} cannot be reached")]
    Unreachable {
        /// Which one.
        url: String,
        /// What happened.
        #[source]
        source: Arc<reqwest::Error>,
    },
    /// 401 or 403: these credentials are not accepted.
    #[error("{0}: wrong credentials")]
    WrongCredentials(Box<Exchange>),
    /// A second factor is wanted. Sign in again with [`Passcode`](crate::Passcode).
    #[error("{exchange}: a passcode is required as well")]
    PasscodeRequired {
        /// What was tried and answered.
        exchange: Box<Exchange>,
        /// To be sent back together with the code.
        session_id: Secret,
    },
    /// Another status than success.
    #[error("{0}: not a success")]
    Refused(Box<Exchange>),
    /// A success whose body is not JSON: a portal page, a proxy, the wrong port.
    #[error("{0}: the answer is not JSON")]
    NotJson(Box<Exchange>),
    /// A success without a part that must be in it.
    #[error("{exchange}: the answer has no {missing}")]
    Incomplete {
        /// What was tried and answered.
        exchange: Box<Exchange>,
        /// What should have been there.
        missing: &'static str,
    },
    /// The catalog has no service of this type.
    #[error("this cloud offers no {service_type}, {}", only(offered))]
    NoSuchService {
        /// What was looked for.
        service_type: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// The service is not in this region.
    #[error(
        "{service_type} is not offered in region {region}, only in: {}",
        list(offered)
    )]
    UnknownRegion {
        /// What was looked for.
        service_type: String,
        /// Where it was looked for.
        region: String,
        /// Where it is.
        offered: Vec<String>,
    },
    /// The service is in several regions and none was named.
    #[error(
        "{service_type} is offered in several regions, name one of: {}{}", list(offered),
        default_region.as_ref().map(|region| format!(" (your account's default is {region})")).unwrap_or_default()
    )]
    RegionRequired {
        /// What was looked for.
        service_type: String,
        /// Where it is.
        offered: Vec<String>,
        /// The account's own region.
        default_region: Option<String>,
    },
    /// The service has no such interface.
    #[error("{service_type} has no {interface} endpoint here")]
    NoSuchInterface {
        /// What was looked for.
        service_type: String,
        /// Which door.
        interface: Interface,
    },
    /// A token that by the clocks was over when it came was refused: one of them is wrong.
    #[error(
        "{exchange}: the token is not accepted, and was over when it came: it says it ended at {expires_at}, {}this \
         machine's clock said {now:.0}; one of the clocks is wrong",
        server.map(|server| format!("the server's clock said {server}, ")).unwrap_or_default()
    )]
    ClockSkew {
        /// The sign-in that gave the token.
        exchange: Box<Exchange>,
        /// When it ended, as the identity service said.
        expires_at: Timestamp,
        /// When it came, by the `Date` of the answer that brought it.
        server: Option<Timestamp>,
        /// When it came, by this machine's clock.
        now: Timestamp,
    },
    /// The token was refused and there is nothing to get another one with.
    #[error("the token is no longer accepted, and {method} cannot get another one")]
    CannotRenew {
        /// [`Credentials::method`](crate::Credentials::method).
        method: &'static str,
    },
}

impl Error {
    /// Whether another try a little later may well work: the service was not reached, or was busy or broken.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(exchange) => {
                exchange.status.is_server_error()
                    || matches!(exchange.status.as_u16(), 408 | 413 | 429 | 498)
            }
            _ => false,
        }
    }
}

/// A sign-in that was tried and what came back, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// [`Credentials::method`](crate::Credentials::method).
    pub method: &'static str,
    /// Whose.
    pub user: Option<String>,
    /// Where, without user part and query.
    pub url: String,
    /// Status of the answer.
    pub status: StatusCode,
    /// `X-Trans-Id` or `X-OpenStack-Request-Id` of the answer.
    pub trans_id: Option<String>,
    /// The `message` of a JSON error body, where a redirection leads, or the content type of a success.
    pub message: Option<String>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signing in at {} with {}", self.url, self.method)?;
        if let Some(user) = &self.user {
            write!(f, " as {user}")?;
        }
        write!(f, " was answered {}", self.status.as_u16())?;
        if let Some(message) = &self.message {
            write!(f, " {message:?}")?;
        }
        match &self.trans_id {
            Some(id) => write!(f, " (transaction {id})"),
            None => Ok(()),
        }
    }
}

fn only(offered: &[String]) -> String {
    if offered.is_empty() {
        "nor anything else to this user; perhaps no project (tenant) is named".to_owned()
    } else {
        format!("only: {}", offered.join(", "))
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
