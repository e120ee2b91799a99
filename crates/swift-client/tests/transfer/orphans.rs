use std::time::Duration;

use swift_client::{
    AuditOptions, ContainerOptions, CopyOptions, DeleteOptions, Error, GcPlan, LargeObject,
    ObjectOptions, OldSegments, SymlinkTarget, Transfers, UploadOptions, Versioning,
};

use crate::place::{Place, noise};

fn segmented(bytes: u64) -> UploadOptions {
    UploadOptions {
        segment_bytes: Some(bytes),
        ..UploadOptions::default()
    }
}

/// What a plan without an age floor would remove of this test's own container; on a real cluster there are others.
async fn orphans(place: &Place, transfers: &Transfers) -> GcPlan {
    let audit = transfers
        .audit_segments(&AuditOptions::default())
        .await
        .unwrap();
    let mut plan = transfers.plan_gc(&audit, Duration::ZERO).await.unwrap();
    plan.remove
        .retain(|orphan| orphan.container == place.segment_container());
    plan
}

#[tokio::test]
async fn finds_segments_without_a_manifest_and_no_others() {
    let place = Place::new().await;
    let transfers = place.transfers();
    for (name, kind) in [("s", LargeObject::Static), ("d", LargeObject::Dynamic)] {
        let options = UploadOptions {
            large_object: kind,
            ..segmented(100_000)
        };
        transfers
            .upload(&place.container, name, noise(250_000, 1), &options)
            .await
            .unwrap();
    }
    assert_eq!(orphans(&place, &transfers).await.remove, []);
    transfers
        .upload(
            &place.container,
            "gone",
            noise(250_000, 2),
            &segmented(100_000),
        )
        .await
        .unwrap();
    place
        .client
        .delete_object(&place.container, "gone", &DeleteOptions::default())
        .await
        .unwrap();
    let plan = orphans(&place, &transfers).await;
    assert_eq!(plan.remove.len(), 3);

    // Through a file, as a user would.
    let text = serde_json::to_string(&plan).unwrap();
    let plan: GcPlan = serde_json::from_str(&text).unwrap();
    let report = transfers
        .apply_gc(&plan, &AuditOptions::default())
        .await
        .unwrap();
    assert_eq!((report.deleted, report.kept.len()), (3, 0));
    assert_eq!(place.segments().await.len(), 6);
    assert!(place.content("s").await == noise(250_000, 1));
    assert!(place.content("d").await == noise(250_000, 1));
    place.remove().await;
}

#[tokio::test]
async fn removes_nothing_that_has_come_to_be_needed_since_the_plan() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let content = noise(250_000, 3);
    let options = segmented(100_000);
    transfers
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    transfers
        .delete_object(&place.container, "o", OldSegments::Keep)
        .await
        .unwrap();
    let plan = orphans(&place, &transfers).await;
    assert_eq!(plan.remove.len(), 3);
    let uploaded = transfers
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    assert_eq!(uploaded.reused_segments, 3);
    let report = transfers
        .apply_gc(&plan, &AuditOptions::default())
        .await
        .unwrap();
    assert_eq!((report.deleted, report.kept.len()), (0, 3));
    assert!(place.content("o").await == content);
    place.remove().await;
}

#[tokio::test]
async fn spares_what_is_younger_than_the_floor() {
    let place = Place::new().await;
    let transfers = place.transfers();
    transfers
        .upload(
            &place.container,
            "o",
            noise(250_000, 4),
            &segmented(100_000),
        )
        .await
        .unwrap();
    transfers
        .delete_object(&place.container, "o", OldSegments::Keep)
        .await
        .unwrap();
    let audit = transfers
        .audit_segments(&AuditOptions::default())
        .await
        .unwrap();
    let ours = |plan: GcPlan| {
        let all = plan.remove.into_iter();
        all.filter(|orphan| orphan.container == place.segment_container())
            .count()
    };
    let day = Duration::from_hours(24);
    assert_eq!(ours(transfers.plan_gc(&audit, day).await.unwrap()), 0);
    assert_eq!(
        ours(transfers.plan_gc(&audit, Duration::ZERO).await.unwrap()),
        3
    );
    place.remove().await;
}

#[tokio::test]
async fn refuses_a_plan_for_another_account() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let mut plan = orphans(&place, &transfers).await;
    plan.account.push('x');
    let error = transfers
        .apply_gc(&plan, &AuditOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Plan { .. }), "{error}");
    place.remove().await;
}

#[tokio::test]
async fn tells_which_segments_are_missing_and_which_are_shared() {
    let place = Place::new().await;
    let transfers = place.transfers();
    transfers
        .upload(
            &place.container,
            "a",
            noise(250_000, 5),
            &segmented(100_000),
        )
        .await
        .unwrap();
    let manifest = CopyOptions {
        manifest: true,
        ..CopyOptions::default()
    };
    place
        .client
        .copy_object((&place.container, "a"), (&place.container, "b"), &manifest)
        .await
        .unwrap();
    let lost = place.segments().await.remove(0).name;
    place
        .client
        .delete_object(&place.segment_container(), &lost, &DeleteOptions::default())
        .await
        .unwrap();
    let audit = transfers
        .audit_segments(&AuditOptions::default())
        .await
        .unwrap();
    let segment = format!("{}/{lost}", place.segment_container());
    let missing: Vec<_> = audit
        .missing
        .iter()
        .filter(|missing| missing.segment == segment)
        .map(|missing| (missing.manifest.clone(), missing.is_other))
        .collect();
    let name = |object: &str| format!("{}/{object}", place.container);
    assert_eq!(missing, [(name("a"), false), (name("b"), false)]);
    assert_eq!(audit.shared[&segment], [name("a"), name("b")]);
    place.remove().await;
}

#[tokio::test]
async fn old_versions_keep_their_segments() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let versioned = ContainerOptions {
        versioning: Some(Versioning::Enabled(true)),
        ..ContainerOptions::default()
    };
    place
        .client
        .post_container(&place.container, &versioned)
        .await
        .unwrap();
    for seed in [6, 7] {
        let uploaded = transfers
            .upload(
                &place.container,
                "o",
                noise(250_000, seed),
                &segmented(100_000),
            )
            .await
            .unwrap();
        assert_eq!(uploaded.removed_segments, 0);
    }
    assert_eq!(place.segments().await.len(), 6);
    assert_eq!(orphans(&place, &transfers).await.remove, []);
    place.remove().await;
}

#[tokio::test]
async fn copies_and_moves_large_objects_without_losing_a_segment() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let container = place.container.as_str();
    for (kind, seed) in [(LargeObject::Static, 8), (LargeObject::Dynamic, 9)] {
        let content = noise(250_000, seed);
        let options = UploadOptions {
            large_object: kind,
            ..segmented(100_000)
        };
        transfers
            .upload(container, "a", content.clone(), &options)
            .await
            .unwrap();
        transfers
            .copy_object((container, "a"), (container, "b"), &CopyOptions::default())
            .await
            .unwrap();
        transfers
            .move_object((container, "b"), (container, "c"))
            .await
            .unwrap();
        transfers
            .delete_object(container, "a", OldSegments::Remove)
            .await
            .unwrap();
        assert!(place.content("c").await == content, "{kind:?}");
        let left = place.list(container).await.unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
        // Nobody knows at that time who needs the segments, so they stay until someone looks.
        transfers
            .delete_object(container, "c", OldSegments::Remove)
            .await
            .unwrap();
        let plan = orphans(&place, &transfers).await;
        transfers
            .apply_gc(&plan, &AuditOptions::default())
            .await
            .unwrap();
        assert_eq!(place.segments().await, []);
    }
    place.remove().await;
}

#[tokio::test]
async fn a_symlink_is_moved_and_deleted_without_what_it_points_to() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let container = place.container.as_str();
    let content = noise(250_000, 10);
    transfers
        .upload(container, "o", content.clone(), &segmented(100_000))
        .await
        .unwrap();
    let target = SymlinkTarget {
        container: container.to_owned(),
        object: "o".to_owned(),
        ..SymlinkTarget::default()
    };
    let options = ObjectOptions::default();
    let client = &place.client;
    client
        .put_symlink(container, "link", &target, &options)
        .await
        .unwrap();
    transfers
        .move_object((container, "link"), (container, "moved"))
        .await
        .unwrap();
    let entries = place.list(container).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[0].symlink_path.is_some(), "{entries:?}");
    assert!(place.content("moved").await == content);
    // Neither a deletion nor an upload in its place takes segments of the target.
    transfers
        .delete_object(container, "moved", OldSegments::Remove)
        .await
        .unwrap();
    client
        .put_symlink(container, "link", &target, &options)
        .await
        .unwrap();
    transfers
        .upload(container, "link", "plain", &UploadOptions::default())
        .await
        .unwrap();
    assert!(place.content("o").await == content);
    place.remove().await;
}

#[tokio::test]
async fn moves_plain_objects_with_their_metadata() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let container = place.container.as_str();
    let options = ObjectOptions {
        content_type: Some("text/x-test".to_owned()),
        ..ObjectOptions::default()
    };
    place
        .client
        .put_object(container, "a", "content", &options)
        .await
        .unwrap();
    transfers
        .move_object((container, "a"), (container, "b/c"))
        .await
        .unwrap();
    let entries = place.list(container).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].content_type, "text/x-test");
    let error = transfers
        .move_object((container, "b/c"), (container, "b/c"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::SamePlace), "{error}");
    place.remove().await;
}
