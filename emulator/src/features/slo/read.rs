//! GET and HEAD of static large objects.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use md5::{Digest, Md5};

use super::manifest::{self, Stored};
use super::{MAX_STORED_SIZE, SLO_ETAG, SLO_SIZE, is_slo};
use crate::message::{Body, Request, Response, header_value};
use crate::path::{Path, Resource};
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::{Reject, Reply};
use crate::resources::object::Answer;
use crate::resources::range;
use crate::segmented::{Broken, Segment, Source, begin, remember};

/// How deep manifests may lie within manifests when they are read.
const MAX_DEPTH: usize = 10;
/// Manifests within manifests that are kept while one is read, as its ranges may come back to them.
const MAX_CACHED: usize = 20;

/// Reads an object, large or not.
pub(super) async fn read(request: Request, next: Next<'_>) -> Reply {
    if request.query.get("multipart-manifest").as_deref() == Some("get") {
        return show_manifest(request, next).await;
    }
    let mut remembered = remember(&request);
    let mut response = next.run(request).await;
    if !is_slo(&response.headers) || !response.is_success() {
        return Ok(response);
    }
    let request = &mut remembered;
    let part_number = part_number(request)?;
    let etag = response.header(SLO_ETAG).unwrap_or("").to_owned();
    let length = response
        .header(SLO_SIZE)
        .and_then(|size| size.parse::<u64>().ok());
    if let Some(manifest_etag) = response.headers.get(ETAG).cloned() {
        response
            .headers
            .insert(HeaderName::from_static("x-manifest-etag"), manifest_etag);
    }
    response.set(ETAG, &format!("\"{etag}\""));
    if request.method == Method::HEAD
        && part_number.is_none()
        && let Some(length) = length
    {
        return Ok(Answer::new(request, response.headers, length).with(|_| Body::Empty));
    }
    let segments = if request.method == Method::HEAD {
        // The answer to a HEAD has no manifest in it.
        let source = Source::new(request, next);
        let version = request.query.get("version-id");
        fetch_manifest(&source, request.path.clone(), version.as_deref()).await?
    } else {
        parsed(std::mem::take(&mut response.body)).await?
    };
    let length = length.unwrap_or_else(|| total(&segments));
    if let Some(number) = part_number {
        response.headers.insert(
            HeaderName::from_static("x-parts-count"),
            segments.len().into(),
        );
        let Some(part) = part_range(&segments, number) else {
            return Ok(no_such_part(response, request, length));
        };
        if request.method == Method::HEAD {
            return Ok(head_part(request, response.headers, &part, length));
        }
        let range = format!("bytes={}-{}", part.start, part.end - 1);
        request.headers.insert(RANGE, header_value(&range));
    }
    let answer = Answer::new(request, response.headers, length);
    let mut bodies = VecDeque::new();
    for range in answer.ranges() {
        let wanted = range.end - range.start;
        let source = Source::new(request, next);
        let pieces = pieces(source, request, Arc::clone(&segments), range);
        bodies.push_back(begin(pieces, Some(wanted)).await?);
    }
    Ok(answer.with(|_| bodies.pop_front().unwrap_or_default()))
}

/// `?multipart-manifest=get`: the manifest itself, as it is stored or as it could be sent again.
async fn show_manifest(request: Request, next: Next<'_>) -> Reply {
    if request.query.get("format").as_deref() != Some("raw") {
        let mut response = next.run(request).await;
        if is_slo(&response.headers) && response.is_success() {
            response.set(CONTENT_TYPE, "application/json; charset=utf-8");
        }
        return Ok(response);
    }
    // Conditions and ranges mean the form that is shown, not the one that is stored.
    let mut stored = request.sub(Method::GET, request.path.clone());
    stored.query = request.query.clone();
    if let Some(value) = request.headers.get("x-open-expired") {
        stored
            .headers
            .insert(HeaderName::from_static("x-open-expired"), value.clone());
    }
    let mut response = next.run(stored).await;
    if !is_slo(&response.headers) || !response.is_success() {
        return Ok(next.run(request).await);
    }
    let segments = parsed(std::mem::take(&mut response.body)).await?;
    let raw: Vec<_> = segments.iter().map(Stored::raw).collect();
    let text = Bytes::from(crate::json::to_string(&raw));
    response.set(ETAG, &hex::encode(Md5::digest(&text)));
    Ok(crate::resources::object::serve(
        &request,
        response.headers,
        &crate::store::Stored::One(text),
    ))
}

/// `?part-number=`, from 1.
fn part_number(request: &Request) -> Result<Option<usize>, Reject> {
    let Some(text) = request.query.get("part-number") else {
        return Ok(None);
    };
    let digits = text.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| digits.parse().unwrap_or(usize::MAX));
    let Some(number) = number.filter(|number| *number > 0) else {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            "Part number must be an integer greater than 0",
        ));
    };
    if request
        .header("range")
        .is_some_and(|range| range::parse(range).is_some())
    {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            "Range requests are not supported with part number queries",
        ));
    }
    Ok(Some(number))
}

/// Where a part lies in the whole. `None` where there is no such part, or nothing in it.
fn part_range(segments: &[Stored], number: usize) -> Option<Range<u64>> {
    let segment = segments.get(number.checked_sub(1)?)?;
    let start = total(&segments[..number - 1]);
    let end = start.saturating_add(segment.length());
    (start < end).then_some(start..end)
}

fn total(segments: &[Stored]) -> u64 {
    segments
        .iter()
        .map(Stored::length)
        .fold(0, u64::saturating_add)
}

fn no_such_part(mut response: Response, request: &Request, length: u64) -> Response {
    response.status = StatusCode::RANGE_NOT_SATISFIABLE;
    response.set(CONTENT_RANGE, &format!("bytes */{length}"));
    response.set_body(if request.method == Method::HEAD {
        Bytes::new()
    } else {
        Bytes::from_static(b"The requested part number is not satisfiable")
    });
    response
}

/// A HEAD is never partial, but this one tells the length of a part, and so it is.
fn head_part(request: &Request, headers: HeaderMap, part: &Range<u64>, length: u64) -> Response {
    let mut response = Answer::new(request, headers, length).with(|_| Body::Empty);
    if response.status == StatusCode::OK {
        response.status = StatusCode::PARTIAL_CONTENT;
        response
            .headers
            .insert(CONTENT_LENGTH, (part.end - part.start).into());
        response.set(
            CONTENT_RANGE,
            &format!("bytes {}-{}/{length}", part.start, part.end - 1),
        );
    }
    response
}

type Segments = Arc<Vec<Stored>>;

async fn parsed(body: Body) -> Result<Segments, Broken> {
    let unreadable = || Broken::Segment("a manifest cannot be read".to_owned());
    let body = body
        .collect(MAX_STORED_SIZE)
        .await
        .map_err(|_| unreadable())?;
    manifest::stored(&body).map(Arc::new).ok_or_else(unreadable)
}

/// The manifest at a path, of a named version or of the current one.
async fn fetch_manifest(
    source: &Source,
    path: Path,
    version: Option<&str>,
) -> Result<Segments, Broken> {
    let mut request = source.raw(path);
    request.query = Query::new("multipart-manifest=get");
    if let Some(version) = version {
        request.query = request.query.with("version-id", version);
    }
    let response = source.next().run(request).await;
    if !response.is_success() {
        return Err(Broken::Segment(format!(
            "{} for a manifest",
            response.status
        )));
    }
    parsed(response.body).await
}

/// The bodies that make up a range of a large object, each fetched when it is its turn.
fn pieces(
    source: Source,
    request: &Request,
    segments: Segments,
    range: Range<u64>,
) -> impl Stream<Item = Result<Body, Broken>> + Send + 'static {
    let account = request.path.named().map_or("", Resource::account);
    let walk = Walk {
        source,
        root: format!("/{}/{account}", request.path.version()),
        levels: vec![Level {
            segments,
            at: 0,
            first: i128::from(range.start),
            last: i128::from(range.end) - 1,
        }],
        cached: VecDeque::new(),
    };
    stream::try_unfold(walk, |mut walk| async move {
        Ok(walk.next().await?.map(|body| (body, walk)))
    })
}

/// A walk through manifests within manifests.
struct Walk {
    source: Source,
    /// `/version/account`, to which names of segments are relative.
    root: String,
    /// From the manifest asked for to the one being read.
    levels: Vec<Level>,
    cached: VecDeque<(String, Segments)>,
}

/// How far one manifest has been read, and what of it is still wanted, counted from the segment it stands at.
struct Level {
    segments: Segments,
    at: usize,
    first: i128,
    last: i128,
}

/// What of a segment is wanted.
enum Piece {
    Bytes(Bytes),
    Segment(Segment),
    /// First and last byte of the large object of this name.
    Manifest(String, i128, i128),
}

impl Level {
    /// The next piece; `None` at the end.
    fn next(&mut self, root: &str) -> Option<Piece> {
        while self.last >= 0 {
            let segment = self.segments.get(self.at)?;
            self.at += 1;
            let length = i128::from(segment.length());
            let (first, last) = (self.first, self.last);
            self.first -= length;
            self.last -= length;
            if first >= length {
                continue;
            }
            return Some(match segment {
                Stored::Data { data } => {
                    let data = manifest::decode(data).unwrap_or_default();
                    let within = |at: i128| usize::try_from(at.clamp(0, length)).unwrap_or(0);
                    Piece::Bytes(data.slice(within(first)..within(last + 1)))
                }
                Stored::Object(object) => {
                    let (start, end) = object.bounds()?;
                    let first = i128::from(start) + first.max(0);
                    let last = i128::from(end).min(i128::from(start) + last);
                    if object.sub_slo {
                        Piece::Manifest(object.name.clone(), first, last)
                    } else {
                        let bounds = (u64::try_from(first).ok()?, u64::try_from(last).ok()?);
                        Piece::Segment(Segment {
                            path: Path::new(format!("{root}{}", object.name)),
                            range: (bounds != (0, object.bytes.saturating_sub(1)))
                                .then_some(bounds),
                            etag: Some(object.hash.clone()),
                            bytes: Some(object.bytes),
                        })
                    }
                }
            });
        }
        None
    }
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Body>, Broken> {
        while let Some(level) = self.levels.last_mut() {
            match level.next(&self.root) {
                None => {
                    self.levels.pop();
                }
                Some(Piece::Bytes(bytes)) => return Ok(Some(Body::Bytes(bytes))),
                Some(Piece::Segment(segment)) => {
                    return self.source.fetch(&segment).await.map(Some);
                }
                Some(Piece::Manifest(name, first, last)) => {
                    if self.levels.len() >= MAX_DEPTH {
                        return Err(Broken::Segment("manifests lie too deep".to_owned()));
                    }
                    let segments = self.manifest(name).await?;
                    self.levels.push(Level {
                        segments,
                        at: 0,
                        first,
                        last,
                    });
                }
            }
        }
        Ok(None)
    }

    async fn manifest(&mut self, name: String) -> Result<Segments, Broken> {
        if let Some((_, segments)) = self.cached.iter().find(|(cached, _)| *cached == name) {
            return Ok(Arc::clone(segments));
        }
        let path = Path::new(format!("{}{name}", self.root));
        let segments = fetch_manifest(&self.source, path, None).await?;
        if self.cached.len() >= MAX_CACHED {
            self.cached.pop_front();
        }
        self.cached.push_back((name, Arc::clone(&segments)));
        Ok(segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, bytes: u64, range: Option<&str>, sub_slo: bool) -> Stored {
        Stored::Object(manifest::StoredObject {
            name: format!("/c/{name}"),
            bytes,
            hash: "h".to_owned(),
            content_type: "t".to_owned(),
            last_modified: "l".to_owned(),
            range: range.map(str::to_owned),
            sub_slo,
        })
    }

    fn walked(segments: Vec<Stored>, range: Range<u64>) -> Vec<String> {
        let mut level = Level {
            segments: Arc::new(segments),
            at: 0,
            first: i128::from(range.start),
            last: i128::from(range.end) - 1,
        };
        std::iter::from_fn(|| level.next("/v1/a"))
            .map(|piece| match piece {
                Piece::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Piece::Segment(Segment { path, range, .. }) => match range {
                    Some((first, last)) => format!("{} {first}-{last}", path.as_str()),
                    None => path.as_str().to_owned(),
                },
                Piece::Manifest(name, first, last) => format!("{name} {first}-{last}"),
            })
            .collect()
    }

    #[test]
    fn fetches_only_what_a_range_needs() {
        let segments = vec![
            object("a", 5, None, false),
            Stored::Data {
                data: "QUJD".to_owned(),
            },
            object("b", 10, Some("2-4"), false),
            object("s", 100, None, true),
        ];
        assert_eq!(
            walked(segments.clone(), 0..111),
            ["/v1/a/c/a", "ABC", "/v1/a/c/b 2-4", "/c/s 0-99"]
        );
        assert_eq!(walked(segments.clone(), 4..7), ["/v1/a/c/a 4-4", "AB"]);
        assert_eq!(
            walked(segments.clone(), 9..13),
            ["/v1/a/c/b 3-4", "/c/s 0-1"]
        );
        assert_eq!(walked(segments, 110..111), ["/c/s 99-99"]);
    }

    #[test]
    fn parts_are_counted_from_one_and_empty_ones_are_none() {
        let segments = [
            object("a", 5, None, false),
            object("b", 2, None, false),
            object("c", 0, None, false),
        ];
        assert_eq!(part_range(&segments, 1), Some(0..5));
        assert_eq!(part_range(&segments, 2), Some(5..7));
        assert_eq!(part_range(&segments, 3), None);
        assert_eq!(part_range(&segments, 4), None);
    }
}
