//! Where segments are kept, and under which names.

use jiff::Timestamp;
use md5::{Digest, Md5};

use crate::body::hex_md5;

/// What a name has after its home: 32 digits, a dash, and up to 20 digits.
const LEAF_BYTES: usize = 32 + 1 + 20;

/// What names end with that are containers of segments, as python-swiftclient and rclone name them, too.
pub(crate) const SUFFIX: &str = "_segments";

/// The container for the segments of objects in `container`.
pub(crate) fn container_for(container: &str) -> String {
    format!("{container}{SUFFIX}")
}

/// What the names of all segments of `object` begin with.
///
/// Segments that expire live apart from those that stay, by the time at which they expire: an object that stays must
/// never come to stand on a segment that goes.
pub(crate) fn home(
    object: &str,
    kind: &str,
    delete_at: Option<Timestamp>,
    max_name: usize,
) -> String {
    let kind = match delete_at {
        Some(at) => format!("{kind}-until-{}", at.as_second()),
        None => kind.to_owned(),
    };
    if object.len() + kind.len() + 2 + LEAF_BYTES <= max_name {
        format!("{object}/{kind}/")
    } else {
        // There is no room for a long name and a hash. The name's own hash is as good to tell objects apart.
        format!("{}/{kind}/", hex_md5(Md5::new_with_prefix(object)))
    }
}

/// The name of a segment by its content alone, so that the same content has the same name tomorrow.
pub(crate) fn name(home: &str, md5: &str, bytes: u64) -> String {
    format!("{home}{md5}-{bytes}")
}

/// The folder that a segment is in, up to and with the last slash.
pub(crate) fn folder(segment: &str) -> &str {
    segment.rfind('/').map_or("", |slash| &segment[..=slash])
}

/// The folder that holds all that has a prefix, and more: up to and with the last slash before its last name.
pub(crate) fn folder_of_prefix(prefix: &str) -> &str {
    folder(prefix.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_segments_by_content() {
        let home = home("a/b.iso", "slo", None, 1024);
        let name = name(&home, "781e5e245d69b566979b86e28d23f2c7", 10);
        assert_eq!(name, "a/b.iso/slo/781e5e245d69b566979b86e28d23f2c7-10");
        assert_eq!(folder(&name), "a/b.iso/slo/");
    }

    #[test]
    fn keeps_segments_that_expire_apart() {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(home("o", "slo", Some(at), 1024), "o/slo-until-1800000000/");
    }

    #[test]
    fn finds_room_for_the_longest_names() {
        let long = "x".repeat(1024);
        let name = name(&home(&long, "slo", None, 1024), &"0".repeat(32), u64::MAX);
        assert!(name.len() <= 1024, "{name}");
    }
}
