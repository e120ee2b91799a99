//! Uploads of any size: as one object where that will do, else as segments and a manifest.

mod dynamic;
mod pipe;
pub(crate) mod plan;
mod segmented;
mod source;

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::body::Parts;
use crate::file::{self, CHUNK_BYTES};
use crate::segments::{OldObject, naming};
use crate::{
    Body, Capabilities, Error, Manifest, Metadata, ObjectOptions, Progress, Segment, Stored,
    Transfers,
};
use source::Source;

/// How a large object's manifest is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LargeObject {
    /// A static large object: the manifest lists its segments with their hashes, so that it is whole or not there.
    #[default]
    Static,
    /// A dynamic large object: whatever the listing of a prefix shows at the time of reading. For clouds and tools that
    /// know no other; the listing may lag behind.
    Dynamic,
}

/// What becomes of the segments of a large object that is replaced or deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldSegments {
    /// Those that nothing refers to any more are removed, after the manifest. They stay where the container keeps old
    /// versions, and where another manifest is known to share them; see [`Transfers::audit_segments`] for those.
    #[default]
    Remove,
    /// They stay. This also saves the request that asks whether there is a large object.
    Keep,
}

/// How an upload is done.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// Properties of the object. [`ObjectOptions::etag`] is checked for what is stored as one object.
    pub object: ObjectOptions,
    /// Segment size in bytes, instead of that of the [`TransferSettings`](crate::TransferSettings). Whatever has at
    /// most so many bytes becomes one object. The cloud's limits are kept in any case.
    pub segment_bytes: Option<u64>,
    /// How a manifest is written.
    pub large_object: LargeObject,
    /// Where segments go; `<container>_segments` if not said.
    pub segment_container: Option<String>,
    /// Metadata of the segments that are stored. Those that are there already keep what they have.
    pub segment_metadata: Metadata,
    /// What becomes of the segments of an object that is replaced.
    pub old_segments: OldSegments,
    /// Where to tell of progress.
    pub progress: Progress,
}

/// What an upload came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// What the server says of the object or its manifest.
    pub stored: Stored,
    /// Size of the object in bytes.
    pub bytes: u64,
    /// Number of segments; 0 if it is one plain object.
    pub segments: usize,
    /// How many of these were there already, from an upload that did not come to its end or from the object that was
    /// replaced.
    pub reused_segments: usize,
    /// How many segments of the object that was replaced have been removed.
    pub removed_segments: usize,
}

impl Transfers {
    /// Uploads a file.
    ///
    /// Up to [`UploadOptions::segment_bytes`] it becomes one object; else segments, several at a time, and a manifest.
    /// The MD5 of each goes out with it, so that the server stores nothing else. Segments are named by their content
    /// (`<object>/slo/<MD5>-<bytes>` in the segment container), so that after an interruption the same call sends only
    /// what is missing. What is no ordinary file, such as a named pipe, is read as a stream.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::FileChanged`], [`Error::NameTooLong`], [`Error::NotFound`] without the container,
    /// [`Error::QuotaExceeded`], [`Error::Unsupported`], and those of a connection. The object is then as it was.
    pub async fn upload_file(
        &self,
        container: &str,
        object: &str,
        path: impl AsRef<Path>,
        options: &UploadOptions,
    ) -> Result<Uploaded, Error> {
        let upload = Upload::prepare(self, container, object, options).await?;
        let path = path.as_ref();
        let memory = self.memory(CHUNK_BYTES as u64).await;
        if let Some((bytes, md5)) = file::read_small(path).await? {
            let mut properties = upload.properties.clone();
            properties.etag.get_or_insert(md5);
            return upload.put(bytes.into(), &properties).await;
        }
        drop(memory);
        upload.body(Body::file(path).await?).await
    }

    /// Where the segments of an upload of `length` bytes go, if it may come to any: containers and prefixes that hold
    /// nothing but segments of this object. `None` for a stream of unknown length.
    ///
    /// Of an upload with [`ObjectOptions::delete_after`] it tells nothing to rely on, since the segments' names have the
    /// time in them: say [`ObjectOptions::delete_at`].
    ///
    /// # Errors
    /// [`Error::NameTooLong`], and those of asking the cloud for its limits.
    pub async fn segment_places(
        &self,
        container: &str,
        object: &str,
        length: Option<u64>,
        options: &UploadOptions,
    ) -> Result<Vec<(String, String)>, Error> {
        let upload = Upload::prepare(self, container, object, options).await?;
        let (settings, limits) = (self.settings(), &upload.limits);
        let wish = options.segment_bytes;
        let count = match length {
            Some(length) => {
                let size = plan::segment_bytes(wish, &settings, length, limits);
                length.div_ceil(size)
            }
            None => u64::MAX,
        };
        let mut kinds = Vec::new();
        if count > 1 {
            match options.large_object {
                LargeObject::Static => kinds.push("slo"),
                LargeObject::Dynamic => kinds.push("dlo"),
            }
        }
        if count > upload.most_segments() as u64 && options.large_object == LargeObject::Static {
            kinds.push("manifests");
        }
        let place = |kind| (upload.segment_container.clone(), upload.home(kind));
        Ok(kinds.into_iter().map(place).collect())
    }

    /// Uploads from memory, from a part of a file, or from a stream.
    ///
    /// A stream of unknown length that ends within one segment becomes a plain object. A longer one is cut into
    /// segments as it comes, each held in memory until it is stored. More segments than one manifest takes are put into
    /// manifests of their own, so that a pipe may go on for as long as it likes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use bytes::Bytes;
    /// use futures_util::stream;
    /// use swift_client::{Body, ContainerOptions, TransferSettings, Transfers, UploadOptions};
    ///
    /// client.put_container("logs", &ContainerOptions::default()).await?;
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let lines = stream::iter((0..5).map(|n| Ok(Bytes::from(format!("line {n}\n")))));
    /// let options = UploadOptions { segment_bytes: Some(16), ..UploadOptions::default() };
    /// let uploaded = transfers.upload("logs", "today", Body::stream(lines, None), &options).await?;
    /// assert_eq!((uploaded.bytes, uploaded.segments), (35, 3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Transfers::upload_file`]; [`Error::Length`] if a stream does not give what it was said to;
    /// [`Error::Source`] if it fails.
    pub async fn upload(
        &self,
        container: &str,
        object: &str,
        body: impl Into<Body>,
        options: &UploadOptions,
    ) -> Result<Uploaded, Error> {
        Upload::prepare(self, container, object, options)
            .await?
            .body(body.into())
            .await
    }
}

/// One upload.
struct Upload<'a> {
    transfers: &'a Transfers,
    container: &'a str,
    object: &'a str,
    options: &'a UploadOptions,
    /// Properties of the object; with a time to expire at rather than after.
    properties: ObjectOptions,
    segment_container: String,
    limits: Arc<Capabilities>,
}

impl<'a> Upload<'a> {
    async fn prepare(
        transfers: &'a Transfers,
        container: &'a str,
        object: &'a str,
        options: &'a UploadOptions,
    ) -> Result<Self, Error> {
        let limits = transfers.limits().await?;
        plan::check_names(container, object, &limits)?;
        let segment_container = options
            .segment_container
            .clone()
            .unwrap_or_else(|| naming::container_for(container));
        Ok(Self {
            transfers,
            container,
            object,
            options,
            properties: options.object.clone(),
            segment_container,
            limits,
        })
    }

    async fn body(mut self, body: Body) -> Result<Uploaded, Error> {
        match body.into_parts() {
            Parts::Bytes(bytes) => {
                let source = Source::Bytes(bytes);
                self.known(source).await
            }
            Parts::File {
                path,
                offset,
                length,
            } => {
                let source = Source::file(path, offset, length).await?;
                self.known(source).await
            }
            Parts::Stream(stream, length) => {
                let size = plan::pipe_segment_bytes(
                    self.options.segment_bytes,
                    &self.transfers.settings(),
                    &self.limits,
                );
                self.fix_expiry();
                self.pipe(stream, length, size).await
            }
        }
    }

    /// Uploads what can be read again, and has a length.
    async fn known(mut self, source: Source) -> Result<Uploaded, Error> {
        let length = source.length();
        let size = plan::segment_bytes(
            self.options.segment_bytes,
            &self.transfers.settings(),
            length,
            &self.limits,
        );
        if length <= size {
            return self.whole(&source).await;
        }
        self.fix_expiry();
        match self.options.large_object {
            LargeObject::Static => self.segmented(&source, size).await,
            LargeObject::Dynamic => self.dynamic(&source, size).await,
        }
    }

    /// Sends a source as one object.
    async fn whole(&self, source: &Source) -> Result<Uploaded, Error> {
        let part = source.part(0, source.length());
        let _memory = self.transfers.memory(source.memory_bytes()).await;
        let turn = self.transfers.turn().await;
        let md5 = match &self.options.object.etag {
            Some(md5) => md5.clone(),
            None => source.md5(part).await?,
        };
        drop(turn);
        let options = ObjectOptions {
            etag: Some(md5),
            ..self.properties.clone()
        };
        let uploaded = self.put(source.body(part), &options).await;
        if !matches!(uploaded, Err(Error::Unprocessable(_))) {
            return uploaded;
        }
        // Refused because it has another MD5 than before: was it written to?
        source.check_unchanged().await?;
        uploaded
    }

    async fn put(&self, body: Body, options: &ObjectOptions) -> Result<Uploaded, Error> {
        let old = self.old().await?;
        let bytes = body.length().unwrap_or_default();
        let turn = self.transfers.turn().await;
        let stored = self
            .transfers
            .client()
            .store(
                self.container,
                self.object,
                body,
                options,
                &self.options.progress,
            )
            .await?;
        drop(turn);
        let removed_segments = match old {
            Some(old) => old.remove(self.transfers, &[]).await,
            None => 0,
        };
        Ok(Uploaded {
            stored,
            bytes,
            segments: 0,
            reused_segments: 0,
            removed_segments,
        })
    }

    /// The large object that is to be replaced, if there is one and its segments are to go.
    async fn old(&self) -> Result<Option<OldObject>, Error> {
        if self.options.old_segments == OldSegments::Keep || self.options.object.only_if_new {
            return Ok(None);
        }
        if !self
            .transfers
            .has_segment_container(&self.segment_container)
            .await?
        {
            return Ok(None);
        }
        OldObject::find(self.transfers, self.container, self.object).await
    }

    /// Segments must not go before their manifest, however long the upload takes: what shall expire after some time
    /// expires at a time.
    fn fix_expiry(&mut self) {
        if let Some(after) = self.properties.delete_after.take() {
            let now = self.transfers.client().session().clock().now();
            let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
            let at = now.checked_add(after).unwrap_or(Timestamp::MAX);
            self.properties.delete_at.get_or_insert(at);
        }
    }

    /// What segments have of the object's properties.
    fn segment_options(&self, md5: &str) -> ObjectOptions {
        ObjectOptions {
            content_type: Some("application/octet-stream".to_owned()),
            delete_at: self.properties.delete_at,
            etag: Some(md5.to_owned()),
            metadata: self.options.segment_metadata.clone(),
            ..ObjectOptions::default()
        }
    }

    fn home(&self, kind: &str) -> String {
        naming::home(
            self.object,
            kind,
            self.properties.delete_at,
            self.limits.swift.max_object_name_length,
        )
    }

    /// Fails before the first byte if the object must be new and is not.
    async fn check_new(&self) -> Result<(), Error> {
        if !self.options.object.only_if_new {
            return Ok(());
        }
        let _turn = self.transfers.turn().await;
        let options = crate::GetOptions {
            if_none_match: Some("*".to_owned()),
            ..crate::GetOptions::default()
        };
        let client = self.transfers.client();
        match client
            .head_object(self.container, self.object, &options)
            .await
        {
            Err(error) if error.is_not_found() => Ok(()),
            Err(Error::NotModified(exchange)) => Err(Error::PreconditionFailed(exchange)),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// Puts the manifest of `segments` in place, and clears away what it replaces.
    async fn finish(&self, segments: Vec<Segment>, reused: usize) -> Result<Uploaded, Error> {
        let old = self.old().await?;
        let bytes = segments.iter().map(Segment::length).sum();
        let count = segments.len();
        let mut keep = segments.clone();
        let top = self.nest(segments, &mut keep).await?;
        let turn = self.transfers.turn().await;
        let stored = self
            .transfers
            .client()
            .put_slo_manifest(self.container, self.object, &top, &self.properties)
            .await?;
        drop(turn);
        let removed_segments = match old {
            Some(old) => old.remove(self.transfers, &keep).await,
            None => 0,
        };
        Ok(Uploaded {
            stored,
            bytes,
            segments: count,
            reused_segments: reused,
            removed_segments,
        })
    }

    fn most_segments(&self) -> usize {
        let slo = self.limits.slo.as_ref();
        slo.map_or(1000, |slo| slo.max_manifest_segments).max(1)
    }

    /// As many segments as one manifest takes: these themselves, or manifests of them. What is written for that is
    /// added to `keep`.
    async fn nest(
        &self,
        segments: Vec<Segment>,
        keep: &mut Vec<Segment>,
    ) -> Result<Vec<Segment>, Error> {
        let most = self.most_segments();
        if segments.len() <= most {
            return Ok(segments);
        }
        if segments.len().div_ceil(most) > most {
            return Err(Error::TooManySegments {
                container: self.container.to_owned(),
                object: self.object.to_owned(),
                limit: (most as u64).saturating_mul(most as u64),
            });
        }
        let home = self.home("manifests");
        let mut manifests = Vec::new();
        for group in segments.chunks(most) {
            let etag = Manifest::etag_of(group);
            let bytes = group.iter().map(Segment::length).sum();
            let object = naming::name(&home, &etag, bytes);
            let options = ObjectOptions {
                etag: None,
                ..self.segment_options("")
            };
            let _turn = self.transfers.turn().await;
            let client = self.transfers.client();
            client
                .put_slo_manifest(&self.segment_container, &object, group, &options)
                .await?;
            manifests.push(Segment {
                container: self.segment_container.clone(),
                object,
                etag,
                bytes,
                range: None,
                is_manifest: true,
            });
        }
        keep.extend(manifests.iter().cloned());
        Ok(manifests)
    }
}
