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
    /// Without a slash at its end.
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
            url: url.to_owned(),
            account_path: format!("{account_path}/"),
        })
    }

    /// The URL as it was given, without slashes at its end.
    pub fn as_str(&self) -> &str {
        &self.url
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
            Self::Path(path) => match path.strip_prefix('/') {
                Some(names) => push_names(names, out),
                None => encode(path, PATH, out),
            },
            Self::Object {
                storage_url,
                container,
                object,
            } => {
                out.push_str(&storage_url.url);
                push_names(container, out);
                push_names(object, out);
            }
        }
    }
}

/// Appends a slash and the names behind it, percent-encoded.
///
/// Browsers and URL libraries take `.` and `..` between slashes as steps to be resolved, escaped or not. Where such a
/// name follows, the slash is escaped instead: then it is no longer between slashes, and means the same to a server.
fn push_names(names: &str, out: &mut String) {
    let after_slash = |dot: usize| dot == 0 || names.as_bytes()[dot - 1] == b'/';
    if !memchr::memchr_iter(b'.', names.as_bytes()).any(after_slash) {
        out.push('/');
        encode(names, PATH, out);
        return;
    }
    for name in names.split('/') {
        out.push_str(if matches!(name, "." | "..") {
            "%2F"
        } else {
            "/"
        });
        encode(name, PATH, out);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(resource: Resource<'_>) -> String {
        let mut out = String::new();
        resource.write(&mut out);
        out
    }

    #[test]
    fn signs_from_v1_on_whatever_stands_before_it() {
        let mounted = StorageUrl::parse("http://localhost:8080/swift/v1/AUTH_%C3%A9/").unwrap();
        assert_eq!(mounted.account_path(), "/v1/AUTH_é");
        assert_eq!(
            mounted.as_str(),
            "http://localhost:8080/swift/v1/AUTH_%C3%A9"
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_storage_url() {
        let parse = |text| StorageUrl::parse(text).unwrap_err();
        assert_eq!(parse(""), ParseStorageUrlError::Origin);
        assert_eq!(parse("/v1/AUTH_test"), ParseStorageUrlError::Origin);
        assert_eq!(
            parse("ftp://host/v1/AUTH_test"),
            ParseStorageUrlError::Origin
        );
        assert_eq!(parse("https:///v1/AUTH_test"), ParseStorageUrlError::Origin);
        assert_eq!(parse("https://host"), ParseStorageUrlError::Path);
        assert_eq!(parse("https://host/v1/"), ParseStorageUrlError::Path);
        assert_eq!(
            parse("https://host/v2/AUTH_test"),
            ParseStorageUrlError::Path
        );
        assert_eq!(
            parse("https://host/v1/AUTH_test?x"),
            ParseStorageUrlError::Query
        );
        assert_eq!(
            parse("https://host/v1/AUTH_test#x"),
            ParseStorageUrlError::Query
        );
        assert_eq!(parse("https://host/v1/%FF"), ParseStorageUrlError::Encoding);
    }

    #[test]
    fn escapes_what_a_url_gives_a_meaning_to() {
        let storage_url = StorageUrl::parse("http://h/v1/a").unwrap();
        assert_eq!(
            written(storage_url.object("a b", "50% é?#+/v1/~-._")),
            "http://h/v1/a/a%20b/50%25%20%C3%A9%3F%23%2B/v1/~-._"
        );
        assert_eq!(written("/v1/a/c/x//y/".into()), "/v1/a/c/x//y/");
        assert_eq!(written("relative?".into()), "relative%3F");
    }

    #[test]
    fn keeps_dots_that_url_rules_would_resolve() {
        let storage_url = StorageUrl::parse("http://h/v1/a").unwrap();
        assert_eq!(
            written(storage_url.object("c", "a/../b/./.hidden/...")),
            "http://h/v1/a/c/a%2F../b%2F./.hidden/..."
        );
        assert_eq!(
            written(storage_url.object("..", "..")),
            "http://h/v1/a%2F..%2F.."
        );
        assert_eq!(written("/v1/a/c/..".into()), "/v1/a/c%2F..");
    }

    #[test]
    fn reads_queries_as_python_does() {
        assert_eq!(decode_query(b"plain"), "plain");
        assert_eq!(decode_query(b"a+b%20c%2B"), "a b c+");
        assert_eq!(decode_query(b"%C3%A9"), "é");
        assert_eq!(decode_query(b"\xc3\xa9"), "Ã©");
        assert_eq!(decode_query(b"%ff%zz%4"), "\u{fffd}%zz%4");
        assert_eq!(decode_query(b"%c3\xa9%a9"), "\u{fffd}©\u{fffd}");
    }
}
