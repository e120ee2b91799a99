//! Goes through the whole life of a container on a real server and leaves nothing behind.
//!
//! ```text
//! SWIFT_AUTH_URL=http://127.0.0.1:8080/auth/v1.0 SWIFT_API_USER=test:tester SWIFT_API_KEY=testing \
//!     cargo run -p swift-client --example tour
//! ```
#![allow(clippy::print_stdout, reason = "an example talks to people")]

use std::env;
use std::error::Error;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use swift_client::{
    Body, ByteRange, Client, ContainerOptions, CopyOptions, Created, Credentials, DeleteOptions,
    FileOptions, GetOptions, KeyScope, KeySlot, ListOptions, Listed, Metadata, ObjectOptions,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::temp_auth(
        env::var("SWIFT_AUTH_URL")?,
        env::var("SWIFT_API_USER")?,
        env::var("SWIFT_API_KEY")?,
    );
    let client = Client::builder(credentials).build()?;
    let capabilities = client.capabilities().await?;
    println!("Swift {:?}", capabilities.swift.version);

    let container = format!("tour-{:x}", std::process::id());
    let result = tour(&client, &container).await;
    empty(&client, &container).await?;
    result?;
    println!("done, and all removed");
    Ok(())
}

async fn tour(client: &Client, container: &str) -> Result<(), Box<dyn Error>> {
    let options = ContainerOptions {
        metadata: Metadata::from([("Colour", "blue")]),
        read_acl: Some(".r:*".to_owned()),
        quota_count: Some(100),
        ..ContainerOptions::default()
    };
    assert_eq!(
        client.put_container(container, &options).await?,
        Created::New
    );
    assert_eq!(
        client.put_container(container, &options).await?,
        Created::Existed
    );
    let info = client.head_container(container).await?;
    println!(
        "container {container}: {:?}, read by {:?}",
        info.metadata, info.read_acl
    );

    let names = [
        "plain",
        "grüße ✓.txt",
        "a/../b",
        "..",
        "//x//",
        "50% ?#&+;=",
        "tail ",
        "a/b/c",
    ];
    let plain = ObjectOptions::default();
    for name in names {
        let stored = client
            .put_object(container, name, name.to_owned(), &plain)
            .await?;
        let content = client
            .get_object(container, name, &GetOptions::default())
            .await?
            .bytes(100)
            .await?;
        assert_eq!(content, name.as_bytes());
        println!("object {name:?}: {}", stored.etag.unwrap_or_default());
    }

    let chunks = stream::iter((0..64).map(|n| Ok(Bytes::from(vec![n; 100_000]))));
    let options = ObjectOptions {
        content_type: Some("application/octet-stream".to_owned()),
        metadata: Metadata::from([("Caption", "Grüße")]),
        ..ObjectOptions::default()
    };
    client
        .put_object(container, "streamed", Body::stream(chunks, None), &options)
        .await?;
    let info = client
        .head_object(container, "streamed", &GetOptions::default())
        .await?;
    println!("streamed: {:?} bytes, {:?}", info.bytes, info.metadata);

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("streamed");
    let download = client
        .get_object(container, "streamed", &GetOptions::default())
        .await?;
    let written = download.write_file(&file, FileOptions::default()).await?;
    assert_eq!(Some(written), info.bytes);
    let stored = client
        .put_object(container, "file", Body::file(&file).await?, &plain)
        .await?;
    assert_eq!(stored.etag, info.etag);

    let range = GetOptions {
        range: Some(ByteRange::Between(99_999, 100_000)),
        ..GetOptions::default()
    };
    let part = client.get_object(container, "streamed", &range).await?;
    assert_eq!(part.info.bytes, Some(6_400_000));
    assert_eq!(part.bytes(10).await?, [0, 1][..]);

    client
        .copy_object(
            (container, "streamed"),
            (container, "copy ü"),
            &CopyOptions::default(),
        )
        .await?;
    let copy = client
        .head_object(container, "copy ü", &GetOptions::default())
        .await?;
    assert_eq!((copy.etag, copy.metadata), (info.etag, info.metadata));

    let unchanged = GetOptions {
        if_none_match: stored.etag,
        ..GetOptions::default()
    };
    println!(
        "{}",
        client
            .get_object(container, "file", &unchanged)
            .await
            .expect_err("this is to fail")
    );
    println!(
        "{}",
        client
            .get_object(container, "none", &GetOptions::default())
            .await
            .expect_err("this is to fail")
    );
    println!(
        "{}",
        client
            .delete_container(container)
            .await
            .expect_err("this is to fail")
    );

    let paged = ListOptions {
        page_size: Some(3),
        ..ListOptions::default()
    };
    let all: Vec<_> = client.list_objects(container, paged).try_collect().await?;
    assert_eq!(all.len(), names.len() + 3);
    let subdirs = ListOptions {
        delimiter: Some("/".to_owned()),
        ..ListOptions::default()
    };
    let top: Vec<_> = client
        .list_objects(container, subdirs)
        .try_collect()
        .await?;
    println!("{} objects, {} at the top", all.len(), top.len());

    let key = client
        .generate_temp_url_key(KeyScope::Container(container), KeySlot::Two)
        .await?;
    assert_eq!(
        client
            .temp_url_key(KeyScope::Container(container), KeySlot::Two)
            .await?,
        Some(key.clone())
    );
    let urls = client.temp_urls(&key).await?;
    let expires = u64::try_from(swift_client::Timestamp::now().as_second())? + 60;
    let plain_http = swift_client::HttpSettings::default().client()?;
    for name in names {
        let url = urls.url(signing::Method::Get, container, name, expires);
        println!(
            "temp URL for {name:?}: {}",
            plain_http.get(url).send().await?.status()
        );
    }
    client
        .remove_temp_url_key(KeyScope::Container(container), KeySlot::Two)
        .await?;
    assert_eq!(
        client
            .temp_url_key(KeyScope::Container(container), KeySlot::Two)
            .await?,
        None
    );
    Ok(())
}

async fn empty(client: &Client, container: &str) -> Result<(), swift_client::Error> {
    let objects = client.list_objects(container, ListOptions::default());
    objects
        .try_for_each_concurrent(8, |entry| async move {
            if let Listed::Item(object) = entry {
                client
                    .delete_object(container, &object.name, &DeleteOptions::default())
                    .await?;
            }
            Ok(())
        })
        .await?;
    let left = client
        .list_objects(container, ListOptions::default())
        .count()
        .await;
    assert_eq!(left, 0);
    client.delete_container(container).await
}
