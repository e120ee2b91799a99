//! Bare HTTP: what a test writes is what goes out, and what came back is what it sees.
//!
//! No redirects, no decoding, no path normalisation, one connection per request.

use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request in the making; awaiting it sends it.
#[must_use = "a request does nothing until it is awaited"]
pub(crate) struct Request<'a> {
    authority: &'a str,
    method: &'a str,
    target: String,
    headers: HeaderMap,
    body: BoxBody<Bytes, Infallible>,
}

impl<'a> Request<'a> {
    /// `target` is the request target as it stands in the request line: percent-encoded, with its query.
    pub(crate) fn new(authority: &'a str, method: &'a str, target: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            "host",
            HeaderValue::from_str(authority).expect("an authority is a header value"),
        );
        if matches!(method, "PUT" | "POST") {
            // Without a length Swift answers 411; `body` and `chunks` put theirs in its place.
            headers.insert("content-length", HeaderValue::from_static("0"));
        }
        Self {
            authority,
            method,
            target: target.into(),
            headers,
            body: Full::default().boxed(),
        }
    }

    /// Sets a header, replacing an earlier one of this name.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("tests write valid header names");
        let value =
            HeaderValue::from_bytes(value.as_ref()).expect("tests write valid header values");
        self.headers.insert(name, value);
        self
    }

    /// Sends with this token instead of the owner's.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("x-auth-token", token)
    }

    /// Sends without a token.
    pub(crate) fn anonymous(mut self) -> Self {
        self.headers.remove("x-auth-token");
        self
    }

    /// Sends these bytes, with their length declared.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.headers.remove("content-length");
        self.body = Full::new(body.into()).boxed();
        self
    }

    /// Sends these bytes with `Transfer-Encoding: chunked`, one chunk each.
    pub(crate) fn chunks(mut self, chunks: &[&'static str]) -> Self {
        let frames: Vec<_> = chunks
            .iter()
            .map(|&chunk| Ok(Frame::data(Bytes::from(chunk))))
            .collect();
        self.headers.remove("content-length");
        self.body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
        self
    }

    async fn send(self) -> Response {
        let what = format!("{} {}", self.method, self.target);
        let mut request = ::http::Request::builder()
            .method(self.method)
            .uri(&*self.target);
        *request
            .headers_mut()
            .expect("a method and a target make a request") = self.headers;
        let request = request
            .body(self.body)
            .expect("a method and a target make a request");

        let stream = TcpStream::connect(self.authority)
            .await
            .expect("the target listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("a new connection takes a request");
        let connection = tokio::spawn(connection);
        let answer = sender
            .send_request(request)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let (head, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .unwrap_or_else(|error| panic!("{what}: body: {error}"))
            .to_bytes();
        drop(sender);
        connection.abort();
        Response {
            what,
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        }
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Response;
    type IntoFuture = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Response {
    what: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// Asserts the status and hands the answer back.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        let Self { what, headers, .. } = &self;
        assert_eq!(
            self.status,
            status,
            "{what}\n{headers:#?}\n{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// Asserts the status and the HTML page that Swift's `swob` sends with it when nothing more is known.
    #[track_caller]
    pub(crate) fn shows(self, status: u16) -> Self {
        let (title, sentence) = match status {
            202 => ("Accepted", "The request is accepted for processing."),
            400 => (
                "Bad Request",
                "The server could not comply with the request since it is either malformed or otherwise incorrect.",
            ),
            401 => (
                "Unauthorized",
                "This server could not verify that you are authorized to access the document you requested.",
            ),
            403 => ("Forbidden", "Access was denied to this resource."),
            404 => ("Not Found", "The resource could not be found."),
            405 => (
                "Method Not Allowed",
                "The method is not allowed for this resource.",
            ),
            409 => (
                "Conflict",
                "There was a conflict when trying to complete your request.",
            ),
            411 => ("Length Required", "Content-Length header required."),
            412 => (
                "Precondition Failed",
                "A precondition for this request was not met.",
            ),
            413 => (
                "Request Entity Too Large",
                "The body of your request was too large for this server.",
            ),
            416 => (
                "Requested Range Not Satisfiable",
                "The Range requested is not available.",
            ),
            422 => (
                "Unprocessable Entity",
                "Unable to process the contained instructions",
            ),
            501 => (
                "Not Implemented",
                "The requested method is not implemented by this server.",
            ),
            other => panic!("add the page for {other} here"),
        };
        let answer = self.is(status);
        let page = format!("<html><h1>{title}</h1><p>{sentence}</p></html>");
        assert_eq!(answer.text(), page, "{}", answer.what);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=UTF-8"),
            "{}",
            answer.what
        );
        answer
    }

    /// A header, if the answer has it.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("an ASCII header value"))
    }

    /// The body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a UTF-8 body")
    }

    /// The body as lines, as in a plain listing.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.text().lines().collect()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "{}: {error}: {}",
                self.what,
                String::from_utf8_lossy(&self.body)
            )
        })
    }
}

/// Sends these very bytes and returns all that comes back until the server closes: ask for `Connection: close`.
pub(crate) async fn raw(authority: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(authority)
        .await
        .expect("the target listens");
    stream.write_all(request).await.expect("the target reads");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .await
        .expect("the target answers and closes");
    String::from_utf8_lossy(&answer).into_owned()
}
