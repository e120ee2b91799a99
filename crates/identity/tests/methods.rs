//! Every way of signing in, against the emulator.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

use emulator::Emulator;
use emulator::defaults::{
    APPLICATION_CREDENTIAL_ID, APPLICATION_CREDENTIAL_NAME, APPLICATION_CREDENTIAL_SECRET,
    RACKSPACE_ACCOUNT, RACKSPACE_API_KEY, RACKSPACE_PASSWORD, RACKSPACE_TENANT, RACKSPACE_USER,
};
use identity::{
    Credentials, Domain, Error, HttpSettings, Proxy, Secret, Session, Tenant, V3Method, V3Scope,
    V3User,
};

async fn start() -> Emulator {
    Emulator::builder().start().await.unwrap()
}

fn session(credentials: Credentials) -> Session {
    Session::builder(credentials)
        .region("DFW")
        .http(HttpSettings {
            proxy: Proxy::Direct,
            ..HttpSettings::default()
        })
        .build()
        .unwrap()
}

/// Signs in and shows the token to the account: it must be let in.
async fn enter(credentials: Credentials) -> String {
    let method = credentials.method();
    let session = session(credentials);
    let access = session
        .access()
        .await
        .unwrap_or_else(|error| panic!("{method}: {error}"));
    let token = access.token.as_ref().unwrap().header_value().unwrap();
    let answer = session
        .http()
        .head(access.storage_url.clone())
        .header("X-Auth-Token", token)
        .send()
        .await
        .unwrap();
    assert!(
        answer.status().is_success(),
        "{method}: {}",
        answer.status()
    );
    let account = access.storage_url.path_segments().unwrap().next_back();
    account.unwrap().to_owned()
}

fn tester() -> V3User {
    V3User::Name {
        name: "test:tester".into(),
        domain: Domain::default(),
    }
}

fn project() -> V3Scope {
    V3Scope::ProjectName {
        name: "test".into(),
        domain: Domain::default(),
    }
}

#[tokio::test]
async fn v1_with_user_and_key() {
    let emulator = start().await;
    let url = emulator.auth_url();
    let account = enter(Credentials::temp_auth(&url, "test:tester", "testing")).await;
    assert_eq!(account, "AUTH_test");
}

#[tokio::test]
async fn rackspace_with_api_key_with_password_and_with_either() {
    let emulator = start().await;
    let url = emulator.identity_url();
    let either = |secret: &str| Credentials::RackspaceKeyOrPassword {
        auth_url: url.clone(),
        username: RACKSPACE_USER.into(),
        secret: secret.into(),
        passcode: None,
        tenant: None,
    };
    for credentials in [
        Credentials::rackspace_api_key(&url, RACKSPACE_USER, RACKSPACE_API_KEY),
        Credentials::rackspace_password(&url, RACKSPACE_USER, RACKSPACE_PASSWORD),
        Credentials::RackspaceApiKey {
            auth_url: url.clone(),
            username: RACKSPACE_USER.into(),
            api_key: RACKSPACE_API_KEY.into(),
            tenant: Some(Tenant::Id(RACKSPACE_TENANT.into())),
        },
        either(RACKSPACE_API_KEY),
        either(RACKSPACE_PASSWORD),
    ] {
        assert_eq!(enter(credentials).await, RACKSPACE_ACCOUNT);
    }
    let error = session(either("wrong")).access().await.unwrap_err();
    assert!(matches!(error, Error::WrongCredentials(_)), "{error}");
}

#[tokio::test]
async fn keystone_v2_with_password() {
    let emulator = start().await;
    let account = enter(Credentials::KeystoneV2Password {
        auth_url: emulator.identity_url(),
        username: "test:tester".into(),
        password: "testing".into(),
        tenant: Some(Tenant::Name("test".into())),
    })
    .await;
    assert_eq!(account, "AUTH_test");
}

#[tokio::test]
async fn keystone_v3_with_password_token_and_application_credential() {
    let emulator = start().await;
    let v3 = |method, scope| Credentials::KeystoneV3 {
        auth_url: format!("{}/v3", emulator.url()),
        method,
        scope,
    };
    let by_password = v3(
        V3Method::Password {
            user: tester(),
            password: "testing".into(),
            passcode: None,
        },
        project(),
    );
    assert_eq!(enter(by_password.clone()).await, "AUTH_test");

    let access = session(by_password).access().await.unwrap();
    let token = Secret::from(access.token.as_ref().unwrap().expose());
    assert_eq!(
        enter(v3(V3Method::Token { token }, project())).await,
        "AUTH_test"
    );

    let by_id = V3Method::ApplicationCredentialId {
        id: APPLICATION_CREDENTIAL_ID.into(),
        secret: APPLICATION_CREDENTIAL_SECRET.into(),
    };
    assert_eq!(enter(v3(by_id, V3Scope::Unscoped)).await, "AUTH_test");
    let by_name = V3Method::ApplicationCredentialName {
        name: APPLICATION_CREDENTIAL_NAME.into(),
        user: tester(),
        secret: APPLICATION_CREDENTIAL_SECRET.into(),
    };
    assert_eq!(enter(v3(by_name, V3Scope::Unscoped)).await, "AUTH_test");
}

#[tokio::test]
async fn a_ready_token_with_its_storage_url_and_nothing_at_all() {
    let emulator = start().await;
    let signed_in = session(Credentials::temp_auth(
        emulator.auth_url(),
        "test:tester",
        "testing",
    ));
    let access = signed_in.access().await.unwrap();
    let token = access.token.as_ref().unwrap().expose();
    let ready = Credentials::token(token, access.storage_url.as_str());
    assert_eq!(enter(ready).await, "AUTH_test");

    let nobody = session(Credentials::anonymous(access.storage_url.as_str()));
    assert!(nobody.access().await.unwrap().token.is_none());
}

#[tokio::test]
async fn wrong_credentials_of_every_kind_are_told_with_the_transaction_id() {
    let emulator = start().await;
    let url = emulator.identity_url();
    let v3 = |method, scope| Credentials::KeystoneV3 {
        auth_url: format!("{}/v3", emulator.url()),
        method,
        scope,
    };
    for credentials in [
        Credentials::temp_auth(emulator.auth_url(), "test:tester", "wrong-one"),
        Credentials::rackspace_api_key(&url, RACKSPACE_USER, "wrong-one"),
        Credentials::rackspace_password(&url, RACKSPACE_USER, "wrong-one"),
        v3(
            V3Method::Password {
                user: tester(),
                password: "wrong-one".into(),
                passcode: None,
            },
            project(),
        ),
        v3(
            V3Method::ApplicationCredentialId {
                id: APPLICATION_CREDENTIAL_ID.into(),
                secret: "wrong-one".into(),
            },
            V3Scope::Unscoped,
        ),
    ] {
        let (method, user) = (credentials.method(), credentials.user().unwrap().to_owned());
        let error = session(credentials).access().await.unwrap_err();
        let Error::WrongCredentials(exchange) = &error else {
            panic!("{method}: {error}")
        };
        assert!(exchange.trans_id.is_some(), "{error}");
        let text = error.to_string();
        assert!(text.contains(method) && text.contains(&user), "{text}");
        assert!(text.contains("answered 401"), "{text}");
        assert!(!text.contains("wrong-one"), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_region_is_told_with_those_there_are() {
    let emulator = start().await;
    let credentials =
        Credentials::rackspace_api_key(emulator.identity_url(), RACKSPACE_USER, RACKSPACE_API_KEY);
    let session = Session::builder(credentials)
        .region("MARS")
        .http(HttpSettings {
            proxy: Proxy::Direct,
            ..HttpSettings::default()
        })
        .build()
        .unwrap();
    let text = session.access().await.unwrap_err().to_string();
    assert!(text.contains("MARS") && text.contains("DFW"), "{text}");
}

#[tokio::test]
async fn rackspace_with_a_second_factor() {
    let config = "
[[rackspace.users]]
name = 'careful'
api_key = 'careful-key'
password = 'careful-password'
tenant = '654321'
account = 'MossoCloudFS_careful'
second_factor = { by = 'sms', passcodes = ['1234567'] }
";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emulator.toml");
    std::fs::write(&file, config).unwrap();
    let config = emulator::config::Config::load(&file).unwrap();
    let emulator = Emulator::builder().config(config).start().await.unwrap();
    let with = |code: Option<&str>| Credentials::RackspacePassword {
        auth_url: emulator.identity_url(),
        username: "careful".into(),
        password: "careful-password".into(),
        passcode: code.map(|code| identity::Passcode {
            code: code.into(),
            session_id: None,
        }),
        tenant: None,
    };
    let error = session(with(None)).access().await.unwrap_err();
    assert!(matches!(error, Error::PasscodeRequired { .. }), "{error}");
    let error = session(with(Some("7654321"))).access().await.unwrap_err();
    assert!(matches!(error, Error::WrongCredentials(_)), "{error}");
    assert_eq!(enter(with(Some("1234567"))).await, "MossoCloudFS_careful");

    let asked = Session::builder(with(None))
        .region("DFW")
        .http(HttpSettings {
            proxy: Proxy::Direct,
            ..HttpSettings::default()
        })
        .ask_passcode(|| Some("1234567".into()))
        .build()
        .unwrap();
    assert!(asked.access().await.unwrap().token.is_some());
}
