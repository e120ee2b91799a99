//! Accounts: totals, listings of containers, metadata, making and removing them.

use serde_json::json;

use crate::target::Target;

#[tokio::test]
async fn describes_an_account_that_was_never_written_to() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };

    let head = swift
        .head(&account.account)
        .token(&account.token)
        .await
        .is(204);
    assert_eq!(head.header("x-account-container-count"), Some("0"));
    assert_eq!(head.header("x-account-object-count"), Some("0"));
    assert_eq!(head.header("x-account-bytes-used"), Some("0"));
    assert_eq!(
        head.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert!(head.header("x-timestamp").is_some());

    assert_eq!(
        swift
            .get(&account.account)
            .token(&account.token)
            .await
            .is(204)
            .body,
        ""
    );
    assert_eq!(
        swift
            .get(format!("{}?format=json", account.account))
            .token(&account.token)
            .await
            .is(200)
            .text(),
        "[]"
    );
}

#[tokio::test]
async fn lists_its_containers() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };
    for name in ["b", "a", "c%20%C3%BC"] {
        swift
            .put(format!("{}/{name}", account.account))
            .token(&account.token)
            .await
            .is(201);
    }
    let list = |query: &'static str| {
        swift
            .get(format!("{}?{query}", account.account))
            .token(&account.token)
    };

    let plain = list("").await.is(200);
    assert_eq!(plain.lines(), ["a", "b", "c ü"]);
    assert_eq!(plain.header("x-account-container-count"), Some("3"));
    assert_eq!(list("limit=1").await.is(200).lines(), ["a"]);
    assert_eq!(list("marker=a").await.is(200).lines(), ["b", "c ü"]);
    assert_eq!(list("end_marker=b").await.is(200).lines(), ["a"]);
    assert_eq!(list("prefix=c").await.is(200).lines(), ["c ü"]);
    assert_eq!(
        list("reverse=true").await.is(200).lines(),
        ["c ü", "b", "a"]
    );

    let json = list("format=json").await.is(200);
    assert_eq!(
        json.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let json = json.json();
    let modified = json[0]["last_modified"].as_str().expect("a time");
    assert_eq!(modified.len(), 26, "{modified}");
    let policy = swift.info["swift"]["policies"][0]["name"].clone();
    assert_eq!(
        json[0],
        json!({ "name": "a", "count": 0, "bytes": 0, "last_modified": modified, "storage_policy": policy })
    );

    for name in ["b", "a", "c%20%C3%BC"] {
        swift
            .delete(format!("{}/{name}", account.account))
            .token(&account.token)
            .await
            .is(204);
    }
}

#[tokio::test]
async fn rolls_container_names_up_to_the_delimiter() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };
    for name in ["a", "b-1", "b-2"] {
        swift
            .put(format!("{}/{name}", account.account))
            .token(&account.token)
            .await
            .is(201);
    }

    let list = swift
        .get(format!("{}?delimiter=-", account.account))
        .token(&account.token)
        .await
        .is(200);
    assert_eq!(list.lines(), ["a", "b-"]);
    let json = swift
        .get(format!("{}?delimiter=-&format=json", account.account))
        .token(&account.token)
        .await
        .is(200)
        .json();
    assert_eq!(json[1], json!({ "subdir": "b-" }));

    for name in ["a", "b-1", "b-2"] {
        swift
            .delete(format!("{}/{name}", account.account))
            .token(&account.token)
            .await
            .is(204);
    }
}

#[tokio::test]
async fn post_adds_changes_and_removes_metadata_one_by_one() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };
    let post = || swift.post(&account.account).token(&account.token);
    let head = || swift.head(&account.account).token(&account.token);

    let answer = post()
        .header("x-account-meta-a", "1")
        .header("x-account-meta-b", "2")
        .await
        .is(204);
    assert_eq!(answer.body, "");
    post()
        .header("x-account-meta-b", "")
        .header("x-account-meta-c", "3")
        .await
        .is(204);
    post().header("x-remove-account-meta-c", "x").await.is(204);

    let described = head().await.is(204);
    assert_eq!(described.header("x-account-meta-a"), Some("1"));
    assert_eq!(described.header("x-account-meta-b"), None);
    assert_eq!(described.header("x-account-meta-c"), None);
}

#[tokio::test]
async fn shows_temp_url_keys_to_the_owner() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };

    let post = swift.post(&account.account).token(&account.token);
    post.header("x-account-meta-temp-url-key", "one")
        .header("x-account-meta-temp-url-key-2", "two")
        .await
        .is(204);

    let head = swift
        .head(&account.account)
        .token(&account.token)
        .await
        .is(204);
    assert_eq!(head.header("x-account-meta-temp-url-key"), Some("one"));
    assert_eq!(head.header("x-account-meta-temp-url-key-2"), Some("two"));
}

#[tokio::test]
async fn comes_into_being_when_its_owner_asks_for_it() {
    let swift = Target::start().await;
    let Some(admin) = swift.user("admin:admin", "admin").await else {
        return;
    };
    if swift.info["swift"]["account_autocreate"] != true {
        return swift.skip("account_autocreate is off");
    }
    let account = format!("/v1/AUTH_contract-{}", uuid::Uuid::new_v4().simple());

    let head = swift.head(&account).token(&admin.token).await.is(200);
    assert_eq!(head.header("x-account-container-count"), Some("0"));
    swift
        .put(format!("{account}/c"))
        .token(&admin.token)
        .await
        .is(201);
    assert_eq!(
        swift
            .get(&account)
            .token(&admin.token)
            .await
            .is(200)
            .lines(),
        ["c"]
    );

    swift
        .delete(format!("{account}/c"))
        .token(&admin.token)
        .await
        .is(204);
}

#[tokio::test]
async fn only_a_reseller_admin_makes_and_removes_accounts() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };

    swift.put(&swift.owner.account).await.shows(403);
    swift.delete(&swift.owner.account).await.shows(403);

    swift
        .put(&account.account)
        .token(&account.token)
        .await
        .is(202);
    swift
        .delete(&account.account)
        .token(&account.token)
        .await
        .is(204);
    let gone = swift
        .get(&account.account)
        .token(&account.token)
        .await
        .is(410);
    assert_eq!(gone.body, "");
    assert_eq!(gone.header("x-account-status"), Some("Deleted"));
    let again = swift
        .put(&account.account)
        .token(&account.token)
        .await
        .is(403);
    assert_eq!(again.text(), "Recently deleted");
}

#[tokio::test]
async fn refuses_a_listing_limit_above_what_info_allows() {
    let swift = Target::start().await;
    let most = swift.info["swift"]["account_listing_limit"]
        .as_u64()
        .expect("a number");

    let refused = swift
        .get(format!("{}?limit={}", swift.owner.account, most + 1))
        .await
        .is(412);
    assert_eq!(refused.text(), format!("Maximum limit is {most}"));
}

#[tokio::test]
async fn refuses_methods_that_accounts_do_not_have() {
    let swift = Target::start().await;

    let answer = swift.request("LICK", &swift.owner.account).await;
    answer.shows(405);
}

#[tokio::test]
async fn counts_what_its_containers_hold() {
    let swift = Target::start().await;
    let Some(account) = swift.private_account().await else {
        return;
    };
    let container = swift.container_in(&account, &[]).await;
    let other = swift.container_in(&account, &[]).await;
    container.holds("a", "12345").await;
    other.holds("b", "123").await;

    let head = swift
        .head(&account.account)
        .token(&account.token)
        .await
        .is(204);
    assert_eq!(head.header("x-account-container-count"), Some("2"));
    // A cluster's account servers hear of objects only when its updaters next run.
    if swift.is_emulator() {
        assert_eq!(head.header("x-account-object-count"), Some("2"));
        assert_eq!(head.header("x-account-bytes-used"), Some("8"));
    }
}
