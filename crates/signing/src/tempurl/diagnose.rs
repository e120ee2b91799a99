//! Finding out what a signature was made for that its URL does not fit.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, percent_decode_str, percent_encode};

use super::query::TempUrlQuery;
use crate::storage_url::PATH;
use crate::{Method, Signature, Signer, expires};

/// What Python's `quote_plus` and JavaScript's `encodeURIComponent` leave: no slashes.
const COMPONENT: &AsciiSet = &PATH.add(b'/');

/// The longest name of an object in Swift, in bytes.
const LONGEST_NAME: usize = 1024;

/// What a signature was found to be: by which key, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The place of the key among those tried.
    pub key: usize,
    /// The method that was signed.
    pub method: Method,
    /// What was signed.
    pub signed: Signed,
}

/// What was signed, beside the method.
///
/// Its text is made for the person whose URL it is, and says what to sign instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Signed {
    /// What the URL asks for.
    #[error("what the URL asks for was signed")]
    Right,
    /// The path as it stands in the URL, with percent signs.
    #[error("the encoded path was signed; sign the path before it is percent-encoded")]
    EncodedPath,
    /// The path without `/v1/account`, or without `/v1`.
    #[error("only a part of the path was signed; sign it from /v1 on")]
    PartOfPath,
    /// The path and a newline, as `echo` writes it.
    #[error("a newline was signed behind the path; leave it out")]
    TrailingNewline,
    /// The expiry as the URL spells it, which is not Unix seconds.
    #[error("the expiry was signed as it is spelt in the URL; sign it in Unix seconds")]
    ExpiresAsSpelt,
    /// The object's path, though the URL has `temp_url_prefix`.
    #[error(
        "the object's path was signed; with temp_url_prefix sign `prefix:`, the container's path and the prefix"
    )]
    PathInsteadOfPrefix,
    /// The prefix without `prefix:` in front.
    #[error("the prefix was signed without `prefix:` in front of its path")]
    PrefixWithoutMark,
    /// This prefix, though the URL has no `temp_url_prefix`, or another one.
    #[error("the prefix {0:?} was signed; add it to the URL as temp_url_prefix")]
    Prefix(String),
    /// Everything but the range of addresses.
    #[error(
        "the IP range was not signed; put `ip=`, the range and a newline in front of what is signed"
    )]
    WithoutIpRange,
}

impl TempUrlQuery<'_> {
    /// Looks for what this query's signature was made of: with any of the keys, for any method, what the URL asks for
    /// or one of the mistakes people make ([`Signed`]). `None` where nothing fits, or signature or expiry is malformed.
    ///
    /// `path` is the request's path as it stands in the URL, percent-encoded. Keys that were made ready for another
    /// digest than the signature's are passed over. Whether the URL has expired does not matter.
    ///
    /// This is for a person who asks why their own URL fails, and not for a server's verdict, which is
    /// [`Self::verify`]'s: it tries some hundred texts and takes as long as that takes.
    ///
    /// ```
    /// use signing::{Digest, Key, Method, Signed, Signer, TempUrl, TempUrlQuery};
    ///
    /// let signer = Signer::new(&Key::new("mykey"), Digest::Sha1);
    /// // Somebody encoded the path first and signed it then.
    /// let url = signer.url(&TempUrl::new(Method::Get, "/v1/a/c/my%20file", 1_400_000_000));
    /// let query = TempUrlQuery::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
    ///
    /// let found = query.diagnose("/v1/a/c/my%20file", &[signer]).unwrap();
    /// assert_eq!((found.key, found.method, found.signed), (0, Method::Get, Signed::EncodedPath));
    /// ```
    pub fn diagnose(&self, path: &str, signers: &[Signer]) -> Option<Diagnosis> {
        let signature: Signature = self.signature.as_deref()?.parse().ok()?;
        let texts = self.texts(path)?;
        for (signed, text) in texts {
            for (key, signer) in signers.iter().enumerate() {
                if signer.digest() != signature.digest() {
                    continue;
                }
                let of = |method: Method| {
                    let [range, rest] = &text;
                    signer.sign_parts(&[range, method.as_str().as_bytes(), b"\n", rest])
                };
                let method = Method::ALL
                    .into_iter()
                    .find(|&method| of(method) == signature);
                if let Some(method) = method {
                    return Some(Diagnosis {
                        key,
                        method,
                        signed,
                    });
                }
            }
        }
        None
    }

    /// What may have been signed, likeliest first: each text without its method, in two pieces.
    fn texts(&self, raw_path: &str) -> Option<Vec<(Signed, [Vec<u8>; 2])>> {
        let spelt = self.expires.as_deref()?;
        let expires = expires::parse(spelt)?.to_string();
        let decoded: Cow<'_, [u8]> = percent_decode_str(raw_path).into();
        let range = match self.ip_range.as_deref() {
            None | Some("") => Vec::new(),
            Some(range) => format!("ip={range}\n").into_bytes(),
        };
        // `/v1/account/container/` and what follows; shorter paths have fewer parts.
        let starts: Vec<usize> = decoded
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at)
            .collect();
        let object_at = starts.get(3).map_or(decoded.len(), |slash| slash + 1);
        let (container, object) = decoded.split_at(object_at);
        let with_prefix = |mark: &str, prefix: &[u8]| [mark.as_bytes(), container, prefix].concat();
        let right = match self.prefix.as_deref() {
            None => decoded.to_vec(),
            Some(prefix) => with_prefix("prefix:", prefix.as_bytes()),
        };

        let mut texts = Vec::new();
        let mut add = |signed: Signed, range: &[u8], expires: &str, path: &[u8]| {
            let rest = [expires.as_bytes(), b"\n", path].concat();
            texts.push((signed, [range.to_vec(), rest]));
        };
        add(Signed::Right, &range, &expires, &right);
        if let Some(prefix) = self.prefix.as_deref() {
            add(Signed::PathInsteadOfPrefix, &range, &expires, &decoded);
            let unmarked = with_prefix("", prefix.as_bytes());
            add(Signed::PrefixWithoutMark, &range, &expires, &unmarked);
        }
        for encoded in [
            raw_path.to_owned(),
            percent_encode(&decoded, PATH).to_string(),
            percent_encode(&decoded, COMPONENT).to_string(),
            percent_encode(&decoded, PATH)
                .to_string()
                .replace("%20", "+"),
        ] {
            add(Signed::EncodedPath, &range, &expires, encoded.as_bytes());
        }
        for start in starts.iter().skip(1).take(2) {
            add(Signed::PartOfPath, &range, &expires, &decoded[*start..]);
            add(Signed::PartOfPath, &range, &expires, &decoded[start + 1..]);
        }
        add(Signed::PartOfPath, &range, &expires, object);
        let newline = [&right[..], b"\n"].concat();
        add(Signed::TrailingNewline, &range, &expires, &newline);
        add(Signed::ExpiresAsSpelt, &range, spelt, &right);
        if !range.is_empty() {
            add(Signed::WithoutIpRange, b"", &expires, &right);
        }
        // A prefix mostly ends with a slash, but may end anywhere.
        for end in (0..=object.len().min(LONGEST_NAME)).rev() {
            if let Ok(prefix) = std::str::from_utf8(&object[..end]) {
                let path = with_prefix("prefix:", prefix.as_bytes());
                add(Signed::Prefix(prefix.to_owned()), &range, &expires, &path);
            }
        }
        Some(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Key, TempUrl};

    const EXPIRES: u64 = 1_400_000_000;
    const PATH: &str = "/v1/a/c/some%20folder/o";
    const DECODED: &str = "/v1/a/c/some folder/o";

    fn signer() -> Signer {
        Signer::new(&Key::new("mykey"), Digest::Sha256)
    }

    /// The diagnosis of a URL whose signature is that of `text`, with `more` in its query.
    fn diagnosis(text: &str, more: &str) -> Option<Signed> {
        let signature = signer().sign_parts(&[text.as_bytes()]).to_hex();
        let query = format!("temp_url_sig={signature}{more}");
        let query = TempUrlQuery::parse(query.as_bytes()).unwrap();
        let found = query.diagnose(PATH, &[signer()])?;
        assert_eq!(found.method, Method::Put);
        Some(found.signed)
    }

    #[test]
    fn finds_the_mistakes_that_people_make() {
        let seconds = "&temp_url_expires=1400000000";
        let iso = "&temp_url_expires=2014-05-13T16:53:20Z";
        let prefix = &format!("{seconds}&temp_url_prefix=some+folder/");
        let ip = &format!("{seconds}&temp_url_ip_range=192.0.2.1");
        for (text, more, signed) in [
            (
                "PUT\n1400000000\n/v1/a/c/some folder/o",
                seconds,
                Signed::Right,
            ),
            ("PUT\n1400000000\n/v1/a/c/some folder/o", iso, Signed::Right),
            (
                "PUT\n1400000000\n/v1/a/c/some%20folder/o",
                seconds,
                Signed::EncodedPath,
            ),
            (
                "PUT\n1400000000\n/v1/a/c/some+folder/o",
                seconds,
                Signed::EncodedPath,
            ),
            (
                "PUT\n1400000000\n%2Fv1%2Fa%2Fc%2Fsome%20folder%2Fo",
                seconds,
                Signed::EncodedPath,
            ),
            (
                "PUT\n1400000000\n/a/c/some folder/o",
                seconds,
                Signed::PartOfPath,
            ),
            (
                "PUT\n1400000000\n/c/some folder/o",
                seconds,
                Signed::PartOfPath,
            ),
            (
                "PUT\n1400000000\nc/some folder/o",
                seconds,
                Signed::PartOfPath,
            ),
            (
                "PUT\n1400000000\nsome folder/o",
                seconds,
                Signed::PartOfPath,
            ),
            (
                "PUT\n1400000000\n/v1/a/c/some folder/o\n",
                seconds,
                Signed::TrailingNewline,
            ),
            (
                "PUT\n2014-05-13T16:53:20Z\n/v1/a/c/some folder/o",
                iso,
                Signed::ExpiresAsSpelt,
            ),
            (
                "PUT\n1400000000\nprefix:/v1/a/c/some folder/",
                prefix,
                Signed::Right,
            ),
            (
                "PUT\n1400000000\n/v1/a/c/some folder/o",
                prefix,
                Signed::PathInsteadOfPrefix,
            ),
            (
                "PUT\n1400000000\n/v1/a/c/some folder/",
                prefix,
                Signed::PrefixWithoutMark,
            ),
            (
                "PUT\n1400000000\nprefix:/v1/a/c/some folder/",
                seconds,
                Signed::Prefix("some folder/".to_owned()),
            ),
            (
                "PUT\n1400000000\nprefix:/v1/a/c/",
                seconds,
                Signed::Prefix(String::new()),
            ),
            (
                "ip=192.0.2.1\nPUT\n1400000000\n/v1/a/c/some folder/o",
                ip,
                Signed::Right,
            ),
            (
                "PUT\n1400000000\n/v1/a/c/some folder/o",
                ip,
                Signed::WithoutIpRange,
            ),
        ] {
            assert_eq!(diagnosis(text, more), Some(signed), "{text:?} {more}");
        }
        assert_eq!(
            diagnosis("PUT\n1400000001\n/v1/a/c/some folder/o", seconds),
            None
        );
        assert_eq!(
            diagnosis("PUT\n1400000000\n/v1/a/c/some folder/o", ""),
            None
        );
    }

    #[test]
    fn tells_which_key_signed() {
        let url = signer().url(&TempUrl::new(Method::Get, DECODED, EXPIRES));
        let query = TempUrlQuery::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
        let other = |digest| Signer::new(&Key::new("another"), digest);
        let keys = [other(Digest::Sha256), other(Digest::Sha1), signer()];
        let found = query.diagnose(PATH, &keys).unwrap();
        assert_eq!((found.key, found.signed), (2, Signed::Right));
        assert_eq!(query.diagnose(PATH, &keys[..2]), None);
        assert_eq!(query.diagnose("", &keys), None);
        assert_eq!(query.diagnose("/v1/%FF", &keys), None);
    }
}
