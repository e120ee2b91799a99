//! Range requests: one part, several, and those that cannot be met.

use crate::http::Response;
use crate::target::{Container, Target};

async fn digits(swift: &Target) -> Container<'_> {
    let container = swift.container().await;
    container
        .put("o")
        .header("content-type", "text/plain")
        .body("0123456789")
        .await
        .is(201);
    container
}

async fn get(container: &Container<'_>, range: &str) -> Response {
    container.get("o").header("range", range).await
}

#[tokio::test]
async fn returns_the_bytes_asked_for() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    for (range, body, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-5", "2345", "bytes 2-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
        ("bytes=-100", "0123456789", "bytes 0-9/10"),
        ("bytes=0-", "0123456789", "bytes 0-9/10"),
    ] {
        let part = get(&container, range).await.is(206);
        assert_eq!(part.text(), body, "{range}");
        assert_eq!(part.header("content-range"), Some(content_range), "{range}");
        assert_eq!(
            part.header("content-length"),
            Some(body.len().to_string().as_str()),
            "{range}"
        );
        assert_eq!(part.header("content-type"), Some("text/plain"));
        assert_eq!(
            part.header("etag"),
            Some("781e5e245d69b566979b86e28d23f2c7")
        );
    }
}

#[tokio::test]
async fn answers_416_to_a_range_past_the_end() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=100-200"] {
        let refused = get(&container, range).await.is(416);
        assert_eq!(
            refused.header("content-range"),
            Some("bytes */10"),
            "{range}"
        );
        // The page comes under the object's own content type.
        assert_eq!(refused.header("content-type"), Some("text/plain"));
        assert_eq!(
            refused.text(),
            "<html><h1>Requested Range Not Satisfiable</h1><p>The Range requested is not available.</p></html>"
        );
        assert_eq!(
            refused.header("etag"),
            Some("781e5e245d69b566979b86e28d23f2c7"),
            "{range}"
        );
    }
}

#[tokio::test]
async fn ignores_a_range_it_cannot_read() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    for range in [
        "bytes=5-2",
        "bytes=a-b",
        "lines=1-2",
        "bytes",
        "bytes=-",
        "bytes=1",
        "bytes=1-2-3",
    ] {
        assert_eq!(
            get(&container, range).await.is(200).text(),
            "0123456789",
            "{range}"
        );
    }
}

#[tokio::test]
async fn returns_several_ranges_as_parts() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    let parts = get(&container, "bytes=0-1,5-6,-1").await.is(206);
    let kind = parts.header("content-type").expect("a type");
    let boundary = kind
        .strip_prefix("multipart/byteranges;boundary=")
        .expect("parts have a boundary")
        .to_owned();
    let part = |body: &str, range: &str| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{body}\r\n"
        )
    };
    let expected = [part("01", "0-1"), part("56", "5-6"), part("9", "9-9")].concat();
    assert_eq!(parts.text(), format!("{expected}--{boundary}--"));
    assert_eq!(
        parts.header("content-length"),
        Some(parts.body.len().to_string().as_str())
    );
    assert_eq!(parts.header("content-range"), None);
}

#[tokio::test]
async fn drops_the_ranges_that_cannot_be_met() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    let one = get(&container, "bytes=2-3,20-30").await.is(206);
    assert_eq!(one.text(), "23");
    assert_eq!(one.header("content-range"), Some("bytes 2-3/10"));
    get(&container, "bytes=20-30,40-50").await.is(416);
}

#[tokio::test]
async fn refuses_to_be_flooded_with_ranges() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    let many = (0..60).map(|_| "0-0").collect::<Vec<_>>().join(",");
    get(&container, &format!("bytes={many}")).await.is(416);
    get(&container, "bytes=0-5,3-8,1-9").await.is(416);
}

#[tokio::test]
async fn ignores_a_range_on_head_and_answers_as_for_the_whole() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    let head = container.head("o").header("range", "bytes=2-5").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), Some("10"));
}

#[tokio::test]
async fn cannot_take_a_range_of_nothing() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.put("o").await.is(201);

    get(&container, "bytes=0-0").await.is(416);
    get(&container, "bytes=-5").await.is(200);
}

#[tokio::test]
async fn does_not_look_at_if_range() {
    let swift = Target::start().await;
    let container = digits(&swift).await;

    let part = container
        .get("o")
        .header("range", "bytes=0-1")
        .header("if-range", "781e5e245d69b566979b86e28d23f2c7");
    assert_eq!(part.await.is(206).text(), "01");
    let whole = container
        .get("o")
        .header("range", "bytes=0-1")
        .header("if-range", "another");
    assert_eq!(whole.await.status, 206, "Swift does not look at If-Range");
}
