//! What is published: a row for each container that ever was, and how many purges an account has left today.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;

use super::address;
use crate::message::header_text;
use crate::query::truthy;

/// The shortest TTL, in seconds: a quarter of an hour.
pub(super) const MIN_TTL: u32 = 900;
/// The longest, in seconds: a year.
pub(super) const MAX_TTL: u32 = 31_536_000;
/// What a container gets that was published without one, in seconds: three days.
const DEFAULT_TTL: u32 = 259_200;
/// How many objects of an account may be purged on one day.
const PURGES_A_DAY: u32 = 25;

/// What the CDN keeps of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) enabled: bool,
    /// Seconds for which the edge keeps what it fetches.
    pub(super) ttl: u32,
    pub(super) log_retention: bool,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            enabled: true,
            ttl: DEFAULT_TTL,
            log_retention: false,
        }
    }
}

/// What a PUT or a POST asks for. What it does not name stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    enabled: Option<bool>,
    ttl: Option<u32>,
    log_retention: Option<bool>,
}

impl Change {
    /// Reads `X-CDN-Enabled`, `X-TTL` and `X-Log-Retention`. A TTL out of bounds becomes the bound; in strict mode it is
    /// an error, as one that is no integer always is, and the error says so in the service's own words.
    pub(super) fn read(headers: &HeaderMap, strict: bool) -> Result<Self, String> {
        let flag = |name| header_text(headers, name).map(|value| truthy(value.trim()));
        let ttl = match headers.get("x-ttl") {
            Some(value) => Some(ttl(value.to_str().unwrap_or(""), strict)?),
            None => None,
        };
        Ok(Self {
            enabled: flag("x-cdn-enabled"),
            ttl,
            log_retention: flag("x-log-retention"),
        })
    }

    /// The same out of values. A TTL out of bounds is an error.
    pub(crate) fn new(
        enabled: Option<bool>,
        ttl: Option<u32>,
        log_retention: Option<bool>,
    ) -> Result<Self, String> {
        if ttl.is_some_and(|ttl| !(MIN_TTL..=MAX_TTL).contains(&ttl)) {
            return Err(format!("must be between {MIN_TTL} and {MAX_TTL} seconds"));
        }
        Ok(Self {
            enabled,
            ttl,
            log_retention,
        })
    }

    fn of(self, row: Row) -> Row {
        Row {
            enabled: self.enabled.unwrap_or(row.enabled),
            ttl: self.ttl.unwrap_or(row.ttl),
            log_retention: self.log_retention.unwrap_or(row.log_retention),
        }
    }
}

fn ttl(text: &str, strict: bool) -> Result<u32, String> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("Invalid X-TTL, must be integer".to_owned());
    }
    let asked = if negative {
        0
    } else {
        // More digits than fit are more seconds than a year has.
        digits.parse().unwrap_or(u32::MAX)
    };
    let bounded = asked.clamp(MIN_TTL, MAX_TTL);
    if strict && bounded != asked {
        return Err(format!(
            "Invalid X-TTL, must be between {MIN_TTL} and {MAX_TTL}"
        ));
    }
    Ok(bounded)
}

/// All rows of all accounts.
#[derive(Debug, Default)]
pub(super) struct Rows {
    accounts: HashMap<String, Published>,
    /// Account and container behind the hash in an address.
    hashes: HashMap<u128, (String, String)>,
}

/// The rows of an account. It is there from the first one on, though all should be removed again.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) containers: BTreeMap<String, Row>,
    /// The last day of a purge, in days since 1970, and how many there were on it.
    pub(super) purges: (u64, u32),
}

impl Rows {
    pub(super) fn account(&self, account: &str) -> Option<&Published> {
        self.accounts.get(account)
    }

    pub(super) fn row(&self, account: &str, container: &str) -> Option<Row> {
        self.accounts
            .get(account)?
            .containers
            .get(container)
            .copied()
    }

    /// Account, container and row behind the hash in an address, if that container is published now.
    pub(super) fn published(&self, hash: u128) -> Option<(&str, &str, Row)> {
        let (account, container) = self.hashes.get(&hash)?;
        let row = self.row(account, container).filter(|row| row.enabled)?;
        Some((account, container, row))
    }

    /// Account and container behind the hash in an address, published or not.
    pub(super) fn behind(&self, hash: u128) -> Option<(&str, &str)> {
        let (account, container) = self.hashes.get(&hash)?;
        Some((account, container))
    }

    /// Account and container behind the hash in an address, if who fetches what is to be logged.
    pub(super) fn logged(&self, hash: u128) -> Option<(&str, &str)> {
        let (account, container) = self.hashes.get(&hash)?;
        self.row(account, container)
            .filter(|row| row.log_retention)?;
        Some((account, container))
    }

    /// Every account with its rows, in no order.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&str, &Published)> {
        self.accounts
            .iter()
            .map(|(account, published)| (account.as_str(), published))
    }

    /// Puts a row back that was saved. False if there is one, or if no row can be so.
    pub(super) fn restore_row(&mut self, account: &str, container: &str, row: Row) -> bool {
        if !(MIN_TTL..=MAX_TTL).contains(&row.ttl) || self.row(account, container).is_some() {
            return false;
        }
        let change = Change {
            enabled: Some(row.enabled),
            ttl: Some(row.ttl),
            log_retention: Some(row.log_retention),
        };
        self.put(account, container, change)
    }

    /// Puts back how many purges an account has used up on a day, which also makes it known where it has no rows.
    pub(super) fn restore_purges(&mut self, account: &str, day: u64, count: u32) {
        let published = self.accounts.entry(account.to_owned()).or_default();
        published.purges = (day, count.min(PURGES_A_DAY));
    }

    /// Changes a row, or makes it. True if it is new or no longer the same.
    pub(super) fn put(&mut self, account: &str, container: &str, change: Change) -> bool {
        let old = self.row(account, container);
        let new = change.of(old.unwrap_or_default());
        self.hashes
            .entry(address::hash(account, container))
            .or_insert_with(|| (account.to_owned(), container.to_owned()));
        self.accounts
            .entry(account.to_owned())
            .or_default()
            .containers
            .insert(container.to_owned(), new);
        old != Some(new)
    }

    /// Changes a row. False if there is none.
    pub(super) fn post(&mut self, account: &str, container: &str, change: Change) -> bool {
        let row = self
            .accounts
            .get_mut(account)
            .and_then(|published| published.containers.get_mut(container));
        if let Some(row) = row {
            *row = change.of(*row);
            return true;
        }
        false
    }

    /// Forgets a row. False if there is none. Whose the hash in its addresses is stays known: the edge may still hold
    /// copies.
    pub(super) fn remove(&mut self, account: &str, container: &str) -> bool {
        self.accounts
            .get_mut(account)
            .is_some_and(|published| published.containers.remove(container).is_some())
    }

    /// Forgets an account with its rows and its purges. Gives the hashes of what was ever published of it.
    pub(super) fn remove_account(&mut self, account: &str) -> Option<HashSet<u128>> {
        self.accounts.remove(account)?;
        let gone = self.hashes.extract_if(|_, (of, _)| of == account);
        Some(gone.map(|(hash, _)| hash).collect())
    }

    /// Counts a purge. False if the account has none left on this day, which begins at midnight UTC; what a day is the
    /// service has nowhere written.
    pub(super) fn count_purge(&mut self, account: &str, now: SystemTime) -> bool {
        const DAY: u64 = 86_400;
        let today = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY;
        let Some(published) = self.accounts.get_mut(account) else {
            return false;
        };
        let (day, count) = published.purges;
        let count = if day == today { count } else { 0 };
        if count == PURGES_A_DAY {
            return false;
        }
        published.purges = (today, count + 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ttl_out_of_bounds_becomes_the_bound() {
        for (asked, got) in [
            ("899", 900),
            ("900", 900),
            ("901", 901),
            ("31535999", 31_535_999),
            ("31536000", 31_536_000),
            ("31536001", 31_536_000),
            ("-5", 900),
            ("+1000", 1000),
            (" 1000 ", 1000),
            ("99999999999999999999", 31_536_000),
            ("-99999999999999999999", 900),
        ] {
            assert_eq!(ttl(asked, false), Ok(got), "{asked}");
        }
    }

    #[test]
    fn a_strict_service_refuses_a_ttl_out_of_bounds() {
        let refused = Err("Invalid X-TTL, must be between 900 and 31536000".to_owned());
        for asked in ["899", "31536001", "-1", "99999999999999999999"] {
            assert_eq!(ttl(asked, true), refused, "{asked}");
        }
        assert_eq!(ttl("900", true), Ok(900));
        assert_eq!(ttl("31536000", true), Ok(31_536_000));
    }

    #[test]
    fn a_ttl_must_be_an_integer() {
        for asked in ["", "-", "1h", "900.0", "0x384"] {
            assert!(ttl(asked, false).is_err(), "{asked}");
        }
    }

    #[test]
    fn the_count_of_purges_begins_anew_at_midnight() {
        let mut rows = Rows::default();
        rows.put("a", "c", Change::default());
        let noon = UNIX_EPOCH + Duration::from_hours(24 * 20_000 + 12);
        assert!((0..PURGES_A_DAY).all(|_| rows.count_purge("a", noon)));
        assert!(!rows.count_purge("a", noon + Duration::from_secs(43_199)));
        assert!(rows.count_purge("a", noon + Duration::from_hours(12)));
    }
}
