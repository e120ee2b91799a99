//! Removing what a ledger lists, and nothing else.
//!
//! Before anything is deleted the server is asked whether it is still what the ledger means: see [`mod@look`]. What is gone
//! already, or is somebody else's by now, is left alone and forgotten. What cannot be deleted stays in the ledger with
//! the reason.

mod delete;
mod look;
mod segments;

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use identity::Clock;
use jiff::Timestamp;
use ledger::{Entry, Ledger, Resource, ResourceKind, State};
use serde::{Deserialize, Serialize};
use swift_client::Client;

use crate::running::Target;

pub(crate) use look::{Found, fingerprint, identity_of_container, identity_of_object, look};

/// How many resources are removed at once.
const AT_ONCE: usize = 16;

/// What is said of a kind of resource that there cannot be at a [`Site`].
const NOT_THERE: &str = "this program does not remove resources of this kind from there";

/// Where resources are looked for, and removed.
pub(crate) enum Site {
    /// An account of a cloud, and what is in it.
    Storage(Client),
    /// An emulator, which has accounts.
    Emulator(Target),
}

impl Site {
    fn now(&self) -> Timestamp {
        match self {
            Self::Storage(client) => client.session().clock().now(),
            Self::Emulator(_) => Clock::system().now(),
        }
    }
}

/// What became of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was there, and is gone.
    Removed,
    /// The key that was there before is there again.
    Restored,
    /// It was not there.
    Absent,
    /// Something else has its name now, which was left alone.
    NotOurs,
    /// It is not what the plan says, and stays in the ledger.
    Changed(String),
    /// It is still there, for this reason.
    Left(String),
}

impl Outcome {
    /// Whether the entry stays in the ledger.
    pub(crate) fn is_left(&self) -> bool {
        matches!(self, Self::Changed(_) | Self::Left(_))
    }

    /// Why it stays.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Changed(reason) | Self::Left(reason) => Some(reason),
            _ => None,
        }
    }

    /// One word, for programs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Restored => "restored",
            Self::Absent => "absent",
            Self::NotOurs => "not-ours",
            Self::Changed(_) => "changed",
            Self::Left(_) => "left",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("removed"),
            Self::Restored => f.write_str("the former one put back"),
            Self::Absent => f.write_str("was not there"),
            Self::NotOurs => f.write_str("changed by somebody else since; left alone"),
            Self::Changed(how) => write!(f, "skipped: {how}"),
            Self::Left(reason) => write!(f, "could not be removed: {reason}"),
        }
    }
}

/// What is known of a resource at one moment, to be sure later that it has not changed. What is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    /// An object's `ETag`, without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    /// `X-Timestamp`, as the server spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp: Option<String>,
    /// How many bytes there are: of an object, or of all segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// How a container is published on the CDN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<Published>,
    /// The segments of a set by name, with the `ETag` of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) segments: Vec<(String, String)>,
}

/// What the CDN tells of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    pub(crate) enabled: bool,
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) log_retention: bool,
}

/// What must hold for an entry to be removed, beside its being ours.
#[derive(Clone, Debug)]
pub(crate) enum Only {
    /// Nothing else.
    Ours,
    /// It is as a plan saw it; `None` if it was not there.
    Planned(Option<Evidence>),
}

/// Removes resources of one site, what is inside before what holds it. `tell` hears the outcome of each.
///
/// The request of a run that was killed may reach the server after us. So what was planned less than `settle` ago and
/// is not there is asked for again when that time has passed.
///
/// # Errors
/// Those of the ledger. What goes wrong on the server is an [`Outcome::Left`].
pub(crate) async fn remove(
    site: &Site,
    ledger: &Ledger,
    entries: Vec<(Entry<Resource>, Only)>,
    settle: Duration,
    mut tell: impl FnMut(&Entry<Resource>, &Outcome),
) -> anyhow::Result<()> {
    let mut entries = entries;
    wait_for_late_requests(site, &entries, settle).await;
    // Within a kind the newest first, so that a key that was changed twice is put back from the last one.
    entries.sort_by_key(|(entry, _)| (entry.resource.kind(), Reverse(entry.id)));
    for one_kind in entries.chunk_by(|(a, _), (b, _)| a.resource.kind() == b.resource.kind()) {
        let at_once = match one_kind.first().map(|(entry, _)| entry.resource.kind()) {
            Some(ResourceKind::TempUrlKey) => 1,
            _ => AT_ONCE,
        };
        let mut outcomes = stream::iter(one_kind)
            .map(async |(entry, only)| {
                let outcome = remove_one(site, ledger, entry, only).await;
                (entry, outcome)
            })
            .buffer_unordered(at_once);
        while let Some((entry, outcome)) = outcomes.next().await {
            tell(entry, &outcome?);
        }
    }
    Ok(())
}

/// Removes one resource and writes down what became of it.
async fn remove_one(
    site: &Site,
    ledger: &Ledger,
    entry: &Entry<Resource>,
    only: &Only,
) -> anyhow::Result<Outcome> {
    let id = entry.id;
    let outcome = match judge(site, entry, only).await {
        Ok(Ok(evidence)) => {
            write(ledger, move |ledger| ledger.deleting(id)).await?;
            (delete::delete(site, &entry.resource, evidence).await)
                .unwrap_or_else(|error| Outcome::Left(format!("{error:#}")))
        }
        Ok(Err(outcome)) => outcome,
        Err(error) => Outcome::Left(format!("{error:#}")),
    };
    match &outcome {
        Outcome::Left(reason) | Outcome::Changed(reason) => {
            let reason = reason.clone();
            write(ledger, move |ledger| ledger.keep(id, reason)).await?;
        }
        _ => write(ledger, move |ledger| ledger.forget(id)).await?,
    }
    Ok(outcome)
}

/// What is known of a resource that is to be deleted; of one that is not, what to say of it.
async fn judge(
    site: &Site,
    entry: &Entry<Resource>,
    only: &Only,
) -> anyhow::Result<Result<Evidence, Outcome>> {
    let found = look(site, entry).await?;
    let Only::Planned(planned) = only else {
        return Ok(match found {
            Found::Ours(now) => Ok(now),
            Found::Absent => Err(Outcome::Absent),
            Found::NotOurs(_) => Err(Outcome::NotOurs),
        });
    };
    Ok(match (found, planned) {
        (Found::Ours(now), Some(then)) if now == *then => Ok(now),
        (Found::Ours(now), Some(then)) => Err(Outcome::Changed(difference(then, &now))),
        (Found::Ours(_), None) => Err(Outcome::Changed("it was not there before".to_owned())),
        (Found::Absent, _) => Err(Outcome::Absent),
        (Found::NotOurs(_), None) => Err(Outcome::NotOurs),
        (Found::NotOurs(why), Some(_)) => Err(Outcome::Changed(why)),
    })
}

/// What is different from what a plan says.
fn difference(then: &Evidence, now: &Evidence) -> String {
    let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    if then.etag != now.etag {
        let (then, now) = (told(&then.etag), told(&now.etag));
        format!("its ETag was {then} and is {now}")
    } else if then.timestamp != now.timestamp {
        let (then, now) = (told(&then.timestamp), told(&now.timestamp));
        format!("its X-Timestamp was {then} and is {now}")
    } else if then.segments != now.segments {
        "it has other segments than before".to_owned()
    } else if then.published != now.published {
        "it is published in another way than before".to_owned()
    } else {
        "its size is another one".to_owned()
    }
}

async fn wait_for_late_requests(
    site: &Site,
    entries: &[(Entry<Resource>, Only)],
    settle: Duration,
) {
    let now = site.now();
    let mut wait = Duration::ZERO;
    for (entry, _) in entries {
        let age = now.duration_since(entry.planned_at);
        // By a clock that was set back since, it is to come: that says nothing.
        let left = if age.is_negative() {
            Duration::ZERO
        } else {
            settle.saturating_sub(age.unsigned_abs())
        };
        if entry.state == State::Planned
            && left > wait
            && matches!(look(site, entry).await, Ok(Found::Absent))
        {
            wait = left;
        }
    }
    tokio::time::sleep(wait).await;
}

/// Writes through the runtime's blocking threads, so that many changes share one wait for the disk.
async fn write(
    ledger: &Ledger,
    work: impl FnOnce(&Ledger) -> Result<(), ledger::Error> + Send + 'static,
) -> anyhow::Result<()> {
    let ledger = ledger.clone();
    Ok(tokio::task::spawn_blocking(move || work(&ledger)).await??)
}
