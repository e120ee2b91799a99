//! What a fault does to the request that it strikes.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::FaultId;
use super::damage::{Damaged, Way};
use super::fault::{Answer, Effect, Moment};
use crate::message::{Body, Request, Response};
use crate::reject::Reject;
use crate::wire::Line;

/// A token that nobody has, and that `TempAuth` knows for one of its own.
const UNKNOWN_TOKEN: HeaderValue = HeaderValue::from_static("AUTH_tkrefused");

/// A fault at work on one request.
#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) id: FaultId,
    pub(super) delay: Duration,
    pub(super) effect: Option<Arc<Effect>>,
}

/// What is to become of a request that was struck.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It goes its way.
    Pass(Box<Request>),
    /// It is answered so.
    Answer(Response),
    /// The connection is reset.
    Reset,
}

impl Strike {
    /// What happens before the request is looked at.
    pub(crate) async fn before(&self, mut request: Request, line: &Arc<Line>) -> Verdict {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        match self.effect.as_deref() {
            Some(Effect::Status(answer)) => return Verdict::Answer(response(answer)),
            Some(Effect::Reset(Moment::Before)) => {
                line.reset();
                return Verdict::Reset;
            }
            Some(Effect::Upload(damage)) => {
                let body = std::mem::take(&mut request.body);
                let damaged = Damaged::new(body, *damage, Way::Up, Arc::clone(line));
                request.body = Body::stream(damaged);
            }
            Some(Effect::RefuseToken) => {
                for name in ["x-auth-token", "x-storage-token"] {
                    if let Some(token) = request.headers.get_mut(name) {
                        *token = UNKNOWN_TOKEN;
                    }
                }
            }
            Some(Effect::StaleListing(lag)) => {
                request.listing_lag = Some(Duration::from_secs_f64(lag.seconds));
            }
            Some(Effect::Reset(Moment::After) | Effect::Download(_)) | None => {}
        }
        Verdict::Pass(Box::new(request))
    }

    /// What happens to the answer's body once everything else has been said. The connection is reset where the line says
    /// so then.
    pub(crate) fn after(&self, body: Body, line: &Arc<Line>) -> Body {
        match self.effect.as_deref() {
            Some(Effect::Reset(Moment::After)) => {
                line.reset();
                Body::Empty
            }
            Some(Effect::Download(damage)) => {
                Body::stream(Damaged::new(body, *damage, Way::Down, Arc::clone(line)))
            }
            _ => body,
        }
    }
}

fn response(answer: &Answer) -> Response {
    let mut response = match &answer.body {
        Some(body) => Reject::plain(answer.status(), body.clone()),
        None => Reject::new(answer.status()),
    }
    .into_response();
    if let Some(seconds) = answer.retry_after {
        response.headers.insert(RETRY_AFTER, seconds.into());
    }
    // Checked when the fault was added.
    for (name, value) in answer.parsed_headers().unwrap_or_default() {
        response.headers.insert(name, value);
    }
    response
}
