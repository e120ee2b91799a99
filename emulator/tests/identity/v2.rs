//! Identity v2.0.

use std::time::Duration;

use emulator::config::{Config, Factor, RackspaceRole, SecondFactor};
use emulator::defaults::{
    RACKSPACE_API_KEY, RACKSPACE_PASSWORD, RACKSPACE_TENANT, RACKSPACE_USER, TOKEN_LIFE_SECONDS,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, api_key, password, storage, v3_password};

#[tokio::test]
async fn an_api_key_and_a_password_open_storage_and_cdn_of_the_same_account() {
    let cloud = Cloud::start().await;
    for (credentials, by) in [
        (api_key(RACKSPACE_API_KEY), "APIKEY"),
        (password(RACKSPACE_USER, RACKSPACE_PASSWORD), "PASSWORD"),
    ] {
        let (status, body) = cloud.v2(credentials).await;
        assert_eq!(status, 200);
        let access = &body["access"];
        assert_eq!(access["token"]["RAX-AUTH:authenticatedBy"], json!([by]));
        assert_eq!(access["token"]["tenant"]["id"], RACKSPACE_TENANT);
        let catalog = access["serviceCatalog"].as_array().expect("a catalog");
        let urls: Vec<_> = catalog
            .iter()
            .map(|service| (&service["type"], &service["endpoints"][0]["publicURL"]))
            .collect();
        let (store, cdn) = (
            cloud.url(&storage()),
            cloud.url(&format!("/cdn{}", storage())),
        );
        assert_eq!(
            urls,
            [
                (&json!("object-store"), &json!(store)),
                (&json!("rax:object-cdn"), &json!(cdn))
            ]
        );
    }
    let token = cloud.rackspace_token().await;
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 200);
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &token).await.0,
        403
    );
    assert_eq!(cloud.ask(Method::HEAD, &storage(), "another").await.0, 401);
}

#[tokio::test]
async fn a_refusal_says_why_in_rackspaces_shape() {
    let cloud = Cloud::start().await;
    let demo = || password(RACKSPACE_USER, RACKSPACE_PASSWORD);
    let in_tenants = |id: Value, name: Value| {
        let mut auth = demo();
        auth["tenantId"] = id;
        auth["tenantName"] = name;
        auth
    };
    for (auth, status, name) in [
        (api_key("wrong"), 401, "unauthorized"),
        (api_key(RACKSPACE_PASSWORD), 401, "unauthorized"),
        (password("nobody", "x"), 401, "unauthorized"),
        (in_tenants(json!("9"), Value::Null), 401, "unauthorized"),
        (in_tenants(json!("1"), json!("2")), 400, "badRequest"),
        (json!({}), 400, "badRequest"),
        (json!("text"), 400, "badRequest"),
        (
            json!({"passwordCredentials": {"username": 5}}),
            400,
            "badRequest",
        ),
        (json!({"token": {"id": "gone"}}), 404, "itemNotFound"),
    ] {
        let (answered, body) = cloud.v2(auth.clone()).await;
        assert_eq!(
            (answered, &body[name]["code"]),
            (status, &json!(status)),
            "{auth}"
        );
    }
    let (status, _) = cloud.v2(in_tenants(json!(123_456), Value::Null)).await;
    assert_eq!(status, 200, "a tenant may be a number");
}

#[tokio::test]
async fn a_token_is_good_for_a_day_to_the_second() {
    let cloud = Cloud::start().await;
    cloud.emulator.clock().freeze();
    let token = cloud.rackspace_token().await;
    cloud
        .emulator
        .clock()
        .advance(Duration::from_secs(TOKEN_LIFE_SECONDS));
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 200);
    cloud.emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 401);
    assert_ne!(cloud.rackspace_token().await, token);
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_is_not_given_again() {
    let cloud = Cloud::start().await;
    let token = cloud.rackspace_token().await;
    assert_eq!(cloud.rackspace_token().await, token);
    let its_own = format!("/v2.0/tokens/{token}");
    assert_eq!(cloud.ask(Method::GET, &its_own, &token).await.0, 200);
    assert_eq!(
        cloud.ask(Method::DELETE, "/v2.0/tokens", &token).await.0,
        204
    );
    assert_eq!(cloud.ask(Method::GET, &its_own, &token).await.0, 401);
    assert_eq!(cloud.ask(Method::HEAD, &storage(), &token).await.0, 401);
    assert_ne!(cloud.rackspace_token().await, token);
}

#[tokio::test]
async fn nobody_revokes_the_token_of_another() {
    let cloud = Cloud::start().await;
    let (_, victim, _) = cloud.v3(v3_password("test:tester", "testing")).await;
    let token = cloud.rackspace_token().await;
    let path = format!("/v2.0/tokens/{victim}");
    assert_eq!(cloud.ask(Method::DELETE, &path, &token).await.0, 403);
    assert_eq!(
        cloud.ask(Method::HEAD, "/v1/AUTH_test", &victim).await.0,
        200
    );
}

fn with_second_factor(by: Factor) -> Config {
    let mut config = Config::default();
    config.rackspace.users[0].second_factor = Some(SecondFactor {
        by,
        passcodes: vec!["1234567".into(), "bypass".into()],
        ..Default::default()
    });
    config
}

/// The session that a right password opens.
async fn session(cloud: &Cloud) -> String {
    let auth = json!({"auth": password(RACKSPACE_USER, RACKSPACE_PASSWORD)});
    let (status, answer) = cloud.post("/v2.0/tokens", &auth).await;
    assert_eq!(status, 401);
    let challenge = answer.headers()["www-authenticate"]
        .to_str()
        .expect("text")
        .to_owned();
    let session = challenge
        .strip_prefix("OS-MF sessionId='")
        .and_then(|rest| rest.strip_suffix("', factor='PASSCODE'"));
    session.unwrap_or_else(|| panic!("{challenge}")).to_owned()
}

async fn show_passcode(cloud: &Cloud, session: &str, passcode: &str) -> (u16, Value) {
    let auth = json!({"auth": {"RAX-AUTH:passcodeCredentials": {"passcode": passcode}}});
    let request = cloud.request(Method::POST, "/v2.0/tokens").json(&auth);
    let answer = request
        .header("x-sessionid", session)
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_password_and_not_after_the_api_key() {
    for (by, named) in [(Factor::Sms, "PASSCODE"), (Factor::Otp, "OTPPASSCODE")] {
        let cloud = Cloud::with(with_second_factor(by)).await;
        let opened = session(&cloud).await;
        assert_eq!(show_passcode(&cloud, &opened, "7654321").await.0, 401);
        assert_eq!(show_passcode(&cloud, "another", "1234567").await.0, 401);
        let (status, body) = show_passcode(&cloud, &opened, "1234567").await;
        assert_eq!(status, 200);
        let token = &body["access"]["token"];
        assert_eq!(
            token["RAX-AUTH:authenticatedBy"],
            json!([named, "PASSWORD"])
        );
        let id = token["id"].as_str().expect("a token");
        assert_eq!(cloud.ask(Method::HEAD, &storage(), id).await.0, 200);
        assert_eq!(
            show_passcode(&cloud, &opened, "1234567").await.0,
            401,
            "once is enough"
        );
        assert_eq!(cloud.v2(api_key(RACKSPACE_API_KEY)).await.0, 200);
    }
}

#[tokio::test]
async fn a_passcode_is_waited_for_ten_minutes_and_no_longer() {
    let cloud = Cloud::with(with_second_factor(Factor::Sms)).await;
    cloud.emulator.clock().freeze();
    let (in_time, late) = (session(&cloud).await, session(&cloud).await);
    cloud.emulator.clock().advance(Duration::from_mins(10));
    assert_eq!(show_passcode(&cloud, &in_time, "bypass").await.0, 200);
    cloud.emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(show_passcode(&cloud, &late, "bypass").await.0, 401);
}

#[tokio::test]
async fn an_observer_reads_and_changes_nothing() {
    let mut config = Config::default();
    let mut observer = config.rackspace.users[0].clone();
    "watcher".clone_into(&mut observer.name);
    observer.role = RackspaceRole::Observer;
    config.rackspace.users.push(observer);
    let cloud = Cloud::with(config).await;
    let (_, body) = cloud.v2(password("watcher", RACKSPACE_PASSWORD)).await;
    let token = body["access"]["token"]["id"].as_str().expect("a token");
    assert_eq!(
        body["access"]["user"]["roles"][0]["name"],
        "object-store:observer"
    );
    let owner = cloud.rackspace_token().await;
    let container = format!("{}/c", storage());
    assert_eq!(cloud.ask(Method::PUT, &container, token).await.0, 403);
    assert_eq!(cloud.ask(Method::PUT, &container, &owner).await.0, 201);
    assert_eq!(cloud.ask(Method::GET, &container, token).await.0, 204);
    assert_eq!(cloud.ask(Method::DELETE, &container, token).await.0, 403);
    let cdn = format!("/cdn{container}");
    assert_eq!(cloud.ask(Method::PUT, &cdn, token).await.0, 403);
}

#[tokio::test]
async fn a_token_tells_of_its_user_tenants_and_endpoints() {
    let cloud = Cloud::start().await;
    let token = cloud.rackspace_token().await;
    let get = async |path: &str| cloud.call(Method::GET, path, &token, Value::Null).await;
    let (_, tenants) = get("/v2.0/tenants").await;
    assert_eq!(tenants["tenants"][0]["id"], RACKSPACE_TENANT);
    let (_, found) = get(&format!("/v2.0/users?name={RACKSPACE_USER}")).await;
    let id = found["user"]["id"].as_str().expect("an id").to_owned();
    let (status, _) = get("/v2.0/users?name=nobody").await;
    assert_eq!(status, 404);
    let keys = format!("/v2.0/users/{id}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials");
    let (_, keys) = get(&keys).await;
    assert_eq!(
        keys["RAX-KSKEY:apiKeyCredentials"]["apiKey"],
        RACKSPACE_API_KEY
    );
    assert_eq!(get("/v2.0/users/test:tester").await.0, 403);
    let (_, endpoints) = get(&format!("/v2.0/tokens/{token}/endpoints")).await;
    let kinds: Vec<_> = endpoints["endpoints"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert_eq!(kinds[0]["type"], "object-store");
    assert_eq!(
        kinds[1]["publicURL"],
        cloud.url(&format!("/cdn{}", storage()))
    );
    let validate = |tenant: &str| format!("/v2.0/tokens/{token}?belongsTo={tenant}");
    assert_eq!(get(&validate(RACKSPACE_TENANT)).await.0, 200);
    assert_eq!(get(&validate("9")).await.0, 404);
}

#[tokio::test]
async fn a_tenant_tells_users_of_one_name_apart() {
    let cloud = Cloud::start().await;
    for (tenant, status) in [("test", 200), ("test2", 200), ("test5", 401)] {
        let mut auth = password("tester2", "testing2");
        auth["tenantName"] = json!(tenant);
        let (answered, body) = cloud.v2(auth).await;
        assert_eq!(answered, status, "{tenant}");
        if status == 200 {
            assert_eq!(body["access"]["token"]["tenant"]["name"], tenant);
        }
    }
    assert_eq!(cloud.v2(password("tester2", "testing2")).await.0, 401);
}
