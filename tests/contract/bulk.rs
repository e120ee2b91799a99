//! Archives that become objects, and one request that deletes many.
//!
//! Facts: `swift/common/middleware/bulk.py`.

use std::io::Write;

use serde_json::json;

use crate::http::Request;
use crate::target::{Container, Target, encode};

fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, body) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, body.as_bytes())
            .expect("a Vec takes all");
    }
    archive.into_inner().expect("a Vec takes all")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

fn extract<'a>(container: &Container<'a>, format: &str) -> Request<'a> {
    container
        .put(&format!("?extract-archive={format}"))
        .header("accept", "application/json")
}

fn remove<'a>(swift: &'a Target, names: &str) -> Request<'a> {
    swift
        .post(format!("{}?bulk-delete", swift.owner.account))
        .header("content-type", "text/plain")
        .header("accept", "application/json")
        .body(names.to_owned())
}

#[tokio::test]
async fn makes_an_object_of_each_member_of_an_archive() {
    let Some(swift) = Target::with(["bulk_upload"]).await else {
        return;
    };
    let archive = tar(&[("a.txt", "first"), ("dir/b.css", "second"), ("ü", "third")]);

    for (format, archive) in [
        ("tar", archive.clone()),
        ("tar.gz", gz(&archive)),
        ("tar.bz2", bz2(&archive)),
    ] {
        let container = swift.container().await;
        let answer = extract(&container, format).body(archive).await.is(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(
            answer.json(),
            json!({ "Number Files Created": 3, "Response Status": "201 Created", "Response Body": "", "Errors": [] }),
            "{format}"
        );
        assert_eq!(container.get("dir/b.css").await.is(200).text(), "second");
        assert_eq!(
            container
                .head("dir/b.css")
                .await
                .is(200)
                .header("content-type"),
            Some("text/css")
        );
        assert_eq!(container.get("%C3%BC").await.is(200).text(), "third");
    }
}

#[tokio::test]
async fn extracts_below_a_path_in_the_container() {
    let Some(swift) = Target::with(["bulk_upload"]).await else {
        return;
    };
    let container = swift.container().await;

    let put = container
        .put("some/where?extract-archive=tar")
        .body(tar(&[("a", "1"), ("./b", "2")]));
    put.await.is(200);

    assert_eq!(
        container.list("").await.is(200).lines(),
        ["some/where/a", "some/where/b"]
    );
}

#[tokio::test]
async fn makes_containers_when_an_archive_goes_to_the_account() {
    let Some(swift) = Target::with(["bulk_upload"]).await else {
        return;
    };
    let container = swift.unmade_container(&swift.owner);

    let archive = tar(&[(&format!("{}/a", container.name), "1")]);
    let put = swift
        .put(format!("{}/?extract-archive=tar", swift.owner.account))
        .header("accept", "application/json");
    assert_eq!(
        put.body(archive).await.is(200).json()["Number Files Created"],
        1
    );

    assert_eq!(container.get("a").await.is(200).text(), "1");
}

#[tokio::test]
async fn reports_as_plain_text_unless_asked_otherwise() {
    let Some(swift) = Target::with(["bulk_upload"]).await else {
        return;
    };
    let container = swift.container().await;

    let answer = container
        .put("?extract-archive=tar")
        .body(tar(&[("a", "1")]))
        .await
        .is(200);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(
        answer.text().trim_start(),
        "Number Files Created: 1\nResponse Body: \nResponse Status: 201 Created\nErrors:\n"
    );

    let answer = container
        .put("?extract-archive=tar")
        .header("accept", "text/xml")
        .body(tar(&[("a", "1")]))
        .await
        .is(200);
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    assert!(
        answer
            .text()
            .contains("<number_files_created>1</number_files_created>"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn refuses_an_archive_it_cannot_read() {
    let Some(swift) = Target::with(["bulk_upload"]).await else {
        return;
    };
    let container = swift.container().await;

    let refused = container
        .put("?extract-archive=zip")
        .body("x")
        .await
        .is(400);
    assert_eq!(refused.text(), "Unsupported archive format");

    let answer = extract(&container, "tar.gz")
        .body("this is no archive")
        .await
        .is(200)
        .json();
    assert_eq!(answer["Response Status"], "400 Bad Request");
    assert_eq!(answer["Number Files Created"], 0);
    let body = answer["Response Body"].as_str().expect("a text");
    assert!(body.starts_with("Invalid Tar File: "), "{body}");
}

#[tokio::test]
async fn says_which_members_could_not_be_stored() {
    let Some(swift) = Target::with(["bulk_upload"]).await else {
        return;
    };
    let container = swift.unmade_container(&swift.owner);

    let answer = extract(&container, "tar")
        .anonymous()
        .body(tar(&[("a", "1")]))
        .await;
    let answer = answer.is(200).json();
    assert_eq!(answer["Response Status"], "401 Unauthorized");
    assert_eq!(answer["Number Files Created"], 0);
}

#[tokio::test]
async fn deletes_every_object_it_is_given() {
    let Some(swift) = Target::with(["bulk_delete"]).await else {
        return;
    };
    let container = swift.container().await;
    for name in ["a", "b c", "ü", "keep"] {
        container.put(&encode(name)).body("x").await.is(201);
    }
    let name = &container.name;

    let answer = remove(
        &swift,
        &format!("{name}/a\n/{name}/b%20c\n{name}/%C3%BC\n{name}/missing\n"),
    )
    .await
    .is(200);
    assert_eq!(
        answer.json(),
        json!({
            "Number Deleted": 3, "Number Not Found": 1, "Response Status": "200 OK", "Response Body": "", "Errors": []
        })
    );
    assert_eq!(container.list("").await.is(200).lines(), ["keep"]);
}

#[tokio::test]
async fn deletes_by_the_method_delete_as_well() {
    let Some(swift) = Target::with(["bulk_delete"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("a", "x").await;

    let delete = swift
        .delete(format!("{}?bulk-delete", swift.owner.account))
        .header("content-type", "text/plain")
        .body(format!("{}/a", container.name));
    let answer = delete.await.is(200);
    assert_eq!(
        answer.text().trim_start(),
        "Number Deleted: 1\nNumber Not Found: 0\nResponse Body: \nResponse Status: 200 OK\nErrors:\n"
    );
}

#[tokio::test]
async fn deletes_a_container_after_its_objects() {
    let Some(swift) = Target::with(["bulk_delete"]).await else {
        return;
    };
    let container = swift.container().await;
    container.holds("a", "x").await;
    let name = &container.name;

    let answer = remove(&swift, &format!("{name}\n")).await.is(200).json();
    assert_eq!(answer["Response Status"], "400 Bad Request");
    assert_eq!(answer["Errors"], json!([[name, "409 Conflict"]]));

    let answer = remove(&swift, &format!("{name}/a\n{name}\n"))
        .await
        .is(200)
        .json();
    assert_eq!(answer["Number Deleted"], 2);
    container.inspect().await.is(404);
}

#[tokio::test]
async fn wants_to_be_given_something_to_delete() {
    let Some(swift) = Target::with(["bulk_delete"]).await else {
        return;
    };

    let answer = remove(&swift, "\n\n").await.is(200).json();
    assert_eq!(answer["Response Status"], "400 Bad Request");
    assert_eq!(answer["Response Body"], "Invalid bulk delete.");
    assert_eq!(answer["Number Deleted"], 0);
}

#[tokio::test]
async fn refuses_names_that_are_too_long_or_not_utf_8() {
    let Some(swift) = Target::with(["bulk_delete"]).await else {
        return;
    };
    let container = swift.container().await;

    let answer = remove(&swift, &format!("{}/%FF\n", container.name))
        .await
        .is(200)
        .json();
    assert_eq!(answer["Response Status"], "400 Bad Request");
    assert_eq!(answer["Errors"][0][1], "412 Precondition Failed");
    let long = "n".repeat(5000);
    let answer = remove(&swift, &format!("{}/{long}\n", container.name))
        .await
        .is(200)
        .json();
    assert_eq!(answer["Response Status"], "400 Bad Request");
    assert_eq!(answer["Response Body"], "Invalid File Name");
}
