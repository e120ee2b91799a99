//! Rackspace's v1.0 and v1.1, and the documents that tell of versions.

use emulator::config::{Config, Factor, SecondFactor};
use emulator::defaults::{RACKSPACE_API_KEY, RACKSPACE_PASSWORD, RACKSPACE_TENANT, RACKSPACE_USER};
use reqwest::Method;
use serde_json::json;

use crate::cloud::{Cloud, storage};

#[tokio::test]
async fn old_clients_sign_in_by_headers() {
    let cloud = Cloud::start().await;
    let sign_in = |key: &'static str| {
        let request = cloud.client.get(cloud.url("/v1.0"));
        request
            .header("x-auth-user", RACKSPACE_USER)
            .header("x-auth-key", key)
            .send()
    };
    let answer = sign_in(RACKSPACE_API_KEY).await.expect("an answer");
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["x-storage-url"], cloud.url(&storage()));
    assert_eq!(
        answer.headers()["x-auth-token"],
        answer.headers()["x-storage-token"]
    );
    assert!(answer.headers().contains_key("x-cdn-management-url"));
    assert_eq!(sign_in("wrong").await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn tells_of_its_versions_to_those_who_want_json() {
    let cloud = Cloud::start().await;
    let request = cloud
        .client
        .get(cloud.url("/"))
        .header("accept", "application/json");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 300);
    let plain = cloud
        .client
        .get(cloud.url("/"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(plain.status(), 404, "without it, Swift's root is empty");
    for version in ["/v2.0", "/v3", "/v3/"] {
        assert_eq!(cloud.ask(Method::GET, version, "").await.0, 200);
    }
}

#[tokio::test]
async fn v1_1_takes_json_and_tells_a_map_of_services() {
    let cloud = Cloud::start().await;
    let (user, key) = (RACKSPACE_USER, RACKSPACE_API_KEY);
    for credentials in [
        json!({"credentials": {"username": user, "key": key}}),
        json!({"passwordCredentials": {"username": user, "password": RACKSPACE_PASSWORD}}),
        json!({"mossoCredentials": {"mossoId": 123_456, "key": key}}),
        json!({"mossoCredentials": {"mossoId": RACKSPACE_TENANT, "key": key}}),
        json!({"nastCredentials": {"nastId": &storage()["/v1/".len()..], "key": key}}),
    ] {
        let (status, answer) = cloud.post("/v1.1/auth", &credentials).await;
        let body: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(status, 200, "{credentials}: {body}");
        let catalog = &body["auth"]["serviceCatalog"];
        let files = &catalog["cloudFiles"][0];
        assert_eq!(files["publicURL"], cloud.url(&storage()));
        assert_eq!(files["v1Default"], true);
        assert!(catalog["cloudFilesCDN"][0]["internalURL"].is_null());
        let token = body["auth"]["token"]["id"].as_str().expect("a token");
        assert_eq!(cloud.ask(Method::HEAD, &storage(), token).await.0, 200);
    }
    for (credentials, status, name) in [
        (
            json!({"credentials": {"username": user, "key": "wrong"}}),
            401,
            "unauthorized",
        ),
        (
            json!({"credentials": {"username": user}}),
            400,
            "badRequest",
        ),
        (json!({}), 400, "badRequest"),
        (json!([]), 400, "badRequest"),
    ] {
        let (answered, answer) = cloud.post("/v1.1/auth", &credentials).await;
        let body: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(
            (answered, &body[name]["code"]),
            (status, &json!(status)),
            "{credentials}"
        );
    }
}

#[tokio::test]
async fn who_has_a_second_factor_cannot_come_by_v1() {
    let mut config = Config::default();
    config.rackspace.users[0].second_factor = Some(SecondFactor {
        by: Factor::Sms,
        passcodes: vec!["1234567".into()],
        ..Default::default()
    });
    let cloud = Cloud::with(config).await;
    let headers = cloud
        .request(Method::GET, "/v1.0")
        .header("x-auth-user", RACKSPACE_USER)
        .header("x-auth-key", RACKSPACE_API_KEY);
    assert_eq!(headers.send().await.expect("an answer").status(), 401);
    let shown = json!({"credentials": {"username": RACKSPACE_USER, "key": RACKSPACE_API_KEY}});
    assert_eq!(cloud.post("/v1.1/auth", &shown).await.0, 401);
}
