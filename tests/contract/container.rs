//! Containers: making, describing, listing and removing them.

use serde_json::{Value, json};

use crate::target::{Container, Target};

fn names(listing: &Value) -> Vec<&str> {
    let entries = listing.as_array().expect("a listing is an array");
    entries
        .iter()
        .map(|entry| {
            entry["name"]
                .as_str()
                .or(entry["subdir"].as_str())
                .expect("a name or a subdir")
        })
        .collect()
}

async fn fill(container: &Container<'_>, objects: &[&str]) {
    for object in objects {
        container.put(object).body("x").await.is(201);
    }
}

#[tokio::test]
async fn creates_a_container_and_accepts_it_again() {
    let swift = Target::start().await;
    let container = swift.unmade_container(&swift.owner);

    let first = swift.put(&container.path).await.is(201);
    assert_eq!(first.header("content-length"), Some("0"));
    assert_eq!(
        first.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    assert_eq!(first.body, "");
    let again = swift.put(&container.path).await;
    again.shows(202);
}

#[tokio::test]
async fn describes_an_empty_container() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let head = container.inspect().await.is(204);
    assert_eq!(head.header("x-container-object-count"), Some("0"));
    assert_eq!(head.header("x-container-bytes-used"), Some("0"));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert_eq!(
        head.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(head.header("x-timestamp").is_some());
    assert!(head.header("last-modified").is_some());

    let list = container.list("").await.is(204);
    assert_eq!(list.body, "");
    assert_eq!(container.list("format=json").await.is(200).text(), "[]");
}

#[tokio::test]
async fn counts_objects_and_bytes_as_they_come_and_go() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let totals = || async {
        let head = container.inspect().await.is(204);
        let number = |name: &str| {
            head.header(name)
                .expect("a total")
                .parse::<u64>()
                .expect("a number")
        };
        (
            number("x-container-object-count"),
            number("x-container-bytes-used"),
        )
    };

    container.holds("a", "12345").await;
    container.holds("b", "123").await;
    assert_eq!(totals().await, (2, 8));
    container.holds("a", "1").await;
    assert_eq!(totals().await, (2, 4));
    container.delete("a").await.is(204);
    assert_eq!(totals().await, (1, 3));
    container.delete("b").await.is(204);
    assert_eq!(totals().await, (0, 0));
}

#[tokio::test]
async fn lists_names_in_the_order_of_their_bytes() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(
        &container,
        &["b", "a", "B", "a/b", "a-b", "%C3%BC", "10", "9"],
    )
    .await;

    let listing = container.list("").await.is(200);
    assert_eq!(
        listing.lines(),
        ["10", "9", "B", "a", "a-b", "a/b", "b", "ü"]
    );
    assert_eq!(
        listing.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(listing.header("x-container-object-count"), Some("8"));
    assert!(listing.text().ends_with('\n'));
}

#[tokio::test]
async fn describes_each_object_in_a_json_listing() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("content-type", "text/css")
        .body("12345")
        .await
        .is(201);

    let listing = container.list("format=json").await.is(200);
    assert_eq!(
        listing.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let listing = listing.json();
    let modified = listing[0]["last_modified"]
        .as_str()
        .expect("a time")
        .to_owned();
    assert_eq!(
        listing,
        json!([{ "bytes": 5, "content_type": "text/css", "hash": crate::sign::md5("12345"), "last_modified": modified, "name": "o" }])
    );
    // 2014-05-13T14:55:00.123450: microseconds, no zone.
    assert_eq!(modified.len(), 26, "{modified}");
    assert_eq!(
        (&modified[10..11], &modified[19..20]),
        ("T", "."),
        "{modified}"
    );
}

#[tokio::test]
async fn lists_by_prefix() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a/1", "a/2", "ab", "b/1"]).await;

    assert_eq!(
        container.list("prefix=a/").await.is(200).lines(),
        ["a/1", "a/2"]
    );
    assert_eq!(
        container.list("prefix=a").await.is(200).lines(),
        ["a/1", "a/2", "ab"]
    );
    container.list("prefix=z").await.is(204);
}

#[tokio::test]
async fn rolls_names_up_to_the_delimiter_into_subdirs() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a", "b/1", "b/2", "b/c/3", "d"]).await;

    assert_eq!(
        container.list("delimiter=/").await.is(200).lines(),
        ["a", "b/", "d"]
    );
    assert_eq!(
        container
            .list("delimiter=/&prefix=b/")
            .await
            .is(200)
            .lines(),
        ["b/1", "b/2", "b/c/"]
    );
    let listing = container
        .list("delimiter=/&format=json")
        .await
        .is(200)
        .json();
    assert_eq!(names(&listing), ["a", "b/", "d"]);
    assert_eq!(listing[1], json!({ "subdir": "b/" }));
}

#[tokio::test]
async fn takes_a_delimiter_of_several_characters() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a--1", "a--2", "a-3", "b"]).await;

    assert_eq!(
        container.list("delimiter=--").await.is(200).lines(),
        ["a--", "a-3", "b"]
    );
}

#[tokio::test]
async fn pages_with_marker_end_marker_and_limit() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a", "b", "c", "d", "e"]).await;

    assert_eq!(container.list("limit=2").await.is(200).lines(), ["a", "b"]);
    assert_eq!(
        container.list("limit=2&marker=b").await.is(200).lines(),
        ["c", "d"]
    );
    assert_eq!(
        container
            .list("marker=b&end_marker=e")
            .await
            .is(200)
            .lines(),
        ["c", "d"]
    );
    assert_eq!(
        container.list("marker=bb").await.is(200).lines(),
        ["c", "d", "e"]
    );
    assert_eq!(container.list("end_marker=b").await.is(200).lines(), ["a"]);
    container.list("marker=e").await.is(204);
    container.list("limit=0").await.is(204);
}

#[tokio::test]
async fn pages_over_subdirs_without_repeating_them() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a/1", "a/2", "b", "c/1", "d"]).await;

    assert_eq!(
        container.list("delimiter=/&limit=2").await.is(200).lines(),
        ["a/", "b"]
    );
    assert_eq!(
        container
            .list("delimiter=/&limit=1&marker=a/")
            .await
            .is(200)
            .lines(),
        ["b"]
    );
    assert_eq!(
        container
            .list("delimiter=/&marker=b&limit=2")
            .await
            .is(200)
            .lines(),
        ["c/", "d"]
    );
}

#[tokio::test]
async fn lists_backwards() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a", "b/1", "b/2", "c", "d"]).await;

    assert_eq!(
        container.list("reverse=true").await.is(200).lines(),
        ["d", "c", "b/2", "b/1", "a"]
    );
    assert_eq!(
        container.list("reverse=on&limit=2").await.is(200).lines(),
        ["d", "c"]
    );
    assert_eq!(
        container
            .list("reverse=true&marker=c&end_marker=a")
            .await
            .is(200)
            .lines(),
        ["b/2", "b/1"]
    );
    assert_eq!(
        container
            .list("reverse=true&delimiter=/")
            .await
            .is(200)
            .lines(),
        ["d", "c", "b/", "a"]
    );
    assert_eq!(
        container.list("reverse=false").await.is(200).lines(),
        ["a", "b/1", "b/2", "c", "d"]
    );
}

#[tokio::test]
async fn lists_one_level_of_a_path() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["top", "dir", "dir/a", "dir/b", "dir/sub/c"]).await;

    assert_eq!(
        container.list("path=").await.is(200).lines(),
        ["dir", "top"]
    );
    assert_eq!(
        container.list("path=dir").await.is(200).lines(),
        ["dir/a", "dir/b"]
    );
    assert_eq!(
        container.list("path=dir/").await.is(200).lines(),
        ["dir/a", "dir/b"]
    );
}

#[tokio::test]
async fn refuses_a_limit_above_what_info_allows() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let most = swift.info["swift"]["container_listing_limit"]
        .as_u64()
        .expect("a number");

    container.list(&format!("limit={most}")).await.is(204);
    let refused = container.list(&format!("limit={}", most + 1)).await.is(412);
    assert_eq!(refused.text(), format!("Maximum limit is {most}"));
}

#[tokio::test]
async fn ignores_a_limit_that_is_no_number() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["a", "b"]).await;

    for query in ["limit=many", "limit=-1", "limit="] {
        let listing = container.list(query).await.is(200);
        assert_eq!(listing.lines(), ["a", "b"], "{query}");
    }
}

#[tokio::test]
async fn refuses_query_values_that_are_not_utf_8() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for query in ["prefix=%FF", "marker=%FF", "delimiter=%FF", "path=%FF"] {
        container.list(query).await.is(400);
    }
}

#[tokio::test]
async fn answers_404_for_a_container_that_is_not_there() {
    let swift = Target::start().await;
    let container = swift.unmade_container(&swift.owner);

    container.list("").await.shows(404);
    container
        .update()
        .header("x-container-meta-a", "b")
        .await
        .shows(404);
    swift.delete(&container.path).await.shows(404);
    container.inspect().await.is(404);
}

#[tokio::test]
async fn removes_a_container_only_when_it_is_empty() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    let refused = swift.delete(&container.path).await;
    refused.shows(409);

    container.delete("o").await.is(204);
    assert_eq!(swift.delete(&container.path).await.is(204).body, "");
    container.inspect().await.is(404);
}

#[tokio::test]
async fn comes_back_without_the_metadata_it_had_before_it_was_removed() {
    let swift = Target::start().await;
    let container = swift
        .container_with(&[("x-container-meta-colour", "blue")])
        .await;

    swift.delete(&container.path).await.is(204);
    swift.put(&container.path).await.is(201);

    assert_eq!(
        container
            .inspect()
            .await
            .is(204)
            .header("x-container-meta-colour"),
        None
    );
}

#[tokio::test]
async fn post_adds_changes_and_removes_metadata_one_by_one() {
    let swift = Target::start().await;
    let container = swift
        .container_with(&[("x-container-meta-a", "1"), ("x-container-meta-b", "2")])
        .await;

    let post = container
        .update()
        .header("x-container-meta-b", "3")
        .header("x-container-meta-c", "4")
        .await
        .is(204);
    assert_eq!(post.body, "");
    let head = container.inspect().await.is(204);
    assert_eq!(head.header("x-container-meta-a"), Some("1"));
    assert_eq!(head.header("x-container-meta-b"), Some("3"));
    assert_eq!(head.header("x-container-meta-c"), Some("4"));

    container
        .update()
        .header("x-container-meta-a", "")
        .header("x-remove-container-meta-b", "x")
        .await
        .is(204);
    let head = container.inspect().await.is(204);
    assert_eq!(head.header("x-container-meta-a"), None);
    assert_eq!(head.header("x-container-meta-b"), None);
    assert_eq!(head.header("x-container-meta-c"), Some("4"));
}

#[tokio::test]
async fn put_of_an_existing_container_adds_metadata() {
    let swift = Target::start().await;
    let container = swift.container_with(&[("x-container-meta-a", "1")]).await;

    swift
        .put(&container.path)
        .header("x-container-meta-b", "2")
        .await
        .is(202);

    let head = container.inspect().await.is(204);
    assert_eq!(head.header("x-container-meta-a"), Some("1"));
    assert_eq!(head.header("x-container-meta-b"), Some("2"));
}

#[tokio::test]
async fn refuses_a_name_longer_than_256_bytes() {
    let swift = Target::start().await;
    let longest = usize::try_from(
        swift.info["swift"]["max_container_name_length"]
            .as_u64()
            .expect("a number"),
    )
    .expect("a size");

    let put = swift
        .put(format!(
            "{}/{}",
            swift.owner.account,
            "n".repeat(longest + 1)
        ))
        .await
        .is(400);
    assert_eq!(
        put.text(),
        format!(
            "Container name length of {} longer than {longest}",
            longest + 1
        )
    );
}

#[tokio::test]
async fn refuses_methods_that_containers_do_not_have() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let answer = swift.request("LICK", &container.path).await;
    answer.shows(405);
}

#[tokio::test]
async fn lists_a_name_with_the_markup_of_each_format_escaped() {
    let swift = Target::start().await;
    let container = swift.container().await;
    fill(&container, &["%3Ca%3E%26%22b%22"]).await;

    assert_eq!(container.list("").await.is(200).lines(), ["<a>&\"b\""]);
    assert_eq!(
        names(&container.list("format=json").await.is(200).json()),
        ["<a>&\"b\""]
    );
    assert!(
        container
            .list("format=xml")
            .await
            .is(200)
            .text()
            .contains("<name>&lt;a&gt;&amp;\"b\"</name>")
    );
}
