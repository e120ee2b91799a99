//! When an object shall go away by itself (`check_delete_headers` in `swift/common/constraints.py`).

use http::{HeaderMap, StatusCode};

use super::metadata::integer;
use crate::headers::{X_DELETE_AFTER, X_DELETE_AT};
use crate::reject::Reject;
use crate::timestamp::Timestamp;

/// The moment that `X-Delete-After` or `X-Delete-At` asks for, in Unix seconds; the former counts where both are there.
pub(crate) fn delete_at(headers: &HeaderMap, now: Timestamp) -> Result<Option<u64>, Reject> {
    /// The last moment Swift can write down: ten digits.
    const LAST: i64 = 9_999_999_999;
    let bad = |text: &'static str| Reject::plain(StatusCode::BAD_REQUEST, text);
    let seconds = i64::try_from(now.seconds()).unwrap_or(LAST);
    let mut at = None;
    if let Some(after) = integer(headers, X_DELETE_AFTER) {
        let after = after.map_err(|()| bad("Non-integer X-Delete-After"))?;
        let moment = seconds.saturating_add(after).clamp(0, LAST);
        if moment <= seconds {
            return Err(bad("X-Delete-After in past"));
        }
        at = Some(moment);
    } else if let Some(moment) = integer(headers, X_DELETE_AT) {
        let moment = moment
            .map_err(|()| bad("Non-integer X-Delete-At"))?
            .clamp(0, LAST);
        if moment <= seconds {
            return Err(bad("X-Delete-At in past"));
        }
        at = Some(moment);
    }
    Ok(at.map(i64::unsigned_abs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &'static str, value: &'static str) -> Result<Option<u64>, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_static(value));
        delete_at(&headers, Timestamp::from_ticks(100 * 100_000)).map_err(|reject| reject.status)
    }

    #[test]
    fn a_delay_counts_from_now() {
        assert_eq!(at("x-delete-after", "5"), Ok(Some(105)));
        assert_eq!(at("x-delete-at", "101"), Ok(Some(101)));
    }

    #[test]
    fn refuses_the_past_and_what_is_no_number() {
        assert_eq!(at("x-delete-at", "100"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(at("x-delete-after", "0"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(at("x-delete-after", "soon"), Err(StatusCode::BAD_REQUEST));
    }
}
