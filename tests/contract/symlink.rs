//! Objects that stand for another, by name or by name and `ETag`.

use crate::sign::md5;
use crate::target::Target;

#[tokio::test]
async fn reads_the_object_it_names() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    container
        .put("target")
        .header("content-type", "text/css")
        .header("x-object-meta-a", "1")
        .body("body")
        .await
        .is(201);

    let put = container
        .put("link")
        .header("x-symlink-target", format!("{}/target", container.name));
    put.header("content-type", "application/symlink")
        .await
        .is(201);

    let get = container.get("link").await.is(200);
    assert_eq!(get.text(), "body");
    assert_eq!(get.header("content-type"), Some("text/css"));
    assert_eq!(get.header("x-object-meta-a"), Some("1"));
    assert_eq!(
        get.header("content-location"),
        Some(container.at("target").as_str())
    );
    assert_eq!(
        container
            .head("link")
            .await
            .is(200)
            .header("content-length"),
        Some("4")
    );
    let part = container
        .get("link")
        .header("range", "bytes=1-2")
        .await
        .is(206);
    assert_eq!(part.text(), "od");
}

#[tokio::test]
async fn shows_itself_on_request() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    let target = format!("{}/target", container.name);
    container
        .put("link")
        .header("x-symlink-target", &target)
        .header("content-type", "application/symlink")
        .await
        .is(201);

    let get = container.get("link?symlink=get").await.is(200);
    assert_eq!(get.body, "");
    assert_eq!(get.header("x-symlink-target"), Some(target.as_str()));
    assert_eq!(get.header("content-type"), Some("application/symlink"));
    let listing = container.list("format=json").await.is(200).json();
    assert_eq!(listing[0]["symlink_path"], container.at("target"));
    assert_eq!(listing[0]["bytes"], 0);
}

#[tokio::test]
async fn answers_404_when_the_target_is_gone() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    container
        .put("link")
        .header("x-symlink-target", format!("{}/nothing", container.name))
        .await
        .is(201);

    let get = container.get("link").await.is(404);
    assert_eq!(
        get.header("content-location"),
        Some(container.at("nothing").as_str())
    );
}

#[tokio::test]
async fn deletes_the_link_not_the_target() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("target", "body").await;
    container
        .put("link")
        .header("x-symlink-target", format!("{}/target", container.name))
        .await
        .is(201);

    container.delete("link").await.is(204);
    assert_eq!(container.get("target").await.is(200).text(), "body");
}

#[tokio::test]
async fn sends_a_post_on_to_the_target() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("target", "body").await;
    container
        .put("link")
        .header("x-symlink-target", format!("{}/target", container.name))
        .await
        .is(201);

    let post = container
        .post("link")
        .header("x-object-meta-a", "1")
        .await
        .is(307);
    assert_eq!(
        post.header("location"),
        Some(container.at("target").as_str())
    );
    assert_eq!(
        container
            .head("target")
            .await
            .is(200)
            .header("x-object-meta-a"),
        None
    );
}

#[tokio::test]
async fn follows_links_only_so_far() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    let most = swift.info["symlink"]["symloop_max"]
        .as_u64()
        .expect("a number");
    container.holds("0", "body").await;
    for link in 1..=most + 1 {
        let target = format!("{}/{}", container.name, link - 1);
        container
            .put(&link.to_string())
            .header("x-symlink-target", target)
            .await
            .is(201);
    }

    assert_eq!(
        container.get(&most.to_string()).await.is(200).text(),
        "body"
    );
    container.get(&(most + 1).to_string()).await.is(409);
}

#[tokio::test]
async fn refuses_a_link_to_itself_and_targets_that_are_none() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    let link = |target: String| container.put("link").header("x-symlink-target", target);

    let itself = link(format!("{}/link", container.name)).await.is(400);
    assert_eq!(itself.text(), "Symlink cannot target itself");
    let shape = "X-Symlink-Target header must be of the form <container name>/<object name>";
    for target in ["no-slash", "/leading/slash", "container/"] {
        assert_eq!(
            link(target.to_owned()).await.is(412).text(),
            shape,
            "{target}"
        );
    }
    let full = link(format!("{}/target", container.name))
        .body("x")
        .await
        .is(400);
    assert_eq!(full.text(), "Symlink requests require a zero byte body");
}

#[tokio::test]
async fn pins_the_target_with_an_etag() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("target", "body").await;
    let target = format!("{}/target", container.name);
    let link = |etag: String| {
        container
            .put("link")
            .header("x-symlink-target", &target)
            .header("x-symlink-target-etag", etag)
    };

    let refused = link(md5("other")).await.is(409);
    assert_eq!(
        refused.text(),
        format!(
            "Object Etag '{}' does not match X-Symlink-Target-Etag header '{}'",
            md5("body"),
            md5("other")
        )
    );
    link(md5("body")).await.is(201);
    assert_eq!(container.get("link").await.is(200).text(), "body");
    let own = container.head("link?symlink=get").await.is(200);
    assert_eq!(
        own.header("x-symlink-target-etag"),
        Some(md5("body").as_str())
    );
    assert_eq!(own.header("x-symlink-target-bytes"), Some("4"));

    container.holds("target", "changed").await;
    container.get("link").await.is(409);
}

#[tokio::test]
async fn shows_nothing_of_a_target_that_the_reader_may_not_read() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let open = swift.container_with(&[("x-container-read", ".r:*")]).await;
    let closed = swift.container().await;
    closed.holds("secret", "secret").await;
    open.put("link")
        .header("x-symlink-target", format!("{}/secret", closed.name))
        .await
        .is(201);

    open.get("link").anonymous().await.is(401);
    assert_eq!(open.get("link").await.is(200).text(), "secret");
}

#[tokio::test]
async fn links_across_accounts() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let Some(other) = swift.user("test2:tester2", "testing2").await else {
        return;
    };
    let theirs = swift
        .container_in(&other, &[("x-container-read", ".r:*")])
        .await;
    theirs.holds("o", "theirs").await;
    let ours = swift.container().await;

    let link = ours
        .put("link")
        .header("x-symlink-target", format!("{}/o", theirs.name));
    link.header("x-symlink-target-account", other.account_name())
        .await
        .is(201);
    assert_eq!(ours.get("link").await.is(200).text(), "theirs");
    assert_eq!(
        ours.head("link?symlink=get")
            .await
            .is(200)
            .header("x-symlink-target-account"),
        Some(other.account_name())
    );
}

#[tokio::test]
async fn copies_the_target_or_the_link() {
    let Some(swift) = Target::with(["symlink"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("target", "body").await;
    let target = format!("{}/target", container.name);
    container
        .put("link")
        .header("x-symlink-target", &target)
        .await
        .is(201);

    container
        .request("COPY", "link")
        .header("destination", format!("{}/object", container.name))
        .await
        .is(201);
    assert_eq!(
        container
            .head("object?symlink=get")
            .await
            .is(200)
            .header("x-symlink-target"),
        None
    );
    container
        .request("COPY", "link?symlink=get")
        .header("destination", format!("{}/second", container.name))
        .await
        .is(201);
    assert_eq!(
        container
            .head("second?symlink=get")
            .await
            .is(200)
            .header("x-symlink-target"),
        Some(target.as_str())
    );
}
