//! A key made ready for one digest.

use std::fmt;

use hmac::digest::common::Output;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::{Digest, Key, Signature};

/// A key and a digest, with the part of the HMAC that depends on the key alone already computed.
///
/// Making one costs two compressions of the digest, which each signature then saves; keep it for as long as the key is
/// in use. The state is wiped from memory on drop.
///
/// ```
/// use signing::{Digest, Key, Method, Signer, TempUrl};
///
/// let signer = Signer::new(&Key::new("mykey"), Digest::Sha1);
/// let url = TempUrl::new(Method::Get, "/v1/MossoCloudFS_abc/python-demo/logo.png", 1_400_000_000);
/// assert_eq!(signer.sign(&url).to_hex(), "876721610235e3ad30a53b1e822153b084ebd25e");
/// ```
#[derive(Clone)]
pub struct Signer {
    digest: Digest,
    state: State,
}

#[derive(Clone)]
enum State {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Signer {
    /// Makes `key` ready to sign with `digest`.
    pub fn new(key: &Key, digest: Digest) -> Self {
        fn keyed<M: KeyInit>(key: &Key) -> M {
            M::new_from_slice(key.expose()).expect("HMAC takes a key of any length")
        }
        let state = match digest {
            Digest::Sha1 => State::Sha1(keyed(key)),
            Digest::Sha256 => State::Sha256(keyed(key)),
            Digest::Sha512 => State::Sha512(keyed(key)),
        };
        Self { digest, state }
    }

    /// The digest it signs with.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The HMAC of all the parts of `head` and `tail`, as if they were one text.
    pub(crate) fn mac(&self, head: &[&[u8]], tail: &[&[u8]]) -> Signature {
        fn run<M: Mac + Clone>(state: &M, head: &[&[u8]], tail: &[&[u8]]) -> Output<M> {
            let mut state = state.clone();
            for part in head.iter().chain(tail) {
                state.update(part);
            }
            state.finalize().into_bytes()
        }
        match &self.state {
            State::Sha1(state) => Signature::from_bytes(self.digest, &run(state, head, tail)),
            State::Sha256(state) => Signature::from_bytes(self.digest, &run(state, head, tail)),
            State::Sha512(state) => Signature::from_bytes(self.digest, &run(state, head, tail)),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({}, key hidden)", self.digest)
    }
}
