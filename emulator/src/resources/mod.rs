//! The innermost part: accounts, containers, objects, and `/info`.

pub(crate) mod account;
pub(crate) mod acl;
pub(crate) mod archive;
pub(crate) mod conditional;
pub(crate) mod container;
pub(crate) mod expiry;
pub(crate) mod media_type;
pub(crate) mod metadata;
pub(crate) mod object;
mod past;
pub(crate) mod range;
pub(crate) mod receive;
pub(crate) mod temp_url_keys;

use http::{Method, StatusCode};

use crate::core::Core;
use crate::message::{Request, Response};
use crate::path::Resource;
use crate::pipeline::Handled;
use crate::reject::{Reject, Reply};

const ACCOUNT_METHODS: &str = "GET, HEAD, POST, PUT, OPTIONS, DELETE";
const CONTAINER_METHODS: &str = "GET, HEAD, POST, PUT, OPTIONS, DELETE";
const OBJECT_METHODS: &str = "GET, HEAD, POST, PUT, OPTIONS, DELETE";

/// Answers what no feature has answered (`Application.handle_request` in `swift/proxy/server.py`).
pub(crate) fn handle(request: Request, core: &Core) -> Handled<'_> {
    match request.path.resource() {
        // What is asked most, and of all only an upload has to wait, for its body.
        Ok(Resource::Object(..)) if request.method == Method::PUT && !is_hidden(&request) => {
            Handled::Later(Box::pin(object::put(request, core)))
        }
        Ok(Resource::Object(..)) if request.is_read() && !is_hidden(&request) => {
            Handled::Now(object::read(request, core))
        }
        _ => Handled::Now(answer(request, core)),
    }
}

/// Whether a request names what is Swift's own.
fn is_hidden(request: &Request) -> bool {
    request.path.as_str().contains('\0') && !request.allow_reserved_names
}

fn answer(request: Request, core: &Core) -> Reply {
    if is_hidden(&request) {
        return Err(Reject::html(
            StatusCode::PRECONDITION_FAILED,
            "Invalid UTF8 or contains NULL",
        ));
    }
    if request.path.as_str() == "/info" {
        return crate::services::info::handle(&request, core);
    }
    let method = request.method.clone();
    match request.path.resource()? {
        Resource::Account(_) => match method {
            Method::GET | Method::HEAD => account::read(&request, core),
            Method::PUT => account::put(&request, core),
            Method::POST => account::post(&request, core),
            Method::DELETE => account::delete(&request, core),
            Method::OPTIONS => options(&request, core, ACCOUNT_METHODS),
            _ => Err(Reject::method_not_allowed(ACCOUNT_METHODS)),
        },
        Resource::Container(..) => match method {
            Method::GET | Method::HEAD => container::read(&request, core),
            Method::PUT => container::put(request, core),
            Method::POST => container::post(request, core),
            Method::DELETE => container::delete(&request, core),
            Method::OPTIONS => options(&request, core, CONTAINER_METHODS),
            _ => Err(Reject::method_not_allowed(CONTAINER_METHODS)),
        },
        Resource::Object(..) => match method {
            Method::POST => object::post(&request, core),
            Method::DELETE => object::delete(&request, core),
            Method::OPTIONS => options(&request, core, OBJECT_METHODS),
            _ => Err(Reject::method_not_allowed(OBJECT_METHODS)),
        },
    }
}

fn options(request: &Request, core: &Core, allow: &str) -> Reply {
    acl::authorize(request, core, None)?;
    let mut response = done(StatusCode::OK);
    response.set(http::header::ALLOW, allow);
    Ok(response)
}

/// A success with nothing to say but the words Swift has for its status.
pub(crate) fn done(status: StatusCode) -> Response {
    let body = match status {
        StatusCode::ACCEPTED => {
            "<html><h1>Accepted</h1><p>The request is accepted for processing.</p></html>"
        }
        _ => "",
    };
    Response::with(status, "text/html; charset=UTF-8", body)
}
