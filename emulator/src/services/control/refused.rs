//! Why a control request is refused.

use http::header::ALLOW;
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::invalid::Invalid;
use crate::message::Response;

/// A refusal. Nothing was changed.
///
/// Its JSON is `{"error": {"field": "seconds", "message": "…"}}`; `field` names the member of the body as a path with
/// points (`to`, `effect.status`), or a query parameter, or one of `body`, `method`, `path`, `host`, `origin`,
/// `authorization`.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    field: String,
    message: String,
    header: Option<(HeaderName, String)>,
}

impl Refused {
    pub(super) fn new(
        status: StatusCode,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            field: field.into(),
            message: message.into(),
            header: None,
        }
    }

    /// 400: the field is malformed or out of range.
    pub(super) fn bad(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, field, message)
    }

    /// 400: the field is missing.
    pub(super) fn missing(field: &str) -> Self {
        Self::bad(field, format!("`{field}` is missing"))
    }

    /// 404: what the field names is not there.
    pub(super) fn not_found(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, field, message)
    }

    /// 405 with the methods that there are.
    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("allowed here: {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", message).header(ALLOW, allowed)
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.header = Some((name, value.to_owned()));
        self
    }

    pub(super) fn into_response(self) -> Response {
        let error = json!({"field": self.field, "message": self.message});
        let mut response = Response::json(self.status, &json!({ "error": error }));
        if let Some((name, value)) = self.header {
            response.set(name, &value);
        }
        response
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self::bad(invalid.field, invalid.message)
    }
}
