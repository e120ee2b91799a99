//! Faults: requests that go wrong on purpose, so that tests can see what a client makes of it.
//!
//! They strike outside everything that Swift, the CDN or the identity services do ([`crate::server`] asks for each
//! request), so each of these can fail. Without a fault that costs one relaxed load of an atomic.
//!
//! The faults are asked in the order in which they were added, and the first that decides to strike is the only one that
//! does. A decision depends on nothing but the fault's seed and how many requests it has matched before, so that the
//! same requests in the same order meet the same faults.

mod damage;
mod fault;
mod history;
mod strike;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::invalid::Invalid;
use crate::message::Request;
use crate::path::Resource;
use crate::pattern::Pattern;
use crate::services;
use crate::trans_id::TransId;

use fault::Effect;
pub use fault::Fault;
use history::History;
pub(crate) use strike::{Strike, Verdict};

/// How many transactions a fault remembers, the latest ones.
const MAX_TRANS_IDS: usize = 100;

/// The name of a fault while it is there: a number from 1 on that is never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct FaultId(u64);

impl FaultId {
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for FaultId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A fault and what it has done.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FaultReport {
    /// Its name.
    pub id: FaultId,
    /// What it is.
    pub fault: Fault,
    /// How many requests it was asked for and matched, struck or not.
    pub matched: u64,
    /// How many requests it struck.
    pub fired: u64,
    /// The transactions of the latest 100 requests that it struck, oldest first.
    pub trans_ids: Vec<String>,
}

/// The faults of one emulator.
///
/// ```
/// use emulator::{Emulator, Fault};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let emulator = Emulator::builder().start_blocking()?;
/// let busy = emulator.faults().add(Fault::on("GET", "/v1/*/c/*").status(503).retry_after(1).times(2))?;
/// // … what is tested goes here …
/// assert_eq!(emulator.faults().fired(busy), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Faults {
    /// How many there are, so that nobody waits for the lock where there is none.
    count: AtomicUsize,
    /// Whether any of them makes listings stale.
    keeps_history: AtomicBool,
    set: Mutex<Set>,
    history: Mutex<History>,
}

#[derive(Debug, Default)]
struct Set {
    seed: u64,
    /// How many faults have been added since the set was last empty by [`Faults::clear`], or was replaced.
    added: u64,
    last_id: u64,
    faults: Vec<Live>,
}

/// A fault in force.
#[derive(Debug)]
struct Live {
    id: FaultId,
    fault: Fault,
    method: Option<Method>,
    path: Pattern,
    effect: Option<Arc<Effect>>,
    seed: u64,
    matched: u64,
    fired: u64,
    trans_ids: VecDeque<TransId>,
}

impl Faults {
    /// Puts a fault in force, behind those that are there.
    ///
    /// # Errors
    /// When a field makes no sense; then nothing has changed.
    pub fn add(&self, fault: Fault) -> Result<FaultId, Invalid> {
        let mut set = self.set();
        let live = Live::new(fault, set.added, set.seed)?;
        let id = set.take(live);
        self.count(&set);
        Ok(id)
    }

    /// Puts these faults in the place of all that are there, and a seed for the whole set.
    ///
    /// # Errors
    /// When a field of any of them makes no sense, as `faults[N].FIELD`; then nothing has changed.
    pub fn replace(&self, seed: u64, faults: Vec<Fault>) -> Result<Vec<FaultId>, Invalid> {
        let mut set = self.set();
        let mut prepared = Vec::with_capacity(faults.len());
        for (place, fault) in (0..).zip(faults) {
            let live = Live::new(fault, place, seed).map_err(|invalid| {
                Invalid::new(
                    format!("faults[{place}].{}", invalid.field),
                    invalid.message,
                )
            })?;
            prepared.push(live);
        }
        set.seed = seed;
        set.added = 0;
        set.faults.clear();
        let ids = prepared.into_iter().map(|live| set.take(live)).collect();
        self.count(&set);
        Ok(ids)
    }

    /// Takes a fault away. False if it was not there.
    pub fn remove(&self, id: FaultId) -> bool {
        let mut set = self.set();
        let before = set.faults.len();
        set.faults.retain(|live| live.id != id);
        self.count(&set);
        set.faults.len() < before
    }

    /// Takes all faults away; the next one added is again the first for the seed of the set, which becomes 0.
    pub fn clear(&self) {
        let mut set = self.set();
        set.faults.clear();
        set.added = 0;
        set.seed = 0;
        self.count(&set);
    }

    /// How many requests a fault has struck; 0 where it is not there any more.
    pub fn fired(&self, id: FaultId) -> u64 {
        self.set()
            .faults
            .iter()
            .find(|live| live.id == id)
            .map_or(0, |live| live.fired)
    }

    /// What a fault is and has done; `None` where it is not there.
    pub fn report(&self, id: FaultId) -> Option<FaultReport> {
        let set = self.set();
        set.faults
            .iter()
            .find(|live| live.id == id)
            .map(Live::report)
    }

    /// What all faults are and have done, in the order in which they are asked.
    pub fn reports(&self) -> Vec<FaultReport> {
        self.set().faults.iter().map(Live::report).collect()
    }

    /// The seed of the whole set.
    pub fn seed(&self) -> u64 {
        self.set().seed
    }

    /// The fault that strikes this request, if one does.
    pub(crate) fn strike(&self, request: &Request, core: &Core) -> Option<Strike> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let target = Target::new(request, core);
        let mut set = self.set();
        set.faults
            .iter_mut()
            .find_map(|live| live.decide(request, &target))
    }

    /// Whether what is removed or replaced is to be told to [`Self::remember`].
    pub(crate) fn keeps_history(&self) -> bool {
        self.keeps_history.load(Ordering::Relaxed)
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, set: &Set) {
        self.count.store(set.faults.len(), Ordering::Relaxed);
        let stale = |live: &Live| matches!(live.fault.effect, Some(Effect::StaleListing(_)));
        let keeps = set.faults.iter().any(stale);
        self.keeps_history.store(keeps, Ordering::Relaxed);
        if !keeps {
            self.history().clear();
        }
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        // Each change is whole before anything in it could panic.
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Set {
    /// Puts a fault behind the others, under an id of its own.
    fn take(&mut self, mut live: Live) -> FaultId {
        self.added += 1;
        self.last_id += 1;
        live.id = FaultId(self.last_id);
        let id = live.id;
        self.faults.push(live);
        id
    }
}

/// What faults look at of a request, found out once for all of them.
struct Target<'a> {
    path: std::borrow::Cow<'a, str>,
    account: Option<&'a str>,
    has_valid_token: bool,
    has_body: bool,
    lists_container: bool,
}

impl<'a> Target<'a> {
    fn new(request: &'a Request, core: &Core) -> Self {
        let token = ["x-auth-token", "x-storage-token"]
            .into_iter()
            .find_map(|name| request.header(name));
        let has_valid_token = token.is_some_and(|token| {
            let now = request.received.system_time();
            core.identity.authenticate(token, now).is_some()
        });
        let named = request.path.named();
        Self {
            path: services::cdn::path_of(request),
            account: named
                .map(Resource::account)
                .or_else(|| services::cdn::managed_account(&request.path)),
            has_valid_token,
            has_body: request.body.length() != Some(0),
            lists_container: request.is_read() && matches!(named, Some(Resource::Container(..))),
        }
    }
}

impl Live {
    /// Checks a fault and makes it ready; `place` is how many were added before it. It has no id yet.
    fn new(fault: Fault, place: u64, seed: u64) -> Result<Self, Invalid> {
        fault.check()?;
        let path = Pattern::new(&fault.path).map_err(|why| Invalid::new("path", why))?;
        Ok(Self {
            id: FaultId(0),
            method: fault.parsed_method()?,
            path,
            effect: fault.effect.clone().map(Arc::new),
            seed: fault.seed.unwrap_or_else(|| mixed(seed, place)),
            fault,
            matched: 0,
            fired: 0,
            trans_ids: VecDeque::new(),
        })
    }

    fn decide(&mut self, request: &Request, target: &Target<'_>) -> Option<Strike> {
        if !self.matches(request, target) {
            return None;
        }
        let before = self.matched;
        self.matched += 1;
        if before < self.fault.skip
            || self.fault.times.is_some_and(|times| self.fired >= times)
            || share(mixed(self.seed, before)) >= self.fault.probability
        {
            return None;
        }
        self.fired += 1;
        if self.trans_ids.len() == MAX_TRANS_IDS {
            self.trans_ids.pop_front();
        }
        self.trans_ids.push_back(request.trans_id.clone());
        Some(Strike {
            id: self.id,
            delay: Duration::from_secs_f64(self.fault.delay_seconds),
            effect: self.effect.clone(),
        })
    }

    fn matches(&self, request: &Request, target: &Target<'_>) -> bool {
        let applies = match &self.fault.effect {
            Some(Effect::RefuseToken) => target.has_valid_token,
            Some(Effect::Upload(_)) => target.has_body,
            Some(Effect::StaleListing(_)) => target.lists_container,
            Some(Effect::Status(_) | Effect::Reset(_) | Effect::Download(_)) | None => true,
        };
        applies
            && self
                .method
                .as_ref()
                .is_none_or(|method| *method == request.method)
            && self
                .fault
                .account
                .as_deref()
                .is_none_or(|account| target.account == Some(account))
            && self.path.matches(&target.path)
    }

    fn report(&self) -> FaultReport {
        FaultReport {
            id: self.id,
            fault: self.fault.clone(),
            matched: self.matched,
            fired: self.fired,
            trans_ids: self.trans_ids.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The `n`th number of a sequence, counted from 0: `SplitMix64`, which gives any of them without the ones before it
/// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Written out here because what a seed
/// decides must not change with the version of a library.
fn mixed(seed: u64, n: u64) -> u64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut mixed = seed.wrapping_add(STEP.wrapping_mul(n.wrapping_add(1)));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number from 0 up to, but not including, 1 out of the upper half of a random one.
fn share(random: u64) -> f64 {
    f64::from(u32::try_from(random >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix() {
        // The first ones of the seed 1234567, as the reference implementation prints them.
        assert_eq!(mixed(1_234_567, 0), 6_457_827_717_110_365_317);
        assert_eq!(mixed(1_234_567, 1), 3_203_168_211_198_807_973);
        assert!(share(0) == 0.0 && share(u64::MAX) < 1.0);
    }

    #[test]
    fn a_set_is_replaced_as_a_whole_or_not_at_all() {
        let faults = Faults::default();
        let first = faults.add(Fault::on("GET", "/**").status(500));
        let first = first.expect("it makes sense");
        let error = faults
            .replace(1, vec![Fault::default().status(503), Fault::default()])
            .expect_err("the second one does nothing");
        assert_eq!(error.field, "faults[1].effect");
        assert_eq!(faults.reports().len(), 1);
        assert_eq!(faults.seed(), 0);

        let ids = faults
            .replace(1, vec![Fault::default().status(503)])
            .expect("it makes sense");
        assert!(!faults.remove(first));
        assert!(faults.report(ids[0]).is_some());
        assert!(faults.remove(ids[0]));
        assert!(faults.reports().is_empty());
    }
}
