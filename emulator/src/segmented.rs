//! Bodies of large objects: segments that follow one another, each fetched when the one before it has been sent.
//!
//! What Swift's `SegmentedIterable` does (`swift/common/request_helpers.py`): the first segment is fetched before the
//! answer begins, so that its absence is a 409; what goes wrong later cuts the answer short.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{
    CONTENT_LENGTH, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderName, Method, StatusCode};
use http_body::{Frame, SizeHint};

use crate::message::{Body, BodyError, Request, header_value};
use crate::path::Path;
use crate::pipeline::{Next, OwnedNext};
use crate::query::Query;
use crate::reject::Reject;

const OPEN_EXPIRED: HeaderName = HeaderName::from_static("x-open-expired");

/// A segment as it is to be fetched.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: Path,
    /// First and last byte wanted; the whole of it where there are none.
    pub(crate) range: Option<(u64, u64)>,
    /// The ETag it must still have.
    pub(crate) etag: Option<String>,
    /// The length in bytes it must still have.
    pub(crate) bytes: Option<u64>,
}

/// Why a large object cannot be read on.
#[derive(Debug)]
pub(crate) enum Broken {
    /// A segment or a manifest is missing, forbidden, or not what it was: 409 before the answer has begun.
    Segment(String),
    /// A server error on the way to it: 503.
    Unavailable,
}

impl From<Broken> for Reject {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Segment(reason) => {
                tracing::debug!(%reason, "a large object cannot be read");
                Self::conflict()
            }
            Broken::Unavailable => Self::new(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

impl From<Broken> for BodyError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Segment(reason) => Self::Server(reason),
            Broken::Unavailable => Self::Server("a segment is unavailable".to_owned()),
        }
    }
}

/// What of a read must be remembered to answer it out of segments, once the manifest is there.
pub(crate) fn remember(request: &Request) -> Request {
    let mut remembered = request.sub(request.method.clone(), request.path.clone());
    remembered.query = request.query.clone();
    for name in [
        RANGE,
        IF_RANGE,
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
        OPEN_EXPIRED,
    ] {
        if let Some(value) = request.headers.get(&name) {
            remembered.headers.insert(name, value.clone());
        }
    }
    remembered
}

/// The rest of the pipeline as a place to fetch segments from, on behalf of one request and for as long as it takes.
#[derive(Debug)]
pub(crate) struct Source {
    next: OwnedNext,
    template: Request,
}

impl Source {
    pub(crate) fn new(request: &Request, next: Next<'_>) -> Self {
        let mut template = request.sub(Method::GET, request.path.clone());
        template.query = Query::new("multipart-manifest=get");
        if let Some(value) = request.headers.get(OPEN_EXPIRED) {
            template.headers.insert(OPEN_EXPIRED, value.clone());
        }
        Self {
            next: next.to_owned(),
            template,
        }
    }

    /// A read of another object as it is stored, manifest or not.
    pub(crate) fn raw(&self, path: Path) -> Request {
        let mut request = self.template.sub(Method::GET, path);
        request.query = self.template.query.clone();
        request.headers = self.template.headers.clone();
        request
    }

    pub(crate) fn next(&self) -> Next<'_> {
        self.next.borrow()
    }

    pub(crate) async fn fetch(&self, segment: &Segment) -> Result<Body, Broken> {
        let mut request = self.raw(segment.path.clone());
        if let Some((first, last)) = segment.range {
            request
                .headers
                .insert(RANGE, header_value(&format!("bytes={first}-{last}")));
        }
        let response = self.next().run(request).await;
        let path = segment.path.as_str();
        if response.status.is_server_error() {
            return Err(Broken::Unavailable);
        }
        if !response.is_success() {
            return Err(Broken::Segment(format!("{} for {path}", response.status)));
        }
        let etag = response
            .header(ETAG.as_str())
            .map(|etag| etag.trim_matches('"'));
        let length = response
            .header(CONTENT_LENGTH.as_str())
            .and_then(|length| length.parse().ok());
        let changed = segment
            .etag
            .as_deref()
            .is_some_and(|expected| etag != Some(expected))
            || segment.range.is_none()
                && segment
                    .bytes
                    .is_some_and(|expected| length != Some(expected));
        if changed {
            return Err(Broken::Segment(format!("{path} is not what it was")));
        }
        Ok(response.body)
    }
}

/// The same bytes as a body whose length is not told, and which is therefore sent in chunks.
pub(crate) fn unmeasured(body: Body) -> Body {
    Body::stream(Joined {
        current: body,
        rest: Box::pin(stream::empty()),
        left: None,
    })
}

/// One body out of many, once the first is there. `length` is what they must come to, where that is known.
pub(crate) async fn begin(
    bodies: impl Stream<Item = Result<Body, Broken>> + Send + 'static,
    length: Option<u64>,
) -> Result<Body, Reject> {
    let mut bodies = Box::pin(bodies);
    match bodies.next().await {
        None => Ok(Body::Empty),
        Some(Err(broken)) => Err(broken.into()),
        Some(Ok(first)) if length.is_some() && first.length() == length => Ok(first),
        Some(Ok(first)) => Ok(Body::stream(Joined {
            current: first,
            rest: bodies,
            left: length,
        })),
    }
}

/// Bodies one behind the other: in memory where all of them are.
pub(crate) fn concat(bodies: Vec<Body>) -> Body {
    if bodies
        .iter()
        .any(|body| matches!(body, Body::Incoming(_) | Body::Stream { .. }))
    {
        let left = bodies.iter().map(Body::length).sum();
        return Body::stream(Joined {
            current: Body::Empty,
            rest: Box::pin(stream::iter(bodies.into_iter().map(Ok))),
            left,
        });
    }
    let mut chunks = VecDeque::new();
    for body in bodies {
        match body {
            Body::Bytes(bytes) => chunks.push_back(bytes),
            Body::Chunks(more) => chunks.extend(more),
            Body::Empty | Body::Incoming(_) | Body::Stream { .. } => {}
        }
    }
    Body::Chunks(chunks)
}

struct Joined {
    current: Body,
    rest: Pin<Box<dyn Stream<Item = Result<Body, Broken>> + Send>>,
    left: Option<u64>,
}

impl http_body::Body for Joined {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            match ready!(Pin::new(&mut self.current).poll_frame(context)) {
                Some(Ok(frame)) => {
                    let sent = frame.data_ref().map_or(0, |data| data.len() as u64);
                    if let Some(left) = self.left {
                        self.left = left.checked_sub(sent);
                        if self.left.is_none() {
                            return failed("the segments hold more than they should");
                        }
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {}
            }
            self.current = match ready!(self.rest.as_mut().poll_next(context)) {
                Some(Ok(body)) => body,
                Some(Err(broken)) => return Poll::Ready(Some(Err(broken.into()))),
                None if self.left.is_some_and(|left| left > 0) => {
                    return failed("the segments hold less than they should");
                }
                None => return Poll::Ready(None),
            };
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn failed(reason: &str) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    Poll::Ready(Some(Err(BodyError::Server(reason.to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(bodies: &[&'static str], length: u64) -> Joined {
        let bodies: Vec<_> = bodies
            .iter()
            .map(|text| Ok(Body::Bytes(Bytes::from_static(text.as_bytes()))))
            .collect();
        Joined {
            current: Body::Empty,
            rest: Box::pin(stream::iter(bodies)),
            left: Some(length),
        }
    }

    #[tokio::test]
    async fn joins_what_comes_to_the_length_and_breaks_off_what_does_not() {
        let whole = Body::stream(joined(&["ab", "", "c"], 3)).collect(10).await;
        assert_eq!(whole.ok(), Some(Bytes::from_static(b"abc")));
        assert!(Body::stream(joined(&["ab"], 3)).collect(10).await.is_err());
        assert!(
            Body::stream(joined(&["ab", "cd"], 3))
                .collect(10)
                .await
                .is_err()
        );
    }
}
