//! `X-Delete-At` and `X-Delete-After`: how expiry is asked for and shown.
//!
//! That objects go when their time comes is tested where the clock can be moved, in the emulator's own tests.

use crate::target::Target;

#[tokio::test]
async fn shows_the_time_at_which_an_object_goes() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("o")
        .header("x-delete-at", "4102444800")
        .body("x")
        .await
        .is(201);

    assert_eq!(
        container.head("o").await.is(200).header("x-delete-at"),
        Some("4102444800")
    );
    assert_eq!(
        container.get("o").await.is(200).header("x-delete-at"),
        Some("4102444800")
    );
}

#[tokio::test]
async fn turns_a_lifetime_into_a_time() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let now = swift.now().await;

    container
        .put("o")
        .header("x-delete-after", "1000")
        .body("x")
        .await
        .is(201);

    let head = container.head("o").await.is(200);
    let at: u64 = head
        .header("x-delete-at")
        .expect("a time")
        .parse()
        .expect("seconds");
    assert!(
        (now + 1000..now + 1060).contains(&at),
        "{at} is not {now} + 1000"
    );
    assert_eq!(head.header("x-delete-after"), None);
}

#[tokio::test]
async fn post_sets_moves_and_removes_the_time() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;
    let at = async || {
        container
            .head("o")
            .await
            .is(200)
            .header("x-delete-at")
            .map(str::to_owned)
    };

    container
        .post("o")
        .header("x-delete-at", "4102444800")
        .await
        .is(202);
    assert_eq!(at().await.as_deref(), Some("4102444800"));
    container
        .post("o")
        .header("x-object-meta-a", "b")
        .await
        .is(202);
    assert_eq!(at().await, None, "POST without the header forgets the time");
    container
        .post("o")
        .header("x-delete-at", "4102444800")
        .await
        .is(202);
    container
        .post("o")
        .header("x-remove-delete-at", "x")
        .await
        .is(202);
    assert_eq!(at().await, None);
}

#[tokio::test]
async fn refuses_times_that_are_none_or_are_past() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let now = swift.now().await;

    for (name, value, message) in [
        ("x-delete-at", "soon", "Non-integer X-Delete-At"),
        ("x-delete-at", "1.5", "Non-integer X-Delete-At"),
        (
            "x-delete-at",
            &(now - 100).to_string(),
            "X-Delete-At in past",
        ),
        ("x-delete-at", "0", "X-Delete-At in past"),
        ("x-delete-after", "soon", "Non-integer X-Delete-After"),
        ("x-delete-after", "-100", "X-Delete-After in past"),
        ("x-delete-after", "0", "X-Delete-After in past"),
    ] {
        let put = container
            .put("o")
            .header(name, value)
            .body("x")
            .await
            .is(400);
        assert_eq!(put.text(), message, "{name}: {value}");
        container.get("o").await.is(404);
    }
    container.holds("o", "x").await;
    let post = container
        .post("o")
        .header("x-delete-at", "soon")
        .await
        .is(400);
    assert_eq!(post.text(), "Non-integer X-Delete-At");
}

#[tokio::test]
async fn lets_the_lifetime_win_over_the_time() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let now = swift.now().await;

    container
        .put("o")
        .header("x-delete-after", "1000")
        .header("x-delete-at", "4102444800")
        .body("x")
        .await
        .is(201);

    let head = container.head("o").await.is(200);
    let at: u64 = head
        .header("x-delete-at")
        .expect("a time")
        .parse()
        .expect("seconds");
    assert!((now + 1000..now + 1060).contains(&at), "{at}");
}
