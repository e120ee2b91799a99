//! Who may sign in, and the tokens they hold.
//!
//! Three doors lead in: `TempAuth`'s (`features/tempauth.rs`, as it is a part of Swift), Rackspace's identity v1.0, v1.1
//! and v2.0, and Keystone's v3. The users are those of the configuration ([`crate::config`]), and those made at run time.
//! What a token opens is told by [`access`].
//!
//! At v1 and v2.0 a user is given the same token again until it runs out or is revoked, as with `TempAuth` and Rackspace;
//! Keystone gives a new one each time.

mod access;
mod catalog;
mod directory;
mod discovery;
mod fault;
mod saved;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;
mod v1;
mod v2;
mod v3;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use serde_json::Value;

pub(crate) use access::Door;
use access::Rules;
pub(crate) use directory::Person;
use directory::{ApplicationCredential, Directory, Kind, Place, Project};
pub(crate) use saved::{Saved, SavedRecord};
use sessions::Sessions;
use tokens::Tokens;
pub(crate) use tokens::{Scope, Token, TokenExpiry};

use crate::config::{Catalog, Config, Problem, Secret};
use crate::core::Core;
use crate::message::{Body, Request, Response, User};

/// What the accounts of `TempAuth`'s and Keystone's users begin with, and `TempAuth`'s tokens.
pub(crate) const ACCOUNT_PREFIX: &str = "AUTH_";
/// What accounts begin with that are opened only to a user and a service together.
pub(crate) const SERVICE_PREFIX: &str = "SERVICE_";
/// What the accounts of Rackspace's users begin with.
pub(crate) const RACKSPACE_PREFIX: &str = "MossoCloudFS_";

/// No request to sign in is longer than this, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Whether a request may concern identity, which [`handle`] then decides: hardly any does.
pub(crate) fn may_own(request: &Request) -> bool {
    matches!(request.path.version(), "" | "v1.0" | "v1.1" | "v2.0" | "v3")
}

/// Answers what concerns identity; gives every other request back.
pub(crate) async fn handle(mut request: Request, core: &Core) -> Result<Response, Request> {
    let path = request.path.as_str().to_owned();
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    match steps[..] {
        [""] if discovery::is_wanted(&request) => Ok(discovery::all(&request)),
        ["v1.0"] if v1::is_wanted(&request) => Ok(v1::sign_in(&request, core)),
        ["v1.1", ref rest @ ..] => Ok(v1::handle(&mut request, rest, core).await),
        ["v2.0", ref rest @ ..] => Ok(v2::handle(&mut request, rest, core).await),
        ["v3", ref rest @ ..] => Ok(v3::handle(&mut request, rest, core).await),
        _ => Err(request),
    }
}

/// All users and tokens of one emulator.
pub(crate) struct Identity {
    directory: RwLock<Directory>,
    /// As it was at the start.
    configured: Directory,
    tokens: Tokens,
    sessions: Sessions,
    rules: Rules,
    /// What services are called in catalogs.
    names: Catalog,
    token_life: Duration,
}

/// What a token shall be.
pub(crate) struct Wanted {
    pub(crate) door: Door,
    pub(crate) scope: Scope,
    /// How its bearer proved who they are.
    pub(crate) methods: Vec<String>,
    /// The token it was had for, if there was one: it runs out no later than that one.
    pub(crate) from: Option<Arc<Token>>,
    credential: Option<Arc<ApplicationCredential>>,
}

impl Wanted {
    /// A token for where the person is at home.
    pub(crate) fn at_home(person: &Person, door: Door) -> Self {
        let home = person.home.clone();
        Self {
            door,
            scope: home.map_or(Scope::Unscoped, Scope::Project),
            methods: vec!["password".to_owned()],
            from: None,
            credential: None,
        }
    }
}

impl Identity {
    /// Those of a configuration, and no token yet.
    pub(crate) fn new(config: &Config) -> Result<Self, Problem> {
        let directory = Directory::new(config)?;
        Ok(Self {
            configured: directory.clone(),
            directory: RwLock::new(directory),
            tokens: Tokens::default(),
            sessions: Sessions::default(),
            rules: Rules::new(&config.keystone),
            names: config.catalog.clone(),
            token_life: Duration::from_secs(config.token_life_seconds),
        })
    }

    /// Whose token this is, if it is good at `now`.
    pub(crate) fn authenticate(&self, token: &str, now: SystemTime) -> Option<Arc<User>> {
        self.tokens.bearer(token, now)
    }

    /// The user of `TempAuth` who signs in as `account:user` with this key.
    pub(crate) fn by_key(&self, login: &str, key: &str) -> Option<Arc<Person>> {
        self.find(login, None, |person| {
            matches!(person.kind, Kind::TempAuth { .. })
                && **person.login() == *login
                && person.password.is(key)
        })
    }

    /// Whoever goes by this name and is the one that `proves` asks for. A name that is unique in the project alone must
    /// come with the project, unless nobody else has it.
    fn find(
        &self,
        name: &str,
        project: Option<&str>,
        proves: impl Fn(&Person) -> bool,
    ) -> Option<Arc<Person>> {
        // A copy, for what `proves` asks may look into the directory as well.
        let known = self.directory().named(name).to_vec();
        let proven = known.iter().filter(|person| proves(person));
        let (unique, by_name): (Vec<_>, Vec<_>) =
            proven.partition(|person| **person.login() == *name || *person.id == *name);
        if let [only] = unique[..] {
            return Some(Arc::clone(only));
        }
        let is_there = |person: &&&Arc<Person>| {
            let home = person.home.as_ref();
            project.is_none_or(|project| home.is_some_and(|home| home.is(project)))
        };
        let mut there = by_name.iter().chain(&unique).filter(is_there);
        match (there.next(), there.next()) {
            (Some(only), None) => Some(Arc::clone(only)),
            _ => None,
        }
    }

    /// How many tokens are kept, good or run out.
    pub(crate) fn token_count(&self) -> usize {
        self.tokens.count()
    }

    /// The project that passes the test, of those that a person has roles in.
    fn project_for(
        &self,
        person: &Person,
        is_meant: impl Fn(&Project) -> bool,
    ) -> Option<Arc<Project>> {
        let mut projects = self.projects_of(person).into_iter();
        projects.find(|project| is_meant(project))
    }

    /// The projects that a person has roles in.
    fn projects_of(&self, person: &Person) -> Vec<Arc<Project>> {
        let directory = self.directory();
        let mut projects: Vec<Arc<Project>> = Vec::new();
        for (place, _) in &person.roles {
            if let Place::Project(id) = place
                && let Some(project) = directory.projects.get(id)
                && !projects.iter().any(|known| known.id == project.id)
            {
                projects.push(Arc::clone(project));
            }
        }
        projects
    }

    /// A token. `None` if the person is no longer there.
    pub(crate) fn issue(
        &self,
        person: &Arc<Person>,
        wanted: Wanted,
        now: SystemTime,
    ) -> Option<Arc<Token>> {
        // Held to the end, so that nobody who is being removed is left with a token.
        let directory = self.directory();
        let person = directory.people.get(&person.id)?;
        if !person.enabled || !person.domain.enabled {
            return None;
        }
        if let Some(project) = wanted.scope.project()
            && !directory
                .projects
                .get(&project.id)
                .is_some_and(|now| now.enabled && now.domain.enabled)
        {
            return None;
        }
        let roles = match (&wanted.credential, wanted.scope.place()) {
            (Some(credential), _) => credential.roles.clone(),
            (None, Some(place)) => person.roles_on(&place),
            (None, None) => Vec::new(),
        };
        let user = self
            .rules
            .bearer(person, wanted.door, &wanted.scope, &roles);
        let give_again = matches!(user, User::Groups(_));
        let mut expires = tokens::end_of_life(now, self.token_life);
        let mut audit = vec![tokens::audit_id()];
        if let Some(from) = &wanted.from {
            expires = expires.min(from.expires);
            audit.extend(from.audit.last().cloned());
        }
        if let Some(end) = wanted.credential.as_ref().and_then(|known| known.expires) {
            expires = expires.min(end);
        }
        let token = Token {
            id: Token::new_id(person, wanted.door),
            person: Arc::clone(person),
            door: wanted.door,
            scope: wanted.scope,
            roles,
            methods: wanted.methods,
            audit,
            credential: wanted.credential,
            user: Arc::new(user),
            issued: now,
            expires,
        };
        Some(self.tokens.keep(token, give_again))
    }

    /// The token of this id, if it is good at `now`.
    fn token(&self, id: &str, now: SystemTime) -> Option<Arc<Token>> {
        self.tokens.get(id, now)
    }

    /// The token that a request shows as its own.
    fn shown(&self, request: &Request) -> Option<Arc<Token>> {
        let id = request.header("x-auth-token")?;
        self.token(id, request.received.system_time())
    }

    /// Makes a user at run time: the owner of the account `AUTH_{project}`, who signs in by v1 as `project:user`, by v2.0
    /// and v3 as that or as `user` of the project, always with this key: it is API key and password as well. Their catalog
    /// has a CDN. False if there is such a project already; then nothing is changed.
    pub(crate) fn add_account(&self, project: &str, user: &str, key: &Secret) -> bool {
        self.directory_mut().add_owner(project, user, key)
    }

    /// Takes away the project that owns a storage account, everybody whose home it is, and all their tokens. False if
    /// there is none. Costs as much as they have tokens.
    pub(crate) fn remove_account(&self, account: &str) -> bool {
        let mut directory = self.directory_mut();
        let Some(project) = directory.project_of(account) else {
            return false;
        };
        for person in directory.remove_project(&project) {
            self.tokens.forget(&person.id);
        }
        true
    }

    /// All storage accounts, and of each whether it was made at run time.
    pub(crate) fn accounts(&self) -> BTreeMap<String, bool> {
        let directory = self.directory();
        let projects = directory.projects.values();
        projects
            .map(|project| {
                let is_new = !self.configured.projects.contains_key(&project.id);
                (project.account.to_string(), is_new)
            })
            .collect()
    }

    /// Whether a project owns this storage account.
    pub(crate) fn owns_account(&self, account: &str) -> bool {
        self.directory().project_of(account).is_some()
    }

    /// A token of the user `project:user`, as `TempAuth` gives it.
    pub(crate) fn token_of(&self, login: &str, now: SystemTime) -> Option<Arc<Token>> {
        let person = self.find(login, None, |person| **person.login() == *login)?;
        self.issue(&person, Wanted::at_home(&person, Door::V1), now)
    }

    /// When each token runs out that has not by `now`.
    pub(crate) fn token_expiries(&self, now: SystemTime) -> Vec<TokenExpiry> {
        self.tokens.expiries(now)
    }

    /// Back to the users of the configuration, and no tokens.
    pub(crate) fn reset(&self) {
        let mut directory = self.directory_mut();
        *directory = self.configured.clone();
        self.tokens.clear();
        self.sessions.clear();
    }

    fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        // Each change of the directory is whole before anything could panic.
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Identity {
    /// Tokens open doors, so they are counted and not shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("people", &self.directory().people.len())
            .field("tokens", &self.tokens.count())
            .finish_non_exhaustive()
    }
}

impl Person {
    /// The storage URL, given the server's address.
    pub(crate) fn storage_url(&self, base: &str) -> String {
        let home = self.home.as_deref();
        home.map_or_else(|| base.to_owned(), |home| catalog::storage_url(base, home))
    }
}

/// The body of a request as JSON; what is wrong with it otherwise, in words for the client.
async fn read_json(request: &mut Request) -> Result<Value, String> {
    let body = std::mem::take(&mut request.body);
    let bytes = Body::collect(body, MAX_BODY)
        .await
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| format!("the body is not JSON: {error}"))
}
