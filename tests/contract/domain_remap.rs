//! Accounts and containers named by the host instead of the path.

use crate::target::Target;

const DOMAIN: &str = "example.net";

#[tokio::test]
async fn finds_the_account_in_the_host() {
    let Some(swift) = Target::with(["domain_remap"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("o", "x").await;
    let host = format!("{}.{DOMAIN}", swift.owner.account_name());

    let get = swift
        .get(format!("/{}/o", container.name))
        .header("host", &host)
        .await
        .is(200);
    assert_eq!(get.text(), "x");
    swift
        .get(format!("/v1/{}/o", container.name))
        .header("host", &host)
        .await
        .is(404);
    swift.head("/").header("host", &host).await.is(204);
}

#[tokio::test]
async fn finds_the_container_in_the_host() {
    let Some(swift) = Target::with(["domain_remap"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("dir/o", "x").await;
    let host = format!("{}.{}.{DOMAIN}", container.name, swift.owner.account_name());

    assert_eq!(
        swift
            .get("/dir/o")
            .header("host", &host)
            .await
            .is(200)
            .text(),
        "x"
    );
    assert_eq!(
        swift.get("/").header("host", &host).await.is(200).lines(),
        ["dir/o"]
    );
}

#[tokio::test]
async fn takes_a_dash_for_the_underscore_and_any_case_for_the_prefix() {
    let Some(swift) = Target::with(["domain_remap"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("o", "x").await;
    let host = format!(
        "{}.{DOMAIN}:8080",
        swift.owner.account_name().replacen("AUTH_", "auth-", 1)
    );

    assert_eq!(
        swift
            .get(format!("/{}/o", container.name))
            .header("host", &host)
            .await
            .is(200)
            .text(),
        "x"
    );
}

#[tokio::test]
async fn refuses_a_host_with_too_many_parts() {
    let Some(swift) = Target::with(["domain_remap"]).await else {
        return;
    };
    let host = format!("a.b.{}.{DOMAIN}", swift.owner.account_name());

    let answer = swift.get("/o").header("host", &host).await.is(400);
    assert_eq!(answer.text(), "Bad domain in host header");
}

#[tokio::test]
async fn leaves_other_hosts_alone() {
    let Some(swift) = Target::with(["domain_remap"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("o", "x").await;

    for host in ["swift.example.org", DOMAIN, "AUTH_test.elsewhere.org"] {
        container.get("o").header("host", host).await.is(200);
    }
}
