//! Conditional requests: If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since.

use crate::http::Response;
use crate::sign::md5;
use crate::target::{Container, Target};

const LONG_AGO: &str = "Thu, 01 Jan 2009 00:00:00 GMT";
const FAR_AHEAD: &str = "Thu, 01 Jan 2099 00:00:00 GMT";

async fn get(container: &Container<'_>, name: &str, value: &str) -> Response {
    container.get("o").header(name, value).await
}

#[tokio::test]
async fn answers_304_without_a_body_to_an_etag_the_client_has() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "body").await;
    let etag = md5("body");

    for value in [
        etag.clone(),
        format!("\"{etag}\""),
        format!("\"x\", \"{etag}\""),
        "*".to_owned(),
    ] {
        let answer = get(&container, "if-none-match", &value).await.is(304);
        assert_eq!(answer.body, "", "{value}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert!(answer.header("last-modified").is_some());
        container
            .head("o")
            .header("if-none-match", &value)
            .await
            .is(304);
    }
    assert_eq!(
        get(&container, "if-none-match", &md5("other"))
            .await
            .is(200)
            .text(),
        "body"
    );
}

#[tokio::test]
async fn answers_412_unless_an_etag_matches() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "body").await;
    let etag = md5("body");

    for value in [
        etag.clone(),
        format!("\"{etag}\""),
        format!("x, {etag}"),
        "*".to_owned(),
    ] {
        get(&container, "if-match", &value).await.is(200);
    }
    let refused = get(&container, "if-match", &md5("other")).await.is(412);
    assert_eq!(refused.body, "");
    assert_eq!(refused.header("etag"), Some(etag.as_str()));
    container.head("o").header("if-match", "x").await.is(412);
}

#[tokio::test]
async fn compares_the_time_of_the_object() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "body").await;
    let head = container.head("o").await.is(200);
    let own = head.header("last-modified").expect("an object has a date");

    get(&container, "if-modified-since", LONG_AGO).await.is(200);
    get(&container, "if-modified-since", own).await.is(304);
    get(&container, "if-modified-since", FAR_AHEAD)
        .await
        .is(304);
    get(&container, "if-unmodified-since", LONG_AGO)
        .await
        .is(412);
    get(&container, "if-unmodified-since", own).await.is(200);
    get(&container, "if-unmodified-since", FAR_AHEAD)
        .await
        .is(200);
}

#[tokio::test]
async fn ignores_a_date_it_cannot_read() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "body").await;

    get(&container, "if-modified-since", "yesterday")
        .await
        .is(200);
    get(&container, "if-unmodified-since", "yesterday")
        .await
        .is(200);
}

#[tokio::test]
async fn answers_404_before_any_condition() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .get("nothing")
        .header("if-none-match", "*")
        .await
        .is(404);
    container
        .get("nothing")
        .header("if-match", "x")
        .await
        .is(404);
}

#[tokio::test]
async fn weighs_the_condition_before_the_range() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "0123456789").await;

    let answer = container
        .get("o")
        .header("range", "bytes=0-1")
        .header("if-none-match", md5("0123456789"))
        .await;
    answer.is(304);
    let part = container
        .get("o")
        .header("range", "bytes=0-1")
        .header("if-match", md5("0123456789"))
        .await
        .is(206);
    assert_eq!(part.text(), "01");
}
