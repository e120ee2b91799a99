//! Dynamic large objects: an object that stands for all that begin with its prefix.

use crate::sign::md5;
use crate::target::{Container, Target};

async fn large(swift: &Target) -> Container<'_> {
    let container = swift.container().await;
    for (name, body) in [
        ("seg/1", "aaaaa"),
        ("seg/2", "bbbbb"),
        ("seg/3", "cccc"),
        ("other", "x"),
    ] {
        container.put(name).body(body).await.is(201);
    }
    let manifest = format!("{}/seg/", container.name);
    let put = container
        .put("large")
        .header("x-object-manifest", manifest)
        .header("content-type", "text/plain");
    put.header("x-object-meta-a", "1").await.is(201);
    container
}

#[tokio::test]
async fn joins_the_segments_in_the_order_of_their_names() {
    let swift = Target::start().await;
    let container = large(&swift).await;

    let get = container.get("large").await.is(200);
    assert_eq!(get.text(), "aaaaabbbbbcccc");
    assert_eq!(get.header("content-length"), Some("14"));
    assert_eq!(get.header("content-type"), Some("text/plain"));
    assert_eq!(
        get.header("x-object-manifest"),
        Some(format!("{}/seg/", container.name).as_str())
    );
    assert_eq!(get.header("x-object-meta-a"), Some("1"));
    let etag = md5(format!("{}{}{}", md5("aaaaa"), md5("bbbbb"), md5("cccc")));
    assert_eq!(get.header("etag"), Some(format!("\"{etag}\"").as_str()));
    let head = container.head("large").await.is(200);
    assert_eq!(head.header("content-length"), Some("14"));
    assert_eq!(head.header("etag"), get.header("etag"));
}

#[tokio::test]
async fn grows_when_a_segment_is_added() {
    let swift = Target::start().await;
    let container = large(&swift).await;

    container.holds("seg/2b", "!").await;
    assert_eq!(
        container.get("large").await.is(200).text(),
        "aaaaabbbbb!cccc"
    );
    container.delete("seg/1").await.is(204);
    assert_eq!(container.get("large").await.is(200).text(), "bbbbb!cccc");
}

#[tokio::test]
async fn serves_ranges_across_segments() {
    let swift = Target::start().await;
    let container = large(&swift).await;

    for (range, body, content_range) in [
        ("bytes=3-7", "aabbb", "bytes 3-7/14"),
        ("bytes=10-", "cccc", "bytes 10-13/14"),
        ("bytes=-2", "cc", "bytes 12-13/14"),
    ] {
        let part = container.get("large").header("range", range).await.is(206);
        assert_eq!(part.text(), body);
        assert_eq!(part.header("content-range"), Some(content_range));
    }
    container
        .get("large")
        .header("range", "bytes=14-")
        .await
        .is(416);
}

#[tokio::test]
async fn shows_the_manifest_itself_on_request() {
    let swift = Target::start().await;
    let container = large(&swift).await;

    let get = container.get("large?multipart-manifest=get").await.is(200);
    assert_eq!(get.body, "");
    assert_eq!(
        get.header("x-object-manifest"),
        Some(format!("{}/seg/", container.name).as_str())
    );
    assert_eq!(get.header("etag"), Some(md5("").as_str()));
}

#[tokio::test]
async fn is_empty_when_no_segment_is_there() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("large")
        .header("x-object-manifest", format!("{}/none-", container.name))
        .await
        .is(201);
    let get = container.get("large").await.is(200);
    assert_eq!(get.body, "");
    assert_eq!(get.header("content-length"), Some("0"));
}

#[tokio::test]
async fn copies_as_a_plain_object_or_as_a_manifest() {
    let swift = Target::start().await;
    let container = large(&swift).await;

    container
        .put("plain")
        .header("x-copy-from", format!("{}/large", container.name))
        .await
        .is(201);
    let plain = container.get("plain").await.is(200);
    assert_eq!(plain.text(), "aaaaabbbbbcccc");
    assert_eq!(plain.header("x-object-manifest"), None);

    container
        .request("COPY", "large?multipart-manifest=get")
        .header("destination", format!("{}/third", container.name))
        .await
        .is(201);
    assert!(
        container
            .head("third")
            .await
            .is(200)
            .header("x-object-manifest")
            .is_some()
    );
}

#[tokio::test]
async fn refuses_a_manifest_that_names_no_prefix_of_a_container() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for manifest in ["nothing", "/", "container?x/y", "container/y?z", "a/b&c"] {
        let put = container
            .put("large")
            .header("x-object-manifest", manifest)
            .await
            .is(400);
        assert_eq!(
            put.text(),
            "X-Object-Manifest must be in the format container/prefix",
            "{manifest}"
        );
    }
}

#[tokio::test]
async fn weighs_conditions_against_the_joined_etag() {
    let swift = Target::start().await;
    let container = large(&swift).await;
    let etag = container
        .head("large")
        .await
        .is(200)
        .header("etag")
        .expect("an etag")
        .to_owned();

    container
        .get("large")
        .header("if-none-match", &etag)
        .await
        .is(304);
    container
        .get("large")
        .header("if-match", &etag)
        .await
        .is(200);
    container
        .get("large")
        .header("if-match", "another")
        .await
        .is(412);
}
