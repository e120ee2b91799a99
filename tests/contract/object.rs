//! Objects: PUT, GET, HEAD, POST and DELETE of bytes under a name.

use crate::sign::md5;
use crate::target::Target;

#[tokio::test]
async fn stores_and_returns_the_same_bytes() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container.put("hello").body("Hello, Swift.").await.is(201);
    assert_eq!(put.header("etag"), Some(md5("Hello, Swift.").as_str()));
    assert_eq!(put.header("content-type"), Some("text/html; charset=UTF-8"));
    assert_eq!(put.header("content-length"), Some("0"));
    assert!(put.header("last-modified").is_some());

    let get = container.get("hello").await.is(200);
    assert_eq!(get.text(), "Hello, Swift.");
    assert_eq!(get.header("etag"), put.header("etag"));
    assert_eq!(get.header("last-modified"), put.header("last-modified"));
    assert_eq!(get.header("content-length"), Some("13"));
    assert_eq!(get.header("accept-ranges"), Some("bytes"));
}

#[tokio::test]
async fn stores_bytes_that_are_no_text() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();

    container.put("binary").body(bytes.clone()).await.is(201);

    let get = container.get("binary").await.is(200);
    assert_eq!(get.header("etag"), Some(md5(&bytes).as_str()));
    assert!(get.body == bytes, "the bytes came back changed");
}

#[tokio::test]
async fn head_tells_what_get_would_tell_without_the_body() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("x-object-meta-colour", "blue")
        .body("12345")
        .await
        .is(201);

    let get = container.get("o").await.is(200);
    let head = container.head("o").await.is(200);
    for name in [
        "content-length",
        "content-type",
        "etag",
        "last-modified",
        "x-timestamp",
        "x-object-meta-colour",
        "accept-ranges",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(head.body, "");
}

#[tokio::test]
async fn stores_an_object_of_no_bytes() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container.put("empty").await.is(201);
    assert_eq!(put.header("etag"), Some("d41d8cd98f00b204e9800998ecf8427e"));

    let get = container.get("empty").await.is(200);
    assert_eq!(get.header("content-length"), Some("0"));
    assert_eq!(get.body, "");
}

#[tokio::test]
async fn stores_a_chunked_upload_of_unknown_length() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container
        .put("chunked")
        .chunks(&["one ", "two ", "three"])
        .await
        .is(201);
    assert_eq!(put.header("etag"), Some(md5("one two three").as_str()));

    let get = container.get("chunked").await.is(200);
    assert_eq!(get.header("content-length"), Some("13"));
    assert_eq!(get.text(), "one two three");
}

#[tokio::test]
async fn replaces_an_object_whole_with_its_metadata() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("x-object-meta-colour", "blue")
        .header("content-type", "text/plain")
        .body("a long first body")
        .await
        .is(201);

    container
        .put("o")
        .header("content-type", "text/css")
        .body("second")
        .await
        .is(201);

    let get = container.get("o").await.is(200);
    assert_eq!(get.text(), "second");
    assert_eq!(get.header("content-type"), Some("text/css"));
    assert_eq!(get.header("x-object-meta-colour"), None);
}

#[tokio::test]
async fn accepts_an_etag_that_matches_the_upload() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("o")
        .header("etag", md5("body"))
        .body("body")
        .await
        .is(201);
    container
        .put("o")
        .header("etag", format!("\"{}\"", md5("body")))
        .body("body")
        .await
        .is(201);
}

#[tokio::test]
async fn refuses_an_upload_whose_etag_does_not_match_and_keeps_the_old_object() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "first").await;

    let put = container
        .put("o")
        .header("etag", md5("something else"))
        .body("second")
        .await;
    put.shows(422);

    assert_eq!(container.get("o").await.is(200).text(), "first");
}

#[tokio::test]
async fn answers_404_with_swifts_page_for_an_object_that_is_not_there() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container.get("nothing").await.shows(404);
    container.delete("nothing").await.shows(404);
    container
        .post("nothing")
        .header("x-object-meta-a", "b")
        .await
        .shows(404);
    let head = container.head("nothing").await.is(404);
    assert_eq!(head.body, "");
    assert_eq!(
        head.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
}

#[tokio::test]
async fn refuses_an_object_in_a_container_that_does_not_exist() {
    let swift = Target::start().await;
    let container = swift.unmade_container(&swift.owner);

    container.put("o").body("x").await.shows(404);
    container.get("o").await.is(404);
}

#[tokio::test]
async fn deletes_an_object_once() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    let delete = container.delete("o").await.is(204);
    assert_eq!(delete.body, "");
    container.get("o").await.is(404);
    container.delete("o").await.is(404);
}

#[tokio::test]
async fn guesses_the_content_type_from_the_name_when_none_is_sent() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for (name, kind) in [
        ("page.html", "text/html"),
        ("picture.png", "image/png"),
        ("photo.jpg", "image/jpeg"),
        ("words.txt", "text/plain"),
        ("data.json", "application/json"),
        ("site.css", "text/css"),
        ("paper.pdf", "application/pdf"),
        ("archive.tar", "application/x-tar"),
        ("no-extension", "application/octet-stream"),
    ] {
        container.put(name).body("x").await.is(201);
        assert_eq!(
            container.head(name).await.is(200).header("content-type"),
            Some(kind),
            "{name}"
        );
    }
}

#[tokio::test]
async fn guesses_the_content_type_when_told_to_detect_it() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("page.html")
        .header("content-type", "image/png")
        .header("x-detect-content-type", "true")
        .body("x")
        .await
        .is(201);

    assert_eq!(
        container
            .head("page.html")
            .await
            .is(200)
            .header("content-type"),
        Some("text/html")
    );
}

#[tokio::test]
async fn keeps_the_content_type_as_it_was_sent() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for kind in [
        "text/plain; charset=ISO-8859-1",
        "nonsense",
        "application/x-custom; a=b;c=\"d e\"",
    ] {
        container
            .put("o")
            .header("content-type", kind)
            .body("x")
            .await
            .is(201);
        assert_eq!(
            container.head("o").await.is(200).header("content-type"),
            Some(kind)
        );
    }
}

#[tokio::test]
async fn adds_utf_8_to_a_text_type_without_charset() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("o")
        .header("content-type", "text/plain")
        .body("x")
        .await
        .is(201);

    let get = container.get("o").await.is(200);
    assert_eq!(get.header("content-type"), Some("text/plain"));
}

#[tokio::test]
async fn keeps_the_headers_that_describe_an_object() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container
        .put("o")
        .header("content-encoding", "gzip")
        .header("content-disposition", "attachment; filename=a.txt")
        .header("cache-control", "max-age=60")
        .header("expires", "Thu, 01 Jan 2037 00:00:00 GMT")
        .header("content-language", "de")
        .header("x-robots-tag", "noindex")
        .header("x-unknown", "not kept");
    put.body("x").await.is(201);

    let get = container.get("o").await.is(200);
    assert_eq!(get.header("content-encoding"), Some("gzip"));
    assert_eq!(
        get.header("content-disposition"),
        Some("attachment; filename=a.txt")
    );
    assert_eq!(get.header("cache-control"), Some("max-age=60"));
    assert_eq!(get.header("expires"), Some("Thu, 01 Jan 2037 00:00:00 GMT"));
    assert_eq!(get.header("content-language"), Some("de"));
    assert_eq!(get.header("x-robots-tag"), Some("noindex"));
    assert_eq!(get.header("x-unknown"), None);
}

#[tokio::test]
async fn tells_the_time_of_an_object_as_a_timestamp_of_five_digits() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    let head = container.head("o").await.is(200);
    let timestamp = head
        .header("x-timestamp")
        .expect("an object has a timestamp");
    let (seconds, fraction) = timestamp
        .split_once('.')
        .expect("a timestamp has a fraction");
    assert_eq!((seconds.len(), fraction.len()), (10, 5), "{timestamp}");
    assert!(
        timestamp.chars().all(|c| c.is_ascii_digit() || c == '.'),
        "{timestamp}"
    );

    // Last-Modified has whole seconds and must not lie before the object's time.
    let modified =
        httpdate::parse_http_date(head.header("last-modified").expect("an object has a date"))
            .expect("an HTTP date");
    let modified = modified
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a date after 1970")
        .as_secs();
    let seconds: u64 = seconds.parse().expect("digits");
    let whole = fraction.chars().all(|c| c == '0');
    assert_eq!(modified, if whole { seconds } else { seconds + 1 });
}

#[tokio::test]
async fn post_replaces_the_metadata_and_leaves_the_bytes() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let put = container
        .put("o")
        .header("x-object-meta-colour", "blue")
        .header("content-disposition", "inline")
        .body("bytes")
        .await
        .is(201);

    let post = container
        .post("o")
        .header("x-object-meta-shape", "round")
        .await;
    post.shows(202);

    let get = container.get("o").await.is(200);
    assert_eq!(get.text(), "bytes");
    assert_eq!(get.header("etag"), put.header("etag"));
    assert_eq!(get.header("x-object-meta-shape"), Some("round"));
    assert_eq!(get.header("x-object-meta-colour"), None);
    assert_eq!(get.header("content-disposition"), None);
}

#[tokio::test]
async fn post_changes_the_content_type_only_when_one_is_sent() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("content-type", "text/plain")
        .body("x")
        .await
        .is(201);

    container
        .post("o")
        .header("x-object-meta-a", "b")
        .await
        .is(202);
    assert_eq!(
        container.head("o").await.is(200).header("content-type"),
        Some("text/plain")
    );

    container
        .post("o")
        .header("content-type", "text/css")
        .await
        .is(202);
    assert_eq!(
        container.head("o").await.is(200).header("content-type"),
        Some("text/css")
    );
    let listed = container.list("format=json").await.is(200).json();
    assert_eq!(listed[0]["content_type"], "text/css");
}

#[tokio::test]
async fn keeps_names_of_every_kind_apart() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let names = [
        "a b",
        "a+b",
        "a%2Bb",
        "a/b",
        "a//b",
        "/a",
        "a/",
        "ü/€",
        "a?b",
        "a#b",
        "a&b=c",
        "..",
        "./x",
        "a\\b",
        "\u{1F600}",
        "a;b",
        "a%00b",
    ];

    for name in names {
        container
            .put(&crate::target::encode(name))
            .body(name)
            .await
            .is(201);
    }
    for name in names {
        assert_eq!(
            container
                .get(&crate::target::encode(name))
                .await
                .is(200)
                .text(),
            name
        );
    }
    let listed = container.list("format=json").await.is(200).json();
    let mut listed: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|object| object["name"].as_str().expect("a name"))
        .collect();
    let mut expected = names.to_vec();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn refuses_a_name_longer_than_1024_bytes() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let longest = usize::try_from(
        swift.info["swift"]["max_object_name_length"]
            .as_u64()
            .expect("a number"),
    )
    .expect("a size");

    container.put(&"n".repeat(longest)).body("x").await.is(201);
    let put = container
        .put(&"n".repeat(longest + 1))
        .body("x")
        .await
        .is(400);
    assert_eq!(
        put.text(),
        format!(
            "Object name length of {} longer than {longest}",
            longest + 1
        )
    );
    assert_eq!(put.header("content-type"), Some("text/plain"));
}

#[tokio::test]
async fn refuses_a_name_that_is_not_utf_8() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container.put("%FF%FE").body("x").await.is(412);
    assert_eq!(put.text(), "Invalid UTF8 or contains NULL");
    let get = container.get("nul%00byte").await.is(412);
    assert_eq!(get.text(), "Invalid UTF8 or contains NULL");
}

#[tokio::test]
async fn refuses_methods_that_objects_do_not_have() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    for method in ["LICK", "PATCH", "GETorHEAD_base"] {
        let answer = container.request(method, "o").await;
        answer.shows(405);
    }
}

#[tokio::test]
async fn refuses_an_if_none_match_that_is_no_star_on_put() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let put = container
        .put("o")
        .header("if-none-match", "abc")
        .body("x")
        .await
        .is(400);
    assert_eq!(put.text(), "If-None-Match only supports *");
}

#[tokio::test]
async fn put_with_if_none_match_star_creates_and_never_replaces() {
    let swift = Target::start().await;
    let container = swift.container().await;

    container
        .put("o")
        .header("if-none-match", "*")
        .body("first")
        .await
        .is(201);
    let put = container
        .put("o")
        .header("if-none-match", "*")
        .body("second")
        .await;
    put.shows(412);
    assert_eq!(container.get("o").await.is(200).text(), "first");
}

#[tokio::test]
async fn ignores_a_timestamp_that_a_client_sends() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for sent in ["1.00000", "not a time"] {
        container
            .put("o")
            .header("x-timestamp", sent)
            .body("x")
            .await
            .is(201);
        let head = container.head("o").await.is(200);
        let stored = head.header("x-timestamp").expect("a timestamp");
        assert!(stored > "1500000000", "{stored}");
    }
}

#[tokio::test]
async fn answers_options_without_a_token() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let options = container.request("OPTIONS", "o").anonymous().await.is(200);
    let mut allowed: Vec<_> = options
        .header("allow")
        .expect("the methods")
        .split(", ")
        .collect();
    allowed.sort_unstable();
    assert_eq!(
        allowed,
        ["COPY", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
    );
}

#[tokio::test]
async fn takes_x_newest_without_a_word() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    assert_eq!(
        container
            .get("o")
            .header("x-newest", "true")
            .await
            .is(200)
            .text(),
        "x"
    );
}
