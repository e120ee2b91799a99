//! Swift's timestamps: Unix time in steps of ten microseconds.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::BufMut;
use httpdate::HttpDate;
use jiff::tz::Offset;

use crate::written::{self, digits};

/// A moment, in steps of ten microseconds since 1970 (`swift/common/utils/timestamp.py`).
///
/// Displays as `X-Timestamp` does: ten digits, a point, five digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Timestamp(u64);

const TICKS: u64 = 100_000;

impl Timestamp {
    pub(crate) const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    pub(crate) const fn ticks(self) -> u64 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub(crate) const fn seconds(self) -> u64 {
        self.0 / TICKS
    }

    /// Whole seconds, rounded up: `Last-Modified` must not lie before the moment it speaks of.
    pub(crate) const fn seconds_up(self) -> u64 {
        self.0.div_ceil(TICKS)
    }

    pub(crate) fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0.saturating_mul(10))
    }

    /// The HTTP date of [`Self::seconds_up`].
    pub(crate) fn last_modified(self) -> String {
        http_date(self.seconds_up())
    }

    /// The same, written to a page.
    pub(crate) fn put_last_modified(self, page: &mut impl BufMut) {
        written::date(page, self.seconds_up());
    }

    /// As `X-Timestamp` has it, written to a page.
    pub(crate) fn put(self, page: &mut impl BufMut) {
        digits(page, self.0 / TICKS, 10);
        page.put_slice(b".");
        digits(page, self.0 % TICKS, 5);
    }

    /// As listings show it: `2026-01-31T12:00:00.123450`.
    pub(crate) fn iso(self) -> String {
        let micros = self.0.saturating_mul(10);
        jiff::Timestamp::from_microsecond(i64::try_from(micros).unwrap_or(i64::MAX))
            .map(|moment| format!("{:.6}", Offset::UTC.to_datetime(moment)))
            .unwrap_or_default()
    }
}

/// Writes moments as listings show them. Of those that lie in one second, as in listings many do, only the first is looked
/// up in the calendar.
#[derive(Debug, Default)]
pub(crate) struct IsoDates {
    /// The last second, up to its point.
    known: Option<(u64, String)>,
}

impl IsoDates {
    /// Writes what [`Timestamp::iso`] gives.
    pub(crate) fn write(&mut self, text: &mut Vec<u8>, moment: Timestamp) {
        const FRACTION: usize = "123450".len();
        let (seconds, rest) = (moment.0 / TICKS, moment.0 % TICKS);
        if let Some((_, second)) = self.known.as_ref().filter(|known| known.0 == seconds) {
            text.extend_from_slice(second.as_bytes());
            digits(text, 10 * rest, FRACTION);
            return;
        }
        let mut iso = moment.iso();
        text.extend_from_slice(iso.as_bytes());
        if let Some(length) = iso.len().checked_sub(FRACTION) {
            iso.truncate(length);
            self.known = Some((seconds, iso));
        }
    }
}

/// The HTTP date of a moment in Unix seconds; the last one that HTTP can write, if it lies beyond that.
pub(crate) fn http_date(seconds: u64) -> String {
    date(seconds).to_string()
}

fn date(seconds: u64) -> HttpDate {
    const LAST: u64 = 253_402_300_799;
    (UNIX_EPOCH + Duration::from_secs(seconds.min(LAST))).into()
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let micros = time
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_micros();
        Self(u64::try_from(micros / 10).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:010}.{:05}", self.0 / TICKS, self.0 % TICKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_a_row_are_written_as_each_alone() {
        let mut dates = IsoDates::default();
        let second = 140_000_000_000_000;
        for ticks in [
            second,
            second + 1,
            second + 99_999,
            second + TICKS,
            second,
            0,
            10,
            u64::MAX,
            u64::MAX - 1,
        ] {
            let mut text = Vec::new();
            dates.write(&mut text, Timestamp(ticks));
            let text = String::from_utf8(text).expect("it is ASCII");
            assert_eq!(text, Timestamp(ticks).iso());
        }
    }

    #[test]
    fn shows_ten_digits_and_five() {
        let time = Timestamp::from_ticks(140_000_000_012_345);
        assert_eq!(time.to_string(), "1400000000.12345");
        let value = |time: Timestamp| {
            let mut page = Vec::new();
            time.put(&mut page);
            page
        };
        assert_eq!(value(time), b"1400000000.12345");
        assert_eq!(value(Timestamp::default()), b"0000000000.00000");
        let mut page = Vec::new();
        time.put_last_modified(&mut page);
        assert_eq!(page, time.last_modified().as_bytes());
        assert_eq!(time.iso(), "2014-05-13T16:53:20.123450");
        assert_eq!(Timestamp::default().iso(), "1970-01-01T00:00:00.000000");
        assert_eq!(time.last_modified(), "Tue, 13 May 2014 16:53:21 GMT");
    }
}
