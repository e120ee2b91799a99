//! `/healthcheck`: is the server there?

use crate::target::Target;

#[tokio::test]
async fn answers_ok_to_anybody_and_any_method() {
    let swift = Target::start().await;

    for method in ["GET", "POST", "DELETE"] {
        let answer = swift
            .request(method, "/healthcheck")
            .anonymous()
            .await
            .is(200);
        assert_eq!(answer.text(), "OK");
        assert_eq!(answer.header("content-type"), Some("text/plain"));
    }
    let head = swift.head("/healthcheck").anonymous().await.is(200);
    assert_eq!(head.header("content-length"), Some("2"));
}

#[tokio::test]
async fn answers_only_under_its_own_name() {
    let swift = Target::start().await;

    swift.get("/healthcheck/x").anonymous().await.shows(400);
}
