//! Digests, and the two ways a signature is written.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use subtle::{Choice, ConstantTimeEq};

/// The digest inside the HMAC of a signature.
///
/// Swift accepts all three by default (`swift/common/digest.py`) and lists what it accepts in `/info` under
/// `tempurl.allowed_digests`; where that entry is missing, the server is old and knows SHA-1 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// 20 bytes. What Rackspace documented until 2017; deprecated by Swift, which still accepts it.
    Sha1,
    /// 32 bytes. The sound choice where the server allows it.
    Sha256,
    /// 64 bytes.
    Sha512,
}

impl Digest {
    /// Every digest Swift knows, which is also what it allows unless told otherwise.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Length of the longest signature, in bytes.
    pub(crate) const MAX_LENGTH: usize = 64;

    /// The name Swift uses in `/info`, in its configuration and before the colon of a base64 signature.
    ///
    /// ```
    /// # use signing::Digest;
    /// assert_eq!(Digest::Sha256.name(), "sha256");
    /// assert_eq!("sha256".parse(), Ok(Digest::Sha256));
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of a signature with this digest, in bytes. Its hexadecimal spelling is twice as long.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Digest {
    type Err = ParseSignatureError;

    /// Reads a name as [`Digest::name`] gives it.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|digest| digest.name() == name)
            .ok_or(ParseSignatureError::UnknownDigest)
    }
}

/// Why a text is not a signature. The text itself is never repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSignatureError {
    /// The name before the colon is not `sha1`, `sha256` or `sha512`.
    #[error("the digest is none of sha1, sha256 and sha512")]
    UnknownDigest,
    /// The length is not that of the digest named, or, in hexadecimal, of any digest.
    #[error("the signature's length fits no digest")]
    Length,
    /// A character that is neither a digit nor one of `a` to `f`; capitals are refused too, as Swift refuses them.
    #[error("the signature is not lower-case hexadecimal")]
    NotHex,
    /// What follows the colon is not base64.
    #[error("the signature is not base64")]
    NotBase64,
}

/// A signature: the HMAC of what is granted.
///
/// Whoever holds a signature holds the access it grants, so `Debug` does not show it and there is no `Display`; ask for
/// a spelling by name. Two signatures are compared in constant time.
///
/// ```
/// use signing::{Digest, Signature};
///
/// let hex: Signature = "876721610235e3ad30a53b1e822153b084ebd25e".parse()?;
/// let base64: Signature = "sha1:h2chYQI1460wpTsegiFTsITr0l4=".parse()?;
/// assert_eq!(hex, base64);
/// assert_eq!(hex.digest(), Digest::Sha1);
/// assert_eq!(hex.to_base64(), "sha1:h2chYQI1460wpTsegiFTsITr0l4");
/// # Ok::<(), signing::ParseSignatureError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Signature {
    digest: Digest,
    /// The signature, and zeros behind it up to the length of the longest.
    bytes: [u8; Digest::MAX_LENGTH],
}

impl Signature {
    /// Length of the longest hexadecimal spelling, in characters.
    pub const MAX_HEX_LENGTH: usize = 128;

    /// The signature whose bytes `write` puts at the beginning of an array of zeros.
    pub(crate) fn of(digest: Digest, write: impl FnOnce(&mut [u8; Digest::MAX_LENGTH])) -> Self {
        let mut signature = Self {
            digest,
            bytes: [0; Digest::MAX_LENGTH],
        };
        write(&mut signature.bytes);
        signature
    }

    /// The digest it was made with.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The HMAC's bytes: 20, 32 or 64 of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.digest.length()]
    }

    /// Writes the hexadecimal spelling into `buffer` and returns the part written. Allocates nothing.
    pub fn hex<'b>(&self, buffer: &'b mut [u8; Self::MAX_HEX_LENGTH]) -> &'b str {
        let hex = &mut buffer[..2 * self.digest.length()];
        encode_hex(self.as_bytes(), hex);
        std::str::from_utf8(hex).expect("hexadecimal characters are ASCII")
    }

    /// The hexadecimal spelling: 40, 64 or 128 lower-case characters.
    pub fn to_hex(&self) -> String {
        self.hex(&mut [0; Self::MAX_HEX_LENGTH]).to_owned()
    }

    /// Swift's `digest:base64` spelling, with the URL-safe alphabet and no padding, as python-swiftclient writes it.
    ///
    /// Servers before Swift 2.17 do not read it.
    pub fn to_base64(&self) -> String {
        let mut text = String::with_capacity(7 + 86);
        self.write_base64(&mut text);
        text
    }

    /// Appends the spelling [`Signature::to_base64`] gives. Allocates nothing while `out` has room for 93 bytes.
    pub fn write_base64(&self, out: &mut String) {
        let mut buffer = [0; 86];
        let written = BASE64_URL
            .encode_slice(self.as_bytes(), &mut buffer)
            .expect("64 bytes are 86 characters of base64");
        out.push_str(self.digest.name());
        out.push(':');
        out.push_str(std::str::from_utf8(&buffer[..written]).expect("base64 is ASCII"));
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({}, hidden)", self.digest)
    }
}

impl ConstantTimeEq for Signature {
    fn ct_eq(&self, other: &Self) -> Choice {
        // Eight bytes at a time: every word is looked at, and the only branch is on the outcome.
        let (words, others) = (self.bytes.as_chunks().0, other.bytes.as_chunks().0);
        let mut difference = self.digest as u64 ^ other.digest as u64;
        for (&word, &other) in words.iter().zip(others) {
            difference |= u64::from_ne_bytes(word) ^ u64::from_ne_bytes(other);
        }
        difference.ct_eq(&0)
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Signature {}

impl FromStr for Signature {
    type Err = ParseSignatureError;

    /// Reads either spelling, as `extract_digest_and_algorithm` in `swift/common/digest.py` does.
    ///
    /// Without a colon the text is lower-case hexadecimal and its length tells the digest. With one, the digest's name
    /// stands before it and base64 behind it, in the standard or the URL-safe alphabet (not both at once), padded or
    /// not. As in Swift, the two or four bits of base64 that encode no byte are not looked at.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match memchr::memchr(b':', text.as_bytes()) {
            Some(colon) => parse_base64(text[..colon].parse()?, &text[colon + 1..]),
            None => parse_hex(text),
        }
    }
}

fn parse_hex(text: &str) -> Result<Signature, ParseSignatureError> {
    let digest = match text.len() {
        40 => Digest::Sha1,
        64 => Digest::Sha256,
        128 => Digest::Sha512,
        _ => return Err(ParseSignatureError::Length),
    };
    let mut bytes = [0; Digest::MAX_LENGTH];
    let mut invalid = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        let [high, low] = pair.map(|character| NIBBLES[usize::from(character)]);
        invalid |= high | low;
        *byte = high << 4 | low & 15;
    }
    if invalid > 15 {
        return Err(ParseSignatureError::NotHex);
    }
    Ok(Signature { digest, bytes })
}

/// The value of every lower-case hexadecimal digit; 255 for what is none.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [255; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    nibbles
};

/// Writes two lower-case hexadecimal digits for each byte; `out` is twice as long as `bytes`.
pub(crate) fn encode_hex(bytes: &[u8], out: &mut [u8]) {
    // Arithmetic rather than a table: compilers turn it into vector instructions.
    let digit = |nibble: u8| nibble + b'0' + u8::from(nibble > 9) * (b'a' - b'9' - 1);
    for (byte, pair) in bytes.iter().zip(out.as_chunks_mut::<2>().0) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

const BASE64_CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(true);
const BASE64_STANDARD: GeneralPurpose = GeneralPurpose::new(&STANDARD, BASE64_CONFIG);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, BASE64_CONFIG);

fn parse_base64(digest: Digest, value: &str) -> Result<Signature, ParseSignatureError> {
    // Python's decoder reads past padding at either end, however much of it there is.
    let value = value.trim_matches('=');
    let engine = if value.contains(['-', '_']) {
        BASE64_URL
    } else {
        BASE64_STANDARD
    };
    let mut decoded = [0; Digest::MAX_LENGTH];
    let length = match engine.decode_slice(value, &mut decoded) {
        Ok(length) => length,
        Err(base64::DecodeSliceError::OutputSliceTooSmall) => {
            return Err(ParseSignatureError::Length);
        }
        Err(base64::DecodeSliceError::DecodeError(_)) => {
            return Err(ParseSignatureError::NotBase64);
        }
    };
    if length != digest.length() {
        return Err(ParseSignatureError::Length);
    }
    Ok(Signature {
        digest,
        bytes: decoded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_the_digest_and_hides_the_signature() {
        let signature: Signature = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        assert_eq!(format!("{signature:?}"), "Signature(sha1, hidden)");
    }

    #[test]
    fn says_what_is_wrong_with_a_signature() {
        let parse = |text: &str| text.parse::<Signature>().unwrap_err();
        assert_eq!(parse(""), ParseSignatureError::Length);
        assert_eq!(parse(&"a".repeat(41)), ParseSignatureError::Length);
        assert_eq!(parse(&"A".repeat(40)), ParseSignatureError::NotHex);
        assert_eq!(parse(&"é".repeat(20)), ParseSignatureError::NotHex);
        assert_eq!(
            parse("md5:1B2M2Y8AsgTpgAmY7PhCfg"),
            ParseSignatureError::UnknownDigest
        );
        assert_eq!(parse("sha1:AAAA"), ParseSignatureError::Length);
        assert_eq!(
            parse(&format!("sha512:{}", "A".repeat(1_000))),
            ParseSignatureError::Length
        );
        assert_eq!(parse("sha1:not base64"), ParseSignatureError::NotBase64);
    }

    #[test]
    fn signatures_of_different_digests_differ_though_one_begins_as_the_other() {
        let short: Signature = "0".repeat(40).parse().unwrap();
        let long: Signature = "0".repeat(64).parse().unwrap();
        assert_ne!(short, long);
        assert_eq!(long, "0".repeat(64).parse().unwrap());
    }

    #[test]
    fn every_byte_is_written_as_two_lower_case_digits() {
        for byte in 0..=255 {
            let mut hex = [0; 2];
            encode_hex(&[byte], &mut hex);
            assert_eq!(hex, format!("{byte:02x}").as_bytes());
        }
    }
}
