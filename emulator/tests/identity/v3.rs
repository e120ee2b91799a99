//! Keystone v3: methods, scopes, tokens.

use std::time::{Duration, UNIX_EPOCH};

use emulator::config::{Config, Factor, KeystoneUser, SecondFactor};
use emulator::defaults::{APPLICATION_CREDENTIAL_ID, APPLICATION_CREDENTIAL_SECRET};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, v3_password};

#[tokio::test]
async fn keystone_takes_passwords_tokens_and_application_credentials() {
    let cloud = Cloud::start().await;
    let (status, token, body) = cloud.v3(v3_password("test:tester", "testing")).await;
    assert_eq!(status, 201);
    assert_eq!(body["token"]["project"]["id"], "test");
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &token).await.0,
        200
    );

    let mut within_project = v3_password("tester", "testing");
    within_project["scope"] = json!({"project": {"name": "test", "domain": {"name": "Default"}}});
    let credential =
        json!({"id": APPLICATION_CREDENTIAL_ID, "secret": APPLICATION_CREDENTIAL_SECRET});
    for auth in [
        within_project,
        json!({"identity": {"methods": ["token"], "token": {"id": token}}}),
        json!({"identity": {
            "methods": ["application_credential"],
            "application_credential": credential
        }}),
    ] {
        let (status, another, _) = cloud.v3(auth.clone()).await;
        assert_eq!(status, 201, "{auth}");
        assert_ne!(another, token, "Keystone never gives the same token again");
        let (status, _) = cloud.ask(Method::HEAD, "/v1/AUTH_test", &another).await;
        assert!((200..300).contains(&status), "{auth}: {status}");
    }
}

#[tokio::test]
async fn keystone_refuses_what_does_not_fit() {
    let cloud = Cloud::start().await;
    let mut elsewhere = v3_password("test:tester", "testing");
    elsewhere["scope"] = json!({"project": {"id": "test2"}});
    let mut foreign = v3_password("test:tester", "testing");
    foreign["identity"]["password"]["user"]["domain"] = json!({"name": "elsewhere"});
    let secret = json!({"id": APPLICATION_CREDENTIAL_ID, "secret": "wrong"});
    for (auth, expected) in [
        (v3_password("test:tester", "wrong"), 401),
        (v3_password("tester2", "testing2"), 401),
        (elsewhere, 401),
        (foreign, 401),
        (
            json!({"identity": {
                "methods": ["application_credential"],
                "application_credential": secret
            }}),
            401,
        ),
        (json!({"identity": {"methods": []}}), 401),
        (json!({}), 400),
    ] {
        let (status, token, body) = cloud.v3(auth.clone()).await;
        assert_eq!((status, &*token), (expected, ""), "{auth}");
        assert_eq!(body["error"]["code"], expected);
    }
}

#[tokio::test]
async fn a_token_by_a_token_runs_out_with_the_first() {
    let cloud = Cloud::start().await;
    cloud.emulator.clock().freeze();
    let (_, first, described) = cloud.v3(v3_password("test:tester", "testing")).await;
    cloud
        .emulator
        .clock()
        .advance(std::time::Duration::from_hours(1));
    let again = json!({"identity": {"methods": ["token"], "token": {"id": first}}});
    let (status, second, body) = cloud.v3(again).await;
    assert_eq!(status, 201);
    assert_ne!(first, second);
    assert_eq!(
        body["token"]["expires_at"],
        described["token"]["expires_at"]
    );
    assert_eq!(body["token"]["methods"], json!(["token", "password"]));
    assert_eq!(
        body["token"]["audit_ids"][1],
        described["token"]["audit_ids"][0]
    );
    let revoke = cloud.request(Method::DELETE, "/v3/auth/tokens");
    let revoke = revoke
        .header("x-auth-token", &first)
        .header("x-subject-token", &first);
    assert_eq!(revoke.send().await.expect("an answer").status(), 204);
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &first).await.0,
        401
    );
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &second).await.0,
        200
    );
}

#[tokio::test]
async fn a_passcode_is_wanted_beside_the_password_where_there_is_a_second_factor() {
    let mut config = Config::default();
    config.rackspace.users[0].second_factor = Some(emulator::config::SecondFactor {
        by: emulator::config::Factor::Otp,
        passcodes: vec!["1234567".into()],
        ..Default::default()
    });
    let cloud = Cloud::with(config).await;
    let user = |shown: &str, secret: &str| {
        let domain = json!({"name": "rackspace_cloud_domain"});
        json!({"user": {"name": emulator::defaults::RACKSPACE_USER, "domain": domain, shown: secret}})
    };
    let sign_in = |methods: Value, passcode: &str| {
        let password = user("password", emulator::defaults::RACKSPACE_PASSWORD);
        json!({"identity": {"methods": methods, "password": password, "totp": user("passcode", passcode)}})
    };
    for (methods, passcode, status) in [
        (json!(["password", "totp"]), "1234567", 201),
        (json!(["password", "totp"]), "7654321", 401),
        (json!(["password"]), "", 401),
        (json!(["totp"]), "1234567", 401),
    ] {
        let auth = sign_in(methods.clone(), passcode);
        assert_eq!(cloud.v3(auth).await.0, status, "{methods} {passcode}");
    }
}

#[tokio::test]
async fn one_factor_of_two_gives_a_receipt_that_stands_in_for_it_for_five_minutes() {
    let mut config = Config::default();
    config.keystone.users.push(KeystoneUser {
        id: None,
        name: "careful".to_owned(),
        domain: "default".to_owned(),
        password: "careful-password".into(),
        default_project: Some("test".to_owned()),
        roles: Vec::new(),
        second_factor: Some(SecondFactor {
            by: Factor::Otp,
            // The key of RFC 6238, whose passcode in the 60th second is the one below.
            secret: Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()),
            ..SecondFactor::default()
        }),
    });
    let cloud = Cloud::with(config).await;
    cloud.emulator.clock().freeze();
    cloud
        .emulator
        .clock()
        .set(UNIX_EPOCH + Duration::from_secs(59));
    let sign_in = async |method: &str, shown: &str, secret: &str, receipt: Option<&str>| {
        let user = json!({"name": "careful", "domain": {"id": "default"}, shown: secret});
        let identity = json!({"methods": [method], method: {"user": user}});
        let body = json!({"auth": {"identity": identity, "scope": "unscoped"}});
        let mut request = cloud.request(Method::POST, "/v3/auth/tokens").json(&body);
        if let Some(receipt) = receipt {
            request = request.header("openstack-auth-receipt", receipt);
        }
        let answer = request.send().await.expect("an answer");
        let receipt = answer.headers().get("openstack-auth-receipt");
        let receipt = receipt.map(|id| id.to_str().expect("text").to_owned());
        let status = answer.status().as_u16();
        let body = answer.json::<Value>().await.expect("JSON");
        (status, receipt, body)
    };
    let password =
        async |receipt| sign_in("password", "password", "careful-password", receipt).await;
    let passcode = async |code, receipt| sign_in("totp", "passcode", code, receipt).await;

    let (status, receipt, body) = password(None).await;
    assert_eq!(status, 401);
    assert_eq!(body["receipt"]["methods"], json!(["password"]));
    assert_eq!(body["receipt"]["user"]["name"], "careful");
    assert_eq!(body["required_auth_methods"], json!([["password", "totp"]]));
    let receipt = receipt.as_deref();
    assert_eq!(passcode("287083", receipt).await.0, 401);
    let (status, _, body) = passcode("287082", receipt).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["token"]["methods"], json!(["totp", "password"]));

    // The other way round as well; twice the same factor is not both, and no receipt is none.
    let (_, first, _) = passcode("287082", None).await;
    assert_eq!(passcode("287082", first.as_deref()).await.0, 401);
    assert_eq!(password(first.as_deref()).await.0, 201);
    assert_eq!(passcode("287082", Some("none")).await.0, 401);

    let (_, last, _) = password(None).await;
    cloud.emulator.clock().advance(Duration::from_mins(5));
    assert_eq!(passcode("481090", last.as_deref()).await.0, 201);
    cloud.emulator.clock().advance(Duration::from_secs(1));
    let late = passcode("868912", last.as_deref()).await;
    assert_eq!((late.0, late.1), (401, None));
}
