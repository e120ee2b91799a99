//! Whether a file has just the content of an object, large ones included, without reading the object.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use futures_util::TryStreamExt;
use md5::{Digest as _, Md5};
use percent_encoding::percent_decode_str;

use crate::body::hex_md5;
use crate::{Client, Error, ListOptions, Listed, ObjectEntry, ObjectInfo, Segment};

/// MD5 and size of each part of some content, in order.
pub(super) type Parts = Vec<(String, u64)>;

impl Client {
    /// Whether a file has just the content of the object that `info` tells of; `None` if nobody knows enough of that
    /// content. The file is read, unless its size tells already; the object is not, and of a large one the hashes in its
    /// manifest or of its listed segments are compared.
    ///
    /// # Errors
    /// [`Error::File`], and those of asking for a manifest or the segments.
    pub async fn has_content_of(
        &self,
        container: &str,
        object: &str,
        info: &ObjectInfo,
        path: impl AsRef<Path>,
    ) -> Result<Option<bool>, Error> {
        let path = path.as_ref().to_owned();
        let fail = |source| Error::File {
            path: path.clone(),
            source,
        };
        let length = tokio::fs::metadata(&path).await.map_err(fail)?.len();
        if info.bytes.is_some_and(|bytes| bytes != length) {
            return Ok(Some(false));
        }
        let Some(parts) = parts(self, (container, object), info, length).await? else {
            return Ok(None);
        };
        consists_of(&path, parts).await.map(Some)
    }
}

/// Whether a file consists of these parts.
pub(super) async fn consists_of(path: &Path, parts: Parts) -> Result<bool, Error> {
    let path = path.to_owned();
    let read = move || has(&path, &parts).map_err(|source| Error::File { path, source });
    tokio::task::spawn_blocking(read)
        .await
        .expect("reading does not panic")
}

async fn parts(
    client: &Client,
    (container, object): (&str, &str),
    info: &ObjectInfo,
    length: u64,
) -> Result<Option<Parts>, Error> {
    if info.static_large_object {
        let manifest = client.flat_slo_manifest(container, object, None);
        let manifest = manifest.await?;
        let whole = |segment: &Segment| segment.range.is_none() && !segment.is_manifest;
        if manifest.has_inline_data || !manifest.segments.iter().all(whole) {
            return Ok(None);
        }
        let segments = manifest.segments.into_iter();
        let parts: Parts = segments
            .map(|segment| (segment.etag, segment.bytes))
            .collect();
        return Ok(fitting(parts, length));
    }
    if let Some(manifest) = &info.manifest {
        let manifest = percent_decode_str(manifest).decode_utf8_lossy();
        let Some((container, prefix)) = manifest.split_once('/') else {
            return Ok(None);
        };
        let options = ListOptions {
            prefix: Some(prefix.to_owned()),
            ..ListOptions::default()
        };
        let segments = client.list_objects(container, options);
        let segments: Vec<ObjectEntry> = segments
            .try_filter_map(|entry| std::future::ready(Ok(Listed::item(entry))))
            .try_collect()
            .await?;
        if segments.iter().any(|segment| segment.slo_etag.is_some()) {
            return Ok(None);
        }
        let segments = segments.into_iter();
        let parts: Parts = segments
            .map(|segment| (segment.etag, segment.bytes))
            .collect();
        return Ok(fitting(parts, length));
    }
    let md5 = info.etag.clone().filter(|etag| etag.len() == 32);
    Ok(md5.map(|md5| vec![(md5, length)]))
}

/// Parts that make up the whole; a listing may lag behind.
fn fitting(parts: Parts, length: u64) -> Option<Parts> {
    let sum: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
    (sum == length).then_some(parts)
}

fn has(path: &Path, parts: &[(String, u64)]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    for (md5, bytes) in parts {
        let mut part = (&mut file).take(*bytes);
        let mut hash = Md5::new();
        loop {
            match part.read(&mut buffer)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        if !hex_md5(hash).eq_ignore_ascii_case(md5) {
            return Ok(false);
        }
    }
    // It may have grown since.
    Ok(file.read(&mut buffer[..1])? == 0)
}
