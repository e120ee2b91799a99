//! Dynamic large objects: segments below a prefix that no other content shares, and an empty object that names it.

use futures_util::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};

use super::source::{Part, Source};
use super::{Upload, Uploaded};
use crate::body::hex_md5;
use crate::metadata::set;
use crate::path::escaped_path;
use crate::progress::Event;
use crate::{Body, Error, GetOptions, ObjectOptions, Progress, Segment};

/// The parts of a dynamic large object, in place.
pub(super) struct Dynamic {
    /// The prefix: everything below it is content.
    pub(super) home: String,
    /// MD5 and size of each, in order.
    pub(super) segments: Vec<(String, u64)>,
    pub(super) reused: usize,
}

impl Upload<'_> {
    /// Everything below the prefix is content, so the prefix must belong to this content alone: it is named by the hash
    /// of all hashes, for which the source is read once more beforehand.
    pub(super) async fn dynamic(&self, source: &Source, size: u64) -> Result<Uploaded, Error> {
        self.check_new().await?;
        let parallel = self.transfers.settings().concurrency.max(1);
        let hashes: Vec<(Part, String)> = stream::iter(source.parts(size))
            .map(|part| async move {
                let _turn = self.transfers.turn().await;
                source.md5(part).await.map(|md5| (part, md5))
            })
            .buffered(parallel)
            .try_collect()
            .await?;
        let segments: Vec<_> = hashes
            .iter()
            .map(|(part, md5)| (md5.clone(), part.length))
            .collect();
        let home = self.home("dlo");
        let home = format!(
            "{home}{}-{}-{size}/",
            joint_etag(&segments),
            source.length()
        );
        let listed = self.listed_hashes(&home).await?;
        let place = |(number, (part, md5)): (usize, (Part, String))| {
            let object = segment_name(&home, number);
            let is_listed = listed.get(&object) == Some(&md5);
            let home = &home;
            async move {
                let segment = Segment {
                    container: self.segment_container.clone(),
                    object,
                    etag: md5.clone(),
                    bytes: part.length,
                    range: None,
                    is_manifest: false,
                };
                let turn = self.transfers.turn().await;
                let reused = is_listed && self.is_there(&segment).await?;
                drop(turn);
                if reused {
                    let bytes = part.length;
                    self.options.progress.tell(Event::Segment { bytes, reused });
                } else {
                    let _memory = self.transfers.memory(source.memory_bytes()).await;
                    self.place_dynamic(home, number, source.body(part), &md5)
                        .await?;
                }
                Ok::<_, Error>(usize::from(reused))
            }
        };
        let reused = stream::iter(hashes.into_iter().enumerate())
            .map(place)
            .buffer_unordered(parallel)
            .try_fold(0, |sum, reused| async move { Ok(sum + reused) })
            .await?;
        source.check_unchanged().await?;
        self.finish_dynamic(Dynamic {
            home,
            segments,
            reused,
        })
        .await
    }

    /// Stores one segment; its number is its place.
    pub(super) async fn place_dynamic(
        &self,
        home: &str,
        number: usize,
        body: Body,
        md5: &str,
    ) -> Result<(), Error> {
        let bytes = body.length().unwrap_or_default();
        let name = segment_name(home, number);
        let (options, progress) = (self.segment_options(md5), &self.options.progress);
        let _turn = self.transfers.turn().await;
        self.transfers
            .client()
            .store(&self.segment_container, &name, body, &options, progress)
            .await?;
        let reused = false;
        progress.tell(Event::Segment { bytes, reused });
        Ok(())
    }

    /// Puts the manifest in place, and clears away what it replaces.
    pub(super) async fn finish_dynamic(&self, parts: Dynamic) -> Result<Uploaded, Error> {
        let old = self.old().await?;
        let mut options = ObjectOptions {
            etag: None,
            ..self.properties.clone()
        };
        let prefix = escaped_path(&self.segment_container, &parts.home);
        set(&mut options.headers, "x-object-manifest", &prefix)?;
        let turn = self.transfers.turn().await;
        let client = self.transfers.client();
        let quiet = Progress::default();
        let stored = client
            .store(self.container, self.object, Body::empty(), &options, &quiet)
            .await?;
        drop(turn);
        let bytes = parts.segments.iter().map(|(_, bytes)| bytes).sum();
        self.wait_for_listing(&parts, bytes).await?;
        let removed_segments = match old {
            Some(old) => old.remove_below(self.transfers, &parts.home).await,
            None => 0,
        };
        Ok(Uploaded {
            stored,
            bytes,
            segments: parts.segments.len(),
            reused_segments: parts.reused,
            removed_segments,
        })
    }

    /// Waits until the object reads as what was sent: its segments come from a listing, which may lag behind.
    async fn wait_for_listing(&self, parts: &Dynamic, bytes: u64) -> Result<(), Error> {
        // Beyond one page of segments Swift tells neither size nor hash of the whole.
        if parts.segments.len() >= self.limits.swift.container_listing_limit as usize {
            return Ok(());
        }
        let etag = joint_etag(&parts.segments);
        let policy = self.transfers.client().transport().retry_policy();
        let mut wait = policy.min_delay;
        for _ in 0..policy.attempts.max(1) {
            let turn = self.transfers.turn().await;
            let client = self.transfers.client();
            let info = client
                .head_object(self.container, self.object, &GetOptions::default())
                .await?;
            drop(turn);
            if info.bytes == Some(bytes) && info.etag.as_deref() == Some(&etag) {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(policy.max_delay);
        }
        Err(Error::Unusable {
            container: self.container.to_owned(),
            object: self.object.to_owned(),
            reason:
                "all segments are stored, but the listing that it is made of does not show them yet"
                    .to_owned(),
        })
    }
}

fn segment_name(home: &str, number: usize) -> String {
    format!("{home}{number:08}")
}

/// The `ETag` that Swift gives a dynamic large object (`swift/common/middleware/dlo.py`).
fn joint_etag(segments: &[(String, u64)]) -> String {
    let mut md5 = Md5::new();
    for (hash, _) in segments {
        md5.update(hash);
    }
    hex_md5(md5)
}
