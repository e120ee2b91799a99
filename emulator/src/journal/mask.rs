//! Keeps secrets out of what is written down of a request's target: signatures in queries, tokens in paths.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

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
pub(super) fn target(path: &str, query: Option<&str>) -> Box<str> {
    let path = masked_path(path);
    let Some(query) = query else {
        return match path {
            Cow::Borrowed(path) => path.into(),
            Cow::Owned(path) => path.into_boxed_str(),
        };
    };
    let mut target = String::with_capacity(path.len() + 1 + query.len());
    target.push_str(&path);
    target.push('?');
    for (place, pair) in query.split('&').enumerate() {
        if place > 0 {
            target.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => {
                target.push_str(name);
                target.push('=');
                target.push_str(MASK);
            }
            _ => target.push_str(pair),
        }
    }
    target.into_boxed_str()
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
            assert_eq!(&*target(path, query), masked);
        }
    }
}
