//! A file that is there whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;

/// Lets `write` fill a file, and puts it in the place of whatever is at `path` once all of it is on disk.
///
/// Before that nothing at `path` changes; what a crash can leave behind is a file `.snapshot-…` beside it. Only its owner
/// can read the file.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn FnMut(Bytes) -> io::Result<()>) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new()
        .prefix(".snapshot-")
        .tempfile_in(folder)?;
    write(&mut |bytes| temporary.write_all(&bytes))?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // The name is on disk only when the folder is.
    File::open(folder)?.sync_all()
}
