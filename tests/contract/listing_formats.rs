//! Listings as plain text, JSON and XML, by `format` or by `Accept`.

use crate::target::{Container, Target};

async fn some(swift: &Target) -> Container<'_> {
    let container = swift.container().await;
    container
        .put("a")
        .header("content-type", "text/plain")
        .body("12345")
        .await
        .is(201);
    container
        .put("dir/b")
        .header("content-type", "text/plain")
        .body("1")
        .await
        .is(201);
    container
}

#[tokio::test]
async fn answers_in_the_format_the_query_asks_for() {
    let swift = Target::start().await;
    let container = some(&swift).await;

    for (format, kind) in [
        ("plain", "text/plain; charset=utf-8"),
        ("json", "application/json; charset=utf-8"),
        ("xml", "application/xml; charset=utf-8"),
    ] {
        let listing = container.list(&format!("format={format}")).await.is(200);
        assert_eq!(listing.header("content-type"), Some(kind));
        let head = swift
            .head(format!("{}?format={format}", container.path))
            .await
            .is(204);
        assert_eq!(head.header("content-type"), Some(kind));
    }
    let listing = container.list("format=nonsense").await.is(200);
    assert_eq!(
        listing.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn answers_in_the_format_that_accept_prefers() {
    let swift = Target::start().await;
    let container = some(&swift).await;

    for (accept, kind) in [
        ("application/json", "application/json; charset=utf-8"),
        ("application/xml", "application/xml; charset=utf-8"),
        ("text/xml", "text/xml; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("*/*", "text/plain; charset=utf-8"),
        ("application/*", "application/json; charset=utf-8"),
        (
            "text/plain;q=0.5, application/json",
            "application/json; charset=utf-8",
        ),
        (
            "application/xml;q=0.3, application/json;q=0.2",
            "application/xml; charset=utf-8",
        ),
        ("image/png, */*;q=0.1", "text/plain; charset=utf-8"),
    ] {
        let listing = container.list("").header("accept", accept).await.is(200);
        assert_eq!(listing.header("vary"), Some("Accept"), "{accept}");
        assert_eq!(listing.header("content-type"), Some(kind), "{accept}");
    }
}

#[tokio::test]
async fn lets_the_query_win_over_accept() {
    let swift = Target::start().await;
    let container = some(&swift).await;

    let listing = container
        .list("format=json")
        .header("accept", "text/plain")
        .await
        .is(200);
    assert_eq!(
        listing.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[tokio::test]
async fn refuses_an_accept_that_nothing_satisfies_or_that_is_malformed() {
    let swift = Target::start().await;
    let container = some(&swift).await;

    container
        .list("")
        .header("accept", "image/png")
        .await
        .is(406);
    let refused = container
        .list("")
        .header("accept", "text/plain;q=high")
        .await
        .is(400);
    assert_eq!(refused.text(), "Invalid Accept header");
}

#[tokio::test]
async fn writes_a_container_as_xml() {
    let swift = Target::start().await;
    let container = some(&swift).await;

    let json = container.list("format=json").await.is(200).json();
    let modified = json[0]["last_modified"].as_str().expect("a time");
    let listing = container.list("format=xml&delimiter=/").await.is(200);
    assert_eq!(
        listing.text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"{}\"><object><name>a</name>\
             <hash>827ccb0eea8a706c4c34a16891f84e7b</hash><bytes>5</bytes><content_type>text/plain</content_type>\
             <last_modified>{modified}</last_modified></object><subdir name=\"dir/\"><name>dir/</name></subdir>\
             </container>",
            container.name
        )
    );
}

#[tokio::test]
async fn writes_an_account_as_xml() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };
    let container = swift.container_in(&account, &[]).await;
    let list = |query: &str| {
        swift
            .get(format!("{}?{query}", account.account))
            .token(&account.token)
    };

    let json = list("format=json").await.is(200).json();
    let (name, modified) = (
        &container.name,
        json[0]["last_modified"].as_str().expect("a time"),
    );
    let policy = json[0]["storage_policy"].as_str().expect("a policy");
    assert_eq!(
        list("format=xml").await.is(200).text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"{}\">\n<container><name>{name}</name>\
             <count>0</count><bytes>0</bytes><last_modified>{modified}</last_modified>\
             <storage_policy>{policy}</storage_policy></container>\n</account>",
            account.account_name()
        )
    );
}

#[tokio::test]
async fn writes_empty_listings_in_every_format() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container.list("format=plain").await.is(204);
    assert_eq!(container.list("format=json").await.is(200).text(), "[]");
    assert_eq!(
        container.list("format=xml").await.is(200).text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"{}\" />",
            container.name
        )
    );
}
