//! Form uploads: a signed HTML form through which a browser stores files under a path.

use std::fmt;
use std::time::SystemTime;

use subtle::ConstantTimeEq;

use crate::signer::matching_key;
use crate::{Digest, Key, ParseSignatureError, Signature, Signer, expires};

/// What a signed form grants: uploads below a path, within limits, until a moment.
///
/// ```
/// use signing::{Digest, Form, Key, Signer};
///
/// let form = Form {
///     path: "/v1/MossoCloudFS_abc/python-demo/up_",
///     redirect: "https://example.com/done",
///     max_file_size: 1_048_576,
///     max_file_count: 3,
///     expires: 1_400_000_000,
/// };
/// let signature = Signer::new(&Key::new("mykey"), Digest::Sha1).sign_form(&form);
/// assert_eq!(signature.to_hex(), "7f8f4fde5c815b663cb8809f98b86f69a7954ceb");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form<'a> {
    /// The path the form is sent to, decoded, from `/v1` on: `/v1/account/container/` and what the objects' names
    /// begin with, if anything.
    pub path: &'a str,
    /// Where the browser goes afterwards; empty for nowhere.
    pub redirect: &'a str,
    /// The largest file taken, in bytes.
    pub max_file_size: u64,
    /// The largest number of files taken.
    pub max_file_count: u64,
    /// The last moment the form is good for, in seconds since 1970.
    pub expires: u64,
}

impl Signer {
    /// Signs the form. The form's fields `redirect`, `max_file_size`, `max_file_count` and `expires` must then hold
    /// exactly these values, the numbers in plain decimal. Allocates nothing.
    pub fn sign_form(&self, form: &Form<'_>) -> Signature {
        self.sign_fields(
            form.path.as_bytes(),
            form.redirect,
            [
                itoa::Buffer::new().format(form.max_file_size),
                itoa::Buffer::new().format(form.max_file_count),
                itoa::Buffer::new().format(form.expires),
            ],
        )
    }

    /// The HMAC of the text Swift's `formpost.py` signs: path, redirect, size, count and expiry, one a line.
    fn sign_fields(&self, path: &[u8], redirect: &str, numbers: [&str; 3]) -> Signature {
        let [size, count, expires] = numbers.map(str::as_bytes);
        self.sign_parts(&[
            path,
            b"\n",
            redirect.as_bytes(),
            b"\n",
            size,
            b"\n",
            count,
            b"\n",
            expires,
        ])
    }
}

/// The fields of a submitted form that matter for its signature, as they were sent; a missing one is empty.
///
/// `Debug` does not show the signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FormFields<'a> {
    /// The path the form was sent to, percent-decoded.
    pub path: &'a [u8],
    /// `redirect`.
    pub redirect: &'a str,
    /// `max_file_size`.
    pub max_file_size: &'a str,
    /// `max_file_count`.
    pub max_file_count: &'a str,
    /// `expires`.
    pub expires: &'a str,
    /// `signature`.
    pub signature: &'a str,
}

/// What a valid form grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormAccess {
    /// The place of the key that signed, among those given.
    pub key: usize,
    /// The largest file taken, in bytes. Negative takes none, as in Swift.
    pub max_file_size: i64,
    /// The largest number of files taken. Negative takes none, as in Swift.
    pub max_file_count: i64,
    /// The last moment the form is good for, in seconds since 1970.
    pub expires: i64,
    /// The digest of the signature.
    pub digest: Digest,
}

/// Why a form is refused. Swift answers the first three with 400 and the others with 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormRefusal {
    /// `max_file_size` is not an integer.
    #[error("max_file_size not an integer")]
    MaxFileSizeNotInteger,
    /// `max_file_count` is not an integer.
    #[error("max_file_count not an integer")]
    MaxFileCountNotInteger,
    /// `expires` is not an integer. Forms take Unix seconds alone.
    #[error("expired not an integer")]
    ExpiresNotInteger,
    /// The form was good until `expires`, in seconds since 1970, and now is later.
    #[error("form expired")]
    Expired {
        /// The last moment the form was good for, in seconds since 1970.
        expires: i64,
    },
    /// Neither the account nor the container has a key.
    #[error("invalid signature: neither account nor container has a temp URL key")]
    NoKey,
    /// `signature` is not a signature at all.
    #[error("invalid signature: {0}")]
    MalformedSignature(#[from] ParseSignatureError),
    /// The signature's digest is not one the server takes.
    #[error("invalid signature: {0} is not allowed here")]
    DigestNotAllowed(Digest),
    /// No key gives this signature for these fields.
    #[error("invalid signature: it matches none of the keys")]
    WrongSignature,
}

impl FormFields<'_> {
    /// `max_file_count` as a number, zero when it is empty. Swift refuses a file too many before it looks at the
    /// signature.
    pub fn max_file_count(&self) -> Result<i64, FormRefusal> {
        integer_or_zero(self.max_file_count).ok_or(FormRefusal::MaxFileCountNotInteger)
    }

    /// Judges the form by Swift's rules, in Swift's order (`FormPost._perform_subrequest` in `formpost.py`).
    ///
    /// `keys` are those of account and container, `now` is the moment of the request with its fractions. Every key is
    /// tried whatever the outcome, and signatures are compared in constant time.
    pub fn verify(
        &self,
        keys: &[&Key],
        allowed_digests: &[Digest],
        now: SystemTime,
    ) -> Result<FormAccess, FormRefusal> {
        let max_file_count = self.max_file_count()?;
        if keys.iter().all(|key| key.is_empty()) {
            return Err(FormRefusal::NoKey);
        }
        let max_file_size =
            integer_or_zero(self.max_file_size).ok_or(FormRefusal::MaxFileSizeNotInteger)?;
        let expires = integer_or_zero(self.expires).ok_or(FormRefusal::ExpiresNotInteger)?;
        if u64::try_from(expires).map_or(true, |expires| expires::is_past(expires, now)) {
            return Err(FormRefusal::Expired { expires });
        }
        let signature: Signature = self.signature.parse()?;
        let digest = signature.digest();
        if !allowed_digests.contains(&digest) {
            return Err(FormRefusal::DigestNotAllowed(digest));
        }
        let numbers = [self.max_file_size, self.max_file_count, self.expires]
            .map(|number| if number.is_empty() { "0" } else { number });
        let matches = |signer: &Signer| {
            signer
                .sign_fields(self.path, self.redirect, numbers)
                .ct_eq(&signature)
        };
        let key = matching_key(keys, digest, matches).ok_or(FormRefusal::WrongSignature)?;
        Ok(FormAccess {
            key,
            max_file_size,
            max_file_count,
            expires,
            digest,
        })
    }
}

fn integer_or_zero(text: &str) -> Option<i64> {
    if text.is_empty() {
        Some(0)
    } else {
        expires::parse_integer(text)
    }
}

impl fmt::Debug for FormFields<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FormFields")
            .field("path", &String::from_utf8_lossy(self.path))
            .field("redirect", &self.redirect)
            .field("max_file_size", &self.max_file_size)
            .field("max_file_count", &self.max_file_count)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
