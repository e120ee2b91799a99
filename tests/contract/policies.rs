//! Storage policies: chosen when a container is made, fixed after that.

use crate::target::Target;

fn names(swift: &Target) -> (String, Option<String>) {
    let policies = swift.info["swift"]["policies"]
        .as_array()
        .expect("a list of policies");
    let name = |default: bool| {
        let policy = policies
            .iter()
            .find(|policy| (policy["default"] == true) == default)?;
        Some(
            policy["name"]
                .as_str()
                .expect("a policy has a name")
                .to_owned(),
        )
    };
    (name(true).expect("one policy is the default"), name(false))
}

#[tokio::test]
async fn gives_a_new_container_the_default_policy() {
    let swift = Target::start().await;
    let (default, _) = names(&swift);
    let container = swift.container().await;

    assert_eq!(
        container.inspect().await.header("x-storage-policy"),
        Some(default.as_str())
    );
    assert_eq!(
        container.list("").await.header("x-storage-policy"),
        Some(default.as_str())
    );
}

#[tokio::test]
async fn gives_a_new_container_the_policy_it_asks_for() {
    let swift = Target::start().await;
    let (_, Some(other)) = names(&swift) else {
        return swift.skip("there is only one policy");
    };
    let container = swift
        .container_with(&[("x-storage-policy", &other.to_uppercase())])
        .await;

    assert_eq!(
        container.inspect().await.header("x-storage-policy"),
        Some(other.as_str())
    );
    container.holds("o", "x").await;
    assert_eq!(container.get("o").await.is(200).text(), "x");
}

#[tokio::test]
async fn never_changes_the_policy_of_a_container() {
    let swift = Target::start().await;
    let (default, Some(other)) = names(&swift) else {
        return swift.skip("there is only one policy");
    };
    let container = swift.container().await;

    swift
        .put(&container.path)
        .header("x-storage-policy", &other)
        .await
        .shows(409);
    swift
        .put(&container.path)
        .header("x-storage-policy", &default)
        .await
        .is(202);
    container
        .update()
        .header("x-storage-policy", &other)
        .await
        .is(204);
    assert_eq!(
        container.inspect().await.header("x-storage-policy"),
        Some(default.as_str())
    );
}

#[tokio::test]
async fn refuses_a_policy_it_does_not_have() {
    let swift = Target::start().await;
    let container = swift.unmade_container(&swift.owner);

    let put = swift
        .put(&container.path)
        .header("x-storage-policy", "platinum-plus")
        .await
        .is(400);
    assert_eq!(put.text(), "Invalid X-Storage-Policy 'platinum-plus'");
    container.inspect().await.is(404);
}

#[tokio::test]
async fn counts_an_accounts_containers_by_policy() {
    let swift = Target::start().await;
    let (default, Some(other)) = names(&swift) else {
        return swift.skip("there is only one policy");
    };
    let Some(account) = swift.private_account().await else {
        return;
    };
    let _first = swift.container_in(&account, &[]).await;
    let _second = swift
        .container_in(&account, &[("x-storage-policy", &other)])
        .await;
    let _third = swift
        .container_in(&account, &[("x-storage-policy", &other)])
        .await;

    let head = swift
        .head(&account.account)
        .token(&account.token)
        .await
        .is(204);
    let count = |policy: &str| {
        head.header(&format!(
            "x-account-storage-policy-{policy}-container-count"
        ))
        .map(str::to_owned)
    };
    assert_eq!(count(&default).as_deref(), Some("1"));
    assert_eq!(count(&other).as_deref(), Some("2"));
    let bytes = format!("x-account-storage-policy-{other}-bytes-used");
    assert_eq!(head.header(&bytes), Some("0"));
}
