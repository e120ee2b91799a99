//! Copying to where nothing is yet.
//!
//! Swift's own copy takes no such condition: it puts `If-None-Match` to the original as well
//! (`swift/common/middleware/copy.py`). Storing takes it. So a static large object's manifest is stored a second time, and
//! anything else passes through here: more traffic, and never an object overwritten.

use std::collections::HashSet;
use std::io;

use futures_util::TryStreamExt;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE};
use object_store::Result;
use object_store::path::Path;

use super::SwiftStore;
use super::convert::failed;
use crate::segments::{mark_as_shared, naming};
use crate::{Body, Error, GetOptions, ObjectInfo, ObjectOptions};

impl SwiftStore {
    pub(super) async fn copy_new(&self, from: &Path, to: &Path) -> Result<()> {
        let info = self
            .client()
            .head_object(&self.container, from.as_ref(), &GetOptions::default())
            .await
            .map_err(|error| failed(from, error, false))?;
        let options = properties(&info);
        let copied = self.copy_as(from, to, &info, options).await;
        copied.map_err(|error| match error {
            // Of the original, that is, which has gone in the meantime.
            error @ Error::NotFound(_) => failed(from, error, false),
            error => failed(to, error, true),
        })
    }

    async fn copy_as(
        &self,
        from: &Path,
        to: &Path,
        info: &ObjectInfo,
        options: ObjectOptions,
    ) -> Result<(), Error> {
        if !info.static_large_object {
            return self.pass_through(from, to, info, options).await;
        }
        let client = self.client();
        let manifest = client
            .get_slo_manifest(&self.container, from.as_ref(), None)
            .await?;
        if manifest.has_inline_data {
            return self.pass_through(from, to, info, options).await;
        }
        let shared: HashSet<(String, String)> = manifest
            .segments
            .iter()
            .filter(|segment| segment.container.ends_with(naming::SUFFIX))
            .map(|segment| (segment.container.clone(), segment.object.clone()))
            .collect();
        // Before the copy: a mark too many keeps bytes, one too few loses them.
        mark_as_shared(&self.transfers, &shared).await?;
        client
            .put_slo_manifest(&self.container, to.as_ref(), &manifest.segments, &options)
            .await?;
        Ok(())
    }

    async fn pass_through(
        &self,
        from: &Path,
        to: &Path,
        info: &ObjectInfo,
        options: ObjectOptions,
    ) -> Result<(), Error> {
        let same = GetOptions {
            if_match: info.etag.clone(),
            ..GetOptions::default()
        };
        let download = self
            .client()
            .get_object(&self.container, from.as_ref(), &same)
            .await?;
        let length = download.length;
        let body = Body::stream(download.map_err(io::Error::other), length);
        self.transfers
            .upload(
                &self.container,
                to.as_ref(),
                body,
                &super::upload_options(options),
            )
            .await?;
        Ok(())
    }
}

/// What a copy takes from its original.
fn properties(info: &ObjectInfo) -> ObjectOptions {
    let mut options = ObjectOptions {
        content_type: info.content_type.clone(),
        metadata: info.metadata.clone(),
        delete_at: info.delete_at,
        only_if_new: true,
        ..ObjectOptions::default()
    };
    let kept = [
        CACHE_CONTROL,
        CONTENT_DISPOSITION,
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
    ];
    for name in kept {
        if let Some(value) = info.headers.get(&name) {
            options.headers.insert(name, value.clone());
        }
    }
    options
}
