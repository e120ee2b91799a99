//! Reads a snapshot into a state that nobody sees until it is whole.

use std::convert::Infallible;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::frame::{Frame, Reader};
use super::record::{ObjectRecord, Record, to_pairs, to_value};
use super::{Contents, RegionState, SnapshotError, State};
use crate::core::Core;
use crate::services::{cdn, identity};
use crate::store::{
    Account, Container, Etag, Extra, Full, ListingOverride, MediaType, NotPut, Object, Store,
    Stored,
};
use crate::timestamp::Timestamp;

/// More bytes than any object has together with all its segments; totals are sums of these.
const MAX_SHOWN: u64 = 1 << 48;

/// Reads a snapshot to its end, for an emulator with these regions.
pub(crate) fn read(input: impl Read, regions: &[Arc<Core>]) -> Result<State, SnapshotError> {
    let regions: Vec<Known<'_>> = regions
        .iter()
        .map(|core| Known {
            name: core.regions.name(),
            policies: core.flavour.policies,
            store: core.store.fresh(),
        })
        .collect();
    read_for(input, regions)
}

/// What a snapshot may name.
pub(crate) struct Known<'a> {
    pub(crate) name: &'a str,
    pub(crate) policies: &'static [&'static str],
    /// Empty, for what the region will have.
    pub(crate) store: Store,
}

/// The same for regions of which no more than that is known.
pub(crate) fn read_for(input: impl Read, regions: Vec<Known<'_>>) -> Result<State, SnapshotError> {
    let mut reader = Reader::new(input)?;
    let Frame::Record(Record::Start { clock, .. }) = reader.next()? else {
        return Err(reader.damaged("the first record is no start"));
    };
    let mut state = State {
        clock,
        identity: identity::Saved::default(),
        regions: Vec::new(),
        contents: Contents::default(),
    };
    let mut names = Vec::new();
    for known in regions {
        names.push((known.name, known.policies));
        state.regions.push(RegionState {
            store: known.store,
            cdn: cdn::Saved::default(),
        });
    }
    let mut place = Place::default();
    loop {
        match reader.next()? {
            Frame::Record(record) => {
                let pending = place
                    .take(record, &mut state, &names)
                    .map_err(|wrong| wrong.at(&reader))?;
                if let Some(object) = pending {
                    state.contents.objects += 1;
                    let here = place.region.and_then(|at| state.regions.get(at));
                    let Some(here) = here else {
                        return Err(reader.damaged("an object of no region"));
                    };
                    let body = body(&mut reader, &here.store, object.length)?;
                    state.contents.bytes += body.len();
                    place.put(object, body).map_err(|wrong| wrong.at(&reader))?;
                }
            }
            Frame::Block(_) => return Err(reader.damaged("a block of no object")),
            Frame::End if place.region.is_none() => {
                return Err(reader.damaged("it ends before any region"));
            }
            Frame::End => return Ok(state),
        }
    }
}

/// The blocks of an object, kept as the store keeps bodies.
fn body<R: Read>(
    reader: &mut Reader<R>,
    store: &Store,
    length: u64,
) -> Result<Stored, SnapshotError> {
    let mut missing = length;
    // What went wrong with the frames, since the store knows nothing of those.
    let mut wrong = None;
    let blocks = std::iter::from_fn(|| {
        if missing == 0 {
            return None;
        }
        match next_block(reader, &mut missing) {
            Ok(block) => Some(Ok(block)),
            Err(error) => {
                wrong = Some(error);
                Some(Err(io::ErrorKind::InvalidData.into()))
            }
        }
    });
    let kept = store.bodies.keep(Some(length), blocks);
    match (wrong, kept) {
        (Some(error), _) => Err(error),
        (None, Err(error)) if error.kind() == io::ErrorKind::StorageFull => {
            Err(SnapshotError::Unfit {
                at: reader.at(),
                cause: "it needs more memory than there may be used".to_owned(),
            })
        }
        (None, Err(error)) => Err(error.into()),
        (None, Ok((stored, _))) => Ok(stored),
    }
}

fn next_block<R: Read>(reader: &mut Reader<R>, missing: &mut u64) -> Result<Bytes, SnapshotError> {
    let Frame::Block(block) = reader.next()? else {
        return Err(reader.damaged(format!("{missing} bytes of an object are not there")));
    };
    *missing = missing
        .checked_sub(block.len() as u64)
        .ok_or_else(|| reader.damaged("an object has more bytes than it says"))?;
    Ok(block)
}

/// What is wrong with a record.
enum Wrong {
    Damaged(String),
    Unfit(String),
}

impl Wrong {
    fn at<R: Read>(self, reader: &Reader<R>) -> SnapshotError {
        match self {
            Self::Damaged(cause) => reader.damaged(cause),
            Self::Unfit(cause) => SnapshotError::Unfit {
                at: reader.at(),
                cause,
            },
        }
    }
}

/// There is no room for it.
fn full() -> Wrong {
    Wrong::Unfit("it needs more memory than there may be used".to_owned())
}

impl From<String> for Wrong {
    fn from(cause: String) -> Self {
        Self::Damaged(cause)
    }
}

/// Whose the next record is.
#[derive(Default)]
struct Place {
    /// Its index, and those that have been.
    region: Option<usize>,
    seen: Vec<usize>,
    account: Option<Arc<Account>>,
    container: Option<Arc<Container>>,
}

impl Place {
    /// Takes a record over into `state`. Gives back an object, whose blocks come next.
    fn take(
        &mut self,
        record: Record,
        state: &mut State,
        regions: &[(&str, &[&str])],
    ) -> Result<Option<ObjectRecord>, Wrong> {
        let record = match record {
            Record::Region { name } => {
                let at = regions
                    .iter()
                    .position(|(known, _)| *known == name)
                    .ok_or_else(|| Wrong::Unfit(format!("there is no region {name} here")))?;
                if self.seen.contains(&at) {
                    return Err(Wrong::Damaged(format!("the region {name} twice")));
                }
                self.seen.push(at);
                self.region = Some(at);
                self.account = None;
                self.container = None;
                return Ok(None);
            }
            Record::Identity(record) if self.region.is_none() => {
                state.identity.take(record);
                return Ok(None);
            }
            other => other,
        };
        let here = self.region.and_then(|at| {
            let (_, policies) = regions.get(at)?;
            Some((state.regions.get_mut(at)?, policies))
        });
        let Some((here, policies)) = here else {
            return Err(Wrong::Damaged("a record of no region".to_owned()));
        };
        match record {
            Record::Identity(_) | Record::Region { .. } => {
                return Err(Wrong::Damaged("a user among what a region has".to_owned()));
            }
            Record::Start { .. } => {
                return Err(Wrong::Damaged("it starts twice".to_owned()));
            }
            Record::RemovedAccount { name } => here.store.keep_removed(part("account", name)?),
            Record::Account {
                name,
                created,
                metadata,
            } => {
                let name = part("account", name)?;
                let (account, is_new) = here
                    .store
                    .ensure_account(&name, Timestamp::from_ticks(created));
                if !is_new {
                    return Err(Wrong::Damaged(format!("the account {name} twice")));
                }
                let Ok(()) = account.update(to_pairs(metadata)?, |_| Ok::<_, Infallible>(()));
                state.contents.accounts += 1;
                self.account = Some(account);
                self.container = None;
            }
            Record::Container {
                name,
                policy,
                created,
                changed,
                metadata,
            } => {
                let account = self
                    .account
                    .as_ref()
                    .ok_or_else(|| "a container of no account".to_owned())?;
                let name = part("container", name)?;
                let policy = policies
                    .iter()
                    .position(|known| *known == policy)
                    .ok_or_else(|| {
                        Wrong::Unfit(format!("there is no storage policy {policy} here"))
                    })?;
                let (container, is_new) = account
                    .ensure_container(&name, policy, Timestamp::from_ticks(created))
                    .map_err(|Full| full())?;
                if !is_new {
                    return Err(Wrong::Damaged(format!("the container {name} twice")));
                }
                let changed = Timestamp::from_ticks(changed);
                let metadata = to_pairs(metadata)?;
                let Ok(()) = container.update(changed, metadata, |_| Ok::<_, Infallible>(()));
                state.contents.containers += 1;
                self.container = Some(container);
            }
            Record::Object(object) => {
                if self.container.is_none() {
                    return Err(Wrong::Damaged("an object of no container".to_owned()));
                }
                if object.name.is_empty() {
                    return Err(Wrong::Damaged("an object without a name".to_owned()));
                }
                return Ok(Some(object));
            }
            Record::Cdn(record) => {
                self.account = None;
                self.container = None;
                here.cdn.take(record)?;
            }
        }
        Ok(None)
    }

    /// Puts an object into the container that it is of.
    fn put(&self, record: ObjectRecord, body: Stored) -> Result<(), Wrong> {
        let Some(container) = &self.container else {
            return Err(Wrong::Damaged("an object of no container".to_owned()));
        };
        let shown = record.listing.as_ref().map_or(0, |listing| listing.bytes);
        if shown > MAX_SHOWN {
            let cause = format!("a listing shows {shown} bytes, more than objects have");
            return Err(Wrong::Damaged(cause));
        }
        let object = Object {
            created: Timestamp::from_ticks(record.created),
            modified: Timestamp::from_ticks(record.modified),
            content_type: MediaType::from(&to_value(record.content_type, "content-type")?),
            etag: Etag::parse(&record.etag)
                .ok_or_else(|| format!("the ETag of the object {} is no MD5", record.name))?,
            body,
            extra: Extra::new(
                record.delete_at,
                to_pairs(record.headers)?.into(),
                record.listing.map(|listing| {
                    Box::new(ListingOverride {
                        hash: listing.hash,
                        bytes: listing.bytes,
                        whole_bytes: listing.whole_bytes,
                    })
                }),
            ),
        };
        container
            .put(&record.name, object, |former| match former {
                None => Ok(()),
                Some(_) => Err(format!("the object {} twice", record.name)),
            })
            .map(drop)
            .map_err(|reason| match reason {
                NotPut::Refused(cause) => Wrong::Damaged(cause),
                NotPut::Gone => Wrong::Damaged("an object of a container that is gone".to_owned()),
                NotPut::Full => full(),
            })
    }
}

/// The name of an account or a container, which is a part of a path.
fn part(kind: &str, name: String) -> Result<String, String> {
    if name.is_empty() || name.contains('/') {
        return Err(format!("{name:?} cannot be the name of a {kind}"));
    }
    Ok(name)
}
