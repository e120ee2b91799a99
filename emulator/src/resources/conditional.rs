//! Conditional requests (RFC 9110 section 13, as `Response._get_conditional_response_status` in `swob.py` does them).

use std::time::UNIX_EPOCH;

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, StatusCode};

/// The status that the conditions of a read ask for instead of 200: 304 or 412. `None` where they hold, or there are none.
///
/// If they are asked, `etag` tells what the object is known by, and `modified` its `Last-Modified` in Unix seconds.
pub(crate) fn refuse<'a>(
    headers: &HeaderMap,
    etag: impl Fn() -> &'a str,
    modified: impl Fn() -> u64,
) -> Option<StatusCode> {
    // Most requests have none, which one look tells.
    if !headers.keys().any(|name| name.as_str().starts_with("if-")) {
        return None;
    }
    let listed = |name: HeaderName| -> Option<bool> {
        let list = headers.get(name)?.to_str().unwrap_or("");
        Some(matches(list, &[etag()]))
    };
    let date = |name: HeaderName| -> Option<u64> {
        let date = httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
        Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
    };
    if listed(IF_NONE_MATCH) == Some(true) {
        return Some(StatusCode::NOT_MODIFIED);
    }
    if listed(IF_MATCH) == Some(false) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    if date(IF_MODIFIED_SINCE).is_some_and(|since| modified() <= since) {
        return Some(StatusCode::NOT_MODIFIED);
    }
    if date(IF_UNMODIFIED_SINCE).is_some_and(|since| modified() > since) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    None
}

/// Whether a list of ETags, quoted or not, holds one of these, or the asterisk that stands for all.
pub(crate) fn matches(list: &str, etags: &[&str]) -> bool {
    list.split(',')
        .map(|entry| entry.trim().trim_matches('"'))
        .any(|entry| entry == "*" || etags.contains(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: HeaderName, value: &'static str) -> Option<u16> {
        let mut headers = HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_static(value));
        refuse(&headers, || "abc", || 1_400_000_000).map(|status| status.as_u16())
    }

    #[test]
    fn etags_are_compared_quoted_or_not() {
        assert_eq!(refused(IF_MATCH, "\"abc\""), None);
        assert_eq!(refused(IF_MATCH, "x, abc"), None);
        assert_eq!(refused(IF_MATCH, "x"), Some(412));
        assert_eq!(refused(IF_NONE_MATCH, "abc"), Some(304));
        assert_eq!(refused(IF_NONE_MATCH, "*"), Some(304));
        assert_eq!(refused(IF_NONE_MATCH, "x"), None);
    }

    #[test]
    fn dates_are_compared_by_the_second_and_nonsense_is_ignored() {
        assert_eq!(
            refused(IF_MODIFIED_SINCE, "Tue, 13 May 2014 16:53:20 GMT"),
            Some(304)
        );
        assert_eq!(
            refused(IF_MODIFIED_SINCE, "Tue, 13 May 2014 16:53:19 GMT"),
            None
        );
        assert_eq!(
            refused(IF_UNMODIFIED_SINCE, "Tue, 13 May 2014 16:53:19 GMT"),
            Some(412)
        );
        assert_eq!(refused(IF_UNMODIFIED_SINCE, "soon"), None);
    }
}
