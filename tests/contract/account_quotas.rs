//! Limits that a reseller sets on an account.

use crate::target::Target;

#[tokio::test]
async fn lets_only_a_reseller_admin_set_a_quota() {
    let Some(swift) = Target::with(["account_quotas"]).await else {
        return;
    };
    let Some(account) = swift.private_account().await else {
        return;
    };

    for name in [
        "x-account-meta-quota-bytes",
        "x-remove-account-meta-quota-bytes",
        "x-account-quota-count",
    ] {
        swift
            .post(&swift.owner.account)
            .header(name, "1000000")
            .await
            .shows(403);
    }
    swift
        .post(&account.account)
        .token(&account.token)
        .header("x-account-meta-quota-bytes", "1000")
        .await
        .is(204);
    let head = swift
        .head(&account.account)
        .token(&account.token)
        .await
        .is(204);
    assert_eq!(head.header("x-account-meta-quota-bytes"), Some("1000"));
}

#[tokio::test]
async fn refuses_an_upload_beyond_the_bytes_of_the_account() {
    let Some(swift) = Target::with(["account_quotas"]).await else {
        return;
    };
    let Some(account) = swift.private_account().await else {
        return;
    };
    let container = swift.container_in(&account, &[]).await;
    let acl = "{\"admin\":[\"test:tester\"]}";
    let post = swift
        .post(&account.account)
        .token(&account.token)
        .header("x-account-access-control", acl);
    post.header("x-account-meta-quota-bytes", "5").await.is(204);

    let put = |body: &'static str| container.put("o").token(&swift.owner.token).body(body);
    assert_eq!(put("123456").await.is(413).text(), "Upload exceeds quota.");
    put("12345").await.is(201);
    // A reseller admin is above it.
    container
        .put("big")
        .token(&account.token)
        .body("1234567890")
        .await
        .is(201);
}

#[tokio::test]
async fn refuses_a_quota_that_is_no_number() {
    let Some(swift) = Target::with(["account_quotas"]).await else {
        return;
    };
    let Some(account) = swift.private_account().await else {
        return;
    };

    let post = swift
        .post(&account.account)
        .token(&account.token)
        .header("x-account-meta-quota-bytes", "many");
    post.await.shows(400);
}
