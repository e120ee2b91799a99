use std::io::Write;

use futures_util::{StreamExt, TryStreamExt, stream};
use swift_client::{
    ArchiveFormat, ArchiveOptions, Error, GetOptions, ListOptions, Metadata, ObjectOptions,
    OldSegments, TransferSettings, Transfers,
};

use crate::place::Place;

async fn fill(place: &Place, names: &[String]) {
    stream::iter(names)
        .map(|name| async move {
            let options = ObjectOptions::default();
            place
                .client
                .put_object(&place.container, name, "x", &options)
                .await
        })
        .buffer_unordered(16)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
}

#[tokio::test]
async fn deletes_many_and_counts_what_was_not_there() {
    let place = Place::new().await;
    let names: Vec<String> = (0..120).map(|n| format!("a b/{n} %20ü?&#")).collect();
    fill(&place, &names[..100]).await;
    let report = place
        .transfers()
        .delete_objects(&place.container, names)
        .await
        .unwrap();
    assert_eq!((report.deleted, report.missing), (100, 20));
    assert!(report.failures.is_empty(), "{report:?}");
    assert_eq!(place.list(&place.container).await.unwrap(), []);
    place.remove().await;
}

#[tokio::test]
async fn names_each_object_that_could_not_be_deleted() {
    let place = Place::new().await;
    fill(&place, &["a".to_owned()]).await;
    let names = [
        (place.container.clone(), "a".to_owned()),
        // Longer than any cluster takes.
        (place.container.clone(), "x".repeat(2000)),
    ];
    let report = place
        .transfers()
        .delete_all(stream::iter(names.map(Ok)))
        .await
        .unwrap();
    assert_eq!(report.deleted, 1);
    let left = report.failures.len() as u64 + report.missing;
    assert_eq!(left, 1, "{report:?}");
    place.remove().await;
}

#[tokio::test]
async fn deletes_a_container_with_all_that_is_in_it() {
    let place = Place::new().await;
    let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    fill(&place, &names).await;
    let report = place
        .transfers()
        .delete_container_with_objects(&place.container, OldSegments::Remove)
        .await
        .unwrap();
    assert_eq!(report.deleted, 50);
    let error = place.list(&place.container).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    place.remove().await;
}

fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [("a.txt", "hello"), ("b/c.txt", "world")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn unpacks_archives_of_every_form() {
    let place = Place::new().await;
    let plain = archive();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&plain).unwrap();
    let archives = [
        (ArchiveFormat::Tar, plain.clone()),
        (ArchiveFormat::TarGz, gzip.finish().unwrap()),
        (ArchiveFormat::TarBz2, bzip2.finish().unwrap()),
    ];
    for (number, (format, archive)) in archives.into_iter().enumerate() {
        let prefix = format!("p{number}");
        let report = place
            .client
            .upload_archive(
                Some(&place.container),
                Some(&prefix),
                format,
                archive,
                &ArchiveOptions::default(),
            )
            .await
            .unwrap();
        assert_eq!((report.created, report.failures.len()), (2, 0));
        assert_eq!(place.content(&format!("{prefix}/b/c.txt")).await, b"world");
    }
    place.remove().await;
}

#[tokio::test]
async fn gives_all_objects_of_an_archive_the_same_metadata() {
    let place = Place::new().await;
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    archive
        .append_data(&mut header, "a/b", &b"hello"[..])
        .unwrap();
    let options = ArchiveOptions {
        metadata: Metadata::from_iter([("colour", "blue")]),
        ..ArchiveOptions::default()
    };
    let archive = archive.into_inner().unwrap();
    place
        .client
        .upload_archive(
            Some(&place.container),
            None,
            ArchiveFormat::Tar,
            archive,
            &options,
        )
        .await
        .unwrap();
    let options = GetOptions::default();
    let head = (place.client)
        .head_object(&place.container, "a/b", &options)
        .await
        .unwrap();
    assert_eq!(head.metadata.get("colour"), Some("blue"));
    place.remove().await;
}

#[tokio::test]
async fn says_that_an_archive_is_none() {
    let place = Place::new().await;
    let error = place
        .client
        .upload_archive(
            Some(&place.container),
            None,
            ArchiveFormat::TarGz,
            "no archive at all",
            &ArchiveOptions::default(),
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BulkFailed { .. }), "{error}");
    place.remove().await;
}

#[tokio::test]
async fn lists_all_names_once_when_ranges_are_listed_side_by_side() {
    let place = Place::new().await;
    let mut names: Vec<String> = (0..150).map(|n| format!("dir/{n:05}")).collect();
    names.extend((0..60).map(|n| format!("é/{n}")));
    names.extend([
        "a".to_owned(),
        "zz".to_owned(),
        "日本".to_owned(),
        "\u{10FFFF}".to_owned(),
    ]);
    fill(&place, &names).await;
    names.sort();
    let transfers = Transfers::new(
        &place.client,
        TransferSettings {
            concurrency: 4,
            ..TransferSettings::default()
        },
    );
    for page_size in [3, 10, 500] {
        let options = ListOptions {
            page_size: Some(page_size),
            ..ListOptions::default()
        };
        let mut listed: Vec<String> = transfers
            .list_objects_unordered(&place.container, options)
            .map_ok(|entry| entry.item().unwrap().name)
            .try_collect()
            .await
            .unwrap();
        listed.sort();
        assert_eq!(listed, names);
    }
    let options = ListOptions {
        prefix: Some("dir/".to_owned()),
        page_size: Some(7),
        ..ListOptions::default()
    };
    let listed: Vec<_> = transfers
        .list_objects_unordered(&place.container, options)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 150);
    place.remove().await;
}
