//! What a sign-in comes to: a token, and the addresses that are ours.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::authenticate::Grant;
use crate::http_client::{Displayed, parse_url};
use crate::{Catalog, Error, Interface, OBJECT_CDN, Secret};

/// A token is renewed this long before it ends, or in the last tenth of a short life.
const RENEW_EARLY: SignedDuration = SignedDuration::from_secs(60);

/// What requests need: a token and the addresses of the account.
pub struct Access {
    /// Goes into `X-Auth-Token`; none for anonymous access.
    pub token: Option<Secret>,
    /// The account in object storage, such as `https://cloud.example/v1/AUTH_test`.
    pub storage_url: Url,
    /// The same account at its public address, which is what others are given.
    pub public_storage_url: Url,
    /// When the token ends, as far as the cloud said.
    pub expires_at: Option<Timestamp>,
    /// Everything the cloud offers.
    pub catalog: Catalog,
    /// The account at the CDN management service, or why there is none.
    cdn_url: Result<Url, Error>,
    /// From here on another token is asked for.
    renew_at: Option<Timestamp>,
    /// What to say when this token is refused, if it was over when it came.
    pub(super) skew: Option<Error>,
    /// Whether the token comes from a cache.
    pub(super) cached: bool,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("token", &self.token)
            .field("storage_url", &Displayed(&self.storage_url))
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// The account at the CDN management service, from `rax:object-cdn` in the catalog or `X-CDN-Management-Url`.
    ///
    /// # Errors
    /// As [`Catalog::endpoint`]; [`Error::NoSuchService`] on a cloud without a CDN.
    pub fn cdn_url(&self) -> Result<&Url, Error> {
        self.cdn_url.as_ref().map_err(Clone::clone)
    }

    pub(super) fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    pub(super) fn wants_renewal(&self, now: Timestamp) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }
}

/// Which of the addresses in a catalog are ours.
pub(super) struct Place {
    /// The type by which object storage is looked up.
    pub(super) service_type: String,
    pub(super) region: Option<String>,
    pub(super) interface: Interface,
    pub(super) storage_url: Option<Url>,
    pub(super) cdn_url: Option<Url>,
}

impl Place {
    /// What a grant of `issued_at` gives here.
    pub(super) fn access(&self, grant: Grant, issued_at: Timestamp) -> Result<Access, Error> {
        let region = self.region.as_deref();
        let storage_url = |interface| match &self.storage_url {
            Some(url) => Ok(url.clone()),
            None => grant
                .catalog
                .endpoint(&self.service_type, region, interface)
                .and_then(|endpoint| parse_url(&endpoint.url, "the storage URL")),
        };
        let ours = storage_url(self.interface)?;
        let cdn_url = match &self.cdn_url {
            Some(url) => Ok(url.clone()),
            None => grant
                .catalog
                .endpoint(OBJECT_CDN, region, Interface::Public)
                .and_then(|endpoint| parse_url(&endpoint.url, "the CDN URL")),
        };
        Ok(Access {
            token: grant.token,
            public_storage_url: storage_url(Interface::Public).unwrap_or_else(|_| ours.clone()),
            storage_url: ours,
            cdn_url,
            renew_at: grant
                .expires_at
                .map(|at| at - RENEW_EARLY.min(at.duration_since(issued_at) / 10)),
            expires_at: grant.expires_at,
            catalog: grant.catalog,
            skew: grant.skew,
            cached: false,
        })
    }
}
