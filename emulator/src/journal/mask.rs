//! Keeps secrets out of what is written down of a request's target: signatures in queries, tokens in paths.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::entry::Target;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Parameters whose values open doors, in lower case.
const SECRET: [&str; 7] = [
    "temp_url_sig",
    "signature",
    "x-auth-token",
    "token",
    "password",
    "api_key",
    "key",
];

/// Below these paths of identity services the next step is a token.
const TOKENS: [&str; 2] = ["/v2.0/tokens/", "/v3/tokens/"];

/// Path and query, without what must not be seen.
pub(super) fn target(path: &str, query: Option<&str>) -> Target {
    let path = masked_path(path);
    let mut target = Target::from_slice(path.as_bytes());
    let Some(query) = query else {
        return target;
    };
    target.extend_from_slice(b"?");
    for (place, pair) in query.split('&').enumerate() {
        if place > 0 {
            target.extend_from_slice(b"&");
        }
        match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => {
                target.extend_from_slice(name.as_bytes());
                target.extend_from_slice(b"=");
                target.extend_from_slice(MASK.as_bytes());
            }
            _ => target.extend_from_slice(pair.as_bytes()),
        }
    }
    target
}

fn is_secret(name: &str) -> bool {
    let name = percent_decode_str(name).decode_utf8_lossy();
    SECRET
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(&name))
}

fn masked_path(path: &str) -> Cow<'_, str> {
    // Storage paths are nearly all there are, and have no tokens.
    if path.starts_with("/v1/") {
        return Cow::Borrowed(path);
    }
    // What is decoded before it is divided may have escapes anywhere.
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    for tokens in TOKENS {
        let at = decoded.trim_start_matches('/');
        if let Some(rest) = at.strip_prefix(&tokens[1..]) {
            let rest = rest.trim_start_matches('/');
            let behind = rest.find('/').map_or("", |at| &rest[at..]);
            return Cow::Owned(format!("{tokens}{MASK}{}", crate::path::quote(behind)));
        }
    }
    Cow::Borrowed(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_signatures_and_tokens_and_nothing_else() {
        for (path, query, masked) in [
            ("/v1/a/c/o", None, "/v1/a/c/o"),
            (
                "/v1/a/c/o%20p",
                Some("temp_url_sig=abc&temp_url_expires=12&filename=x"),
                "/v1/a/c/o%20p?temp_url_sig=***&temp_url_expires=12&filename=x",
            ),
            (
                "/v1/a/c/",
                Some("prefix=p&temp_url_prefix=p&temp%5Furl_sig=abc"),
                "/v1/a/c/?prefix=p&temp_url_prefix=p&temp%5Furl_sig=***",
            ),
            ("/v1/a", Some(""), "/v1/a?"),
            (
                "/v1/a/c/o",
                Some("Signature=a=b"),
                "/v1/a/c/o?Signature=***",
            ),
            ("/v2.0/tokens", None, "/v2.0/tokens"),
            ("/v2.0/tokens/abc", None, "/v2.0/tokens/***"),
            (
                "/v2.0/tokens/abc/endpoints",
                None,
                "/v2.0/tokens/***/endpoints",
            ),
            ("/v2.0/%74okens/abc", None, "/v2.0/tokens/***"),
            ("//v2.0/tokens//abc", None, "/v2.0/tokens/***"),
            ("/auth/v1.0", None, "/auth/v1.0"),
        ] {
            let target = target(path, query);
            assert_eq!(std::str::from_utf8(&target), Ok(masked));
        }
    }
}
