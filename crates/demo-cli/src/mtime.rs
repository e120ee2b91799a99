//! The time of a file, kept in the metadata of its object.

use std::path::Path;

use jiff::Timestamp;
use swift_client::ObjectInfo;

/// The time that a file had when it was uploaded, or when it was stored.
pub(crate) fn of(info: &ObjectInfo) -> Option<Timestamp> {
    info.metadata.mtime().or(info.last_modified)
}

/// Gives a file a time.
pub(crate) fn set(path: &Path, at: Option<Timestamp>) -> anyhow::Result<()> {
    let Some(at) = at else { return Ok(()) };
    let file = std::fs::File::options().write(true).open(path)?;
    Ok(file.set_modified(at.try_into()?)?)
}
