//! The secret shared between whoever makes a temporary URL and the server that honours it.

use std::fmt;
use std::sync::OnceLock;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Digest, Signer};

/// A temp-URL key: the value of `X-Account-Meta-Temp-URL-Key`, `X-Container-Meta-Temp-URL-Key`, or of either with
/// `-2` at its end.
///
/// The key is the bytes of the header's value as they stand, of any length. They are wiped from memory when the key is
/// dropped, never shown by `Debug`, and compared in constant time.
///
/// ```
/// use signing::Key;
///
/// let key = Key::new("mykey");
/// assert_eq!(format!("{key:?}"), "Key(hidden)");
/// assert_eq!(key, Key::new(b"mykey"));
/// assert_ne!(key, Key::new("another"));
/// ```
///
/// The first signature with a digest, made or checked, prepares the key for that digest, and the key keeps the result:
/// a server does well to hold on to its keys between requests.
#[derive(Clone)]
pub struct Key {
    secret: Zeroizing<Box<[u8]>>,
    /// One place for each digest, in the order of [`Digest::ALL`].
    signers: [OnceLock<Signer>; Digest::ALL.len()],
}

impl Key {
    /// Length of what [`Key::generate`] makes, in characters.
    pub const GENERATED_LENGTH: usize = 32;

    /// A key of these bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            secret: Zeroizing::new(bytes.as_ref().into()),
            signers: Default::default(),
        }
    }

    /// A new key: 32 lower-case hexadecimal characters, 128 bits from the operating system's random source.
    ///
    /// This is the form pyrax gave its generated keys; it fits in a header as it is.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness to give.
    pub fn generate() -> Self {
        let mut random = Zeroizing::new([0; Self::GENERATED_LENGTH / 2]);
        getrandom::fill(random.as_mut_slice()).expect("the operating system gives random bytes");
        let mut hex = Zeroizing::new([0; Self::GENERATED_LENGTH]);
        crate::digest::encode_hex(random.as_slice(), hex.as_mut_slice());
        Self::new(hex.as_slice())
    }

    /// The secret itself, for the one place that sends it to the server.
    pub fn expose(&self) -> &[u8] {
        &self.secret
    }

    /// The key made ready for `digest`.
    pub(crate) fn signer(&self, digest: Digest) -> &Signer {
        self.signers[digest as usize].get_or_init(|| Signer::prepare(&self.secret, digest))
    }

    /// Whether the key has no bytes. Swift takes an empty key header as "no key", and so does verification here.
    pub fn is_empty(&self) -> bool {
        self.secret.is_empty()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(hidden)")
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.secret.ct_eq(&other.secret).into()
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_32_hexadecimal_characters_and_new_each_time() {
        let key = Key::generate();
        assert_eq!(key.expose().len(), 32);
        assert!(
            key.expose()
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        );
        assert_ne!(key, Key::generate());
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert!(!format!("{:?}", Key::new("s3cret")).contains("s3cret"));
    }

    #[test]
    fn keys_are_equal_only_when_all_their_bytes_are() {
        assert_eq!(Key::new("abc"), Key::new("abc"));
        assert_ne!(Key::new("abc"), Key::new("abd"));
        assert_ne!(Key::new("abc"), Key::new("abcd"));
        assert_ne!(Key::new(""), Key::new("a"));
    }
}
