//! What a user meets first.

use std::sync::Arc;

use identity::{Credentials, HttpSettings, Interface, Session, SessionBuilder};
use tokio::sync::OnceCell;

use crate::transfers::Pace;
use crate::{Capabilities, Error, RetryPolicy, Transport};

/// A client of one account. It is cheap to clone, and its clones share connections and token.
///
/// Its calls are named as python-swiftclient names them. Each may be dropped at any time; an upload that is dropped
/// leaves no object.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    capabilities: Arc<OnceCell<Arc<Capabilities>>>,
}

impl Client {
    /// Starts with credentials.
    pub fn builder(credentials: Credentials) -> ClientBuilder {
        ClientBuilder {
            session: Session::builder(credentials),
            retry: RetryPolicy::default(),
        }
    }

    /// A client for a session that exists already.
    pub fn new(session: Session, retry: RetryPolicy) -> Self {
        let transport = Transport::new(session, retry);
        Self(Arc::new(Inner {
            transport,
            capabilities: Arc::default(),
        }))
    }

    /// The token and addresses behind this client.
    pub fn session(&self) -> &Session {
        self.0.transport.session()
    }

    /// For requests that no call here makes.
    pub fn transport(&self) -> &Transport {
        &self.0.transport
    }

    /// The same client, its requests reported to `pace`.
    pub(crate) fn paced(&self, pace: Arc<Pace>) -> Self {
        Self(Arc::new(Inner {
            transport: self.transport().clone().paced(pace),
            capabilities: self.0.capabilities.clone(),
        }))
    }

    pub(crate) fn cached_capabilities(&self) -> &OnceCell<Arc<Capabilities>> {
        &self.0.capabilities
    }
}

/// Choices for a [`Client`]. Nothing is sent before the client's first call.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    session: SessionBuilder,
    retry: RetryPolicy,
}

impl ClientBuilder {
    /// The region to work in. Needed where the cloud has several.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.session = self.session.region(region);
        self
    }

    /// The type by which object storage is looked up in the catalog; `object-store` if not said.
    pub fn service_type(mut self, service_type: impl Into<String>) -> Self {
        self.session = self.session.service_type(service_type);
        self
    }

    /// The door to use; [`Interface::Public`] if not said.
    pub fn interface(mut self, interface: Interface) -> Self {
        self.session = self.session.interface(interface);
        self
    }

    /// The account's storage URL, whatever the catalog says.
    pub fn storage_url(mut self, url: impl Into<String>) -> Self {
        self.session = self.session.storage_url(url);
        self
    }

    /// The account's CDN management URL, whatever the catalog says.
    pub fn cdn_url(mut self, url: impl Into<String>) -> Self {
        self.session = self.session.cdn_url(url);
        self
    }

    /// TLS, proxies, timeouts.
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.session = self.session.http(settings);
        self
    }

    /// What time it is.
    pub fn clock(mut self, clock: identity::Clock) -> Self {
        self.session = self.session.clock(clock);
        self
    }

    /// Where tokens are kept for the next process; see [`SessionBuilder::cache`].
    pub fn cache(mut self, cache: impl identity::TokenCache + 'static) -> Self {
        self.session = self.session.cache(cache);
        self
    }

    /// What asks the user for a second factor; see [`SessionBuilder::ask_passcode`].
    pub fn ask_passcode(
        mut self,
        ask: impl Fn() -> Option<identity::Secret> + Send + Sync + 'static,
    ) -> Self {
        self.session = self.session.ask_passcode(ask);
        self
    }

    /// How hard to try.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`Error::Identity`] if the settings make no sense.
    pub fn build(self) -> Result<Client, Error> {
        Ok(Client::new(self.session.build()?, self.retry))
    }
}
