//! Tokens: given, looked up, run out, revoked.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use foldhash::fast::RandomState;
use uuid::Uuid;

use super::ACCOUNT_PREFIX;
use super::access::Door;
use super::directory::{ApplicationCredential, Domain, Kind, Person, Place, Project};
use crate::message::User;

/// What a token is for.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// Nothing yet: it can only be changed for another.
    Unscoped,
    Project(Arc<Project>),
    Domain(Arc<Domain>),
    System,
}

impl Scope {
    pub(super) fn project(&self) -> Option<&Arc<Project>> {
        match self {
            Self::Project(project) => Some(project),
            Self::Unscoped | Self::Domain(_) | Self::System => None,
        }
    }

    /// Where roles must hold to be good for it.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Self::Unscoped => None,
            Self::Project(project) => Some(Place::Project(Arc::clone(&project.id))),
            Self::Domain(domain) => Some(Place::Domain(Arc::clone(&domain.id))),
            Self::System => Some(Place::System),
        }
    }
}

/// What a bearer is known by.
pub(crate) struct Token {
    pub(crate) id: String,
    pub(super) person: Arc<Person>,
    pub(super) door: Door,
    pub(super) scope: Scope,
    pub(super) roles: Vec<Arc<str>>,
    /// How its bearer proved who they are: `password`, `token`, …
    pub(super) methods: Vec<String>,
    /// Its own audit id, and that of the first token it comes from.
    pub(super) audit: Vec<String>,
    pub(super) credential: Option<Arc<ApplicationCredential>>,
    /// The bearer, as the storage knows them.
    pub(super) user: Arc<User>,
    pub(super) issued: SystemTime,
    /// The last moment at which it is good.
    pub(crate) expires: SystemTime,
}

impl Token {
    /// An id as the person's own service makes them: `TempAuth` knows its tokens by their prefix.
    pub(super) fn new_id(person: &Person, door: Door) -> String {
        let random = Uuid::new_v4().simple();
        match person.kind {
            Kind::TempAuth { .. } if door != Door::V3 => format!("{ACCOUNT_PREFIX}tk{random}"),
            _ => random.to_string(),
        }
    }
}

impl fmt::Debug for Token {
    /// Its id opens doors and is not shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Token")
            .field("person", &self.person.id)
            .field("door", &self.door)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// When a token runs out. The token itself is not told.
#[derive(Clone, Debug)]
pub(crate) struct TokenExpiry {
    /// As its bearer signs in.
    pub(crate) user: Arc<str>,
    /// The account it is for, if it is for one.
    pub(crate) account: Option<Arc<str>>,
    /// The last moment at which it is good.
    pub(crate) at: SystemTime,
}

type ById = HashMap<String, Arc<Token>, RandomState>;

/// All tokens of one emulator.
#[derive(Default)]
pub(super) struct Tokens {
    /// In shards, as each request looks into it: no thread writes to what another reads.
    by_id: ShardedLock<ById>,
    /// By the person's id, so that all of somebody's tokens can be taken back. Locked before `by_id`.
    of: Mutex<HashMap<Arc<str>, Held>>,
}

/// The tokens of one person.
#[derive(Default)]
struct Held {
    ids: Vec<String>,
    /// The one that is given again at v1 and v2 while it is good.
    again: Option<String>,
    /// How many there may be before those that have run out are looked for.
    look_at: usize,
}

impl Tokens {
    /// The token of this id, if it is good at `now`.
    pub(super) fn get(&self, id: &str, now: SystemTime) -> Option<Arc<Token>> {
        let by_id = self.read();
        let token = by_id.get(id)?;
        (now <= token.expires).then(|| Arc::clone(token))
    }

    /// Who bears the token, if it is good at `now`.
    pub(super) fn bearer(&self, id: &str, now: SystemTime) -> Option<Arc<User>> {
        let by_id = self.read();
        let token = by_id.get(id)?;
        (now <= token.expires).then(|| Arc::clone(&token.user))
    }

    /// Keeps a token; where the person has a good one that is given again, that one comes back instead.
    pub(super) fn keep(&self, token: Token, give_again: bool) -> Arc<Token> {
        let mut of = self.held();
        let held = of.entry(Arc::clone(&token.person.id)).or_default();
        let mut by_id = self.write();
        if give_again
            && let Some(id) = &held.again
            && let Some(earlier) = by_id.get(id)
            && earlier.expires > token.issued
        {
            return Arc::clone(earlier);
        }
        if held.ids.len() >= held.look_at.max(16) {
            held.ids.retain(|id| {
                let known = by_id.get(id);
                let is_good = known.is_some_and(|known| token.issued <= known.expires);
                if !is_good {
                    by_id.remove(id);
                }
                is_good
            });
            held.look_at = held.ids.len() * 2;
        }
        let token = Arc::new(token);
        held.ids.push(token.id.clone());
        if give_again && let Some(earlier) = held.again.replace(token.id.clone()) {
            by_id.remove(&earlier);
        }
        by_id.insert(token.id.clone(), Arc::clone(&token));
        token
    }

    /// Takes a token back. False if there was none.
    pub(super) fn revoke(&self, id: &str) -> bool {
        self.write().remove(id).is_some()
    }

    /// Forgets a person who is no longer there, with all tokens.
    pub(super) fn forget(&self, person: &str) {
        if let Some(held) = self.held().remove(person) {
            let mut by_id = self.write();
            for id in held.ids {
                by_id.remove(&id);
            }
        }
    }

    /// Takes back every token that `which` picks. Looks at all there are.
    pub(super) fn revoke_all(&self, which: impl Fn(&Token) -> bool) {
        self.write().retain(|_, token| !which(token));
    }

    pub(super) fn clear(&self) {
        let mut of = self.held();
        of.clear();
        self.write().clear();
    }

    pub(super) fn count(&self) -> usize {
        self.read().len()
    }

    /// When each token runs out that has not by `now`: the deadlines that clocks are moved to.
    pub(super) fn expiries(&self, now: SystemTime) -> Vec<TokenExpiry> {
        let by_id = self.read();
        let good = by_id.values().filter(|token| now <= token.expires);
        good.map(|token| {
            let project = token.scope.project();
            TokenExpiry {
                user: Arc::clone(token.person.login()),
                account: project.map(|project| Arc::clone(&project.account)),
                at: token.expires,
            }
        })
        .collect()
    }

    fn read(&self) -> ShardedLockReadGuard<'_, ById> {
        // No code under these locks can panic halfway through a change.
        self.by_id.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, ById> {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Arc<str>, Held>> {
        // Nothing under this lock panics, and a half-kept token is at worst one that runs out later.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a token that is given now runs out.
pub(super) fn end_of_life(now: SystemTime, life: Duration) -> SystemTime {
    now.checked_add(life).unwrap_or(now)
}

/// What a token is called in logs, where its id must not stand: 16 random bytes, as Keystone writes them.
pub(super) fn audit_id() -> String {
    URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes())
}
