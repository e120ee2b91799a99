//! A sign-in that lasts: the token is kept, renewed in time, and shared by all tasks.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use url::Url;

use crate::authenticate::{Grant, authenticate};
use crate::credentials::fingerprint;
use crate::http_client::{Displayed, parse_url};
use crate::{
    CachedToken, Catalog, Clock, Credentials, Error, HttpSettings, Interface, OBJECT_CDN,
    OBJECT_STORE, Passcode, Secret, TokenCache,
};

/// A token is renewed this long before it ends, or in the last tenth of a short life.
const RENEW_EARLY: SignedDuration = SignedDuration::from_secs(60);

/// After a renewal ahead of time has failed, the token that is still good is used for this long before another try.
const QUIET_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

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
    skew: Option<Error>,
    /// Whether the token comes from a cache.
    cached: bool,
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

    fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    fn wants_renewal(&self, now: Timestamp) -> bool {
        self.renew_at.is_some_and(|at| at <= now)
    }
}

/// Choices for a [`Session`]; nothing is sent before [`Session::access`].
#[derive(Clone)]
#[must_use]
pub struct SessionBuilder {
    credentials: Credentials,
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
type AskPasscode = Arc<dyn Fn() -> Option<Secret> + Send + Sync>;

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
            cache,
            ask_passcode: self.ask_passcode,
            passcode_used: AtomicBool::default(),
            current: RwLock::new(None),
            sign_in: Mutex::default(),
            ended: AtomicU64::default(),
        })))
    }
}

/// A cache, and what this session's token is called there.
struct Kept {
    cache: Arc<dyn TokenCache>,
    key: String,
}

/// Which of the addresses in a catalog are ours.
struct Place {
    region: Option<String>,
    interface: Interface,
    storage_url: Option<Url>,
    cdn_url: Option<Url>,
}

impl Place {
    /// What a grant of `issued_at` gives here.
    fn access(&self, grant: Grant, issued_at: Timestamp) -> Result<Access, Error> {
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
                .map(|at| at - RENEW_EARLY.min(at.duration_since(issued_at) / 10)),
            expires_at: grant.expires_at,
            catalog: grant.catalog,
            skew: grant.skew,
            cached: false,
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
#[derive(Clone)]
pub struct Session(Arc<Inner>);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("credentials", &self.0.credentials)
            .field("region", &self.0.place.region)
            .finish_non_exhaustive()
    }
}

struct Inner {
    http: reqwest::Client,
    idle_timeout: Duration,
    credentials: Credentials,
    place: Place,
    clock: Clock,
    cache: Option<Kept>,
    ask_passcode: Option<AskPasscode>,
    passcode_used: AtomicBool,
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
            cache: None,
            ask_passcode: None,
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

    /// As [`Session::access`], with a token that this session has asked for itself. One from the cache may have been
    /// revoked since, and a body that can be sent only once must not find that out.
    ///
    /// # Errors
    /// As [`Session::access`].
    pub async fn access_not_cached(&self) -> Result<Arc<Access>, Error> {
        let access = self.access().await?;
        if access.cached {
            self.sign_in(Some(&access)).await
        } else {
            Ok(access)
        }
    }

    /// Another token in place of one that a service has refused with 401.
    ///
    /// If another task has renewed `refused` meanwhile, that task's token is given.
    ///
    /// # Errors
    /// [`Error::CannotRenew`] for a ready token or none; [`Error::ClockSkew`] if the one refused was over when it came, as
    /// another would be; else every [`Error`] of a sign-in.
    pub async fn renew(&self, refused: &Arc<Access>) -> Result<Arc<Access>, Error> {
        if !self.can_renew() {
            return Err(Error::CannotRenew {
                method: self.0.credentials.method(),
            });
        }
        if let Some(skew) = &refused.skew {
            return Err(skew.clone());
        }
        self.sign_in(Some(refused)).await
    }

    /// Removes from the cache what it keeps for these credentials. This session goes on with the token it has.
    pub fn forget_cached(&self) {
        if let Some(Kept { cache, key }) = &self.0.cache {
            cache.remove(key);
        }
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
            place,
            clock,
            cache,
            current,
            ended,
            ..
        } = &*self.0;
        let now = clock.now();
        let result = match self.kept(now) {
            Some(access) => Ok(access),
            None => self.authenticate(now).await.and_then(|grant| {
                let token = self.to_keep(&grant, now);
                let access = place.access(grant, now)?;
                if let (Some(Kept { cache, key }), Some(token)) = (cache, token) {
                    cache.store(key, &token);
                }
                Ok(access)
            }),
        };
        let result = result.map(Arc::new);
        ended.fetch_add(1, Ordering::Release);
        *failure = result.as_ref().err().map(|error| (error.clone(), now));
        match (&result, cache) {
            (Ok(access), _) => {
                *current.write().unwrap_or_else(PoisonError::into_inner) = Some(access.clone());
            }
            (Err(Error::WrongCredentials(_)), Some(Kept { cache, key })) => cache.remove(key),
            _ => {}
        }
        result
    }

    /// What an earlier process has kept, if it is good for a while. Only the first access asks: what is to be replaced may
    /// be what was kept.
    fn kept(&self, now: Timestamp) -> Option<Access> {
        let Some(Kept { cache, key }) = &self.0.cache else {
            return None;
        };
        if self.current().is_some() {
            return None;
        }
        let CachedToken {
            token,
            issued_at,
            expires_at,
            catalog,
        } = cache.load(key)?;
        let grant = Grant {
            token: Some(token),
            expires_at,
            catalog,
            skew: None,
        };
        let mut access = self.0.place.access(grant, issued_at).ok()?;
        access.cached = true;
        let good = !access.expired(now) && !access.wants_renewal(now);
        good.then_some(access)
    }

    fn to_keep(&self, grant: &Grant, now: Timestamp) -> Option<CachedToken> {
        // A token that seems to be over already is not worth keeping.
        if self.0.cache.is_none() || grant.skew.is_some() {
            return None;
        }
        Some(CachedToken {
            token: grant.token.clone()?,
            issued_at: now,
            expires_at: grant.expires_at,
            catalog: grant.catalog.clone(),
        })
    }

    /// Signs in, and asks the user for a passcode if the service wants one that nobody has given.
    async fn authenticate(&self, now: Timestamp) -> Result<Grant, Error> {
        let Inner {
            http,
            idle_timeout,
            credentials,
            ask_passcode,
            passcode_used,
            ..
        } = &*self.0;
        // A passcode is good for one sign-in.
        let without;
        let credentials = if passcode_used.load(Ordering::Acquire) {
            without = credentials.with_passcode(None);
            &without
        } else {
            credentials
        };
        let result = authenticate(http, *idle_timeout, credentials, now).await;
        if result.is_ok() {
            passcode_used.store(true, Ordering::Release);
        }
        let (Err(Error::PasscodeRequired { session_id, .. }), Some(ask)) = (&result, ask_passcode)
        else {
            return result;
        };
        let ask = ask.clone();
        let Ok(Some(code)) = tokio::task::spawn_blocking(move || ask()).await else {
            return result;
        };
        let with = credentials.with_passcode(Some(Passcode {
            code,
            session_id: Some(session_id.clone()),
        }));
        authenticate(http, *idle_timeout, &with, now).await
    }
}
