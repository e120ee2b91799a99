//! The suite of the `object_store` crate itself, on the emulator; on a real Swift where `SWIFT_AUTH_URL`,
//! `SWIFT_API_USER` and `SWIFT_API_KEY` name one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use emulator::Emulator;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, integration};
use swift_client::{
    Client, ContainerOptions, Credentials, ListOptions, Listed, ObjectOptions, OldSegments,
    SwiftStore, TransferSettings, Transfers, Versioning,
};
use uuid::Uuid;

/// A new container in which a store works.
struct Lake {
    client: Client,
    store: SwiftStore,
    _emulator: Option<Emulator>,
}

impl Lake {
    async fn new() -> Self {
        Self::with(&ContainerOptions::default()).await
    }

    async fn with(options: &ContainerOptions) -> Self {
        let real = ["SWIFT_AUTH_URL", "SWIFT_API_USER", "SWIFT_API_KEY"].map(std::env::var);
        let (credentials, emulator) = if let [Ok(url), Ok(user), Ok(key)] = real {
            (Credentials::temp_auth(url, user, key), None)
        } else {
            let emulator = Emulator::builder().start().await.unwrap();
            let me = Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
            (me, Some(emulator))
        };
        let client = Client::builder(credentials).build().unwrap();
        let container = format!("lake-{}", Uuid::new_v4().simple());
        client.put_container(&container, options).await.unwrap();
        Self {
            store: SwiftStore::new(&client, container),
            client,
            _emulator: emulator,
        }
    }

    fn segments(&self) -> String {
        format!("{}_segments", self.store.container())
    }

    async fn names(&self, container: &str) -> Vec<String> {
        let listing = self.client.list_objects(container, ListOptions::default());
        let listing: Vec<_> = listing.try_collect().await.unwrap();
        let objects = listing.into_iter().filter_map(Listed::item);
        objects.map(|object| object.name).collect()
    }

    /// Removes what a test has left in a cloud that stays.
    async fn clear(self) {
        let transfers = Transfers::new(&self.client, TransferSettings::default());
        for container in [self.store.container().to_owned(), self.segments()] {
            match transfers
                .delete_container_with_objects(&container, OldSegments::Keep)
                .await
            {
                Err(error) if !error.is_not_found() => panic!("{error}"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn stores_reads_lists_and_deletes_as_the_suite_wants_it() {
    let lake = Lake::new().await;
    let store = &lake.store;
    integration::put_get_delete_list(store).await;
    integration::list_uses_directories_correctly(store).await;
    integration::list_with_delimiter(store).await;
    integration::list_with_offset_exclusivity(store).await;
    integration::list_paginated(store, store).await;
    lake.clear().await;
}

#[tokio::test]
async fn keeps_attributes_and_conditions_as_the_suite_wants_it() {
    let lake = Lake::new().await;
    let store = &lake.store;
    integration::put_get_attributes(store).await;
    integration::get_opts(store).await;
    integration::put_opts(store, false).await;
    lake.clear().await;
}

#[tokio::test]
async fn copies_and_renames_as_the_suite_wants_it() {
    let lake = Lake::new().await;
    let store = &lake.store;
    integration::rename_and_copy(store).await;
    integration::copy_if_not_exists(store).await;
    integration::copy_rename_nonexistent_object(store).await;
    let missing = integration::get_nonexistent_object(store, None).await;
    assert!(matches!(missing, Err(object_store::Error::NotFound { .. })));
    lake.clear().await;
}

#[tokio::test]
async fn joins_parts_as_the_suite_wants_it() {
    let lake = Lake::new().await;
    let store = &lake.store;
    integration::stream_get(store).await;
    integration::multipart(store, store).await;
    integration::multipart_with_opts(store, store).await;
    integration::multipart_put_part_out_of_order(store, store).await;
    integration::multipart_out_of_order(store).await;
    integration::multipart_race_condition(store, true).await;
    lake.clear().await;
}

#[tokio::test]
async fn reads_older_versions_where_the_container_keeps_them() {
    let lake = Lake::with(&ContainerOptions {
        versioning: Some(Versioning::Enabled(true)),
        ..ContainerOptions::default()
    })
    .await;
    integration::get_opts(&lake.store).await;
    // Versions are out of the suite's sight, and keep a container from being deleted: the real one keeps these.
}

#[tokio::test]
async fn leaves_no_segment_behind() {
    let lake = Lake::new().await;
    let path = Path::from("film");
    let upload = async || {
        let mut upload = lake.store.put_multipart(&path).await.unwrap();
        for part in ["one", "two", "three"] {
            upload.put_part(part.into()).await.unwrap();
        }
        upload
    };
    upload().await.complete().await.unwrap();
    assert_eq!(lake.names(&lake.segments()).await.len(), 3);

    // Replaced by another large object, and by a small one.
    upload().await.complete().await.unwrap();
    assert_eq!(lake.names(&lake.segments()).await.len(), 3);
    lake.store.put(&path, "small".into()).await.unwrap();
    assert_eq!(lake.names(&lake.segments()).await, Vec::<String>::new());

    // Deleted, and never finished.
    upload().await.complete().await.unwrap();
    lake.store.delete(&path).await.unwrap();
    assert_eq!(lake.names(&lake.segments()).await, Vec::<String>::new());
    upload().await.abort().await.unwrap();
    assert_eq!(lake.names(&lake.segments()).await, Vec::<String>::new());
    lake.clear().await;
}

#[tokio::test]
async fn renames_a_large_object_without_sending_it_again() {
    let lake = Lake::new().await;
    let (from, to) = (Path::from("from"), Path::from("to"));
    let mut upload = lake.store.put_multipart(&from).await.unwrap();
    upload.put_part("hello ".into()).await.unwrap();
    upload.put_part("world".into()).await.unwrap();
    upload.complete().await.unwrap();
    let segments = lake.names(&lake.segments()).await;

    lake.store.rename(&from, &to).await.unwrap();
    let now = lake.names(&lake.segments()).await;
    assert!(segments.iter().all(|name| now.contains(name)), "{now:?}");
    let read = lake.store.get(&to).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, "hello world");
    lake.clear().await;
}

#[tokio::test]
async fn tells_the_same_of_an_object_in_listings_and_alone() {
    let lake = Lake::new().await;
    let path = Path::from("a/b");
    let mut upload = lake.store.put_multipart(&path).await.unwrap();
    upload.put_part("large".into()).await.unwrap();
    upload.complete().await.unwrap();
    lake.store
        .put(&Path::from("small"), "x".into())
        .await
        .unwrap();

    let listed: Vec<_> = lake.store.list(None).try_collect().await.unwrap();
    assert_eq!(listed.len(), 2);
    for listed in listed {
        let alone = lake.store.head(&listed.location).await.unwrap();
        assert_eq!(alone, listed);
    }
    lake.clear().await;
}

#[tokio::test]
async fn leaves_out_names_that_no_path_can_say() {
    let lake = Lake::new().await;
    let options = ObjectOptions::default();
    for name in ["/first", "last/", "a//b", "fine"] {
        let put = lake
            .client
            .put_object(lake.store.container(), name, "x", &options);
        put.await.unwrap();
    }
    let listed: Vec<_> = lake.store.list(None).try_collect().await.unwrap();
    let names: Vec<_> = listed.iter().map(|meta| meta.location.as_ref()).collect();
    assert_eq!(names, ["fine"]);
    lake.clear().await;
}
