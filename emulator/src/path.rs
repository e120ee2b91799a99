//! The path of a request, decoded and divided as Swift divides it.

use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode,
};

/// What Python's `quote` leaves alone, so that our paths look like Swift's.
pub(crate) const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

/// Percent-encodes a path or a part of one as Swift does; slashes stay.
pub(crate) fn quote(text: &str) -> String {
    utf8_percent_encode(text, QUOTED).to_string()
}

/// The same for what may not be UTF-8.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    percent_encode(bytes, QUOTED).to_string()
}

/// A decoded path: `/version/account/container/object`, of which only the version must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    text: String,
    /// Where each of the first four parts ends; equal to the text's length where there is none.
    ends: [usize; 3],
    /// What it names, which is asked many times for each request.
    kind: Result<Kind, BadPath>,
}

/// What a path names, without the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Container,
    Object,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource<'a> {
    Account(&'a str),
    Container(&'a str, &'a str),
    Object(&'a str, &'a str, &'a str),
}

/// Why a path names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadPath {
    /// Not even a version, or a missing part in the middle: 404.
    NotFound,
    /// A version that is not ours: 400.
    Version,
    /// A version and nothing else: 412.
    BadUrl,
}

impl Path {
    /// Decodes the path of a request target. `None` where it is not UTF-8 once decoded.
    pub(crate) fn decode(raw: &str) -> Option<Self> {
        if !raw.contains('%') {
            return Some(Self::new(raw.to_owned()));
        }
        let text = percent_decode_str(raw).decode_utf8().ok()?;
        Some(Self::new(text.into_owned()))
    }

    /// A path that is decoded already.
    pub(crate) fn new(text: String) -> Self {
        let mut ends = [text.len(); 3];
        let first = usize::from(text.starts_with('/'));
        let slashes = memchr::memchr_iter(b'/', &text.as_bytes()[first..]);
        for (end, at) in ends.iter_mut().zip(slashes) {
            *end = first + at;
        }
        let mut path = Self {
            text,
            ends,
            kind: Err(BadPath::NotFound),
        };
        path.kind = path.find_kind();
        path
    }

    pub(crate) fn container(account: &str, container: &str) -> Self {
        Self::new(format!("/v1/{account}/{container}"))
    }

    pub(crate) fn object(account: &str, container: &str, object: &str) -> Self {
        Self::new(format!("/v1/{account}/{container}/{object}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The first part, `v1` for the storage API.
    pub(crate) fn version(&self) -> &str {
        let from = usize::from(self.text.starts_with('/'));
        self.text.get(from..self.ends[0]).unwrap_or("")
    }

    /// What kind of thing the path names, which most features ask.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind.ok()
    }

    /// What the path names (`Application.get_controller` in `swift/proxy/server.py`).
    pub(crate) fn resource(&self) -> Result<Resource<'_>, BadPath> {
        Ok(match self.kind? {
            Kind::Account => Resource::Account(self.account()),
            Kind::Container => Resource::Container(self.account(), self.within_account()),
            Kind::Object => Resource::Object(
                self.account(),
                self.within_account(),
                self.within_container(),
            ),
        })
    }

    /// The part from one end on, without the slash there.
    fn part(&self, from: usize, to: usize) -> &str {
        self.text.get(self.ends[from] + 1..to).unwrap_or("")
    }

    fn account(&self) -> &str {
        self.part(0, self.ends[1])
    }

    fn within_account(&self) -> &str {
        self.part(1, self.ends[2])
    }

    fn within_container(&self) -> &str {
        self.part(2, self.text.len())
    }

    fn find_kind(&self) -> Result<Kind, BadPath> {
        if !self.text.starts_with('/') || self.version().is_empty() {
            return Err(BadPath::NotFound);
        }
        let account = self.account();
        let container = self.within_account();
        let object = self.within_container();
        if !account.is_empty() && !matches!(self.version(), "v1" | "v1.0") {
            return Err(BadPath::Version);
        }
        match (account, container, object) {
            ("", "", "") if self.ends[1] == self.text.len() => Err(BadPath::BadUrl),
            ("", _, _) => Err(BadPath::NotFound),
            (_, "", "") if self.ends[2] == self.text.len() => Ok(Kind::Account),
            (_, "", _) => Err(BadPath::NotFound),
            (_, _, "") => Ok(Kind::Container),
            _ => Ok(Kind::Object),
        }
    }

    /// What the path names, where it names something.
    pub(crate) fn named(&self) -> Option<Resource<'_>> {
        self.resource().ok()
    }
}

impl<'a> Resource<'a> {
    pub(crate) fn account(self) -> &'a str {
        let (Self::Account(account) | Self::Container(account, _) | Self::Object(account, _, _)) =
            self;
        account
    }

    pub(crate) fn container(self) -> Option<&'a str> {
        match self {
            Self::Account(_) => None,
            Self::Container(_, container) | Self::Object(_, container, _) => Some(container),
        }
    }

    pub(crate) fn object(self) -> Option<&'a str> {
        match self {
            Self::Object(_, _, object) => Some(object),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(raw: &str) -> Result<(String, String, String), BadPath> {
        let path = Path::decode(raw).expect("the path is UTF-8");
        path.resource().map(|named| {
            (
                named.account().to_owned(),
                named.container().unwrap_or("").to_owned(),
                named.object().unwrap_or("").to_owned(),
            )
        })
    }

    fn named(account: &str, container: &str, object: &str) -> (String, String, String) {
        (account.into(), container.into(), object.into())
    }

    #[test]
    fn divides_after_decoding_and_leaves_the_object_whole() {
        assert_eq!(resource("/v1/a"), Ok(named("a", "", "")));
        assert_eq!(resource("/v1/a/"), Ok(named("a", "", "")));
        assert_eq!(resource("/v1/a/c"), Ok(named("a", "c", "")));
        assert_eq!(resource("/v1/a/c/"), Ok(named("a", "c", "")));
        assert_eq!(resource("/v1/a/c//o/"), Ok(named("a", "c", "/o/")));
        assert_eq!(resource("/v1/a/c%2Fo"), Ok(named("a", "c", "o")));
        assert_eq!(resource("/v1.0/a/c/%C3%A9"), Ok(named("a", "c", "é")));
    }

    #[test]
    fn names_nothing_where_a_part_is_missing() {
        assert_eq!(resource("/"), Err(BadPath::NotFound));
        assert_eq!(resource("//a"), Err(BadPath::NotFound));
        assert_eq!(resource("/v1"), Err(BadPath::BadUrl));
        assert_eq!(resource("/v1/"), Err(BadPath::BadUrl));
        assert_eq!(resource("/v1/a//o"), Err(BadPath::NotFound));
        assert_eq!(resource("/v1/a//"), Err(BadPath::NotFound));
        assert_eq!(resource("/v1/a/%2F"), Err(BadPath::NotFound));
        assert_eq!(resource("/v1//c"), Err(BadPath::NotFound));
        assert_eq!(resource("/v1///"), Err(BadPath::NotFound));
        assert_eq!(resource("/v2/a"), Err(BadPath::Version));
    }
}
