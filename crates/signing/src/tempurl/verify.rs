//! Judging a request that came by a temporary URL.

use std::net::IpAddr;
use std::time::SystemTime;

use subtle::{Choice, ConstantTimeEq};

use super::query::TempUrlQuery;
use super::url::SignedText;
use crate::signer::matching_key;
use crate::{Digest, IpRange, Key, Method, ParseSignatureError, Signature, Signer, expires};

/// What a server knows of a request when it judges its temporary URL.
#[derive(Clone, Copy, Debug)]
pub struct TempUrlRequest<'a> {
    /// The request's method, in capitals.
    pub method: &'a str,
    /// The request's path, percent-decoded: `/v1/account/container/object`.
    pub path: &'a [u8],
    /// Where the request came from, if that is known. Needed only by URLs with an IP range.
    pub client_ip: Option<IpAddr>,
    /// The keys of account and container, in the order in which they shall be preferred when several are the same:
    /// the account's before the container's. Empty keys are passed over.
    pub keys: &'a [&'a Key],
    /// The digests this server takes.
    pub allowed_digests: &'a [Digest],
    /// The moment of the request, with its fractions of a second.
    pub now: SystemTime,
}

/// What a valid temporary URL grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TempUrlAccess {
    /// The place in [`TempUrlRequest::keys`] of the key that signed: it tells a whole account's access from a
    /// container's.
    pub key: usize,
    /// The last moment the URL is good for, in seconds since 1970. Swift sends it as the `Expires` header.
    pub expires: u64,
    /// The digest of the signature.
    pub digest: Digest,
}

/// Why a temporary URL is refused.
///
/// Swift answers all of these with the same 401 so that nobody learns which it was. Neither does this type go to the
/// caller: it is for the server's log, and for a person who asks why their own URL fails. It holds no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `temp_url_sig` is missing or empty.
    #[error("the query has an expiry and no signature")]
    MissingSignature,
    /// `temp_url_expires` is missing.
    #[error("the query has a signature and no expiry")]
    MissingExpires,
    /// `temp_url_expires` is neither a positive integer nor `YYYY-MM-DDTHH:MM:SSZ`.
    #[error("the expiry is neither Unix seconds nor YYYY-MM-DDTHH:MM:SSZ")]
    MalformedExpires,
    /// The URL was good until `expires`, in seconds since 1970, and now is later.
    #[error("the URL expired at {expires} (Unix seconds)")]
    Expired {
        /// The last moment the URL was good for, in seconds since 1970.
        expires: u64,
    },
    /// `temp_url_sig` is not a signature at all.
    #[error("malformed signature: {0}")]
    MalformedSignature(#[from] ParseSignatureError),
    /// The signature's digest is not one the server takes.
    #[error("signatures with {0} are not allowed here")]
    DigestNotAllowed(Digest),
    /// No temporary URL allows the request's method.
    #[error("temporary URLs do not allow this method")]
    MethodNotAllowed,
    /// The path is not `/v1/account/container/object`, nor a container under an empty prefix.
    #[error("the path is not that of an object")]
    NotAnObject,
    /// `temp_url_ip_range` is not an address or a network.
    #[error("the IP range is neither an address nor a network without host bits")]
    MalformedIpRange,
    /// There is an IP range, and nobody knows where the request came from.
    #[error("the URL has an IP range and the client's address is unknown")]
    UnknownClientAddress,
    /// The request comes from outside the IP range.
    #[error("the client's address is outside the URL's IP range")]
    OutsideIpRange,
    /// Neither the account nor the container has a key.
    #[error("neither account nor container has a temp URL key")]
    NoKey,
    /// The object's name does not begin with `temp_url_prefix`.
    #[error("the object's name does not begin with the URL's prefix")]
    OutsidePrefix,
    /// No key gives this signature for this method, path, expiry and range.
    #[error("the signature matches none of the keys")]
    WrongSignature,
}

impl TempUrlQuery<'_> {
    /// Judges a request by Swift's rules (`TempURL.__call__` in `tempurl.py`).
    ///
    /// The URL is refused once `now` is past its expiry by any fraction of a second. HEAD is allowed by signatures for
    /// HEAD, GET, POST and PUT. Every key is tried for every such method whatever the outcome, and signatures are
    /// compared in constant time, so how long it takes tells nothing of which of them came near.
    pub fn verify(&self, request: &TempUrlRequest<'_>) -> Result<TempUrlAccess, Refusal> {
        let expires_text = self.expires.as_deref().ok_or(Refusal::MissingExpires)?;
        let signature_text = self
            .signature
            .as_deref()
            .filter(|signature| !signature.is_empty())
            .ok_or(Refusal::MissingSignature)?;
        let expires = expires::parse(expires_text).ok_or(Refusal::MalformedExpires)?;
        if expires::is_past(expires, request.now) {
            return Err(Refusal::Expired { expires });
        }
        let signature: Signature = signature_text.parse()?;
        let digest = signature.digest();
        if !request.allowed_digests.contains(&digest) {
            return Err(Refusal::DigestNotAllowed(digest));
        }
        let method: Method = request
            .method
            .parse()
            .map_err(|_| Refusal::MethodNotAllowed)?;
        let (container, object) = self
            .split_path(method, request.path)
            .ok_or(Refusal::NotAnObject)?;
        let ip_range = self.ip_range.as_deref().filter(|range| !range.is_empty());
        if let Some(range) = ip_range {
            let client_ip = request.client_ip.ok_or(Refusal::UnknownClientAddress)?;
            let range: IpRange = range.parse().map_err(|_| Refusal::MalformedIpRange)?;
            if !range.contains(client_ip) {
                return Err(Refusal::OutsideIpRange);
            }
        }
        if request.keys.iter().all(|key| key.is_empty()) {
            return Err(Refusal::NoKey);
        }
        let path = match self.prefix.as_deref().map(str::as_bytes) {
            None => [&[], container, &[], &[], object],
            Some(prefix) if object.starts_with(prefix) => {
                let slash: &[u8] = if container.ends_with(b"/") { b"" } else { b"/" };
                [b"prefix:", container, slash, &[], prefix]
            }
            Some(_) => return Err(Refusal::OutsidePrefix),
        };

        let matches = |signer: &Signer| {
            let matches = |&method: &Method| {
                let text = SignedText {
                    ip_range,
                    method,
                    expires,
                    path,
                };
                signer.sign_text(&text).ct_eq(&signature)
            };
            let methods = method.allowed_by().iter().map(matches);
            methods
                .reduce(|any, one| any | one)
                .unwrap_or(Choice::from(0))
        };
        let key = matching_key(request.keys, digest, matches).ok_or(Refusal::WrongSignature)?;
        Ok(TempUrlAccess {
            key,
            expires,
            digest,
        })
    }

    /// Parts `/v1/account/container/` from the object's name. `None` when there is no such object; a container alone
    /// is enough for GET and HEAD under an empty prefix, which static web sites need.
    fn split_path<'p>(&self, method: Method, path: &'p [u8]) -> Option<(&'p [u8], &'p [u8])> {
        let rest = path.strip_prefix(b"/v1/")?;
        let mut segments = rest.splitn(3, |&byte| byte == b'/');
        let account = segments.next()?;
        let container = segments.next()?;
        let object = segments.next().unwrap_or_default();
        if account.is_empty() || container.is_empty() {
            return None;
        }
        let root_allowed =
            matches!(method, Method::Get | Method::Head) && self.prefix.as_deref() == Some("");
        if !root_allowed && object.iter().all(|&byte| byte == b'/') {
            return None;
        }
        Some((&path[..path.len() - object.len()], object))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::TempUrl;

    const EXPIRES: u64 = 1_400_000_000;
    const PATH: &str = "/v1/a/c/o";

    /// The verdict over `query` once `change` has had its way with a request that is good.
    fn verdict(
        query: &str,
        change: impl FnOnce(&mut TempUrlRequest<'_>),
    ) -> Result<TempUrlAccess, Refusal> {
        let key = Key::new("mykey");
        let keys = [&key];
        let mut request = TempUrlRequest {
            method: "GET",
            path: PATH.as_bytes(),
            client_ip: None,
            keys: &keys,
            allowed_digests: &Digest::ALL,
            now: UNIX_EPOCH + Duration::from_secs(EXPIRES),
        };
        change(&mut request);
        TempUrlQuery::parse(query.as_bytes())
            .unwrap()
            .verify(&request)
    }

    fn query(url: &TempUrl<'_>) -> String {
        let url = Signer::new(&Key::new("mykey"), Digest::Sha256).url(url);
        url.split_once('?').unwrap().1.to_owned()
    }

    fn good() -> TempUrl<'static> {
        TempUrl::new(Method::Get, PATH, EXPIRES)
    }

    #[test]
    fn says_why_a_url_is_refused() {
        let good = good();
        let plain = query(&good);
        let ranged = query(&TempUrl {
            ip_range: Some("192.0.2.0/24"),
            ..good
        });
        let malformed_range = query(&TempUrl {
            ip_range: Some("192.0.2.1/24"),
            ..good
        });
        let prefixed = query(&TempUrl {
            prefix: Some("other"),
            ..good
        });
        let refusal =
            |query: &str, change: fn(&mut TempUrlRequest<'_>)| verdict(query, change).unwrap_err();
        let unchanged = |query: &str| refusal(query, |_| {});
        let expires = EXPIRES;

        assert!(verdict(&plain, |_| {}).is_ok());
        assert_eq!(
            unchanged("temp_url_expires=1400000000"),
            Refusal::MissingSignature
        );
        assert_eq!(unchanged("temp_url_sig=00"), Refusal::MissingExpires);
        assert_eq!(
            unchanged("temp_url_sig=00&temp_url_expires=soon"),
            Refusal::MalformedExpires
        );
        assert_eq!(
            refusal(&plain, |request| request.now += Duration::from_nanos(1)),
            Refusal::Expired { expires }
        );
        assert_eq!(
            unchanged("temp_url_sig=00&temp_url_expires=1400000000"),
            Refusal::MalformedSignature(ParseSignatureError::Length)
        );
        assert_eq!(
            refusal(&plain, |request| request.allowed_digests = &[Digest::Sha1]),
            Refusal::DigestNotAllowed(Digest::Sha256)
        );
        assert_eq!(
            refusal(&plain, |request| request.method = "COPY"),
            Refusal::MethodNotAllowed
        );
        assert_eq!(
            refusal(&plain, |request| request.path = b"/v1/a/c/"),
            Refusal::NotAnObject
        );
        assert_eq!(
            refusal(&plain, |request| request.keys = &[]),
            Refusal::NoKey
        );
        assert_eq!(
            refusal(&plain, |request| request.method = "PUT"),
            Refusal::WrongSignature
        );
        assert_eq!(unchanged(&ranged), Refusal::UnknownClientAddress);
        assert_eq!(
            refusal(&ranged, |request| request.client_ip =
                Some([192, 0, 3, 1].into())),
            Refusal::OutsideIpRange
        );
        assert_eq!(
            refusal(&malformed_range, |request| request.client_ip =
                Some([192, 0, 2, 1].into())),
            Refusal::MalformedIpRange
        );
        assert_eq!(unchanged(&prefixed), Refusal::OutsidePrefix);
    }

    #[test]
    fn an_empty_key_signs_nothing() {
        let empty = Key::new("");
        let signed = Signer::new(&empty, Digest::Sha256).url(&good());
        let query = signed.split_once('?').unwrap().1;
        let key = Key::new("mykey");
        let keys = [&empty, &key];
        let request = TempUrlRequest {
            method: "GET",
            path: PATH.as_bytes(),
            client_ip: None,
            keys: &keys[..1],
            allowed_digests: &Digest::ALL,
            now: UNIX_EPOCH,
        };
        let query = TempUrlQuery::parse(query.as_bytes()).unwrap();
        assert_eq!(query.verify(&request), Err(Refusal::NoKey));
        let request = TempUrlRequest {
            keys: &keys,
            ..request
        };
        assert_eq!(query.verify(&request), Err(Refusal::WrongSignature));
    }

    #[test]
    fn neither_debug_nor_a_refusal_shows_the_signature() {
        let text = query(&good());
        let parsed = TempUrlQuery::parse(text.as_bytes()).unwrap();
        let signature = parsed.signature.clone().unwrap();
        assert!(!format!("{parsed:?}").contains(&*signature));
        let refusal = verdict(&text, |request| request.method = "PUT").unwrap_err();
        assert!(!format!("{refusal:?} {refusal}").contains(&*signature));
    }
}
