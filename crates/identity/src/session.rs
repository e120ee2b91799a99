//! A sign-in that lasts: the token is kept, renewed in time, and shared by all tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use url::Url;

use crate::authenticate::{Grant, authenticate};
use crate::http_client::parse_url;
use crate::{
    Catalog, Clock, Credentials, Error, HttpSettings, Interface, OBJECT_CDN, OBJECT_STORE, Secret,
};

/// A token is renewed this long before it ends, or in the last tenth of a short life.
const RENEW_EARLY: SignedDuration = SignedDuration::from_secs(60);

/// After a renewal ahead of time has failed, the token that is still good is used for this long before another try.
const QUIET_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

/// What requests need: a token and the addresses of the account.
#[derive(Debug)]
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
}

impl Access {
    /// The account at the CDN management service, from `rax:object-cdn` in the catalog or `X-CDN-Management-Url`.
    ///
    /// # Errors
    /// As [`Catalog::endpoint`]; [`Error::NoSuchService`] on a cloud without a CDN.
    pub fn cdn_url(&self) -> Result<&Url, Error> {
        self.cdn_url.as_ref().map_err(Clone::clone)
    }

    fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    fn wants_renewal(&self, now: Timestamp) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }
}

/// Choices for a [`Session`]; nothing is sent before [`Session::access`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionBuilder {
    credentials: Credentials,
    region: Option<String>,
    interface: Interface,
    storage_url: Option<String>,
    cdn_url: Option<String>,
    http: HttpSettings,
    clock: Clock,
}

impl SessionBuilder {
    /// The region to work in. Needed where the cloud has several.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
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
        Ok(Session(Arc::new(Inner {
            http: self.http.client()?,
            idle_timeout: self.http.idle_timeout,
            credentials: self.credentials,
            place: Place {
                region: self.region,
                interface: self.interface,
                storage_url,
                cdn_url,
            },
            clock: self.clock,
            current: RwLock::new(None),
            sign_in: Mutex::default(),
            ended: AtomicU64::default(),
        })))
    }
}

/// Which of the addresses in a catalog are ours.
#[derive(Debug)]
struct Place {
    region: Option<String>,
    interface: Interface,
    storage_url: Option<Url>,
    cdn_url: Option<Url>,
}

impl Place {
    fn access(&self, grant: Grant, now: Timestamp) -> Result<Access, Error> {
        let region = self.region.as_deref();
        let storage_url = |interface| match &self.storage_url {
            Some(url) => Ok(url.clone()),
            None => grant
                .catalog
                .endpoint(OBJECT_STORE, region, interface)
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
                .map(|at| at - RENEW_EARLY.min(at.duration_since(now) / 10)),
            expires_at: grant.expires_at,
            catalog: grant.catalog,
        })
    }
}

/// Signed-in credentials, cheap to clone and shared by all tasks.
///
/// The token is fetched at its first use, renewed a little before it ends, and renewed when a service refuses it. One
/// task does that while the others wait; before the token has ended they go on with it. Dropping a task that waits or
/// renews does no harm: the next one takes its place.
///
/// ```no_run
/// # async fn example() -> Result<(), identity::Error> {
/// use identity::{Credentials, RACKSPACE_US, Session};
///
/// let session = Session::builder(Credentials::rackspace_api_key(RACKSPACE_US, "demo", "f7e0"))
///     .region("DFW")
///     .build()?;
/// println!("{}", session.access().await?.storage_url);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    idle_timeout: Duration,
    credentials: Credentials,
    place: Place,
    clock: Clock,
    /// Read by every request, so apart from the lock that is held during a sign-in.
    current: RwLock<Option<Arc<Access>>>,
    /// Held by the one task that signs in. Inside is why and when the last sign-in failed, if it did.
    sign_in: Mutex<Option<(Error, Timestamp)>>,
    /// How many sign-ins have ended, so that those who wait can tell whether one did meanwhile.
    ended: AtomicU64,
}

impl Session {
    /// Starts with credentials; see [`SessionBuilder`].
    pub fn builder(credentials: Credentials) -> SessionBuilder {
        SessionBuilder {
            credentials,
            region: None,
            interface: Interface::default(),
            storage_url: None,
            cdn_url: None,
            http: HttpSettings::default(),
            clock: Clock::system(),
        }
    }

    /// The token and addresses to use now; signs in if need be.
    ///
    /// # Errors
    /// Every [`Error`] of a sign-in. One ahead of time that fails does not count as long as the old token is good.
    pub async fn access(&self) -> Result<Arc<Access>, Error> {
        let now = self.0.clock.now();
        match self.current() {
            Some(access) if !access.wants_renewal(now) => Ok(access),
            Some(access) if !access.expired(now) => Ok(self.renew_early(access, now).await),
            stale => self.sign_in(stale.as_ref()).await,
        }
    }

    /// Another token in place of one that a service has refused with 401.
    ///
    /// If another task has renewed `refused` meanwhile, that task's token is given.
    ///
    /// # Errors
    /// [`Error::CannotRenew`] for a ready token or none; else every [`Error`] of a sign-in.
    pub async fn renew(&self, refused: &Arc<Access>) -> Result<Arc<Access>, Error> {
        if !self.can_renew() {
            return Err(Error::CannotRenew {
                method: self.0.credentials.method(),
            });
        }
        self.sign_in(Some(refused)).await
    }

    /// Whether [`Session::renew`] can get another token: there is something to sign in with.
    pub fn can_renew(&self) -> bool {
        !matches!(
            self.0.credentials,
            Credentials::Token { .. } | Credentials::Anonymous { .. }
        )
    }

    /// The client that this session's requests go through.
    pub fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// [`HttpSettings::idle_timeout`], for those who send requests.
    pub fn idle_timeout(&self) -> Duration {
        self.0.idle_timeout
    }

    /// This session's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What this session signs in with.
    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    fn current(&self) -> Option<Arc<Access>> {
        self.0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A better token if one can be had at once, else the one that is still good.
    async fn renew_early(&self, access: Arc<Access>, now: Timestamp) -> Arc<Access> {
        let Ok(mut failure) = self.0.sign_in.try_lock() else {
            return access;
        };
        if let Some(current) = self
            .current()
            .filter(|current| !Arc::ptr_eq(current, &access))
        {
            return current;
        }
        if let Some((_, at)) = &*failure
            && now.duration_since(*at) < QUIET_AFTER_FAILURE
        {
            return access;
        }
        match self.sign_in_locked(&mut failure).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(%error, "the token could not be renewed ahead of time");
                access
            }
        }
    }

    /// Signs in unless another task has done so, or failed to, while this one waited.
    async fn sign_in(&self, stale: Option<&Arc<Access>>) -> Result<Arc<Access>, Error> {
        let ended_before = self.0.ended.load(Ordering::Acquire);
        let mut failure = self.0.sign_in.lock().await;
        if let Some(current) = self.current()
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, &current))
        {
            return Ok(current);
        }
        if self.0.ended.load(Ordering::Acquire) != ended_before
            && let Some((error, _)) = &*failure
        {
            return Err(error.clone());
        }
        self.sign_in_locked(&mut failure).await
    }

    async fn sign_in_locked(
        &self,
        failure: &mut Option<(Error, Timestamp)>,
    ) -> Result<Arc<Access>, Error> {
        let Inner {
            http,
            idle_timeout,
            credentials,
            place,
            clock,
            current,
            ended,
            ..
        } = &*self.0;
        let now = clock.now();
        let result = authenticate(http, *idle_timeout, credentials, now).await;
        let result = result
            .and_then(|grant| place.access(grant, now))
            .map(Arc::new);
        ended.fetch_add(1, Ordering::Release);
        *failure = result.as_ref().err().map(|error| (error.clone(), now));
        if let Ok(access) = &result {
            *current.write().unwrap_or_else(PoisonError::into_inner) = Some(access.clone());
        }
        result
    }
}
