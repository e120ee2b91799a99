//! Multipart uploads: each part is a segment, and the manifest makes an object of them.
//!
//! Parts are `<object>/parts/<upload>/<number>` in `<container>_segments`. An upload that is neither completed nor
//! aborted leaves them there, as a large object's upload does that was interrupted; the audit of segments finds them.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, TryStreamExt};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Error, MultipartId, MultipartUpload, PutMultipartOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use uuid::Uuid;

use super::convert::{NAME, failed, put_result};
use super::{SwiftStore, attributes};
use crate::segments::OldObject;
use crate::{
    ContainerOptions, GetOptions, ListOptions, Listed, ObjectOptions, Segment, UploadOptions,
};

/// What the parts of one upload begin with.
#[derive(Clone, Debug)]
struct Parts {
    store: SwiftStore,
    location: Path,
    container: String,
    prefix: String,
}

impl Parts {
    fn new(store: &SwiftStore, location: &Path, upload: &str) -> Self {
        Self {
            store: store.clone(),
            location: location.clone(),
            container: crate::segments::naming::container_for(&store.container),
            prefix: format!("{location}/parts/{upload}/"),
        }
    }

    fn fail(&self, error: crate::Error) -> Error {
        failed(&self.location, error, false)
    }

    fn name(&self, number: usize) -> String {
        format!("{}{number:08}", self.prefix)
    }

    /// Stores an object in the container for segments, which is made when it turns out not to be there.
    async fn put(
        &self,
        name: &str,
        data: Bytes,
        options: &ObjectOptions,
    ) -> Result<crate::Stored, crate::Error> {
        let client = self.store.client();
        match client
            .put_object(&self.container, name, data.clone(), options)
            .await
        {
            Err(crate::Error::NotFound(_)) => {}
            other => return other,
        }
        let container = ContainerOptions::default();
        client.put_container(&self.container, &container).await?;
        client
            .put_object(&self.container, name, data, options)
            .await
    }

    async fn put_part(&self, number: usize, data: Bytes) -> Result<Segment> {
        let object = self.name(number);
        let bytes = data.len() as u64;
        let stored = self
            .put(&object, data, &ObjectOptions::default())
            .await
            .map_err(|error| self.fail(error))?;
        Ok(Segment {
            container: self.container.clone(),
            object,
            etag: stored.etag.unwrap_or_default(),
            bytes,
            range: None,
            is_manifest: false,
        })
    }

    /// Makes the object. What it replaces goes, with its segments.
    async fn complete(&self, mut parts: Vec<Segment>, object: ObjectOptions) -> Result<PutResult> {
        // A manifest takes no empty segment, and an object may do without.
        parts.retain(|part| part.bytes > 0);
        let (container, location) = (&self.store.container, self.location.as_ref());
        let transfers = &self.store.transfers;
        let stored = async {
            if parts.is_empty() {
                let options = UploadOptions {
                    object,
                    ..UploadOptions::default()
                };
                let uploaded = transfers.upload(container, location, Bytes::new(), &options);
                return Ok(uploaded.await?.stored);
            }
            let old = OldObject::find(transfers, container, location).await?;
            let client = transfers.client();
            let stored = client.put_slo_manifest(container, location, &parts, &object);
            let stored = stored.await?;
            if let Some(old) = old {
                old.remove(transfers, &parts).await;
            }
            Ok(stored)
        };
        let stored: Result<_, crate::Error> = stored.await;
        stored.map(put_result).map_err(|error| self.fail(error))
    }

    /// Removes all parts that are there.
    async fn abort(&self) -> Result<()> {
        let options = ListOptions {
            prefix: Some(self.prefix.clone()),
            ..ListOptions::default()
        };
        let container = self.container.clone();
        let names = (self.store.client().list_objects(&container, options)).try_filter_map(
            move |entry: Listed<crate::ObjectEntry>| {
                let name = entry.item().map(|object| (container.clone(), object.name));
                std::future::ready(Ok(name))
            },
        );
        let report = match self.store.transfers.delete_all(names).await {
            Ok(report) => report,
            // Without the container there are no parts.
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(self.fail(error)),
        };
        match report.failures.first() {
            None => Ok(()),
            Some(failure) => Err(super::convert::refused(&self.location, &failure.reason)),
        }
    }
}

/// An upload that is under way.
#[derive(Debug)]
pub(super) struct Upload {
    parts: Parts,
    object: ObjectOptions,
    next: usize,
    stored: Arc<Mutex<Vec<(usize, Segment)>>>,
}

impl Upload {
    pub(super) fn new(store: &SwiftStore, location: &Path, object: ObjectOptions) -> Self {
        Self {
            parts: Parts::new(store, location, &new_id()),
            object,
            next: 0,
            stored: Arc::default(),
        }
    }

    fn stored(&self) -> Vec<(usize, Segment)> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.clone()
    }
}

fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = self.next;
        self.next += 1;
        let (parts, stored) = (self.parts.clone(), Arc::clone(&self.stored));
        async move {
            let segment = parts.put_part(number, data.into()).await?;
            let mut stored = stored.lock().unwrap_or_else(PoisonError::into_inner);
            stored.push((number, segment));
            Ok(())
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut stored = self.stored();
        if stored.len() != self.next {
            return Err(Error::Generic {
                store: NAME,
                source: format!(
                    "{}: {} of {} parts have been stored; all must be before the upload is completed",
                    self.parts.location,
                    stored.len(),
                    self.next
                )
                .into(),
            });
        }
        stored.sort_by_key(|(number, _)| *number);
        let segments = stored.into_iter().map(|(_, segment)| segment).collect();
        self.parts.complete(segments, self.object.clone()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.abort().await
    }
}

/// The end of the id of an upload whose attributes wait in an object beside its parts.
const WITH_ATTRIBUTES: char = '+';

#[async_trait]
impl MultipartStore for SwiftStore {
    async fn create_multipart(&self, _path: &Path) -> Result<MultipartId> {
        Ok(new_id())
    }

    async fn create_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<MultipartId> {
        let object = attributes::write(&options.attributes)?;
        let mut id = new_id();
        if !options.attributes.is_empty() {
            id.push(WITH_ATTRIBUTES);
            let parts = Parts::new(self, path, &id);
            parts
                .put(&waiting_attributes(&parts), Bytes::new(), &object)
                .await
                .map_err(|error| parts.fail(error))?;
        }
        Ok(id)
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        number: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let parts = Parts::new(self, path, id);
        let segment = parts.put_part(number, data.into()).await?;
        Ok(PartId {
            content_id: format!("{}-{}", segment.etag, segment.bytes),
        })
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        stored: Vec<PartId>,
    ) -> Result<PutResult> {
        let parts = Parts::new(self, path, id);
        let mut segments = Vec::with_capacity(stored.len());
        for (number, part) in stored.iter().enumerate() {
            let (etag, bytes) = (part.content_id.rsplit_once('-'))
                .and_then(|(etag, bytes)| Some((etag, bytes.parse().ok()?)))
                .ok_or_else(|| Error::Generic {
                    store: NAME,
                    source: format!("part {number} has the id {:?}", part.content_id).into(),
                })?;
            segments.push(Segment {
                container: parts.container.clone(),
                object: parts.name(number),
                etag: etag.to_owned(),
                bytes,
                range: None,
                is_manifest: false,
            });
        }
        let mut object = ObjectOptions::default();
        let waiting = id
            .ends_with(WITH_ATTRIBUTES)
            .then(|| waiting_attributes(&parts));
        if let Some(waiting) = &waiting {
            let info = self
                .client()
                .head_object(&parts.container, waiting, &GetOptions::default())
                .await
                .map_err(|error| parts.fail(error))?;
            object = attributes::write(&attributes::read(&info))?;
        }
        let result = parts.complete(segments, object).await?;
        if let Some(waiting) = waiting {
            // The object is whole; what is left over does no harm, and the audit of segments finds it.
            let _ = self
                .transfers
                .delete_objects(&parts.container, [waiting])
                .await;
        }
        Ok(result)
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        Parts::new(self, path, id).abort().await
    }
}

fn waiting_attributes(parts: &Parts) -> String {
    format!("{}attributes", parts.prefix)
}
