//! The media type of an object, kept small.

use std::fmt;

use http::HeaderValue;

/// What most objects are, so that it need not be held for each.
const COMMON: [&str; 16] = [
    "application/octet-stream",
    "application/json",
    "text/plain",
    "text/html",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/svg+xml",
    "image/webp",
    "text/css",
    "text/javascript",
    "text/csv",
    "video/mp4",
    "application/pdf",
    "application/zip",
    "application/directory",
];

/// A media type, which may be any value that a header may have.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MediaType(Kept);

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    /// Place in [`COMMON`].
    Common(u8),
    Own(Box<[u8]>),
}

impl MediaType {
    /// As text has it. Control characters, which a header cannot have, make it an empty one.
    pub(crate) fn of(text: &str) -> Self {
        Self::from(&HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("")))
    }

    /// As text, if it is one of those that need not be held for each.
    pub(crate) fn common(&self) -> Option<&'static str> {
        match &self.0 {
            Kept::Common(place) => Some(COMMON[usize::from(*place)]),
            Kept::Own(_) => None,
        }
    }

    /// As bytes of a header's value.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Common(place) => COMMON[usize::from(*place)].as_bytes(),
            Kept::Own(bytes) => bytes,
        }
    }

    /// As a header has it.
    pub(crate) fn value(&self) -> HeaderValue {
        match &self.0 {
            Kept::Common(place) => HeaderValue::from_static(COMMON[usize::from(*place)]),
            // They were a header's value.
            Kept::Own(bytes) => {
                HeaderValue::from_bytes(bytes).unwrap_or(HeaderValue::from_static(""))
            }
        }
    }

    /// Bytes in memory that are of this one alone.
    pub(super) fn own_bytes(&self) -> usize {
        match &self.0 {
            Kept::Common(_) => 0,
            Kept::Own(bytes) => bytes.len(),
        }
    }
}

impl From<&HeaderValue> for MediaType {
    fn from(value: &HeaderValue) -> Self {
        let common = COMMON.iter().position(|common| value == *common);
        let place = common.and_then(|place| u8::try_from(place).ok());
        Self(place.map_or_else(|| Kept::Own(value.as_bytes().into()), Kept::Common))
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        for value in [
            &b"text/plain"[..],
            b"text/plain; charset=x",
            b"",
            b"\xe9/\xff",
        ] {
            let value = HeaderValue::from_bytes(value).expect("a value");
            let kept = MediaType::from(&value);
            assert_eq!(kept.value(), value);
            assert_eq!(kept.as_bytes(), value.as_bytes());
        }
        assert_eq!(MediaType::of("a/b\n").value(), "");
    }
}
