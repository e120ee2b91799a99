//! Regions: storages apart, users and tokens in common.

use emulator::config::{Config, Region};
use emulator::defaults::{RACKSPACE_API_KEY, RACKSPACE_USER};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, api_key, storage, v3_password};

const NAMES: [&str; 6] = ["DFW", "ORD", "IAD", "LON", "HKG", "SYD"];

fn six() -> Config {
    let region = |name: &str| Region {
        name: name.to_owned(),
        listen: None,
    };
    Config {
        regions: NAMES.map(region).into(),
        ..Config::default()
    }
}

fn url_of(catalog: &Value, kind: &str, region: &str) -> String {
    let services = catalog.as_array().expect("a catalog");
    let service = services.iter().find(|service| service["type"] == kind);
    let endpoints = service.expect("the service is there")["endpoints"].as_array();
    let endpoints = endpoints.expect("endpoints");
    let endpoint = endpoints
        .iter()
        .find(|endpoint| endpoint["region"] == region);
    let endpoint = endpoint.unwrap_or_else(|| panic!("no {region} in {catalog}"));
    let url = endpoint.get("publicURL").unwrap_or(&endpoint["url"]);
    url.as_str().expect("a URL").to_owned()
}

#[tokio::test]
async fn every_catalog_has_every_region_at_its_own_address() {
    let cloud = Cloud::with(six()).await;
    let (_, body) = cloud.v2(api_key(RACKSPACE_API_KEY)).await;
    let v2 = &body["access"]["serviceCatalog"];
    let (_, _, body) = cloud.v3(v3_password("test:tester", "testing")).await;
    let v3 = &body["token"]["catalog"];
    for name in NAMES {
        let region = cloud.emulator.region(name).expect("the region runs");
        assert_eq!(
            url_of(v2, "object-store", name),
            format!("{}{}", region.url(), storage())
        );
        assert_eq!(
            url_of(v2, "rax:object-cdn", name),
            format!("{}/cdn{}", region.url(), storage())
        );
        assert_eq!(
            url_of(v3, "object-store", name),
            format!("{}/v1/AUTH_test", region.url())
        );
    }
    assert!(cloud.emulator.region("MARS").is_none());
}

#[tokio::test]
async fn other_regions_are_named_at_the_host_that_the_client_used() {
    let cloud = Cloud::with(six()).await;
    let request = cloud
        .request(Method::POST, "/v2.0/tokens")
        .header("host", "swift.example:81");
    let request = request.json(&json!({"auth": api_key(RACKSPACE_API_KEY)}));
    let body: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let catalog = &body["access"]["serviceCatalog"];
    let port = cloud
        .emulator
        .region("ORD")
        .expect("it runs")
        .address()
        .port();
    let (here, there) = (
        "http://swift.example:81",
        format!("http://swift.example:{port}"),
    );
    assert_eq!(
        url_of(catalog, "object-store", "DFW"),
        format!("{here}{}", storage())
    );
    assert_eq!(
        url_of(catalog, "object-store", "ORD"),
        format!("{there}{}", storage())
    );
}

#[tokio::test]
async fn a_token_opens_all_regions_whose_storages_are_apart_until_it_is_revoked() {
    let cloud = Cloud::with(six()).await;
    let token = cloud.rackspace_token().await;
    let other = cloud
        .emulator
        .region("ORD")
        .expect("it runs")
        .url()
        .to_owned();
    let there = async |method: Method| {
        let url = format!("{other}{}/c", storage());
        let request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let request = request.request(method, url).header("x-auth-token", &token);
        request.send().await.expect("an answer").status().as_u16()
    };
    let container = format!("{}/c", storage());
    assert_eq!(cloud.ask(Method::PUT, &container, &token).await.0, 201);
    assert_eq!(there(Method::GET).await, 404);
    assert_eq!(there(Method::PUT).await, 201);
    assert_eq!(cloud.ask(Method::DELETE, &container, &token).await.0, 204);
    assert_eq!(there(Method::GET).await, 204);
    assert_eq!(
        cloud.ask(Method::DELETE, "/v2.0/tokens", &token).await.0,
        204
    );
    assert_eq!(there(Method::GET).await, 401);
}

#[tokio::test]
async fn v1_tells_the_default_region_of_the_user() {
    let mut config = six();
    config.rackspace.users[0].default_region = Some("LON".to_owned());
    let cloud = Cloud::with(config).await;
    let request = cloud
        .request(Method::GET, "/v1.0")
        .header("x-auth-user", RACKSPACE_USER);
    let answer = request.header("x-auth-key", RACKSPACE_API_KEY).send().await;
    let london = cloud.emulator.region("LON").expect("it runs");
    assert_eq!(
        answer.expect("an answer").headers()["x-storage-url"],
        format!("{}{}", london.url(), storage())
    );
}

#[tokio::test]
async fn a_configuration_that_refers_to_nothing_starts_no_emulator() {
    let mut config = Config::default();
    config.rackspace.users[0].default_region = Some("MARS".to_owned());
    let refused = emulator::Emulator::builder().config(config).start().await;
    let refused = refused.expect_err("there is no such region").to_string();
    assert_eq!(
        refused,
        "rackspace.users[0].default_region: there is no region \"MARS\""
    );
}
