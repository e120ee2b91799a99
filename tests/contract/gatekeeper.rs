//! What belongs to the inside stays inside: internal headers neither come in nor go out.

use crate::target::Target;

#[tokio::test]
async fn drops_internal_headers_from_requests() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container
        .put("o")
        .header("x-object-sysmeta-a", "1")
        .header("x-object-transient-sysmeta-b", "2")
        .header("x-backend-storage-policy-index", "7")
        .header("x-object-meta-c", "3");
    put.body("x").await.is(201);

    let head = container.head("o").await.is(200);
    assert_eq!(head.header("x-object-meta-c"), Some("3"));
    for name in head.headers.keys() {
        let name = name.as_str();
        assert!(
            !name.contains("sysmeta") && !name.starts_with("x-backend"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn shows_no_internal_headers_of_containers_and_accounts() {
    let swift = Target::start().await;
    let container = swift
        .container_with(&[("x-container-sysmeta-a", "1"), ("x-container-read", ".r:*")])
        .await;

    for target in [container.path.clone(), swift.owner.account.clone()] {
        let head = swift.head(target).await;
        for name in head.headers.keys() {
            let name = name.as_str();
            assert!(
                !name.contains("sysmeta") && !name.starts_with("x-backend"),
                "{name}"
            );
        }
    }
}
