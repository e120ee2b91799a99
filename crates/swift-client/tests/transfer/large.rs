use std::collections::HashSet;

use swift_client::{
    ByteRange, CopyOptions, Error, GetOptions, LargeObject, ObjectOptions, OldSegments, Segment,
    UploadOptions,
};

use crate::place::{Place, noise};

fn segmented(bytes: u64) -> UploadOptions {
    UploadOptions {
        segment_bytes: Some(bytes),
        ..UploadOptions::default()
    }
}

#[tokio::test]
async fn goes_on_with_manifests_of_manifests_when_one_is_full() {
    let place = Place::new().await;
    let transfers = place.transfers();
    // Few different segments: a real cluster takes its time for a thousand.
    let content = noise(6, 1).repeat(342)[..2_050].to_vec();
    let uploaded = transfers
        .upload(&place.container, "o", content.clone(), &segmented(2))
        .await
        .unwrap();
    assert_eq!((uploaded.bytes, uploaded.segments), (2_050, 1_025));
    let outer = place
        .client
        .get_slo_manifest(&place.container, "o", None)
        .await
        .unwrap();
    assert_eq!(outer.segments.len(), 2);
    assert!(outer.segments.iter().all(|segment| segment.is_manifest));
    let flat = place
        .client
        .flat_slo_manifest(&place.container, "o", None)
        .await
        .unwrap();
    assert_eq!(flat.segments.len(), 1_025);
    // Where one manifest ends and the next begins. A real cluster gives out one tiny segment a second after the first
    // ten, so the whole of it would take its time.
    let get = GetOptions {
        range: Some(ByteRange::Between(1_996, 2_005)),
        ..GetOptions::default()
    };
    let part = place.client.get_object(&place.container, "o", &get);
    let part = part.await.unwrap().bytes(100).await.unwrap();
    assert_eq!(part, content[1_996..2_006]);
    // Everything it stands on goes with it.
    transfers
        .delete_object(&place.container, "o", OldSegments::Remove)
        .await
        .unwrap();
    assert_eq!(place.segments().await, []);
    place.remove().await;
}

#[tokio::test]
async fn tells_beforehand_where_segments_go_and_marks_them() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let most = [(4, 0), (40, 1), (4_100, 2)];
    for (number, (bytes, kinds)) in most.into_iter().enumerate() {
        let object = format!("o{number}");
        let options = UploadOptions {
            segment_metadata: [("run", "7")].into(),
            object: ObjectOptions {
                delete_at: Some(jiff::Timestamp::from_second(4_000_000_000).unwrap()),
                ..ObjectOptions::default()
            },
            ..segmented(4)
        };
        let length = Some(bytes as u64);
        let places = transfers.segment_places(&place.container, &object, length, &options);
        let places = places.await.unwrap();
        assert_eq!(places.len(), kinds, "{bytes} bytes: {places:?}");
        let content = noise(4, 1).repeat(bytes / 4);
        let upload = transfers.upload(&place.container, &object, content, &options);
        upload.await.unwrap();
        for segment in place.segments().await {
            if !segment.name.starts_with(&format!("{object}/")) {
                continue;
            }
            let mut below = places.iter().filter(|(container, prefix)| {
                *container == place.segment_container() && segment.name.starts_with(prefix)
            });
            assert!(below.next().is_some(), "{}", segment.name);
            let container = place.segment_container();
            let options = GetOptions {
                manifest: true,
                ..GetOptions::default()
            };
            let head = place
                .client
                .head_object(&container, &segment.name, &options);
            assert_eq!(head.await.unwrap().metadata.get("run"), Some("7"));
        }
    }
    place.remove().await;
}

#[tokio::test]
async fn names_the_segment_that_is_missing_from_a_manifest() {
    let place = Place::new().await;
    let segment = Segment {
        container: place.container.clone(),
        object: "nowhere".to_owned(),
        etag: "781e5e245d69b566979b86e28d23f2c7".to_owned(),
        bytes: 10,
        range: None,
        is_manifest: false,
    };
    let error = place
        .client
        .put_slo_manifest(&place.container, "o", &[segment], &ObjectOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadRequest(_)), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    place.remove().await;
}

#[tokio::test]
async fn deletes_a_large_object_with_its_segments_and_nothing_else() {
    let place = Place::new().await;
    let transfers = place.transfers();
    for name in ["a", "b", "a/slo"] {
        transfers
            .upload(
                &place.container,
                name,
                noise(250_000, 2),
                &segmented(100_000),
            )
            .await
            .unwrap();
    }
    let removed = transfers
        .delete_object(&place.container, "a", OldSegments::Remove)
        .await
        .unwrap();
    assert_eq!(removed, 3);
    let left: HashSet<_> = place
        .segments()
        .await
        .into_iter()
        .map(|entry| entry.name.rsplit_once("/slo/").unwrap().0.to_owned())
        .collect();
    assert_eq!(left, HashSet::from(["b".to_owned(), "a/slo".to_owned()]));
    place.remove().await;
}

#[tokio::test]
async fn deletes_a_container_with_the_segments_of_its_large_objects() {
    let place = Place::new().await;
    let transfers = place.transfers();
    for (name, kind) in [("s", LargeObject::Static), ("d", LargeObject::Dynamic)] {
        let options = UploadOptions {
            large_object: kind,
            ..segmented(100_000)
        };
        transfers
            .upload(&place.container, name, noise(250_000, 2), &options)
            .await
            .unwrap();
    }
    let report = transfers
        .delete_container_with_objects(&place.container, OldSegments::Remove)
        .await
        .unwrap();
    assert_eq!((report.deleted, report.failures.len()), (2, 0));
    // Nothing is left in it, so it is gone as well.
    let left = place.list(&place.segment_container()).await;
    assert!(left.unwrap_err().is_not_found());
    place.remove().await;
}

#[tokio::test]
async fn leaves_a_segment_container_in_which_others_have_something() {
    let place = Place::new().await;
    let transfers = place.transfers();
    transfers
        .upload(
            &place.container,
            "o",
            noise(250_000, 2),
            &segmented(100_000),
        )
        .await
        .unwrap();
    let (options, segments) = (ObjectOptions::default(), place.segment_container());
    let put = place.client.put_object(&segments, "theirs", "x", &options);
    put.await.unwrap();
    transfers
        .delete_container_with_objects(&place.container, OldSegments::Remove)
        .await
        .unwrap();
    let left = place.segments().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].name, "theirs");
    place.remove().await;
}

#[tokio::test]
async fn keeps_segments_that_a_copy_of_the_manifest_needs() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let content = noise(250_000, 3);
    transfers
        .upload(&place.container, "a", content.clone(), &segmented(100_000))
        .await
        .unwrap();
    // As any program might do it.
    let options = CopyOptions {
        manifest: true,
        ..CopyOptions::default()
    };
    place
        .client
        .copy_object((&place.container, "a"), (&place.container, "b"), &options)
        .await
        .unwrap();
    // First replaced by something that shares some of them, then deleted.
    let mut other = content.clone();
    other[0] ^= 1;
    transfers
        .upload(&place.container, "a", other, &segmented(100_000))
        .await
        .unwrap();
    assert!(place.content("b").await == content);
    transfers
        .delete_object(&place.container, "a", OldSegments::Remove)
        .await
        .unwrap();
    assert!(place.content("b").await == content);
    place.remove().await;
}
