//! Why a request is refused: the status, and the words Swift has for it.

use std::borrow::Cow;

use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::message::{Body, Response, header_value};
use crate::path::{BadPath, quote};

/// What a feature or a resource answers: a response, or a refusal that becomes one.
pub(crate) type Reply = Result<Response, Reject>;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Reject {
    pub(crate) status: StatusCode,
    body: Option<Cow<'static, str>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reject {
    /// A refusal in Swift's standard words (`RESPONSE_REASONS` in `swift/common/swob.py`).
    pub(crate) fn new(status: StatusCode) -> Self {
        Self {
            status,
            body: None,
            headers: Vec::new(),
        }
    }

    /// With a text of its own, sent as `text/html`, which is what Swift says where it does not think of it.
    pub(crate) fn html(status: StatusCode, body: impl Into<Cow<'static, str>>) -> Self {
        Self {
            body: Some(body.into()),
            ..Self::new(status)
        }
    }

    /// With a text of its own, sent as `text/plain`.
    pub(crate) fn plain(status: StatusCode, body: impl Into<Cow<'static, str>>) -> Self {
        Self::html(status, body).header(CONTENT_TYPE, "text/plain")
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, header_value(value)));
        self
    }

    /// What it says, in one line.
    pub(crate) fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_else(|| reason(self.status))
    }

    pub(crate) fn bad_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    pub(crate) fn conflict() -> Self {
        Self::new(StatusCode::CONFLICT)
    }

    pub(crate) fn precondition_failed() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED)
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, allow)
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(self.status);
        response.headers.extend(self.headers);
        if !response.headers.contains_key(CONTENT_TYPE) {
            response.headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=UTF-8"),
            );
        }
        let body = self.body.unwrap_or_else(|| standard_body(self.status));
        response.set_body(body.into_owned().into());
        response
    }
}

impl From<BadPath> for Reject {
    fn from(bad: BadPath) -> Self {
        match bad {
            BadPath::NotFound => Self::not_found(),
            BadPath::Version => Self::bad_request(),
            BadPath::BadUrl => Self::html(StatusCode::PRECONDITION_FAILED, "Bad URL"),
        }
    }
}

/// Says whose door it is that stays shut, as every 401 must (`Response.www_authenticate` in `swob.py`).
pub(crate) fn name_realm(response: &mut Response, path: impl FnOnce() -> String) {
    if response.status == StatusCode::UNAUTHORIZED
        && !response.headers.contains_key(WWW_AUTHENTICATE)
    {
        let path = path();
        let mut parts = path.trim_start_matches('/').splitn(3, '/').skip(1);
        let realm = match parts.next() {
            Some(account) if !account.is_empty() => quote(account),
            _ => "unknown".to_owned(),
        };
        response.set(WWW_AUTHENTICATE, &format!("Swift realm=\"{realm}\""));
    }
}

/// The words behind a status, which for some are older ones than those of `http`.
pub(crate) fn reason(status: StatusCode) -> &'static str {
    words(status).map_or_else(
        || status.canonical_reason().unwrap_or_default(),
        |(title, _)| title,
    )
}

/// Whether the body is nothing but Swift's words for the status. In answers to HEAD their length does not count.
pub(crate) fn has_standard_body(response: &Response) -> bool {
    match &response.body {
        Body::Bytes(body) => {
            !body.is_empty() && *body == *standard_body(response.status).as_bytes()
        }
        _ => false,
    }
}

fn standard_body(status: StatusCode) -> Cow<'static, str> {
    words(status).map_or(Cow::Borrowed(""), |(title, sentence)| {
        Cow::Owned(format!("<html><h1>{title}</h1><p>{sentence}</p></html>"))
    })
}

/// Title and sentence of a status.
fn words(status: StatusCode) -> Option<(&'static str, &'static str)> {
    Some(match status.as_u16() {
        301 => ("Moved Permanently", "The resource has moved permanently."),
        302 => ("Found", "The resource has moved temporarily."),
        303 => (
            "See Other",
            "The response to the request can be found under a different URI.",
        ),
        307 => ("Temporary Redirect", "The resource has moved temporarily."),
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
        406 => (
            "Not Acceptable",
            "The resource is not available in a format acceptable to your browser.",
        ),
        408 => (
            "Request Timeout",
            "The server has waited too long for the request to be sent by the client.",
        ),
        409 => (
            "Conflict",
            "There was a conflict when trying to complete your request.",
        ),
        410 => ("Gone", "This resource is no longer available."),
        411 => ("Length Required", "Content-Length header required."),
        412 => (
            "Precondition Failed",
            "A precondition for this request was not met.",
        ),
        413 => (
            "Request Entity Too Large",
            "The body of your request was too large for this server.",
        ),
        414 => (
            "Request URI Too Long",
            "The request URI was too long for this server.",
        ),
        416 => (
            "Requested Range Not Satisfiable",
            "The Range requested is not available.",
        ),
        422 => (
            "Unprocessable Entity",
            "Unable to process the contained instructions",
        ),
        499 => (
            "Client Disconnect",
            "The client was disconnected during request.",
        ),
        500 => (
            "Internal Error",
            "The server has either erred or is incapable of performing the requested operation.",
        ),
        501 => (
            "Not Implemented",
            "The requested method is not implemented by this server.",
        ),
        503 => (
            "Service Unavailable",
            "The server is currently unavailable. Please try again at a later time.",
        ),
        507 => (
            "Insufficient Storage",
            "There was not enough space to save the resource.",
        ),
        _ => return None,
    })
}
