//! The hidden file that a download in parts writes to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use tempfile::{NamedTempFile, TempPath};

use crate::FileOptions;
use crate::body::hex_md5;
use crate::file::{folder_of, place, sync_folder, temporary_file};

/// A file that is not whole yet. Unless it is to be resumed, it goes when this is dropped.
///
/// Behind the content there is a byte for each part, which is one if the part has arrived; it goes when the file gets
/// its name. After a power cut it may be there without the content, so nobody relies on it without a hash.
pub(super) struct Partial {
    kind: Kind,
    length: u64,
}

enum Kind {
    Passing(NamedTempFile),
    /// Locked as long as it is open, so that two downloads of the same object do not write to one file.
    Lasting {
        file: File,
        path: PathBuf,
    },
}

impl Partial {
    /// The partial file for `target`; with `what`, which tells the object and its state, one that stays and may be there
    /// already.
    pub(super) fn open(
        target: &Path,
        what: Option<&str>,
        length: u64,
        parts: usize,
    ) -> io::Result<Self> {
        let folder = folder_of(target);
        let lasting = match what {
            Some(what) => lasting(folder, target, what)?,
            None => None,
        };
        let kind = match lasting {
            Some(lasting) => lasting,
            None => Kind::Passing(temporary_file(folder)?),
        };
        let partial = Self { kind, length };
        partial.file().set_len(length + parts as u64)?;
        Ok(partial)
    }

    pub(super) fn path(&self) -> &Path {
        match &self.kind {
            Kind::Passing(file) => file.path(),
            Kind::Lasting { path, .. } => path,
        }
    }

    /// A handle of its own to write from `place` on.
    pub(super) fn writer(&self, place: u64) -> io::Result<File> {
        let mut file = OpenOptions::new().write(true).open(self.path())?;
        file.seek(SeekFrom::Start(place))?;
        Ok(file)
    }

    /// Notes that a part has arrived.
    pub(super) fn mark(&self, part: usize) -> io::Result<()> {
        self.writer(self.length + part as u64)?.write_all(&[1])
    }

    /// Which parts have arrived, as far as was noted.
    pub(super) fn marks(&self) -> io::Result<Vec<bool>> {
        let mut file = File::open(self.path())?;
        file.seek(SeekFrom::Start(self.length))?;
        let mut marks = Vec::new();
        file.read_to_end(&mut marks)?;
        Ok(marks.into_iter().map(|mark| mark == 1).collect())
    }

    /// Removes a file that nobody should build upon.
    pub(super) fn discard(self) -> io::Result<()> {
        match self.kind {
            Kind::Passing(file) => file.close(),
            Kind::Lasting { path, .. } => std::fs::remove_file(path),
        }
    }

    /// Gives it its final name.
    pub(super) fn persist(self, target: &Path, options: FileOptions) -> io::Result<()> {
        let file = self.file();
        file.set_len(self.length)?;
        if options.durable {
            file.sync_all()?;
        }
        match self.kind {
            Kind::Passing(file) => {
                place(file.into_temp_path(), target, options).map_err(|error| error.error)?;
            }
            Kind::Lasting { path, .. } => {
                place(TempPath::try_from_path(path)?, target, options).map_err(|error| {
                    // What has arrived is still good for another attempt.
                    let _ = error.path.keep();
                    error.error
                })?;
            }
        }
        if options.durable {
            sync_folder(folder_of(target))?;
        }
        Ok(())
    }

    fn file(&self) -> &File {
        match &self.kind {
            Kind::Passing(file) => file.as_file(),
            Kind::Lasting { file, .. } => file,
        }
    }
}

/// None if another download is at it.
fn lasting(folder: &Path, target: &Path, what: &str) -> io::Result<Option<Kind>> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let hash = hex_md5(Md5::new_with_prefix(format!("{name} {what}")));
    let path = folder.join(format!(".cloudfiles-{hash}.part"));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Kind::Lasting { file, path })),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}
