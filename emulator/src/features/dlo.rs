//! Dynamic large objects (`swift/common/middleware/dlo.py`): an object that stands for all whose names begin with its
//! prefix, in the order of their names.
//!
//! PUT with `X-Object-Manifest: container/prefix`, percent-encoded, makes one; 400 where the header has another form.
//! GET and HEAD serve what the container lists at that moment, with its length and an ETag that is MD5 over the ETags of
//! the segments; a range may span them. Of a listing longer than one page the rest is read while the answer is sent, and
//! neither length nor ETag is told. `?multipart-manifest=get` reads the object itself. 409 if the first segment needed
//! cannot be read; what the container answers, if it cannot be listed.

use std::collections::VecDeque;
use std::ops::Range;

use futures_util::{Stream, stream};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, RANGE};
use http::{Method, StatusCode};
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

use crate::core::Core;
use crate::headers::find;
use crate::listing::{Entry, ObjectEntry};
use crate::message::{Body, Request, Response};
use crate::path::{Kind, Path, Resource};
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::{Reject, Reply};
use crate::resources::object::{Answer, is_plain};
use crate::resources::range::{self, Asked, Wanted};
use crate::segmented::{Broken, Segment, Source, begin, remember};

const MANIFEST_HEADER: &str = "x-object-manifest";

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    let reads = request.is_read()
        && !is_plain(request, core)
        && request.query.get("multipart-manifest").as_deref() != Some("get");
    let writes = request.method == Method::PUT && find(&request.headers, MANIFEST_HEADER).is_some();
    (reads || writes) && matches!(request.path.kind(), Some(Kind::Object))
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    if request.method == Method::PUT {
        if !request.header(MANIFEST_HEADER).is_some_and(is_well_formed) {
            return Err(Reject::html(
                StatusCode::BAD_REQUEST,
                "X-Object-Manifest must be in the format container/prefix",
            ));
        }
        return Ok(next.run(request).await);
    }
    let remembered = remember(&request);
    let response = next.run(request).await;
    match prefix_of(&response) {
        Some((container, prefix)) => read(remembered, response, &container, prefix, next).await,
        None => Ok(response),
    }
}

fn is_well_formed(value: &str) -> bool {
    value.split_once('/').is_some_and(|(container, prefix)| {
        !container.is_empty()
            && !prefix.is_empty()
            && !prefix.starts_with('/')
            && !value.contains(['?', '&'])
    })
}

/// Container and prefix that a manifest names.
fn prefix_of(response: &Response) -> Option<(String, String)> {
    let value = response.header(MANIFEST_HEADER)?;
    let value = percent_decode_str(value).decode_utf8_lossy();
    let (container, prefix) = value.split_once('/')?;
    Some((container.to_owned(), prefix.to_owned()))
}

async fn read(
    mut request: Request,
    mut response: Response,
    container: &str,
    prefix: String,
    next: Next<'_>,
) -> Reply {
    let container = Path::new(format!(
        "/{}/{}/{container}",
        request.path.version(),
        request.path.named().map_or("", Resource::account)
    ));
    let page_size = next.core().flavour.limits.listing_limit;
    let mut pages = Pages {
        source: Source::new(&request, next),
        container,
        prefix,
        segments: VecDeque::new(),
        marker: None,
        page_size,
        wanted: 0..u64::MAX,
    };
    let listed = pages.list().await;
    if !listed.is_success() {
        return Ok(listed);
    }
    pages.take_page(listed);
    let complete = pages.marker.is_none();
    let length = pages
        .segments
        .iter()
        .map(|segment| segment.bytes)
        .fold(0, u64::saturating_add);
    if complete {
        let mut digest = Md5::new();
        for segment in &pages.segments {
            digest.update(segment.hash.trim_matches('"'));
        }
        response.set(ETAG, &format!("\"{}\"", hex::encode(digest.finalize())));
    }
    response.headers.remove(CONTENT_LENGTH);
    match one_range(&request) {
        Some(asked) if complete || ends_within(asked, length) => {
            if range::wanted(request.headers.get(RANGE), length) == Wanted::Unsatisfiable {
                return Err(unsatisfiable(length, complete));
            }
        }
        // More than one, or one of which the first page does not tell whether there is such a part.
        _ => {
            request.headers.remove(RANGE);
        }
    }
    let known = complete || request.headers.contains_key(RANGE);
    let answer = Answer::new(&request, response.headers, length);
    let Some(wanted) = answer.ranges().into_iter().next() else {
        return Ok(without_length(answer.with(|_| Body::Empty), known));
    };
    let expected = known.then(|| wanted.end - wanted.start);
    if known {
        pages.wanted = wanted;
    }
    let mut body = begin(bodies(pages), expected).await?;
    let response = answer.with(|_| std::mem::take(&mut body));
    Ok(without_length(response, known))
}

/// The range that a request asks for, if it is just one.
fn one_range(request: &Request) -> Option<Asked> {
    match range::parse(request.header(RANGE.as_str())?)?[..] {
        [asked] => Some(asked),
        _ => None,
    }
}

/// Whether a range ends before this length, whatever follows.
fn ends_within(asked: Asked, length: u64) -> bool {
    matches!(asked, (Some(_), Some(last)) if last.saturating_add(1) < length)
}

fn unsatisfiable(length: u64, complete: bool) -> Reject {
    let reject = Reject::new(StatusCode::RANGE_NOT_SATISFIABLE).header(ACCEPT_RANGES, "bytes");
    if complete {
        reject.header(CONTENT_RANGE, &format!("bytes */{length}"))
    } else {
        reject
    }
}

fn without_length(mut response: Response, known: bool) -> Response {
    if !known && response.is_success() {
        response.headers.remove(CONTENT_LENGTH);
    }
    response
}

/// The segments of a large object, page by page.
struct Pages {
    source: Source,
    container: Path,
    prefix: String,
    /// What is left of the page that was read last.
    segments: VecDeque<ObjectEntry>,
    /// Where the next page begins, if there is one.
    marker: Option<String>,
    page_size: usize,
    /// The bytes still wanted, counted from the next segment.
    wanted: Range<u64>,
}

impl Pages {
    async fn list(&self) -> Response {
        let mut request = self.source.raw(self.container.clone());
        request.query = Query::default().with("prefix", &self.prefix);
        if let Some(marker) = &self.marker {
            request.query = request.query.with("marker", marker);
        }
        self.source.next().run(request).await
    }

    fn take_page(&mut self, response: Response) {
        let entries = response
            .listing
            .map_or_else(Vec::new, |listing| listing.entries);
        let is_full = entries.len() >= self.page_size;
        self.segments = entries
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Object(object) => Some(object),
                Entry::Subdir(_) | Entry::Container { .. } => None,
            })
            .collect();
        self.marker = self
            .segments
            .back()
            .filter(|_| is_full)
            .map(|last| last.name.to_string());
    }

    /// The next segment that has any of the bytes wanted.
    async fn next(&mut self) -> Result<Option<Body>, Broken> {
        while !self.wanted.is_empty() {
            let Some(segment) = self.segments.pop_front() else {
                if self.marker.is_none() {
                    break;
                }
                let response = self.list().await;
                if !response.is_success() {
                    return Err(Broken::Segment(format!(
                        "{} for a listing",
                        response.status
                    )));
                }
                self.take_page(response);
                continue;
            };
            let Range { start, end } = self.wanted.clone();
            let length = segment.bytes;
            self.wanted = start.saturating_sub(length)..end.saturating_sub(length);
            if start >= length {
                continue;
            }
            let is_whole = start == 0 && end >= length;
            // Neither ETag nor length is checked: it is the name that makes a segment.
            let segment = Segment {
                path: Path::new(format!("{}/{}", self.container.as_str(), segment.name)),
                range: (!is_whole).then(|| (start, end.min(length) - 1)),
                etag: None,
                bytes: None,
            };
            return self.source.fetch(&segment).await.map(Some);
        }
        Ok(None)
    }
}

fn bodies(pages: Pages) -> impl Stream<Item = Result<Body, Broken>> + Send + 'static {
    stream::try_unfold(pages, |mut pages| async move {
        Ok(pages.next().await?.map(|body| (body, pages)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_a_container_and_a_prefix() {
        for (value, good) in [
            ("c/p", true),
            ("c/p/q", true),
            ("c%20d/p", true),
            ("c", false),
            ("c/", false),
            ("/p", false),
            ("c//p", false),
            ("c/p?x", false),
            ("c/p&x", false),
        ] {
            assert_eq!(is_well_formed(value), good, "{value}");
        }
    }

    #[test]
    fn only_a_range_with_both_ends_is_known_to_lie_in_the_first_page() {
        assert!(ends_within((Some(0), Some(8)), 10));
        assert!(!ends_within((Some(0), Some(9)), 10));
        assert!(!ends_within((Some(0), None), 10));
        assert!(!ends_within((None, Some(1)), 10));
    }
}
