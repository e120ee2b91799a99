//! Whatever happens, no secret is shown: not by `Debug`, not by an error, not in a log.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use emulator::Emulator;
use identity::{
    CachedToken, Catalog, Credentials, Domain, HttpSettings, Passcode, Proxy, Secret, Session,
    Tenant, TokenFiles, V3Method, V3Scope, V3User,
};
use proptest::prelude::*;
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Everything that any crate of this process logs, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.0.lock().unwrap())).into_owned()
    }
}

/// Servers: one that refuses; one that says back all it was told, as it was told and as Python writes it; one that takes
/// everything and says nothing; and two whose own words are secret: tokens, and what a passcode is asked for with.
struct World {
    runtime: Runtime,
    emulator: Emulator,
    echo: MockServer,
    willing: MockServer,
    granting: MockServer,
    careful: MockServer,
    /// What those two use as secrets.
    theirs: Arc<Mutex<String>>,
    log: Log,
    /// There is one log, so tests take turns.
    turn: Mutex<()>,
}

impl World {
    fn turn(&self) -> MutexGuard<'_, ()> {
        // A test that fails in its turn says why by itself.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers every sign-in, of whatever version, with `secret` as the token.
fn grant(secret: &str, storage: &str) -> ResponseTemplate {
    let endpoint = serde_json::json!({"region": "R", "publicURL": storage, "interface": "public", "url": storage});
    let catalog = serde_json::json!([{"type": "object-store", "endpoints": [endpoint]}]);
    let header = secret.replace(|letter: char| !letter.is_ascii_graphic(), "");
    ResponseTemplate::new(201)
        .insert_header("X-Auth-Token", &*header)
        .insert_header("X-Subject-Token", &*header)
        .insert_header("X-Storage-Url", storage)
        .set_body_json(serde_json::json!({
            "access": {"token": {"id": secret, "expires": "2099-01-01T00:00:00Z"}, "serviceCatalog": catalog},
            "token": {"expires_at": "2099-01-01T00:00:00Z", "catalog": catalog},
        }))
}

/// Wants a passcode, and shows `secret` as the session's id.
fn ask_passcode(secret: &str) -> ResponseTemplate {
    let header = secret.replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
    ResponseTemplate::new(401)
        .insert_header(
            "WWW-Authenticate",
            format!("OS-MF sessionId='{header}', factor='PASSCODE'"),
        )
        .insert_header("OpenStack-Auth-Receipt", &*header)
        .set_body_json(serde_json::json!({"error": {"message": "more"}}))
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        let runtime = Runtime::new().unwrap();
        let theirs = Arc::new(Mutex::new(String::new()));
        let (emulator, echo, willing, granting, careful) = runtime.block_on(async {
            let echo = MockServer::start().await;
            Mock::given(any())
                .respond_with(|request: &wiremock::Request| {
                    let mut told = String::from_utf8_lossy(&request.body).into_owned();
                    for value in request.headers.values() {
                        told.push_str(value.to_str().unwrap_or_default());
                    }
                    told.push_str(&told.replace('\\', "\\\\").replace('\'', "\\'"));
                    ResponseTemplate::new(401)
                        .insert_header("X-Trans-Id", "tx1")
                        .set_body_json(serde_json::json!({"error": {"message": told}}))
                })
                .mount(&echo)
                .await;
            let willing = MockServer::start().await;
            Mock::given(any())
                .respond_with(ResponseTemplate::new(200).set_body_raw("<html>", "text/html"))
                .mount(&willing)
                .await;
            let granting = MockServer::start().await;
            let (secret, storage) = (theirs.clone(), format!("{}/v1/a", granting.uri()));
            Mock::given(any())
                .respond_with(move |_: &wiremock::Request| grant(&secret.lock().unwrap(), &storage))
                .mount(&granting)
                .await;
            let careful = MockServer::start().await;
            let secret = theirs.clone();
            Mock::given(any())
                .respond_with(move |_: &wiremock::Request| ask_passcode(&secret.lock().unwrap()))
                .mount(&careful)
                .await;
            let emulator = Emulator::builder().start().await.unwrap();
            (emulator, echo, willing, granting, careful)
        });
        World {
            runtime,
            emulator,
            echo,
            willing,
            granting,
            careful,
            theirs,
            log,
            turn: Mutex::default(),
        }
    })
}

/// Every kind of credentials, with `secret` wherever there is one.
fn all_kinds(url: &str, secret: &str) -> Vec<Credentials> {
    let secret = || Secret::from(secret);
    let user = || V3User::Name {
        name: "someone".into(),
        domain: Domain::default(),
    };
    let passcode = || Passcode {
        code: secret(),
        session_id: Some(secret()),
    };
    let methods = [
        V3Method::Password {
            user: user(),
            password: secret(),
            passcode: Some(secret()),
        },
        V3Method::Totp {
            user: user(),
            passcode: secret(),
        },
        V3Method::Token { token: secret() },
        V3Method::ApplicationCredentialId {
            id: "id".into(),
            secret: secret(),
        },
        V3Method::ApplicationCredentialName {
            name: "name".into(),
            user: user(),
            secret: secret(),
        },
    ];
    let v3 = methods.into_iter().map(|method| Credentials::KeystoneV3 {
        auth_url: url.to_owned(),
        method,
        scope: V3Scope::System,
    });
    let mut all = vec![
        Credentials::temp_auth(url, "someone", secret()),
        Credentials::RackspaceApiKey {
            auth_url: url.to_owned(),
            username: "someone".into(),
            api_key: secret(),
            tenant: Some(Tenant::Id("1".into())),
        },
        Credentials::RackspacePassword {
            auth_url: url.to_owned(),
            username: "someone".into(),
            password: secret(),
            passcode: Some(passcode()),
            tenant: None,
        },
        Credentials::RackspaceKeyOrPassword {
            auth_url: url.to_owned(),
            username: "someone".into(),
            secret: secret(),
            passcode: None,
            tenant: None,
        },
        Credentials::V2Token {
            auth_url: url.to_owned(),
            token: secret(),
            tenant: None,
        },
        Credentials::KeystoneV2Password {
            auth_url: url.to_owned(),
            username: "someone".into(),
            password: secret(),
            tenant: None,
        },
        Credentials::token(secret(), url),
        Credentials::anonymous(url),
    ];
    all.extend(v3);
    all
}

/// Signs in and gives all that is shown on the way.
async fn shown(credentials: Credentials, folder: &std::path::Path, secret: &str) -> String {
    let mut shown = format!(
        "{credentials:?} {credentials:#?} {:?}",
        Secret::from(secret)
    );
    let files = TokenFiles::new(folder);
    let kept = CachedToken {
        token: secret.into(),
        issued_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: None,
        catalog: Catalog::default(),
    };
    let proxied = HttpSettings {
        proxy: Proxy::Url(format!("http://me:{secret}@proxy.example")),
        ..HttpSettings::default()
    };
    write!(
        shown,
        "{files:?} {kept:?} {proxied:?} {:?}",
        proxied.client().err()
    )
    .unwrap();
    let builder = Session::builder(credentials)
        .http(HttpSettings {
            proxy: Proxy::Direct,
            ..HttpSettings::default()
        })
        .cache(files);
    write!(shown, "{builder:?} {builder:#?}").unwrap();
    let session = match builder.build() {
        Ok(session) => session,
        Err(error) => {
            write!(shown, "{error} {error:?}").unwrap();
            return shown;
        }
    };
    match session.access().await {
        Ok(access) => {
            write!(
                shown,
                "{access:?} {access:#?} {:?} {:?} {:?}",
                access.catalog,
                session.renew(&access).await,
                access.cdn_url()
            )
            .unwrap();
        }
        Err(error) => {
            write!(shown, "{error} {error:?} {error:#?}").unwrap();
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                write!(shown, "{source} {source:?}").unwrap();
                cause = source.source();
            }
        }
    }
    write!(shown, "{session:?} {session:#?}").unwrap();
    shown
}

/// Whether a text has a good part of a secret in it: messages are cut, and half of a secret is one as well.
fn tells(text: &str, secret: &str) -> bool {
    let parts = secret.as_bytes().windows(8);
    parts
        .into_iter()
        .any(|part| text.contains(std::str::from_utf8(part).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_kind_of_credentials_shows_a_secret_whatever_the_server_answers(
        secret in "[A-Za-z0-9~!@#%&*()+=:;<>?,./ '\"\\\\-]{0,20}[A-Za-z0-9]{12,20}"
    ) {
        let world = world();
        let _turn = world.turn();
        let folder = tempfile::tempdir().unwrap();
        // A password may stand in a URL as well; letters and digits stand there as they are.
        let tail = &secret[secret.len() - 12..];
        let nobody_there = format!("http://me:{tail}@127.0.0.1:1/v3?key={tail}");
        let no_url = format!("no url {secret}");
        world.theirs.lock().unwrap().clone_from(&secret);
        let urls = [
            format!("{}/auth/v1.0", world.emulator.url()),
            world.echo.uri(),
            world.willing.uri(),
            world.granting.uri(),
            world.careful.uri(),
            nobody_there,
            no_url,
        ];
        world.log.take();
        for url in urls {
            for credentials in all_kinds(&url, &secret) {
                let shown = world.runtime.block_on(shown(credentials, folder.path(), &secret));
                let logged = world.log.take();
                prop_assert!(!tells(&shown, tail), "shown: {shown}");
                prop_assert!(!tells(&logged, tail), "logged: {logged}");
            }
        }
    }
}

#[test]
fn the_log_that_is_looked_through_holds_what_is_logged() {
    let world = world();
    let _turn = world.turn();
    let credentials = Credentials::temp_auth(world.echo.uri(), "someone", "testing");
    let folder = tempfile::tempdir().unwrap();
    let mut log = world.log.take();
    world
        .runtime
        .block_on(shown(credentials, folder.path(), "testing"));
    log.push_str(&world.log.take());
    assert!(log.contains("identity"), "{log}");
    assert!(log.contains("hyper"), "{log}");
    assert!(tells("the key is 01234567.", "x01234567x"));
}

/// Else the kinds of servers above would show nothing of what is to be hidden.
#[test]
fn the_servers_that_are_asked_give_tokens_and_ask_for_passcodes() {
    let world = world();
    let _turn = world.turn();
    let folder = tempfile::tempdir().unwrap();
    let session = |url: String| {
        let credentials = Credentials::rackspace_password(url, "someone", "testing");
        Session::builder(credentials)
            .cache(TokenFiles::new(folder.path()))
            .build()
            .unwrap()
    };
    let granted = session(world.granting.uri());
    world.runtime.block_on(granted.access()).unwrap();
    let asked = session(world.careful.uri());
    let error = world.runtime.block_on(asked.access()).unwrap_err();
    assert!(
        matches!(error, identity::Error::PasscodeRequired { .. }),
        "{error}"
    );
}
