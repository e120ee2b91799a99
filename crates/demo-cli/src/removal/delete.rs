//! Deleting one resource that is known to be ours. What is gone already is no error.

use std::time::Duration;

use anyhow::bail;
use cdn_client::CdnClient;
use http::StatusCode;
use ledger::{Resource, What};
use signing::Key;
use swift_client::{Client, DeleteOptions, GetOptions, KeyScope, KeySlot, ListOptions, Listed};

use super::look::{self, present};
use super::{Evidence, NOT_THERE, Outcome, Site, segments};

/// How often a container is tried that is said to hold objects, and the pause between: a cluster counts objects a
/// little after they are deleted.
const EMPTY_TRIES: u32 = 10;
const EMPTY_PAUSE: Duration = Duration::from_millis(300);

/// Deletes it, or puts back what was there before.
pub(super) async fn delete(
    site: &Site,
    resource: &Resource,
    evidence: Evidence,
) -> anyhow::Result<Outcome> {
    match site {
        Site::Storage(client) => delete_inside(client, &resource.what, evidence).await,
        Site::Emulator(target) if resource.what == What::Account => {
            Ok(gone(target.drop_account(&resource.account).await?))
        }
        Site::Emulator(_) => bail!(NOT_THERE),
    }
}

async fn delete_inside(
    client: &Client,
    what: &What,
    evidence: Evidence,
) -> anyhow::Result<Outcome> {
    match what {
        What::Object { container, object } => {
            // Of a large object only the manifest: the ledger has its segments as an entry of their own.
            let deleted = client
                .delete_object(container, object, &DeleteOptions::default())
                .await;
            Ok(gone(present(deleted)?))
        }
        What::Container { container } => delete_container(client, container).await,
        What::CdnPublication { container } => unpublish(&CdnClient::new(client), container).await,
        What::TempUrlKey {
            container,
            slot,
            former,
            ..
        } => {
            let scope = look::scope(container.as_deref());
            let former = former.as_ref().map(|former| Key::new(former.expose()));
            put_back(client, scope, look::slot_of(*slot), former).await
        }
        What::SegmentSet {
            container,
            prefix,
            manifest,
        } => segments::delete(client, container, prefix, manifest.as_deref(), evidence).await,
        _ => bail!(NOT_THERE),
    }
}

fn gone(deleted: Option<()>) -> Outcome {
    match deleted {
        Some(()) => Outcome::Removed,
        None => Outcome::Absent,
    }
}

async fn delete_container(client: &Client, container: &str) -> anyhow::Result<Outcome> {
    let mut tries = 1;
    loop {
        match present(client.delete_container(container).await) {
            Ok(deleted) => return Ok(gone(deleted)),
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

async fn unpublish(cdn: &CdnClient, container: &str) -> anyhow::Result<Outcome> {
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

async fn put_back(
    client: &Client,
    scope: KeyScope<'_>,
    slot: KeySlot,
    former: Option<Key>,
) -> anyhow::Result<Outcome> {
    if let Some(former) = former {
        client.set_temp_url_key(scope, slot, &former).await?;
        Ok(Outcome::Restored)
    } else {
        client.remove_temp_url_key(scope, slot).await?;
        Ok(Outcome::Removed)
    }
}
