//! The whole state as one file.
//!
//! ```text
//! GET /_emulator/snapshot  → the file, application/octet-stream
//! PUT /_emulator/snapshot  the file → {"accounts": 1, "containers": 2, "objects": 3, "bytes": 4}
//! ```
//!
//! What is in it is said in `snapshot/mod.rs`, and how it looks. PUT replaces the state at once when the whole file has
//! been read and found whole; until then, and where it is refused, nothing changes.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::call::{Call, json};
use super::{Answer, Refused};
use crate::message::Response;
use crate::snapshot::stream;

pub(super) fn download(call: &Call) -> Answer {
    call.parameters(&[])?;
    let mut response = Response::new(StatusCode::OK);
    response.headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    response.headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"cloudfiles.snapshot\""),
    );
    if call.request.method == http::Method::GET {
        response.body = stream::body(call.core.siblings.all().collect());
    }
    Ok(response)
}

pub(super) async fn upload(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let body = std::mem::take(&mut call.request.body);
    let regions: Vec<_> = call.core.siblings.all().collect();
    let state = stream::read(body, regions.clone())
        .await
        .map_err(|error| Refused::bad("body", error.to_string()))?;
    let contents = state.contents;
    state.install(&regions);
    json(&contents)
}
