//! `GET /info`: what this Swift can do (`swift/proxy/controllers/info.py`).

use http::{Method, StatusCode};

use crate::core::Core;
use crate::message::{Request, Response};
use crate::reject::{Reject, Reply};

pub(crate) fn handle(request: &Request, core: &Core) -> Reply {
    // Signed requests are for an admin key, and there is none.
    if request.query.has("swiftinfo_sig") || request.query.has("swiftinfo_expires") {
        return Err(Reject::forbidden());
    }
    match request.method {
        Method::GET | Method::HEAD => Ok(Response::json(StatusCode::OK, &core.flavour.info())),
        Method::OPTIONS => {
            let mut response = Response::with(StatusCode::OK, "text/html; charset=UTF-8", "");
            response.set(http::header::ALLOW, "HEAD, GET, OPTIONS");
            Ok(response)
        }
        _ => Err(Reject::method_not_allowed("HEAD, GET, OPTIONS")),
    }
}
