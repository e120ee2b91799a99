//! A container: its metadata, its objects in order, its totals.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use compact_str::CompactString;
use http::header::AsHeaderName;
use http::{HeaderName, HeaderValue};

use super::account::AccountTotals;
use super::expiring::{Expiring, Sum};
use super::memory::{Full, Memory};
use super::object::Object;
use super::page::{Page, PageItem, page};
use super::{Metadata, MetadataGuard, merge, value_of};
use crate::timestamp::Timestamp;

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    /// Index of its storage policy.
    pub(crate) policy: usize,
    pub(crate) created: Timestamp,
    account: Arc<AccountTotals>,
    memory: Arc<Memory>,
    /// Changed with `state` locked, and read without a lock, as several features ask for it with each request.
    metadata: ArcSwap<Metadata>,
    state: RwLock<State>,
}

/// Bytes counted for a container itself, beside its name: an estimate that also covers most of what metadata it may have.
const RECORD: u64 = 1024;

/// Why an object was not put into its container.
#[derive(Debug)]
pub(crate) enum NotPut<E> {
    /// The container has been removed.
    Gone,
    /// Memory has no room for its record.
    Full,
    /// Whoever was asked did not allow it.
    Refused(E),
}

#[derive(Debug)]
struct State {
    /// Names of up to 24 bytes lie in the index itself: a search in millions compares with some forty, and each that lies
    /// elsewhere is memory that nobody has touched for long.
    objects: BTreeMap<CompactString, Arc<Object>>,
    bytes: u64,
    /// What of these expires, and when; in a lock of its own, as asking moves a mark in it.
    expiring: Mutex<Expiring>,
    /// Names by the Unix second at which they expire.
    due: BTreeSet<(u64, Box<str>)>,
    /// Memory counted for the container and the records of its objects, without their bodies.
    counted: u64,
    /// When the container was last written to itself, by PUT or POST.
    changed: Timestamp,
    /// Removed from its account: whoever still holds it must not put anything into it.
    closed: bool,
}

/// What a HEAD of a container tells.
#[derive(Clone, Debug)]
pub(crate) struct ContainerView {
    pub(crate) metadata: Metadata,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    pub(crate) changed: Timestamp,
}

impl State {
    /// Object count and bytes used, without what has expired by `now`.
    fn totals(&self, now: Timestamp) -> (u64, u64) {
        let objects = self.objects.len() as u64;
        if self.due.is_empty() {
            return (objects, self.bytes);
        }
        let mut expiring = self.expiring.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = expiring.expired(now.seconds());
        (objects - expired.objects, self.bytes - expired.bytes)
    }

    fn expiring_mut(&mut self) -> &mut Expiring {
        self.expiring
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Container {
    /// # Errors
    /// When memory has no room for it.
    pub(super) fn new(
        name: &str,
        policy: usize,
        created: Timestamp,
        account: Arc<AccountTotals>,
        memory: Arc<Memory>,
    ) -> Result<Self, Full> {
        let counted = RECORD + name.len() as u64;
        memory.take(counted)?;
        Ok(Self {
            policy,
            created,
            account,
            memory,
            metadata: ArcSwap::default(),
            state: RwLock::new(State {
                objects: BTreeMap::new(),
                bytes: 0,
                expiring: Mutex::default(),
                due: BTreeSet::new(),
                counted,
                changed: created,
                closed: false,
            }),
        })
    }

    /// What a HEAD tells at `now`.
    pub(crate) fn view(&self, now: Timestamp) -> ContainerView {
        let state = self.read();
        let (objects, bytes) = state.totals(now);
        ContainerView {
            metadata: (**self.metadata.load()).clone(),
            objects,
            bytes,
            changed: state.changed,
        }
    }

    /// Object count and bytes used, without what has expired by `now`.
    pub(crate) fn totals(&self, now: Timestamp) -> (u64, u64) {
        self.read().totals(now)
    }

    /// The next objects to expire after `now`, soonest first: Unix second and name.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<(u64, Box<str>)> {
        let state = self.read();
        let from = (now.seconds().saturating_add(1), Box::from(""));
        state.due.range(from..).take(limit).cloned().collect()
    }

    pub(crate) fn changed(&self) -> Timestamp {
        self.read().changed
    }

    /// For who looks for several of them.
    pub(crate) fn metadata(&self) -> MetadataGuard {
        self.metadata.load()
    }

    pub(crate) fn metadata_value(&self, name: impl AsHeaderName) -> Option<HeaderValue> {
        value_of(&self.metadata.load(), name)
    }

    /// Takes over new metadata if the whole then passes `check`.
    pub(crate) fn update<E>(
        &self,
        now: Timestamp,
        updates: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        check: impl FnOnce(&Metadata) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.write();
        let mut metadata = (**self.metadata.load()).clone();
        merge(&mut metadata, updates);
        check(&metadata)?;
        self.metadata.store(Arc::new(metadata));
        state.changed = now;
        Ok(())
    }

    /// The object, unless it has expired by `now`.
    pub(crate) fn object(&self, name: &str, now: Timestamp) -> Option<Arc<Object>> {
        self.stored_object(name)
            .filter(|object| !object.is_expired(now))
    }

    /// The object, expired or not.
    pub(crate) fn stored_object(&self, name: &str) -> Option<Arc<Object>> {
        self.read().objects.get(name).cloned()
    }

    /// Puts an object in the place of whatever had its name, if `allow` says so to what is there (expired or not).
    ///
    /// Gives back what was there.
    pub(crate) fn put<E>(
        &self,
        name: &str,
        object: Object,
        allow: impl FnOnce(Option<&Object>) -> Result<(), E>,
    ) -> Result<Option<Arc<Object>>, NotPut<E>> {
        let mut state = self.write();
        if state.closed {
            return Err(NotPut::Gone);
        }
        let former = state.objects.get(name);
        allow(former.map(Arc::as_ref)).map_err(NotPut::Refused)?;
        let replaced = former.map_or(0, |former| former.record_bytes(name));
        let record = object.record_bytes(name);
        self.memory
            .take(record.saturating_sub(replaced))
            .map_err(|Full| NotPut::Full)?;
        self.memory.give_back(replaced.saturating_sub(record));
        state.counted = state.counted + record - replaced;
        let added = object.listed_bytes();
        let former = if let Some(slot) = state.objects.get_mut(name) {
            Some(std::mem::replace(slot, Arc::new(object)))
        } else {
            state.objects.insert(name.into(), Arc::new(object));
            None
        };
        let removed = former.as_ref().map_or(0, |object| object.listed_bytes());
        if let Some(former) = &former {
            self.no_longer_due(&mut state, name, former);
        }
        let due = state
            .objects
            .get(name)
            .and_then(|object| object.delete_at());
        if let Some(at) = due {
            self.now_due(&mut state, name, at, added);
        }
        state.bytes = state.bytes.wrapping_add(added).wrapping_sub(removed);
        self.account.change(
            self.policy,
            0,
            i64::from(former.is_none()),
            added.wrapping_sub(removed).cast_signed(),
        );
        Ok(former)
    }

    /// Removes an object if `allow` says so to what is there. Gives back what was there.
    pub(crate) fn remove<E>(
        &self,
        name: &str,
        allow: impl FnOnce(Option<&Object>) -> Result<(), E>,
    ) -> Result<Option<Arc<Object>>, E> {
        let mut state = self.write();
        allow(state.objects.get(name).map(Arc::as_ref))?;
        let former = state.objects.remove(name);
        if let Some(object) = &former {
            self.no_longer_due(&mut state, name, object);
            let record = object.record_bytes(name);
            self.memory.give_back(record);
            state.counted -= record;
            let removed = object.listed_bytes();
            state.bytes = state.bytes.wrapping_sub(removed);
            self.account
                .change(self.policy, 0, -1, removed.wrapping_neg().cast_signed());
        }
        Ok(former)
    }

    /// Up to `limit` objects behind a name in order, expired ones and Swift's own among them; from the first one on
    /// without a name.
    pub(crate) fn objects_after(
        &self,
        name: Option<&str>,
        limit: usize,
    ) -> Vec<(CompactString, Arc<Object>)> {
        let state = self.read();
        let behind = name.map_or(Bound::Unbounded, Bound::Excluded);
        state
            .objects
            .range::<str, _>((behind, Bound::Unbounded))
            .take(limit)
            .map(|(name, object)| (name.clone(), Arc::clone(object)))
            .collect()
    }

    /// One page of the objects that have not expired by `now`, each turned into what the caller wants of it.
    pub(crate) fn list<T>(
        &self,
        wanted: &Page<'_>,
        now: Timestamp,
        mut item: impl FnMut(PageItem<'_, Arc<Object>>) -> T,
    ) -> Vec<T> {
        let state = self.read();
        let mut found = Vec::new();
        // Where nothing ever expires, a name is shown without a look at its object, which is memory far away.
        let none_expires = state.due.is_empty();
        page(
            &state.objects,
            wanted,
            |_, object| none_expires || !object.is_expired(now),
            |entry| found.push(item(entry)),
        );
        found
    }

    /// Shuts a container for good in which nothing is, but for what has expired by `now`. False if there is something.
    pub(super) fn close_if_empty(&self, now: Timestamp) -> bool {
        let mut state = self.write();
        let (objects, _) = state.totals(now);
        if objects > 0 {
            return false;
        }
        state.closed = true;
        for (name, object) in std::mem::take(&mut state.objects) {
            self.no_longer_due(&mut state, &name, &object);
            let record = object.record_bytes(&name);
            self.memory.give_back(record);
            state.counted -= record;
            let removed = object.listed_bytes();
            self.account
                .change(self.policy, 0, -1, removed.wrapping_neg().cast_signed());
        }
        state.bytes = 0;
        true
    }

    /// Notes that what is now under a name expires.
    fn now_due(&self, state: &mut State, name: &str, at: u64, bytes: u64) {
        let sum = Sum { objects: 1, bytes };
        state.expiring_mut().insert(at, sum);
        state.due.insert((at, name.into()));
        self.account
            .change_expiring(self.policy, |expiring| expiring.insert(at, sum));
    }

    /// Forgets when what was under a name would have expired.
    fn no_longer_due(&self, state: &mut State, name: &str, former: &Object) {
        let Some(at) = former.delete_at() else {
            return;
        };
        let sum = Sum {
            objects: 1,
            bytes: former.listed_bytes(),
        };
        state.expiring_mut().remove(at, sum);
        state.due.remove(&(at, name.into()));
        self.account
            .change_expiring(self.policy, |expiring| expiring.remove(at, sum));
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // No code under these locks can panic halfway through a change.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.memory.give_back(state.counted);
    }
}
