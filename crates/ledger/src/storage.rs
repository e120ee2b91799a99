//! The few things a ledger asks of a file system, so that tests can make each of them fail.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use same_file::Handle;

/// A file system.
pub(crate) trait Storage: Debug + Send + Sync {
    /// Opens a file for reading, and for appending if asked; `None` if there is no such file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Option<Box<dyn StoredFile>>>;

    /// Creates a file, or empties it, for reading and appending. It gets the permissions of `like`, or is for its
    /// owner alone if that does not exist.
    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn StoredFile>>;

    /// Moves a file over another one, in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; that it is not there is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Waits until nobody else holds the lock of this name, in any process. Dropping it, or dying, lets it go.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
}

/// What an opened file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Append,
}

/// An open file.
pub(crate) trait StoredFile: Debug + Send {
    /// Everything from an offset to the end.
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>>;

    /// Writes at the end. When it fails, any part may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Whether a path still leads to this very file.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

/// A lock that is held.
pub(crate) trait Lock: Debug {
    /// Removes the lock's file and lets the lock go.
    fn remove(self: Box<Self>) -> io::Result<()>;
}

/// The operating system's files.
#[derive(Debug)]
pub(crate) struct Disk;

impl Storage for Disk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Option<Box<dyn StoredFile>>> {
        let opened = OpenOptions::new()
            .read(true)
            .append(access == Access::Append)
            .open(path);
        match opened {
            Ok(file) => Ok(Some(Box::new(DiskFile(Handle::from_file(file)?)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn StoredFile>> {
        // Emptied after the permissions are right, so that no content is ever readable by more people than before.
        let file = private().create(true).open(path)?;
        if let Ok(known) = fs::metadata(like) {
            file.set_permissions(known.permissions())?;
        }
        file.set_len(0)?;
        Ok(Box::new(DiskFile(Handle::from_file(file)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Windows has no such call: its file systems journal their names.
        if cfg!(windows) {
            return Ok(());
        }
        File::open(folder)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        loop {
            let file = private().create(true).open(path)?;
            while let Err(error) = file.lock() {
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            // Whoever held the lock may have removed its file, and somebody else made a new one since.
            let handle = Handle::from_file(file)?;
            if is_at(&handle, path)? {
                return Ok(Box::new(DiskLock {
                    _file: handle,
                    path: path.to_owned(),
                }));
            }
        }
    }
}

/// Options for a file that holds secrets.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether a path leads to an open file. It is asked several times a change, so without opening anything if possible.
#[cfg(unix)]
fn is_at(handle: &Handle, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    match fs::metadata(path) {
        Ok(present) => Ok((present.dev(), present.ino()) == (handle.dev(), handle.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(handle: &Handle, path: &Path) -> io::Result<bool> {
    match Handle::from_path(path) {
        Ok(present) => Ok(present == *handle),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[derive(Debug)]
struct DiskFile(Handle);

impl StoredFile for DiskFile {
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        let file = self.0.as_file_mut();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset))?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.as_file_mut().write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.as_file().sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.as_file().set_len(length)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        is_at(&self.0, path)
    }
}

#[derive(Debug)]
struct DiskLock {
    _file: Handle,
    path: PathBuf,
}

impl Lock for DiskLock {
    fn remove(self: Box<Self>) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}
