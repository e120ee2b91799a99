//! Limits that a container's owner sets on it.

use crate::target::{Container, Target};

/// Has the target look at the totals afresh: a cluster remembers them for a minute, unless the container changes.
async fn recount(container: &Container<'_>) {
    container.update().await.is(204);
}

#[tokio::test]
async fn refuses_an_upload_beyond_the_bytes() {
    let Some(swift) = Target::with(["container_quotas"]).await else {
        return;
    };
    let container = swift
        .container_with(&[("x-container-meta-quota-bytes", "10")])
        .await;

    container.holds("a", "12345").await;
    recount(&container).await;
    let refused = container.put("b").body("123456").await.is(413);
    assert_eq!(refused.text(), "Upload exceeds quota.");
    container.get("b").await.is(404);
    container.holds("b", "12345").await;
    recount(&container).await;
    // What it would replace does not count in its favour.
    container.put("b").body("1").await.is(413);
    container.delete("a").await.is(204);
    recount(&container).await;
    container.holds("b", "1").await;
}

#[tokio::test]
async fn refuses_an_upload_beyond_the_count() {
    let Some(swift) = Target::with(["container_quotas"]).await else {
        return;
    };
    let container = swift
        .container_with(&[("x-container-meta-quota-count", "1")])
        .await;

    container.holds("a", "x").await;
    recount(&container).await;
    let refused = container.put("b").body("x").await.is(413);
    assert_eq!(refused.text(), "Upload exceeds quota.");
}

#[tokio::test]
async fn refuses_a_copy_beyond_the_bytes() {
    let Some(swift) = Target::with(["container_quotas"]).await else {
        return;
    };
    let container = swift
        .container_with(&[("x-container-meta-quota-bytes", "8")])
        .await;
    container.holds("a", "12345").await;
    recount(&container).await;

    let copy = container
        .put("b")
        .header("x-copy-from", format!("{}/a", container.name));
    assert_eq!(copy.await.is(413).text(), "Upload exceeds quota.");
}

#[tokio::test]
async fn refuses_a_quota_that_is_no_number() {
    let Some(swift) = Target::with(["container_quotas"]).await else {
        return;
    };
    let container = swift.container().await;

    for (name, message) in [
        ("x-container-meta-quota-bytes", "Invalid bytes quota."),
        ("x-container-meta-quota-count", "Invalid count quota."),
    ] {
        let refused = container.update().header(name, "many").await.is(400);
        assert_eq!(refused.text(), message);
        container.update().header(name, "-1").await.is(400);
        container.update().header(name, "").await.is(204);
    }
}
