//! Requests from scripts of other origins, as far as the container allows.

use crate::http::Request;
use crate::target::{Container, Target};

fn preflight<'a>(container: &Container<'a>, origin: &str, method: &str) -> Request<'a> {
    container
        .request("OPTIONS", "o")
        .anonymous()
        .header("origin", origin)
        .header("access-control-request-method", method)
}

async fn open<'a>(swift: &'a Target, origins: &str) -> Container<'a> {
    swift
        .container_with(&[
            ("x-container-meta-access-control-allow-origin", origins),
            ("x-container-meta-access-control-max-age", "60"),
            (
                "x-container-meta-access-control-expose-headers",
                "x-object-meta-a",
            ),
        ])
        .await
}

#[tokio::test]
async fn answers_a_preflight_from_an_origin_it_allows() {
    let swift = Target::start().await;
    let container = open(&swift, "http://example.com https://example.org").await;

    let answer = preflight(&container, "http://example.com", "PUT")
        .await
        .is(200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("http://example.com")
    );
    assert_eq!(answer.header("access-control-max-age"), Some("60"));
    let mut methods: Vec<_> = answer
        .header("access-control-allow-methods")
        .expect("methods")
        .split(", ")
        .collect();
    methods.sort_unstable();
    assert_eq!(
        methods,
        ["COPY", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
    );
    assert_eq!(answer.body, "");
    preflight(&container, "https://example.org", "GET")
        .await
        .is(200);
}

#[tokio::test]
async fn allows_every_origin_with_a_star() {
    let swift = Target::start().await;
    let container = open(&swift, "*").await;

    let answer = preflight(&container, "http://anywhere.example", "GET")
        .await
        .is(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn refuses_a_preflight_from_elsewhere_or_for_an_unknown_method() {
    let swift = Target::start().await;
    let container = open(&swift, "http://example.com").await;

    preflight(&container, "http://elsewhere.example", "GET")
        .await
        .is(401);
    preflight(&container, "http://example.com", "LICK")
        .await
        .is(401);
    let closed = swift.container().await;
    preflight(&closed, "http://example.com", "GET")
        .await
        .is(401);
    let without_method = container
        .request("OPTIONS", "o")
        .anonymous()
        .header("origin", "http://example.com");
    without_method.await.is(401);
}

#[tokio::test]
async fn grants_the_headers_that_are_asked_for() {
    let swift = Target::start().await;
    let container = open(&swift, "*").await;

    let answer = preflight(&container, "http://a.example", "PUT").header(
        "access-control-request-headers",
        "X-Auth-Token, x-object-meta-b",
    );
    let answer = answer.await.is(200);
    let mut granted: Vec<_> = answer
        .header("access-control-allow-headers")
        .expect("headers")
        .split(", ")
        .collect();
    granted.sort_unstable();
    assert_eq!(granted, ["X-Auth-Token", "x-object-meta-b"]);
}

#[tokio::test]
async fn marks_answers_to_an_origin_it_allows() {
    let swift = Target::start().await;
    let container = open(&swift, "http://example.com").await;
    container
        .put("o")
        .header("x-object-meta-a", "1")
        .header("x-object-meta-b", "2")
        .body("x")
        .await
        .is(201);

    let get = container
        .get("o")
        .header("origin", "http://example.com")
        .await
        .is(200);
    assert_eq!(
        get.header("access-control-allow-origin"),
        Some("http://example.com")
    );
    let exposed: Vec<_> = get
        .header("access-control-expose-headers")
        .expect("headers")
        .split(", ")
        .collect();
    for name in [
        "x-object-meta-a",
        "etag",
        "x-timestamp",
        "x-trans-id",
        "last-modified",
        "content-type",
    ] {
        assert!(exposed.contains(&name), "{name} is not in {exposed:?}");
    }

    let other = container
        .get("o")
        .header("origin", "http://elsewhere.example")
        .await
        .is(200);
    assert_eq!(other.header("access-control-allow-origin"), None);
    assert_eq!(other.header("access-control-expose-headers"), None);
    assert_eq!(
        container
            .get("o")
            .await
            .is(200)
            .header("access-control-allow-origin"),
        None
    );
}

#[tokio::test]
async fn marks_refusals_too() {
    let swift = Target::start().await;
    let container = open(&swift, "http://example.com").await;

    let get = container
        .get("nothing")
        .header("origin", "http://example.com")
        .await
        .is(404);
    assert_eq!(
        get.header("access-control-allow-origin"),
        Some("http://example.com")
    );
}
