//! What the headers of a request say that is asked of each: found in one look at all of them.

use http::HeaderMap;

use crate::features::domain_remap;
use crate::services::cdn;

/// The longest line of a request that Swift's server reads, in bytes (`MAX_REQUEST_LINE` and `MAX_HEADER_LINE` in
/// eventlet's `wsgi.py`).
pub(crate) const MAX_LINE: usize = 8192;

/// What one look tells.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are answers to questions of their own"
)]
pub(crate) struct Glance {
    /// Whether Swift's server hands them on as they are: each once, and none with an underscore in its name.
    pub(crate) is_handed_on: bool,
    /// Whether a line is longer than that server reads.
    pub(crate) has_long_line: bool,
    /// Whether the client wants the connection kept, and says so.
    pub(crate) keep_alive: bool,
    /// Whether the client gives the transaction a name.
    pub(crate) names_transaction: bool,
    /// Whether the client shows a token, good or not.
    pub(crate) shows_token: bool,
    /// Whether the host is one of the CDN's edge.
    pub(crate) is_for_edge: bool,
    /// Whether there are conditions or ranges.
    pub(crate) asks_part: bool,
    /// Whether no feature does anything about any of them when something is read: see `shortcut.rs`.
    pub(crate) is_plain_read: bool,
}

impl Glance {
    pub(crate) fn at(headers: &HeaderMap) -> Self {
        const COLON_AND_END: usize = ": \r\n".len();
        let mut glance = Self {
            is_handed_on: headers.len() == headers.keys_len(),
            has_long_line: false,
            keep_alive: false,
            names_transaction: false,
            shows_token: false,
            is_for_edge: false,
            asks_part: false,
            is_plain_read: true,
        };
        for (name, value) in headers {
            let name = name.as_str();
            glance.has_long_line |= name.len() + value.len() + COLON_AND_END > MAX_LINE;
            match name {
                "host" => {
                    let host = value.as_bytes();
                    glance.is_for_edge = cdn::is_host_of_edge(host);
                    glance.is_plain_read &= domain_remap::below_domain(host).is_none();
                }
                "connection" => {
                    glance.keep_alive = value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
                }
                "x-auth-token" => glance.shows_token = true,
                "if-match"
                | "if-modified-since"
                | "if-none-match"
                | "if-unmodified-since"
                | "range" => glance.asks_part = true,
                "x-trans-id-extra" => glance.names_transaction = true,
                "accept" | "accept-encoding" | "accept-language" | "cache-control"
                | "content-length" | "content-type" | "date" | "pragma" | "te" | "user-agent"
                | "x-newest" => {}
                _ => {
                    glance.is_plain_read = false;
                    glance.shows_token |= name == "x-storage-token";
                    glance.is_handed_on &= !name.contains('_');
                }
            }
        }
        glance
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn at(headers: &[(&'static str, &'static str)]) -> Glance {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        Glance::at(&headers.collect())
    }

    #[test]
    fn tells_what_a_plain_read_says_from_what_a_feature_acts_on() {
        let usual = at(&[("host", "127.0.0.1:8080"), ("x-auth-token", "AUTH_tk")]);
        assert!(usual.is_plain_read && usual.is_handed_on && !usual.is_for_edge);
        for other in ["origin", "x-web-mode", "x-service-token", "x-open-expired"] {
            assert!(!at(&[(other, "x")]).is_plain_read, "{other}");
        }
        assert!(!at(&[("host", "c.AUTH_test.example.net")]).is_plain_read);
        assert!(!usual.asks_part);
        for part in [
            "range",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
        ] {
            let asked = at(&[(part, "x")]);
            assert!(asked.asks_part && asked.is_plain_read, "{part}");
        }
    }

    #[test]
    fn tells_what_the_server_does_not_hand_on() {
        assert!(!at(&[("x_auth_token", "x")]).is_handed_on);
        let mut twice = HeaderMap::new();
        twice.append("accept", HeaderValue::from_static("a"));
        twice.append("accept", HeaderValue::from_static("b"));
        assert!(!Glance::at(&twice).is_handed_on);
    }

    #[test]
    fn tells_what_the_connection_and_the_edge_are_asked_for() {
        for name in ["x-auth-token", "x-storage-token"] {
            assert!(at(&[(name, "")]).shows_token, "{name}");
        }
        assert!(at(&[("connection", "Keep-Alive")]).keep_alive);
        assert!(!at(&[("connection", "close")]).keep_alive);
        assert!(at(&[("host", "abc-def.r12.cf1.rackcdn.com:8080")]).is_for_edge);
    }
}
