//! Segments of what can be read again: several at a time, named by content, none sent twice.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::source::{Part, Source};
use super::{Upload, Uploaded};
use crate::listing::Listed;
use crate::progress::Event;
use crate::segments::naming;
use crate::{Body, Error, GetOptions, ListOptions, Segment};

/// What is known of segments while an upload runs.
#[derive(Default)]
pub(super) struct Known {
    /// There before, by name; from a listing, so to be looked at before it is relied on.
    listed: HashSet<String>,
    /// Sent, or taken care of, by this upload.
    claimed: Mutex<HashSet<String>>,
}

impl Known {
    /// Whether this name is new to the upload; it is not, the next time.
    fn claim(&self, name: &str) -> bool {
        self.claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned())
    }
}

/// A segment in its place.
pub(super) struct Placed {
    pub(super) segment: Segment,
    pub(super) reused: bool,
}

impl Upload<'_> {
    pub(super) async fn segmented(&self, source: &Source, size: u64) -> Result<Uploaded, Error> {
        self.need_slo()?;
        let most = self.most_segments() as u64;
        if source.length().div_ceil(size) > most.saturating_mul(most) {
            return Err(Error::TooManySegments {
                container: self.container.to_owned(),
                object: self.object.to_owned(),
                limit: most.saturating_mul(most),
            });
        }
        self.check_new().await?;
        let home = self.home("slo");
        let known = self.known_segments(&home).await?;
        let place = |part: Part| self.place_part(source, part, &home, &known);
        let placed: Vec<Placed> = stream::iter(source.parts(size))
            .map(place)
            .buffered(self.transfers.settings().concurrency.max(1))
            .try_collect()
            .await?;
        source.check_unchanged().await?;
        let reused = placed.iter().filter(|placed| placed.reused).count();
        let segments = placed.into_iter().map(|placed| placed.segment).collect();
        self.finish(segments, reused).await
    }

    pub(super) fn need_slo(&self) -> Result<(), Error> {
        // A cloud that tells nothing at all has no version, either.
        let silent = self.limits.swift.version.is_none() && self.limits.others.is_empty();
        if self.limits.slo.is_none() && !silent {
            return Err(Error::Unsupported { feature: "slo" });
        }
        Ok(())
    }

    /// Makes sure of the segment container, and looks what is in it of this object.
    pub(super) async fn known_segments(&self, home: &str) -> Result<Known, Error> {
        let existed = self
            .transfers
            .has_segment_container(&self.segment_container)
            .await?;
        self.transfers
            .need_segment_container(&self.segment_container, self.container)
            .await?;
        let mut known = Known::default();
        if existed {
            for (name, etag, bytes) in self.list_segments(home).await? {
                if name == naming::name(home, &etag, bytes) {
                    known.listed.insert(name);
                }
            }
        }
        Ok(known)
    }

    /// Name, hash and size of what is listed in a folder of the segment container.
    pub(super) async fn list_segments(
        &self,
        home: &str,
    ) -> Result<Vec<(String, String, u64)>, Error> {
        let options = ListOptions {
            prefix: Some(home.to_owned()),
            delimiter: Some("/".to_owned()),
            ..ListOptions::default()
        };
        let client = self.transfers.client();
        client
            .list_objects(&self.segment_container, options)
            .try_filter_map(|entry| async move {
                Ok(match entry {
                    Listed::Item(object) => Some((object.name, object.etag, object.bytes)),
                    Listed::Subdir(_) => None,
                })
            })
            .try_collect()
            .await
    }

    async fn place_part(
        &self,
        source: &Source,
        part: Part,
        home: &str,
        known: &Known,
    ) -> Result<Placed, Error> {
        let _memory = self.transfers.memory(source.memory_bytes()).await;
        let turn = self.transfers.turn().await;
        let md5 = source.md5(part).await?;
        drop(turn);
        let body = source.body(part);
        let placed = self.place(body, &md5, part.length, home, known).await;
        if matches!(placed, Err(Error::Unprocessable(_))) {
            // It has another MD5 than before: was it written to?
            source.check_unchanged().await?;
        }
        placed
    }

    /// Stores a segment under the name that its content has, unless it is there.
    pub(super) async fn place(
        &self,
        body: Body,
        md5: &str,
        bytes: u64,
        home: &str,
        known: &Known,
    ) -> Result<Placed, Error> {
        let segment = Segment {
            container: self.segment_container.clone(),
            object: naming::name(home, md5, bytes),
            etag: md5.to_owned(),
            bytes,
            range: None,
            is_manifest: false,
        };
        let progress = &self.options.progress;
        let reused = if known.claim(&segment.object) {
            let _turn = self.transfers.turn().await;
            let reused = known.listed.contains(&segment.object) && self.is_there(&segment).await?;
            if !reused {
                let options = self.segment_options(md5);
                let client = self.transfers.client();
                client
                    .store(
                        &segment.container,
                        &segment.object,
                        body,
                        &options,
                        progress,
                    )
                    .await?;
            }
            reused
        } else {
            // The same content a second time.
            true
        };
        progress.tell(Event::Segment { bytes, reused });
        Ok(Placed { segment, reused })
    }

    /// Whether a segment that is listed is there in truth, and will stay as long as this object.
    pub(super) async fn is_there(&self, segment: &Segment) -> Result<bool, Error> {
        let client = self.transfers.client();
        let options = GetOptions::default();
        match client
            .head_object(&segment.container, &segment.object, &options)
            .await
        {
            Ok(info) => Ok(info.etag.as_deref() == Some(&segment.etag)
                && info.bytes == Some(segment.bytes)
                && info.delete_at.map(jiff::Timestamp::as_second)
                    == self.properties.delete_at.map(jiff::Timestamp::as_second)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes sure of the segment container, and tells the hashes of what is stored in `home`, by name.
    pub(super) async fn listed_hashes(&self, home: &str) -> Result<HashMap<String, String>, Error> {
        self.transfers
            .need_segment_container(&self.segment_container, self.container)
            .await?;
        let listed = self.list_segments(home).await?;
        Ok(listed
            .into_iter()
            .map(|(name, etag, _)| (name, etag))
            .collect())
    }
}
