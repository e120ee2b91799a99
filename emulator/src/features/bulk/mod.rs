//! Archives that become objects, and one request that deletes many (`swift/common/middleware/bulk.py`).
//!
//! `PUT /v1/account[/container[/prefix]]?extract-archive=tar|tar.gz|tar.bz2` makes an object of every file in the body,
//! and containers where they are missing. `X-Delete-At`, `X-Delete-After` and `X-Object-Meta-*` of the request go to each
//! object; `user.mime_type` and `user.meta.*` of a file's extended attributes to that one. 400 for any other format.
//!
//! `POST` or `DELETE /v1/account?bulk-delete` with names, percent-encoded, one on a line, deletes the objects, then the
//! containers among them.
//!
//! Both are answered 200, and blanks, while the work goes on; then a report in the form that `Accept` asks for (plain text,
//! JSON, XML) says what became of it. Every member and every name is a request of its own with the client's token.

pub(crate) mod archive;
mod delete;
mod extract;
pub(crate) mod source;

use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{Method, StatusCode};

use self::source::Compression;
use crate::accept;
use crate::heartbeat;
use crate::message::{Request, Response};
use crate::path::Path;
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::report::{self, status_line};

/// Containers that one archive may make.
pub(crate) const MAX_CONTAINERS: usize = 10_000;
/// Failures after which an extraction is given up.
pub(crate) const MAX_FAILED_EXTRACTIONS: usize = 1000;
/// Names that one request may delete.
pub(crate) const MAX_DELETES: usize = 10_000;
/// Failures after which a deletion is given up.
pub(crate) const MAX_FAILED_DELETES: usize = 1000;

/// The longest name of a container and an object with their slashes.
const MAX_PATH: usize = 1024 + 256 + 2;

pub(crate) fn applies(request: &Request) -> bool {
    !request.query.is_empty()
        && match request.method {
            Method::PUT => request.query.has("extract-archive"),
            Method::POST | Method::DELETE => request.query.has("bulk-delete"),
            _ => false,
        }
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    let compression = if request.method == Method::PUT {
        let format = request
            .query
            .get("extract-archive")
            .unwrap_or_default()
            .to_lowercase();
        let compression = Compression::of(format.trim_matches('.'))
            .ok_or_else(|| Reject::html(StatusCode::BAD_REQUEST, "Unsupported archive format"))?;
        Some(compression)
    } else {
        None
    };
    let accepted = request.header(ACCEPT.as_str()).unwrap_or_default();
    let format = accept::best_match(accepted, &report::FORMATS)
        .ok()
        .flatten();
    let root = if compression.is_some() {
        "extract"
    } else {
        "delete"
    };
    // What is written where nothing that is there would do.
    let written = format.unwrap_or("text/plain");
    let pipeline = next.to_owned();
    let work = async move {
        let next = pipeline.borrow();
        let report = match compression {
            Some(compression) => {
                extract::extract(request, compression, format.is_some(), next).await
            }
            None => delete::delete(request, format.is_some(), next).await,
        };
        report.write(written, root)
    };
    let mut response = Response::new(StatusCode::OK);
    response.set(CONTENT_TYPE, format.unwrap_or("text/html; charset=UTF-8"));
    response.body = heartbeat::body(work, written).await;
    Ok(response)
}

/// Why the work was given up, with what the report says of it.
#[derive(Debug, PartialEq, Eq)]
struct Stop {
    status: StatusCode,
    message: String,
}

impl Stop {
    fn new(status: StatusCode) -> Self {
        Self::because(status, "")
    }

    fn because(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn note(self, report: &mut Report) {
        report.status = self.status;
        report.body = self.message;
    }
}

/// The path of a bulk request: `/version/account`, and what follows it.
fn divide(path: &Path) -> Result<(&str, &str), Stop> {
    let text = path.as_str();
    let account_from = text
        .strip_prefix('/')
        .and_then(|rest| rest.find('/'))
        .map(|at| at + 2);
    let missing = || Stop::new(StatusCode::NOT_FOUND);
    let account_from = account_from.filter(|from| *from > 2).ok_or_else(missing)?;
    let account_to = text[account_from..]
        .find('/')
        .map_or(text.len(), |at| account_from + at);
    if account_to == account_from {
        return Err(missing());
    }
    Ok((
        &text[..account_to],
        text.get(account_to + 1..).unwrap_or(""),
    ))
}

/// Refuses a request that does not say where its body ends.
fn check_length(request: &Request) -> Result<(), Stop> {
    let is_chunked = request
        .header(TRANSFER_ENCODING.as_str())
        .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
    if is_chunked || request.headers.contains_key(CONTENT_LENGTH) {
        Ok(())
    } else {
        Err(Stop::new(StatusCode::LENGTH_REQUIRED))
    }
}

/// A request for one member or name, by the same client.
fn sub_request(request: &Request, method: Method, path: String) -> Request {
    let mut sub = request.sub(method, Path::new(path));
    for name in ["x-auth-token", "referer"] {
        if let Some(value) = request.headers.get(name) {
            sub.headers
                .insert(http::HeaderName::from_static(name), value.clone());
        }
    }
    sub
}

/// What became of the parts of a request.
#[derive(Debug)]
struct Report {
    status: StatusCode,
    body: String,
    counts: Vec<(&'static str, u64)>,
    /// What failed, percent-encoded, and with which status.
    errors: Vec<(String, String)>,
}

impl Report {
    fn new(status: StatusCode) -> Self {
        Self {
            status,
            body: String::new(),
            counts: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Notes that something failed. Where the server was to blame, so it is for the whole.
    fn fail(&mut self, name: String, status: StatusCode) {
        if status.is_server_error() {
            self.status = StatusCode::BAD_GATEWAY;
        } else if self.status.is_success() {
            self.status = StatusCode::BAD_REQUEST;
        }
        self.errors.push((name, status_line(status)));
    }

    fn write(self, format: &str, root: &str) -> String {
        let mut facts = vec![
            ("Response Status", status_line(self.status).into()),
            ("Response Body", self.body.into()),
        ];
        facts.extend(
            self.counts
                .into_iter()
                .map(|(name, count)| (name, count.into())),
        );
        report::write(format, &facts, &self.errors, root)
    }
}

/// Reads to the end of a body that nobody wants any more, so that the client is still there to be answered.
async fn drain(mut body: crate::message::Body) {
    while let Some(Ok(_)) = body.next().await {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divides_the_path_behind_the_account() {
        let divided = |path: &str| {
            divide(&Path::new(path.to_owned()))
                .map(|(root, rest)| (root.to_owned(), rest.to_owned()))
                .ok()
        };
        let some = |root: &str, rest: &str| Some((root.to_owned(), rest.to_owned()));
        assert_eq!(divided("/v1/a"), some("/v1/a", ""));
        assert_eq!(divided("/v1/a/"), some("/v1/a", ""));
        assert_eq!(divided("/v1/a/c/o/p"), some("/v1/a", "c/o/p"));
        for path in ["/", "/v1", "/v1/", "/v1//c", "//a", ""] {
            assert_eq!(divided(path), None, "{path}");
        }
    }
}
