//! `GET /_emulator/metrics`: counts for Prometheus, in its text format 0.0.4.

use http::StatusCode;

use super::Answer;
use super::call::Call;
use crate::message::Response;
use crate::metrics;

pub(super) fn show(call: &Call) -> Answer {
    call.parameters(&[])?;
    Ok(Response::with(
        StatusCode::OK,
        metrics::CONTENT_TYPE,
        metrics::text(&call.core),
    ))
}
