//! Numbers and times as people read them.

use jiff::Timestamp;

/// The units of [`size`], each 1,024 of the one before.
const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A number of bytes in the largest unit of which there is at least one: `12 B`, `1.5 KiB`, `20.0 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut whole = bytes;
    let mut rest = 0;
    let mut unit = None;
    for name in UNITS {
        if whole < 1024 {
            break;
        }
        rest = whole % 1024;
        whole /= 1024;
        unit = Some(name);
    }
    match unit {
        None => format!("{bytes} B"),
        Some(unit) => format!("{whole}.{} {unit}", rest * 10 / 1024),
    }
}

/// So many of something: `1 object`, `1,234 objects`.
pub(crate) fn count(number: u64, what: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let ending = if number == 1 { "" } else { "s" };
    format!("{grouped} {what}{ending}")
}

/// A time in whole seconds: `2026-11-24T00:31:07Z`; a dash if it is not known.
pub(crate) fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_sizes_in_the_largest_unit_that_fits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (20 << 30, "20.0 GiB"),
            (u64::MAX, "15.9 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn counts_things_in_groups_of_three_digits() {
        assert_eq!(count(0, "object"), "0 objects");
        assert_eq!(count(1, "object"), "1 object");
        assert_eq!(count(1234, "object"), "1,234 objects");
        assert_eq!(count(1_234_567, "object"), "1,234,567 objects");
    }

    #[test]
    fn writes_times_without_fractions() {
        let at = "2026-11-24T00:31:07.987Z".parse().unwrap();
        assert_eq!(time(Some(at)), "2026-11-24T00:31:07Z");
        assert_eq!(time(None), "-");
    }
}
