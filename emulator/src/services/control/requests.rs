//! The journal of requests.
//!
//! ```text
//! GET    /_emulator/requests       → {"capacity": 10000, "last_id": 7, "requests": [REQUEST, …]}
//! DELETE /_emulator/requests       → 204
//! GET    /_emulator/requests/tail  → text/event-stream
//! ```
//!
//! Both GETs take `method`, `path` (a glob), `status` (`503` or `5xx`), `account`, `trans_id` and `since_id`, the list
//! also `limit` (1,000). `REQUEST` is what [`crate::RecordedRequest`] describes. Each event of the tail is named `request`,
//! has the request's id, and the request as JSON; `Last-Event-ID`, or `since_id`, says where to go on. A comment says how
//! many requests a slow reader has missed.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::call::{Call, json};
use super::{Answer, Refused};
use crate::journal::{self, Filter, RequestFilter};
use crate::message::Response;

/// What both take.
const PARAMETERS: [&str; 7] = [
    "method", "path", "status", "account", "trans_id", "since_id", "limit",
];

pub(super) fn list(call: &Call) -> Answer {
    let filter = Filter::new(filter(call, &PARAMETERS)?)?;
    let journal = &call.core.journal;
    json(&json!({
        "capacity": journal.capacity(),
        "last_id": journal.last_id(),
        "requests": journal.requests(&filter),
    }))
}

pub(super) fn clear(call: &Call) -> Answer {
    call.parameters(&[])?;
    call.core.journal.clear();
    Ok(Response::new(StatusCode::NO_CONTENT))
}

pub(super) fn tail(call: &Call) -> Answer {
    let [filters @ .., _limit] = PARAMETERS;
    let mut wanted = filter(call, &filters)?;
    // What a browser sends when it connects again: what it has got to is later than what it was told to begin with.
    if let Some(last) = call.request.header("last-event-id") {
        let id = last
            .parse()
            .map_err(|_| Refused::bad("last-event-id", format!("`{last}` is no number")))?;
        wanted.since_id = Some(id);
    }
    let mut response = Response::new(StatusCode::OK);
    let headers = &mut response.headers;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.body = journal::tail(call.core.clone(), Filter::new(wanted)?);
    Ok(response)
}

fn filter(call: &Call, known: &[&str]) -> Result<RequestFilter, Refused> {
    let parameters = call.parameters(known)?;
    Ok(RequestFilter {
        method: parameters.text("method"),
        path: parameters.text("path"),
        status: parameters.text("status"),
        account: parameters.text("account"),
        trans_id: parameters.text("trans_id"),
        since_id: parameters.number("since_id")?,
        limit: parameters.number("limit")?,
    })
}
