//! Which entries of a ledger a command is about.

use jiff::Timestamp;
use ledger::{Entry, Resource};

use crate::args::Filter;

impl Filter {
    /// Whether an entry is meant. Its age is that of its intent, by the clock of the machine that had it.
    pub(crate) fn lets_through(&self, entry: &Entry<Resource>, now: Timestamp) -> bool {
        let cloud = self.cloud.as_ref();
        let age = now.duration_since(entry.planned_at);
        cloud.is_none_or(|cloud| *cloud == entry.resource.cloud)
            && (self.run.is_empty() || self.run.contains(&entry.run))
            && (self.older_than).is_none_or(|limit| age.is_positive() && age.unsigned_abs() > limit)
    }

    /// Whether every entry is meant.
    pub(crate) fn is_empty(&self) -> bool {
        self.cloud.is_none() && self.run.is_empty() && self.older_than.is_none()
    }
}
