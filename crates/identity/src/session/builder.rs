//! How a session is to be.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, RwLock};

use tokio::sync::Mutex;

use super::access::Place;
use super::{Inner, Kept, Session};
use crate::credentials::fingerprint;
use crate::http_client::parse_url;
use crate::{Clock, Credentials, Error, HttpSettings, Interface, OBJECT_STORE, Secret, TokenCache};

/// Choices for a [`Session`]; nothing is sent before [`Session::access`].
#[derive(Clone)]
#[must_use]
pub struct SessionBuilder {
    credentials: Credentials,
    service_type: String,
    region: Option<String>,
    interface: Interface,
    storage_url: Option<String>,
    cdn_url: Option<String>,
    http: HttpSettings,
    clock: Clock,
    cache: Option<Arc<dyn TokenCache>>,
    ask_passcode: Option<AskPasscode>,
}

/// Asks the user for a passcode; see [`SessionBuilder::ask_passcode`].
pub(super) type AskPasscode = Arc<dyn Fn() -> Option<Secret> + Send + Sync>;

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("credentials", &self.credentials)
            .field("region", &self.region)
            .field("interface", &self.interface)
            .field("http", &self.http)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

impl SessionBuilder {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            service_type: OBJECT_STORE.to_owned(),
            region: None,
            interface: Interface::default(),
            storage_url: None,
            cdn_url: None,
            http: HttpSettings::default(),
            clock: Clock::system(),
            cache: None,
            ask_passcode: None,
        }
    }

    /// The region to work in. Needed where the cloud has several.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The type by which object storage is looked up in the catalog; [`OBJECT_STORE`] if not said. Where there is no catalog
    /// it has no meaning.
    pub fn service_type(mut self, service_type: impl Into<String>) -> Self {
        self.service_type = service_type.into();
        self
    }

    /// The door to use; [`Interface::Public`] if not said. The CDN has only a public one and is reached by that.
    pub fn interface(mut self, interface: Interface) -> Self {
        self.interface = interface;
        self
    }

    /// The account's storage URL, whatever the catalog says.
    pub fn storage_url(mut self, url: impl Into<String>) -> Self {
        self.storage_url = Some(url.into());
        self
    }

    /// The account's CDN management URL, whatever the catalog says.
    pub fn cdn_url(mut self, url: impl Into<String>) -> Self {
        self.cdn_url = Some(url.into());
        self
    }

    /// TLS, proxies, timeouts.
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.http = settings;
        self
    }

    /// What time it is; [`Clock::system`] if not said.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Where tokens are kept for the next process, such as [`TokenFiles`](crate::TokenFiles). Without one each process
    /// signs in by itself. Ready tokens and anonymous access are not kept.
    pub fn cache(mut self, cache: impl TokenCache + 'static) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// What asks the user for a second factor when the service wants one and the credentials have none. It is called on
    /// a thread that may wait, at most once for each sign-in; `None` leaves it at
    /// [`Error::PasscodeRequired`].
    pub fn ask_passcode(
        mut self,
        ask: impl Fn() -> Option<Secret> + Send + Sync + 'static,
    ) -> Self {
        self.ask_passcode = Some(Arc::new(ask));
        self
    }

    /// The session, not signed in yet.
    ///
    /// # Errors
    /// Those of [`HttpSettings::client`], and [`Error::InvalidUrl`] for an overriding URL.
    pub fn build(self) -> Result<Session, Error> {
        let storage_url = self
            .storage_url
            .map(|url| parse_url(&url, "the storage URL"))
            .transpose()?;
        let cdn_url = self
            .cdn_url
            .map(|url| parse_url(&url, "the CDN URL"))
            .transpose()?;
        let cache = self.cache.and_then(|cache| {
            let key = fingerprint(&self.credentials, self.region.as_deref())?;
            Some(Kept { cache, key })
        });
        let service_type = if self.credentials.has_catalog() {
            self.service_type
        } else {
            OBJECT_STORE.to_owned()
        };
        Ok(Session(Arc::new(Inner {
            http: self.http.client()?,
            idle_timeout: self.http.idle_timeout,
            credentials: self.credentials,
            place: Place {
                service_type,
                region: self.region,
                interface: self.interface,
                storage_url,
                cdn_url,
            },
            clock: self.clock,
            cache,
            ask_passcode: self.ask_passcode,
            passcode_used: AtomicBool::default(),
            current: RwLock::new(None),
            sign_in: Mutex::default(),
            ended: AtomicU64::default(),
        })))
    }
}
