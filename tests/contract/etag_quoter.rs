//! Entity tags in quotes, as the RFC has them, for those who ask.

use crate::sign::md5;
use crate::target::Target;

#[tokio::test]
async fn leaves_etags_bare_by_default() {
    let Some(swift) = Target::with(["etag_quoter"]).await else {
        return;
    };
    let container = swift.container().await;

    let put = container.put("o").body("x").await.is(201);
    if swift.info["etag_quoter"]["enable_by_default"] == true {
        return swift.skip("etags are quoted by default");
    }
    assert_eq!(put.header("etag"), Some(md5("x").as_str()));
    assert_eq!(
        container.get("o").await.is(200).header("etag"),
        Some(md5("x").as_str())
    );
}

#[tokio::test]
async fn quotes_the_etags_of_a_container_that_wants_it() {
    let Some(swift) = Target::with(["etag_quoter"]).await else {
        return;
    };
    let container = swift
        .container_with(&[("x-container-rfc-compliant-etags", "true")])
        .await;
    let quoted = format!("\"{}\"", md5("x"));

    assert_eq!(
        container.put("o").body("x").await.is(201).header("etag"),
        Some(quoted.as_str())
    );
    assert_eq!(
        container.get("o").await.is(200).header("etag"),
        Some(quoted.as_str())
    );
    assert_eq!(
        container.head("o").await.is(200).header("etag"),
        Some(quoted.as_str())
    );
    assert_eq!(
        container
            .inspect()
            .await
            .header("x-container-rfc-compliant-etags"),
        Some("True")
    );
    // Listings stay as they are.
    assert_eq!(
        container.list("format=json").await.is(200).json()[0]["hash"],
        md5("x")
    );
}

#[tokio::test]
async fn lets_a_container_override_its_account() {
    let Some(swift) = Target::with(["etag_quoter"]).await else {
        return;
    };
    let Some(account) = swift.private_account().await else {
        return;
    };
    swift
        .post(&account.account)
        .token(&account.token)
        .header("x-account-rfc-compliant-etags", "true")
        .await
        .is(204);
    let quoting = swift.container_in(&account, &[]).await;
    let bare = swift
        .container_in(&account, &[("x-container-rfc-compliant-etags", "false")])
        .await;

    let quoted = format!("\"{}\"", md5("x"));
    assert_eq!(
        quoting.put("o").body("x").await.is(201).header("etag"),
        Some(quoted.as_str())
    );
    assert_eq!(
        bare.put("o").body("x").await.is(201).header("etag"),
        Some(md5("x").as_str())
    );
}
