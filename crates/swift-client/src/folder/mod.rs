//! Whole folders: their files uploaded, or a container made like them.

mod same;
mod steps;
mod walk;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};

use crate::{Error, Transfers, UploadOptions, Uploaded};
use steps::Pair;
pub use walk::{FileFilter, LocalFile, Unreadable, walk_folder};

/// How a folder is uploaded.
#[derive(Clone)]
pub struct FolderOptions {
    /// What the names of the objects begin with, before the path below the folder: nothing, or something like `photos/`.
    pub prefix: String,
    /// How each file is uploaded. Its time goes into the object's metadata, as `Mtime`.
    pub upload: UploadOptions,
    /// Which files are meant; all if not said.
    pub filter: Arc<dyn FileFilter>,
    /// By what a file is taken for one whose object is there already, which is then left alone. If not said, every file is
    /// uploaded; [`Transfers::sync_folder`] goes by content then.
    pub unchanged: Option<SameBy>,
    /// For [`Transfers::sync_folder`]: whether objects that no file stands for are deleted. Those that the filter does not
    /// take stay in any case, as do those that stand for folders, and all that come after something that cannot be read.
    pub delete: bool,
}

impl Default for FolderOptions {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            upload: UploadOptions::default(),
            filter: Arc::new(|_: &str| true),
            unchanged: None,
            delete: false,
        }
    }
}

impl fmt::Debug for FolderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderOptions")
            .field("prefix", &self.prefix)
            .field("upload", &self.upload)
            .field("unchanged", &self.unchanged)
            .field("delete", &self.delete)
            .finish_non_exhaustive()
    }
}

/// By what a file is taken for the one that an object was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameBy {
    /// Its size and time, as an earlier upload noted them.
    Time,
    /// Its content, by MD5s.
    Content,
}

/// What has become of one file, or of an object that no file stands for.
#[derive(Debug)]
#[non_exhaustive]
pub struct FolderStep {
    /// The file; none for an object without one.
    pub path: Option<PathBuf>,
    /// The object; none for what could not be read.
    pub object: Option<String>,
    /// What has been done.
    pub outcome: Result<FolderChange, Error>,
}

/// What has been done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderChange {
    /// The file is uploaded.
    Uploaded(Uploaded),
    /// The object was the same already.
    Unchanged,
    /// The object is deleted, with its segments.
    Deleted,
}

impl FolderStep {
    fn unreadable(Unreadable { path, error }: Unreadable) -> Self {
        Self {
            path: Some(path.clone()),
            object: None,
            outcome: Err(Error::File {
                path,
                source: error,
            }),
        }
    }
}

impl Transfers {
    /// Uploads all files below a folder, several at a time, and tells of each as it is done. Whatever fails is one step of
    /// many; the rest goes on. Nothing is done before the stream is asked for its next step.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use std::sync::Arc;
    ///
    /// use futures_util::StreamExt;
    /// use swift_client::{ContainerOptions, FolderOptions, TransferSettings, Transfers};
    ///
    /// let folder = tempfile::tempdir()?;
    /// std::fs::create_dir(folder.path().join("2026"))?;
    /// std::fs::write(folder.path().join("2026/cat.png"), "a cat")?;
    /// std::fs::write(folder.path().join("notes~"), "a backup")?;
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let options = FolderOptions {
    ///     prefix: "photos/".to_owned(),
    ///     filter: Arc::new(|name: &str| !name.ends_with('~')),
    ///     ..FolderOptions::default()
    /// };
    /// let steps: Vec<_> = transfers.upload_folder("c", folder.path(), &options).collect().await;
    /// assert_eq!(steps.len(), 1);
    /// assert!(steps[0].outcome.is_ok());
    /// assert_eq!(steps[0].object.as_deref(), Some("photos/2026/cat.png"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload_folder<'a>(
        &'a self,
        container: &'a str,
        folder: impl Into<PathBuf>,
        options: &'a FolderOptions,
    ) -> impl Stream<Item = FolderStep> + Send + 'a {
        let steps = steps::files(folder.into(), options).map(move |found| async move {
            match found {
                Ok(file) => self.put_new_file(container, file, options).await,
                Err(unreadable) => FolderStep::unreadable(unreadable),
            }
        });
        steps.buffer_unordered(self.at_once())
    }

    /// Makes the objects below [`FolderOptions::prefix`] like the files of a folder: what is not there or differs is
    /// uploaded, and what no file stands for is deleted if [`FolderOptions::delete`] says so. Both sides are read in order
    /// while this goes on, so neither has to fit in memory.
    ///
    /// A folder that is not there, or a container that cannot be listed, is one step that failed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use futures_util::StreamExt;
    /// use swift_client::{
    ///     ContainerOptions, FolderChange, FolderOptions, ObjectOptions, TransferSettings, Transfers,
    /// };
    ///
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("same"), "1")?;
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "same", "1", &ObjectOptions::default()).await?;
    /// client.put_object("c", "too much", "2", &ObjectOptions::default()).await?;
    ///
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let options = FolderOptions { delete: true, ..FolderOptions::default() };
    /// let mut steps = std::pin::pin!(transfers.sync_folder("c", folder.path(), &options));
    /// while let Some(step) = steps.next().await {
    ///     match step.object.as_deref() {
    ///         Some("same") => assert_eq!(step.outcome?, FolderChange::Unchanged),
    ///         _ => assert_eq!(step.outcome?, FolderChange::Deleted),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn sync_folder<'a>(
        &'a self,
        container: &'a str,
        folder: impl Into<PathBuf>,
        options: &'a FolderOptions,
    ) -> impl Stream<Item = FolderStep> + Send + 'a {
        let pairs = self.pairs(container, folder.into(), options);
        let steps = pairs.map(move |pair| async move {
            match pair {
                Pair::File(file) => self.put_file(container, file, Ok(false), options).await,
                Pair::Both(file, object) => self.renew(container, file, object, options).await,
                Pair::Object(object) => self.drop_object(container, object, options).await,
                Pair::Broken(step) => step,
            }
        });
        steps.buffer_unordered(self.at_once())
    }
}
