//! A key made ready for one digest.

use std::fmt;

use subtle::Choice;

use crate::hmac::{Hmac, Sha1, Sha256, Sha512};
use crate::{Digest, Key, Signature};

/// A key and a digest, with the part of the HMAC that depends on the key alone already computed.
///
/// Making one costs two compressions of the digest, which each signature then saves; keep it for as long as the key is
/// in use. Its state is wiped from memory on drop.
///
/// ```
/// use signing::{Digest, Key, Method, Signer, TempUrl};
///
/// let signer = Signer::new(&Key::new("mykey"), Digest::Sha1);
/// let url = TempUrl::new(Method::Get, "/v1/MossoCloudFS_abc/python-demo/logo.png", 1_400_000_000);
/// assert_eq!(signer.sign(&url).to_hex(), "876721610235e3ad30a53b1e822153b084ebd25e");
/// ```
#[derive(Clone)]
pub struct Signer(State);

#[derive(Clone)]
enum State {
    Sha1(Hmac<Sha1, 64>),
    Sha256(Hmac<Sha256, 64>),
    Sha512(Hmac<Sha512, 128>),
}

impl Signer {
    /// Makes `key` ready to sign with `digest`.
    pub fn new(key: &Key, digest: Digest) -> Self {
        key.signer(digest).clone()
    }

    pub(crate) fn prepare(key: &[u8], digest: Digest) -> Self {
        Self(match digest {
            Digest::Sha1 => State::Sha1(Hmac::new(key)),
            Digest::Sha256 => State::Sha256(Hmac::new(key)),
            Digest::Sha512 => State::Sha512(Hmac::new(key)),
        })
    }

    /// The digest it signs with.
    pub fn digest(&self) -> Digest {
        match self.0 {
            State::Sha1(_) => Digest::Sha1,
            State::Sha256(_) => Digest::Sha256,
            State::Sha512(_) => Digest::Sha512,
        }
    }

    /// The signature of the parts as if they were one text.
    pub(crate) fn sign_parts(&self, parts: &[&[u8]]) -> Signature {
        Signature::of(self.digest(), |mac| match &self.0 {
            State::Sha1(hmac) => hmac.write(parts, mac),
            State::Sha256(hmac) => hmac.write(parts, mac),
            State::Sha512(hmac) => hmac.write(parts, mac),
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({}, key hidden)", self.digest())
    }
}

/// The place of the first key whose signer `matches`. Every key is tried, so that the time taken does not tell which it
/// was, or whether there was one; empty keys match nothing.
pub(crate) fn matching_key(
    keys: &[&Key],
    digest: Digest,
    matches: impl Fn(&Signer) -> Choice,
) -> Option<usize> {
    const NONE: usize = usize::MAX;
    let mut first = NONE;
    for (place, key) in keys.iter().enumerate() {
        if !key.is_empty() {
            let matching = usize::from(matches(key.signer(digest)).unwrap_u8());
            // The key's place if it matches, and all ones if not, without a branch.
            first = first.min(place | matching.wrapping_sub(1));
        }
    }
    (first != NONE).then_some(first)
}
