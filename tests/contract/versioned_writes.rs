//! The older versioning: replaced objects go to an archive container.

use crate::target::Target;

#[tokio::test]
async fn keeps_what_it_replaces_and_brings_it_back_on_delete() {
    let Some(swift) = Target::with(["versioned_writes"]).await else {
        return;
    };
    let archive = swift.container().await;
    let container = swift
        .container_with(&[("x-versions-location", &archive.name)])
        .await;
    assert_eq!(
        container.inspect().await.header("x-versions-location"),
        Some(archive.name.as_str())
    );

    for body in ["first", "second", "third"] {
        container.put("o").body(body).await.is(201);
    }
    let kept = archive.list("").await.is(200);
    assert_eq!(kept.lines().len(), 2);
    // Three hexadecimal digits of the name's length, the name, the time.
    assert!(kept.lines()[0].starts_with("001o/"), "{}", kept.text());

    container.delete("o").await.is(204);
    assert_eq!(container.get("o").await.is(200).text(), "second");
    container.delete("o").await.is(204);
    assert_eq!(container.get("o").await.is(200).text(), "first");
    container.delete("o").await.is(204);
    container.get("o").await.is(404);
    archive.list("").await.is(204);
}

#[tokio::test]
async fn keeps_everything_in_history_mode() {
    let Some(swift) = Target::with(["versioned_writes"]).await else {
        return;
    };
    let archive = swift.container().await;
    let container = swift
        .container_with(&[("x-history-location", &archive.name)])
        .await;
    assert_eq!(
        container.inspect().await.header("x-history-location"),
        Some(archive.name.as_str())
    );

    container.put("o").body("first").await.is(201);
    container.delete("o").await.is(204);
    container.get("o").await.is(404);

    let kept = archive.list("format=json").await.is(200).json();
    assert_eq!(kept.as_array().map(Vec::len), Some(2));
    assert_eq!(
        kept[1]["content_type"],
        "application/x-deleted;swift_versions_deleted=1"
    );
    container.delete("o").await.is(404);
}

#[tokio::test]
async fn refuses_both_modes_at_once_and_names_that_are_none() {
    let Some(swift) = Target::with(["versioned_writes"]).await else {
        return;
    };
    let archive = swift.container().await;
    let container = swift.container().await;

    let both = container
        .update()
        .header("x-versions-location", &archive.name)
        .header("x-history-location", &archive.name);
    let refused = both.await.is(400);
    assert_eq!(
        refused.text(),
        "Only one of x-versions-location or x-history-location may be specified"
    );
    let refused = container
        .update()
        .header("x-versions-location", "a/b")
        .await
        .is(412);
    assert_eq!(refused.text(), "Container name cannot contain slashes");
}

#[tokio::test]
async fn stops_when_the_setting_is_removed() {
    let Some(swift) = Target::with(["versioned_writes"]).await else {
        return;
    };
    let archive = swift.container().await;
    let container = swift
        .container_with(&[("x-versions-location", &archive.name)])
        .await;

    container
        .update()
        .header("x-remove-versions-location", "x")
        .await
        .is(204);
    assert_eq!(
        container.inspect().await.header("x-versions-location"),
        None
    );
    container.put("o").body("1").await.is(201);
    container.put("o").body("2").await.is(201);
    archive.list("").await.is(204);
}

#[tokio::test]
async fn refuses_a_write_when_the_archive_is_gone() {
    let Some(swift) = Target::with(["versioned_writes"]).await else {
        return;
    };
    let container = swift
        .container_with(&[("x-versions-location", "contract-no-such-archive")])
        .await;

    container.put("o").body("1").await.is(201);
    container.put("o").body("2").await.is(412);
    assert_eq!(container.get("o").await.is(200).text(), "1");
}
