//! Keys of temporary URLs that have been replaced: what their signatures look like, so that a URL can be told to be signed
//! by one of them. The keys themselves are not kept.

use std::collections::VecDeque;
use std::time::SystemTime;

use dashmap::DashMap;
use http::HeaderMap;
use signing::{Digest, Key, Signer};

/// How many former keys of an account or container are kept. The oldest go first.
const MOST_KEYS: usize = 8;

/// How many accounts and containers have their former keys kept. Beyond that no more are.
const MOST_HOLDERS: usize = 10_000;

/// A key that is set no longer.
#[derive(Clone, Debug)]
pub(super) struct FormerKey {
    /// 1 or 2.
    pub(super) number: u8,
    pub(super) replaced: SystemTime,
    /// One for each digest; the key cannot be had from them.
    signers: [Signer; Digest::ALL.len()],
}

impl FormerKey {
    pub(super) fn signer(&self, digest: Digest) -> Signer {
        self.signers[digest as usize].clone()
    }
}

/// All that are kept, by account and container; the account's own have no container.
#[derive(Debug, Default)]
pub(crate) struct FormerKeys(DashMap<(String, String), VecDeque<FormerKey>>);

impl FormerKeys {
    /// Makes a change that a request asks for to the metadata of an account, or of a container where it is not empty, and
    /// notes the keys that are set no longer. `keys` reads them.
    pub(crate) fn during<T, E>(
        &self,
        headers: &HeaderMap,
        (account, container): (&str, &str),
        now: SystemTime,
        keys: impl Fn() -> [Option<Key>; 2],
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let about_keys = |name: &http::HeaderName| name.as_str().contains("-meta-temp-url-key");
        if !headers.keys().any(about_keys) {
            return change();
        }
        let before = keys();
        let done = change()?;
        let after = keys();
        for (number, (before, after)) in (1_u8..).zip(before.into_iter().zip(after)) {
            if let Some(former) = before
                && after.as_ref() != Some(&former)
            {
                self.keep(account, container, number, &former, now);
            }
        }
        Ok(done)
    }

    fn keep(&self, account: &str, container: &str, number: u8, key: &Key, now: SystemTime) {
        let holder = (account.to_owned(), container.to_owned());
        if self.0.len() >= MOST_HOLDERS && !self.0.contains_key(&holder) {
            return;
        }
        let mut kept = self.0.entry(holder).or_default();
        kept.truncate(MOST_KEYS - 1);
        kept.push_front(FormerKey {
            number,
            replaced: now,
            signers: Digest::ALL.map(|digest| Signer::new(key, digest)),
        });
    }

    /// The former keys of an account, or of a container where it is not empty; those replaced last come first.
    pub(super) fn of(&self, account: &str, container: &str) -> Vec<FormerKey> {
        let holder = (account.to_owned(), container.to_owned());
        self.0
            .get(&holder)
            .map_or_else(Vec::new, |kept| kept.iter().cloned().collect())
    }

    /// Forgets those of an account and its containers, or all.
    pub(crate) fn forget(&self, account: Option<&str>) {
        self.0
            .retain(|(of, _), _| account.is_some_and(|account| of != account));
    }
}
