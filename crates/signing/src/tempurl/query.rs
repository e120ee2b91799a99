//! The query of a temporary URL.

use std::borrow::Cow;
use std::fmt;

use crate::storage_url::decode_query;

/// The parameters of a temporary URL as a request carries them, decoded but not yet judged.
///
/// Read as Swift reads them (`get_temp_url_info` in `tempurl.py`, by Python's `parse_qs`): parameters are parted by `&`,
/// the first of several with one name counts, `+` is a space, other parameters are ignored. Escapes that are not UTF-8
/// become U+FFFD; bytes beyond ASCII that are not escaped are taken as Latin-1.
///
/// `Debug` does not show the signature.
#[derive(Clone, PartialEq, Eq)]
pub struct TempUrlQuery<'a> {
    /// `temp_url_sig`.
    pub signature: Option<Cow<'a, str>>,
    /// `temp_url_expires`.
    pub expires: Option<Cow<'a, str>>,
    /// `temp_url_prefix`. Present and empty is not the same as absent.
    pub prefix: Option<Cow<'a, str>>,
    /// `temp_url_ip_range`.
    pub ip_range: Option<Cow<'a, str>>,
    /// `filename`.
    pub filename: Option<Cow<'a, str>>,
    /// Whether `inline` is there, with whatever value.
    pub inline: bool,
}

impl<'a> TempUrlQuery<'a> {
    /// Reads a raw query, the part of a URL behind `?`.
    ///
    /// `None` when it has neither a signature nor an expiry: such a request is not a temporary URL's, and takes the
    /// ordinary way through the server. With only one of the two it is one, and verification will refuse it.
    ///
    /// ```
    /// use signing::TempUrlQuery;
    ///
    /// assert_eq!(TempUrlQuery::parse(b"format=json&limit=10"), None);
    /// let query = TempUrlQuery::parse(b"temp_url_expires=1400000000&filename=My+File.pdf&inline").unwrap();
    /// assert_eq!(query.filename.as_deref(), Some("My File.pdf"));
    /// assert!(query.inline);
    /// assert_eq!(query.signature, None);
    /// ```
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let mut query = Self {
            signature: None,
            expires: None,
            prefix: None,
            ip_range: None,
            filename: None,
            inline: false,
        };
        for parameter in raw
            .split(|&byte| byte == b'&')
            .filter(|parameter| !parameter.is_empty())
        {
            let (name, value) = match memchr::memchr(b'=', parameter) {
                Some(equals) => (&parameter[..equals], &parameter[equals + 1..]),
                None => (parameter, &[][..]),
            };
            let slot = match &*decode_query(name) {
                "temp_url_sig" => &mut query.signature,
                "temp_url_expires" => &mut query.expires,
                "temp_url_prefix" => &mut query.prefix,
                "temp_url_ip_range" => &mut query.ip_range,
                "filename" => &mut query.filename,
                "inline" => {
                    query.inline = true;
                    continue;
                }
                _ => continue,
            };
            if slot.is_none() {
                *slot = Some(decode_query(value));
            }
        }
        (query.signature.is_some() || query.expires.is_some()).then_some(query)
    }
}

impl fmt::Debug for TempUrlQuery<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TempUrlQuery")
            .field("signature", &self.signature.as_ref().map(|_| "hidden"))
            .field("expires", &self.expires)
            .field("prefix", &self.prefix)
            .field("ip_range", &self.ip_range)
            .field("filename", &self.filename)
            .field("inline", &self.inline)
            .finish()
    }
}
