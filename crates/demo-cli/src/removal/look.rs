//! Asking the server whether what a ledger names is there, and is what the ledger means.
//!
//! Containers and objects carry the id of the run that made them in their metadata; a temp-URL key has its fingerprint in
//! the ledger; the segments of a set are those that carry the id of the run and that no manifest of another needs.

use cdn_client::CdnClient;
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderMap;
use ledger::{Entry, Identity, Resource, What};
use sha2::{Digest as _, Sha256};
use signing::Key;
use swift_client::{
    Client, GetOptions, KeyScope, KeySlot, ListOptions, Listed, Metadata, ObjectInfo,
};

use super::{Evidence, NOT_THERE, Published, Site};
use crate::record::RUN_ID;

/// How many segments are asked about at once.
const AT_ONCE: usize = 16;

/// What the server has under the name of an entry.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// What the run has made.
    Ours(Evidence),
    /// Something else, and how that is known.
    NotOurs(String),
}

/// Asks the server.
pub(crate) async fn look(site: &Site, entry: &Entry<Resource>) -> anyhow::Result<Found> {
    match site {
        Site::Storage(client) => look_inside(client, entry).await,
        Site::Emulator(target) => match entry.resource.what {
            // Its name has the id of the run in it, so nobody else has made one of that name.
            What::Account if target.has_account(&entry.resource.account).await? => {
                Ok(Found::Ours(Evidence::default()))
            }
            What::Account => Ok(Found::Absent),
            _ => anyhow::bail!(NOT_THERE),
        },
    }
}

async fn look_inside(client: &Client, entry: &Entry<Resource>) -> anyhow::Result<Found> {
    match &entry.resource.what {
        What::Object { container, object } => {
            look_at_object(client, container, object, entry).await
        }
        What::Container { container } => {
            let info = client.head_container(container).await;
            let Some(info) = present(info)? else {
                return Ok(Found::Absent);
            };
            if let Some(why) = not_of(&entry.run, &info.metadata) {
                return Ok(Found::NotOurs(why));
            }
            let timestamp = timestamp(&info.headers);
            not_older(entry, timestamp.as_deref())?;
            Ok(Found::Ours(Evidence {
                timestamp,
                ..Evidence::default()
            }))
        }
        What::CdnPublication { container } => {
            match CdnClient::new(client).status(container).await {
                Ok(status) => Ok(Found::Ours(Evidence {
                    published: Some(Published {
                        enabled: status.enabled,
                        ttl_seconds: status.ttl_seconds,
                        log_retention: status.log_retention,
                    }),
                    ..Evidence::default()
                })),
                Err(cdn_client::Error::NotPublished { .. }) => Ok(Found::Absent),
                Err(error) => Err(error.into()),
            }
        }
        What::TempUrlKey {
            container,
            slot,
            fingerprint: ours,
            former,
        } => {
            let scope = scope(container.as_deref());
            let Some(current) = present(client.temp_url_key(scope, slot_of(*slot)).await)? else {
                return Ok(Found::Absent);
            };
            let former = former.as_ref().map(|former| Key::new(former.expose()));
            Ok(match current {
                current if current == former => Found::Absent,
                Some(current) if fingerprint(&current) == *ours => Found::Ours(Evidence::default()),
                _ => Found::NotOurs("the key is another one now".to_owned()),
            })
        }
        What::SegmentSet {
            container, prefix, ..
        } => look_at_segments(client, container, prefix, &entry.run).await,
        _ => anyhow::bail!(NOT_THERE),
    }
}

async fn look_at_object(
    client: &Client,
    container: &str,
    object: &str,
    entry: &Entry<Resource>,
) -> anyhow::Result<Found> {
    let info = client.head_object(container, object, &itself()).await;
    let Some(info) = present(info)? else {
        return Ok(Found::Absent);
    };
    if let Some(why) = not_of(&entry.run, &info.metadata) {
        return Ok(Found::NotOurs(why));
    }
    let timestamp = timestamp(&info.headers);
    not_older(entry, timestamp.as_deref())?;
    if let (Some(recorded), Some(etag)) = (&entry.identity, &info.etag)
        && let Some(was) = &recorded.etag
        // Without a time it is as the answer to the upload told it, which is another one for large objects.
        && (recorded.timestamp.is_some() || !is_large(&info))
        && was != etag
    {
        return Ok(Found::NotOurs(format!("its ETag is {etag}, and was {was}")));
    }
    Ok(Found::Ours(Evidence {
        timestamp,
        etag: info.etag,
        bytes: info.bytes,
        ..Evidence::default()
    }))
}

/// Finds the segments that this run has made. One that an older run has made and this one used is not ours to delete.
async fn look_at_segments(
    client: &Client,
    container: &str,
    prefix: &str,
    run: &str,
) -> anyhow::Result<Found> {
    let options = ListOptions {
        prefix: Some(prefix.to_owned()),
        ..ListOptions::default()
    };
    let listing = client.list_objects(container, options);
    let names: Vec<Listed<swift_client::ObjectEntry>> = match listing.try_collect().await {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(Found::Absent),
        Err(error) => return Err(error.into()),
    };
    if names.is_empty() {
        return Ok(Found::Absent);
    }
    let mut found = futures_util::stream::iter(names.into_iter().filter_map(Listed::item))
        .map(async |segment| {
            let head = client
                .head_object(container, &segment.name, &GetOptions::default())
                .await;
            present(head).map(|info| (segment.name, info))
        })
        .buffered(AT_ONCE);
    let mut evidence = Evidence::default();
    let mut bytes = 0;
    while let Some((name, info)) = found.try_next().await? {
        let Some(info) = info else { continue };
        if not_of(run, &info.metadata).is_none() {
            bytes += info.bytes.unwrap_or_default();
            evidence
                .segments
                .push((name, info.etag.unwrap_or_default()));
        }
    }
    if evidence.segments.is_empty() {
        return Ok(Found::NotOurs("no segment there is of this run".to_owned()));
    }
    evidence.bytes = Some(bytes);
    Ok(Found::Ours(evidence))
}

/// What is told of an object that this run has made, to know it again, and whether it is a large one. `None` if it is not
/// told, or is not of this run.
pub(crate) async fn identity_of_object(
    client: &Client,
    container: &str,
    object: &str,
    run: &str,
) -> Option<(bool, Identity)> {
    let info = client
        .head_object(container, object, &itself())
        .await
        .ok()?;
    let timestamp = timestamp(&info.headers)?;
    let large = is_large(&info);
    not_of(run, &info.metadata).is_none().then_some((
        large,
        Identity {
            etag: info.etag,
            timestamp: Some(timestamp),
            run: None,
        },
    ))
}

/// What is told of a container that this run has made, to know it again. `None` if it is not told, or is not of this run.
pub(crate) async fn identity_of_container(
    client: &Client,
    container: &str,
    run: &str,
) -> Option<Identity> {
    let info = client.head_container(container).await.ok()?;
    not_of(run, &info.metadata).is_none().then(|| Identity {
        timestamp: timestamp(&info.headers),
        ..Identity::default()
    })
}

/// Of a large object its manifest, whose `ETag` stays what it is.
fn itself() -> GetOptions {
    GetOptions {
        manifest: true,
        ..GetOptions::default()
    }
}

fn is_large(info: &ObjectInfo) -> bool {
    info.static_large_object || info.manifest.is_some()
}

/// Refuses to judge by what is older than what was recorded: a server that has missed the last change tells such things
/// until it has caught up.
fn not_older(entry: &Entry<Resource>, timestamp: Option<&str>) -> anyhow::Result<()> {
    let recorded = entry.identity.as_ref();
    let recorded = recorded.and_then(|identity| identity.timestamp.as_deref());
    if let (Some(then), Some(now)) = (recorded, timestamp)
        && let (Some(was), Some(is)) = (seconds(then), seconds(now))
        && is < was
    {
        anyhow::bail!(
            "the server tells the X-Timestamp {now}, which is before the {then} it was made at; try again later"
        );
    }
    Ok(())
}

/// The time of an `X-Timestamp`, such as `1767268800.00000` or `1767268800.00000_0000000000000001`.
fn seconds(timestamp: &str) -> Option<f64> {
    let (time, _) = timestamp.split_once('_').unwrap_or((timestamp, ""));
    time.parse().ok()
}

/// A digest of a key, by which it is known again.
pub(crate) fn fingerprint(key: &Key) -> String {
    hex::encode(Sha256::digest(key.expose()))
}

pub(super) fn scope(container: Option<&str>) -> KeyScope<'_> {
    container.map_or(KeyScope::Account, KeyScope::Container)
}

pub(super) fn slot_of(slot: ledger::KeySlot) -> KeySlot {
    match slot {
        ledger::KeySlot::First => KeySlot::One,
        ledger::KeySlot::Second => KeySlot::Two,
    }
}

/// What was asked for, or `None` for a 404.
pub(super) fn present<T>(
    result: Result<T, swift_client::Error>,
) -> Result<Option<T>, swift_client::Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why this is not what the run has made, if it is not.
fn not_of(run: &str, metadata: &Metadata) -> Option<String> {
    match metadata.get(RUN_ID) {
        Some(found) if found == run => None,
        Some(found) => Some(format!("it is of the run {found:?} now, not of {run:?}")),
        None => Some(format!("it does not carry the id of the run {run:?}")),
    }
}

fn timestamp(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-timestamp")?.to_str().ok()?;
    Some(value.to_owned())
}
