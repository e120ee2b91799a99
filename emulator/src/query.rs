//! The query of a request, read when asked for.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};

use crate::path::QUOTED;

/// What a name or a value cannot have in it as it is.
const PART: &AsciiSet = &QUOTED.add(b'/');

/// A raw query, the part of the target behind `?`, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameters in order, decoded. Escapes that are not UTF-8 become U+FFFD; see [`Self::utf8`].
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.raw_pairs()
            .map(|(name, value)| (decode(name), decode(value)))
    }

    fn raw_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The value of a parameter, the last one where it repeats, as in `swob.Request.params`.
    pub(crate) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        if self.0.is_empty() {
            return None;
        }
        self.raw_pairs()
            .filter(|(found, _)| decode(found) == name)
            .last()
            .map(|(_, value)| decode(value))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether a parameter is there and means yes (`config_true_value` in `swift/common/utils`).
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| truthy(&value))
    }

    /// Whether the value of this parameter is UTF-8 once decoded.
    pub(crate) fn utf8(&self, name: &str) -> bool {
        self.raw_pairs()
            .filter(|(found, _)| decode(found) == name)
            .all(|(_, value)| percent_decode_str(value).decode_utf8().is_ok())
    }

    /// The same query without a parameter.
    pub(crate) fn without(&self, name: &str) -> Self {
        let kept: Vec<&str> = self
            .0
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter(|pair| decode(pair.split_once('=').map_or(*pair, |(found, _)| found)) != name)
            .collect();
        Self(kept.join("&"))
    }

    /// The same query with a parameter set, which it replaces.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut query = self.without(name);
        query.push(name, value);
        query
    }

    /// Adds a parameter.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, PART));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, PART));
    }
}

fn decode(text: &str) -> Cow<'_, str> {
    // Most names and values have nothing to be decoded.
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// What Swift takes for yes (`TRUE_VALUES` in `swift/common/utils`).
pub(crate) fn truthy(value: &str) -> bool {
    ["true", "1", "yes", "on", "t", "y"]
        .iter()
        .any(|yes| value.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_counts_and_plus_is_a_space() {
        let query = Query::new("a=1&b=x+y&a=2&c");
        assert_eq!(query.get("a").as_deref(), Some("2"));
        assert_eq!(query.get("b").as_deref(), Some("x y"));
        assert_eq!(query.get("c").as_deref(), Some(""));
        assert_eq!(query.get("d"), None);
        let escaped = Query::new("%61+b=1&%62=%2B");
        assert_eq!(escaped.get("a b").as_deref(), Some("1"));
        assert_eq!(escaped.get("b").as_deref(), Some("+"));
        assert_eq!(escaped.without("b").as_str(), "%61+b=1");
    }

    #[test]
    fn parameters_are_replaced_and_removed() {
        let query = Query::new("a=1&b=2");
        assert_eq!(query.without("a").as_str(), "b=2");
        assert_eq!(query.with("a", "x/y").as_str(), "b=2&a=x%2Fy");
    }

    #[test]
    fn tells_what_is_not_utf8() {
        assert!(Query::new("prefix=%C3%A9").utf8("prefix"));
        assert!(!Query::new("prefix=%FF").utf8("prefix"));
    }
}
