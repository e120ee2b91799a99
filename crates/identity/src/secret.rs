//! Text that must not be seen: passwords, API keys, tokens.

use std::fmt;

use http::HeaderValue;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A password, API key, passcode or token.
///
/// It shows as `***` and its memory is overwritten when it is dropped. It has no `PartialEq`: comparing secrets is
/// the server's business.
///
/// ```
/// let key = identity::Secret::from("f7e0");
/// assert_eq!(format!("{key} {key:?}"), "*** ***");
/// assert_eq!(key.expose(), "f7e0");
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Search for this name to find every place that lets a secret out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text as a header value that `Debug` does not show, or nothing if a header cannot carry it (a line break,
    /// a NUL).
    pub fn header_value(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_bytes(self.0.as_bytes()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}
