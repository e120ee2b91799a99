//! A refusal in Rackspace's words, as v1.1 and v2.0 have them: `{"<name>":{"code":<status>,"message":"…"}}`.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::json;

use crate::message::Response;

pub(super) struct Fault {
    status: StatusCode,
    name: &'static str,
    message: &'static str,
    /// Who asks for a passcode says for which session.
    session: Option<String>,
}

impl Fault {
    pub(super) const BAD_REQUEST: Self = Self {
        status: StatusCode::BAD_REQUEST,
        name: "badRequest",
        message: "Invalid request body: unable to parse Auth data. Please review XML or JSON formatting",
        session: None,
    };
    pub(super) const TWO_TENANTS: Self = Self {
        message: "Invalid request. Specify tenantId OR tenantName, not both.",
        ..Self::BAD_REQUEST
    };
    pub(super) const UNAUTHORIZED: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        name: "unauthorized",
        message: "Unable to authenticate user with credentials provided.",
        session: None,
    };
    pub(super) const NO_VALID_TOKEN: Self = Self {
        message: "No valid token provided. Please use the 'X-Auth-Token' header with a valid token.",
        ..Self::UNAUTHORIZED
    };
    pub(super) const FORBIDDEN: Self = Self {
        status: StatusCode::FORBIDDEN,
        name: "forbidden",
        message: "Not Authorized",
        session: None,
    };
    pub(super) const TOKEN_NOT_FOUND: Self = Self {
        status: StatusCode::NOT_FOUND,
        name: "itemNotFound",
        message: "Token not found.",
        session: None,
    };
    pub(super) const USER_NOT_FOUND: Self = Self {
        message: "User not found",
        ..Self::TOKEN_NOT_FOUND
    };
    pub(super) const NOT_FOUND: Self = Self {
        message: "Resource Not Found",
        ..Self::TOKEN_NOT_FOUND
    };
    pub(super) const METHOD: Self = Self {
        status: StatusCode::METHOD_NOT_ALLOWED,
        name: "badMethod",
        message: "Method Not Allowed",
        session: None,
    };

    /// The password was right, and a passcode must follow under this session's id.
    pub(super) fn passcode_wanted(session: String) -> Self {
        Self {
            message: "Additional authentication credentials required.",
            session: Some(session),
            ..Self::UNAUTHORIZED
        }
    }

    pub(super) fn into_response(self) -> Response {
        let code = self.status.as_u16();
        let detail = json!({"code": code, "message": self.message});
        let mut response = Response::json(self.status, &json!({ self.name: detail }));
        if let Some(session) = self.session {
            let challenge = format!("OS-MF sessionId='{session}', factor='PASSCODE'");
            response.set(WWW_AUTHENTICATE, &challenge);
        }
        response
    }
}
