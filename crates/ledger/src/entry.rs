//! What a ledger knows about one resource.

use std::fmt::{self, Debug};
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A kind of resource that a ledger can record.
///
/// [`Resource`](crate::Resource) is the one for Cloud Files; any other type will do that serde can write and read.
///
/// ```
/// use ledger::{Ledger, Tracked};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Machine { name: String }
///
/// /// The number the cloud gives a machine once it exists.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct MachineNumber(u64);
///
/// impl Tracked for Machine {
///     type Identity = MachineNumber;
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let ledger = Ledger::<Machine>::open(folder.path().join("machines.json"))?;
/// let id = ledger.plan("run-1", Machine { name: "web-1".into() }, "2026-01-01T00:00:00Z".parse()?)?;
/// // … the machine is created, and the cloud answers with its number …
/// ledger.confirm(id, MachineNumber(42))?;
/// assert_eq!(ledger.entries()?[0].identity, Some(MachineNumber(42)));
/// # Ok(())
/// # }
/// ```
pub trait Tracked: Clone + Debug + Serialize + DeserializeOwned + Send + 'static {
    /// What is learnt when the resource has come into being, and lets a clean-up be sure later that it is
    /// still the same one.
    type Identity: Clone + Debug + Serialize + DeserializeOwned + Send + 'static;
}

/// The number of an entry: unique in its ledger, counting up from 1, and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub(crate) u64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for EntryId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How far a resource is known to have come. It only moves forward; a resource that is known to be gone has no
/// entry any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its creation was about to be asked for. It may exist or not.
    Planned,
    /// It was created.
    Confirmed,
    /// Its deletion was about to be asked for. It may exist or not.
    Deleting,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Planned => "planned",
            Self::Confirmed => "confirmed",
            Self::Deleting => "deleting",
        })
    }
}

/// One resource that may have to be removed.
///
/// ```json
/// {
///   "id": 7,
///   "state": "confirmed",
///   "run": "demo-3f9a",
///   "planned_at": "2026-01-01T12:00:00Z",
///   "resource": { "kind": "container", "cloud": "offline", "account": "AUTH_test", "container": "python-demo" },
///   "identity": { "timestamp": "1767268800.00000", "run": "demo-3f9a" },
///   "reason": "409 Conflict: the container is not empty"
/// }
/// ```
///
/// `identity` is absent until the entry is confirmed, `reason` until a clean-up has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "R: Tracked")]
pub struct Entry<R: Tracked> {
    /// Its number in this ledger.
    pub id: EntryId,
    /// How far it has come.
    pub state: State,
    /// The run of the program that planned it.
    pub run: String,
    /// When it was planned, as the planner said.
    pub planned_at: Timestamp,
    /// What it is.
    pub resource: R,
    /// What it turned out to be, once confirmed.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub identity: Option<R::Identity>,
    /// Why the last clean-up left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
