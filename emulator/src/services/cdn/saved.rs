//! What is kept of the CDN beyond a run: rows, purges, and access log that is still to be delivered.

use serde::{Deserialize, Serialize};

use super::Cdn;
use super::logs::Open;
use super::rows::{Row, Rows};

/// One thing of that. The order of variants and fields is part of the format of snapshots.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SavedRecord {
    /// A container that the CDN knows.
    Publication {
        account: String,
        container: String,
        enabled: bool,
        /// Seconds.
        ttl: u32,
        log_retention: bool,
    },
    /// How many purges an account has used up on a day, counted in days since 1970. Every account that ever published
    /// has one.
    Purges {
        account: String,
        day: u64,
        count: u32,
    },
    /// Access log that is still to be delivered.
    LogLines {
        account: String,
        container: String,
        /// Hours since 1970.
        hour: u64,
        lines: String,
    },
}

/// All of it, read back and not yet in use.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    rows: Rows,
    logs: Open,
}

impl Saved {
    /// Adds a record, or says why it cannot be one.
    pub(crate) fn take(&mut self, record: SavedRecord) -> Result<(), String> {
        match record {
            SavedRecord::Publication {
                account,
                container,
                enabled,
                ttl,
                log_retention,
            } => {
                let row = Row {
                    enabled,
                    ttl,
                    log_retention,
                };
                if !self.rows.restore_row(&account, &container, row) {
                    return Err(format!(
                        "the publication of {account}/{container} twice, or with a TTL of {ttl} s"
                    ));
                }
            }
            SavedRecord::Purges {
                account,
                day,
                count,
            } => self.rows.restore_purges(&account, day, count),
            SavedRecord::LogLines {
                account,
                container,
                hour,
                lines,
            } => self.logs.add(&account, &container, hour, &lines),
        }
        Ok(())
    }
}

impl Cdn {
    /// Everything to be saved, in order.
    pub(crate) fn records(&self) -> Vec<SavedRecord> {
        let mut records = Vec::new();
        let rows = self.rows();
        let mut accounts: Vec<_> = rows.accounts().collect();
        accounts.sort_unstable_by_key(|(account, _)| *account);
        for (account, published) in accounts {
            for (container, row) in &published.containers {
                records.push(SavedRecord::Publication {
                    account: account.to_owned(),
                    container: container.clone(),
                    enabled: row.enabled,
                    ttl: row.ttl,
                    log_retention: row.log_retention,
                });
            }
            let (day, count) = published.purges;
            records.push(SavedRecord::Purges {
                account: account.to_owned(),
                day,
                count,
            });
        }
        drop(rows);
        records.extend(self.logs.open().lines().map(|(of, lines)| {
            let (account, container, hour) = of.clone();
            SavedRecord::LogLines {
                account,
                container,
                hour,
                lines: lines.to_owned(),
            }
        }));
        records
    }

    /// Takes what was saved in the place of what is here. The edge has no copies then.
    pub(crate) fn restore(&self, saved: Saved) {
        *self.rows_mut() = saved.rows;
        self.logs.replace(saved.logs);
        self.cache().purge_containers(|_| true);
    }
}
