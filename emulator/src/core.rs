//! What everything in one region of an emulator shares.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::deadlines::SeenUrls;
use crate::explain::FormerKeys;
use crate::faults::Faults;
use crate::flavour::Flavour;
use crate::journal::Journal;
use crate::region::Regions;
use crate::services::cdn::Cdn;
use crate::services::control::ControlToken;
use crate::services::identity::{Identity, RACKSPACE_PREFIX};
use crate::store::Store;

/// The state of one region: its store and CDN, and what it shares with the others: the clock, who may sign in.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) flavour: Flavour,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) identity: Arc<Identity>,
    pub(crate) regions: Regions,
    pub(crate) cdn: Cdn,
    /// Temporary URLs and forms that were let in, for the list of deadlines.
    pub(crate) seen_urls: Arc<SeenUrls>,
    /// Keys of temporary URLs that were replaced, for explanations.
    pub(crate) former_keys: FormerKeys,
    /// Whether a temporary URL that is refused is told why.
    pub(crate) debug_unauthorized: bool,
    /// The states of all regions, this one among them.
    pub(crate) siblings: Siblings,
    pub(crate) faults: Arc<Faults>,
    pub(crate) journal: Arc<Journal>,
    /// How long a client may let a connection wait.
    pub(crate) client_timeout: Duration,
    /// What opens the control surface to other machines.
    pub(crate) control_token: Option<ControlToken>,
}

impl Core {
    /// Whether what only Cloud Files does is done for an account: it is Rackspace's, or has used the CDN.
    pub(crate) fn is_cloud_files(&self, account: &str) -> bool {
        account.starts_with(RACKSPACE_PREFIX) || self.cdn.knows(account)
    }
}

/// The states of all regions, as one of them knows them: for what is asked of the whole emulator at one address.
#[derive(Debug, Default)]
pub(crate) struct Siblings(OnceLock<Vec<Weak<Core>>>);

impl Siblings {
    /// Tells each of all.
    pub(crate) fn introduce(cores: &[&Arc<Core>]) {
        for core in cores {
            let all = cores.iter().map(|core| Arc::downgrade(core)).collect();
            // Nobody has been told before.
            let _ = core.siblings.0.set(all);
        }
    }

    /// All that still run.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Core>> {
        self.0.get().into_iter().flatten().filter_map(Weak::upgrade)
    }
}
