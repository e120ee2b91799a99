//! Making temporary URLs.

use percent_encoding::AsciiSet;

use crate::storage_url::{PATH, encode};
use crate::{Method, Resource, Signature, Signer, expires};

/// What stays as it is in the value of a query parameter: what does in a path, and the colon of IPv6 addresses.
const QUERY: &AsciiSet = &PATH.remove(b':');

/// What a temporary URL grants, and how it is written.
///
/// ```
/// use signing::{Digest, Key, Method, Signer, TempUrl};
///
/// let url = TempUrl {
///     ip_range: Some("192.0.2.0/24"),
///     filename: Some("holiday 1.png"),
///     ..TempUrl::new(Method::Get, "/v1/MossoCloudFS_abc/python-demo/logo.png", 1_400_000_000)
/// };
/// assert_eq!(
///     Signer::new(&Key::new("mykey"), Digest::Sha256).url(&url),
///     "/v1/MossoCloudFS_abc/python-demo/logo.png\
///      ?temp_url_sig=5ca60164615dc4c7f3ee73b16c85431f4b5a0dc9886711bd7670d2ae2e46989c\
///      &temp_url_expires=1400000000&temp_url_ip_range=192.0.2.0/24&filename=holiday%201.png",
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TempUrl<'a> {
    /// The method allowed. HEAD comes with GET, PUT and POST.
    pub method: Method,
    /// The object the URL points at.
    pub resource: Resource<'a>,
    /// The last moment the URL is good for, in seconds since 1970. Zero is never valid.
    pub expires: u64,
    /// Grants every object of the container whose name begins so (`temp_url_prefix`), instead of the one object: its
    /// name can then be exchanged in the URL. The empty prefix grants the whole container.
    pub prefix: Option<&'a str>,
    /// The address or network the URL may be used from (`temp_url_ip_range`), in the form
    /// [`IpRange`](crate::IpRange) reads.
    pub ip_range: Option<&'a str>,
    /// The name under which browsers store the download (`filename`). Not signed.
    pub filename: Option<&'a str>,
    /// Whether browsers shall show the object rather than store it (`inline`). Not signed.
    pub inline: bool,
    /// How the URL spells the expiry. What is signed is the same.
    pub expires_format: ExpiresFormat,
    /// How the URL spells the signature.
    pub signature_format: SignatureFormat,
}

/// How `temp_url_expires` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiresFormat {
    /// Seconds since 1970. Every server reads it.
    #[default]
    UnixSeconds,
    /// `YYYY-MM-DDTHH:MM:SSZ`, from Swift 2.13 on. An expiry after the year 9999 is written as Unix seconds.
    Iso8601,
}

/// How `temp_url_sig` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureFormat {
    /// Lower-case hexadecimal. Every server reads it.
    #[default]
    Hex,
    /// `digest:base64` with the URL-safe alphabet, from Swift 2.17 on. Shorter: 93 characters for SHA-512, not 128.
    Base64,
}

impl<'a> TempUrl<'a> {
    /// A URL for one object, from anywhere, spelt so that every server reads it.
    pub fn new(method: Method, resource: impl Into<Resource<'a>>, expires: u64) -> Self {
        Self {
            method,
            resource: resource.into(),
            expires,
            prefix: None,
            ip_range: None,
            filename: None,
            inline: false,
            expires_format: ExpiresFormat::default(),
            signature_format: SignatureFormat::default(),
        }
    }
}

impl Signer {
    /// Signs what the URL grants. Allocates nothing.
    pub fn sign(&self, url: &TempUrl<'_>) -> Signature {
        let (container, object) = url.resource.split();
        let (kind, object) = match url.prefix {
            Some(prefix) => ("prefix:", prefix),
            None => ("", object),
        };
        self.sign_text(&SignedText {
            ip_range: url.ip_range,
            method: url.method,
            expires: url.expires,
            path: [kind, container[0], container[1], container[2], object].map(str::as_bytes),
        })
    }

    /// The HMAC of Swift's signed text (`get_hmac` in `swift/common/digest.py`): the range if there is one, method,
    /// expiry and path, one a line.
    pub(super) fn sign_text(&self, text: &SignedText<'_>) -> Signature {
        let mut digits = itoa::Buffer::new();
        let expires = digits.format(text.expires).as_bytes();
        let method = text.method.as_line();
        let [kind, account, container, slash, object] = text.path;
        match text.ip_range {
            // An empty range is no range: Swift tests it for truth.
            None | Some("") => self.sign_parts(&[
                method, expires, b"\n", kind, account, container, slash, object,
            ]),
            Some(range) => self.sign_parts(&[
                b"ip=",
                range.as_bytes(),
                b"\n",
                method,
                expires,
                b"\n",
                kind,
                account,
                container,
                slash,
                object,
            ]),
        }
    }

    /// Appends the URL. Allocates nothing while `out` has room for it.
    pub fn write_url(&self, url: &TempUrl<'_>, out: &mut String) {
        let signature = self.sign(url);
        url.resource.write(out);
        out.push_str("?temp_url_sig=");
        match url.signature_format {
            SignatureFormat::Hex => {
                out.push_str(signature.hex(&mut [0; Signature::MAX_HEX_LENGTH]));
            }
            SignatureFormat::Base64 => signature.write_base64(out),
        }
        out.push_str("&temp_url_expires=");
        match url.expires_format {
            ExpiresFormat::UnixSeconds => out.push_str(itoa::Buffer::new().format(url.expires)),
            ExpiresFormat::Iso8601 => expires::write_iso8601(url.expires, out),
        }
        if let Some(prefix) = url.prefix {
            out.push_str("&temp_url_prefix=");
            encode(prefix, QUERY, out);
        }
        if let Some(range) = url.ip_range.filter(|range| !range.is_empty()) {
            out.push_str("&temp_url_ip_range=");
            encode(range, QUERY, out);
        }
        if let Some(filename) = url.filename {
            out.push_str("&filename=");
            encode(filename, QUERY, out);
        }
        if url.inline {
            out.push_str("&inline");
        }
    }

    /// The URL as a new string: whole when the resource has a storage URL, from `/v1` when it is a path.
    pub fn url(&self, url: &TempUrl<'_>) -> String {
        let mut text = String::with_capacity(256);
        self.write_url(url, &mut text);
        text
    }
}

/// What is signed, with the path in as many pieces as whoever signs has it in.
pub(super) struct SignedText<'a> {
    pub(super) ip_range: Option<&'a str>,
    pub(super) method: Method,
    pub(super) expires: u64,
    pub(super) path: [&'a [u8]; 5],
}
