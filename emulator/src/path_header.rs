//! Request headers that name an object or an account (`check_path_header` in `swift/common/request_helpers.py`,
//! `check_account_format` in `swift/common/constraints.py`).

use http::{HeaderValue, StatusCode};
use percent_encoding::percent_decode;

use crate::reject::Reject;

/// Container and object of a percent-encoded `container/object`, with or without a slash in front.
pub(crate) fn object(value: &HeaderValue) -> Option<(String, String)> {
    let decoded = decode(value)?;
    let (container, object) = decoded
        .strip_prefix('/')
        .unwrap_or(&decoded)
        .split_once('/')?;
    (!container.is_empty() && !object.is_empty()).then(|| (container.to_owned(), object.to_owned()))
}

/// An account's percent-encoded name.
pub(crate) fn account(value: &HeaderValue) -> Result<String, Reject> {
    let refuse = |text| Err(Reject::html(StatusCode::PRECONDITION_FAILED, text));
    match decode(value) {
        None => refuse("Invalid UTF8 or contains NULL"),
        Some(name) if name.is_empty() => refuse("Account name cannot be empty"),
        Some(name) if name.contains('/') => refuse("Account name cannot contain slashes"),
        Some(name) => Ok(name),
    }
}

fn decode(value: &HeaderValue) -> Option<String> {
    Some(
        percent_decode(value.as_bytes())
            .decode_utf8()
            .ok()?
            .into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(value: &'static str) -> Option<(String, String)> {
        object(&HeaderValue::from_static(value))
    }

    #[test]
    fn an_object_is_named_with_or_without_a_slash_in_front() {
        let expected = Some(("c d".to_owned(), "o/p".to_owned()));
        assert_eq!(named("c%20d/o/p"), expected);
        assert_eq!(named("/c%20d/o%2Fp"), expected);
    }

    #[test]
    fn a_part_that_is_missing_names_no_object() {
        for value in ["", "/", "c", "c/", "/c", "//o", "c/%FF"] {
            assert_eq!(named(value), None, "{value}");
        }
    }

    #[test]
    fn an_account_is_one_part() {
        let name = |value| account(&HeaderValue::from_static(value)).ok();
        assert_eq!(name("AUTH_%C3%A9").as_deref(), Some("AUTH_é"));
        assert_eq!(name(""), None);
        assert_eq!(name("a/b"), None);
    }
}
