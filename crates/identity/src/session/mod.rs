//! A sign-in that lasts: the token is kept, renewed in time, and shared by all tasks.

mod access;
mod builder;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

pub use access::Access;
use access::Place;
use builder::AskPasscode;
pub use builder::SessionBuilder;

use crate::authenticate::{Grant, authenticate};
use crate::{CachedToken, Clock, Credentials, Error, Passcode, TokenCache};

/// After a renewal ahead of time has failed, the token that is still good is used for this long before another try.
const QUIET_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

/// A cache, and what this session's token is called there.
struct Kept {
    cache: Arc<dyn TokenCache>,
    key: String,
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
        SessionBuilder::new(credentials)
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

    /// [`HttpSettings::idle_timeout`](crate::HttpSettings::idle_timeout), for those who send requests.
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
