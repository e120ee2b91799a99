//! Faults.
//!
//! ```text
//! GET    /_emulator/faults        → {"seed": 0, "faults": [REPORT, …]}
//! POST   /_emulator/faults        FAULT → 201 REPORT
//! PUT    /_emulator/faults        {"seed": 7?, "faults": [FAULT, …]}: all others go; answers as GET
//! DELETE /_emulator/faults        → 204
//! GET    /_emulator/faults/{id}   → REPORT
//! DELETE /_emulator/faults/{id}   → 204
//! ```
//!
//! `FAULT` is what [`crate::Fault`] describes; `REPORT` is `{"id": 1, "fault": FAULT, "matched": 3, "fired": 2,
//! "trans_ids": ["tx…", …]}` with the transactions of the latest 100 requests that were struck.

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::call::{Call, json, json_with};
use super::{Answer, Refused};
use crate::faults::{Fault, FaultId, FaultReport};
use crate::message::Response;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    seed: Option<u64>,
    faults: Option<Vec<Fault>>,
}

pub(super) fn list(call: &Call) -> Answer {
    call.parameters(&[])?;
    shown(call)
}

fn shown(call: &Call) -> Answer {
    let faults = &call.core.faults;
    json(&json!({"seed": faults.seed(), "faults": faults.reports()}))
}

pub(super) async fn add(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let fault: Fault = call.body().await?;
    let faults = &call.core.faults;
    let id = faults.add(fault)?;
    json_with(StatusCode::CREATED, &report(&call, id)?)
}

pub(super) async fn replace(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let set: Set = call.body().await?;
    let faults = set.faults.ok_or_else(|| Refused::missing("faults"))?;
    call.core.faults.replace(set.seed.unwrap_or(0), faults)?;
    shown(&call)
}

pub(super) fn clear(call: &Call) -> Answer {
    call.parameters(&[])?;
    call.core.faults.clear();
    Ok(Response::new(StatusCode::NO_CONTENT))
}

pub(super) fn show(call: &Call) -> Answer {
    call.parameters(&[])?;
    json(&report(call, id(call)?)?)
}

pub(super) fn remove(call: &Call) -> Answer {
    call.parameters(&[])?;
    let id = id(call)?;
    if call.core.faults.remove(id) {
        Ok(Response::new(StatusCode::NO_CONTENT))
    } else {
        Err(unknown(id))
    }
}

fn id(call: &Call) -> Result<FaultId, Refused> {
    let text = call.part();
    text.parse()
        .map(FaultId::new)
        .map_err(|_| Refused::bad("id", format!("`{text}` is no number")))
}

fn report(call: &Call, id: FaultId) -> Result<FaultReport, Refused> {
    call.core.faults.report(id).ok_or_else(|| unknown(id))
}

fn unknown(id: FaultId) -> Refused {
    Refused::not_found("id", format!("there is no fault {id}"))
}
