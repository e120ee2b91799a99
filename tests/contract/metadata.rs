//! Limits and spelling of metadata.

use crate::target::Target;

fn limit(swift: &Target, name: &str) -> usize {
    let value = swift.info["swift"][name].as_u64().expect("a number");
    usize::try_from(value).expect("a size")
}

#[tokio::test]
async fn refuses_a_name_that_is_too_long() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let longest = limit(&swift, "max_meta_name_length");
    let name = |length: usize| format!("x-object-meta-{}", "n".repeat(length));

    container
        .put("o")
        .header(&name(longest), "v")
        .body("x")
        .await
        .is(201);
    let put = container
        .put("o")
        .header(&name(longest + 1), "v")
        .body("x")
        .await
        .is(400);
    let spelled = format!("N{}", "n".repeat(longest));
    assert_eq!(
        put.text(),
        format!("Metadata name too long: x-object-meta-{spelled}")
    );
    container
        .post("o")
        .header(&name(longest + 1), "v")
        .await
        .is(400);
}

#[tokio::test]
async fn refuses_a_value_that_is_too_long() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let longest = limit(&swift, "max_meta_value_length");

    container
        .put("o")
        .header("x-object-meta-a", "v".repeat(longest))
        .body("x")
        .await
        .is(201);
    let put = container
        .put("o")
        .header("x-object-meta-a", "v".repeat(longest + 1))
        .body("x")
        .await
        .is(400);
    assert_eq!(
        put.text(),
        format!("Metadata value longer than {longest}: x-object-meta-A")
    );
    container
        .update()
        .header("x-container-meta-a", "v".repeat(longest + 1))
        .await
        .is(400);
}

#[tokio::test]
async fn refuses_too_many_items() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let most = limit(&swift, "max_meta_count");
    let with = |count: usize| {
        (0..count)
            .fold(container.put("o"), |put, number| {
                put.header(&format!("x-object-meta-{number}"), "v")
            })
            .body("x")
    };

    with(most).await.is(201);
    let put = with(most + 1).await.is(400);
    assert_eq!(put.text(), format!("Too many metadata items; max {most}"));
}

#[tokio::test]
async fn refuses_too_much_in_total() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let most = limit(&swift, "max_meta_overall_size");
    let value = limit(&swift, "max_meta_value_length");

    let count = most / value + 1;
    let put = (0..count).fold(container.put("o"), |put, number| {
        put.header(&format!("x-object-meta-{number}"), "v".repeat(value))
    });
    assert_eq!(
        put.body("x").await.is(400).text(),
        format!("Total metadata too large; max {most}")
    );
}

#[tokio::test]
async fn refuses_a_name_of_nothing() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container
        .put("o")
        .header("x-object-meta-", "v")
        .body("x")
        .await
        .is(400);
    assert_eq!(put.text(), "Metadata name cannot be empty");
}

#[tokio::test]
async fn keeps_values_that_are_utf_8() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let value = "Grüße, 世界".as_bytes();

    container
        .put("o")
        .header("x-object-meta-greeting", value)
        .body("x")
        .await
        .is(201);

    let head = container.head("o").await.is(200);
    assert_eq!(head.headers["x-object-meta-greeting"].as_bytes(), value);
}

#[tokio::test]
async fn refuses_values_that_are_not_utf_8_for_a_container() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let post = container.update().header("x-container-meta-a", b"\xff\xfe");
    let refused = post.await.is(400);
    assert_eq!(refused.text(), "Metadata must be valid UTF-8");
    assert_eq!(refused.header("content-type"), Some("text/plain"));
}

#[tokio::test]
async fn keeps_an_objects_item_that_has_no_value() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("o")
        .header("x-object-meta-a", "")
        .header("x-object-meta-b", "1")
        .body("x")
        .await
        .is(201);

    let head = container.head("o").await.is(200);
    assert_eq!(head.header("x-object-meta-b"), Some("1"));
    assert_eq!(head.header("x-object-meta-a"), Some(""));
}

#[tokio::test]
async fn reads_names_without_regard_to_case() {
    let swift = Target::start().await;
    let container = swift
        .container_with(&[("X-CONTAINER-META-Colour", "blue")])
        .await;

    container
        .update()
        .header("x-container-meta-COLOUR", "red")
        .await
        .is(204);

    assert_eq!(
        container
            .inspect()
            .await
            .is(204)
            .header("x-container-meta-colour"),
        Some("red")
    );
}

#[tokio::test]
async fn counts_what_a_container_has_in_all_not_only_what_is_new() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let most = limit(&swift, "max_meta_count");
    let with = |from: usize, to: usize| {
        (from..to).fold(container.update(), |post, number| {
            post.header(&format!("x-container-meta-{number}"), "v")
        })
    };

    with(0, most).await.is(204);
    with(most, most + 1).await.is(400);
    with(0, 1).await.is(204);
}

#[tokio::test]
async fn refuses_a_header_that_is_too_long() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let longest = limit(&swift, "max_header_size");

    container
        .get("o")
        .header("x-whatever", "v".repeat(longest * 2))
        .await
        .is(400);
}
