//! What is cleared away when a large object is replaced or deleted.

use std::collections::{BTreeSet, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::percent_decode_str;

use super::naming;
use crate::listing::Listed;
use crate::{
    Error, GetOptions, ListOptions, Manifest, ObjectOptions, Segment, Transfers, Versioning,
};

/// The object that says of the segments in its folder that several manifests share them. Swift itself keeps no count.
const SHARED_MARK: &str = ".shared";

/// A large object that is about to go, and what it stands on.
#[derive(Debug)]
pub(crate) struct OldObject {
    container: String,
    object: String,
    etag: Option<String>,
    parts: OldParts,
}

#[derive(Debug)]
enum OldParts {
    /// Segments, and manifests among them.
    Static(Vec<Segment>),
    Dynamic {
        container: String,
        prefix: String,
    },
}

impl OldObject {
    /// The large object of this name, if there is one and its segments may go with it: in a container that keeps old
    /// versions the manifest stays, and so must they.
    pub(crate) async fn find(
        transfers: &Transfers,
        container: &str,
        object: &str,
    ) -> Result<Option<Self>, Error> {
        let client = transfers.client();
        let turn = transfers.turn().await;
        // A symlink goes by itself: what it points to stays.
        let itself = GetOptions {
            symlink: true,
            ..GetOptions::default()
        };
        let info = client.head_object(container, object, &itself).await;
        drop(turn);
        let info = match info {
            Ok(info) => info,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_large = info.static_large_object || info.manifest.is_some();
        if !is_large || is_versioned(transfers, container).await? {
            return Ok(None);
        }
        let parts = if info.static_large_object {
            OldParts::Static(all_segments(transfers, container, object).await?)
        } else {
            let manifest = info.manifest.unwrap_or_default();
            let plain = percent_decode_str(&manifest).decode_utf8_lossy();
            let Some((container, prefix)) = plain.split_once('/') else {
                return Ok(None);
            };
            OldParts::Dynamic {
                container: container.to_owned(),
                prefix: prefix.to_owned(),
            }
        };
        Ok(Some(Self {
            container: container.to_owned(),
            object: object.to_owned(),
            etag: info.etag,
            parts,
        }))
    }

    /// Removes the segments that are not in `keep` and that no other manifest is known to need, and tells how many.
    ///
    /// What cannot be removed is left for the collection of orphans, and logged: the upload or deletion before this has
    /// succeeded.
    pub(crate) async fn remove(self, transfers: &Transfers, keep: &[Segment]) -> usize {
        let keep: HashSet<(&str, &str)> = keep
            .iter()
            .map(|segment| (segment.container.as_str(), segment.object.as_str()))
            .collect();
        self.removed(transfers, |container, name| {
            keep.contains(&(container, name))
        })
        .await
    }

    /// The same, keeping what lies below `home`.
    pub(crate) async fn remove_below(self, transfers: &Transfers, home: &str) -> usize {
        self.removed(transfers, |_, name| name.starts_with(home))
            .await
    }

    async fn removed(self, transfers: &Transfers, keeps: impl Fn(&str, &str) -> bool) -> usize {
        let (container, object) = (self.container.clone(), self.object.clone());
        match self.try_remove(transfers, keeps).await {
            Ok(removed) => removed,
            Err(error) => {
                tracing::warn!(%container, %object, %error, "segments of the large object before stay behind");
                0
            }
        }
    }

    async fn try_remove(
        self,
        transfers: &Transfers,
        keeps: impl Fn(&str, &str) -> bool,
    ) -> Result<usize, Error> {
        let candidates = self.candidates(transfers).await?;
        let gone: HashSet<(String, String)> = candidates
            .into_iter()
            .filter(|(container, name)| !keeps(container, name))
            .collect();
        if gone.is_empty() || self.is_shared(transfers, &gone).await? {
            return Ok(0);
        }
        let report = transfers
            .delete_all(stream::iter(gone.into_iter().map(Ok)))
            .await?;
        if let Some(failure) = report.failures.first() {
            tracing::warn!(
                left = report.failures.len(), first = %failure.object, reason = %failure.reason,
                "segments of the large object before stay behind"
            );
        }
        Ok(usize::try_from(report.deleted).unwrap_or(usize::MAX))
    }

    /// Container and name of what may be removed: only what lies in a container that is there for segments. A manifest
    /// may also join objects that have a life of their own.
    async fn candidates(&self, transfers: &Transfers) -> Result<Vec<(String, String)>, Error> {
        match &self.parts {
            OldParts::Static(segments) => Ok(segments
                .iter()
                .filter(|segment| segment.container.ends_with(naming::SUFFIX))
                .map(|segment| (segment.container.clone(), segment.object.clone()))
                .collect()),
            OldParts::Dynamic { container, prefix } => {
                let is_ours = container.ends_with(naming::SUFFIX)
                    && prefix.starts_with(&format!("{}/", self.object));
                if !is_ours {
                    return Ok(Vec::new());
                }
                let options = ListOptions {
                    prefix: Some(prefix.clone()),
                    ..ListOptions::default()
                };
                transfers
                    .client()
                    .list_objects(container, options)
                    .try_filter_map(|entry| async move {
                        Ok(entry.item().map(|object| (container.clone(), object.name)))
                    })
                    .try_collect()
                    .await
            }
        }
    }

    /// Whether another manifest is known to need some of these: by the mark that copies leave, or because an object in
    /// the same container has the same manifest, which is then marked for later.
    async fn is_shared(
        &self,
        transfers: &Transfers,
        segments: &HashSet<(String, String)>,
    ) -> Result<bool, Error> {
        let folders = match &self.parts {
            OldParts::Static(_) => folders(segments),
            OldParts::Dynamic { container, prefix } => BTreeSet::from([(
                container.clone(),
                naming::folder_of_prefix(prefix).to_owned(),
            )]),
        };
        for (container, folder) in folders {
            let _turn = transfers.turn().await;
            let mark = format!("{folder}{SHARED_MARK}");
            let options = GetOptions::default();
            let head = transfers.client().head_object(&container, &mark, &options);
            match head.await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let OldParts::Static(_) = &self.parts else {
            return Ok(false);
        };
        let mut entries = transfers
            .client()
            .list_objects(&self.container, ListOptions::default());
        while let Some(entry) = entries.try_next().await? {
            let Listed::Item(entry) = entry else { continue };
            let same = entry.slo_etag.is_some()
                && entry.slo_etag.as_deref().map(|etag| etag.trim_matches('"'))
                    == self.etag.as_deref();
            if !same || entry.name == self.object {
                continue;
            }
            let others = all_segments(transfers, &self.container, &entry.name).await?;
            let shares = others
                .into_iter()
                .any(|segment| segments.contains(&(segment.container, segment.object)));
            if shares {
                mark_as_shared(transfers, segments).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Leaves a mark in each folder of these segments, by container and name, that more than one manifest needs them.
pub(crate) async fn mark_as_shared(
    transfers: &Transfers,
    segments: &HashSet<(String, String)>,
) -> Result<(), Error> {
    mark_folders(transfers, folders(segments)).await
}

/// The same for a dynamic large object. The mark lies beside its prefix: below, it would be content.
pub(crate) async fn mark_prefix_as_shared(
    transfers: &Transfers,
    container: &str,
    prefix: &str,
) -> Result<(), Error> {
    let folder = naming::folder_of_prefix(prefix).to_owned();
    mark_folders(transfers, BTreeSet::from([(container.to_owned(), folder)])).await
}

async fn mark_folders(
    transfers: &Transfers,
    folders: BTreeSet<(String, String)>,
) -> Result<(), Error> {
    for (container, folder) in folders {
        let _turn = transfers.turn().await;
        let mark = format!("{folder}{SHARED_MARK}");
        transfers
            .client()
            .put_object(&container, &mark, "", &ObjectOptions::default())
            .await?;
    }
    Ok(())
}

/// Whether `name` is that of a mark rather than a segment.
pub(crate) fn is_mark(name: &str) -> bool {
    name.strip_suffix(SHARED_MARK)
        .is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

fn folders(segments: &HashSet<(String, String)>) -> BTreeSet<(String, String)> {
    segments
        .iter()
        .map(|(container, name)| (container.clone(), naming::folder(name).to_owned()))
        .collect()
}

async fn is_versioned(transfers: &Transfers, container: &str) -> Result<bool, Error> {
    let _turn = transfers.turn().await;
    let info = transfers.client().head_container(container).await?;
    Ok(matches!(
        info.versioning,
        Some(Versioning::Stack { .. } | Versioning::History { .. } | Versioning::Enabled(_))
    ))
}

/// All that a static large object stands on: its segments, the manifests among them, and what these stand on.
pub(crate) async fn all_segments(
    transfers: &Transfers,
    container: &str,
    object: &str,
) -> Result<Vec<Segment>, Error> {
    let client = transfers.client();
    let open = |container: String, object: String| async move {
        let _turn = transfers.turn().await;
        client.get_slo_manifest(&container, &object, None).await
    };
    let Manifest { mut segments, .. } = open(container.to_owned(), object.to_owned()).await?;
    let mut level: Vec<Segment> = inner_manifests(&segments);
    while !level.is_empty() {
        let opened: Vec<Manifest> = stream::iter(level)
            .map(|segment| open(segment.container, segment.object))
            .buffer_unordered(4)
            .try_collect()
            .await?;
        let inner: Vec<Segment> = opened
            .into_iter()
            .flat_map(|manifest| manifest.segments)
            .collect();
        level = inner_manifests(&inner);
        segments.extend(inner);
    }
    Ok(segments)
}

fn inner_manifests(segments: &[Segment]) -> Vec<Segment> {
    segments
        .iter()
        .filter(|segment| segment.is_manifest)
        .cloned()
        .collect()
}
