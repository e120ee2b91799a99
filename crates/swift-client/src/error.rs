//! What can go wrong, by what a caller can do about it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::Service;

/// Why a call did not do what it should. No message holds a token, a key or a signed URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 400: the request makes no sense to the server; its message says why.
    #[error("{0}: bad request")]
    BadRequest(Box<Exchange>),
    /// 404: no such account, container or object.
    #[error("{0}: not found")]
    NotFound(Box<Exchange>),
    /// 401: the token is not accepted, also after it was renewed, or there is none.
    #[error("{0}{after}", after = authorization(.0))]
    Unauthorized(Box<Exchange>),
    /// 403: this user may not do that.
    #[error("{0}: forbidden")]
    Forbidden(Box<Exchange>),
    /// 409: a container that is not empty, or a newer version that is there already.
    #[error("{0}: conflict")]
    Conflict(Box<Exchange>),
    /// 412: a condition such as `If-Match` does not hold, or a parameter is out of bounds.
    #[error("{0}: precondition failed")]
    PreconditionFailed(Box<Exchange>),
    /// 304: nothing newer, on a conditional read.
    #[error("{0}: not modified")]
    NotModified(Box<Exchange>),
    /// 416: the object has no such range.
    #[error("{0}: no such range")]
    RangeNotSatisfiable(Box<Exchange>),
    /// 413 for a quota of the account or the container.
    #[error("{0}: over quota")]
    QuotaExceeded(Box<Exchange>),
    /// 413: larger than this cloud allows.
    #[error("{0}: too large")]
    TooLarge(Box<Exchange>),
    /// 422: what arrived has another MD5 than the one announced.
    #[error("{0}: damaged on the way")]
    Unprocessable(Box<Exchange>),
    /// 429 or 498: too many requests, also after waiting.
    #[error("{0}: too many requests")]
    RateLimited(Box<Exchange>),
    /// 5xx, also after retries.
    #[error("{0}: the server failed")]
    Server(Box<Exchange>),
    /// Any other status that is no success.
    #[error("{0}: not a success")]
    Refused(Box<Exchange>),
    /// There is no token or no address.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// No answer, or one that broke off: refused, reset, cut short.
    #[error("{operation}: the connection failed (attempts: {attempts}){}", operation.transaction())]
    Connection {
        /// What was tried.
        operation: Box<Operation>,
        /// How often.
        attempts: u32,
        /// What happened last.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing moved for [`HttpSettings::idle_timeout`](identity::HttpSettings), or the deadline came.
    #[error("{operation}: silence for {waited:?} (attempts: {attempts}){}", operation.transaction())]
    TimedOut {
        /// What was tried.
        operation: Box<Operation>,
        /// How often.
        attempts: u32,
        /// For how long, the last time.
        waited: Duration,
    },
    /// What arrived is not what was sent, by its MD5.
    #[error("{operation}: the MD5 is {found}, expected {expected}{}", operation.transaction())]
    Checksum {
        /// What was tried.
        operation: Box<Operation>,
        /// 32 hexadecimal digits.
        expected: String,
        /// 32 hexadecimal digits.
        found: String,
    },
    /// A segment of a large object is not what its manifest says, by its MD5.
    #[error("{operation}: the MD5 of the segment {} is {found}, expected {expected}{}", segment.escape_debug(), operation.transaction())]
    SegmentChecksum {
        /// What was tried.
        operation: Box<Operation>,
        /// Container and object of the segment.
        segment: String,
        /// 32 hexadecimal digits.
        expected: String,
        /// 32 hexadecimal digits.
        found: String,
    },
    /// A success that does not make sense.
    #[error("{operation}: the answer cannot be used: {reason}{}", operation.transaction())]
    Malformed {
        /// What was tried.
        operation: Box<Operation>,
        /// What is wrong with it.
        reason: String,
    },
    /// A download that was to be held in memory is longer than allowed.
    #[error("{operation}: longer than the {limit_bytes} bytes allowed")]
    OverLimit {
        /// What was tried.
        operation: Box<Operation>,
        /// How much was allowed.
        limit_bytes: u64,
    },
    /// A name that no container or object can have.
    #[error("{name:?} cannot be the name of a {what}")]
    InvalidName {
        /// `container` or `object`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name that is longer than this cloud takes.
    #[error("{name:?} is too long for the name of a {what}: at most {limit_bytes} bytes of UTF-8")]
    NameTooLong {
        /// `container` or `object`.
        what: &'static str,
        /// The name.
        name: String,
        /// How long it may be.
        limit_bytes: usize,
    },
    /// A file is not what it was when its upload began: it was written to meanwhile. Nothing has been stored under the
    /// object's name.
    #[error("{} changed while it was read", path.display())]
    FileChanged {
        /// Which one.
        path: PathBuf,
    },
    /// A stream gave more or less than it was said to.
    #[error("the data for {container}/{} has {found} bytes, expected {expected}", object.escape_debug())]
    Length {
        /// Container.
        container: String,
        /// Object.
        object: String,
        /// How many bytes were announced.
        expected: u64,
        /// How many there were, as far as they were counted.
        found: u64,
    },
    /// More segments than the cloud's manifests can hold, those in manifests of manifests included. Larger segments
    /// help.
    #[error("{container}/{} would need more than {limit} segments; use larger ones", object.escape_debug())]
    TooManySegments {
        /// Container.
        container: String,
        /// Object.
        object: String,
        /// How many there may be.
        limit: u64,
    },
    /// The cloud has no such feature, by its `/info`.
    #[error("this cloud does not have the feature {feature:?}")]
    Unsupported {
        /// As `/info` names it.
        feature: &'static str,
    },
    /// A large object that does not hang together.
    #[error("{container}/{}: {reason}", object.escape_debug())]
    Unusable {
        /// Container.
        container: String,
        /// Object.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A plan that cannot be applied here.
    #[error("this plan cannot be applied: {reason}")]
    Plan {
        /// Why not.
        reason: String,
    },
    /// Source and destination of a move are the same object.
    #[error("source and destination are the same object")]
    SamePlace,
    /// A bulk request was taken, and then came to nothing.
    #[error("the server gave up: {status} {message:?}")]
    BulkFailed {
        /// What it says of the whole, such as `400 Bad Request`.
        status: String,
        /// Why.
        message: String,
    },
    /// A name or value that no header can carry. The value is not shown.
    #[error("the header {name:?} cannot carry this name or value")]
    InvalidHeader {
        /// The header's name.
        name: String,
    },
    /// No temp URL can be made for the account's address.
    #[error("no temp URL can be made for this account")]
    UnsignableUrl(#[source] signing::ParseStorageUrlError),
    /// A local file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The stream given for an upload failed.
    #[error("{operation}: the data to upload cannot be read")]
    Source {
        /// What was tried.
        operation: Box<Operation>,
        /// What the stream said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// What was asked and answered, for errors that stand for a status.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::BadRequest(exchange)
            | Self::NotFound(exchange)
            | Self::Unauthorized(exchange)
            | Self::Forbidden(exchange)
            | Self::Conflict(exchange)
            | Self::PreconditionFailed(exchange)
            | Self::NotModified(exchange)
            | Self::RangeNotSatisfiable(exchange)
            | Self::QuotaExceeded(exchange)
            | Self::TooLarge(exchange)
            | Self::Unprocessable(exchange)
            | Self::RateLimited(exchange)
            | Self::Server(exchange)
            | Self::Refused(exchange) => Some(exchange),
            _ => None,
        }
    }

    /// The status that was answered, if one was.
    pub fn status(&self) -> Option<StatusCode> {
        self.exchange().map(|exchange| exchange.status)
    }

    /// The server's transaction id, for its operators, if it answered.
    pub fn trans_id(&self) -> Option<&str> {
        let operation = match self {
            Self::Connection { operation, .. }
            | Self::TimedOut { operation, .. }
            | Self::Checksum { operation, .. }
            | Self::SegmentChecksum { operation, .. }
            | Self::Malformed { operation, .. }
            | Self::OverLimit { operation, .. }
            | Self::Source { operation, .. } => operation,
            _ => &self.exchange()?.operation,
        };
        operation.trans_id.as_deref()
    }

    /// Whether this is [`Error::NotFound`].
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// The error for a status that is no success.
    pub(crate) fn from_exchange(exchange: Exchange) -> Self {
        let quota = exchange.message.to_ascii_lowercase().contains("quota");
        let exchange = Box::new(exchange);
        match exchange.status.as_u16() {
            400 => Self::BadRequest(exchange),
            304 => Self::NotModified(exchange),
            401 => Self::Unauthorized(exchange),
            403 => Self::Forbidden(exchange),
            404 => Self::NotFound(exchange),
            409 => Self::Conflict(exchange),
            412 => Self::PreconditionFailed(exchange),
            413 if quota => Self::QuotaExceeded(exchange),
            413 => Self::TooLarge(exchange),
            416 => Self::RangeNotSatisfiable(exchange),
            422 => Self::Unprocessable(exchange),
            429 | 498 => Self::RateLimited(exchange),
            500..=599 => Self::Server(exchange),
            _ => Self::Refused(exchange),
        }
    }
}

/// What was asked of a server, for messages. It shows as `GET AUTH_test/photos/cat.jpg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// HTTP method.
    pub method: Method,
    /// Account, as it stands in the storage URL; empty before it is known.
    pub account: String,
    /// Container.
    pub container: Option<String>,
    /// Object.
    pub object: Option<String>,
    /// Which of the account's services.
    pub service: Service,
    /// `X-Trans-Id` of the answer, once there is one: what the server's operators search their logs for.
    pub trans_id: Option<String>,
}

impl Operation {
    /// ` (transaction …)`, to end a message.
    fn transaction(&self) -> String {
        self.trans_id
            .as_ref()
            .map(|id| format!(" (transaction {id})"))
            .unwrap_or_default()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.service {
            Service::ObjectStore => write!(f, "{} {}", self.method, self.account)?,
            Service::Cdn => write!(f, "{} CDN {}", self.method, self.account)?,
            Service::Info => return write!(f, "{} /info", self.method),
        }
        for part in [&self.container, &self.object].into_iter().flatten() {
            write!(f, "/{}", part.escape_debug())?;
        }
        Ok(())
    }
}

/// What was asked and what was answered, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked.
    pub operation: Operation,
    /// Status.
    pub status: StatusCode,
    /// The start of the answer's body, as plain text.
    pub message: String,
    /// How often it was asked.
    pub attempts: u32,
    /// How whoever asked had signed in ([`Credentials::method`](crate::Credentials::method)).
    pub signed_in_by: &'static str,
    /// Whether the token came from elsewhere, so that no other can be had in its place.
    pub token_is_final: bool,
}

/// What to say of a token that is not accepted.
fn authorization(exchange: &Exchange) -> String {
    let how = exchange.signed_in_by;
    let end = if exchange.token_is_final {
        ", which cannot be renewed"
    } else {
        ""
    };
    format!(": not authorized with {how}{end}")
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} was answered {}",
            self.operation,
            self.status.as_u16()
        )?;
        if !self.message.is_empty() {
            write!(f, " {:?}", self.message)?;
        }
        if self.attempts > 1 {
            write!(f, " after {} attempts", self.attempts)?;
        }
        f.write_str(&self.operation.transaction())
    }
}

/// The start of an error body as one line of plain text: Swift's are small HTML pages with the gist in `<p>`.
pub(crate) fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut plain = String::new();
    let mut in_tag = false;
    for character in text.chars() {
        match character {
            '<' => {
                in_tag = true;
                plain.push(' ');
            }
            '>' if in_tag => in_tag = false,
            _ if in_tag => {}
            _ => plain.push(character),
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(status: u16, message: &str) -> Exchange {
        Exchange {
            operation: Operation {
                method: Method::PUT,
                account: "AUTH_test".into(),
                container: Some("photos".into()),
                object: Some("a\nb".into()),
                service: Service::ObjectStore,
                trans_id: Some("tx1".into()),
            },
            status: StatusCode::from_u16(status).unwrap(),
            message: message.into(),
            signed_in_by: "ready token",
            token_is_final: true,
            attempts: 2,
        }
    }

    #[test]
    fn tells_a_quota_from_an_object_that_is_too_large() {
        let quota = Error::from_exchange(exchange(413, "Upload exceeds quota."));
        assert!(matches!(quota, Error::QuotaExceeded(_)));
        let large = Error::from_exchange(exchange(413, "Your request is too large."));
        assert!(matches!(large, Error::TooLarge(_)));
    }

    #[test]
    fn names_what_was_asked_on_one_line() {
        assert_eq!(
            Error::from_exchange(exchange(404, "Not Found")).to_string(),
            "PUT AUTH_test/photos/a\\nb was answered 404 \"Not Found\" after 2 attempts (transaction tx1): not found"
        );
    }

    #[test]
    fn reads_the_gist_of_an_html_body() {
        let body = b"<html><h1>Not Found</h1><p>The resource could not be found.</p></html>";
        assert_eq!(message(body), "Not Found The resource could not be found.");
    }
}
