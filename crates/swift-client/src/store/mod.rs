//! Swift as an [`ObjectStore`], for DataFusion, Polars, delta-rs and whatever else speaks to that trait.
//!
//! A [`SwiftStore`] is one container. What an [`ObjectStore`] is not sure to have, and what Swift makes of it:
//!
//! | asked for | what happens |
//! |---|---|
//! | `PutMode::Create` | `If-None-Match: *`: fails with [`AlreadyExists`](object_store::Error::AlreadyExists) |
//! | `CopyMode::Create`, `RenameTargetMode::Create` | the same, through this client: Swift's own copy takes no condition |
//! | `PutMode::Update` | Swift has no such thing: [`NotImplemented`](object_store::Error::NotImplemented) |
//! | multipart upload | segments in `<container>_segments`, and a static large object's manifest when it is complete |
//! | attributes | headers of the same name; metadata as `X-Object-Meta-*`, names escaped so that none is lost |
//! | tags | left out, as the trait wants it where there are none |
//! | versions | those of Swift's object versioning, in containers that have it |
//! | deleting what is not there | is no error: a delete that had to be repeated could not tell |
//!
//! Objects whose names no [`Path`] can say (a slash at either end, two in a row, `.` or `..` between two) are left out of
//! listings.

mod attributes;
mod convert;
mod copy;
mod list;
mod multipart;

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions as StoreCopyOptions, GetOptions as StoreGetOptions, GetRange, GetResult,
    GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode,
    Result,
};

use self::convert::{NAME, failed, is_create, meta, put_result};
use self::multipart::Upload;
use crate::{
    ByteRange, CopyOptions, DeleteOptions, GetOptions, OldSegments, TransferSettings, Transfers,
    UploadOptions,
};

/// How many deletions are collected for one request, at most; the engine cuts them down to what the cloud allows.
const DELETE_PAGE: usize = 1000;

/// How many such requests are on their way at once.
const DELETE_PAGES: usize = 4;

/// One container as an [`ObjectStore`]. Cheap to clone; clones share connections and the memory budget.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = emulator::Emulator::builder().start().await?;
/// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
/// use object_store::path::Path;
/// use object_store::{ObjectStore, ObjectStoreExt};
/// use swift_client::{Client, ContainerOptions, SwiftStore};
///
/// let client = Client::builder(me).build()?;
/// client.put_container("lake", &ContainerOptions::default()).await?;
/// let store = SwiftStore::new(&client, "lake");
///
/// let path = Path::from("2026/november.csv");
/// store.put(&path, "a,b\n1,2\n".into()).await?;
/// assert_eq!(store.get_range(&path, 4..7).await?, "1,2");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SwiftStore {
    transfers: Transfers,
    container: String,
}

impl SwiftStore {
    /// A container that is there already.
    pub fn new(client: &crate::Client, container: impl Into<String>) -> Self {
        Self::with_transfers(
            Transfers::new(client, TransferSettings::default()),
            container,
        )
    }

    /// The same, within a budget that other transfers share.
    pub fn with_transfers(transfers: Transfers, container: impl Into<String>) -> Self {
        Self {
            transfers,
            container: container.into(),
        }
    }

    /// The container's name.
    pub fn container(&self) -> &str {
        &self.container
    }

    fn client(&self) -> &crate::Client {
        self.transfers.client()
    }

    fn place<'a>(&'a self, path: &'a Path) -> (&'a str, &'a str) {
        (&self.container, path.as_ref())
    }
}

impl fmt::Display for SwiftStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}({})", self.container)
    }
}

#[async_trait]
impl ObjectStore for SwiftStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let mut object = attributes::write(&options.attributes)?;
        match options.mode {
            PutMode::Overwrite => {}
            PutMode::Create => object.only_if_new = true,
            PutMode::Update(_) => {
                return Err(convert::not_implemented("put_opts with PutMode::Update"));
            }
        }
        let create = object.only_if_new;
        let uploaded = self
            .transfers
            .upload(
                &self.container,
                location.as_ref(),
                Bytes::from(payload),
                &upload_options(object),
            )
            .await
            .map_err(|error| failed(location, error, create))?;
        Ok(put_result(uploaded.stored))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let object = attributes::write(&options.attributes)?;
        Ok(Box::new(Upload::new(self, location, object)))
    }

    async fn get_opts(&self, location: &Path, options: StoreGetOptions) -> Result<GetResult> {
        let fail = |error| failed(location, error, false);
        let mut wanted = GetOptions {
            if_match: options.if_match.as_deref().map(convert::quoted),
            if_none_match: options.if_none_match.as_deref().map(convert::quoted),
            if_modified_since: options.if_modified_since.map(convert::timestamp),
            if_unmodified_since: options.if_unmodified_since.map(convert::timestamp),
            version_id: options.version.clone(),
            ..GetOptions::default()
        };
        // The last nothing of an object is nothing that could be asked for.
        let empty = matches!(options.range, Some(GetRange::Suffix(0)));
        if options.head || empty {
            let info = self
                .client()
                .head_object(&self.container, location.as_ref(), &wanted)
                .await
                .map_err(fail)?;
            let meta = meta(location, &info);
            let range = if empty {
                meta.size..meta.size
            } else {
                0..meta.size
            };
            return Ok(GetResult {
                payload: GetResultPayload::Stream(stream::empty().boxed()),
                attributes: attributes::read(&info),
                meta,
                range,
                extensions: http::Extensions::default(),
            });
        }
        wanted.range = match options.range {
            None => None,
            Some(GetRange::Bounded(range)) if range.start < range.end => {
                Some(ByteRange::Between(range.start, range.end - 1))
            }
            Some(GetRange::Bounded(range)) => return Err(convert::bad_range(&range)),
            Some(GetRange::Offset(first)) => Some(ByteRange::From(first)),
            Some(GetRange::Suffix(count)) => Some(ByteRange::Last(count)),
        };
        let download = self
            .client()
            .get_object(&self.container, location.as_ref(), &wanted)
            .await
            .map_err(fail)?;
        let meta = meta(location, &download.info);
        let first = convert::first_byte(&download.info).unwrap_or(0);
        let range = first..first + download.length.unwrap_or(meta.size);
        let attributes = attributes::read(&download.info);
        let path = location.clone();
        let content = download.map_err(move |error| failed(&path, error, false));
        Ok(GetResult {
            payload: GetResultPayload::Stream(content.boxed()),
            meta,
            range,
            attributes,
            extensions: http::Extensions::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .ready_chunks(DELETE_PAGE)
            .map(move |page| {
                let store = store.clone();
                async move { stream::iter(store.delete_page(page).await) }
            })
            .buffered(DELETE_PAGES)
            .flatten()
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_after(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        // A `Path` and Swift order names in the same way, by their bytes.
        self.list_after(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.list_folder(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: StoreCopyOptions) -> Result<()> {
        if is_create(options.mode) {
            return self.copy_new(from, to).await;
        }
        self.transfers
            .copy_object(self.place(from), self.place(to), &CopyOptions::default())
            .await
            .map_err(|error| failed(from, error, false))?;
        Ok(())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let moved = if matches!(options.target_mode, RenameTargetMode::Create) {
            self.copy_new(from, to).await?;
            // The manifest alone, if it is a large object: the copy stands on the same segments.
            self.client()
                .delete_object(&self.container, from.as_ref(), &DeleteOptions::default())
                .await
        } else {
            let moved = self.transfers.move_object(self.place(from), self.place(to));
            moved.await.map(drop)
        };
        moved.map_err(|error| failed(from, error, false))
    }
}

fn upload_options(object: crate::ObjectOptions) -> UploadOptions {
    UploadOptions {
        // What is new replaces nothing.
        old_segments: if object.only_if_new {
            OldSegments::Keep
        } else {
            OldSegments::Remove
        },
        object,
        ..UploadOptions::default()
    }
}

impl SwiftStore {
    /// Deletes some objects, with the segments of those that are large, and tells what became of each.
    async fn delete_page(&self, page: Vec<Result<Path>>) -> Vec<Result<Path>> {
        let (names, mut outcomes) = (page.iter().flatten(), HashMap::new());
        let mut looked_at = stream::iter(names.cloned().collect::<Vec<_>>())
            .map(async |path| {
                let found = self.is_large(&path).await;
                (path, found)
            })
            .buffer_unordered(self.transfers.settings().concurrency.max(1));
        let mut plain = Vec::new();
        while let Some((path, found)) = looked_at.next().await {
            match found {
                Ok(None) => {}
                Ok(Some(false)) => plain.push(path),
                Ok(Some(true)) => {
                    let deleted = self
                        .transfers
                        .delete_object(&self.container, path.as_ref(), OldSegments::Remove)
                        .await;
                    match deleted {
                        Err(error) if !error.is_not_found() => {
                            outcomes.insert(path.clone(), failed(&path, error, false));
                        }
                        _ => {}
                    }
                }
                Err(error) => {
                    outcomes.insert(path.clone(), failed(&path, error, false));
                }
            }
        }
        drop(looked_at);
        let wanted = plain.iter().map(|path| path.as_ref().to_owned());
        let wanted: Vec<_> = wanted.collect();
        match self.transfers.delete_objects(&self.container, wanted).await {
            Ok(report) => {
                for failure in report.failures {
                    if let Some(path) = convert::path(&failure.object) {
                        let error = convert::refused(&path, &failure.reason);
                        outcomes.insert(path, error);
                    }
                }
            }
            // What concerns all is said of each.
            Err(error) => {
                let reason = error.to_string();
                for path in plain {
                    let error = convert::refused(&path, &reason);
                    outcomes.insert(path, error);
                }
            }
        }
        page.into_iter()
            .map(|path| {
                let path = path?;
                match outcomes.remove(&path) {
                    Some(error) => Err(error),
                    None => Ok(path),
                }
            })
            .collect()
    }

    /// Whether an object is a large one; `None` if there is none.
    async fn is_large(&self, path: &Path) -> Result<Option<bool>, crate::Error> {
        let info = self
            .client()
            .head_object(&self.container, path.as_ref(), &GetOptions::default())
            .await;
        match info {
            Ok(info) => Ok(Some(info.static_large_object || info.manifest.is_some())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
