//! Versioning as S3 has it: every version stays, under an id.

use crate::target::{Container, Target};

async fn versioned(swift: &Target) -> Container<'_> {
    swift
        .container_with(&[("x-versions-enabled", "true")])
        .await
}

async fn put(container: &Container<'_>, body: &'static str) -> String {
    let put = container.put("o").body(body).await.is(201);
    put.header("x-object-version-id")
        .expect("a version has an id")
        .to_owned()
}

#[tokio::test]
async fn keeps_every_version_under_its_id() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    assert_eq!(
        container.inspect().await.header("x-versions-enabled"),
        Some("True")
    );

    let first = put(&container, "first").await;
    let second = put(&container, "second").await;
    assert_ne!(first, second);

    let current = container.get("o").await.is(200);
    assert_eq!(current.text(), "second");
    assert_eq!(current.header("x-object-version-id"), Some(second.as_str()));
    let old = container
        .get(&format!("o?version-id={first}"))
        .await
        .is(200);
    assert_eq!(old.text(), "first");
    assert_eq!(old.header("x-object-version-id"), Some(first.as_str()));
    container
        .head(&format!("o?version-id={first}"))
        .await
        .is(200);
}

#[tokio::test]
async fn lists_the_versions_newest_first() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    let first = put(&container, "first").await;
    let second = put(&container, "second").await;
    container.put("a").body("x").await.is(201);

    let listing = container.list("versions&format=json").await.is(200).json();
    let entries = listing.as_array().expect("a list");
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["name"], "a");
    assert_eq!(
        (&entries[1]["version_id"], &entries[1]["is_latest"]),
        (&second.into(), &true.into())
    );
    assert_eq!(
        (&entries[2]["version_id"], &entries[2]["is_latest"]),
        (&first.into(), &false.into())
    );
    assert_eq!(container.list("").await.is(200).lines(), ["a", "o"]);
}

#[tokio::test]
async fn puts_a_marker_where_an_object_was_deleted() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    let first = put(&container, "first").await;

    let delete = container.delete("o").await.is(204);
    let marker = delete
        .header("x-object-version-id")
        .expect("a marker has an id");
    container.get("o").await.is(404);
    assert_eq!(
        container
            .get(&format!("o?version-id={first}"))
            .await
            .is(200)
            .text(),
        "first"
    );
    container
        .get(&format!("o?version-id={marker}"))
        .await
        .is(404);
    let listing = container.list("versions&format=json").await.is(200).json();
    assert_eq!(
        listing[0]["content_type"],
        "application/x-deleted;swift_versions_deleted=1"
    );
    assert_eq!(listing[0]["is_latest"], true);
    container.list("").await.is(204);
}

#[tokio::test]
async fn deletes_a_version_for_good() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    let first = put(&container, "first").await;
    let second = put(&container, "second").await;

    let delete = container
        .delete(&format!("o?version-id={first}"))
        .await
        .is(204);
    assert_eq!(delete.header("x-object-version-id"), Some(first.as_str()));
    container
        .get(&format!("o?version-id={first}"))
        .await
        .is(404);
    assert_eq!(container.get("o").await.is(200).text(), "second");

    container
        .delete(&format!("o?version-id={second}"))
        .await
        .is(204);
    container.get("o").await.is(404);
}

#[tokio::test]
async fn brings_an_old_version_back_as_the_current_one() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    let first = put(&container, "first").await;
    put(&container, "second").await;

    let back = container
        .put(&format!("o?version-id={first}"))
        .await
        .is(201);
    assert_eq!(back.header("x-object-version-id"), Some(first.as_str()));
    assert_eq!(container.get("o").await.is(200).text(), "first");
    container.put("o?version-id=1234567890.00000").await.is(404);
    container
        .put(&format!("o?version-id={first}"))
        .body("x")
        .await
        .is(400);
}

#[tokio::test]
async fn calls_what_was_there_before_the_null_version() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = swift.container().await;
    container.put("o").body("before").await.is(201);
    container
        .update()
        .header("x-versions-enabled", "true")
        .await
        .is(204);

    let listing = container.list("versions&format=json").await.is(200).json();
    assert_eq!(listing[0]["version_id"], "null");
    assert_eq!(
        container.get("o?version-id=null").await.is(200).text(),
        "before"
    );

    // Once replaced, it has an id of its own: the time it was written.
    let written = container.head("o").await.is(200);
    let written = written.header("x-timestamp").expect("a timestamp");
    put(&container, "after").await;
    container.get("o?version-id=null").await.is(404);
    let old = container
        .get(&format!("o?version-id={written}"))
        .await
        .is(200);
    assert_eq!(old.text(), "before");
}

#[tokio::test]
async fn keeps_old_versions_when_versioning_is_suspended() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    let first = put(&container, "first").await;

    container
        .update()
        .header("x-versions-enabled", "false")
        .await
        .is(204);
    assert_eq!(
        container.inspect().await.header("x-versions-enabled"),
        Some("False")
    );
    let second = container.put("o").body("second").await.is(201);
    assert_eq!(second.header("x-object-version-id"), None);
    let old = container
        .get(&format!("o?version-id={first}"))
        .await
        .is(200);
    assert_eq!(old.text(), "first");
    let current = container.get("o?version-id=null").await.is(200);
    assert_eq!(current.text(), "second");
    assert_eq!(current.header("x-object-version-id"), Some("null"));
}

#[tokio::test]
async fn joins_the_segments_of_an_old_version_where_a_plain_object_lies_now() {
    let Some(swift) = Target::with(["object_versioning", "slo"]).await else {
        return;
    };
    let segments = swift.container().await;
    segments.put("s").body("segment").await.is(201);
    let container = versioned(&swift).await;
    let manifest = serde_json::json!([{ "path": format!("/{}/s", segments.name) }]);
    let large = container
        .put("o?multipart-manifest=put")
        .body(manifest.to_string())
        .await
        .is(201);
    let version = large
        .header("x-object-version-id")
        .expect("a version has an id")
        .to_owned();

    container
        .update()
        .header("x-versions-enabled", "false")
        .await
        .is(204);
    container.put("o").body("plain").await.is(201);
    assert_eq!(container.get("o").await.is(200).text(), "plain");
    let old = container
        .get(&format!("o?version-id={version}"))
        .await
        .is(200);
    assert_eq!(old.text(), "segment");
}

#[tokio::test]
async fn counts_the_bytes_of_all_versions_but_only_current_objects() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    put(&container, "12345").await;
    put(&container, "123").await;

    let head = container.inspect().await.is(204);
    assert_eq!(head.header("x-container-object-count"), Some("1"));
    assert_eq!(head.header("x-container-bytes-used"), Some("8"));
}

#[tokio::test]
async fn removes_a_container_only_without_any_version() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    let first = put(&container, "x").await;
    let delete = container.delete("o").await.is(204);
    let marker = delete
        .header("x-object-version-id")
        .expect("an id")
        .to_owned();

    let refused = swift.delete(&container.path).await.is(409);
    assert_eq!(
        refused.text(),
        "Delete all versions before deleting container."
    );
    container
        .delete(&format!("o?version-id={first}"))
        .await
        .is(204);
    container
        .delete(&format!("o?version-id={marker}"))
        .await
        .is(204);
    swift.delete(&container.path).await.is(204);
}

#[tokio::test]
async fn refuses_ids_that_are_none() {
    let Some(swift) = Target::with(["object_versioning"]).await else {
        return;
    };
    let container = versioned(&swift).await;
    put(&container, "x").await;

    let refused = container.get("o?version-id=nonsense").await.is(400);
    assert_eq!(refused.text(), "Invalid version parameter");
    container.get("o?version-id=1234567890.00000").await.is(404);
    container
        .post("o?version-id=null")
        .header("x-object-meta-a", "b")
        .await
        .is(400);
}

#[tokio::test]
async fn does_not_go_with_the_older_versioning() {
    let Some(swift) = Target::with(["object_versioning", "versioned_writes"]).await else {
        return;
    };
    let archive = swift.container().await;
    let container = swift
        .container_with(&[("x-versions-location", &archive.name)])
        .await;

    let refused = container
        .update()
        .header("x-versions-enabled", "true")
        .await
        .is(400);
    assert_eq!(
        refused.text(),
        "Cannot enable object versioning on a container that is already using the legacy versioned writes feature."
    );
}
