//! Accounts for one test each, and starting afresh.
//!
//! ```text
//! GET    /_emulator/accounts                   → {"accounts": [{"account", "fresh", "containers", "objects", "bytes"}, …]}
//! POST   /_emulator/accounts {"project": …?}   → 201 and how to get in, see `FreshAccount`; 409 if there is such a project
//! DELETE /_emulator/accounts/{account}         → 204; 404
//! POST   /_emulator/accounts/{account}/reset   → 204; 404
//! POST   /_emulator/reset {"clock": "keep"?}   → 204
//! ```

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::call::{Call, json, json_with};
use super::{Answer, Refused};
use crate::message::Response;
use crate::region::host_url;

/// The longest name of a project, in bytes.
const LONGEST_NAME: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Make {
    project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    clock: Option<ClockAfter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClockAfter {
    /// As it is: its time, and whether it stands still.
    Keep,
    #[default]
    Real,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) fn list(call: &Call) -> Answer {
    call.parameters(&[])?;
    json(&json!({"accounts": call.core.account_summaries()}))
}

pub(super) async fn make(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Make = call.body().await?;
    if let Some(project) = &asked.project {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let length = project.len();
        if length == 0 || length > LONGEST_NAME || !project.bytes().all(is_plain) {
            let message = format!(
                "a project's name is 1 to {LONGEST_NAME} letters, digits, `_`, `-` and `.`"
            );
            return Err(Refused::bad("project", message));
        }
    }
    let base = host_url(&call.request.headers);
    let made = call.core.fresh_account(asked.project.as_deref(), &base);
    let made = made.ok_or_else(|| {
        let message = "there is such a project already";
        Refused::new(StatusCode::CONFLICT, "project", message)
    })?;
    json_with(StatusCode::CREATED, &made)
}

pub(super) fn remove(call: &Call) -> Answer {
    call.parameters(&[])?;
    done_if(call.core.drop_account(call.part()))
}

pub(super) async fn reset(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let Nothing {} = call.body().await?;
    done_if(call.core.reset_account(call.part()))
}

pub(super) async fn reset_all(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Reset = call.body().await?;
    let keep_clock = matches!(asked.clock.unwrap_or_default(), ClockAfter::Keep);
    call.core.reset(keep_clock);
    done_if(true)
}

fn done_if(found: bool) -> Answer {
    if found {
        Ok(Response::new(StatusCode::NO_CONTENT))
    } else {
        Err(Refused::not_found("account", "there is no such account"))
    }
}
