//! What the client makes of a network that fails, which no emulator of a proper server can show.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

mod server;

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use server::{Reply, Server, answer, cut};
use swift_client::{
    Body, ContainerOptions, DeleteOptions, Error, FileOptions, GetOptions, ListOptions,
    ObjectOptions, RetryPolicy,
};

/// MD5 of `0123456789`.
const ETAG: (&str, &str) = ("ETag", "781e5e245d69b566979b86e28d23f2c7");

fn ok(status: u16) -> Reply {
    Reply::Keep(answer(status, &[], ""))
}

#[tokio::test]
async fn repeats_a_request_that_was_answered_503() {
    let server = Server::start(|number, _| ok(if number < 2 { 503 } else { 204 })).await;
    server.client().head_account().await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn gives_up_when_the_attempts_are_spent_and_says_so() {
    let server = Server::start(|_, _| ok(503)).await;
    let client = server.client_with(RetryPolicy {
        attempts: 3,
        min_delay: std::time::Duration::from_millis(1),
        ..RetryPolicy::default()
    });
    let error = client.head_container("c").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "HEAD AUTH_test/c was answered 503 after 3 attempts (transaction tx-fake): the server failed"
    );
}

#[tokio::test]
async fn reads_on_where_a_download_was_cut() {
    let server = Server::start(|number, head| match number {
        0 => Reply::Close(cut(200, &[ETAG], 10, "0123")),
        1 => {
            assert!(head.contains("\r\nrange: bytes=4-9\r\n"), "{head}");
            assert!(
                head.contains(&format!("\r\nif-match: \"{}\"\r\n", ETAG.1)),
                "{head}"
            );
            Reply::Keep(answer(
                206,
                &[ETAG, ("Content-Range", "bytes 4-9/10")],
                "456789",
            ))
        }
        _ => ok(500),
    })
    .await;
    let download = server
        .client()
        .get_object("c", "o", &GetOptions::default())
        .await
        .unwrap();
    assert_eq!(download.bytes(10).await.unwrap(), "0123456789");
}

#[tokio::test]
async fn does_not_join_parts_of_two_objects() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Close(cut(200, &[ETAG], 10, "0123")),
        _ => ok(412),
    })
    .await;
    let download = server
        .client()
        .get_object("c", "o", &GetOptions::default())
        .await
        .unwrap();
    let error = download.bytes(10).await.unwrap_err();
    assert!(matches!(error, Error::PreconditionFailed(_)), "{error}");
}

#[tokio::test]
async fn does_not_take_a_whole_object_for_the_rest_of_it() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Close(cut(200, &[ETAG], 10, "0123")),
        _ => Reply::Keep(answer(200, &[ETAG], "0123456789")),
    })
    .await;
    let download = server
        .client()
        .get_object("c", "o", &GetOptions::default())
        .await
        .unwrap();
    let error = download.bytes(100).await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");
}

#[tokio::test]
async fn notices_content_that_has_another_md5() {
    let server = Server::start(|_, _| Reply::Keep(answer(200, &[ETAG], "0123456780"))).await;
    let download = server
        .client()
        .get_object("c", "o", &GetOptions::default())
        .await
        .unwrap();
    let error = download.bytes(10).await.unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
}

#[tokio::test]
async fn leaves_a_file_as_it_was_when_its_download_fails() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Close(cut(200, &[ETAG], 10, "0123")),
        _ => ok(404),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("o");
    std::fs::write(&file, "before").unwrap();
    let download = server
        .client()
        .get_object("c", "o", &GetOptions::default())
        .await
        .unwrap();
    let error = download
        .write_file(&file, FileOptions::default())
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"before");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn takes_404_for_done_when_the_answer_to_the_first_delete_was_lost() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Close(String::new()),
        _ => ok(404),
    })
    .await;
    server
        .client()
        .delete_object("c", "o", &DeleteOptions::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn reports_404_when_there_was_nothing_to_delete() {
    let server = Server::start(|_, _| ok(404)).await;
    let error = server
        .client()
        .delete_object("c", "o", &DeleteOptions::default())
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn sends_bytes_again_but_not_a_stream_that_is_spent() {
    let server = Server::start(|number, _| ok(if number == 0 { 503 } else { 201 })).await;
    let options = ObjectOptions::default();
    server
        .client()
        .put_object("c", "o", "0123456789", &options)
        .await
        .unwrap();
    assert_eq!(server.requests().len(), 2);

    let server = Server::start(|_, _| ok(503)).await;
    let data = stream::iter([Ok(Bytes::from_static(b"0123456789"))]);
    let sent = server
        .client()
        .put_object("c", "o", Body::stream(data, None), &options)
        .await;
    assert!(matches!(sent, Err(Error::Server(_))), "{sent:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn does_not_repeat_a_put_that_may_only_work_once() {
    let server = Server::start(|_, _| Reply::Close(String::new())).await;
    let options = ObjectOptions {
        only_if_new: true,
        ..ObjectOptions::default()
    };
    let error = server
        .client()
        .put_object("c", "o", "0123456789", &options)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Connection { attempts: 1, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn notices_that_the_server_stored_something_else() {
    let server = Server::start(|_, _| Reply::Keep(answer(201, &[ETAG], ""))).await;
    let data = stream::iter([Ok(Bytes::from_static(b"something"))]);
    let body = Body::stream(data, Some(9));
    let sent = server
        .client()
        .put_object("c", "o", body, &ObjectOptions::default())
        .await;
    assert!(matches!(sent, Err(Error::Checksum { .. })), "{sent:?}");
}

#[tokio::test]
async fn says_why_a_stream_could_not_be_read() {
    let server = Server::start(|_, _| ok(201)).await;
    let data = stream::iter([
        Ok(Bytes::from_static(b"0123")),
        Err(std::io::Error::other("the tape broke")),
    ]);
    let sent = server
        .client()
        .put_object(
            "c",
            "o",
            Body::stream(data, None),
            &ObjectOptions::default(),
        )
        .await;
    let Err(Error::Source { source, .. }) = sent else {
        panic!("{sent:?}")
    };
    assert_eq!(source.to_string(), "the tape broke");
}

#[tokio::test]
async fn hears_a_refusal_that_comes_before_the_upload_is_over() {
    let server =
        Server::start(|_, _| Reply::Early(answer(413, &[], "Upload exceeds quota."))).await;
    let megabytes = Bytes::from(vec![0; 64 << 20]);
    let sent = server
        .client()
        .put_object("c", "o", megabytes, &ObjectOptions::default())
        .await;
    assert!(matches!(sent, Err(Error::QuotaExceeded(_))), "{sent:?}");
}

#[tokio::test]
async fn signs_in_once_for_many_tasks_whose_token_was_refused() {
    let server = Server::start(|_, head| {
        ok(if head.contains("x-auth-token: token-2") {
            204
        } else {
            401
        })
    })
    .await;
    let client = server.client();
    let calls = stream::iter((0..50).map(Ok::<_, Error>));
    calls
        .try_for_each_concurrent(50, |_| async { client.head_account().await.map(drop) })
        .await
        .unwrap();
    assert_eq!(server.sign_ins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn renews_a_refused_token_once_and_not_for_ever() {
    let server = Server::start(|_, _| ok(401)).await;
    let error = server.client().head_account().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized(_)), "{error}");
    assert_eq!(server.requests().len(), 2);
    assert_eq!(server.sign_ins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn carries_its_token_to_no_other_place() {
    let elsewhere = Server::start(|_, _| ok(204)).await;
    let target = format!("http://{}/v1/AUTH_test", elsewhere.address);
    let server =
        Server::start(move |_, _| Reply::Keep(answer(302, &[("Location", &target)], ""))).await;
    let error = server.client().head_account().await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn keeps_its_connection_when_an_answer_has_a_body_nobody_reads() {
    let page = "<html><h1>Accepted</h1><p>The request is accepted for processing.</p></html>";
    let server = Server::start(move |_, _| Reply::Keep(answer(202, &[], page))).await;
    let client = server.client();
    for _ in 0..5 {
        client
            .put_container("c", &ContainerOptions::default())
            .await
            .unwrap();
        client
            .post_object("c", "o", &ObjectOptions::default())
            .await
            .unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn does_not_wait_for_ever_for_a_server_that_says_nothing() {
    let server =
        Server::start(|number, _| if number == 0 { Reply::Silence } else { ok(204) }).await;
    server.client().head_account().await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn lists_on_with_the_servers_own_page_size_when_ours_is_refused() {
    let page = |names: &[&str]| {
        let entries: Vec<_> = names
            .iter()
            .map(|name| format!(r#"{{"name":"{name}","count":0,"bytes":0}}"#))
            .collect();
        Reply::Keep(answer(200, &[], &format!("[{}]", entries.join(","))))
    };
    let server = Server::start(move |_, head| {
        if head.contains("limit=") {
            return ok(412);
        }
        match head {
            head if head.contains("marker=b ") => page(&["c"]),
            head if head.contains("marker=c ") => page(&[]),
            _ => page(&["a", "b"]),
        }
    })
    .await;
    let listing = server.client().list_containers(ListOptions::default());
    let names: Vec<_> = listing
        .map_ok(|entry| entry.item().unwrap().name)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn does_not_list_one_page_for_ever() {
    let page = r#"[{"name":"a","count":0,"bytes":0}]"#;
    let server = Server::start(move |_, _| Reply::Keep(answer(200, &[], page))).await;
    let options = ListOptions {
        page_size: Some(1),
        ..ListOptions::default()
    };
    let names: Vec<_> = server
        .client()
        .list_containers(options)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names.len(), 2);
}

#[tokio::test]
async fn reads_every_item_of_metadata_and_passes_over_names_that_http_does_not_have() {
    let names: Vec<String> = (0..200).map(|n| format!("X-Object-Meta-{n}")).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    headers.push(("X-Object-Meta-\u{fc}", "x"));
    let head = answer(200, &headers, "");
    let server = Server::start(move |_, _| Reply::Keep(head.clone())).await;
    let info = server
        .client()
        .head_object("c", "o", &GetOptions::default())
        .await
        .unwrap();
    assert_eq!(info.metadata.len(), 200);
}

#[tokio::test]
async fn sends_no_name_that_means_another_place() {
    let server = Server::start(|_, _| ok(201)).await;
    let error = server
        .client()
        .put_container("a/b", &ContainerOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidName { .. }), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn shows_no_token_and_no_key_in_what_it_prints() {
    let key = [("X-Account-Meta-Temp-Url-Key", "hunter2")];
    let server = Server::start(move |_, _| Reply::Keep(answer(204, &key, ""))).await;
    let client = server.client();
    let info = client.head_account().await.unwrap();
    let access = client.session().access().await.unwrap();
    let shown = format!("{client:?} {info:?} {access:?}");
    for secret in ["hunter2", "token-1", "\"testing\""] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn sends_data_once_more_that_was_damaged_on_the_way() {
    for (damaged, requests, done) in [(1, 2, true), (2, 2, false)] {
        let server =
            Server::start(move |number, _| ok(if number < damaged { 422 } else { 201 })).await;
        let options = ObjectOptions::default();
        let stored = server.client().put_object("c", "o", "data", &options).await;
        assert_eq!(stored.is_ok(), done);
        assert_eq!(server.requests().len(), requests);
    }
}
