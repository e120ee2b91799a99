//! What there can be to say of a URL.

use std::fmt;

use signing::Refusal;

/// What can be found of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A temporary URL that is good.
    Valid,
    /// The signature is one of a key that is set now, for what is asked.
    SignatureMatches,
    /// Anybody may read the container.
    Public,
    /// Neither signature nor expiry, and no right without a token.
    NoTempUrl,
    /// The signature is missing.
    MissingSignature,
    /// The expiry is missing.
    MissingExpires,
    /// The expiry is no moment.
    MalformedExpires,
    /// Its time is over.
    Expired,
    /// The signature is none.
    MalformedSignature,
    /// The server does not take the signature's digest.
    DigestNotAllowed,
    /// No temporary URL allows the method.
    MethodNotAllowed,
    /// The path is not an object's.
    NotAnObject,
    /// The range of addresses is none.
    MalformedIpRange,
    /// The client's address lies outside the range.
    OutsideIpRange,
    /// The object's name does not begin with the prefix.
    OutsidePrefix,
    /// The account is unknown here.
    UnknownAccount,
    /// Neither account nor container has a key.
    NoKey,
    /// Signed for another method.
    WrongMethod,
    /// Signed with a key that has been replaced.
    KeyReplaced,
    /// The percent-encoded path was signed.
    EncodedPathSigned,
    /// Another text was signed than the one that must be.
    WrongTextSigned,
    /// No key gives the signature, for this or for what people mistake for it.
    WrongSignature,
    /// The object is not there.
    ObjectMissing,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Valid,
        Self::SignatureMatches,
        Self::Public,
        Self::NoTempUrl,
        Self::MissingSignature,
        Self::MissingExpires,
        Self::MalformedExpires,
        Self::Expired,
        Self::MalformedSignature,
        Self::DigestNotAllowed,
        Self::MethodNotAllowed,
        Self::NotAnObject,
        Self::MalformedIpRange,
        Self::OutsideIpRange,
        Self::OutsidePrefix,
        Self::UnknownAccount,
        Self::NoKey,
        Self::WrongMethod,
        Self::KeyReplaced,
        Self::EncodedPathSigned,
        Self::WrongTextSigned,
        Self::WrongSignature,
        Self::ObjectMissing,
    ];

    /// Its name on the control surface: `expired`, `wrong_method`, ….
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::SignatureMatches => "signature_matches",
            Self::Public => "public",
            Self::NoTempUrl => "no_temp_url",
            Self::MissingSignature => "missing_signature",
            Self::MissingExpires => "missing_expires",
            Self::MalformedExpires => "malformed_expires",
            Self::Expired => "expired",
            Self::MalformedSignature => "malformed_signature",
            Self::DigestNotAllowed => "digest_not_allowed",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAnObject => "not_an_object",
            Self::MalformedIpRange => "malformed_ip_range",
            Self::OutsideIpRange => "outside_ip_range",
            Self::OutsidePrefix => "outside_prefix",
            Self::UnknownAccount => "unknown_account",
            Self::NoKey => "no_key",
            Self::WrongMethod => "wrong_method",
            Self::KeyReplaced => "key_replaced",
            Self::EncodedPathSigned => "encoded_path_signed",
            Self::WrongTextSigned => "wrong_text_signed",
            Self::WrongSignature => "wrong_signature",
            Self::ObjectMissing => "object_missing",
        }
    }

    pub(super) fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::MissingSignature => Self::MissingSignature,
            Refusal::MissingExpires => Self::MissingExpires,
            Refusal::MalformedExpires => Self::MalformedExpires,
            Refusal::Expired { .. } => Self::Expired,
            Refusal::MalformedSignature(_) => Self::MalformedSignature,
            Refusal::DigestNotAllowed(_) => Self::DigestNotAllowed,
            Refusal::MethodNotAllowed => Self::MethodNotAllowed,
            Refusal::NotAnObject => Self::NotAnObject,
            Refusal::MalformedIpRange => Self::MalformedIpRange,
            Refusal::UnknownClientAddress | Refusal::OutsideIpRange => Self::OutsideIpRange,
            Refusal::NoKey => Self::NoKey,
            Refusal::OutsidePrefix => Self::OutsidePrefix,
            _ => Self::WrongSignature,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
