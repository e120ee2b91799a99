//! Copies on the server: COPY with a destination, PUT with `X-Copy-From`.

use crate::sign::md5;
use crate::target::Target;

#[tokio::test]
async fn copies_to_a_destination() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let other = swift.container().await;
    container
        .put("o")
        .header("content-type", "text/css")
        .header("x-object-meta-a", "1")
        .body("body")
        .await
        .is(201);

    let copy = container
        .request("COPY", "o")
        .header("destination", format!("{}/p", other.name))
        .await
        .is(201);
    assert_eq!(copy.header("etag"), Some(md5("body").as_str()));
    assert_eq!(
        copy.header("x-copied-from"),
        Some(format!("{}/o", container.name).as_str())
    );
    assert_eq!(
        copy.header("x-copied-from-account"),
        Some(swift.owner.account_name())
    );
    assert!(copy.header("x-copied-from-last-modified").is_some());

    let get = other.get("p").await.is(200);
    assert_eq!(get.text(), "body");
    assert_eq!(get.header("content-type"), Some("text/css"));
    assert_eq!(get.header("x-object-meta-a"), Some("1"));
    container.get("o").await.is(200);
}

#[tokio::test]
async fn copies_from_a_source() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("a%20b/%C3%BC", "body").await;

    for source in [
        format!("{}/a%20b/%C3%BC", container.name),
        format!("/{}/a%20b/%C3%BC", container.name),
    ] {
        container
            .put("copy")
            .header("x-copy-from", source)
            .await
            .is(201);
        assert_eq!(container.get("copy").await.is(200).text(), "body");
        container.delete("copy").await.is(204);
    }
}

#[tokio::test]
async fn adds_new_metadata_to_the_old_or_starts_afresh() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let source = format!("{}/o", container.name);
    container
        .put("o")
        .header("x-object-meta-a", "1")
        .header("x-object-meta-b", "2")
        .body("x")
        .await
        .is(201);

    container
        .put("p")
        .header("x-copy-from", &source)
        .header("x-object-meta-b", "3")
        .header("x-object-meta-c", "4")
        .await
        .is(201);
    let head = container.head("p").await.is(200);
    assert_eq!(head.header("x-object-meta-a"), Some("1"));
    assert_eq!(head.header("x-object-meta-b"), Some("3"));
    assert_eq!(head.header("x-object-meta-c"), Some("4"));

    let put = container
        .put("q")
        .header("x-copy-from", &source)
        .header("x-fresh-metadata", "true");
    put.header("x-object-meta-c", "4").await.is(201);
    let head = container.head("q").await.is(200);
    assert_eq!(head.header("x-object-meta-a"), None);
    assert_eq!(head.header("x-object-meta-c"), Some("4"));
}

#[tokio::test]
async fn copies_an_object_onto_itself_to_change_it() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("content-type", "text/plain")
        .body("body")
        .await
        .is(201);

    let copy = container
        .request("COPY", "o")
        .header("destination", format!("{}/o", container.name));
    copy.header("content-type", "text/css").await.is(201);

    let get = container.get("o").await.is(200);
    assert_eq!(get.text(), "body");
    assert_eq!(get.header("content-type"), Some("text/css"));
}

#[tokio::test]
async fn copies_a_range() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "0123456789").await;

    let put = container
        .put("p")
        .header("x-copy-from", format!("{}/o", container.name))
        .header("range", "bytes=2-4");
    assert_eq!(put.await.is(201).header("etag"), Some(md5("234").as_str()));
    assert_eq!(container.get("p").await.is(200).text(), "234");
}

#[tokio::test]
async fn refuses_copies_that_make_no_sense() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    let no_destination = container.request("COPY", "o").await.is(412);
    assert_eq!(no_destination.text(), "Destination header required");
    for destination in ["no-slash", "", "/c"] {
        let refused = container
            .request("COPY", "o")
            .header("destination", destination)
            .await
            .is(412);
        if !destination.is_empty() {
            assert_eq!(
                refused.text(),
                "Destination header must be of the form <container name>/<object name>"
            );
        }
    }
    let source = container
        .put("p")
        .header("x-copy-from", "no-slash")
        .await
        .is(412);
    assert_eq!(
        source.text(),
        "X-Copy-From header must be of the form <container name>/<object name>"
    );
    let body = container
        .put("p")
        .header("x-copy-from", format!("{}/o", container.name))
        .body("x")
        .await
        .is(400);
    assert_eq!(body.text(), "Copy requests require a zero byte body");
    container
        .put("p")
        .header("x-copy-from", format!("{}/nothing", container.name))
        .await
        .shows(404);
    container
        .request("COPY", "nothing")
        .header("destination", format!("{}/p", container.name))
        .await
        .shows(404);
    container
        .request("COPY", "o")
        .header("destination", "no-such-container-at-all/p")
        .await
        .shows(404);
    container
        .put("p")
        .header("if-match", "*")
        .header("x-copy-from", format!("{}/o", container.name))
        .await
        .is(201);
}

#[tokio::test]
async fn copies_between_accounts_for_whoever_may_read_and_write() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(other) = swift.user("test2:tester2", "testing2").await else {
        return;
    };
    let source = swift.container().await;
    source.holds("o", "body").await;
    let destination = swift.container_in(&other, &[]).await;
    let copy = || {
        destination
            .put("p")
            .header("x-copy-from", format!("{}/o", source.name))
            .header("x-copy-from-account", swift.owner.account_name())
    };

    copy().await.is(403);
    source
        .update()
        .header("x-container-read", "test2:tester2")
        .await
        .is(204);
    let put = copy().await.is(201);
    assert_eq!(
        put.header("x-copied-from-account"),
        Some(swift.owner.account_name())
    );
    assert_eq!(destination.get("p").await.is(200).text(), "body");

    let back = source
        .request("COPY", "o")
        .header("destination", format!("{}/q", destination.name));
    back.header("destination-account", other.account_name())
        .await
        .is(403);
}

#[tokio::test]
async fn copies_a_time_of_expiry_only_when_it_is_named() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("x-delete-at", "4102444800")
        .body("x")
        .await
        .is(201);

    container
        .put("p")
        .header("x-copy-from", format!("{}/o", container.name))
        .await
        .is(201);
    assert_eq!(
        container.head("p").await.is(200).header("x-delete-at"),
        Some("4102444800")
    );
}

#[tokio::test]
async fn weighs_conditions_on_the_source() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    let put = || {
        container
            .put("p")
            .header("x-copy-from", format!("{}/o", container.name))
    };
    put().header("if-match", "another").await.is(412);
    put().header("if-match", md5("x")).await.is(201);
}
