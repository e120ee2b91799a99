//! Who may use the control surface.
//!
//! - Without a control token: callers whose connection comes from this machine, and who name it by a loopback address or
//!   `localhost`. The name counts because a page of another site could have its own name point to 127.0.0.1 (DNS
//!   rebinding), and its scripts would then reach us as if they were from here.
//! - With a control token: whoever shows it, `Authorization: Bearer TOKEN`, from anywhere.
//! - Never: pages of other sites, which browsers give away by `Origin` and `Sec-Fetch-Site`.

use std::fmt;
use std::net::IpAddr;

use http::StatusCode;
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use subtle::ConstantTimeEq;

use super::Refused;
use crate::message::Request;

/// The secret that opens the control surface to other machines. Compared in constant time, and never shown.
#[derive(Clone)]
pub(crate) struct ControlToken(Box<str>);

impl ControlToken {
    /// `None` for an empty one, which would open to everybody.
    pub(crate) fn new(token: &str) -> Option<Self> {
        (!token.is_empty()).then(|| Self(token.into()))
    }

    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl fmt::Debug for ControlToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ControlToken(hidden)")
    }
}

/// Whether the request's host is a name of its own below `localhost` or of the CDN: then the path is an object's.
pub(super) fn has_virtual_host(request: &Request) -> bool {
    let host = request.header(HOST.as_str()).unwrap_or_default();
    let name = without_port(host).to_ascii_lowercase();
    name.ends_with(".localhost") || name.ends_with(".rackcdn.com")
}

pub(super) fn check(request: &Request, token: Option<&ControlToken>) -> Result<(), Refused> {
    let host = request.header(HOST.as_str()).unwrap_or_default();
    if let Some(origin) = request.headers.get(ORIGIN)
        && origin.to_str().ok().and_then(authority) != Some(host)
    {
        let message = "pages of other sites may not use the control surface";
        return Err(forbidden("origin", message));
    }
    if request
        .header("sec-fetch-site")
        .is_some_and(|site| matches!(site, "cross-site" | "same-site"))
    {
        let message = "pages of other sites may not use the control surface";
        return Err(forbidden("sec-fetch-site", message));
    }
    let Some(token) = token else {
        if !request.remote.is_some_and(is_loopback) {
            let message = "from other machines the control surface needs a control token: start the emulator with --control-token";
            return Err(forbidden("authorization", message));
        }
        if !names_loopback(host) {
            let message =
                "without a control token the host must be a loopback address or localhost";
            return Err(forbidden("host", message));
        }
        return Ok(());
    };
    let shown = request
        .header(AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, shown)| shown.trim());
    if shown.is_some_and(|shown| token.is(shown)) {
        return Ok(());
    }
    let message = "the control surface wants `Authorization: Bearer` and the control token";
    let refused = Refused::new(StatusCode::UNAUTHORIZED, "authorization", message);
    Err(refused.header(WWW_AUTHENTICATE, "Bearer realm=\"emulator\""))
}

fn forbidden(field: &str, message: &str) -> Refused {
    Refused::new(StatusCode::FORBIDDEN, field, message)
}

/// Loopback, an IPv4 address inside an IPv6 one included: a socket that listens on both sees those.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Host and port of an origin such as `http://127.0.0.1:8080`.
fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

fn names_loopback(host: &str) -> bool {
    let name = without_port(host);
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_this_machine() {
        for host in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1",
            "127.1.2.3:80",
            "[::1]:8080",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(names_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1:80",
            "[::]:80",
            "0.0.0.0",
        ] {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = ControlToken::new("hush").expect("it is not empty");
        assert_eq!(format!("{token:?}"), "ControlToken(hidden)");
        assert!(token.is("hush") && !token.is("hus") && !token.is(""));
        assert!(ControlToken::new("").is_none());
    }
}
