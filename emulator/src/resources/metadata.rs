//! Rules for metadata (`check_metadata` in `swift/common/constraints.py`, `validate_metadata` in `swift/common/db.py`).

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::flavour::Limits;
use crate::message::header_text;
use crate::reject::Reject;

/// Headers that only the owner of an account sees and sets (`swift_owner_headers` in `swift/proxy/server.py`).
pub(crate) const OWNER_HEADERS: [&str; 9] = [
    "x-container-read",
    "x-container-write",
    "x-container-sync-key",
    "x-container-sync-to",
    "x-account-meta-temp-url-key",
    "x-account-meta-temp-url-key-2",
    "x-container-meta-temp-url-key",
    "x-container-meta-temp-url-key-2",
    "x-account-access-control",
];

/// Checks the metadata headers of one request. `kind` is `account`, `container` or `object`.
pub(crate) fn check(headers: &HeaderMap, kind: &str, limits: &Limits) -> Result<(), Reject> {
    let bad = |text: String| Err(Reject::plain(StatusCode::BAD_REQUEST, text));
    let (mut count, mut size) = (0, 0);
    for (name, value) in headers {
        if value.len() > limits.max_header_size {
            let name = &name.as_str()[..name.as_str().len().min(limits.max_meta_name_length)];
            return bad(format!("Header value too long: {}", title(name)));
        }
        let Some(key) = key_of(name, kind) else {
            continue;
        };
        if key.is_empty() {
            return bad("Metadata name cannot be empty".to_owned());
        }
        if kind != "object" && std::str::from_utf8(value.as_bytes()).is_err() {
            return bad("Metadata must be valid UTF-8".to_owned());
        }
        count += 1;
        size += key.len() + value.len();
        if key.len() > limits.max_meta_name_length {
            return bad(format!(
                "Metadata name too long: x-{kind}-meta-{}",
                title(key)
            ));
        }
        if value.len() > limits.max_meta_value_length {
            return bad(format!(
                "Metadata value longer than {}: x-{kind}-meta-{}",
                limits.max_meta_value_length,
                title(key)
            ));
        }
        if count > limits.max_meta_count {
            return bad(format!(
                "Too many metadata items; max {}",
                limits.max_meta_count
            ));
        }
        if size > limits.max_meta_overall_size {
            return bad(format!(
                "Total metadata too large; max {}",
                limits.max_meta_overall_size
            ));
        }
    }
    Ok(())
}

/// The part of a name that its owner has chosen, if it is one of metadata.
fn key_of<'a>(name: &'a HeaderName, kind: &str) -> Option<&'a str> {
    name.as_str()
        .strip_prefix("x-")?
        .strip_prefix(kind)?
        .strip_prefix("-meta-")
}

/// Checks all the metadata that an account or container would have together.
pub(crate) fn check_whole(metadata: &HeaderMap, kind: &str, limits: &Limits) -> Result<(), Reject> {
    let (count, size) = metadata
        .iter()
        .filter_map(|(name, value)| Some((key_of(name, kind)?, value)))
        .fold((0, 0), |(count, size), (key, value)| {
            (count + 1, size + key.len() + value.len())
        });
    if count > limits.max_meta_count {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            format!("Too many metadata items; max {}", limits.max_meta_count),
        ));
    }
    if size > limits.max_meta_overall_size {
        return Err(Reject::html(
            StatusCode::BAD_REQUEST,
            format!(
                "Total metadata too large; max {}",
                limits.max_meta_overall_size
            ),
        ));
    }
    Ok(())
}

/// The changes to an account's or container's metadata that a request asks for: `X-…-Meta-*`, `X-Remove-…-Meta-*` (an
/// empty value removes), system metadata, and for containers the ACLs and sync headers.
pub(crate) fn updates(
    headers: &HeaderMap,
    kind: &str,
    owner: bool,
) -> Vec<(HeaderName, HeaderValue)> {
    let kept = [format!("x-{kind}-meta-"), format!("x-{kind}-sysmeta-")];
    let removed = format!("x-remove-{kind}-");
    let mut found = Vec::new();
    for (name, value) in headers {
        let text = name.as_str();
        let whole = matches!(
            text,
            "x-container-read"
                | "x-container-write"
                | "x-container-sync-key"
                | "x-container-sync-to"
        ) && kind == "container";
        if whole || kept.iter().any(|prefix| text.starts_with(prefix.as_str())) {
            found.push((name.clone(), value.clone()));
        } else if let Some(rest) = text.strip_prefix(&removed)
            && let Ok(target) = HeaderName::from_bytes(format!("x-{kind}-{rest}").as_bytes())
        {
            let allowed = target.as_str().starts_with(kept[0].as_str())
                || matches!(
                    target.as_str(),
                    "x-container-read"
                        | "x-container-write"
                        | "x-container-sync-key"
                        | "x-container-sync-to"
                );
            if allowed {
                found.push((target, HeaderValue::from_static("")));
            }
        }
    }
    if !owner {
        found.retain(|(name, _)| !OWNER_HEADERS.contains(&name.as_str()));
    }
    found
}

/// Drops what only the owner may see.
pub(crate) fn hide_from_strangers(headers: &mut HeaderMap, owner: bool) {
    if !owner {
        for name in OWNER_HEADERS {
            headers.remove(name);
        }
    }
}

/// A header name as Swift spells it in messages: each word with a capital.
pub(crate) fn title(name: &str) -> String {
    let mut capital = true;
    name.chars()
        .map(|letter| {
            let shown = if capital {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            };
            capital = !letter.is_ascii_alphanumeric();
            shown
        })
        .collect()
}

/// The value of an integer header, as Python's `int` reads it; numbers beyond what fits become the largest that does.
pub(crate) fn integer(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Result<i64, ()>> {
    use std::num::IntErrorKind;
    let value = header_text(headers, name)?;
    Some(
        value
            .trim()
            .parse()
            .or_else(|error: std::num::ParseIntError| match error.kind() {
                IntErrorKind::PosOverflow => Ok(i64::MAX),
                IntErrorKind::NegOverflow => Ok(i64::MIN),
                _ => Err(()),
            }),
    )
}
