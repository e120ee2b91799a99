//! The time of a file, kept in the metadata of its object as python-swiftclient and rclone do.

use std::path::Path;

use jiff::Timestamp;
use swift_client::ObjectInfo;

/// The metadata item (`X-Object-Meta-Mtime`): seconds since 1970, with a fraction.
pub(crate) const ITEM: &str = "mtime";

/// A time as the item has it; none before 1970.
pub(crate) fn text(time: Timestamp) -> Option<String> {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    (seconds >= 0).then(|| format!("{seconds}.{nanos:09}"))
}

/// Reads the item; digits beyond a nanosecond are dropped.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Timestamp::new(seconds.parse().ok()?, digits.parse().ok()?).ok()
}

/// The time that a file had when it was uploaded, or when it was stored.
pub(crate) fn of(info: &ObjectInfo) -> Option<Timestamp> {
    let kept = info.metadata.get(ITEM).and_then(read);
    kept.or(info.last_modified)
}

/// Gives a file a time.
pub(crate) fn set(path: &Path, at: Option<Timestamp>) -> anyhow::Result<()> {
    let Some(at) = at else { return Ok(()) };
    let file = std::fs::File::options().write(true).open(path)?;
    Ok(file.set_modified(at.try_into()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_and_other_programs_write() {
        let time = Timestamp::new(1_795_983_581, 845_152_045).unwrap();
        assert_eq!(text(time).as_deref(), Some("1795983581.845152045"));
        assert_eq!(read("1795983581.845152045"), Some(time));
        // python-swiftclient writes six digits.
        let coarse = Timestamp::new(1_795_983_581, 845_152_000).unwrap();
        assert_eq!(read("1795983581.845152"), Some(coarse));
        assert_eq!(read("7"), Timestamp::new(7, 0).ok());
        assert_eq!(read("yesterday"), None);
        assert_eq!(text(Timestamp::new(-1, 0).unwrap()), None);
    }
}
