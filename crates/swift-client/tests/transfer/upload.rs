use bytes::Bytes;
use futures_util::{StreamExt, stream};
use swift_client::{
    Body, Error, Event, LargeObject, ObjectOptions, OldSegments, Progress, UploadOptions,
};

use crate::place::{Place, noise};

fn segmented(bytes: u64) -> UploadOptions {
    UploadOptions {
        segment_bytes: Some(bytes),
        ..UploadOptions::default()
    }
}

fn pieces(content: &[u8], size: usize) -> Body {
    let pieces: Vec<_> = content
        .chunks(size)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    Body::stream(stream::iter(pieces), None)
}

#[tokio::test]
async fn stores_small_data_as_one_object() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    for size in [0, 1, 70_000, 300_000] {
        let content = noise(size, 1);
        std::fs::write(&file, &content).unwrap();
        let options = UploadOptions::default();
        let uploaded = transfers
            .upload_file(&place.container, "o", &file, &options)
            .await
            .unwrap();
        assert_eq!((uploaded.bytes, uploaded.segments), (size as u64, 0));
        assert_eq!(place.content("o").await, content);
        transfers
            .upload(&place.container, "o", pieces(&content, 999), &options)
            .await
            .unwrap();
        assert_eq!(place.content("o").await, content);
        assert_eq!(place.segments().await, []);
    }
    place.remove().await;
}

#[tokio::test]
async fn cuts_into_segments_what_is_larger_whatever_it_comes_from() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let content = noise(1_000_001, 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    std::fs::write(&file, &content).unwrap();
    let bodies = [
        ("bytes", Body::from(content.clone())),
        ("file", Body::file(&file).await.unwrap()),
        ("pipe", pieces(&content, 77_777)),
        ("crumbs", pieces(&content, 1013)),
        (
            "reader",
            Body::blocking_reader(std::io::Cursor::new(content.clone()), None),
        ),
    ];
    for (name, body) in bodies {
        let uploaded = transfers
            .upload(&place.container, name, body, &segmented(300_000))
            .await
            .unwrap();
        assert_eq!(
            (uploaded.bytes, uploaded.segments),
            (1_000_001, 4),
            "{name}"
        );
        assert_eq!(uploaded.reused_segments, 0);
        assert!(place.content(name).await == content, "{name}");
    }
    assert_eq!(place.segments().await.len(), 20);
    place.remove().await;
}

#[tokio::test]
async fn a_pipe_that_ends_with_a_full_segment_has_no_empty_one_after_it() {
    let place = Place::new().await;
    let transfers = place.transfers();
    for (size, segments) in [(100_000, 0), (200_000, 2), (300_000, 3)] {
        let content = noise(size, 3);
        let uploaded = transfers
            .upload(
                &place.container,
                "o",
                pieces(&content, 100_000),
                &segmented(100_000),
            )
            .await
            .unwrap();
        assert_eq!(uploaded.segments, segments);
        assert!(place.content("o").await == content);
    }
    place.remove().await;
}

#[tokio::test]
async fn refuses_a_stream_that_is_shorter_or_longer_than_announced() {
    let place = Place::new().await;
    let transfers = place.transfers();
    for announced in [9, 11, 250_001] {
        let content = noise(if announced > 11 { 250_000 } else { 10 }, 4);
        let piece = Ok(Bytes::from(content));
        let body = Body::stream(stream::iter([piece]), Some(announced));
        let error = transfers
            .upload(&place.container, "o", body, &segmented(100_000))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Length { .. }), "{error}");
        assert_eq!(place.list(&place.container).await.unwrap(), []);
    }
    place.remove().await;
}

#[tokio::test]
async fn sends_no_segment_twice_after_an_interruption() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let content = noise(1_000_000, 5);
    let broken = stream::iter(
        content[..620_000]
            .chunks(10_000)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .chain([Err(std::io::Error::other("unplugged"))])
            .collect::<Vec<_>>(),
    );
    let error = transfers
        .upload(
            &place.container,
            "o",
            Body::stream(broken, None),
            &segmented(100_000),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Source { .. }), "{error}");
    assert_eq!(place.list(&place.container).await.unwrap(), []);
    let there = place.segments().await.len();

    // Another process, and another kind of source.
    let (progress, events) = Progress::stream();
    let options = UploadOptions {
        progress,
        ..segmented(100_000)
    };
    let uploaded = place
        .transfers()
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    drop(options);
    assert_eq!((uploaded.segments, uploaded.reused_segments), (10, there));
    let sent: u64 = events
        .map(|event| match event {
            Event::Bytes(bytes) => bytes,
            _ => 0,
        })
        .fold(0, |sum, bytes| async move { sum + bytes })
        .await;
    assert_eq!(sent, (10 - there as u64) * 100_000);
    assert!(place.content("o").await == content);
    place.remove().await;
}

#[tokio::test]
async fn does_not_rely_on_segments_that_were_tampered_with() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let content = noise(300_000, 6);
    let options = segmented(100_000);
    transfers
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    let segment = &place.segments().await[0].name;
    place
        .client
        .put_object(
            &place.segment_container(),
            segment,
            "other",
            &ObjectOptions::default(),
        )
        .await
        .unwrap();
    let uploaded = transfers
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    assert_eq!(uploaded.reused_segments, 2);
    assert!(place.content("o").await == content);
    place.remove().await;
}

#[tokio::test]
async fn sends_equal_segments_of_one_object_once() {
    let place = Place::new().await;
    let uploaded = place
        .transfers()
        .upload(
            &place.container,
            "zeros",
            vec![0; 500_000],
            &segmented(100_000),
        )
        .await
        .unwrap();
    assert_eq!((uploaded.segments, uploaded.reused_segments), (5, 4));
    assert_eq!(place.segments().await.len(), 1);
    assert_eq!(place.content("zeros").await, vec![0; 500_000]);
    place.remove().await;
}

#[tokio::test]
async fn removes_the_segments_that_a_new_version_does_not_need() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let mut content = noise(400_000, 7);
    let options = segmented(100_000);
    transfers
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    content[150_000] ^= 1;
    let uploaded = transfers
        .upload(&place.container, "o", content.clone(), &options)
        .await
        .unwrap();
    assert_eq!(
        (uploaded.reused_segments, uploaded.removed_segments),
        (3, 1)
    );
    assert_eq!(place.segments().await.len(), 4);
    assert!(place.content("o").await == content);

    // A plain object in its place needs none.
    let uploaded = transfers
        .upload(&place.container, "o", "small", &UploadOptions::default())
        .await
        .unwrap();
    assert_eq!(uploaded.removed_segments, 4);
    assert_eq!(place.segments().await, []);
    place.remove().await;
}

#[tokio::test]
async fn leaves_old_segments_where_that_is_asked_for() {
    let place = Place::new().await;
    let transfers = place.transfers();
    transfers
        .upload(
            &place.container,
            "o",
            noise(200_000, 8),
            &segmented(100_000),
        )
        .await
        .unwrap();
    let options = UploadOptions {
        old_segments: OldSegments::Keep,
        ..UploadOptions::default()
    };
    transfers
        .upload(&place.container, "o", "small", &options)
        .await
        .unwrap();
    assert_eq!(place.segments().await.len(), 2);
    place.remove().await;
}

#[tokio::test]
async fn writes_dynamic_large_objects_on_request() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let content = noise(450_000, 9);
    let options = UploadOptions {
        large_object: LargeObject::Dynamic,
        ..segmented(100_000)
    };
    for body in [Body::from(content.clone()), pieces(&content, 30_000)] {
        let uploaded = transfers
            .upload(&place.container, "a b/ü", body, &options)
            .await
            .unwrap();
        assert_eq!((uploaded.bytes, uploaded.segments), (450_000, 5));
        assert!(place.content("a b/ü").await == content);
        // Those of the one before are gone.
        assert_eq!(place.segments().await.len(), 5);
    }
    let again = transfers
        .upload(&place.container, "c", content.clone(), &options)
        .await
        .unwrap();
    assert_eq!(again.reused_segments, 0);
    let again = transfers
        .upload(&place.container, "c", content.clone(), &options)
        .await
        .unwrap();
    assert_eq!((again.reused_segments, again.removed_segments), (5, 0));
    place.remove().await;
}

#[tokio::test]
async fn does_not_replace_an_object_that_must_be_new() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let options = UploadOptions {
        object: ObjectOptions {
            only_if_new: true,
            ..ObjectOptions::default()
        },
        ..segmented(100_000)
    };
    for size in [10, 250_000] {
        let name = format!("o{size}");
        transfers
            .upload(&place.container, &name, noise(size, 10), &options)
            .await
            .unwrap();
        let segments = place.segments().await.len();
        let error = transfers
            .upload(&place.container, &name, noise(size, 11), &options)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::PreconditionFailed(_)), "{error}");
        assert_eq!(place.segments().await.len(), segments, "nothing was sent");
    }
    place.remove().await;
}

#[tokio::test]
async fn refuses_a_name_that_is_too_long_before_anything_is_sent() {
    let place = Place::new().await;
    let name = "x".repeat(1025);
    let error = place
        .transfers()
        .upload(&place.container, &name, "x", &UploadOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NameTooLong { .. }), "{error}");
    place.remove().await;
}

#[tokio::test]
async fn finds_room_for_the_segments_of_the_longest_name() {
    let place = Place::new().await;
    let name = "ä".repeat(512);
    let content = noise(250_000, 12);
    place
        .transfers()
        .upload(
            &place.container,
            &name,
            content.clone(),
            &segmented(100_000),
        )
        .await
        .unwrap();
    assert!(place.content(&name).await == content);
    place.remove().await;
}

#[tokio::test]
async fn leaves_nothing_behind_when_it_is_dropped() {
    let place = Place::new().await;
    let transfers = place.transfers();
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
    let body = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let options = segmented(100_000);
    let upload = transfers.upload(&place.container, "o", Body::stream(body, None), &options);
    let feed = async {
        for part in 0..25 {
            let piece = Bytes::from(noise(10_000, part));
            sender.send(Ok(piece)).await.unwrap();
        }
    };
    tokio::select! {
        done = upload => panic!("it cannot be done: {done:?}"),
        () = feed => {}
    }
    assert!(sender.is_closed(), "nobody reads any more");
    assert_eq!(place.list(&place.container).await.unwrap(), []);
    // All of the budget is free again: an upload that needs it gets it.
    transfers
        .upload(
            &place.container,
            "p",
            pieces(&noise(250_000, 1), 9_999),
            &options,
        )
        .await
        .unwrap();
    place.remove().await;
}

#[tokio::test]
async fn says_that_a_file_was_written_to_while_it_was_sent() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, noise(2_000_000, 13)).unwrap();
    let changing = path.clone();
    let options = UploadOptions {
        progress: Progress::new(move |event| {
            // After the first segment: the last one becomes another.
            if matches!(event, Event::Segment { .. }) {
                std::fs::write(&changing, noise(2_000_001, 14)).unwrap();
            }
        }),
        ..segmented(200_000)
    };
    let error = place
        .transfers()
        .upload_file(&place.container, "o", &path, &options)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::FileChanged { .. }), "{error}");
    assert_eq!(place.list(&place.container).await.unwrap(), []);
    place.remove().await;
}
