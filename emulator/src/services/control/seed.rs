//! A folder of this machine as the contents of an account.
//!
//! ```text
//! POST /_emulator/seed {"folder": "/home/me/fixtures", "account": "AUTH_test"?}
//!   → {"account": "AUTH_test", "containers": 1, "objects": 2, "bytes": 3}
//! ```
//!
//! What the folder looks like is said in `seed/mod.rs`. Only callers on the emulator's own machine are served, with a
//! control token too: the folder is read with the emulator's rights.

use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use super::call::{Call, json};
use super::{Answer, Refused};
use crate::seed;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    folder: Option<PathBuf>,
    account: Option<String>,
}

pub(super) async fn post(mut call: Call) -> Answer {
    call.parameters(&[])?;
    if !call
        .request
        .remote
        .is_some_and(|remote| remote.to_canonical().is_loopback())
    {
        let message = "folders are read for callers on this machine only";
        return Err(Refused::new(StatusCode::FORBIDDEN, "folder", message));
    }
    let asked: Seed = call.body().await?;
    let folder = asked.folder.ok_or_else(|| Refused::missing("folder"))?;
    if !folder.is_absolute() {
        let message = "the path must be absolute: it is the emulator that looks for it";
        return Err(Refused::bad("folder", message));
    }
    let core = Arc::clone(&call.core);
    let seeded =
        tokio::task::spawn_blocking(move || seed::seed(&core, &folder, asked.account.as_deref()))
            .await
            .map_err(|error| {
                let message = format!("the folder could not be read to its end: {error}");
                Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "folder", message)
            })?
            .map_err(|error| Refused::bad("folder", error.to_string()))?;
    json(&seeded)
}
