//! Byte ranges (RFC 9110 section 14; `Range` in `swift/common/swob.py`).

use std::ops;

use http::HeaderValue;

/// Swift serves at most this many ranges at once, of which this many pairs may overlap, and fewer than this many unless
/// each begins behind the one before it.
const MAX_RANGES: usize = 50;
const MAX_OVERLAPS: usize = 2;
const MAX_UNORDERED: usize = 8;

/// What a `Range` header asks of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// No range, or one that makes no sense and is passed over.
    Whole,
    /// Parts of it, half-open, in the order asked for; never empty.
    Parts(Vec<ops::Range<u64>>),
    /// Nothing that the object has: 416.
    Unsatisfiable,
}

/// Reads a `Range` header against an object's length.
pub(crate) fn wanted(header: Option<&HeaderValue>, length: u64) -> Wanted {
    let Some(asked) = header.and_then(|value| parse(value.to_str().ok()?)) else {
        return Wanted::Whole;
    };
    let of_nothing = |part: &Asked| matches!(part, (None, Some(last)) if *last > 0 && length == 0);
    if asked.iter().any(of_nothing) {
        // The last bytes of nothing are nothing, which is all of it.
        return Wanted::Whole;
    }
    let parts: Vec<_> = asked
        .iter()
        .filter_map(|part| within(*part, length))
        .collect();
    if parts.is_empty() || is_abusive(&parts) {
        return Wanted::Unsatisfiable;
    }
    Wanted::Parts(parts)
}

/// First and last byte asked for, or with no first one how many from the end.
pub(crate) type Asked = (Option<u64>, Option<u64>);

/// What a pair asks of an object of this length, half-open; `None` where the object has none of it.
pub(crate) fn within(asked: Asked, length: u64) -> Option<ops::Range<u64>> {
    match asked {
        (Some(first), last) if first < length => {
            Some(first..last.map_or(length, |last| last.saturating_add(1).min(length)))
        }
        (None, Some(last)) if last > 0 && length > 0 => Some(length.saturating_sub(last)..length),
        _ => None,
    }
}

/// `bytes=a-b,…` as pairs; `None` where it is malformed.
pub(crate) fn parse(text: &str) -> Option<Vec<Asked>> {
    // Blanks anywhere, and capitals, are as good.
    let text: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let list = text.strip_prefix("bytes=")?;
    list.split(',')
        .map(|part| {
            let (first, last) = part.trim().split_once('-')?;
            let number = |text: &str| -> Option<Option<u64>> {
                if text.is_empty() {
                    return Some(None);
                }
                if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                // Beyond what fits there is nothing anyway.
                Some(Some(text.parse().unwrap_or(u64::MAX)))
            };
            match (number(first)?, number(last)?) {
                (None, None) => None,
                (Some(first), Some(last)) if first > last => None,
                pair => Some(pair),
            }
        })
        .collect()
}

/// Whether the ranges look like an attempt to make much out of little (RFC 9110 section 14.2).
///
/// As Swift counts: what lies beyond the object is left out before, and of two ranges that are the same, neither overlaps.
fn is_abusive(parts: &[ops::Range<u64>]) -> bool {
    let splits = |one: &ops::Range<u64>, other: &ops::Range<u64>| {
        [other.start, other.end]
            .iter()
            .any(|edge| one.start < *edge && *edge < one.end)
    };
    if parts.len() > MAX_RANGES {
        return true;
    }
    let overlaps: usize = parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            parts[..index]
                .iter()
                .filter(|other| splits(part, other) || splits(other, part))
                .count()
        })
        .sum();
    overlaps > MAX_OVERLAPS
        || parts.len() >= MAX_UNORDERED && !parts.is_sorted_by_key(|part| part.start)
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "a list of one range is meant"
)]
mod tests {
    use super::*;

    fn asked(text: &'static str) -> Wanted {
        wanted(Some(&HeaderValue::from_static(text)), 10)
    }

    #[test]
    fn first_last_and_suffix() {
        assert_eq!(asked("bytes=1-2"), Wanted::Parts(vec![1..3]));
        assert_eq!(asked("bytes=8-99"), Wanted::Parts(vec![8..10]));
        assert_eq!(asked("bytes=-3"), Wanted::Parts(vec![7..10]));
        assert_eq!(asked("bytes=-99"), Wanted::Parts(vec![0..10]));
        assert_eq!(asked("bytes=0-0, 2-3"), Wanted::Parts(vec![0..1, 2..4]));
    }

    #[test]
    fn what_lies_beyond_is_left_out_or_refused() {
        assert_eq!(asked("bytes=0-0,99-"), Wanted::Parts(vec![0..1]));
        assert_eq!(asked("bytes=10-"), Wanted::Unsatisfiable);
        assert_eq!(asked("bytes=-0"), Wanted::Unsatisfiable);
    }

    #[test]
    fn nonsense_is_passed_over() {
        for text in ["bytes=3-2", "bytes=a-b", "bytes=-", "lines=1-2", "bytes=1"] {
            assert_eq!(asked(text), Wanted::Whole, "{text}");
        }
    }

    #[test]
    fn counts_overlaps_and_disorder_as_swift_does() {
        let same = "bytes=1-1,1-1,1-1,1-1";
        assert_eq!(asked(same), Wanted::Parts(vec![1..2; 4]));
        assert_eq!(asked("bytes=0-3,2-5,1-6"), Wanted::Unsatisfiable);
        let one_back = "bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,3-3";
        assert_eq!(asked(one_back), Wanted::Unsatisfiable);
        let few_back = "bytes=6-6,5-5,4-4,3-3,2-2,1-1,0-0";
        assert!(matches!(asked(few_back), Wanted::Parts(parts) if parts.len() == 7));
    }

    #[test]
    fn only_ranges_that_the_object_has_count_towards_the_limit() {
        let list: Vec<String> = (0..51).map(|at| format!("{at}-{at}")).collect();
        let header = HeaderValue::from_str(&format!("bytes={}", list.join(",")))
            .expect("digits and dashes are a header");
        assert!(matches!(wanted(Some(&header), 10), Wanted::Parts(parts) if parts.len() == 10));
        assert_eq!(wanted(Some(&header), 51), Wanted::Unsatisfiable);
    }
}
