//! The only state: accounts, containers, objects. Never asynchronous, so no lock can be held while something waits.
//!
//! Totals (object count, bytes used) are counters kept beside each index and changed with it under the same lock: a
//! HEAD never walks objects. What has expired is kept, but neither listed nor counted.

mod account;
mod body;
mod container;
mod expiring;
mod media_type;
mod memory;
mod object;
pub(crate) mod page;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use arc_swap::Guard;
use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use foldhash::fast::RandomState;
use http::header::AsHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) use account::{Account, PolicyTotals};
pub(crate) use body::{Bodies, Filler, Keeper, Spill, Stored, read_at};
pub(crate) use container::{Container, NotPut};
pub(crate) use media_type::MediaType;
pub(crate) use memory::{Full, Memory};
pub(crate) use object::{Etag, Extra, ListingOverride, Object};

use crate::timestamp::Timestamp;

/// Metadata of an account or a container by header name: `x-container-meta-*`, ACLs, system metadata.
pub(crate) type Metadata = HeaderMap;

/// The same as it is now, while it is looked at.
pub(crate) type MetadataGuard = Guard<Arc<Metadata>>;

/// All accounts of one emulator.
#[derive(Debug)]
pub(crate) struct Store {
    /// How bodies are kept before they belong to an object.
    pub(crate) bodies: Bodies,
    memory: Arc<Memory>,
    /// In shards, as each request looks into it: no thread writes to what another reads.
    accounts: ShardedLock<Accounts>,
}

#[derive(Debug, Default)]
struct Accounts {
    accounts: HashMap<String, Arc<Account>, RandomState>,
    /// Accounts that were removed: Swift keeps their names for a while, so that nobody takes one for new.
    removed: HashSet<String>,
}

/// What all accounts hold together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StoreTotals {
    pub(crate) accounts: u64,
    pub(crate) containers: u64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

impl StoreTotals {
    pub(crate) fn add(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.containers += other.containers;
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}

impl Store {
    /// An empty store, counted by `memory` with whatever else is, that keeps long bodies where `spill` says.
    pub(crate) fn new(memory: Arc<Memory>, spill: Option<Spill>) -> Self {
        Self {
            bodies: Bodies::new(Arc::clone(&memory), spill),
            memory,
            accounts: ShardedLock::default(),
        }
    }

    /// An empty store that keeps and counts what will be in it as this one does, to take its place one day.
    pub(crate) fn fresh(&self) -> Self {
        Self {
            bodies: self.bodies.clone(),
            memory: Arc::clone(&self.memory),
            accounts: ShardedLock::default(),
        }
    }

    /// Bytes of memory that bodies and records take now.
    pub(crate) fn memory_used(&self) -> u64 {
        self.memory.used()
    }

    /// The account, if anything was ever written to it.
    pub(crate) fn account(&self, name: &str) -> Option<Arc<Account>> {
        self.read().accounts.get(name).cloned()
    }

    /// Shows the account, if it is there, without anybody else's having to take note. It must not ask the store.
    pub(crate) fn with_account<T>(
        &self,
        name: &str,
        show: impl FnOnce(&Account) -> T,
    ) -> Option<T> {
        self.read().accounts.get(name).map(|found| show(found))
    }

    /// The account, made now if it is not there. True if it was made.
    pub(crate) fn ensure_account(&self, name: &str, now: Timestamp) -> (Arc<Account>, bool) {
        if let Some(found) = self.account(name) {
            return (found, false);
        }
        let mut created = false;
        let mut accounts = self.write();
        let account = accounts.accounts.entry(name.to_owned()).or_insert_with(|| {
            created = true;
            Arc::new(Account::new(now, Arc::clone(&self.memory)))
        });
        (Arc::clone(account), created)
    }

    /// Removes an account with all that is in it, and keeps its name. False if it was not there.
    pub(crate) fn remove_account(&self, name: &str) -> bool {
        let mut accounts = self.write();
        let removed = accounts.accounts.remove(name);
        if removed.is_some() {
            accounts.removed.insert(name.to_owned());
        }
        // Freed without the lock.
        drop(accounts);
        removed.is_some()
    }

    /// Takes an account away, with all that is in it, as if there never had been one.
    pub(crate) fn forget_account(&self, name: &str) -> Option<Arc<Account>> {
        let mut accounts = self.write();
        accounts.removed.remove(name);
        accounts.accounts.remove(name)
    }

    /// Takes all accounts away, as if there never had been any. Gives back what was here.
    pub(crate) fn clear(&self) -> Self {
        self.replace(self.fresh())
    }

    /// Whether there was such an account, and it was removed.
    pub(crate) fn is_removed_account(&self, name: &str) -> bool {
        self.read().removed.contains(name)
    }

    /// Puts all of another store in the place of what is here, at once: whoever asks finds the accounts of before or
    /// those of after. What a request has begun to write before is written to what it found, and gone with it.
    ///
    /// Takes no longer for many objects than for none; gives back what was here, and dropping that does take long.
    pub(crate) fn replace(&self, by: Self) -> Self {
        std::mem::swap(&mut *self.write(), &mut *by.write());
        by
    }

    /// The names of all accounts, in order.
    pub(crate) fn account_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.read().accounts.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// The names of the accounts that were removed, in order.
    pub(crate) fn removed_account_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.read().removed.iter().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Keeps the name of an account as that of one that was removed.
    pub(crate) fn keep_removed(&self, name: String) {
        self.write().removed.insert(name);
    }

    /// The container, if it is there.
    pub(crate) fn container(&self, account: &str, container: &str) -> Option<Arc<Container>> {
        self.account(account)?.container(container)
    }

    /// Shows all containers of all accounts, with the account's name and their own. No lock is held meanwhile.
    pub(crate) fn each_container(&self, mut show: impl FnMut(&str, &str, &Container)) {
        let named = self.read().accounts.clone();
        for (account_name, account) in named {
            for (name, container) in account.containers() {
                show(&account_name, &name, &container);
            }
        }
    }

    /// What all accounts hold together at `now`.
    pub(crate) fn totals(&self, now: Timestamp) -> StoreTotals {
        let mut totals = StoreTotals::default();
        for account in self.read().accounts.values() {
            totals.accounts += 1;
            for policy in account.totals(now) {
                totals.containers += policy.containers;
                totals.objects += policy.objects;
                totals.bytes += policy.bytes;
            }
        }
        totals
    }

    /// The account's own access rules, JSON as TempAuth keeps them.
    pub(crate) fn account_acl(&self, account: &str) -> Option<String> {
        let account = self.account(account)?;
        let acl = account.metadata_value("x-account-sysmeta-core-access-control")?;
        String::from_utf8(acl.as_bytes().to_vec()).ok()
    }

    fn read(&self) -> ShardedLockReadGuard<'_, Accounts> {
        // No code under these locks can panic halfway through a change.
        self.accounts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, Accounts> {
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value with nothing beside it in memory: one that came with a request shares, and would keep, all that was read with
/// it.
pub(crate) fn compact(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

fn value_of(metadata: &Metadata, name: impl AsHeaderName) -> Option<HeaderValue> {
    // Most have none, and a name that is text is read before it is looked for.
    if metadata.is_empty() {
        return None;
    }
    metadata.get(name).cloned()
}

/// Takes over new metadata: an empty value removes its name.
fn merge(metadata: &mut Metadata, updates: impl IntoIterator<Item = (HeaderName, HeaderValue)>) {
    for (name, value) in updates {
        if value.is_empty() {
            metadata.remove(&name);
        } else {
            metadata.insert(name, compact(&value));
        }
    }
}
