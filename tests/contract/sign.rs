//! Digests and signatures, written here once more: the tests must not take the word of the crate that the emulator uses.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// The hexadecimal MD5 of `body`: the `ETag` of a plain object.
pub(crate) fn md5(body: impl AsRef<[u8]>) -> String {
    hex::encode(Md5::digest(body))
}

pub(crate) fn sha1(key: &str, text: &str) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn sha256(key: &str, text: &str) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn sha512(key: &str, text: &str) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha512>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
