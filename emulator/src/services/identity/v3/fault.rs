//! A refusal in Keystone's words: `{"error":{"code":<status>,"title":"…","message":"…"}}`.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use crate::message::Response;

pub(super) struct Fault(StatusCode, String);

impl Fault {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        let message = message.into();
        let hint = "The server could not comply with the request since it is either malformed or otherwise incorrect. \
                    The client is assumed to be in error.";
        Self(StatusCode::BAD_REQUEST, format!("{message}. {hint}"))
    }

    /// A member of the body that must be there and is not, or is of another type.
    pub(super) fn malformed(member: &str, wanted: &str) -> Self {
        Self::bad_request(format!("Expecting to find {wanted} in '{member}'"))
    }

    pub(super) fn unauthorized() -> Self {
        let message = "The request you have made requires authentication.";
        Self(StatusCode::UNAUTHORIZED, message.to_owned())
    }

    pub(super) fn forbidden(action: &str) -> Self {
        let message = format!("You are not authorized to perform the requested action: {action}.");
        Self(StatusCode::FORBIDDEN, message)
    }

    pub(super) fn forbidden_because(message: &str) -> Self {
        Self(StatusCode::FORBIDDEN, message.to_owned())
    }

    /// There is one of this name already.
    pub(super) fn duplicate(kind: &str, name: &str) -> Self {
        let message = format!(
            "Conflict occurred attempting to store {kind} - Duplicate entry found with name {name}."
        );
        Self(StatusCode::CONFLICT, message)
    }

    /// `what` is the kind of thing and its id: `project: 5f…`.
    pub(super) fn not_found(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("Could not find {what}."))
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "The method is not allowed for the requested URL.";
        Self(StatusCode::METHOD_NOT_ALLOWED, message.to_owned())
    }

    pub(super) fn into_response(self, base: &str) -> Response {
        let Self(status, message) = self;
        let title = status.canonical_reason().unwrap_or_default();
        let detail = json!({"code": status.as_u16(), "title": title, "message": message});
        let mut response = Response::json(status, &json!({ "error": detail }));
        if status == StatusCode::UNAUTHORIZED {
            response.set(WWW_AUTHENTICATE, &format!("Keystone uri=\"{base}/v3\""));
        }
        response
    }
}
