//! Who may sign in, and the tokens they hold.
//!
//! Three doors lead to the same tokens: `TempAuth`'s (`features/tempauth.rs`, as it is a part of Swift), Rackspace's
//! identity v1.0 and v2.0, and Keystone's v3. The users are those of [`crate::defaults`].
//!
//! As with `TempAuth`, a user is given the same token again until it runs out or is revoked.

mod discovery;
mod v1;
mod v2;
mod v3;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dashmap::DashMap;
use http::HeaderMap;
use http::header::HOST;
use serde_json::Value;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::core::Core;
use crate::defaults;
use crate::message::{Body, Request, Response, User, header_text};

/// What the accounts of `TempAuth`'s users begin with, and their tokens.
pub(crate) const ACCOUNT_PREFIX: &str = "AUTH_";
/// What accounts begin with that are opened only to a user and a service together.
pub(crate) const SERVICE_PREFIX: &str = "SERVICE_";
/// What the accounts of Rackspace's users begin with.
pub(crate) const RACKSPACE_PREFIX: &str = "MossoCloudFS_";

/// No request to sign in is longer than this, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Answers what concerns identity; gives every other request back.
pub(crate) async fn handle(mut request: Request, core: &Core) -> Result<Response, Request> {
    // Every request passes here, and hardly any stays.
    if !matches!(request.path.version(), "" | "v1.0" | "v2.0" | "v3") {
        return Err(request);
    }
    let path = request.path.as_str().to_owned();
    let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
    match steps[..] {
        [""] if discovery::is_wanted(&request) => Ok(discovery::all(&base_url(&request.headers))),
        ["v1.0"] if request.headers.contains_key("x-auth-user") => Ok(v1::sign_in(&request, core)),
        ["v2.0", ref rest @ ..] => Ok(v2::handle(&mut request, rest, core).await),
        ["v3", ref rest @ ..] => Ok(v3::handle(&mut request, rest, core).await),
        _ => Err(request),
    }
}

/// The address of this server as the client wrote it (`Request.host_url` in `swob.py`).
pub(crate) fn base_url(headers: &HeaderMap) -> String {
    let host = header_text(headers, HOST.as_str()).unwrap_or("127.0.0.1");
    format!("http://{}", host.strip_suffix(":80").unwrap_or(host))
}

/// All users and tokens of one emulator.
pub(crate) struct Identity {
    members: BTreeMap<Arc<str>, Member>,
    tokens: DashMap<String, Token>,
    /// The token each member was given last.
    current: DashMap<Arc<str>, String>,
}

/// Somebody who can sign in.
#[derive(Debug)]
pub(crate) struct Member {
    /// `account:user` with `TempAuth`, a plain name with Rackspace.
    name: Arc<str>,
    password: Secret,
    api_key: Option<Secret>,
    /// The tenant (v2.0) or project (v3); for Rackspace not the same as the account.
    project: &'static str,
    /// The storage account.
    account: String,
    user: Arc<User>,
}

/// What a bearer is known by.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) id: String,
    member: Arc<str>,
    user: Arc<User>,
    issued: SystemTime,
    /// The last moment at which it is good.
    pub(crate) expires: SystemTime,
}

/// A service in a member's catalog.
struct Service {
    name: &'static str,
    kind: &'static str,
    url: String,
}

impl Identity {
    /// The users of [`crate::defaults`], and no token yet.
    pub(crate) fn new() -> Self {
        let tempauth = defaults::TEMPAUTH_USERS.iter().map(tempauth_member);
        Self {
            members: tempauth
                .chain([rackspace_member()])
                .map(|member| (Arc::clone(&member.name), member))
                .collect(),
            tokens: DashMap::new(),
            current: DashMap::new(),
        }
    }

    /// Whose token this is, if it is good at `now`.
    pub(crate) fn authenticate(&self, token: &str, now: SystemTime) -> Option<Arc<User>> {
        let token = self.tokens.get(token)?;
        (now <= token.expires).then(|| Arc::clone(&token.user))
    }

    /// The member of this name who has this password (with `TempAuth`: key).
    pub(crate) fn by_password(&self, name: &str, password: &str) -> Option<&Member> {
        self.members
            .get(name)
            .filter(|member| member.password.is(password))
    }

    fn by_api_key(&self, name: &str, api_key: &str) -> Option<&Member> {
        self.members
            .get(name)
            .filter(|member| member.api_key.as_ref().is_some_and(|key| key.is(api_key)))
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// A token for a member: the one they have, while it is good.
    pub(crate) fn issue(&self, member: &Member, now: SystemTime) -> Token {
        // Whoever signs in at the same time waits here, and is given the same token.
        let mut current = self.current.entry(Arc::clone(&member.name)).or_default();
        if let Some(token) = self.tokens.get(current.as_str())
            && token.expires > now
        {
            return token.clone();
        }
        let token = Token {
            id: member.new_token_id(),
            member: Arc::clone(&member.name),
            user: Arc::clone(&member.user),
            issued: now,
            expires: now + Duration::from_secs(defaults::TOKEN_LIFE_SECONDS),
        };
        self.tokens.remove(current.as_str());
        self.tokens.insert(token.id.clone(), token.clone());
        current.clone_from(&token.id);
        token
    }

    /// The token of this name and its bearer, if it is good at `now`.
    fn token(&self, id: &str, now: SystemTime) -> Option<(Token, &Member)> {
        let token = self.tokens.get(id)?.clone();
        let member = self.member(&token.member)?;
        (now <= token.expires).then_some((token, member))
    }

    /// The token that a request shows as its own.
    fn shown(&self, request: &Request) -> Option<(Token, &Member)> {
        let id = request.header("x-auth-token")?;
        self.token(id, request.received.system_time())
    }

    /// Takes a token back. False if there was none.
    fn revoke(&self, id: &str) -> bool {
        self.tokens.remove(id).is_some()
    }
}

impl fmt::Debug for Identity {
    /// Tokens open doors, so they are counted and not shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("members", &self.members.keys())
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Member {
    /// The storage URL, given the server's address.
    pub(crate) fn storage_url(&self, base: &str) -> String {
        format!("{base}/v1/{}", self.account)
    }

    fn is_rackspace(&self) -> bool {
        self.account.starts_with(RACKSPACE_PREFIX)
    }

    fn is_admin(&self) -> bool {
        self.user.is_in(&self.account)
    }

    /// Whether this is a name of the project: Rackspace takes the storage account's as well.
    fn belongs_to(&self, project: &str) -> bool {
        self.project == project || self.account == project
    }

    /// The catalog. Only Rackspace has a CDN.
    fn services(&self, base: &str) -> Vec<Service> {
        let storage = |name| Service {
            name,
            kind: "object-store",
            url: self.storage_url(base),
        };
        if !self.is_rackspace() {
            return vec![storage("swift")];
        }
        let cdn = Service {
            name: "cloudFilesCDN",
            kind: "rax:object-cdn",
            url: format!("{base}/cdn/v1/{}", self.account),
        };
        vec![storage("cloudFiles"), cdn]
    }

    /// `TempAuth` knows its tokens by their prefix; Rackspace's have none.
    fn new_token_id(&self) -> String {
        let random = Uuid::new_v4().simple();
        if self.is_rackspace() {
            random.to_string()
        } else {
            format!("{ACCOUNT_PREFIX}tk{random}")
        }
    }
}

/// A user of `TempAuth`, with the groups that `_get_user_groups` in `tempauth.py` gives them.
fn tempauth_member(of: &defaults::TempAuthUser) -> Member {
    let name: Arc<str> = format!("{}:{}", of.account, of.user).into();
    let account = format!("{ACCOUNT_PREFIX}{}", of.account);
    let mut groups = vec![of.account.to_owned(), name.to_string()];
    let others = of.groups.iter().filter(|group| **group != ".admin");
    groups.extend(others.map(|group| (*group).to_owned()));
    if of.groups.contains(&".admin") {
        groups.push(account.clone());
        groups.push(format!("{SERVICE_PREFIX}{}", of.account));
    }
    Member {
        name,
        password: Secret(of.key),
        api_key: None,
        project: of.account,
        account,
        user: Arc::new(User { groups }),
    }
}

/// The Rackspace user, who owns the account and is otherwise known by tenant and name.
fn rackspace_member() -> Member {
    let account = defaults::RACKSPACE_ACCOUNT.to_owned();
    let groups = vec![
        defaults::RACKSPACE_TENANT.to_owned(),
        defaults::RACKSPACE_USER.to_owned(),
        account.clone(),
    ];
    Member {
        name: defaults::RACKSPACE_USER.into(),
        password: Secret(defaults::RACKSPACE_PASSWORD),
        api_key: Some(Secret(defaults::RACKSPACE_API_KEY)),
        project: defaults::RACKSPACE_TENANT,
        account,
        user: Arc::new(User { groups }),
    }
}

/// Compared in constant time, and never shown.
struct Secret(&'static str);

impl Secret {
    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
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

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const NOW: SystemTime = UNIX_EPOCH;

    fn tester(identity: &Identity) -> &Member {
        identity
            .by_password("test:tester", "testing")
            .expect("a default user")
    }

    #[test]
    fn knows_a_token_to_the_last_moment_of_its_life_and_not_after() {
        let identity = Identity::new();
        let token = identity.issue(tester(&identity), NOW);
        assert!(token.id.starts_with("AUTH_tk"));
        assert!(identity.authenticate(&token.id, token.expires).is_some());
        let after = token.expires + Duration::from_nanos(1);
        assert!(identity.authenticate(&token.id, after).is_none());
    }

    #[test]
    fn gives_the_same_token_until_it_runs_out_or_is_revoked() {
        let identity = Identity::new();
        let first = identity.issue(tester(&identity), NOW);
        let later = first.expires - Duration::from_secs(1);
        assert_eq!(identity.issue(tester(&identity), later).id, first.id);
        let second = identity.issue(tester(&identity), first.expires);
        assert_ne!(second.id, first.id);
        assert!(identity.authenticate(&first.id, NOW).is_none());
        assert!(identity.revoke(&second.id));
        assert_ne!(
            identity.issue(tester(&identity), first.expires).id,
            second.id
        );
    }

    #[test]
    fn takes_a_secret_only_for_what_it_is() {
        let identity = Identity::new();
        let (user, key) = (defaults::RACKSPACE_USER, defaults::RACKSPACE_API_KEY);
        assert!(identity.by_api_key(user, key).is_some());
        assert!(identity.by_password(user, key).is_none());
        assert!(identity.by_api_key("test:tester", "testing").is_none());
        assert!(identity.by_password("test:tester", "testin").is_none());
        assert!(identity.by_password("tester", "testing").is_none());
    }

    #[test]
    fn replaces_admin_by_the_accounts_it_stands_for() {
        let identity = Identity::new();
        let groups = &tester(&identity).user.groups;
        assert_eq!(
            groups[..],
            ["test", "test:tester", "AUTH_test", "SERVICE_test"]
        );
        let other = identity.by_password("test:tester3", "testing3");
        let other = other.expect("a default user");
        assert_eq!(other.user.groups[..], ["test", "test:tester3"]);
    }

    #[test]
    fn shows_neither_secrets_nor_tokens() {
        let identity = Identity::new();
        let token = identity.issue(tester(&identity), NOW);
        let shown = format!("{identity:?} {:?}", tester(&identity));
        assert!(shown.contains("test:tester"));
        assert!(!shown.contains("testing"), "{shown}");
        assert!(!shown.contains(&token.id), "{shown}");
    }

    #[test]
    fn names_the_address_the_client_used() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, http::HeaderValue::from_static("example.org:80"));
        assert_eq!(base_url(&headers), "http://example.org");
        headers.insert(HOST, http::HeaderValue::from_static("example.org:8080"));
        assert_eq!(base_url(&headers), "http://example.org:8080");
    }
}
