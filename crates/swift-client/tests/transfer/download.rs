use std::path::Path;
use std::sync::{Arc, Mutex};

use swift_client::{
    ByteRange, DownloadOptions, Error, Event, GetOptions, ObjectOptions, Progress, UploadOptions,
};

use crate::place::{Place, noise};

fn in_parts(bytes: u64) -> DownloadOptions {
    DownloadOptions {
        part_bytes: Some(bytes),
        ..DownloadOptions::default()
    }
}

async fn upload(place: &Place, content: &[u8], segment_bytes: u64) {
    let options = UploadOptions {
        segment_bytes: Some(segment_bytes),
        ..UploadOptions::default()
    };
    let body = content.to_vec();
    let upload = place.transfers();
    upload
        .upload(&place.container, "o", body, &options)
        .await
        .unwrap();
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn writes_objects_of_every_kind_to_files() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o");
    let content = noise(1_000_000, 1);
    for segment_bytes in [2_000_000, 90_000] {
        upload(&place, &content, segment_bytes).await;
        for part_bytes in [50_000, 200_000, 2_000_000] {
            let downloaded = place
                .transfers()
                .download_file(&place.container, "o", &path, &in_parts(part_bytes))
                .await
                .unwrap();
            assert_eq!((downloaded.bytes, downloaded.resumed_bytes), (1_000_000, 0));
            assert!(std::fs::read(&path).unwrap() == content);
            assert_eq!(files(folder.path()), 1);
        }
    }
    place.remove().await;
}

#[tokio::test]
async fn reads_a_range_of_a_large_object() {
    let place = Place::new().await;
    let content = noise(500_000, 2);
    upload(&place, &content, 100_000).await;
    let get = GetOptions {
        range: Some(ByteRange::Between(150_000, 399_999)),
        ..GetOptions::default()
    };
    let download = place.client.get_object(&place.container, "o", &get);
    let part = download.await.unwrap().bytes(1 << 20).await.unwrap();
    assert!(part == content[150_000..400_000]);
    place.remove().await;
}

/// Makes the object another one of the same size: its segments in another order.
async fn reorder(place: &Place) {
    let client = &place.client;
    let manifest = client
        .get_slo_manifest(&place.container, "o", None)
        .await
        .unwrap();
    let mut segments = manifest.segments;
    segments.reverse();
    client
        .put_slo_manifest(&place.container, "o", &segments, &ObjectOptions::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn does_not_join_parts_of_two_versions() {
    let place = Place::new().await;
    let content = noise(500_000, 3);
    upload(&place, &content, 50_000).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o");
    std::fs::write(&path, "before").unwrap();
    let (started, mut saw_start) = tokio::sync::mpsc::unbounded_channel();
    let options = DownloadOptions {
        progress: Progress::new(move |event| {
            if matches!(event, Event::Bytes(_)) {
                let _ = started.send(());
            }
        }),
        ..in_parts(50_000)
    };
    // One part at a time, so that some are still to come when the object changes.
    let transfers = swift_client::Transfers::new(
        &place.client,
        swift_client::TransferSettings {
            concurrency: 1,
            ..swift_client::TransferSettings::default()
        },
    );
    let download = transfers.download_file(&place.container, "o", &path, &options);
    let mut download = std::pin::pin!(download);
    tokio::select! {
        done = &mut download => panic!("too early: {done:?}"),
        _ = saw_start.recv() => {}
    }
    reorder(&place).await;
    let error = download.await.unwrap_err();
    assert!(matches!(error, Error::PreconditionFailed(_)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(files(folder.path()), 1);
    place.remove().await;
}

#[tokio::test]
async fn goes_on_where_it_was_dropped() {
    let place = Place::new().await;
    let content = noise(1_000_000, 4);
    for segment_bytes in [2_000_000, 100_000] {
        upload(&place, &content, segment_bytes).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o");
        let transfers = swift_client::Transfers::new(
            &place.client,
            swift_client::TransferSettings {
                concurrency: 2,
                ..swift_client::TransferSettings::default()
            },
        );
        let (done, mut saw) = tokio::sync::mpsc::unbounded_channel();
        let options = DownloadOptions {
            resume: true,
            progress: Progress::new(move |event| {
                if matches!(event, Event::Segment { .. }) {
                    let _ = done.send(());
                }
            }),
            ..in_parts(100_000)
        };
        {
            let download = transfers.download_file(&place.container, "o", &path, &options);
            let three = async {
                for _ in 0..3 {
                    saw.recv().await;
                }
            };
            tokio::select! {
                done = download => panic!("too early: {done:?}"),
                () = three => {}
            }
        }
        assert!(!path.exists());
        let options = DownloadOptions {
            resume: true,
            ..in_parts(100_000)
        };
        let downloaded = loop {
            // A thread that was writing when the download was dropped may hold the file a moment longer.
            let downloaded = place
                .transfers()
                .download_file(&place.container, "o", &path, &options)
                .await
                .unwrap();
            if files(folder.path()) == 1 {
                break downloaded;
            }
        };
        assert!(downloaded.resumed_bytes >= 300_000, "{downloaded:?}");
        assert!(std::fs::read(&path).unwrap() == content);
    }
    place.remove().await;
}

#[tokio::test]
async fn builds_on_nothing_that_was_damaged_on_the_disk() {
    let place = Place::new().await;
    let content = noise(1_000_000, 5);
    upload(&place, &content, 100_000).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o");
    let options = DownloadOptions {
        resume: true,
        ..in_parts(100_000)
    };
    let seen = Arc::new(Mutex::new(0));
    {
        let seen = seen.clone();
        let (done, mut saw) = tokio::sync::mpsc::unbounded_channel();
        let options = DownloadOptions {
            progress: Progress::new(move |event| {
                if matches!(event, Event::Segment { .. }) {
                    *seen.lock().unwrap() += 1;
                    let _ = done.send(());
                }
            }),
            ..options.clone()
        };
        let transfers = place.transfers();
        tokio::select! {
            done = transfers.download_file(&place.container, "o", &path, &options) => panic!("too early: {done:?}"),
            _ = saw.recv() => {}
        }
    }
    let partial = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let length = std::fs::metadata(&partial).unwrap().len();
    // Zeros everywhere, and every part marked as done.
    let mut spoiled = vec![0; usize::try_from(length).unwrap()];
    spoiled[1_000_000..].fill(1);
    std::fs::write(&partial, spoiled).unwrap();
    let downloaded = place
        .transfers()
        .download_file(&place.container, "o", &path, &options)
        .await
        .unwrap();
    assert_eq!(downloaded.resumed_bytes, 0);
    assert!(std::fs::read(&path).unwrap() == content);
    place.remove().await;
}

#[tokio::test]
async fn leaves_no_file_when_it_is_dropped() {
    let place = Place::new().await;
    let content = noise(3_000_000, 6);
    upload(&place, &content, 4_000_000).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o");
    for part_bytes in [100_000, 4_000_000] {
        let (started, mut saw_start) = tokio::sync::mpsc::unbounded_channel();
        let options = DownloadOptions {
            progress: Progress::new(move |event| {
                if matches!(event, Event::Bytes(_)) {
                    let _ = started.send(());
                }
            }),
            ..in_parts(part_bytes)
        };
        let transfers = place.transfers();
        tokio::select! {
            done = transfers.download_file(&place.container, "o", &path, &options) => panic!("too early: {done:?}"),
            _ = saw_start.recv() => {}
        }
        // The thread that writes notices as soon as it wants more.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while files(folder.path()) > 0 && std::time::Instant::now() < deadline {
            tokio::task::yield_now().await;
        }
        assert_eq!(files(folder.path()), 0);
    }
    place.remove().await;
}
