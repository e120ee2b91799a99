//! What expires next, and stepping there.
//!
//! ```text
//! GET  /_emulator/deadlines[?account=…&kind=…&limit=…]   → {"now", "unix", "deadlines": [DEADLINE, …]}
//! POST /_emulator/clock/advance-to-next-deadline         {"offset": -1.0?, "kind": …?, "account": …?}
//!                                                        → {"deadline": DEADLINE, "clock": CLOCK}; 404 if there is none
//!
//! DEADLINE = {"at", "at_unix", "in_seconds", "kind", "why", "inclusive",
//!             "account"?, "region"?, "container"?, "object"?, "method"?, "user"?}
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{Call, json};
use super::clock::Shown;
use super::{Answer, Refused, moment};
use crate::deadlines::{Deadline, DeadlineKind, MOST, Offset, Wanted};

/// How many deadlines a listing has if it is not told.
const LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    /// Seconds from the deadline to where the clock shall stand; negative before it.
    offset: Option<f64>,
    kind: Option<String>,
    account: Option<String>,
}

#[derive(Debug, Serialize)]
struct Described<'a> {
    at: String,
    at_unix: f64,
    /// Negative where it is over.
    in_seconds: f64,
    kind: &'static str,
    why: String,
    inclusive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

fn described(deadline: &Deadline, now_unix: f64) -> Described<'_> {
    let at_unix = moment::unix(deadline.at);
    Described {
        at: moment::text(deadline.at),
        at_unix,
        in_seconds: at_unix - now_unix,
        kind: deadline.kind.name(),
        why: deadline.to_string(),
        inclusive: deadline.inclusive,
        account: deadline.account.as_deref(),
        region: deadline.region.as_deref(),
        container: deadline.container.as_deref(),
        object: deadline.object.as_deref(),
        method: deadline.method.as_deref(),
        user: deadline.user.as_deref(),
    }
}

fn kind(name: Option<&str>) -> Result<Option<DeadlineKind>, Refused> {
    let Some(name) = name else {
        return Ok(None);
    };
    let found = DeadlineKind::ALL
        .into_iter()
        .find(|kind| kind.name() == name);
    found.map(Some).ok_or_else(|| {
        let known = DeadlineKind::ALL.map(DeadlineKind::name).join(", ");
        Refused::bad("kind", format!("`{name}` is none of {known}"))
    })
}

pub(super) fn list(call: &Call) -> Answer {
    let parameters = call.parameters(&["account", "kind", "limit"])?;
    let account = parameters.text("account");
    let limit = parameters.number("limit")?.unwrap_or(LIMIT);
    if limit > MOST {
        return Err(Refused::bad(
            "limit",
            format!("the limit is {MOST} at most"),
        ));
    }
    let wanted = Wanted {
        account: account.as_deref(),
        kind: kind(parameters.text("kind").as_deref())?,
    };
    let now = call.core.clock.now();
    let unix = moment::unix(now);
    let deadlines = call.core.deadlines(wanted, limit);
    let deadlines: Vec<_> = deadlines.iter().map(|one| described(one, unix)).collect();
    json(&json!({"now": moment::text(now), "unix": unix, "deadlines": deadlines}))
}

pub(super) async fn advance(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Next = call.body().await?;
    let offset = asked.offset.unwrap_or(0.0);
    let by = Duration::try_from_secs_f64(offset.abs())
        .map_err(|error| Refused::bad("offset", error.to_string()))?;
    let offset = if offset < 0.0 {
        Offset::Before(by)
    } else if by.is_zero() {
        Offset::At
    } else {
        Offset::After(by)
    };
    let wanted = Wanted {
        account: asked.account.as_deref(),
        kind: kind(asked.kind.as_deref())?,
    };
    let core = &call.core;
    let deadline = core
        .advance_to_next_deadline(wanted, offset)
        .ok_or_else(|| {
            let message = "nothing of this kind expires at a place ahead; the clock stays";
            Refused::not_found("deadline", message)
        })?;
    let clock = Shown::of(&core.clock);
    let deadline = described(&deadline, clock.unix);
    json(&json!({"deadline": deadline, "clock": clock}))
}
