//! What can go wrong at the CDN, beyond what can go wrong anywhere.

use crate::TtlError;

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no CDN here: the catalog has no `rax:object-cdn`, not in this region at least, and the sign-in gave no
    /// `X-CDN-Management-Url`.
    #[error("there is no CDN here")]
    NoCdn(#[source] swift_client::Error),
    /// 404: the container was never published, or has been removed from the CDN.
    #[error("the container {container:?} is not known to the CDN")]
    NotPublished {
        /// Container.
        container: String,
        /// What was answered.
        #[source]
        source: swift_client::Error,
    },
    /// Every other failure of a request.
    #[error(transparent)]
    Request(swift_client::Error),
    /// A value that is no TTL.
    #[error(transparent)]
    Ttl(#[from] TtlError),
    /// A listing that cannot be read.
    #[error("the CDN's listing cannot be read: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// An e-mail address that no header can carry.
    #[error("this e-mail address cannot be sent")]
    InvalidEmail,
}

impl Error {
    /// A failure that says nothing about one container.
    pub(crate) fn new(source: swift_client::Error) -> Self {
        use identity::Error as Identity;
        match &source {
            swift_client::Error::Identity(
                Identity::NoSuchService { service_type, .. }
                | Identity::UnknownRegion { service_type, .. }
                | Identity::NoSuchInterface { service_type, .. },
            ) if service_type == identity::OBJECT_CDN => Self::NoCdn(source),
            _ => Self::Request(source),
        }
    }

    /// A failure of a request about `container`.
    pub(crate) fn about(container: &str, source: swift_client::Error) -> Self {
        if source.is_not_found() {
            Self::NotPublished {
                container: container.to_owned(),
                source,
            }
        } else {
            Self::new(source)
        }
    }
}
