//! Static large objects: a manifest that lists its segments one by one.
//!
//! Facts: `swift/common/middleware/slo.py`.

use serde_json::{Value, json};

use crate::http::Response;
use crate::sign::md5;
use crate::target::{Container, Target};

async fn segments(swift: &Target) -> Container<'_> {
    let container = swift.container().await;
    for (name, body) in [("seg/a", "aaaaa"), ("seg/b", "bbbbb"), ("seg/c", "cccc")] {
        container
            .put(name)
            .header("content-type", "application/octet-stream")
            .body(body)
            .await
            .is(201);
    }
    container
}

fn segment(container: &Container<'_>, name: &str, body: &str) -> Value {
    json!({ "path": format!("/{}/{name}", container.name), "etag": md5(body), "size_bytes": body.len() })
}

fn manifest(container: &Container<'_>) -> Value {
    json!([
        segment(container, "seg/a", "aaaaa"),
        segment(container, "seg/b", "bbbbb"),
        segment(container, "seg/c", "cccc")
    ])
}

async fn put(container: &Container<'_>, name: &str, manifest: &Value) -> Response {
    container
        .put(&format!("{name}?multipart-manifest=put"))
        .header("content-type", "text/plain")
        .body(manifest.to_string())
        .await
}

fn slo_etag() -> String {
    md5(format!("{}{}{}", md5("aaaaa"), md5("bbbbb"), md5("cccc")))
}

#[tokio::test]
async fn joins_the_segments_of_the_manifest() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;

    let stored = put(&container, "large", &manifest(&container))
        .await
        .is(201);
    assert_eq!(
        stored.header("etag"),
        Some(format!("\"{}\"", slo_etag()).as_str())
    );

    let get = container.get("large").await.is(200);
    assert_eq!(get.text(), "aaaaabbbbbcccc");
    assert_eq!(get.header("content-length"), Some("14"));
    assert_eq!(
        get.header("etag"),
        Some(format!("\"{}\"", slo_etag()).as_str())
    );
    assert_eq!(get.header("x-static-large-object"), Some("True"));
    assert_eq!(get.header("content-type"), Some("text/plain"));
    assert!(get.header("x-manifest-etag").is_some());
    let head = container.head("large").await.is(200);
    for name in [
        "content-length",
        "etag",
        "x-static-large-object",
        "x-manifest-etag",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[tokio::test]
async fn lists_the_whole_size_and_its_own_etag() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);

    let listing = container
        .list("format=json&prefix=large")
        .await
        .is(200)
        .json();
    assert_eq!(listing[0]["bytes"], 14);
    assert_eq!(listing[0]["slo_etag"], format!("\"{}\"", slo_etag()));
    assert_ne!(listing[0]["hash"], slo_etag());
    assert_eq!(listing[0]["content_type"], "text/plain");
}

#[tokio::test]
async fn serves_ranges_inside_and_across_segments() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);

    for (range, body, content_range) in [
        ("bytes=0-3", "aaaa", "bytes 0-3/14"),
        ("bytes=3-11", "aabbbbbcc", "bytes 3-11/14"),
        ("bytes=-5", "bcccc", "bytes 9-13/14"),
    ] {
        let part = container.get("large").header("range", range).await.is(206);
        assert_eq!(part.text(), body);
        assert_eq!(part.header("content-range"), Some(content_range));
    }
    let refused = container
        .get("large")
        .header("range", "bytes=14-")
        .await
        .is(416);
    assert_eq!(refused.header("content-range"), Some("bytes */14"));
    let several = container
        .get("large")
        .header("range", "bytes=0-0,13-13")
        .await
        .is(206);
    assert!(
        several
            .header("content-type")
            .expect("a type")
            .starts_with("multipart/byteranges;boundary=")
    );
}

#[tokio::test]
async fn takes_ranges_of_segments_and_data_within_the_manifest() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;

    let manifest = json!([
        { "path": format!("{}/seg/a", container.name), "range": "1-2" },
        { "data": "SW4gbGluZQ==" },
        { "path": format!("/{}/seg/b", container.name), "range": "-1" },
    ]);
    put(&container, "large", &manifest).await.is(201);

    assert_eq!(container.get("large").await.is(200).text(), "aaIn lineb");
}

#[tokio::test]
async fn shows_the_manifest_on_request() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);

    let get = container.get("large?multipart-manifest=get").await.is(200);
    assert_eq!(
        get.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let shown = get.json();
    assert_eq!(shown[0]["name"], format!("/{}/seg/a", container.name));
    assert_eq!(shown[0]["hash"], md5("aaaaa"));
    assert_eq!(shown[0]["bytes"], 5);
    assert_eq!(shown[0]["content_type"], "application/octet-stream");
    assert!(shown[0]["last_modified"].is_string());

    let raw = container
        .get("large?multipart-manifest=get&format=raw")
        .await
        .is(200)
        .json();
    assert_eq!(raw[0], segment(&container, "seg/a", "aaaaa"));
    // What is shown raw can be sent again.
    put(&container, "again", &raw).await.is(201);
    assert_eq!(
        container.get("again").await.is(200).text(),
        "aaaaabbbbbcccc"
    );
}

#[tokio::test]
async fn serves_one_part_by_its_number() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);

    let part = container.get("large?part-number=2").await.is(206);
    assert_eq!(part.text(), "bbbbb");
    assert_eq!(part.header("content-range"), Some("bytes 5-9/14"));
    assert_eq!(part.header("x-parts-count"), Some("3"));
    container.get("large?part-number=4").await.is(416);
    let refused = container.get("large?part-number=0").await.is(400);
    assert_eq!(
        refused.text(),
        "Part number must be an integer greater than 0"
    );
}

#[tokio::test]
async fn deletes_the_segments_with_the_manifest_when_asked() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);
    put(
        &container,
        "other",
        &json!([segment(&container, "seg/a", "aaaaa")]),
    )
    .await
    .is(201);

    container.delete("other").await.is(204);
    container.get("seg/a").await.is(200);
    let delete = container
        .delete("large?multipart-manifest=delete")
        .header("accept", "application/json")
        .await
        .is(200);
    assert_eq!(
        delete.json(),
        json!({ "Response Status": "200 OK", "Response Body": "", "Number Deleted": 4, "Number Not Found": 0, "Errors": [] })
    );
    container.list("").await.is(204);
}

#[tokio::test]
async fn refuses_segments_that_are_not_as_described() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    let path = |name: &str| format!("/{}/{name}", container.name);

    for (entry, name, why) in [
        (
            json!({ "path": path("seg/a"), "etag": md5("other") }),
            "seg/a",
            "Etag Mismatch",
        ),
        (
            json!({ "path": path("seg/a"), "size_bytes": 6 }),
            "seg/a",
            "Size Mismatch",
        ),
        (
            json!({ "path": path("nothing") }),
            "nothing",
            "404 Not Found",
        ),
        (
            json!({ "path": path("seg/a"), "range": "7-9" }),
            "seg/a",
            "Unsatisfiable Range",
        ),
    ] {
        let answer = container
            .put("large?multipart-manifest=put")
            .header("accept", "application/json");
        let refused = answer.body(json!([entry]).to_string()).await.is(400);
        let refused = refused.json();
        assert_eq!(refused["Errors"], json!([[path(name), why]]));
    }
    container.get("large").await.is(404);
}

#[tokio::test]
async fn refuses_a_manifest_that_is_malformed() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;

    for (body, why) in [
        ("nonsense", "Manifest must be valid JSON.\n"),
        ("{}", "Manifest must be a list.\n"),
        (
            "[{\"path\":\"x\"}]",
            "Index 0: path does not refer to an object. Path must be of the form /container/object.\n",
        ),
        ("[{\"path\":5}]", "Index 0: \"path\" must be a string\n"),
        (
            "[{\"path\":\"/c/o\",\"unknown\":1}]",
            "Index 0: extraneous keys \"unknown\"\n",
        ),
        (
            "[{\"data\":\"%%\"}]",
            "Index 0: data must be valid base64\nInline data segments require at least one object-backed segment.\n",
        ),
    ] {
        let refused = container
            .put("large?multipart-manifest=put")
            .body(body)
            .await
            .is(400);
        assert_eq!(refused.text(), why, "{body}");
    }
    container.get("large").await.is(404);
}

#[tokio::test]
async fn refuses_more_segments_than_info_allows() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    let most = swift.info["slo"]["max_manifest_segments"]
        .as_u64()
        .expect("a number");

    let entry = segment(&container, "seg/a", "aaaaa");
    let many: Vec<_> = (0..=most).map(|_| entry.clone()).collect();
    let refused = put(&container, "large", &Value::Array(many)).await.is(413);
    assert_eq!(
        refused.text(),
        format!("Number of object-backed segments must be <= {most}")
    );
}

#[tokio::test]
async fn follows_a_manifest_within_a_manifest() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(
        &container,
        "inner",
        &json!([
            segment(&container, "seg/a", "aaaaa"),
            segment(&container, "seg/b", "bbbbb")
        ]),
    )
    .await
    .is(201);

    let outer = json!([{ "path": format!("/{}/inner", container.name) }, segment(&container, "seg/c", "cccc")]);
    put(&container, "outer", &outer).await.is(201);

    assert_eq!(
        container.get("outer").await.is(200).text(),
        "aaaaabbbbbcccc"
    );
    let part = container
        .get("outer")
        .header("range", "bytes=4-10")
        .await
        .is(206);
    assert_eq!(part.text(), "abbbbbc");
}

#[tokio::test]
async fn checks_the_etag_sent_with_a_manifest() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    let body = manifest(&container).to_string();

    container
        .put("large?multipart-manifest=put")
        .header("etag", "wrong")
        .body(body.clone())
        .await
        .is(422);
    container.get("large").await.is(404);
    container
        .put("large?multipart-manifest=put")
        .header("etag", slo_etag())
        .body(body)
        .await
        .is(201);
}

#[tokio::test]
async fn copies_as_a_plain_object_unless_the_manifest_is_asked_for() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);
    let copy = async |from: &str, to: &str| {
        let destination = format!("{}/{to}", container.name);
        container
            .request("COPY", from)
            .header("destination", destination)
            .await
            .is(201);
        container
            .head(to)
            .await
            .is(200)
            .header("x-static-large-object")
            .map(str::to_owned)
    };

    assert_eq!(copy("large", "plain").await, None);
    assert_eq!(
        copy("large?multipart-manifest=get", "manifest")
            .await
            .as_deref(),
        Some("True")
    );
    assert_eq!(
        container.get("plain").await.is(200).text(),
        "aaaaabbbbbcccc"
    );
    assert_eq!(
        container.get("plain").await.is(200).header("etag"),
        Some(md5("aaaaabbbbbcccc").as_str())
    );
    assert_eq!(
        container.get("manifest").await.is(200).text(),
        "aaaaabbbbbcccc"
    );
}

#[tokio::test]
async fn reports_in_the_body_when_it_is_asked_to_keep_the_line_alive() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;

    let answer = container
        .put("large?multipart-manifest=put&heartbeat=on")
        .header("accept", "application/json")
        .body(manifest(&container).to_string())
        .await
        .is(202);
    let report: Value =
        serde_json::from_str(answer.text().trim_start()).expect("a report after the spaces");
    assert_eq!(report["Response Status"], "201 Created");
    assert_eq!(report["Etag"], format!("\"{}\"", slo_etag()));
    assert_eq!(report["Errors"], json!([]));
}

#[tokio::test]
async fn cuts_the_answer_when_a_segment_has_changed_since() {
    let Some(swift) = Target::with(["slo"]).await else {
        return;
    };
    let container = segments(&swift).await;
    put(&container, "large", &manifest(&container))
        .await
        .is(201);

    container.holds("seg/a", "AAAAA").await;
    container.get("large").await.is(409);
}
