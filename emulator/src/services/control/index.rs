//! `GET /_emulator/` and `GET /_emulator/openapi.json`: what there is.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::json;

use super::call::{Call, json};
use super::{Answer, ROOT, paths};
use crate::message::Response;

/// The description of the control surface, in `OpenAPI` 3.1.
pub(super) const OPENAPI: &str = include_str!("../../../openapi.json");

/// Version and links.
pub(super) fn show(call: &Call) -> Answer {
    call.parameters(&[])?;
    let links: BTreeSet<&str> = paths().collect();
    json(&json!({
        "name": "cloudfiles-emulator",
        "version": env!("CARGO_PKG_VERSION"),
        "description": format!("{ROOT}/openapi.json"),
        "links": links,
    }))
}

/// The description, as it is in the repository.
pub(super) fn openapi(call: &Call) -> Answer {
    call.parameters(&[])?;
    Ok(Response::with(
        StatusCode::OK,
        "application/json; charset=UTF-8",
        OPENAPI,
    ))
}
