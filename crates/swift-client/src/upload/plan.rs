//! Decided before the first byte goes out: is it possible, and in how many segments.

use crate::{Capabilities, Error, TransferSettings};

/// Segments of what can be read again, if nothing else is said.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Segments of a pipe, at most, if nothing else is said.
const PIPE_SEGMENT_BYTES: u64 = 16 << 20;

/// Sizes are rounded up to this, so that they are easy on the eye and on caches.
const ROUND_BYTES: u64 = 1 << 20;

/// Refuses names that are longer than the cloud takes.
pub(crate) fn check_names(
    container: &str,
    object: &str,
    limits: &Capabilities,
) -> Result<(), Error> {
    let check = |what, name: &str, limit_bytes| {
        if name.len() > limit_bytes {
            return Err(Error::NameTooLong {
                what,
                name: name.to_owned(),
                limit_bytes,
            });
        }
        Ok(())
    };
    check(
        "container",
        container,
        limits.swift.max_container_name_length,
    )?;
    check("object", object, limits.swift.max_object_name_length)
}

/// Size of the segments of what has `length` bytes and can be read again.
///
/// Without a wish it grows with the length, so that one manifest is enough.
pub(crate) fn segment_bytes(
    wish: Option<u64>,
    settings: &TransferSettings,
    length: u64,
    limits: &Capabilities,
) -> u64 {
    let most = limits
        .slo
        .as_ref()
        .map_or(1000, |slo| slo.max_manifest_segments as u64);
    let automatic = || {
        let needed = length.div_ceil(most.max(1));
        SEGMENT_BYTES.max(needed.next_multiple_of(ROUND_BYTES))
    };
    let wish = wish.or(settings.segment_bytes);
    bounded(wish.unwrap_or_else(automatic), limits)
}

/// Size of the segments of a pipe; never more than the memory that there is for it.
pub(crate) fn pipe_segment_bytes(
    wish: Option<u64>,
    settings: &TransferSettings,
    limits: &Capabilities,
) -> u64 {
    let automatic = (settings.memory() / 4).min(PIPE_SEGMENT_BYTES);
    let wish = wish.or(settings.segment_bytes).unwrap_or(automatic);
    bounded(wish, limits).min(settings.memory())
}

fn bounded(bytes: u64, limits: &Capabilities) -> u64 {
    let least = limits.slo.as_ref().map_or(1, |slo| slo.min_segment_size);
    bytes.min(limits.swift.max_file_size).max(least).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Capabilities {
        Capabilities {
            slo: Some(crate::SloSupport::default()),
            ..Capabilities::default()
        }
    }

    #[test]
    fn needs_no_more_segments_than_a_manifest_takes() {
        let settings = TransferSettings::default();
        assert_eq!(segment_bytes(None, &settings, 1 << 30, &limits()), 64 << 20);
        let length = 4 << 40;
        let bytes = segment_bytes(None, &settings, length, &limits());
        assert!(length.div_ceil(bytes) <= 1000, "{bytes}");
    }

    #[test]
    fn keeps_to_the_bounds_of_the_cloud() {
        let mut limits = limits();
        limits.slo.as_mut().unwrap().min_segment_size = 1 << 20;
        limits.swift.max_file_size = 4 << 20;
        let settings = TransferSettings::default();
        assert_eq!(segment_bytes(Some(1), &settings, 9, &limits), 1 << 20);
        assert_eq!(segment_bytes(Some(1 << 30), &settings, 9, &limits), 4 << 20);
    }

    #[test]
    fn gives_a_pipe_no_more_memory_than_there_is() {
        let settings = TransferSettings::default();
        assert_eq!(pipe_segment_bytes(None, &settings, &limits()), 8 << 20);
        assert_eq!(
            pipe_segment_bytes(Some(1 << 30), &settings, &limits()),
            32 << 20
        );
    }

    #[test]
    fn refuses_a_name_that_is_too_long() {
        let long = "x".repeat(1025);
        let error = check_names("c", &long, &limits()).unwrap_err();
        assert!(
            matches!(error, Error::NameTooLong { what: "object", .. }),
            "{error}"
        );
    }
}
