//! An account: its metadata, its containers, its totals.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use http::header::AsHeaderName;
use http::{HeaderName, HeaderValue};

use super::container::Container;
use super::expiring::{Expiring, Sum};
use super::memory::{Full, Memory};
use super::page::{Page, PageItem, page};
use super::{Metadata, MetadataGuard, merge, value_of};
use crate::timestamp::Timestamp;

/// How many storage policies an account keeps totals for.
const POLICIES: usize = 2;

/// An account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) created: Timestamp,
    totals: Arc<AccountTotals>,
    memory: Arc<Memory>,
    /// Changed with `state` locked, and read without a lock, as several features ask for it with each request.
    metadata: ArcSwap<Metadata>,
    /// Read with every request, by all threads, and written to rarely.
    state: ShardedLock<State>,
}

#[derive(Debug, Default)]
struct State {
    containers: BTreeMap<Box<str>, Arc<Container>>,
}

/// Counters of an account, by storage policy. Containers change them together with their own.
#[derive(Debug, Default)]
pub(crate) struct AccountTotals([PolicyCounters; POLICIES]);

#[derive(Debug, Default)]
struct PolicyCounters {
    containers: AtomicU64,
    objects: AtomicU64,
    bytes: AtomicU64,
    /// What of these expires, and when.
    expiring: Mutex<Expiring>,
}

/// What an account holds under one storage policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicyTotals {
    pub(crate) containers: u64,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

impl AccountTotals {
    /// Moves the counters of a policy. Wrapping arithmetic makes a negative change a subtraction.
    pub(super) fn change(&self, policy: usize, containers: i64, objects: i64, bytes: i64) {
        let counters = &self.0[policy];
        let add = |counter: &AtomicU64, by: i64| {
            counter.fetch_add(by.cast_unsigned(), Ordering::Relaxed);
        };
        add(&counters.containers, containers);
        add(&counters.objects, objects);
        add(&counters.bytes, bytes);
    }

    /// Lets `change` say what is no longer, or from now on, to expire under a policy.
    pub(super) fn change_expiring(&self, policy: usize, change: impl FnOnce(&mut Expiring)) {
        let mut expiring = self.0[policy]
            .expiring
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut expiring);
    }

    fn read(&self, policy: usize, now: Timestamp) -> PolicyTotals {
        let counters = &self.0[policy];
        let mut expired = Sum::default();
        self.change_expiring(policy, |expiring| expired = expiring.expired(now.seconds()));
        let less = |counter: &AtomicU64, expired: u64| {
            // Counter and index are not read at the same instant, while others write.
            counter.load(Ordering::Relaxed).saturating_sub(expired)
        };
        PolicyTotals {
            containers: counters.containers.load(Ordering::Relaxed),
            objects: less(&counters.objects, expired.objects),
            bytes: less(&counters.bytes, expired.bytes),
        }
    }
}

impl Account {
    pub(super) fn new(created: Timestamp, memory: Arc<Memory>) -> Self {
        Self {
            created,
            totals: Arc::default(),
            memory,
            metadata: ArcSwap::default(),
            state: ShardedLock::default(),
        }
    }

    /// Totals by storage policy, in the order of the policies, without what has expired by `now`.
    pub(crate) fn totals(&self, now: Timestamp) -> [PolicyTotals; POLICIES] {
        std::array::from_fn(|policy| self.totals.read(policy, now))
    }

    /// For who looks for several of them.
    pub(crate) fn metadata(&self) -> MetadataGuard {
        self.metadata.load()
    }

    /// Whether the name of any metadata has this in it.
    pub(crate) fn has_metadata_about(&self, part: &str) -> bool {
        self.metadata
            .load()
            .keys()
            .any(|name| name.as_str().contains(part))
    }

    pub(crate) fn metadata_value(&self, name: impl AsHeaderName) -> Option<HeaderValue> {
        value_of(&self.metadata.load(), name)
    }

    /// Takes over new metadata if the whole then passes `check`.
    pub(crate) fn update<E>(
        &self,
        updates: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        check: impl FnOnce(&Metadata) -> Result<(), E>,
    ) -> Result<(), E> {
        let _alone = self.write();
        let mut metadata = (**self.metadata.load()).clone();
        merge(&mut metadata, updates);
        check(&metadata)?;
        self.metadata.store(Arc::new(metadata));
        Ok(())
    }

    pub(crate) fn container(&self, name: &str) -> Option<Arc<Container>> {
        self.read().containers.get(name).cloned()
    }

    /// Shows the container, if it is there, without anybody else's having to take note. It must not ask the account.
    pub(crate) fn with_container<T>(
        &self,
        name: &str,
        show: impl FnOnce(&Container) -> T,
    ) -> Option<T> {
        self.read().containers.get(name).map(|found| show(found))
    }

    /// The container, made now if it is not there. True if it was made.
    ///
    /// # Errors
    /// When memory has no room for another one.
    pub(crate) fn ensure_container(
        &self,
        name: &str,
        policy: usize,
        now: Timestamp,
    ) -> Result<(Arc<Container>, bool), Full> {
        let mut state = self.write();
        if let Some(found) = state.containers.get(name) {
            return Ok((Arc::clone(found), false));
        }
        let container = Container::new(
            name,
            policy,
            now,
            Arc::clone(&self.totals),
            Arc::clone(&self.memory),
        )?;
        let container = Arc::new(container);
        state.containers.insert(name.into(), Arc::clone(&container));
        self.totals.change(policy, 1, 0, 0);
        Ok((container, true))
    }

    /// Removes a container that is empty, or holds nothing but what has expired by `now`. `None` if it was not there, false
    /// if it is not empty.
    pub(crate) fn remove_container(&self, name: &str, now: Timestamp) -> Option<bool> {
        let mut state = self.write();
        let container = state.containers.get(name)?;
        if !container.close_if_empty(now) {
            return Some(false);
        }
        self.totals.change(container.policy, -1, 0, 0);
        state.containers.remove(name);
        Some(true)
    }

    /// All containers and their names.
    pub(super) fn containers(&self) -> Vec<(Box<str>, Arc<Container>)> {
        let state = self.read();
        let all = state.containers.iter();
        all.map(|(name, container)| (name.clone(), Arc::clone(container)))
            .collect()
    }

    /// Up to `limit` containers behind a name in order, Swift's own among them; from the first one on without a name.
    pub(crate) fn containers_after(
        &self,
        name: Option<&str>,
        limit: usize,
    ) -> Vec<(Box<str>, Arc<Container>)> {
        let state = self.read();
        let behind = name.map_or(Bound::Unbounded, Bound::Excluded);
        state
            .containers
            .range::<str, _>((behind, Bound::Unbounded))
            .take(limit)
            .map(|(name, container)| (name.clone(), Arc::clone(container)))
            .collect()
    }

    /// One page of the containers, each item turned into what the caller wants of it.
    pub(crate) fn list<T>(
        &self,
        wanted: &Page<'_>,
        mut item: impl FnMut(PageItem<'_, Arc<Container>>) -> T,
    ) -> Vec<T> {
        let state = self.read();
        let mut found = Vec::new();
        page(
            &state.containers,
            wanted,
            |_, _| true,
            |entry| found.push(item(entry)),
        );
        found
    }

    fn read(&self) -> ShardedLockReadGuard<'_, State> {
        // No code under these locks can panic halfway through a change.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> ShardedLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
