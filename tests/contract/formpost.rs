//! Uploads from a browser's form, authorised by a signature in the form.
//!
//! Facts: `swift/common/middleware/formpost.py`. Upstream has no functional test of it.

use std::fmt::Write;

use crate::http::Response;
use crate::sign::{sha1, sha256, sha512};
use crate::target::{Container, Target};

const KEY: &str = "a container's key";
const NEVER: u64 = 4_102_444_800;

/// A form: its fields in order, then its files as (file name, content type, body).
struct Form<'a> {
    redirect: &'a str,
    max_file_size: u64,
    max_file_count: u64,
    expires: u64,
    fields: Vec<(&'a str, String)>,
    files: Vec<(&'a str, &'a str, &'a str)>,
}

impl Default for Form<'_> {
    fn default() -> Self {
        Self {
            redirect: "",
            max_file_size: 100,
            max_file_count: 2,
            expires: NEVER,
            fields: Vec::new(),
            files: vec![("a.txt", "text/plain", "first")],
        }
    }
}

impl Form<'_> {
    fn text(&self, path: &str) -> String {
        let Self {
            redirect,
            max_file_size,
            max_file_count,
            expires,
            ..
        } = self;
        format!("{path}\n{redirect}\n{max_file_size}\n{max_file_count}\n{expires}")
    }

    async fn send(&self, container: &Container<'_>, object: &str, signature: &str) -> Response {
        let mut fields = self.fields.clone();
        if !self.redirect.is_empty() {
            fields.push(("redirect", self.redirect.to_owned()));
        }
        fields.push(("max_file_size", self.max_file_size.to_string()));
        fields.push(("max_file_count", self.max_file_count.to_string()));
        fields.push(("expires", self.expires.to_string()));
        fields.push(("signature", signature.to_owned()));
        let mut body = String::new();
        for (name, value) in &fields {
            write!(
                body,
                "--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .expect("a String takes all");
        }
        for (number, (name, kind, content)) in self.files.iter().enumerate() {
            write!(
                body,
                "--limit\r\nContent-Disposition: form-data; name=\"file{number}\"; filename=\"{name}\"\r\n\
                 Content-Type: {kind}\r\n\r\n{content}\r\n"
            ).expect("a String takes all");
        }
        body += "--limit--\r\n";
        container
            .post(object)
            .anonymous()
            .header("content-type", "multipart/form-data; boundary=limit")
            .body(body)
            .await
    }

    /// Sends the form, signed as it should be, to `object` as the prefix of the names.
    async fn submit(&self, container: &Container<'_>, object: &str) -> Response {
        let signature = hex::encode(sha256(KEY, &self.text(&container.at(object))));
        self.send(container, object, &signature).await
    }
}

async fn open(swift: &Target) -> Container<'_> {
    swift
        .container_with(&[("x-container-meta-temp-url-key", KEY)])
        .await
}

#[tokio::test]
async fn stores_the_files_of_a_signed_form() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;
    let form = Form {
        files: vec![
            ("a.txt", "text/plain", "first"),
            ("b.css", "text/css", "second\r\n--not the limit"),
        ],
        ..Form::default()
    };

    form.submit(&container, "up/").await.is(201);

    let first = container.get("up/a.txt").await.is(200);
    assert_eq!(first.text(), "first");
    assert_eq!(first.header("content-type"), Some("text/plain"));
    let second = container.get("up/b.css").await.is(200);
    assert_eq!(second.text(), "second\r\n--not the limit");
    assert_eq!(second.header("content-type"), Some("text/css"));
}

#[tokio::test]
async fn takes_each_digest_in_hex_and_in_base64() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;
    let form = Form::default();
    let text = form.text(&container.at("up/"));

    for signature in [
        hex::encode(sha1(KEY, &text)),
        hex::encode(sha512(KEY, &text)),
        format!("sha1:{}", STANDARD.encode(sha1(KEY, &text))),
        format!("sha256:{}", STANDARD.encode(sha256(KEY, &text))),
        format!("sha512:{}", STANDARD.encode(sha512(KEY, &text))),
    ] {
        form.send(&container, "up/", &signature).await.is(201);
    }
}

#[tokio::test]
async fn puts_the_prefix_of_the_path_before_each_name() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    Form::default().submit(&container, "pre-").await.is(201);
    Form::default().submit(&container, "").await.is(201);

    assert_eq!(
        container.list("").await.is(200).lines(),
        ["a.txt", "pre-a.txt"]
    );
}

#[tokio::test]
async fn sends_the_browser_where_the_form_says() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    let form = Form {
        redirect: "https://example.com/done",
        ..Form::default()
    };
    let answer = form.submit(&container, "").await.is(303);
    assert_eq!(
        answer.header("location"),
        Some("https://example.com/done?status=201&message=")
    );

    let form = Form {
        redirect: "https://example.com/done?a=b",
        files: Vec::new(),
        ..Form::default()
    };
    let answer = form.submit(&container, "").await.is(303);
    assert_eq!(
        answer.header("location"),
        Some("https://example.com/done?a=b&status=400&message=no%20files%20to%20process")
    );
}

#[tokio::test]
async fn refuses_a_file_that_is_too_large() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    let form = Form {
        max_file_size: 4,
        ..Form::default()
    };
    let answer = form.submit(&container, "").await.is(400);
    assert_eq!(answer.text(), "FormPost: max_file_size exceeded");
    container.get("a.txt").await.is(404);
    let form = Form {
        max_file_size: 5,
        ..Form::default()
    };
    form.submit(&container, "").await.is(201);
}

#[tokio::test]
async fn refuses_more_files_than_agreed() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    let form = Form {
        max_file_count: 1,
        files: vec![("a", "text/plain", "1"), ("b", "text/plain", "2")],
        ..Form::default()
    };
    let answer = form.submit(&container, "").await.is(400);
    assert_eq!(
        answer.text(),
        "400 Bad Request\r\nFormPost: Max File Count Exceeded"
    );
    container.get("b").await.is(404);
}

#[tokio::test]
async fn refuses_a_form_without_a_file() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    let form = Form {
        files: Vec::new(),
        ..Form::default()
    };
    assert_eq!(
        form.submit(&container, "").await.is(400).text(),
        "400 Bad Request\r\nFormPost: No Files To Process"
    );
}

#[tokio::test]
async fn refuses_a_form_that_has_expired() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;
    let now = swift.now().await;

    let form = Form {
        expires: now - 10,
        ..Form::default()
    };
    let answer = form.submit(&container, "").await.is(401);
    assert_eq!(answer.text(), "FormPost: Form Expired");
}

#[tokio::test]
async fn refuses_a_form_whose_signature_is_not_for_it() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;
    let form = Form::default();
    let good = hex::encode(sha256(KEY, &form.text(&container.at("up/"))));

    let other = Form {
        max_file_size: 101,
        ..Form::default()
    };
    for answer in [
        other.send(&container, "up/", &good).await,
        form.send(&container, "elsewhere/", &good).await,
        form.send(
            &container,
            "up/",
            &hex::encode(sha256("another key", &form.text(&container.at("up/")))),
        )
        .await,
        form.send(&container, "up/", "nonsense").await,
        form.send(&container, "up/", "").await,
    ] {
        assert_eq!(answer.is(401).text(), "FormPost: Invalid Signature");
    }
    container.list("").await.is(204);
}

#[tokio::test]
async fn gives_the_files_the_lifetime_the_form_asks_for() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    let form = Form {
        fields: vec![("x_delete_at", "4102444800".to_owned())],
        ..Form::default()
    };
    form.submit(&container, "").await.is(201);
    assert_eq!(
        container.head("a.txt").await.is(200).header("x-delete-at"),
        Some("4102444800")
    );

    let form = Form {
        fields: vec![("x_delete_after", "soon".to_owned())],
        ..Form::default()
    };
    let answer = form.submit(&container, "").await.is(400);
    assert_eq!(
        answer.text(),
        "FormPost: x_delete_after not an integer: Number of seconds required."
    );
}

#[tokio::test]
async fn leaves_other_posts_alone() {
    let Some(swift) = Target::with(["formpost"]).await else {
        return;
    };
    let container = open(&swift).await;

    container
        .post("o")
        .anonymous()
        .header("content-type", "text/plain")
        .body("x")
        .await
        .is(401);
}
