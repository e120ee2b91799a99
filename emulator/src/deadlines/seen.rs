//! Which temporary URLs and forms have been used, so that their end can be foreseen: the server knows of them only from
//! the requests that carry them.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many are kept. Beyond that, those over already are forgotten, and then those whose end is farthest.
const MOST: usize = 10_000;

/// What a temporary URL or a form is for. Neither signature nor key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Signed<'a> {
    /// The request's; `POST` for a form.
    pub(crate) method: &'a str,
    pub(crate) account: &'a str,
    pub(crate) container: &'a str,
    /// The object, or what its name begins with.
    pub(crate) object: &'a str,
    pub(crate) is_form: bool,
    /// The last moment it is good for, in Unix seconds.
    pub(crate) expires: u64,
}

/// The same, kept.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: Box<str>,
    pub(super) account: Box<str>,
    pub(super) container: Box<str>,
    pub(super) object: Box<str>,
    pub(super) is_form: bool,
    pub(super) expires: SystemTime,
}

/// All that were let in, each once.
#[derive(Default)]
pub(crate) struct SeenUrls {
    hasher: RandomState,
    /// By hash: two that share one would count as one, which costs a line in a list and nothing else.
    seen: Mutex<HashMap<u64, Seen>>,
}

impl SeenUrls {
    /// Notes one that was let in.
    pub(crate) fn note(&self, signed: &Signed<'_>, now: SystemTime) {
        let hash = self.hasher.hash_one(signed);
        let mut seen = self.lock();
        if seen.contains_key(&hash) {
            return;
        }
        let Some(expires) = UNIX_EPOCH.checked_add(Duration::from_secs(signed.expires)) else {
            return;
        };
        if seen.len() >= MOST {
            make_room(&mut seen, now);
        }
        let noted = Seen {
            method: signed.method.into(),
            account: signed.account.into(),
            container: signed.container.into(),
            object: signed.object.into(),
            is_form: signed.is_form,
            expires,
        };
        seen.insert(hash, noted);
    }

    /// Those that end at a moment or later.
    pub(super) fn ending_from(&self, from: SystemTime) -> Vec<Seen> {
        let seen = self.lock();
        let ending = seen.values().filter(|seen| seen.expires >= from);
        ending.cloned().collect()
    }

    /// Forgets those of an account, or all.
    pub(crate) fn forget(&self, account: Option<&str>) {
        self.lock()
            .retain(|_, seen| account.is_some_and(|account| *seen.account != *account));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Seen>> {
        // Nothing under this lock can panic halfway through a change.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is over, and if that is not enough the tenth that ends last, so that this is seldom done.
fn make_room(seen: &mut HashMap<u64, Seen>, now: SystemTime) {
    seen.retain(|_, seen| seen.expires >= now);
    if seen.len() < MOST {
        return;
    }
    let mut ends: Vec<SystemTime> = seen.values().map(|seen| seen.expires).collect();
    let keep = MOST - MOST / 10;
    let (_, last_kept, _) = ends.select_nth_unstable(keep);
    let last_kept = *last_kept;
    let mut kept = 0;
    seen.retain(|_, seen| {
        let stays = seen.expires <= last_kept && kept < keep;
        kept += usize::from(stays);
        stays
    });
}

impl fmt::Debug for SeenUrls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SeenUrls")
            .field("seen", &self.lock().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(object: &str, expires: u64) -> Signed<'_> {
        Signed {
            method: "GET",
            account: "a",
            container: "c",
            object,
            is_form: false,
            expires,
        }
    }

    #[test]
    fn keeps_each_once_and_the_soonest_of_too_many() {
        let urls = SeenUrls::default();
        let most = u64::try_from(MOST).expect("a small number");
        for expires in (1..=most * 2).rev() {
            let object = expires.to_string();
            urls.note(&signed(&object, expires), UNIX_EPOCH);
            urls.note(&signed(&object, expires), UNIX_EPOCH);
        }
        let seen = urls.ending_from(UNIX_EPOCH);
        assert!(seen.len() <= MOST, "{}", seen.len());
        let mut ends: Vec<_> = seen.iter().map(|seen| seen.expires).collect();
        ends.sort();
        ends.dedup();
        assert_eq!(ends.len(), seen.len());
        assert_eq!(ends[0], UNIX_EPOCH + Duration::from_secs(1));
        assert_eq!(ends[1000], UNIX_EPOCH + Duration::from_secs(1001));
    }

    #[test]
    fn those_that_are_over_go_first() {
        let urls = SeenUrls::default();
        for number in 0..MOST {
            urls.note(&signed(&number.to_string(), 10), UNIX_EPOCH);
        }
        let later = UNIX_EPOCH + Duration::from_secs(11);
        urls.note(&signed("new", 20), later);
        assert_eq!(urls.ending_from(UNIX_EPOCH).len(), 1);
        urls.forget(Some("b"));
        assert_eq!(urls.ending_from(UNIX_EPOCH).len(), 1);
        urls.forget(Some("a"));
        assert!(urls.ending_from(UNIX_EPOCH).is_empty());
    }
}
