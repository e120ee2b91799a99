//! The clock.
//!
//! ```text
//! GET  /_emulator/clock            → {"now": "2026-01-31T12:00:00Z", "unix": 1769860800.0, "frozen": true,
//!                                     "offset_seconds": 0.0}
//! PUT  /_emulator/clock            {"now": MOMENT?, "frozen": true?}
//! POST /_emulator/clock/freeze
//! POST /_emulator/clock/set        {"now": MOMENT}
//! POST /_emulator/clock/advance    {"seconds": 120.5} or {"duration": "2m"}
//! POST /_emulator/clock/resume
//! ```
//!
//! All of them answer as GET does. `MOMENT` is RFC 3339 text or a number of Unix seconds. `offset_seconds` says how far
//! the clock is ahead of the system's. Only `set` and PUT can take time back.

use serde::{Deserialize, Serialize};

use super::call::{Call, json};
use super::moment::{self, Moment};
use super::{Answer, Refused};
use crate::clock::{Clock, latest};

/// A body without members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    now: Option<Moment>,
    frozen: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    now: Option<Moment>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: Option<f64>,
    duration: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Shown {
    now: String,
    pub(super) unix: f64,
    frozen: bool,
    offset_seconds: f64,
}

impl Shown {
    pub(super) fn of(clock: &Clock) -> Self {
        let now = clock.now();
        Self {
            now: moment::text(now),
            unix: moment::unix(now),
            frozen: clock.is_frozen(),
            offset_seconds: clock.ahead_of_system_seconds(),
        }
    }
}

fn shown(clock: &Clock) -> Answer {
    json(&Shown::of(clock))
}

pub(super) fn show(call: &Call) -> Answer {
    call.parameters(&[])?;
    shown(&call.core.clock)
}

pub(super) async fn put(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Put = call.body().await?;
    let now = asked.now.map(|now| now.read("now")).transpose()?;
    let clock = &call.core.clock;
    match asked.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.resume(),
        None => {}
    }
    if let Some(now) = now {
        clock.set(now);
    }
    shown(clock)
}

pub(super) async fn freeze(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let Nothing {} = call.body().await?;
    call.core.clock.freeze();
    shown(&call.core.clock)
}

pub(super) async fn resume(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let Nothing {} = call.body().await?;
    call.core.clock.resume();
    shown(&call.core.clock)
}

pub(super) async fn set(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Set = call.body().await?;
    let now = asked.now.ok_or_else(|| Refused::missing("now"))?;
    let now = now.read("now")?;
    call.core.clock.set(now);
    shown(&call.core.clock)
}

pub(super) async fn advance(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Advance = call.body().await?;
    let by = moment::forward(asked.seconds, asked.duration.as_deref())?;
    let clock = &call.core.clock;
    let reached = clock.now().checked_add(by);
    if reached.is_none_or(|reached| reached > latest()) {
        let field = if asked.seconds.is_some() {
            "seconds"
        } else {
            "duration"
        };
        return Err(Refused::bad(field, "no clock goes beyond the year 9999"));
    }
    clock.advance(by);
    shown(clock)
}
