//! Where an account is, and what a signature is about.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a path: RFC 3986's unreserved characters, and the slash.
pub(crate) const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The base of an account's URLs, as `X-Storage-Url` or a service catalog gives it:
/// `https://host[:port]/v1/account`.
///
/// What a server signs begins at `/v1`, so a path in front of it (a server mounted below `/swift`, say) appears in URLs
/// and not in signatures. Only the storage URL is searched for that place; a `/v1/` in an object's name means nothing.
///
/// ```
/// use signing::StorageUrl;
///
/// let storage_url = StorageUrl::parse("https://swift.example.com/v1/AUTH_test")?;
/// assert_eq!(storage_url.as_str(), "https://swift.example.com/v1/AUTH_test");
/// assert_eq!(storage_url.account_path(), "/v1/AUTH_test");
/// # Ok::<(), signing::ParseStorageUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUrl {
    /// With one slash at its end.
    url: String,
    /// Decoded, with one slash at its end.
    account_path: String,
}

/// Why a text is not a storage URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseStorageUrlError {
    /// It does not begin with `http://` or `https://` and a host.
    #[error("a storage URL begins with http:// or https:// and a host")]
    Origin,
    /// Its path has no segment `v1` with an account behind it.
    #[error("a storage URL has a path that ends in /v1 and the account")]
    Path,
    /// It has a query or a fragment.
    #[error("a storage URL has no query and no fragment")]
    Query,
    /// Its path, decoded, is not UTF-8.
    #[error("the path of a storage URL is UTF-8")]
    Encoding,
}

impl StorageUrl {
    /// Reads a storage URL. Slashes at its end are dropped.
    pub fn parse(url: &str) -> Result<Self, ParseStorageUrlError> {
        let url = url.trim_end_matches('/');
        if url.contains(['?', '#']) {
            return Err(ParseStorageUrlError::Query);
        }
        let rest = url
            .split_once("://")
            .filter(|(scheme, _)| {
                scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
            })
            .map(|(_, rest)| rest)
            .ok_or(ParseStorageUrlError::Origin)?;
        let path_start = rest.find('/').ok_or(ParseStorageUrlError::Path)?;
        if path_start == 0 {
            return Err(ParseStorageUrlError::Origin);
        }
        let path = &rest[path_start..];
        let version = path.find("/v1/").ok_or(ParseStorageUrlError::Path)?;
        let account_path = percent_decode_str(&path[version..])
            .decode_utf8()
            .map_err(|_| ParseStorageUrlError::Encoding)?;
        Ok(Self {
            url: format!("{url}/"),
            account_path: format!("{account_path}/"),
        })
    }

    /// The URL as it was given, without slashes at its end.
    pub fn as_str(&self) -> &str {
        &self.url[..self.url.len() - 1]
    }

    /// The part of the path that is signed, decoded: `/v1/account`.
    pub fn account_path(&self) -> &str {
        &self.account_path[..self.account_path.len() - 1]
    }

    /// An object of this account, named as the user named it: nothing is encoded yet.
    pub fn object<'a>(&'a self, container: &'a str, object: &'a str) -> Resource<'a> {
        Resource::Object {
            storage_url: self,
            container,
            object,
        }
    }
}

/// What a signature is about. All names are decoded, as the user gave them.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// A path alone, `/v1/account/container/object`. The URL made from it has no host.
    Path(&'a str),
    /// An object of an account. The URL made from it is complete.
    Object {
        /// The account.
        storage_url: &'a StorageUrl,
        /// The container's name.
        container: &'a str,
        /// The object's name, or the beginning of many names.
        object: &'a str,
    },
}

impl<'a> From<&'a str> for Resource<'a> {
    fn from(path: &'a str) -> Self {
        Self::Path(path)
    }
}

impl<'a> Resource<'a> {
    /// The signed path in pieces: three up to and including the slash behind the container, then the rest.
    pub(crate) fn split(&self) -> ([&'a str; 3], &'a str) {
        match *self {
            Self::Path(path) => {
                let (container, object) = path.split_at(container_length(path));
                ([container, "", ""], object)
            }
            Self::Object {
                storage_url,
                container,
                object,
            } => ([&storage_url.account_path, container, "/"], object),
        }
    }

    /// Appends the percent-encoded URL, or path.
    pub(crate) fn write(&self, out: &mut String) {
        match *self {
            Self::Path(path) => encode(path, PATH, out),
            Self::Object {
                storage_url,
                container,
                object,
            } => {
                out.push_str(&storage_url.url);
                encode(container, PATH, out);
                out.push('/');
                encode(object, PATH, out);
            }
        }
    }
}

/// Length of `/v1/account/container/`, slash included; of the whole path where it ends sooner.
fn container_length(path: &str) -> usize {
    memchr::memchr_iter(b'/', path.as_bytes())
        .nth(3)
        .map_or(path.len(), |slash| slash + 1)
}

/// Appends `text` percent-encoded.
pub(crate) fn encode(text: &str, set: &'static AsciiSet, out: &mut String) {
    out.extend(utf8_percent_encode(text, set));
}

/// Decodes one part of a query as Python's `parse_qs` does for Swift: plus signs are spaces, escapes are UTF-8 with
/// what is not replaced by U+FFFD, and bytes beyond ASCII that stand there unescaped are Latin-1 (WSGI's view of them).
pub(crate) fn decode_query(raw: &[u8]) -> Cow<'_, str> {
    let plain = memchr::memchr2(b'%', b'+', raw).is_none();
    if plain
        && let Ok(text) = std::str::from_utf8(raw)
        && text.is_ascii()
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(raw.len());
    for run in raw.chunk_by(|left, right| left.is_ascii() == right.is_ascii()) {
        if run[0].is_ascii() {
            let spaced: Vec<u8> = run
                .iter()
                .map(|&byte| if byte == b'+' { b' ' } else { byte })
                .collect();
            text.push_str(&percent_encoding::percent_decode(&spaced).decode_utf8_lossy());
        } else {
            text.extend(run.iter().map(|&byte| char::from(byte)));
        }
    }
    Cow::Owned(text)
}
