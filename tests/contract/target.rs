//! What the tests talk to: an emulator of their own, or the cluster that the environment names.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::http::{Request, Response};
use crate::in_process::InProcess;

/// A Swift to test, with the owner of an account logged in.
pub(crate) struct Target {
    authority: String,
    auth_path: String,
    /// Present when the target is ours; dropping it stops the server.
    emulator: Option<InProcess>,
    pub(crate) info: Value,
    pub(crate) owner: Session,
    created: Mutex<Created>,
}

/// What a cluster must be rid of after the test, each path with a token that may delete it.
#[derive(Default)]
struct Created {
    containers: HashSet<(String, String)>,
    accounts: Vec<(String, String)>,
}

/// Somebody who is logged in.
#[derive(Clone)]
pub(crate) struct Session {
    /// Path of the account: `/v1/AUTH_test`.
    pub(crate) account: String,
    pub(crate) token: String,
}

impl Session {
    /// Name of the account: `AUTH_test`.
    pub(crate) fn account_name(&self) -> &str {
        self.account
            .rsplit('/')
            .next()
            .expect("an account path has a last part")
    }
}

impl Target {
    /// A target that has all of these features, named as in `/info`.
    ///
    /// The emulator must have them. A cluster need not: then the test is skipped, aloud, by `let Some(swift) = … else
    /// { return }`.
    pub(crate) async fn with<const N: usize>(features: [&str; N]) -> Option<Self> {
        let swift = Self::start().await;
        let missing: Vec<_> = features
            .into_iter()
            .filter(|feature| swift.info.get(feature).is_none())
            .collect();
        if missing.is_empty() {
            return Some(swift);
        }
        swift.skip(&format!("/info does not name {}", missing.join(", ")));
        None
    }

    /// A target, whatever its features.
    pub(crate) async fn start() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (emulator, auth_url, user, key) = if let Some(url) = variable("SWIFT_AUTH_URL") {
            let user = variable("SWIFT_API_USER").expect("SWIFT_API_USER goes with SWIFT_AUTH_URL");
            let key = variable("SWIFT_API_KEY").expect("SWIFT_API_KEY goes with SWIFT_AUTH_URL");
            (None, url, user, key)
        } else {
            let (emulator, auth_url) = InProcess::start().await;
            (
                Some(emulator),
                auth_url,
                "test:tester".to_owned(),
                "testing".to_owned(),
            )
        };
        let address = auth_url
            .strip_prefix("http://")
            .expect("the contract is checked over plain http://");
        let (authority, path) = address
            .split_once('/')
            .expect("SWIFT_AUTH_URL has a path, as in http://HOST/auth/v1.0");
        let (authority, auth_path) = (authority.to_owned(), format!("/{path}"));

        let owner = log_in(&authority, &auth_path, &user, &key)
            .await
            .expect("the target knows the user it was given");
        let info = Request::new(&authority, "GET", "/info")
            .await
            .is(200)
            .json();
        Self {
            authority,
            auth_path,
            emulator,
            info,
            owner,
            created: Mutex::default(),
        }
    }

    /// Counts and prints a test that this cluster cannot run; on the emulator that is a failure.
    pub(crate) fn skip(&self, why: &str) {
        static SKIPPED: AtomicUsize = AtomicUsize::new(0);
        assert!(
            self.emulator.is_none(),
            "the emulator must not skip a test: {why}"
        );
        let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not eprintln!, which the test harness hides when a test passes.
        writeln!(std::io::stderr(), "skipped ({count}): {test}: {why}")
            .expect("stderr takes a line");
    }

    /// Another user of the target's TempAuth. Where the cluster does not know them the test is skipped, as for a feature.
    pub(crate) async fn user(&self, name: &str, key: &str) -> Option<Session> {
        let session = log_in(&self.authority, &self.auth_path, name, key).await;
        if session.is_none() {
            self.skip(&format!("there is no user {name}"));
        }
        session
    }

    /// An account that nobody else uses, owned by the reseller admin who may change anything.
    pub(crate) async fn private_account(&self) -> Option<Session> {
        let admin = self.user("admin:admin", "admin").await?;
        let account = format!("/v1/AUTH_contract-{}", Uuid::new_v4().simple());
        let session = Session {
            account,
            token: admin.token,
        };
        self.put(&session.account)
            .token(&session.token)
            .await
            .is(201);
        let mut created = self.created.lock().expect("no test thread panicked here");
        created
            .accounts
            .push((session.account.clone(), session.token.clone()));
        drop(created);
        Some(session)
    }

    pub(crate) fn is_emulator(&self) -> bool {
        self.emulator.is_some()
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Path of the v1 authentication: `/auth/v1.0`.
    pub(crate) fn auth_path(&self) -> &str {
        &self.auth_path
    }

    /// The server's own time, in whole Unix seconds: what expiry is measured against.
    pub(crate) async fn now(&self) -> u64 {
        let answer = self.get("/info").await;
        let date = httpdate::parse_http_date(answer.header("date").expect("an answer has a date"))
            .expect("an HTTP date");
        date.duration_since(std::time::UNIX_EPOCH)
            .expect("a date after 1970")
            .as_secs()
    }

    pub(crate) fn request<'a>(&'a self, method: &'a str, target: impl Into<String>) -> Request<'a> {
        Request::new(&self.authority, method, target).token(&self.owner.token)
    }

    pub(crate) fn get(&self, target: impl Into<String>) -> Request<'_> {
        self.request("GET", target)
    }

    pub(crate) fn head(&self, target: impl Into<String>) -> Request<'_> {
        self.request("HEAD", target)
    }

    pub(crate) fn put(&self, target: impl Into<String>) -> Request<'_> {
        self.request("PUT", target)
    }

    pub(crate) fn post(&self, target: impl Into<String>) -> Request<'_> {
        self.request("POST", target)
    }

    pub(crate) fn delete(&self, target: impl Into<String>) -> Request<'_> {
        self.request("DELETE", target)
    }

    /// A new container with a name nobody else has.
    pub(crate) async fn container(&self) -> Container<'_> {
        self.container_with(&[]).await
    }

    /// A new container, created with these headers.
    pub(crate) async fn container_with(&self, headers: &[(&str, &str)]) -> Container<'_> {
        self.container_in(&self.owner, headers).await
    }

    /// A new container in somebody's account.
    pub(crate) async fn container_in(
        &self,
        session: &Session,
        headers: &[(&str, &str)],
    ) -> Container<'_> {
        let container = self.unmade_container(session);
        let put = self.put(&container.path).token(&session.token);
        headers
            .iter()
            .fold(put, |put, (name, value)| put.header(name, value))
            .await
            .is(201);
        container
    }

    /// A container that does not exist yet; it is removed in the end if the test makes it.
    pub(crate) fn unmade_container(&self, session: &Session) -> Container<'_> {
        let name = format!("contract-{}", Uuid::new_v4().simple());
        let path = format!("{}/{name}", session.account);
        let mut created = self.created.lock().expect("no test thread panicked here");
        created
            .containers
            .insert((path.clone(), session.token.clone()));
        drop(created);
        Container {
            swift: self,
            name,
            path,
            token: session.token.clone(),
        }
    }
}

impl Drop for Target {
    /// Leaves a cluster as it was. An emulator takes everything with it.
    fn drop(&mut self) {
        if self.emulator.is_some() {
            return;
        }
        let authority = self.authority.clone();
        let created = std::mem::take(
            self.created
                .get_mut()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        // The test's own runtime cannot be waited for from inside it.
        let cleaner = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                for (path, token) in &created.containers {
                    remove_container(&authority, path, token).await;
                }
                for (path, token) in &created.accounts {
                    Request::new(&authority, "DELETE", path).token(token).await;
                }
            });
        });
        let cleaned = cleaner.join();
        assert!(
            cleaned.is_ok() || std::thread::panicking(),
            "the containers of this test could not be removed"
        );
    }
}

async fn log_in(authority: &str, auth_path: &str, user: &str, key: &str) -> Option<Session> {
    let request = Request::new(authority, "GET", auth_path)
        .header("x-auth-user", user)
        .header("x-auth-key", key);
    let answer = request.await;
    if answer.status == 401 {
        return None;
    }
    let storage_url = answer
        .header("x-storage-url")
        .expect("a login names the storage URL");
    let (_, path) = storage_url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .expect("a whole URL");
    let token = answer
        .header("x-auth-token")
        .expect("a login gives a token")
        .to_owned();
    Some(Session {
        account: format!("/{path}"),
        token,
    })
}

/// Deletes what is in a container, versions included, then the container.
async fn remove_container(authority: &str, path: &str, token: &str) {
    let send =
        |method: &'static str, target: String| Request::new(authority, method, target).token(token);
    send("POST", path.to_owned())
        .header("x-versions-enabled", "false")
        .await;
    // An archive in another container may refill this one as its objects go: hence the rounds.
    for _ in 0..20 {
        if matches!(send("DELETE", path.to_owned()).await.status, 204 | 404) {
            return;
        }
        for query in ["format=json", "format=json&versions"] {
            let listing = send("GET", format!("{path}?{query}")).await;
            if listing.status != 200 {
                continue;
            }
            for object in listing.json().as_array().expect("a listing is an array") {
                let name = encode(object["name"].as_str().expect("an object has a name"));
                let version = object["version_id"]
                    .as_str()
                    .map(|id| format!("?version-id={id}"))
                    .unwrap_or_default();
                send("DELETE", format!("{path}/{name}{version}")).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} does not become empty");
}

/// Percent-encodes a name for a request target; slashes stay.
pub(crate) fn encode(name: &str) -> String {
    const KEEP: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    percent_encoding::utf8_percent_encode(name, &KEEP).to_string()
}

/// A container of one test.
pub(crate) struct Container<'a> {
    swift: &'a Target,
    pub(crate) name: String,
    /// `/v1/AUTH_test/contract-…`
    pub(crate) path: String,
    token: String,
}

impl<'a> Container<'a> {
    /// The request target of an object: its name percent-encoded, and perhaps a query.
    pub(crate) fn at(&self, object: &str) -> String {
        format!("{}/{object}", self.path)
    }

    /// A request to an object of this container.
    pub(crate) fn request(&self, method: &'a str, object: &str) -> Request<'a> {
        self.swift
            .request(method, self.at(object))
            .token(&self.token)
    }

    pub(crate) fn get(&self, object: &str) -> Request<'a> {
        self.request("GET", object)
    }

    pub(crate) fn head(&self, object: &str) -> Request<'a> {
        self.request("HEAD", object)
    }

    pub(crate) fn put(&self, object: &str) -> Request<'a> {
        self.request("PUT", object)
    }

    pub(crate) fn post(&self, object: &str) -> Request<'a> {
        self.request("POST", object)
    }

    pub(crate) fn delete(&self, object: &str) -> Request<'a> {
        self.request("DELETE", object)
    }

    /// Stores an object that the test needs to be there.
    pub(crate) async fn holds(&self, object: &str, body: &'static str) -> Response {
        self.put(object).body(body).await.is(201)
    }

    /// GET of the container itself: a listing. `query` is what follows the `?`, or empty.
    pub(crate) fn list(&self, query: &str) -> Request<'a> {
        self.swift
            .get(format!("{}?{query}", self.path))
            .token(&self.token)
    }

    /// POST to the container itself.
    pub(crate) fn update(&self) -> Request<'a> {
        self.swift.post(&self.path).token(&self.token)
    }

    /// HEAD of the container itself.
    pub(crate) fn inspect(&self) -> Request<'a> {
        self.swift.head(&self.path).token(&self.token)
    }
}
