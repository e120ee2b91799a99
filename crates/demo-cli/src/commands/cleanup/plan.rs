//! What a clean-up would do, written down: to be read, to be cut down by hand, and to be carried out exactly.
//!
//! ```json
//! {
//!   "format": "cloudfiles-cleanup-plan",
//!   "version": 1,
//!   "made_at": "2026-01-01T12:00:00Z",
//!   "ledger": "/home/me/.local/state/cloudfiles/ledger.json",
//!   "items": [
//!     {
//!       "entry": 8,
//!       "run": "demo-3f9a",
//!       "action": "delete",
//!       "resource": { "kind": "object", "cloud": "lab", "account": "AUTH_test", "container": "c", "object": "o" },
//!       "found": { "etag": "9a0364b9e99bb480dd25e1f0284c8555", "timestamp": "1767268800.00000", "bytes": 7 }
//!     }
//!   ]
//! }
//! ```
//!
//! `found` is what the server told of the resource. It must tell the same when the plan is carried out, else the item is
//! skipped. An item with the action `forget` has no `found`: there was nothing of the run to remove.
//! Items may be taken out; nothing else may be changed. A former temp-URL key is not in the plan: the ledger has it.

use std::fmt;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use ledger::{Entry, EntryId, Resource, What};
use serde::{Deserialize, Serialize};

use crate::output::Output;
use crate::removal::{Evidence, Found, Only, Site, look};

const FORMAT: &str = "cloudfiles-cleanup-plan";
const VERSION: u32 = 1;

/// How many resources are looked at at once.
const AT_ONCE: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    format: String,
    version: u32,
    made_at: Timestamp,
    ledger: String,
    items: Vec<Item>,
}

/// One entry of the ledger, and what is to become of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    entry: EntryId,
    run: String,
    action: Action,
    resource: Resource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// It is deleted.
    Delete,
    /// The temp-URL key that was there before is put back, or the key is removed if there was none.
    Restore,
    /// The ledger's entry is dropped, and nothing is done in the cloud.
    Forget,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Forget => "forget",
        })
    }
}

impl Plan {
    pub(super) fn new(ledger: &Path, made_at: Timestamp) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            made_at,
            ledger: ledger.display().to_string(),
            items: Vec::new(),
        }
    }

    /// Reads a plan that [`write_to`](Self::write_to) has written.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Header {
            format: String,
            version: u32,
        }
        let named = || format!("the plan {}", path.display());
        let text = std::fs::read(path).with_context(named)?;
        let header: Header = serde_json::from_slice(&text).with_context(named)?;
        if header.format != FORMAT {
            bail!("{} is no plan of a clean-up", path.display());
        }
        if header.version != VERSION {
            bail!(
                "{} is a plan of version {}; this program reads version {VERSION}",
                path.display(),
                header.version
            );
        }
        serde_json::from_slice(&text).with_context(named)
    }

    pub(super) fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Writes the plan, whole or not at all.
    pub(super) fn write_to(&self, path: &Path) -> anyhow::Result<()> {
        let named = || format!("the plan {}", path.display());
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(named)?;
        writeln!(file, "{}", self.to_json()?).with_context(named)?;
        file.as_file().sync_all().with_context(named)?;
        file.persist(path).with_context(named)?;
        Ok(())
    }

    /// Adds what is to become of an entry.
    pub(super) fn add(&mut self, entry: &Entry<Resource>, found: Found) {
        let mut resource = entry.resource.clone();
        let mut action = Action::Delete;
        if let What::TempUrlKey { former, .. } = &mut resource.what {
            *former = None;
            action = Action::Restore;
        }
        let (action, found) = match found {
            Found::Ours(evidence) => (action, Some(evidence)),
            Found::Absent | Found::NotOurs(_) => (Action::Forget, None),
        };
        self.items.push(Item {
            entry: entry.id,
            run: entry.run.clone(),
            action,
            resource,
            found,
        });
    }

    /// The ledger that the plan was made from.
    pub(super) fn ledger(&self) -> &str {
        &self.ledger
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn into_items(self) -> Vec<Item> {
        self.items
    }

    /// Tells what is planned, one line each.
    pub(super) fn show(&self, output: &Output) {
        for item in &self.items {
            let Resource { cloud, account, .. } = &item.resource;
            output.line(&format!(
                "{:>4}  {:7}  {cloud}/{account}  {}",
                item.entry, item.action, item.resource
            ));
        }
    }
}

impl Item {
    pub(super) fn entry(&self) -> EntryId {
        self.entry
    }

    /// Whether this is still what the plan means: an entry of the same run for the same resource.
    pub(super) fn is_of(&self, entry: &Entry<Resource>) -> bool {
        let mut resource = entry.resource.clone();
        if let What::TempUrlKey { former, .. } = &mut resource.what {
            *former = None;
        }
        self.run == entry.run && self.resource == resource
    }

    /// What must hold for it to be carried out.
    pub(super) fn only(self) -> Only {
        Only::Planned(match self.action {
            Action::Forget => None,
            Action::Delete | Action::Restore => Some(self.found.unwrap_or_default()),
        })
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)
    }
}

/// Asks the server about entries of one site. Without one there is nothing left of them.
pub(super) async fn look_at(
    site: Option<&Site>,
    entries: Vec<Entry<Resource>>,
) -> Vec<(Entry<Resource>, anyhow::Result<Found>)> {
    stream::iter(entries)
        .map(async |entry| {
            let found = match site {
                Some(site) => look(site, &entry).await,
                None => Ok(Found::Absent),
            };
            (entry, found)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}
