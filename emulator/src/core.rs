//! What everything in one emulator shares.

use crate::clock::Clock;
use crate::flavour::Flavour;
use crate::services::cdn::Cdn;
use crate::services::control::ControlToken;
use crate::services::identity::Identity;
use crate::store::Store;

/// The state of one emulator: the store, the clock, who may sign in, the CDN, the limits.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) flavour: Flavour,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) identity: Identity,
    pub(crate) cdn: Cdn,
    /// What opens the control surface to other machines.
    pub(crate) control_token: Option<ControlToken>,
}
