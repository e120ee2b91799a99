//! Deleting the segments that a run has made, unless a large object needs them that it has not.
//!
//! Segments are named by their content, so that a later upload of the same object may stand on those of an earlier one;
//! and copies of a large object stand on the segments of the original, beside which a mark then lies.

use std::collections::HashSet;

use anyhow::{Context as _, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::percent_decode_str;
use swift_client::{
    AuditOptions, Client, DeleteOptions, GetOptions, ListOptions, Listed, TransferSettings,
    Transfers,
};

use super::look::present;
use super::{AT_ONCE, Evidence, Outcome};

/// The object that lies beside segments that several manifests share.
const MARK: &str = ".shared";

/// Deletes what is in `evidence`. Of large objects that were recorded as well, the manifests are gone by now.
pub(super) async fn delete(
    client: &Client,
    container: &str,
    prefix: &str,
    manifest: Option<&str>,
    evidence: Evidence,
) -> anyhow::Result<Outcome> {
    let ours: HashSet<&str> = evidence
        .segments
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let mark = format!("{prefix}{MARK}");
    let is_shared = {
        let options = GetOptions::default();
        present(client.head_object(container, &mark, &options).await)?.is_some()
    };
    if is_shared {
        check_copies(client, container, &ours).await?;
    }
    if let Some(manifest) = manifest {
        check_successor(client, container, manifest, &ours).await?;
    }
    let options = DeleteOptions::default();
    let mut deleted = stream::iter(&ours)
        .map(async |name| present(client.delete_object(container, name, &options).await))
        .buffer_unordered(AT_ONCE);
    while deleted.try_next().await?.is_some() {}
    if is_shared && first(client, container, prefix).await?.as_ref() == Some(&mark) {
        present(client.delete_object(container, &mark, &options).await)?;
    }
    Ok(Outcome::Removed)
}

/// Fails if a copy of the large object, wherever in the account, needs its segments.
async fn check_copies(
    client: &Client,
    container: &str,
    ours: &HashSet<&str>,
) -> anyhow::Result<()> {
    let options = AuditOptions {
        segment_containers: vec![container.to_owned()],
        ..AuditOptions::default()
    };
    let audit = Transfers::new(client, TransferSettings::default());
    let audit = audit.audit_segments(&options).await?;
    let free = audit
        .orphans
        .iter()
        .filter(|orphan| orphan.container == container && ours.contains(orphan.object.as_str()));
    let free = free.count();
    if free < ours.len() {
        let needed = ours.len() - free;
        bail!("copies of the large object need {needed} of them");
    }
    Ok(())
}

/// Fails if the object that is there by now, under the name that the segments are for, needs them.
async fn check_successor(
    client: &Client,
    container: &str,
    manifest: &str,
    ours: &HashSet<&str>,
) -> anyhow::Result<()> {
    let (of, object) = manifest
        .split_once('/')
        .with_context(|| format!("`manifest` is {manifest:?} and not CONTAINER/OBJECT"))?;
    let options = GetOptions::default();
    let Some(info) = present(client.head_object(of, object, &options).await)? else {
        return Ok(());
    };
    let needs = if info.static_large_object {
        let manifest = client.flat_slo_manifest(of, object, None).await?;
        let mut segments = manifest.segments.iter();
        segments
            .any(|segment| segment.container == container && ours.contains(segment.object.as_str()))
    } else {
        let manifest = info.manifest.unwrap_or_default();
        let manifest = percent_decode_str(&manifest).decode_utf8_lossy();
        let prefix = manifest
            .split_once('/')
            .filter(|(of, _)| *of == container)
            .map(|(_, prefix)| prefix);
        prefix.is_some_and(|prefix| ours.iter().any(|name| name.starts_with(prefix)))
    };
    if needs {
        bail!("{of}/{object}, which is still there, needs them");
    }
    Ok(())
}

/// The first name that begins so, if it is the only one.
async fn first(
    client: &Client,
    container: &str,
    prefix: &str,
) -> Result<Option<String>, swift_client::Error> {
    let options = ListOptions {
        prefix: Some(prefix.to_owned()),
        limit: Some(2),
        ..ListOptions::default()
    };
    let Some((_, listed)) = present(client.get_container(container, &options).await)? else {
        return Ok(None);
    };
    let mut names = listed.into_iter().filter_map(Listed::item);
    let first = names.next().map(|object| object.name);
    Ok(first.filter(|_| names.next().is_none()))
}
