//! What everything in one region of an emulator shares.

use std::sync::Arc;

use crate::clock::Clock;
use crate::flavour::Flavour;
use crate::region::Regions;
use crate::services::cdn::Cdn;
use crate::services::control::ControlToken;
use crate::services::identity::Identity;
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
    /// What opens the control surface to other machines.
    pub(crate) control_token: Option<ControlToken>,
}
