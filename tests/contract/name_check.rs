//! Which names a request may use at all.

use crate::target::Target;

#[tokio::test]
async fn reads_an_encoded_slash_as_a_slash() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    // The path is decoded before it is split.
    let get = swift.get(format!("{}%2Fo", container.path)).await.is(200);
    assert_eq!(get.text(), "x");
}

#[tokio::test]
async fn refuses_names_with_a_nul_or_bytes_that_are_not_utf_8() {
    let swift = Target::start().await;

    for name in ["a%00b", "%C3%28", "%FF"] {
        let put = swift
            .put(format!("{}/{name}", swift.owner.account))
            .await
            .is(412);
        assert_eq!(put.text(), "Invalid UTF8 or contains NULL", "{name}");
    }
}

#[tokio::test]
async fn takes_dots_as_names() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for name in [".", "..", "../x", "a/../b", "./a"] {
        container.put(name).body("x").await.is(201);
        container.get(name).await.is(200);
    }
    assert_eq!(
        container.list("").await.is(200).lines(),
        [".", "..", "../x", "./a", "a/../b"]
    );
}

#[tokio::test]
async fn keeps_slashes_at_either_end_of_an_object_name() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container.put("/a").body("leading").await.is(201);
    container.put("a/").body("trailing").await.is(201);
    assert_eq!(container.get("/a").await.is(200).text(), "leading");
    assert_eq!(container.get("a/").await.is(200).text(), "trailing");
    container.get("a").await.is(404);
    // One slash after the container names no object.
    assert_eq!(container.get("").await.is(200).lines(), ["/a", "a/"]);
}

#[tokio::test]
async fn calls_a_path_without_an_account_a_bad_url() {
    let swift = Target::start().await;

    for target in ["/v1", "/v1/", "/", "/v1//c"] {
        let status = swift.get(target).await.status;
        assert!(matches!(status, 404 | 412), "{target} answers {status}");
    }
    assert_eq!(swift.get("/v1").await.is(412).text(), "Bad URL");
    swift.get("/").await.shows(404);
}

#[tokio::test]
async fn refuses_a_version_it_does_not_speak() {
    let swift = Target::start().await;

    swift
        .get(swift.owner.account.replacen("/v1/", "/v2/", 1))
        .await
        .shows(400);
    // An older spelling of the same version.
    swift.post(&swift.owner.account).await.is(204);
    swift
        .head(swift.owner.account.replacen("/v1/", "/v1.0/", 1))
        .await
        .is(204);
}
