//! The user's own metadata, and the reading of headers in general.

use std::collections::{BTreeMap, btree_map};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::Error;

/// Names and values that users attach to accounts, containers and objects
/// (`X-Account-Meta-*`, `X-Container-Meta-*`, `X-Object-Meta-*`).
///
/// Names do not depend on case and are kept in lower case. Values are UTF-8 without line breaks.
///
/// ```
/// use swift_client::Metadata;
///
/// let mut metadata = Metadata::from([("Colour", "blue")]);
/// metadata.insert("Mood", "fine");
/// assert_eq!(metadata.get("COLOUR"), Some("blue"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

/// The name under which the time of a file is noted (`X-Object-Meta-Mtime`).
const MTIME: &str = "mtime";

/// Reads a time; digits beyond a nanosecond are dropped.
fn read_mtime(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Timestamp::new(seconds.parse().ok()?, digits.parse().ok()?).ok()
}

impl Metadata {
    /// No metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one value, and gives back the one it replaces.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Into<String>) -> Option<String> {
        self.0
            .insert(name.as_ref().to_ascii_lowercase(), value.into())
    }

    /// Takes one value out.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(&name.to_ascii_lowercase())
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The time of the file that an object was made of, as `Mtime` tells it: seconds since 1970, with a fraction, as
    /// python-swiftclient and rclone write it.
    pub fn mtime(&self) -> Option<Timestamp> {
        read_mtime(self.get(MTIME)?)
    }

    /// Notes the time of a file; not one before 1970.
    pub fn set_mtime(&mut self, at: Timestamp) {
        let (seconds, nanos) = (at.as_second(), at.subsec_nanosecond());
        if seconds >= 0 {
            self.insert(MTIME, format!("{seconds}.{nanos:09}"));
        }
    }

    /// All names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `<prefix><name>: <value>` for each.
    pub(crate) fn write(&self, prefix: &str, headers: &mut HeaderMap) -> Result<(), Error> {
        for (name, value) in self.iter() {
            set(headers, &format!("{prefix}{name}"), value)?;
        }
        Ok(())
    }

    /// What stands under `prefix` (lower case) in `headers`, without what Swift treats as secret.
    pub(crate) fn read(prefix: &str, headers: &HeaderMap) -> Self {
        let ours = headers.iter().filter(|(_, value)| !value.is_sensitive());
        ours.filter_map(|(name, value)| {
            Some((
                name.as_str().strip_prefix(prefix)?.to_owned(),
                text_of(value),
            ))
        })
        .collect()
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into()))
                .collect(),
        )
    }
}

impl<N: AsRef<str>, V: Into<String>, const LEN: usize> From<[(N, V); LEN]> for Metadata {
    fn from(pairs: [(N, V); LEN]) -> Self {
        pairs.into_iter().collect()
    }
}

impl IntoIterator for Metadata {
    type Item = (String, String);
    type IntoIter = btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Sets a header, whatever letters its name and value have.
pub(crate) fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let invalid = || Error::InvalidHeader {
        name: name.to_owned(),
    };
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    // `from_bytes`, since Swift's values are UTF-8 and `from_str` takes ASCII only.
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
    value.set_sensitive(is_secret(name.as_str()));
    headers.insert(name, value);
    Ok(())
}

/// Keeps `Debug` from showing header values that give access.
pub(crate) fn hide_secrets(headers: &mut HeaderMap) {
    for (name, value) in headers {
        if is_secret(name.as_str()) {
            value.set_sensitive(true);
        }
    }
}

fn is_secret(name: &str) -> bool {
    name.contains("temp-url-key")
        || name.ends_with("-token")
        || matches!(
            name,
            "x-container-sync-key" | "set-cookie" | "authorization"
        )
}

/// A header as text; bytes that are not UTF-8 show as U+FFFD.
pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(text_of)
}

fn text_of(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// A header that holds a number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A header that holds Swift's idea of true.
pub(crate) fn flag(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get(name)
        .is_some_and(|value| is_true(&text_of(value)))
}

/// The words Swift takes for true (`swift/common/utils`, `config_true_value`).
fn is_true(text: &str) -> bool {
    matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "true" | "1" | "yes" | "on" | "t" | "y"
    )
}

/// A header that holds seconds since 1970, with or without a fraction (`X-Timestamp`, `X-Delete-At`).
pub(crate) fn epoch(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    let text = text(headers, name)?;
    let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits: String = fraction
        .chars()
        .chain(std::iter::repeat('0'))
        .take(9)
        .collect();
    Timestamp::new(seconds.parse().ok()?, digits.parse().ok()?).ok()
}

/// A header that holds an HTTP date.
pub(crate) fn http_date(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(&text(headers, name)?)
        .ok()
        .map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_that_it_and_other_programs_write() {
        let time = Timestamp::new(1_795_983_581, 845_152_045).unwrap();
        let mut metadata = Metadata::new();
        metadata.set_mtime(time);
        assert_eq!(metadata.get("mtime"), Some("1795983581.845152045"));
        assert_eq!(metadata.mtime(), Some(time));
        // python-swiftclient writes six digits.
        let coarse = Timestamp::new(1_795_983_581, 845_152_000).unwrap();
        assert_eq!(read_mtime("1795983581.845152"), Some(coarse));
        assert_eq!(read_mtime("7"), Timestamp::new(7, 0).ok());
        assert_eq!(read_mtime("yesterday"), None);
        let mut metadata = Metadata::new();
        metadata.set_mtime(Timestamp::new(-1, 0).unwrap());
        assert!(metadata.is_empty());
    }

    #[test]
    fn carries_utf8_values_both_ways() {
        let mut headers = HeaderMap::new();
        Metadata::from([("Caption", "Grüße ✓")])
            .write("x-object-meta-", &mut headers)
            .unwrap();
        assert_eq!(
            Metadata::read("x-object-meta-", &headers).get("caption"),
            Some("Grüße ✓")
        );
    }

    #[test]
    fn refuses_a_line_break_in_a_value() {
        let mut headers = HeaderMap::new();
        let error = Metadata::from([("a", "b\r\nX-Evil: 1")])
            .write("x-object-meta-", &mut headers)
            .unwrap_err();
        assert!(matches!(error, Error::InvalidHeader { .. }), "{error}");
    }

    #[test]
    fn leaves_temp_url_keys_out_and_hides_them() {
        let mut headers = HeaderMap::new();
        headers.insert("x-account-meta-temp-url-key-2", "hunter2".parse().unwrap());
        headers.insert("x-account-meta-colour", "blue".parse().unwrap());
        hide_secrets(&mut headers);
        assert_eq!(
            Metadata::read("x-account-meta-", &headers),
            Metadata::from([("colour", "blue")])
        );
        assert!(!format!("{headers:?}").contains("hunter2"));
    }

    #[test]
    fn reads_times_with_fractions() {
        let headers: HeaderMap = [(
            HeaderName::from_static("x-timestamp"),
            "1400000000.12345".parse().unwrap(),
        )]
        .into_iter()
        .collect();
        assert_eq!(
            epoch(&headers, "x-timestamp").unwrap().as_nanosecond(),
            1_400_000_000_123_450_000
        );
    }

    #[test]
    fn reads_http_dates() {
        let headers: HeaderMap = [(
            http::header::LAST_MODIFIED,
            "Tue, 24 Nov 2026 00:31:07 GMT".parse().unwrap(),
        )]
        .into_iter()
        .collect();
        assert_eq!(
            http_date(&headers, "last-modified").unwrap().as_second(),
            1_795_480_267
        );
    }
}
