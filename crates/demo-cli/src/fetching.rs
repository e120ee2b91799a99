//! How an object becomes a file, and when it does not.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use swift_client::{
    DownloadOptions, Downloaded, Error, FileOptions, GetOptions, ObjectEntry, Progress, Transfers,
};

use crate::folder::Folder;
use crate::place::CloudPlace;

/// The content type of what stands for a folder.
pub(crate) const FOLDER_TYPE: &str = "application/directory";

/// Downloads objects to paths.
pub(crate) struct Fetcher {
    pub(crate) transfers: Transfers,
    /// What is read of each object.
    pub(crate) get: GetOptions,
    /// Replace files that are there.
    pub(crate) overwrite: bool,
    /// Wait until each file is on the disk itself.
    pub(crate) durable: bool,
    /// Write nothing.
    pub(crate) dry_run: bool,
    pub(crate) progress: Progress,
}

/// What became of a download.
pub(crate) enum Fetched {
    New(Box<Downloaded>),
    /// It was there, byte for byte.
    Same,
    /// It would have been downloaded.
    Would,
}

impl Fetcher {
    /// Downloads an object to a path. A file that is there is left alone if it has the same content, and replaced if
    /// that is wanted; nothing else is.
    pub(crate) async fn fetch(&self, place: &CloudPlace, path: &Path) -> anyhow::Result<Fetched> {
        let (container, object) = (&place.container, &place.object);
        if there(path)?.is_some() && !self.overwrite {
            let client = self.transfers.client();
            let info = client.head_object(container, object, &self.get).await?;
            let same = client.has_content_of(container, object, &info, path);
            return match same.await? {
                Some(true) => Ok(Fetched::Same),
                Some(false) => bail!(
                    "{} is there already and differs; --overwrite replaces it",
                    path.display()
                ),
                None => bail!(
                    "{} is there already and may differ; --overwrite replaces it",
                    path.display()
                ),
            };
        }
        if self.dry_run {
            return Ok(Fetched::Would);
        }
        let options = DownloadOptions {
            get: self.get.clone(),
            file: FileOptions {
                durable: self.durable,
                only_if_new: !self.overwrite,
            },
            resume: true,
            progress: self.progress.clone(),
            ..DownloadOptions::default()
        };
        let fetched = (self.transfers)
            .download_file(container, object, path, &options)
            .await;
        match fetched {
            Err(Error::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => bail!(
                "{} has come meanwhile; --overwrite replaces it",
                path.display()
            ),
            fetched => Ok(Fetched::New(Box::new(fetched?))),
        }
    }
}

/// The file that is at a path.
///
/// # Errors
/// If there is something that a file could not or should not take the place of: a folder, a device or a pipe.
fn there(path: &Path) -> anyhow::Result<Option<Metadata>> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(path.display().to_string()),
        Ok(metadata) if metadata.is_dir() => bail!("{} is a folder here", path.display()),
        // The new file would take the place of the device or pipe itself.
        Ok(metadata) if !metadata.is_file() && !metadata.is_symlink() => bail!(
            "{} is no ordinary file; `cloudfiles cat` and > write into it",
            path.display()
        ),
        Ok(metadata) => Ok(Some(metadata)),
    }
}

/// Whether an object stands for a folder: by the slash at the end of its name, or by its type, as python-swiftclient,
/// rclone and others mark folders.
pub(crate) fn is_marker(object: &ObjectEntry) -> bool {
    let kind = object.content_type.split(';').next().unwrap_or_default();
    let is_folder = matches!(
        kind.trim(),
        FOLDER_TYPE | "application/x-directory" | "text/directory"
    );
    object.name.ends_with('/') || (is_folder && object.bytes == 0)
}

/// Makes the folder that a marker stands for.
pub(crate) fn make_folder(folder: &Folder, name: &str, bytes: u64) -> anyhow::Result<()> {
    if bytes > 0 {
        bail!("its name ends with a slash, so that it can be no file here");
    }
    folder.make(name)
}
