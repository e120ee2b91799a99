//! The entries in memory, and the changes that lead from one state of them to the next.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::{Entry, EntryId, State, Tracked};

/// All entries of a ledger.
pub(crate) struct Book<R: Tracked> {
    /// How often the document was written. A journal belongs to one generation of it.
    pub(crate) generation: u64,
    pub(crate) next_id: u64,
    pub(crate) entries: BTreeMap<EntryId, Entry<R>>,
}

/// One call's change, as the journal keeps it. It happens as a whole or not at all.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", bound = "R: Tracked")]
pub(crate) enum Record<R: Tracked> {
    Plan(Vec<Entry<R>>),
    Confirm(Vec<Confirmed<R>>),
    Deleting(Vec<EntryId>),
    Forget(Vec<EntryId>),
    Keep(Vec<Kept>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "R: Tracked")]
pub(crate) struct Confirmed<R: Tracked> {
    pub(crate) id: EntryId,
    pub(crate) identity: R::Identity,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) id: EntryId,
    pub(crate) reason: String,
}

/// What a caller asks for. The numbers of new entries are only known once the ledger is locked.
pub(crate) enum Request<R: Tracked> {
    Plan {
        run: String,
        resources: Vec<R>,
        planned_at: Timestamp,
    },
    Change(Record<R>),
}

impl<R: Tracked> Request<R> {
    /// The record for it, on top of a book.
    pub(crate) fn record(self, book: &Book<R>) -> Record<R> {
        match self {
            Self::Change(record) => record,
            Self::Plan {
                run,
                resources,
                planned_at,
            } => {
                let numbered = (book.next_id..).map(EntryId).zip(resources);
                let entries = numbered.map(|(id, resource)| Entry {
                    id,
                    state: State::Planned,
                    run: run.clone(),
                    planned_at,
                    resource,
                    identity: None,
                    reason: None,
                });
                Record::Plan(entries.collect())
            }
        }
    }
}

impl<R: Tracked> Record<R> {
    /// The numbers of the entries it plans.
    pub(crate) fn planned(&self) -> Vec<EntryId> {
        match self {
            Self::Plan(entries) => entries.iter().map(|entry| entry.id).collect(),
            _ => Vec::new(),
        }
    }

    /// The same, one entry at a time.
    pub(crate) fn singles(self) -> Vec<Self> {
        match self {
            Self::Plan(list) => list.into_iter().map(|one| Self::Plan(vec![one])).collect(),
            Self::Confirm(list) => list
                .into_iter()
                .map(|one| Self::Confirm(vec![one]))
                .collect(),
            Self::Deleting(list) => list
                .into_iter()
                .map(|one| Self::Deleting(vec![one]))
                .collect(),
            Self::Forget(list) => list
                .into_iter()
                .map(|one| Self::Forget(vec![one]))
                .collect(),
            Self::Keep(list) => list.into_iter().map(|one| Self::Keep(vec![one])).collect(),
        }
    }
}

/// Why a record cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unknown(EntryId),
    Order { id: EntryId, from: State, to: State },
    Reused(EntryId),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "there is no entry {id}"),
            Self::Order { id, from, to } => {
                write!(f, "entry {id} is {from} and cannot become {to}")
            }
            Self::Reused(id) => write!(f, "{id} is not the number of a new entry"),
        }
    }
}

impl<R: Tracked> Default for Book<R> {
    fn default() -> Self {
        Self {
            generation: 0,
            next_id: 1,
            entries: BTreeMap::new(),
        }
    }
}

impl<R: Tracked> Book<R> {
    /// Applies a record, or refuses it and changes nothing.
    pub(crate) fn apply(&mut self, record: Record<R>) -> Result<(), Refusal> {
        let mut next_id = self.next_id;
        let mut changed = BTreeMap::new();
        match record {
            Record::Plan(entries) => {
                for entry in entries {
                    let id = entry.id;
                    if id.0 < next_id || entry.state != State::Planned {
                        return Err(Refusal::Reused(id));
                    }
                    next_id = id.0.checked_add(1).ok_or(Refusal::Reused(id))?;
                    changed.insert(id, Some(entry));
                }
            }
            Record::Confirm(list) => {
                for Confirmed { id, identity } in list {
                    let mut entry = self.step(&changed, id, State::Confirmed)?;
                    entry.identity = Some(identity);
                    changed.insert(id, Some(entry));
                }
            }
            Record::Deleting(ids) => {
                for id in ids {
                    let entry = self.step(&changed, id, State::Deleting)?;
                    changed.insert(id, Some(entry));
                }
            }
            Record::Forget(ids) => {
                for id in ids {
                    // Forgetting twice is what two clean-ups at once do; a number that never was is a mistake.
                    if id.0 == 0 || id.0 >= next_id {
                        return Err(Refusal::Unknown(id));
                    }
                    changed.insert(id, None);
                }
            }
            Record::Keep(list) => {
                for Kept { id, reason } in list {
                    let mut entry = self.present(&changed, id)?.clone();
                    entry.reason = Some(reason);
                    changed.insert(id, Some(entry));
                }
            }
        }
        self.next_id = next_id;
        for (id, entry) in changed {
            match entry {
                Some(entry) => self.entries.insert(id, entry),
                None => self.entries.remove(&id),
            };
        }
        Ok(())
    }

    /// The entry, moved on to a state. Only planned becomes confirmed; deleting may be said again.
    fn step(&self, changed: &Changes<R>, id: EntryId, to: State) -> Result<Entry<R>, Refusal> {
        let entry = self.present(changed, id)?;
        if entry.state < to || (entry.state, to) == (State::Deleting, State::Deleting) {
            Ok(Entry {
                state: to,
                ..entry.clone()
            })
        } else {
            Err(Refusal::Order {
                id,
                from: entry.state,
                to,
            })
        }
    }

    fn present<'a>(
        &'a self,
        changed: &'a Changes<R>,
        id: EntryId,
    ) -> Result<&'a Entry<R>, Refusal> {
        let entry = match changed.get(&id) {
            Some(changed) => changed.as_ref(),
            None => self.entries.get(&id),
        };
        entry.ok_or(Refusal::Unknown(id))
    }
}

/// What a record does to the entries it touches; `None` is forgotten.
type Changes<R> = BTreeMap<EntryId, Option<Entry<R>>>;
