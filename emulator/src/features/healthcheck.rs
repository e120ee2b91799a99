//! `GET /healthcheck`: says `OK` (`swift/common/middleware/healthcheck.py`).

use http::StatusCode;

use crate::message::{Request, Response};
use crate::pipeline::Next;
use crate::reject::Reply;

pub(crate) fn applies(request: &Request) -> bool {
    request.path.as_str() == "/healthcheck"
}

#[expect(clippy::unused_async, reason = "every feature has this one form")]
pub(crate) async fn handle(_: Request, _: Next<'_>) -> Reply {
    Ok(Response::with(StatusCode::OK, "text/plain", "OK"))
}
