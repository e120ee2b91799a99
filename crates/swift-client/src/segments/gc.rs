//! Removing segments that nothing refers to: a plan first, then exactly what it says.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::audit::{Audit, AuditOptions, Orphan};
use crate::{DeleteFailure, Error, Transfers};

/// The form of a plan that this version writes and reads.
const VERSION: u32 = 1;

/// What is to be removed. It is data, to be written to a file (as JSON, say), looked at, and applied:
///
/// ```json
/// {"version": 1, "account": "https://swift.example/v1/AUTH_test", "planned_at": "2026-11-24T04:00:00Z",
///  "older_than_seconds": 86400,
///  "remove": [{"container": "photos_segments", "object": "a/slo/781e5e245d69b566979b86e28d23f2c7-10", "bytes": 10,
///              "etag": "781e5e245d69b566979b86e28d23f2c7", "last_modified": "2026-11-20T00:00:00Z"}]}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GcPlan {
    /// Form of this plan.
    pub version: u32,
    /// The account it is for, by its storage URL. It is applied to no other.
    pub account: String,
    /// When the audit began, by the server's clock.
    pub planned_at: Timestamp,
    /// How old what is removed is at least, in seconds: an upload that runs has segments without a manifest, too.
    pub older_than_seconds: u64,
    /// What is to be removed.
    pub remove: Vec<Orphan>,
}

/// What applying a plan came to.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct GcReport {
    /// How many segments were removed.
    pub deleted: u64,
    /// How many were gone already.
    pub missing: u64,
    /// Those that stayed, since they have changed or something refers to them now.
    pub kept: Vec<Orphan>,
    /// Those that could not be removed, and why.
    pub failures: Vec<DeleteFailure>,
}

impl Transfers {
    /// A plan to remove the orphans of an audit that were stored longer than `older_than` ago, by the server's clock.
    /// A day is a good choice: longer than any upload takes, and than anybody waits before resuming one.
    ///
    /// # Errors
    /// Those of a sign-in, which tells the account.
    pub async fn plan_gc(&self, audit: &Audit, older_than: Duration) -> Result<GcPlan, Error> {
        let planned_at = match audit.started {
            Some(started) => started,
            None => self.server_time().await?,
        };
        let age = SignedDuration::try_from(older_than).unwrap_or(SignedDuration::MAX);
        let limit = planned_at.checked_sub(age).unwrap_or(Timestamp::MIN);
        let is_old = |orphan: &&Orphan| orphan.last_modified.is_some_and(|at| at <= limit);
        Ok(GcPlan {
            version: VERSION,
            account: self.account().await?,
            planned_at,
            older_than_seconds: older_than.as_secs(),
            // Listings count fractions of seconds and the clock does not: what is as old as the audit counts as old.
            remove: if older_than.is_zero() {
                audit.orphans.clone()
            } else {
                audit.orphans.iter().filter(is_old).cloned().collect()
            },
        })
    }

    /// Removes what a plan names, and nothing else. Before that the account is audited once more, with the same options
    /// as for the plan: what has changed since, and what something refers to now, stays.
    ///
    /// # Errors
    /// [`Error::Plan`] for a plan of another account or form; those of an audit.
    pub async fn apply_gc(&self, plan: &GcPlan, options: &AuditOptions) -> Result<GcReport, Error> {
        if plan.version != VERSION {
            return Err(Error::Plan {
                reason: format!("it has form {}, known is {VERSION}", plan.version),
            });
        }
        let account = self.account().await?;
        if plan.account != account {
            return Err(Error::Plan {
                reason: format!("it is for {}, not for {account}", plan.account),
            });
        }
        let audit = self.audit_segments(options).await?;
        let now: HashMap<(&str, &str), &Orphan> = audit
            .orphans
            .iter()
            .map(|orphan| ((orphan.container.as_str(), orphan.object.as_str()), orphan))
            .collect();
        let unchanged = |orphan: &&Orphan| {
            let name = (orphan.container.as_str(), orphan.object.as_str());
            now.get(&name).is_some_and(|now| *now == *orphan)
        };
        let (remove, kept): (Vec<&Orphan>, Vec<&Orphan>) = plan.remove.iter().partition(unchanged);
        let names = remove
            .into_iter()
            .map(|orphan| Ok((orphan.container.clone(), orphan.object.clone())));
        let report = self.delete_all(stream::iter(names)).await?;
        Ok(GcReport {
            deleted: report.deleted,
            missing: report.missing,
            kept: kept.into_iter().cloned().collect(),
            failures: report.failures,
        })
    }

    async fn account(&self) -> Result<String, Error> {
        let access = self.client().session().access().await?;
        Ok(access.storage_url.as_str().trim_end_matches('/').to_owned())
    }
}
