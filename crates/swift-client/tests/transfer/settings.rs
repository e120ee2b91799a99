use swift_client::{ContainerOptions, Error, GetOptions, ObjectOptions, StaticWeb, SymlinkTarget};

use crate::place::Place;

#[tokio::test]
async fn sets_up_a_web_site_and_takes_a_setting_back() {
    let place = Place::new().await;
    let site = StaticWeb {
        index: Some("index.html".to_owned()),
        error: Some("error.html".to_owned()),
        listings: Some(true),
        listings_css: Some("style.css".to_owned()),
        directory_type: Some("text/directory".to_owned()),
    };
    let post = |static_web: StaticWeb| {
        let (client, container) = (place.client.clone(), place.container.clone());
        async move {
            let options = ContainerOptions {
                static_web,
                ..ContainerOptions::default()
            };
            client.post_container(&container, &options).await.unwrap();
            client.head_container(&container).await.unwrap().static_web
        }
    };
    assert_eq!(post(site.clone()).await, site);
    let change = StaticWeb {
        error: Some(String::new()),
        listings: Some(false),
        ..StaticWeb::default()
    };
    let expected = StaticWeb {
        error: None,
        listings: Some(false),
        ..site
    };
    assert_eq!(post(change).await, expected);
    place.remove().await;
}

#[tokio::test]
async fn changes_one_thing_about_an_object_and_keeps_the_rest() {
    let place = Place::new().await;
    let options = ObjectOptions {
        content_type: Some("text/x-test".to_owned()),
        content_disposition: Some("inline".to_owned()),
        metadata: [("colour", "blue")].into(),
        ..ObjectOptions::default()
    };
    let client = &place.client;
    client
        .put_object(&place.container, "o", "x", &options)
        .await
        .unwrap();
    let get = GetOptions::default();
    let info = client
        .head_object(&place.container, "o", &get)
        .await
        .unwrap();
    let mut change = ObjectOptions::from(&info);
    change.metadata.insert("mood", "fine");
    client
        .post_object(&place.container, "o", &change)
        .await
        .unwrap();
    let info = client
        .head_object(&place.container, "o", &get)
        .await
        .unwrap();
    assert_eq!(info.metadata, [("colour", "blue"), ("mood", "fine")].into());
    assert_eq!(info.content_type.as_deref(), Some("text/x-test"));
    assert_eq!(info.headers["content-disposition"], "inline");
    place.remove().await;
}

#[tokio::test]
async fn a_symlink_with_a_hash_stops_at_another_content() {
    let place = Place::new().await;
    let client = &place.client;
    let (container, options) = (place.container.as_str(), ObjectOptions::default());
    let stored = client
        .put_object(container, "o ü", "one", &options)
        .await
        .unwrap();
    let target = SymlinkTarget {
        container: container.to_owned(),
        object: "o ü".to_owned(),
        etag: stored.etag,
        ..SymlinkTarget::default()
    };
    client
        .put_symlink(container, "link", &target, &options)
        .await
        .unwrap();
    assert_eq!(place.content("link").await, b"one");
    let itself = GetOptions {
        symlink: true,
        ..GetOptions::default()
    };
    let info = client
        .head_object(container, "link", &itself)
        .await
        .unwrap();
    assert_eq!(info.symlink_target, Some(format!("{container}/o%20%C3%BC")));
    client
        .put_object(container, "o ü", "two", &options)
        .await
        .unwrap();
    let error = client
        .get_object(container, "link", &GetOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    place.remove().await;
}
