//! What is said to an identity service, and what is made of its answers, proper and otherwise.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use identity::{
    Clock, Credentials, Domain, Error, HttpSettings, Interface, Passcode, Secret, Session, Tenant,
    V3Method, V3Scope, V3User,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const PASSWORD: &str = "correct horse";

fn v2_reply(token: &str) -> Value {
    json!({"access": {
        "token": {"id": token, "expires": "2030-01-02T00:00:00.000Z", "tenant": {"id": "123456"}},
        "serviceCatalog": [
            {"name": "cloudFiles", "type": "object-store", "endpoints": [
                {"region": "DFW", "tenantId": "M_1", "publicURL": "https://dfw.example/v1/M_1",
                 "internalURL": "https://snet-dfw.example/v1/M_1"},
                {"region": "ORD", "tenantId": "M_1", "publicURL": "https://ord.example/v1/M_1"}]},
            {"name": "cloudFilesCDN", "type": "rax:object-cdn", "endpoints": [
                {"region": "DFW", "tenantId": "M_1", "publicURL": "https://cdn1.example/v1/M_1"}]}],
        "user": {"id": "1", "name": "demo", "RAX-AUTH:defaultRegion": "DFW"}}})
}

async fn v2_server(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let tokens = Mock::given(method("POST")).and(path("/v2.0/tokens"));
    tokens.respond_with(template).mount(&server).await;
    server
}

async fn sign_in(credentials: Credentials) -> Result<Arc<identity::Access>, Error> {
    Session::builder(credentials)
        .region("DFW")
        .build()?
        .access()
        .await
}

#[tokio::test]
async fn signs_in_with_a_rackspace_api_key_and_finds_storage_and_cdn() {
    let server = MockServer::start().await;
    let asked = json!({"auth": {
        "RAX-KSKEY:apiKeyCredentials": {"username": "demo", "apiKey": "f7e0"}, "tenantId": "123456"}});
    Mock::given(method("POST"))
        .and(path("/v2.0/tokens"))
        .and(body_json(asked))
        .respond_with(ResponseTemplate::new(200).set_body_json(v2_reply("tk")))
        .mount(&server)
        .await;
    let credentials = Credentials::RackspaceApiKey {
        auth_url: server.uri(),
        username: "demo".into(),
        api_key: "f7e0".into(),
        tenant: Some(Tenant::Id("123456".into())),
    };
    let access = sign_in(credentials.clone()).await.unwrap();
    assert_eq!(access.token.as_ref().unwrap().expose(), "tk");
    assert_eq!(access.storage_url.as_str(), "https://dfw.example/v1/M_1");
    assert_eq!(
        access.cdn_url().unwrap().as_str(),
        "https://cdn1.example/v1/M_1"
    );

    let inside = Session::builder(credentials)
        .region("dfw")
        .interface(Interface::Internal);
    let access = inside.build().unwrap().access().await.unwrap();
    assert_eq!(
        access.storage_url.as_str(),
        "https://snet-dfw.example/v1/M_1"
    );
    assert_eq!(
        access.public_storage_url.as_str(),
        "https://dfw.example/v1/M_1"
    );
    assert_eq!(
        access.cdn_url().unwrap().as_str(),
        "https://cdn1.example/v1/M_1"
    );
}

#[tokio::test]
async fn wants_a_region_where_there_are_several() {
    let server = v2_server(ResponseTemplate::new(200).set_body_json(v2_reply("tk"))).await;
    let credentials = Credentials::rackspace_api_key(server.uri(), "demo", "f7e0");
    let error = Session::builder(credentials)
        .build()
        .unwrap()
        .access()
        .await
        .unwrap_err();
    let Error::RegionRequired {
        offered,
        default_region,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(offered, ["DFW", "ORD"]);
    assert_eq!(default_region.as_deref(), Some("DFW"));
}

#[tokio::test]
async fn says_that_a_region_has_no_cdn_only_when_the_cdn_is_wanted() {
    let server = v2_server(ResponseTemplate::new(200).set_body_json(v2_reply("tk"))).await;
    let credentials = Credentials::rackspace_api_key(server.uri(), "demo", "f7e0");
    let session = Session::builder(credentials).region("ORD").build().unwrap();
    let access = session.access().await.unwrap();
    assert_eq!(access.storage_url.as_str(), "https://ord.example/v1/M_1");
    assert!(matches!(access.cdn_url(), Err(Error::UnknownRegion { .. })));
}

#[tokio::test]
async fn answers_the_question_for_a_passcode() {
    let server = MockServer::start().await;
    let challenge = ResponseTemplate::new(401).insert_header(
        "WWW-Authenticate",
        "OS-MF sessionId='s-1', factor='PASSCODE'",
    );
    Mock::given(body_json(
        json!({"auth": {"passwordCredentials": {"username": "demo", "password": PASSWORD}}}),
    ))
    .respond_with(challenge)
    .mount(&server)
    .await;
    Mock::given(header("X-SessionId", "s-1"))
        .and(body_json(
            json!({"auth": {"RAX-AUTH:passcodeCredentials": {"passcode": "1234567"}}}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(v2_reply("tk-mfa")))
        .mount(&server)
        .await;
    let with = |passcode| Credentials::RackspacePassword {
        auth_url: server.uri(),
        username: "demo".into(),
        password: PASSWORD.into(),
        passcode,
        tenant: None,
    };

    let error = sign_in(with(None)).await.unwrap_err();
    let Error::PasscodeRequired { session_id, .. } = error else {
        panic!("{error}")
    };
    for session_id in [Some(session_id), None] {
        let access = sign_in(with(Some(Passcode {
            code: "1234567".into(),
            session_id,
        })))
        .await
        .unwrap();
        assert_eq!(access.token.as_ref().unwrap().expose(), "tk-mfa");
    }
}

#[tokio::test]
async fn signs_in_to_keystone_v3() {
    let server = MockServer::start().await;
    let reply = json!({"token": {"expires_at": "2030-01-02T00:00:00.000000Z", "catalog": [
        {"type": "object-store", "name": "swift", "id": "1", "endpoints": [
            {"id": "a", "interface": "public", "region": "SJC3", "region_id": "SJC3",
             "url": "https://swift.example/v1/AUTH_p"}]}]}});
    Mock::given(method("POST"))
        .and(path("/v3/auth/tokens"))
        .respond_with(
            ResponseTemplate::new(201)
                .set_body_json(reply)
                .insert_header("X-Subject-Token", "tk-v3"),
        )
        .mount(&server)
        .await;
    let credentials = Credentials::KeystoneV3 {
        auth_url: format!("{}/v3/", server.uri()),
        method: V3Method::Password {
            user: V3User::Name {
                name: "demo".into(),
                domain: Domain::default(),
            },
            password: PASSWORD.into(),
            passcode: None,
        },
        scope: V3Scope::ProjectId("p".into()),
    };
    let access = Session::builder(credentials)
        .build()
        .unwrap()
        .access()
        .await
        .unwrap();
    assert_eq!(access.token.as_ref().unwrap().expose(), "tk-v3");
    assert_eq!(
        access.storage_url.as_str(),
        "https://swift.example/v1/AUTH_p"
    );
    assert!(matches!(access.cdn_url(), Err(Error::NoSuchService { .. })));
}

#[tokio::test]
async fn takes_storage_and_cdn_from_v1_headers() {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(204)
        .insert_header("X-Auth-Token", "tk-v1")
        .insert_header("X-Storage-Url", "https://storage.example/v1/M_1")
        .insert_header("X-CDN-Management-Url", "https://cdn1.example/v1/M_1");
    Mock::given(method("GET"))
        .and(header("X-Auth-User", "demo"))
        .and(header("X-Auth-Key", "f7e0"))
        .respond_with(reply)
        .mount(&server)
        .await;
    let access = sign_in(Credentials::temp_auth(
        server.uri() + "/v1.0",
        "demo",
        "f7e0",
    ))
    .await
    .unwrap();
    assert_eq!(
        access.cdn_url().unwrap().as_str(),
        "https://cdn1.example/v1/M_1"
    );
    let error = sign_in(Credentials::temp_auth(
        server.uri() + "/v1.0",
        "demo",
        "f7e1",
    ))
    .await
    .unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
}

#[tokio::test]
async fn names_what_was_tried_when_the_credentials_are_wrong() {
    let body = json!({"unauthorized": {"code": 401, "message": "Unable to authenticate user."}});
    let template = ResponseTemplate::new(401)
        .set_body_json(body)
        .insert_header("X-Trans-Id", "tx1");
    let server = v2_server(template).await;
    let error = sign_in(Credentials::rackspace_password(
        server.uri(),
        "demo",
        PASSWORD,
    ))
    .await
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "signing in at {}/v2.0/tokens with Rackspace password as demo was answered 401 \
             \"Unable to authenticate user.\" (transaction tx1): wrong credentials",
            server.uri()
        )
    );
}

#[tokio::test]
async fn says_when_the_answer_is_not_json_or_not_all_there() {
    let page = v2_server(ResponseTemplate::new(200).set_body_raw("<html>", "text/html")).await;
    let error = sign_in(Credentials::rackspace_api_key(page.uri(), "demo", "f7e0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotJson(_)), "{error}");
    assert!(error.to_string().contains("text/html"), "{error}");

    let other = v2_server(ResponseTemplate::new(200).set_body_json(json!({"access": {}}))).await;
    let error = sign_in(Credentials::rackspace_api_key(other.uri(), "demo", "f7e0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Incomplete { .. }), "{error}");
}

#[tokio::test]
async fn says_where_nobody_answers() {
    // Bound and let go, so that nobody listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url =
        format!("http://user:{PASSWORD}@{address}/auth/v1.0?key={PASSWORD}").replace(' ', "%20");
    let error = sign_in(Credentials::temp_auth(url, "demo", "f7e0"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.is_transient());
    assert_eq!(
        error.to_string(),
        format!("the identity service at http://{address}/auth/v1.0 cannot be reached")
    );
}

#[tokio::test]
async fn shows_no_secret_even_if_the_server_echoes_it() {
    let body =
        json!({"unauthorized": {"code": 401, "message": format!("not {PASSWORD} for demo")}});
    let server = v2_server(ResponseTemplate::new(401).set_body_json(body)).await;
    let credentials = Credentials::rackspace_password(server.uri(), "demo", PASSWORD);
    let session = Session::builder(credentials.clone()).build().unwrap();
    let error = session.access().await.unwrap_err();
    let shown = format!("{error} {error:?} {credentials:?} {session:?}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(shown.contains("not *** for demo"), "{shown}");
}

/// A clock at 2030-01-01 that tests move by hand.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn clock(&self) -> Clock {
        let seconds = self.0.clone();
        let start: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        Clock::new(move || {
            start + Duration::from_secs(seconds.load(Ordering::SeqCst).unsigned_abs())
        })
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A TempAuth server whose tokens live for an hour.
async fn hourly_server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(|_: &wiremock::Request| {
            ResponseTemplate::new(200)
                .insert_header("X-Auth-Token", "tk")
                .insert_header("X-Auth-Token-Expires", "3600")
                .insert_header("X-Storage-Url", "http://storage.example/v1/AUTH_test")
        })
        .mount(&server)
        .await;
    server
}

async fn sign_ins(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn session(server: &MockServer, hands: &Hands) -> Session {
    let credentials = Credentials::temp_auth(server.uri(), "test:tester", "testing");
    Session::builder(credentials)
        .clock(hands.clock())
        .build()
        .unwrap()
}

#[tokio::test]
async fn renews_a_token_shortly_before_it_ends() {
    let (server, hands) = (hourly_server().await, Hands::default());
    let session = session(&server, &hands);
    for (advance, expected) in [(0, 1), (3539, 1), (1, 2), (3539, 2), (1, 3)] {
        hands.advance(advance);
        session.access().await.unwrap();
        assert_eq!(sign_ins(&server).await, expected);
    }
}

#[tokio::test]
async fn goes_on_with_a_token_that_is_still_good_when_it_cannot_be_renewed_early() {
    let (server, hands) = (hourly_server().await, Hands::default());
    let session = session(&server, &hands);
    let access = session.access().await.unwrap();
    server.reset().await;
    hands.advance(3550);
    for _ in 0..5 {
        assert!(Arc::ptr_eq(&session.access().await.unwrap(), &access));
    }
    assert_eq!(sign_ins(&server).await, 1, "one try, then quiet");
    hands.advance(50);
    assert!(session.access().await.is_err(), "the token has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_task_signs_in_while_the_others_wait() {
    let (server, hands) = (hourly_server().await, Hands::default());
    let session = session(&server, &hands);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let session = session.clone();
        tasks.spawn(async move { session.access().await.unwrap() });
    }
    let all = tasks.join_all().await;
    assert!(all.iter().all(|access| Arc::ptr_eq(access, &all[0])));
    assert_eq!(sign_ins(&server).await, 1);
}

#[tokio::test]
async fn those_who_waited_for_a_failed_sign_in_do_not_each_try_again() {
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(401).set_delay(Duration::from_millis(50));
    Mock::given(method("GET"))
        .respond_with(refusal)
        .mount(&server)
        .await;
    let session = session(&server, &Hands::default());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let session = session.clone();
        tasks.spawn(async move { session.access().await });
    }
    let all = tasks.join_all().await;
    assert!(
        all.iter()
            .all(|result| matches!(result, Err(Error::WrongCredentials(_))))
    );
    assert_eq!(sign_ins(&server).await, 1);
}

#[tokio::test]
async fn a_task_that_is_dropped_while_it_signs_in_leaves_the_way_free() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(401).set_delay(Duration::from_hours(1));
    Mock::given(method("GET"))
        .respond_with(slow)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let session = session(&server, &Hands::default());
    let dropped = tokio::time::timeout(Duration::from_millis(50), session.access()).await;
    assert!(dropped.is_err());
    let prompt = session.access().await.unwrap_err();
    assert!(matches!(prompt, Error::Refused(_)), "{prompt}");
}

#[tokio::test]
async fn a_ready_token_is_used_as_it_is_and_cannot_be_renewed() {
    let credentials = Credentials::token("tk", "https://storage.example/v1/AUTH_test");
    let session = Session::builder(credentials).build().unwrap();
    let access = session.access().await.unwrap();
    assert_eq!(access.token.as_ref().map(Secret::expose), Some("tk"));
    assert!(matches!(
        session.renew(&access).await,
        Err(Error::CannotRenew { .. })
    ));
}

#[tokio::test]
async fn addresses_given_by_hand_take_the_place_of_the_catalog() {
    let server = v2_server(ResponseTemplate::new(200).set_body_json(v2_reply("tk"))).await;
    let access = Session::builder(Credentials::rackspace_api_key(server.uri(), "demo", "f7e0"))
        .storage_url("http://127.0.0.1:8080/v1/M_1")
        .cdn_url("http://127.0.0.1:8081/v1/M_1")
        .http(HttpSettings {
            user_agent: "test/1".into(),
            ..HttpSettings::default()
        })
        .build()
        .unwrap()
        .access()
        .await
        .unwrap();
    assert_eq!(access.storage_url.as_str(), "http://127.0.0.1:8080/v1/M_1");
    assert_eq!(
        access.cdn_url().unwrap().as_str(),
        "http://127.0.0.1:8081/v1/M_1"
    );
    let asked = &server.received_requests().await.unwrap()[0];
    assert_eq!(asked.headers["user-agent"], "test/1");
}

#[tokio::test]
async fn asks_the_user_for_a_passcode_once_for_each_sign_in() {
    let server = MockServer::start().await;
    let challenge = ResponseTemplate::new(401).insert_header(
        "WWW-Authenticate",
        "OS-MF sessionId='s-2', factor='PASSCODE'",
    );
    Mock::given(body_json(
        json!({"auth": {"passwordCredentials": {"username": "demo", "password": PASSWORD}}}),
    ))
    .respond_with(challenge)
    .mount(&server)
    .await;
    Mock::given(header("X-SessionId", "s-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(v2_reply("tk-mfa")))
        .mount(&server)
        .await;
    let asked = Arc::new(AtomicI64::default());
    let count = asked.clone();
    let session = Session::builder(Credentials::rackspace_password(
        server.uri(),
        "demo",
        PASSWORD,
    ))
    .region("DFW")
    .ask_passcode(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Some("1234567".into())
    })
    .build()
    .unwrap();
    let access = session.access().await.unwrap();
    assert_eq!(access.token.as_ref().unwrap().expose(), "tk-mfa");
    session.renew(&access).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let nobody = Session::builder(Credentials::rackspace_password(
        server.uri(),
        "demo",
        PASSWORD,
    ))
    .ask_passcode(|| None)
    .build()
    .unwrap();
    let error = nobody.access().await.unwrap_err();
    assert!(matches!(error, Error::PasscodeRequired { .. }), "{error}");
}

#[tokio::test]
async fn a_given_passcode_is_not_sent_a_second_time() {
    let server = MockServer::start().await;
    let challenge = ResponseTemplate::new(401).insert_header(
        "WWW-Authenticate",
        "OS-MF sessionId='s-3', factor='PASSCODE'",
    );
    Mock::given(header("X-SessionId", "s-3"))
        .respond_with(ResponseTemplate::new(200).set_body_json(v2_reply("tk")))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(challenge)
        .mount(&server)
        .await;
    let session = Session::builder(Credentials::RackspacePassword {
        auth_url: server.uri(),
        username: "demo".into(),
        password: PASSWORD.into(),
        passcode: Some(Passcode {
            code: "1234567".into(),
            session_id: None,
        }),
        tenant: None,
    })
    .region("DFW")
    .build()
    .unwrap();
    let access = session.access().await.unwrap();
    let error = session.renew(&access).await.unwrap_err();
    assert!(matches!(error, Error::PasscodeRequired { .. }), "{error}");
}

#[tokio::test]
async fn keystone_asks_for_a_passcode_with_a_receipt() {
    let server = MockServer::start().await;
    let user = json!({"name": "demo", "domain": {"id": "default"}});
    let mut with_password = user.clone();
    with_password["password"] = json!(PASSWORD);
    let mut with_passcode = user.clone();
    with_passcode["passcode"] = json!("123456");
    Mock::given(body_json(json!({"auth": {"identity": {
        "methods": ["password"], "password": {"user": with_password}}}})))
    .respond_with(ResponseTemplate::new(401).insert_header("Openstack-Auth-Receipt", "r-1"))
    .mount(&server)
    .await;
    Mock::given(body_json(json!({"auth": {"identity": {
        "methods": ["password", "totp"],
        "password": {"user": with_password},
        "totp": {"user": with_passcode}}}})))
    .respond_with(
        ResponseTemplate::new(201)
            .insert_header("X-Subject-Token", "tk-totp")
            .set_body_json(json!({"token": {"catalog": []}})),
    )
    .mount(&server)
    .await;
    let session = Session::builder(Credentials::KeystoneV3 {
        auth_url: server.uri(),
        method: V3Method::Password {
            user: V3User::Name {
                name: "demo".into(),
                domain: Domain::default(),
            },
            password: PASSWORD.into(),
            passcode: None,
        },
        scope: V3Scope::Unscoped,
    })
    .storage_url("https://swift.example/v1/AUTH_p")
    .ask_passcode(|| Some("123456".into()))
    .build()
    .unwrap();
    let access = session.access().await.unwrap();
    assert_eq!(access.token.as_ref().unwrap().expose(), "tk-totp");
}

#[tokio::test]
async fn says_that_no_project_is_named_when_the_catalog_is_empty() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(
            ResponseTemplate::new(201)
                .insert_header("X-Subject-Token", "tk")
                .set_body_json(json!({"token": {}})),
        )
        .mount(&server)
        .await;
    let credentials = Credentials::KeystoneV3 {
        auth_url: server.uri(),
        method: V3Method::Token {
            token: "other".into(),
        },
        scope: V3Scope::Unscoped,
    };
    let error = sign_in(credentials).await.unwrap_err();
    assert!(error.to_string().contains("no project"), "{error}");
}

#[tokio::test]
async fn a_token_that_was_over_when_it_came_is_tried_and_then_the_clocks_are_blamed() {
    let mut reply = v2_reply("tk");
    reply["access"]["token"]["expires"] = json!("2020-01-01T00:00:00Z");
    let template = ResponseTemplate::new(200)
        .insert_header("Date", "Wed, 01 Jan 2020 03:00:00 GMT")
        .set_body_json(reply);
    let server = v2_server(template).await;
    let session = Session::builder(Credentials::rackspace_api_key(server.uri(), "demo", "f7e0"))
        .region("DFW")
        .clock(Hands::default().clock())
        .build()
        .unwrap();
    let access = session.access().await.unwrap();
    assert_eq!(access.expires_at, None);
    let error = session.renew(&access).await.unwrap_err();
    assert!(matches!(error, Error::ClockSkew { .. }), "{error}");
    let text = error.to_string();
    for time in [
        "2020-01-01T00:00:00Z",
        "2020-01-01T03:00:00Z",
        "2030-01-01T00:00:00Z",
    ] {
        assert!(text.contains(time), "{text}");
    }
    assert_eq!(sign_ins(&server).await, 1);
}
