//! The moment a signature ends: Unix seconds, or an ISO 8601 date and time in UTC.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Whether a signature that ends at `expires` (Unix seconds) has ended at `now`.
///
/// `normalize_temp_url_expires` in Swift's `tempurl.py` compares with a clock that has fractions: the whole moment
/// `expires` still counts, the next fraction of a second does not.
pub(crate) fn is_past(expires: u64, now: SystemTime) -> bool {
    now.duration_since(UNIX_EPOCH)
        .is_ok_and(|since_epoch| since_epoch > Duration::from_secs(expires))
}

/// Reads `temp_url_expires` as Swift does: an integer, or `YYYY-MM-DDTHH:MM:SSZ`. `None` for anything else, for zero
/// and for what lies before 1970, all of which Swift counts as never valid.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let seconds = match parse_integer(text) {
        Some(seconds) => seconds,
        None => parse_iso8601(text)?,
    };
    u64::try_from(seconds).ok().filter(|&seconds| seconds != 0)
}

/// Reads an integer as Python's `int` reads one in ASCII digits: white space around it, a sign before it and single
/// underscores between its digits are allowed.
///
/// Python's integers have no limit; here what does not fit in 64 bits is no integer.
pub(crate) fn parse_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let mut value: i64 = 0;
    let mut after_digit = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                value = value.checked_mul(10)?.checked_add(digit)?;
                after_digit = true;
            }
            b'_' if after_digit => after_digit = false,
            _ => return None,
        }
    }
    after_digit.then_some(if negative { -value } else { value })
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ` as Python's `strptime` does: two-digit fields may lack their leading zero, and the
/// seconds may be 60 or 61.
fn parse_iso8601(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix(['Z', 'z'])?.split_once(['T', 't'])?;
    let mut date = date.split('-');
    let mut time = time.split(':');
    let year = date
        .next()
        .filter(|year| year.len() == 4)
        .and_then(number)?;
    let month = field(date.next()?)?;
    let day = field(date.next()?)?;
    let hour = field(time.next()?)?;
    let minute = field(time.next()?)?;
    let second = field(time.next()?).filter(|&second| second <= 61)?;
    if date.next().is_some() || time.next().is_some() || year == 0 {
        return None;
    }
    let date = Date::new(year, month, day).ok()?;
    let minutes = date.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
    Some(minutes.duration_since(EPOCH).as_secs() + i64::from(second))
}

fn field(text: &str) -> Option<i8> {
    if text.len() > 2 {
        return None;
    }
    number(text)?.try_into().ok()
}

/// Digits alone: a sign would pass `parse`.
fn number(text: &str) -> Option<i16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// Appends `YYYY-MM-DDTHH:MM:SSZ`, or the seconds as a number after the year 9999.
pub(crate) fn write_iso8601(expires: u64, out: &mut String) {
    let moment = i64::try_from(expires)
        .ok()
        .and_then(|seconds| EPOCH.checked_add(SignedDuration::from_secs(seconds)).ok());
    let written = match moment {
        Some(moment) => write!(out, "{}", moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
        None => write!(out, "{expires}"),
    };
    written.expect("a string takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_every_moment_it_writes() {
        for expires in [1, 59, 86_399, 951_782_400, 1_709_251_199, 253_402_300_799] {
            let mut text = String::new();
            write_iso8601(expires, &mut text);
            assert_eq!(text.len(), 20);
            assert_eq!(parse(&text), Some(expires));
        }
    }

    #[test]
    fn writes_seconds_where_four_digits_cannot_hold_the_year() {
        for expires in [253_402_300_800, u64::MAX] {
            let mut text = String::new();
            write_iso8601(expires, &mut text);
            assert_eq!(text, expires.to_string());
        }
    }

    #[test]
    fn numbers_too_long_are_no_numbers() {
        assert_eq!(parse_integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_integer("9223372036854775808"), None);
        assert_eq!(parse_integer("-9223372036854775807"), Some(-i64::MAX));
        assert_eq!(parse_integer(""), None);
        assert_eq!(parse_integer("-"), None);
    }

    #[test]
    fn nothing_is_past_before_1970() {
        assert!(!is_past(0, UNIX_EPOCH - Duration::from_secs(1)));
        assert!(!is_past(
            u64::MAX,
            UNIX_EPOCH + Duration::from_secs(1 << 40)
        ));
    }
}
