//! Who may read and write: ACLs of containers and of accounts.

use crate::target::Target;

#[tokio::test]
async fn opens_objects_to_everybody_but_not_the_listing() {
    let swift = Target::start().await;
    let container = swift.container_with(&[("x-container-read", ".r:*")]).await;
    container.holds("o", "x").await;

    assert_eq!(container.get("o").anonymous().await.is(200).text(), "x");
    container.head("o").anonymous().await.is(200);
    container.get("nothing").anonymous().await.is(404);
    container.list("").anonymous().await.is(401);
    container.put("o").anonymous().body("y").await.is(401);
    container.delete("o").anonymous().await.is(401);
}

#[tokio::test]
async fn opens_the_listing_with_rlistings() {
    let swift = Target::start().await;
    let container = swift
        .container_with(&[("x-container-read", ".r:*,.rlistings")])
        .await;
    container.holds("o", "x").await;

    assert_eq!(container.list("").anonymous().await.is(200).lines(), ["o"]);
    container.inspect().anonymous().await.is(204);
    container.update().anonymous().await.is(401);
}

#[tokio::test]
async fn opens_objects_to_the_referrers_it_names() {
    let swift = Target::start().await;
    let container = swift
        .container_with(&[(
            "x-container-read",
            ".r:*,.r:-.example.com,.r:www.example.com",
        )])
        .await;
    container.holds("o", "x").await;

    for (referrer, status) in [
        ("http://elsewhere.org/page", 200),
        ("http://bad.example.com/page", 401),
        ("http://www.example.com/page", 200),
    ] {
        container
            .get("o")
            .anonymous()
            .header("referer", referrer)
            .await
            .is(status);
    }
    swift
        .post(&container.path)
        .header("x-container-read", ".r:.example.com")
        .await
        .is(204);
    container.get("o").anonymous().await.is(401);
    container
        .get("o")
        .anonymous()
        .header("referer", "https://a.example.com")
        .await
        .is(200);
    container
        .get("o")
        .anonymous()
        .header("referer", "https://example.com.evil.org")
        .await
        .is(401);
}

#[tokio::test]
async fn writes_an_acl_down_in_its_short_form() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let read = async |acl: &str| {
        container
            .update()
            .header("x-container-read", acl)
            .await
            .is(204);
        container
            .inspect()
            .await
            .header("x-container-read")
            .map(str::to_owned)
    };

    assert_eq!(read(".referrer : *").await.as_deref(), Some(".r:*"));
    assert_eq!(
        read(".ref:-bad.example.com, .rlistings").await.as_deref(),
        Some(".r:-bad.example.com,.rlistings")
    );
    assert_eq!(
        read("test2:tester2 , test5").await.as_deref(),
        Some("test2:tester2,test5")
    );
    assert_eq!(
        read(".r:*.example.com").await.as_deref(),
        Some(".r:.example.com")
    );
    assert_eq!(read("").await, None);
}

#[tokio::test]
async fn refuses_an_acl_it_does_not_understand() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for (name, acl, why) in [
        (
            "x-container-read",
            ".r:",
            "No host/domain value after referrer designation in ACL: '.r:'",
        ),
        (
            "x-container-read",
            ".r:-",
            "No host/domain value after referrer designation in ACL: '.r:-'",
        ),
        (
            "x-container-read",
            ".unknown:value",
            "Unknown designator '.unknown' in ACL: '.unknown:value'",
        ),
        (
            "x-container-write",
            ".r:*",
            "Referrers not allowed in write ACL: '.r:*'",
        ),
    ] {
        let refused = container.update().header(name, acl).await.is(400);
        assert_eq!(refused.text(), why);
    }
}

#[tokio::test]
async fn lets_named_users_and_accounts_read() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(other) = swift.user("test2:tester2", "testing2").await else {
        return;
    };
    let container = swift.container().await;
    container.holds("o", "x").await;

    for acl in ["test2:tester2", "test2"] {
        container
            .update()
            .header("x-container-read", acl)
            .await
            .is(204);
        container.get("o").token(&other.token).await.is(200);
        container.list("").token(&other.token).await.is(200);
        container
            .put("p")
            .token(&other.token)
            .body("x")
            .await
            .is(403);
        container.update().token(&other.token).await.is(403);
    }
    container
        .update()
        .header("x-container-read", "test2:somebody-else,test3")
        .await
        .is(204);
    container.get("o").token(&other.token).await.is(403);
}

#[tokio::test]
async fn lets_named_users_write_without_reading() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(user) = swift.user("test:tester3", "testing3").await else {
        return;
    };
    let container = swift
        .container_with(&[("x-container-write", "test:tester3")])
        .await;

    container
        .put("o")
        .token(&user.token)
        .body("x")
        .await
        .is(201);
    container
        .post("o")
        .token(&user.token)
        .header("x-object-meta-a", "b")
        .await
        .is(202);
    container.get("o").token(&user.token).await.is(403);
    container.list("").token(&user.token).await.is(403);
    container.delete("o").token(&user.token).await.is(204);
    swift
        .delete(&container.path)
        .token(&user.token)
        .await
        .is(403);
}

#[tokio::test]
async fn shows_acls_to_the_owner_only() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(other) = swift.user("test2:tester2", "testing2").await else {
        return;
    };
    let container = swift
        .container_with(&[
            ("x-container-read", "test2:tester2"),
            ("x-container-write", "test2:tester2"),
            ("x-container-meta-temp-url-key", "secret"),
        ])
        .await;

    let own = container.inspect().await.is(204);
    assert_eq!(own.header("x-container-read"), Some("test2:tester2"));
    assert_eq!(own.header("x-container-write"), Some("test2:tester2"));
    assert_eq!(own.header("x-container-meta-temp-url-key"), Some("secret"));
    let seen = container.inspect().token(&other.token).await.is(204);
    for name in [
        "x-container-read",
        "x-container-write",
        "x-container-meta-temp-url-key",
    ] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn lets_an_accounts_acl_grant_reading_writing_and_admin() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(account) = swift.private_account().await else {
        return;
    };
    let Some(user) = swift.user("test:tester3", "testing3").await else {
        return;
    };
    let container = swift.container_in(&account, &[]).await;
    container.holds("o", "x").await;
    let grant = async |role: &str| {
        let acl = format!("{{\"{role}\":[\"test:tester3\"]}}");
        swift
            .post(&account.account)
            .token(&account.token)
            .header("x-account-access-control", acl)
            .await
            .is(204);
    };
    let read = || container.get("o").token(&user.token);
    let write = || container.put("p").token(&user.token).body("y");
    let manage = || {
        swift
            .post(&account.account)
            .token(&user.token)
            .header("x-account-meta-a", "b")
    };

    read().await.is(403);
    grant("read-only").await;
    read().await.is(200);
    swift
        .head(&account.account)
        .token(&user.token)
        .await
        .is(204);
    write().await.is(403);
    grant("read-write").await;
    read().await.is(200);
    write().await.is(201);
    swift.put(&container.path).token(&user.token).await.is(202);
    manage().await.is(403);
    grant("admin").await;
    write().await.is(201);
    manage().await.is(204);
    swift
        .post(&account.account)
        .token(&account.token)
        .header("x-account-access-control", "{}")
        .await
        .is(204);
    read().await.is(403);
}

#[tokio::test]
async fn refuses_an_accounts_acl_that_is_no_json_of_roles() {
    let Some(swift) = Target::with(["tempauth"]).await else {
        return;
    };
    let Some(account) = swift.private_account().await else {
        return;
    };

    for acl in [
        "nonsense",
        "[]",
        "{\"king\":[\"a\"]}",
        "{\"admin\":\"a\"}",
        "{\"admin\":[1]}",
        "{\"admin\":[\"\"]",
    ] {
        let post = swift
            .post(&account.account)
            .token(&account.token)
            .header("x-account-access-control", acl);
        let refused = post.await.is(400);
        assert!(
            refused
                .text()
                .starts_with("X-Account-Access-Control invalid: "),
            "{acl}: {}",
            refused.text()
        );
    }
}
