//! Removing what a ledger lists, and nothing else.
//!
//! Before anything is deleted the server is asked whether it is still what the ledger means: containers and objects
//! carry the id of the run that made them in their metadata, and a temp-URL key has its fingerprint in the ledger. What
//! is gone already, or is somebody else's by now, is left alone and forgotten. What cannot be deleted stays in the
//! ledger with the reason.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use anyhow::bail;
use cdn_client::CdnClient;
use http::StatusCode;
use ledger::{Entry, Ledger, Resource, What};
use sha2::{Digest as _, Sha256};
use signing::Key;
use swift_client::{
    Client, DeleteOptions, GetOptions, KeyScope, KeySlot, ListOptions, Listed, Metadata,
};

use crate::record::RUN_ID;

/// How often a container is tried that is said to hold objects, and the pause between: a cluster counts objects a
/// little after they are deleted.
const EMPTY_TRIES: u32 = 10;
const EMPTY_PAUSE: Duration = Duration::from_millis(300);

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
    /// It is still there, for this reason.
    Left(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("removed"),
            Self::Restored => f.write_str("the former one put back"),
            Self::Absent => f.write_str("was not there"),
            Self::NotOurs => f.write_str("changed by somebody else since; left alone"),
            Self::Left(reason) => write!(f, "could not be removed: {reason}"),
        }
    }
}

/// Removes all resources of one account, what is inside before what holds it. `tell` hears the outcome of each.
///
/// # Errors
/// Those of the ledger. What goes wrong on the server is an [`Outcome::Left`].
pub(crate) async fn remove(
    client: &Client,
    ledger: &Ledger,
    mut entries: Vec<Entry<Resource>>,
    mut tell: impl FnMut(&Entry<Resource>, &Outcome),
) -> Result<(), ledger::Error> {
    // Within a kind the newest first, so that a key that was changed twice is put back from the last one.
    entries.sort_by_key(|entry| (entry.resource.kind(), Reverse(entry.id)));
    for entry in entries {
        ledger.deleting(entry.id)?;
        let outcome = match remove_one(client, &entry).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Left(format!("{error:#}")),
        };
        match &outcome {
            Outcome::Left(reason) => ledger.keep(entry.id, reason)?,
            _ => ledger.forget(entry.id)?,
        }
        tell(&entry, &outcome);
    }
    Ok(())
}

/// A digest of a key, by which it is known again.
pub(crate) fn fingerprint(key: &Key) -> String {
    hex::encode(Sha256::digest(key.expose()))
}

async fn remove_one(client: &Client, entry: &Entry<Resource>) -> anyhow::Result<Outcome> {
    match &entry.resource.what {
        What::Object { container, object } => {
            remove_object(client, container, object, &entry.run).await
        }
        What::Container { container } => remove_container(client, container, &entry.run).await,
        What::CdnPublication { container } => {
            remove_publication(&CdnClient::new(client), container).await
        }
        What::TempUrlKey {
            container,
            slot,
            fingerprint,
            former,
        } => {
            let scope = container
                .as_deref()
                .map_or(KeyScope::Account, KeyScope::Container);
            let slot = match slot {
                ledger::KeySlot::First => KeySlot::One,
                ledger::KeySlot::Second => KeySlot::Two,
            };
            let former = former.as_ref().map(|former| Key::new(former.expose()));
            restore_key(client, scope, slot, fingerprint, former).await
        }
        _ => Ok(Outcome::Left(
            "this program does not remove resources of this kind".to_owned(),
        )),
    }
}

async fn remove_object(
    client: &Client,
    container: &str,
    object: &str,
    run: &str,
) -> anyhow::Result<Outcome> {
    let info = client
        .head_object(container, object, &GetOptions::default())
        .await;
    match present(info)? {
        None => return Ok(Outcome::Absent),
        Some(info) if !is_of(run, &info.metadata) => return Ok(Outcome::NotOurs),
        Some(_) => {}
    }
    let deleted = client
        .delete_object(container, object, &DeleteOptions::default())
        .await;
    Ok(match present(deleted)? {
        Some(()) => Outcome::Removed,
        None => Outcome::Absent,
    })
}

async fn remove_container(client: &Client, container: &str, run: &str) -> anyhow::Result<Outcome> {
    match present(client.head_container(container).await)? {
        None => return Ok(Outcome::Absent),
        Some(info) if !is_of(run, &info.metadata) => return Ok(Outcome::NotOurs),
        Some(_) => {}
    }
    let mut tries = 1;
    loop {
        match present(client.delete_container(container).await) {
            Ok(Some(())) => return Ok(Outcome::Removed),
            Ok(None) => return Ok(Outcome::Absent),
            Err(error @ swift_client::Error::Conflict(_)) => {
                if let Some(object) = first_object(client, container).await? {
                    bail!("it still holds the object {object}: {error}");
                }
                if tries == EMPTY_TRIES {
                    return Err(error.into());
                }
                tries += 1;
                tokio::time::sleep(EMPTY_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The name of an object that is really there, not one whose deletion the listing has yet to notice.
async fn first_object(
    client: &Client,
    container: &str,
) -> Result<Option<String>, swift_client::Error> {
    let options = ListOptions {
        limit: Some(1),
        ..ListOptions::default()
    };
    let Some((_, listed)) = present(client.get_container(container, &options).await)? else {
        return Ok(None);
    };
    let Some(object) = listed.into_iter().find_map(Listed::item) else {
        return Ok(None);
    };
    let head = client
        .head_object(container, &object.name, &GetOptions::default())
        .await;
    Ok(present(head)?.map(|_| object.name))
}

async fn remove_publication(cdn: &CdnClient, container: &str) -> anyhow::Result<Outcome> {
    let removed = match cdn.remove(container).await {
        // Before 2016 Cloud Files could only make a container private again, and remembered it.
        Err(cdn_client::Error::Request(error))
            if error.status() == Some(StatusCode::METHOD_NOT_ALLOWED) =>
        {
            cdn.unpublish(container).await
        }
        other => other,
    };
    match removed {
        Ok(()) => Ok(Outcome::Removed),
        Err(cdn_client::Error::NotPublished { .. }) => Ok(Outcome::Absent),
        Err(error) => Err(error.into()),
    }
}

async fn restore_key(
    client: &Client,
    scope: KeyScope<'_>,
    slot: KeySlot,
    ours: &str,
    former: Option<Key>,
) -> anyhow::Result<Outcome> {
    let Some(current) = present(client.temp_url_key(scope, slot).await)? else {
        return Ok(Outcome::Absent);
    };
    if current == former {
        return Ok(Outcome::Absent);
    }
    if current.is_none_or(|current| fingerprint(&current) != ours) {
        return Ok(Outcome::NotOurs);
    }
    if let Some(former) = former {
        client.set_temp_url_key(scope, slot, &former).await?;
        Ok(Outcome::Restored)
    } else {
        client.remove_temp_url_key(scope, slot).await?;
        Ok(Outcome::Removed)
    }
}

/// What was asked for, or `None` for a 404.
fn present<T>(result: Result<T, swift_client::Error>) -> Result<Option<T>, swift_client::Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_of(run: &str, metadata: &Metadata) -> bool {
    metadata.get(RUN_ID) == Some(run)
}
