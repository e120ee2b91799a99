use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use swift_client::{
    Error, FolderChange, FolderOptions, FolderStep, GetOptions, ObjectOptions, SameBy,
    UploadOptions,
};

use crate::place::Place;

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// What became of each object, in words.
fn told(steps: Vec<FolderStep>) -> BTreeMap<String, &'static str> {
    let told = steps.into_iter().map(|step| {
        let what = match step.outcome {
            Ok(FolderChange::Uploaded(_)) => "uploaded",
            Ok(FolderChange::Unchanged) => "unchanged",
            Ok(FolderChange::Deleted) => "deleted",
            Ok(_) => "something new",
            Err(_) => "failed",
        };
        (step.object.unwrap_or_default(), what)
    });
    told.collect()
}

async fn sync(
    place: &Place,
    folder: &Path,
    options: &FolderOptions,
) -> BTreeMap<String, &'static str> {
    let transfers = place.transfers();
    told(
        transfers
            .sync_folder(&place.container, folder, options)
            .collect()
            .await,
    )
}

fn words<const N: usize>(words: [(&str, &'static str); N]) -> BTreeMap<String, &'static str> {
    words.map(|(name, what)| (name.to_owned(), what)).into()
}

#[tokio::test]
async fn uploads_a_folder_with_what_is_in_its_folders() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b/c", "b/d/ü %", "left out"] {
        write(folder.path(), name, name.as_bytes());
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    let options = FolderOptions {
        prefix: "p/".to_owned(),
        filter: Arc::new(|name: &str| name != "left out"),
        ..FolderOptions::default()
    };
    let transfers = place.transfers();
    let steps = transfers.upload_folder(&place.container, folder.path(), &options);
    let names = [
        ("p/a", "uploaded"),
        ("p/b/c", "uploaded"),
        ("p/b/d/ü %", "uploaded"),
    ];
    assert_eq!(told(steps.collect().await), words(names));

    let again = FolderOptions {
        unchanged: Some(SameBy::Time),
        ..options.clone()
    };
    write(folder.path(), "a", b"A");
    let steps = transfers.upload_folder(&place.container, folder.path(), &again);
    let names = [
        ("p/a", "uploaded"),
        ("p/b/c", "unchanged"),
        ("p/b/d/ü %", "unchanged"),
    ];
    assert_eq!(told(steps.collect().await), words(names));
    place.remove().await;
}

#[tokio::test]
async fn a_synchronised_container_has_what_the_folder_has_and_no_more() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["changed", "new", "same", "z/large"] {
        write(folder.path(), name, &vec![7; 3 << 20]);
    }
    write(folder.path(), "nothing", b"");
    let put = async |name: &str, content: Vec<u8>| {
        let options = ObjectOptions::default();
        let put = place
            .client
            .put_object(&place.container, name, content, &options);
        put.await.unwrap();
    };
    put("changed", vec![8; 3 << 20]).await;
    put("gone", vec![1]).await;
    put("nothing", Vec::new()).await;
    put("same", vec![7; 3 << 20]).await;
    put("kept/", Vec::new()).await;
    put("ours", vec![1]).await;
    let options = FolderOptions {
        upload: UploadOptions {
            segment_bytes: Some(1 << 20),
            segment_container: Some(place.segment_container()),
            ..UploadOptions::default()
        },
        filter: Arc::new(|name: &str| name != "ours"),
        delete: true,
        ..FolderOptions::default()
    };
    let first = sync(&place, folder.path(), &options).await;
    let expected = [
        ("changed", "uploaded"),
        ("gone", "deleted"),
        ("new", "uploaded"),
        ("nothing", "unchanged"),
        ("same", "unchanged"),
        ("z/large", "uploaded"),
    ];
    assert_eq!(first, words(expected));

    // Large objects are known again by the hashes of their segments.
    let again = sync(&place, folder.path(), &options).await;
    assert!(again.values().all(|what| *what == "unchanged"), "{again:?}");
    assert_eq!(again.len(), 5);
    place.remove().await;
}

#[tokio::test]
async fn nothing_is_deleted_for_a_folder_that_cannot_be_read() {
    let place = Place::new().await;
    let options = ObjectOptions::default();
    let put = place
        .client
        .put_object(&place.container, "o", "x", &options);
    put.await.unwrap();
    let options = FolderOptions {
        delete: true,
        ..FolderOptions::default()
    };
    let transfers = place.transfers();
    let steps = transfers.sync_folder(&place.container, "/nowhere at all", &options);
    let steps: Vec<FolderStep> = steps.collect().await;
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(matches!(steps[0].outcome, Err(Error::File { .. })));
    let get = GetOptions::default();
    assert!(
        place
            .client
            .head_object(&place.container, "o", &get)
            .await
            .is_ok()
    );
    place.remove().await;
}

#[tokio::test]
async fn each_file_that_cannot_be_uploaded_is_told_and_the_rest_goes_on() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "good", b"x");
    let long = ["n".repeat(200).as_str(); 6].join("/");
    write(folder.path(), &long, b"x");
    let options = FolderOptions::default();
    let transfers = place.transfers();
    let steps = transfers.upload_folder(&place.container, folder.path(), &options);
    let told = told(steps.collect().await);
    assert_eq!(
        told,
        words([("good", "uploaded"), (long.as_str(), "failed")])
    );
    place.remove().await;
}
