//! What is said to the management service, and what is made of its answers.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

use cdn_client::{CdnClient, Error, ListOptions, Ttl};
use futures_util::TryStreamExt;
use serde_json::json;
use swift_client::{Client, Credentials};
use wiremock::matchers::{
    header, header_exists, headers, method, path, query_param, query_param_is_missing,
};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A client whose CDN is `server`.
fn cdn(server: &MockServer) -> CdnClient {
    let credentials = Credentials::Token {
        token: "tk".into(),
        storage_url: "http://127.0.0.1:1/v1/M_1".into(),
        cdn_url: Some(server.uri() + "/v1/M_1"),
    };
    CdnClient::new(&Client::builder(credentials).build().unwrap())
}

#[tokio::test]
async fn publishes_with_a_ttl_and_gives_the_four_addresses() {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(201)
        .insert_header("X-CDN-URI", "http://a.r1.cf1.rackcdn.com")
        .insert_header("X-CDN-SSL-URI", "https://b.ssl.cf1.rackcdn.com")
        .insert_header("X-CDN-STREAMING-URI", "http://c.r1.stream.cf1.rackcdn.com")
        .insert_header("X-CDN-iOS-URI", "http://d.iosr.cf1.rackcdn.com");
    Mock::given(method("PUT"))
        .and(path("/v1/M_1/my%20photos"))
        .and(header("X-Auth-Token", "tk"))
        .and(header("X-CDN-Enabled", "True"))
        .and(header("X-TTL", "900"))
        .respond_with(reply)
        .mount(&server)
        .await;
    let uris = cdn(&server)
        .publish("my photos", Some(Ttl::MIN))
        .await
        .unwrap();
    assert_eq!(uris.http.as_deref(), Some("http://a.r1.cf1.rackcdn.com"));
    assert_eq!(uris.ssl.as_deref(), Some("https://b.ssl.cf1.rackcdn.com"));
    assert_eq!(
        uris.streaming.as_deref(),
        Some("http://c.r1.stream.cf1.rackcdn.com")
    );
    assert_eq!(uris.ios.as_deref(), Some("http://d.iosr.cf1.rackcdn.com"));
}

#[tokio::test]
async fn accepts_every_success_that_the_service_has_been_known_to_give() {
    for status in [200, 201, 202, 204] {
        let server = MockServer::start().await;
        Mock::given(header_exists("X-Auth-Token"))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
        let cdn = cdn(&server);
        cdn.publish("photos", None).await.unwrap();
        cdn.set_ttl("photos", Ttl::MAX).await.unwrap();
        cdn.status("photos").await.unwrap();
        cdn.unpublish("photos").await.unwrap();
    }
}

#[tokio::test]
async fn tells_a_container_that_was_never_published_from_a_cloud_without_a_cdn() {
    let server = MockServer::start().await;
    let error = cdn(&server).status("photos").await.unwrap_err();
    assert!(matches!(error, Error::NotPublished { .. }), "{error}");

    let credentials = Credentials::token("tk", "http://127.0.0.1:1/v1/M_1");
    let client = Client::builder(credentials).build().unwrap();
    let error = CdnClient::new(&client).status("photos").await.unwrap_err();
    assert!(matches!(error, Error::NoCdn(_)), "{error}");
    assert!(matches!(
        CdnClient::new(&client).management_url().await,
        Err(Error::NoCdn(_))
    ));
}

#[tokio::test]
async fn lists_all_pages_and_filters_without_missing_any() {
    let server = MockServer::start().await;
    let entry =
        |name: &str, enabled: bool| json!({"name": name, "cdn_enabled": enabled, "ttl": 900});
    let page = |entries: Vec<_>| ResponseTemplate::new(200).set_body_json(json!(entries));
    Mock::given(query_param_is_missing("marker"))
        .respond_with(page(vec![entry("a", false), entry("b", false)]))
        .mount(&server)
        .await;
    Mock::given(query_param("marker", "b"))
        .respond_with(page(vec![
            entry("c", true),
            entry("d", false),
            entry("e", true),
        ]))
        .mount(&server)
        .await;
    Mock::given(query_param("marker", "e"))
        .respond_with(page(Vec::new()))
        .mount(&server)
        .await;
    let names = async |options: ListOptions| {
        let list = cdn(&server)
            .list(options)
            .map_ok(|container| container.name);
        list.try_collect::<Vec<_>>().await.unwrap().concat()
    };
    assert_eq!(names(ListOptions::default()).await, "abcde");
    let enabled = ListOptions {
        enabled_only: true,
        ..ListOptions::default()
    };
    assert_eq!(names(enabled.clone()).await, "ce");
    assert_eq!(
        names(ListOptions {
            limit: Some(1),
            ..enabled
        })
        .await,
        "c"
    );
}

#[tokio::test]
async fn purges_an_object_and_tells_where_to_write_when_it_is_done() {
    let server = MockServer::start().await;
    Mock::given(method("DELETE"))
        .and(path("/v1/M_1/photos/a%20cat/1.png"))
        .and(headers(
            "X-Purge-Email",
            vec!["a@example.com", "b@example.com"],
        ))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let emails = ["a@example.com", "b@example.com"];
    cdn(&server)
        .purge_object("photos", "a cat/1.png", &emails)
        .await
        .unwrap();
}
