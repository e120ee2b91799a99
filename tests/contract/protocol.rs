//! The wire itself: what polite clients never send, byte for byte.

use std::fmt::Write;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::raw;
use crate::target::Target;

/// A request with the owner's token that asks for the connection to be closed.
fn request(swift: &Target, line: &str, headers: &str, body: &str) -> Vec<u8> {
    let (host, token) = (swift.authority(), &swift.owner.token);
    format!("{line} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {token}\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
}

fn status(answer: &str) -> u16 {
    let line = answer.lines().next().unwrap_or_default();
    let code = line
        .strip_prefix("HTTP/1.1 ")
        .or(line.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3));
    code.and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no status line: {answer:?}"))
}

/// Reads until `wanted` has come, and returns all that came.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(wanted) {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.expect("the target answers");
        assert_ne!(
            count,
            0,
            "closed before {wanted:?}: {:?}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn refuses_an_upload_without_length_or_chunks() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let answer = raw(
        swift.authority(),
        &request(&swift, &format!("PUT {}", container.at("o")), "", ""),
    )
    .await;
    assert_eq!(status(&answer), 411);
    assert!(
        answer.contains("\r\nContent-Type: text/plain\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nX-Trans-Id: tx"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\nMissing Content-Length header."),
        "{answer}"
    );
}

#[tokio::test]
async fn refuses_a_length_that_is_no_number() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for length in ["X", "-1", "1.5"] {
        let headers = format!("Content-Length: {length}\r\n");
        let answer = raw(
            swift.authority(),
            &request(&swift, &format!("PUT {}", container.at("o")), &headers, ""),
        )
        .await;
        assert_eq!(status(&answer), 400, "{length}: {answer}");
    }
}

#[tokio::test]
async fn refuses_codings_it_does_not_know() {
    let swift = Target::start().await;
    let container = swift.container().await;

    for (coding, expected) in [("gzip,chunked", 501), ("gzip, chunked", 501), ("gzip", 400)] {
        let headers = format!("Transfer-Encoding: {coding}\r\n");
        let line = format!("PUT {}", container.at("o"));
        let answer = raw(
            swift.authority(),
            &request(&swift, &line, &headers, "0\r\n\r\n"),
        )
        .await;
        assert_eq!(status(&answer), expected, "{coding}: {answer}");
    }
}

#[tokio::test]
async fn refuses_an_object_larger_than_info_allows_before_it_comes() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let most = swift.info["swift"]["max_file_size"]
        .as_u64()
        .expect("a number");

    let headers = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", most + 1);
    let answer = raw(
        swift.authority(),
        &request(&swift, &format!("PUT {}", container.at("o")), &headers, ""),
    )
    .await;
    assert_eq!(status(&answer), 413);
    assert!(answer.ends_with("Your request is too large."), "{answer}");
}

#[tokio::test]
async fn asks_for_the_body_only_when_it_will_take_it() {
    let swift = Target::start().await;
    let container = swift.container().await;
    let missing = swift.unmade_container(&swift.owner);
    let upload = async |path: String, token: &str| {
        let mut stream = TcpStream::connect(swift.authority())
            .await
            .expect("the target listens");
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: {}\r\nX-Auth-Token: {token}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\
             Connection: close\r\n\r\n",
            swift.authority()
        );
        stream
            .write_all(head.as_bytes())
            .await
            .expect("the target reads");
        let first = read_until(&mut stream, "\r\n\r\n").await;
        (stream, first)
    };

    let (mut stream, first) = upload(container.at("o"), &swift.owner.token).await;
    assert_eq!(status(&first), 100, "{first}");
    stream.write_all(b"hello").await.expect("the target reads");
    let last = read_until(&mut stream, "\r\n\r\n").await;
    assert_eq!(status(&last), 201, "{last}");
    assert_eq!(container.get("o").await.is(200).text(), "hello");

    let (_, first) = upload(missing.at("o"), &swift.owner.token).await;
    assert_eq!(status(&first), 404, "{first}");
    let (_, first) = upload(container.at("o"), "nonsense").await;
    assert_eq!(status(&first), 401, "{first}");
}

#[tokio::test]
async fn keeps_the_old_object_when_an_upload_breaks_off() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "the old bytes").await;

    for head in [
        "Content-Length: 100\r\n\r\nonly this",
        "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
    ] {
        let mut stream = TcpStream::connect(swift.authority())
            .await
            .expect("the target listens");
        let (path, host, token) = (container.at("o"), swift.authority(), &swift.owner.token);
        let start =
            format!("PUT {path} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {token}\r\n{head}");
        stream
            .write_all(start.as_bytes())
            .await
            .expect("the target reads");
        stream.shutdown().await.expect("a socket closes");
        // The server has seen the end once it closes its side.
        let mut rest = Vec::new();
        let closed =
            tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(
            closed.is_ok(),
            "the server keeps waiting for a client that is gone"
        );
    }

    assert_eq!(container.get("o").await.is(200).text(), "the old bytes");
    let listed = container.list("format=json").await.is(200).json();
    assert_eq!(listed[0]["bytes"], 13);
}

#[tokio::test]
async fn keeps_the_connection_for_the_next_request() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "hello").await;
    let mut stream = TcpStream::connect(swift.authority())
        .await
        .expect("the target listens");
    let get = |path: String| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nX-Auth-Token: {}\r\n\r\n",
            swift.authority(),
            swift.owner.token
        )
    };

    for _ in 0..3 {
        stream
            .write_all(get(container.at("o")).as_bytes())
            .await
            .expect("the target reads");
        let answer = read_until(&mut stream, "\r\n\r\nhello").await;
        assert_eq!(status(&answer), 200);
        stream
            .write_all(get(container.at("nothing")).as_bytes())
            .await
            .expect("the target reads");
        let answer = read_until(&mut stream, "</html>").await;
        assert_eq!(status(&answer), 404);
    }
}

#[tokio::test]
async fn takes_raw_utf_8_in_the_request_target() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let line = format!("PUT {}", container.at("grüße"));
    let answer = raw(
        swift.authority(),
        &request(&swift, &line, "Content-Length: 1\r\n", "x"),
    )
    .await;
    assert_eq!(status(&answer), 201, "{answer}");
    assert_eq!(container.get("gr%C3%BC%C3%9Fe").await.is(200).text(), "x");
}

#[tokio::test]
async fn takes_raw_bytes_in_a_header_value() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let line = format!("PUT {}", container.at("o"));
    let headers = "X-Object-Meta-City: Zürich\r\nContent-Length: 1\r\n";
    let answer = raw(swift.authority(), &request(&swift, &line, headers, "x")).await;
    assert_eq!(status(&answer), 201);
    let answer = raw(
        swift.authority(),
        &request(&swift, &format!("HEAD {}", container.at("o")), "", ""),
    )
    .await;
    assert!(
        answer.contains("X-Object-Meta-City: Zürich\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn writes_header_names_in_title_case() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container
        .put("o")
        .header("x-object-meta-colour", "blue")
        .body("x")
        .await
        .is(201);

    let answer = raw(
        swift.authority(),
        &request(&swift, &format!("GET {}", container.at("o")), "", ""),
    )
    .await;
    for name in [
        "Content-Length",
        "Content-Type",
        "Etag",
        "Last-Modified",
        "X-Object-Meta-Colour",
        "X-Trans-Id",
        "Date",
    ] {
        assert!(
            answer.contains(&format!("\r\n{name}: ")),
            "{name}: {answer}"
        );
    }
}

#[tokio::test]
async fn takes_more_than_a_hundred_headers() {
    let swift = Target::start().await;
    let container = swift.container().await;
    container.holds("o", "x").await;

    let mut headers = String::new();
    for number in 0..120 {
        write!(headers, "X-Unknown-{number}: v\r\n").expect("a String takes all");
    }
    let answer = raw(
        swift.authority(),
        &request(&swift, &format!("GET {}", container.at("o")), &headers, ""),
    )
    .await;
    assert_eq!(status(&answer), 200, "{answer}");
}

#[tokio::test]
async fn keeps_double_slashes_in_the_target() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let line = format!("PUT {}", container.at("/a//b"));
    let answer = raw(
        swift.authority(),
        &request(&swift, &line, "Content-Length: 1\r\n", "x"),
    )
    .await;
    assert_eq!(status(&answer), 201);
    assert_eq!(container.list("").await.is(200).lines(), ["/a//b"]);
}

#[tokio::test]
async fn refuses_a_request_line_that_is_none() {
    let swift = Target::start().await;

    for garbage in ["GARBAGE\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let answer = raw(swift.authority(), garbage.as_bytes()).await;
        assert!(
            answer.contains(" 400 ") || answer.contains(" 505 ") || answer.starts_with('<'),
            "{garbage:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn reads_chunks_with_extensions_and_trailers() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let line = format!("PUT {}", container.at("o"));
    let body = "5;name=value\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let answer = raw(
        swift.authority(),
        &request(&swift, &line, "Transfer-Encoding: chunked\r\n", body),
    )
    .await;
    assert_eq!(status(&answer), 201, "{answer}");
    assert_eq!(container.get("o").await.is(200).text(), "hello world");
}

#[tokio::test]
async fn refuses_chunks_that_are_malformed() {
    let swift = Target::start().await;
    let container = swift.container().await;

    let line = format!("PUT {}", container.at("o"));
    let answer = raw(
        swift.authority(),
        &request(
            &swift,
            &line,
            "Transfer-Encoding: chunked\r\n",
            "nonsense\r\n\r\n",
        ),
    )
    .await;
    assert!((400..500).contains(&status(&answer)), "{answer}");
    container.get("o").await.is(404);
}
