//! Transaction ids: every answer names the request, errors included.

use crate::target::Target;

#[tokio::test]
async fn names_each_transaction_once() {
    let swift = Target::start().await;

    let first = swift.get("/info").await;
    let second = swift.get("/info").await;
    let id = first
        .header("x-trans-id")
        .expect("an answer names its transaction");
    // tx, 21 random digits, a dash, the time in 10: all hexadecimal.
    let (random, time) = id
        .strip_prefix("tx")
        .and_then(|id| id.split_once('-'))
        .expect("tx…-…");
    assert_eq!((random.len(), time.len()), (21, 10), "{id}");
    assert!(
        format!("{random}{time}")
            .chars()
            .all(|c| matches!(c, '0'..='9' | 'a'..='f')),
        "{id}"
    );
    assert_eq!(first.header("x-openstack-request-id"), Some(id));
    assert_ne!(second.header("x-trans-id"), Some(id));
}

#[tokio::test]
async fn tells_the_time_of_the_transaction_in_its_id() {
    let swift = Target::start().await;

    let before = swift.now().await;
    let answer = swift.get("/info").await;
    let id = answer
        .header("x-trans-id")
        .expect("an answer names its transaction");
    let (_, time) = id.rsplit_once('-').expect("tx…-…");
    let time = u64::from_str_radix(time, 16).expect("hexadecimal seconds");
    assert!(
        (before..before + 60).contains(&time),
        "{time} is not {before}"
    );
}

#[tokio::test]
async fn names_refused_requests_too() {
    let swift = Target::start().await;

    for target in ["/", "/v1/AUTH_test", "/v2/x", "/healthcheck", "/auth/v1.0"] {
        let answer = swift.get(target).anonymous().await;
        assert!(answer.header("x-trans-id").is_some(), "{target}");
        assert!(answer.header("date").is_some(), "{target}");
    }
}

#[tokio::test]
async fn appends_the_clients_own_suffix() {
    let swift = Target::start().await;

    let answer = swift
        .get("/info")
        .header("x-trans-id-extra", "my-upload")
        .await;
    let id = answer
        .header("x-trans-id")
        .expect("an answer names its transaction");
    assert!(id.ends_with("-my-upload"), "{id}");

    let long = "x".repeat(100);
    let answer = swift.get("/info").header("x-trans-id-extra", &long).await;
    let id = answer
        .header("x-trans-id")
        .expect("an answer names its transaction");
    assert!(id.ends_with(&format!("-{}", &long[..32])), "{id}");
    assert_eq!(id.len(), 2 + 21 + 1 + 10 + 1 + 32);
}
