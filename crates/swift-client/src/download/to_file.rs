//! Downloads to files: in one stream, in parallel parts, or from where an earlier one stopped.

use std::path::Path;

use super::Download;
use super::parts::Parts;
use crate::transfers::STREAM_BYTES;
use crate::{Error, FileOptions, GetOptions, ObjectInfo, Progress, Transfers};

/// A part that is asked for by itself has at least so many bytes: several round trips' worth even on long lines.
const PART_BYTES: u64 = 32 << 20;

/// How a download is done.
#[derive(Clone, Debug, Default)]
pub struct DownloadOptions {
    /// What is read, and on which conditions.
    pub get: GetOptions,
    /// How the file is written.
    pub file: FileOptions,
    /// Keep what has arrived when the download fails or is dropped, and go on from there the next time. It lies beside
    /// the file, under a hidden name that ends in `.part`, and is checked before it is built upon. Without this, nothing
    /// stays.
    pub resume: bool,
    /// Parts of a large download that are asked for at the same time have at least so many bytes; 32 MiB if not said.
    pub part_bytes: Option<u64>,
    /// Where to tell of progress.
    pub progress: Progress,
}

/// What a download to a file came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Downloaded {
    /// What the server says of the object.
    pub info: ObjectInfo,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// How many of these were there from an earlier download.
    pub resumed_bytes: u64,
}

impl Transfers {
    /// Reads an object within this budget; see [`Download`]. The part of the budget is given back when the download is
    /// dropped. Whoever passes it on to an upload does so with two [`Transfers`]: within one, the upload might wait for
    /// what the download holds.
    pub async fn download(
        &self,
        container: &str,
        object: &str,
        options: &DownloadOptions,
    ) -> Result<Download, Error> {
        let memory = self.memory(STREAM_BYTES).await;
        let turn = self.turn().await;
        let (get, progress) = (&options.get, &options.progress);
        let mut download = Download::start(self.client(), container, object, get, progress).await?;
        download.budget = Some((memory, turn));
        Ok(download)
    }

    /// Downloads an object to a file.
    ///
    /// The file gets its name when all of it is there and right; until then there is a hidden one in the same folder.
    /// An object of more than two parts is asked for in parts, several at a time, all under the condition that it is
    /// still the same object.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use futures_util::StreamExt;
    /// use swift_client::{
    ///     ContainerOptions, DownloadOptions, Event, ObjectOptions, Progress, TransferSettings, Transfers,
    /// };
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "o", vec![1; 100_000], &ObjectOptions::default()).await?;
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let folder = tempfile::tempdir()?;
    ///
    /// let (progress, events) = Progress::stream();
    /// let options = DownloadOptions { resume: true, progress, ..DownloadOptions::default() };
    /// let downloaded = transfers.download_file("c", "o", folder.path().join("o"), &options).await?;
    /// assert_eq!((downloaded.bytes, downloaded.resumed_bytes), (100_000, 0));
    ///
    /// // Whoever shows a bar reads the events meanwhile; they end with the last clone of the progress.
    /// drop(options);
    /// let moved: u64 = events
    ///     .filter_map(|event| async move {
    ///         if let Event::Bytes(bytes) = event { Some(bytes) } else { None }
    ///     })
    ///     .collect::<Vec<_>>()
    ///     .await
    ///     .iter()
    ///     .sum();
    /// assert_eq!(moved, 100_000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::File`], [`Error::Checksum`], [`Error::SegmentChecksum`],
    /// [`Error::PreconditionFailed`] if the object was replaced meanwhile, and those of a connection. A file that was
    /// there before is as it was.
    pub async fn download_file(
        &self,
        container: &str,
        object: &str,
        path: impl AsRef<Path>,
        options: &DownloadOptions,
    ) -> Result<Downloaded, Error> {
        let path = path.as_ref();
        let download = self.download(container, object, options).await?;
        let size = options.part_bytes.unwrap_or(PART_BYTES).max(1);
        let length = download.length.unwrap_or_default();
        let in_parts = length > size.saturating_mul(2)
            && options.get.range.is_none()
            && download.info.etag.is_some();
        if !in_parts {
            let info = download.info.clone();
            let bytes = download.write_file(path, options.file).await?;
            return Ok(Downloaded {
                info,
                bytes,
                resumed_bytes: 0,
            });
        }
        let parts = Parts::new(self, container, object, options, &download, size);
        // One stream of the whole is of no use any more, and its part of the budget is needed.
        drop(download);
        parts.download(path).await
    }
}
