//! Header values that are written for one answer.

use std::cell::RefCell;

use bytes::{BufMut, BytesMut};
use http::HeaderValue;

use crate::timestamp::http_date;

/// Bytes that values are cut from, so that not each takes memory of its own.
const PAGE: usize = 2048;

/// Room for any value that is written here, but for those that have something of a client's in them.
const ROOM: usize = 64;

/// How many dates a thread knows how to write, each in a place that its second says.
const KNOWN_DATES: usize = 32;

thread_local! {
    static PAGES: RefCell<BytesMut> = RefCell::default();
    static DATES: RefCell<[(u64, String); KNOWN_DATES]> =
        const { RefCell::new([const { (u64::MAX, String::new()) }; KNOWN_DATES]) };
}

/// A value of what is written to the end of a page; empty if that is none.
///
/// Not for values that are kept: each keeps the whole page.
pub(crate) fn written(write: impl FnOnce(&mut BytesMut)) -> HeaderValue {
    PAGES.with_borrow_mut(|page| {
        if page.capacity() < ROOM {
            // Where nobody holds what was cut from the page, this is the same page again.
            page.reserve(PAGE);
        }
        write(page);
        HeaderValue::from_maybe_shared(page.split().freeze())
            .unwrap_or(HeaderValue::from_static(""))
    })
}

/// A number.
pub(crate) fn number(number: u64) -> HeaderValue {
    written(|page| digits(page, number, 1))
}

/// The digits of a number, and zeros before them where it has fewer than `least`, ten at most.
pub(crate) fn digits(page: &mut impl BufMut, number: u64, least: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    page.put_slice(&b"0000000000"[..least.saturating_sub(digits.len())]);
    page.put_slice(digits);
}

/// A date: that of an answer is the same for many, and so is mostly that of objects.
pub(crate) fn date(page: &mut impl BufMut, seconds: u64) {
    DATES.with_borrow_mut(|dates| {
        // No remainder is beyond a `usize`.
        let (of, date) = &mut dates[usize::try_from(seconds % KNOWN_DATES as u64).unwrap_or(0)];
        if *of != seconds {
            *date = http_date(seconds);
            *of = seconds;
        }
        page.put_slice(date.as_bytes());
    });
}
