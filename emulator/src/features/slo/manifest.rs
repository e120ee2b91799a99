//! Manifests of static large objects: as clients send them, and as they are stored.

use std::fmt::Write;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reject::Reject;
use crate::resources::range::{self, Asked};

/// Base64 as Python reads it: what the padding says is checked apart, and stray last bits are passed over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// An entry of a manifest as a client sends it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// Bytes given in the manifest itself, in canonical base64.
    Data(String),
    Object(WantedObject),
}

/// An entry that names an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WantedObject {
    /// `container/object`, with whatever slashes the client put in front.
    pub(super) path: String,
    pub(super) etag: Option<String>,
    pub(super) size_bytes: Option<i64>,
    pub(super) range: Option<Asked>,
}

/// An entry of a manifest as it is stored.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Stored {
    Data { data: String },
    Object(StoredObject),
}

/// A segment that was there, and like this, when the manifest was stored.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct StoredObject {
    /// `/container/object`.
    pub(super) name: String,
    /// Length of the whole segment.
    pub(super) bytes: u64,
    /// Its ETag: that of the large object where it is one itself.
    pub(super) hash: String,
    pub(super) content_type: String,
    pub(super) last_modified: String,
    /// First and last byte, as `1-2`, where only a part of the segment counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) range: Option<String>,
    /// Whether it is a static large object itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) sub_slo: bool,
}

/// An entry as `?multipart-manifest=get&format=raw` shows it, fit to be sent again. Keys are in alphabetical order.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Raw<'a> {
    Data {
        data: &'a str,
    },
    Object {
        etag: &'a str,
        path: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        range: Option<&'a str>,
        size_bytes: u64,
    },
}

impl StoredObject {
    /// First and last byte that count. A segment without bytes has none.
    pub(super) fn bounds(&self) -> Option<(u64, u64)> {
        let range = self.range.as_deref().and_then(|range| {
            let (first, last) = range.split_once('-')?;
            Some((first.parse().ok()?, last.parse().ok()?))
        });
        range
            .or_else(|| Some((0, self.bytes.checked_sub(1)?)))
            .filter(|(first, last)| first <= last)
    }
}

impl Stored {
    /// How many bytes of the large object are its.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Data { data } => decode(data).map_or(0, |data| data.len() as u64),
            Self::Object(object) => object
                .bounds()
                .map_or(0, |(first, last)| (last - first).saturating_add(1)),
        }
    }

    pub(crate) fn raw(&self) -> Raw<'_> {
        match self {
            Self::Data { data } => Raw::Data { data },
            Self::Object(object) => Raw::Object {
                etag: &object.hash,
                path: &object.name,
                range: object.range.as_deref(),
                size_bytes: object.bytes,
            },
        }
    }
}

/// Reads a stored manifest.
pub(crate) fn stored(body: &[u8]) -> Option<Vec<Stored>> {
    serde_json::from_slice(body).ok()
}

/// The ETag of a large object: MD5 of those of its segments, each with its range if it has one.
pub(crate) fn etag(segments: &[Stored]) -> String {
    let mut digest = Md5::new();
    for segment in segments {
        match segment {
            Stored::Data { data } => {
                let data = decode(data).unwrap_or_default();
                digest.update(hex::encode(Md5::digest(&data)));
            }
            Stored::Object(object) => {
                digest.update(&object.hash);
                if let Some(range) = &object.range {
                    digest.update(format!(":{range};"));
                }
            }
        }
    }
    hex::encode(digest.finalize())
}

/// The bytes of an entry that holds them itself; padding may be too long, never too short.
pub(super) fn decode(data: &str) -> Option<Bytes> {
    let bare = data.trim_end_matches('=');
    let padding = data.len() - bare.len();
    if padding < (4 - bare.len() % 4) % 4 {
        return None;
    }
    BASE64.decode(bare).ok().map(Bytes::from)
}

/// Reads what a client sent to `own_path`, a path without its version (`/account/container/object`). The refusal tells
/// everything that is wrong with it.
pub(crate) fn parse(body: &[u8], account: &str, own_path: &str) -> Result<Vec<Wanted>, Reject> {
    let refuse = |text: &'static str| Reject::html(StatusCode::BAD_REQUEST, text);
    let parsed: Value =
        serde_json::from_slice(body).map_err(|_| refuse("Manifest must be valid JSON.\n"))?;
    let Value::Array(entries) = parsed else {
        return Err(refuse("Manifest must be a list.\n"));
    };
    let mut errors = String::new();
    let mut wanted = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let is_last = index + 1 == entries.len();
        match parse_entry(entry, is_last, account, own_path) {
            Ok(entry) => wanted.push(entry),
            // Writing to a String cannot fail.
            Err(error) => drop(writeln!(errors, "Index {index}: {error}")),
        }
    }
    if !entries.is_empty() && entries.iter().all(|entry| entry.get("data").is_some()) {
        errors.push_str("Inline data segments require at least one object-backed segment.\n");
    }
    if errors.is_empty() {
        Ok(wanted)
    } else {
        Err(Reject::html(StatusCode::BAD_REQUEST, errors).header(CONTENT_TYPE, "text/plain"))
    }
}

fn parse_entry(
    entry: &Value,
    is_last: bool,
    account: &str,
    own_path: &str,
) -> Result<Wanted, String> {
    let Value::Object(entry) = entry else {
        return Err("not a JSON object".to_owned());
    };
    let allowed: &[&str] = if entry.contains_key("data") {
        &["data"]
    } else if entry.contains_key("path") {
        &["path", "range", "etag", "size_bytes"]
    } else {
        return Err("expected keys to include one of 'data' or 'path'".to_owned());
    };
    let mut extraneous: Vec<&str> = entry
        .keys()
        .map(String::as_str)
        .filter(|key| !allowed.contains(key))
        .collect();
    if !extraneous.is_empty() {
        extraneous.sort_unstable();
        let quoted: Vec<String> = extraneous.iter().map(crate::json::to_string).collect();
        return Err(format!("extraneous keys {}", quoted.join(", ")));
    }
    match entry.get("data") {
        Some(data) => parse_data(data),
        None => parse_object(entry, is_last, account, own_path),
    }
}

fn parse_data(data: &Value) -> Result<Wanted, String> {
    let data = data
        .as_str()
        .and_then(decode)
        .ok_or("data must be valid base64")?;
    if data.is_empty() {
        return Err("too small; each segment must be at least 1 byte.".to_owned());
    }
    Ok(Wanted::Data(
        base64::engine::general_purpose::STANDARD.encode(data),
    ))
}

fn parse_object(
    entry: &Map<String, Value>,
    is_last: bool,
    account: &str,
    own_path: &str,
) -> Result<Wanted, String> {
    let path = entry
        .get("path")
        .and_then(Value::as_str)
        .ok_or("\"path\" must be a string")?;
    let etag = match entry.get("etag") {
        None | Some(Value::Null) => None,
        Some(Value::String(etag)) => Some(etag.clone()),
        Some(_) => return Err("\"etag\" must be a string or null (if provided)".to_owned()),
    };
    if !path.trim_matches('/').contains('/') {
        return Err(
            "path does not refer to an object. Path must be of the form /container/object."
                .to_owned(),
        );
    }
    let size_bytes = match entry.get("size_bytes") {
        None | Some(Value::Null) => None,
        Some(size) => Some(integer(size).ok_or("invalid size_bytes")?),
    };
    if size_bytes.is_some_and(|size| size < 1) && !is_last {
        return Err("too small; each segment must be at least 1 byte.".to_owned());
    }
    if format!("/{account}/{}", path.trim_start_matches('/')) == own_path {
        return Err("manifest must not include itself as a segment".to_owned());
    }
    let range = match entry.get("range").and_then(said) {
        None => None,
        Some(text) => {
            let asked = range::parse(&format!("bytes={text}")).ok_or("invalid range")?;
            let [asked] = asked[..] else {
                return Err("multiple ranges (only one allowed)".to_owned());
            };
            // If the client told the size wrong, that is found out later.
            let size = size_bytes.map(|size| u64::try_from(size).unwrap_or(0));
            if size.is_some_and(|size| range::within(asked, size).is_none()) {
                return Err("unsatisfiable range".to_owned());
            }
            Some(asked)
        }
    };
    Ok(Wanted::Object(WantedObject {
        path: path.to_owned(),
        etag,
        size_bytes,
        range,
    }))
}

/// What Python's `int` makes of a JSON value.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounds towards zero and saturates, as is meant"
            )]
            number.as_f64().map(|float| float as i64)
        }),
        _ => None,
    }
}

/// A range as text, unless Python would take the value for no.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Array(list) if list.is_empty() => None,
        Value::Object(map) if map.is_empty() => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(manifest: &str) -> String {
        match parse(manifest.as_bytes(), "a", "/a/c/manifest") {
            Ok(wanted) => format!("{wanted:?}"),
            Err(reject) => match reject.into_response().body {
                crate::message::Body::Bytes(text) => String::from_utf8_lossy(&text).into_owned(),
                other => format!("{other:?}"),
            },
        }
    }

    #[test]
    fn refuses_each_mistake_in_its_own_words() {
        for (manifest, why) in [
            ("nonsense", "Manifest must be valid JSON.\n"),
            ("{}", "Manifest must be a list.\n"),
            ("[5]", "Index 0: not a JSON object\n"),
            (
                "[{}]",
                "Index 0: expected keys to include one of 'data' or 'path'\n",
            ),
            (
                r#"[{"path": "/c/o", "b": 1, "a": 2}]"#,
                "Index 0: extraneous keys \"a\", \"b\"\n",
            ),
            (
                r#"[{"path": "/c/o", "etag": 1}]"#,
                "Index 0: \"etag\" must be a string or null (if provided)\n",
            ),
            (
                r#"[{"path": "/c/o", "size_bytes": "x"}]"#,
                "Index 0: invalid size_bytes\n",
            ),
            (
                r#"[{"path": "/c/o", "size_bytes": 0}, {"path": "/c/o"}]"#,
                "Index 0: too small; each segment must be at least 1 byte.\n",
            ),
            (
                r#"[{"path": "/c/manifest"}]"#,
                "Index 0: manifest must not include itself as a segment\n",
            ),
            (
                r#"[{"path": "/c/o", "range": "x"}]"#,
                "Index 0: invalid range\n",
            ),
            (
                r#"[{"path": "/c/o", "range": "1-2,4-5"}]"#,
                "Index 0: multiple ranges (only one allowed)\n",
            ),
            (
                r#"[{"path": "/c/o", "range": "5-", "size_bytes": 5}]"#,
                "Index 0: unsatisfiable range\n",
            ),
            (
                r#"[{"path": "/c/o"}, {"data": ""}]"#,
                "Index 1: too small; each segment must be at least 1 byte.\n",
            ),
        ] {
            assert_eq!(refusal(manifest), why, "{manifest}");
        }
    }

    #[test]
    fn takes_sizes_as_text_and_ranges_from_the_end() {
        let wanted = parse(
            br#"[{"path": "c/o", "size_bytes": "5", "range": "-2"}]"#,
            "a",
            "/a/c/m",
        );
        let object = WantedObject {
            path: "c/o".to_owned(),
            etag: None,
            size_bytes: Some(5),
            range: Some((None, Some(2))),
        };
        assert_eq!(wanted.ok(), Some(vec![Wanted::Object(object)]));
    }

    #[test]
    fn reads_base64_with_too_much_padding_but_not_with_too_little() {
        assert_eq!(decode("QQ==").as_deref(), Some(&b"A"[..]));
        assert_eq!(decode("QQ====").as_deref(), Some(&b"A"[..]));
        assert_eq!(decode("QQ"), None);
        assert_eq!(decode("Q==="), None);
        assert_eq!(decode("%%"), None);
    }

    proptest! {
        #[test]
        fn nothing_a_client_sends_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body, "a", "/a/c/o");
            let _ = stored(&body);
        }

        #[test]
        fn no_entry_makes_it_panic(path in ".*", size in any::<f64>(), range in "[0-9,-]{0,12}", data in "[A-Za-z=%]{0,9}") {
            let manifest = serde_json::json!([
                {"path": path, "size_bytes": size, "range": range},
                {"data": data},
            ]);
            let _ = parse(manifest.to_string().as_bytes(), "a", "/a/c/o");
        }
    }
}
