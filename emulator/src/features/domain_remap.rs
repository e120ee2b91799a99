//! Accounts and containers named by the host instead of the path (`swift/common/middleware/domain_remap.py`).
//!
//! In: `Host`. `ACCOUNT.example.net/container/object` and `CONTAINER.ACCOUNT.example.net/object` both become
//! `/v1/ACCOUNT/container/object`. The account's prefix may be in any case, and a hyphen may stand for its underscore,
//! as host names have no underscores and browsers make them lower case; an account with another prefix is left alone.
//!
//! Out: 400 where the host has more parts than that. `Location` and `Content-Location` are put back into the form that
//! the client used.

use http::header::{CONTENT_LOCATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};

use crate::headers::find;
use crate::message::{Request, header_text, header_value};
use crate::path::{Path, quote};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply, name_realm};

/// What the hosts end with that name accounts.
const STORAGE_DOMAIN: &str = ".example.net";

/// What the accounts begin with that hosts may name.
const RESELLER_PREFIX: &str = "AUTH";

pub(crate) fn applies(request: &Request) -> bool {
    of_request(request).is_some()
}

pub(crate) async fn handle(mut request: Request, next: Next<'_>) -> Reply {
    let Some(found) = of_request(&request).map(remap) else {
        return Ok(next.run(request).await);
    };
    let root = match found {
        Remap::Root(root) => root,
        Remap::OtherAccount => return Ok(next.run(request).await),
        Remap::TooManyParts => {
            return Err(
                Reject::html(StatusCode::BAD_REQUEST, "Bad domain in host header")
                    .header(CONTENT_TYPE, "text/plain"),
            );
        }
    };
    let asked = request.path.as_str();
    let path = format!("{root}/{}", asked.strip_prefix('/').unwrap_or(""));
    let (from, to) = (quote(&path), quote(asked));
    request.path = Path::new(path.clone()).into();
    let mut response = next.run(request).await;
    name_realm(&mut response, || path.clone());
    restore_locations(&mut response.headers, &from, &to);
    Ok(response)
}

/// What a host below the storage domain stands for.
#[derive(Debug, PartialEq, Eq)]
enum Remap {
    /// `/v1/account` or `/v1/account/container`.
    Root(String),
    /// An account that is not for hosts to name, or none at all.
    OtherAccount,
    TooManyParts,
}

/// The part of a host before the storage domain, if it is below that.
pub(crate) fn below_domain(host: &[u8]) -> Option<&str> {
    let end = memchr::memrchr(b':', host).unwrap_or(host.len());
    let below = host[..end].strip_suffix(STORAGE_DOMAIN.as_bytes())?;
    std::str::from_utf8(below).ok()
}

fn of_request(request: &Request) -> Option<&str> {
    below_domain(find(&request.headers, "host")?.as_bytes())
}

fn remap(names: &str) -> Remap {
    let parts: Vec<&str> = names.trim_matches('.').split('.').collect();
    let (container, account) = match parts[..] {
        [account] => (None, account),
        [container, account] => (Some(container), account),
        _ => return Remap::TooManyParts,
    };
    let account = if account.contains('_') {
        account.to_owned()
    } else {
        account.replacen('-', "_", 1)
    };
    let prefix = account.split('_').next().unwrap_or("");
    if !prefix.eq_ignore_ascii_case(RESELLER_PREFIX) {
        return Remap::OtherAccount;
    }
    let own = &account[prefix.len()..];
    Remap::Root(match container {
        None => format!("/v1/{RESELLER_PREFIX}{own}"),
        Some(container) => format!("/v1/{RESELLER_PREFIX}{own}/{container}"),
    })
}

/// Turns URLs that begin with the path `from` into ones that begin with `to`.
fn restore_locations(headers: &mut HeaderMap, from: &str, to: &str) {
    for name in [LOCATION, CONTENT_LOCATION] {
        let restored = header_text(headers, name.as_str()).and_then(|url| {
            let authority = url.find("://")? + "://".len();
            let path = authority + url[authority..].find('/')?;
            let rest = url[path..].strip_prefix(from)?;
            Some(header_value(&format!("{}{to}{rest}", &url[..path])))
        });
        if let Some(restored) = restored {
            headers.insert(name, restored);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(names: &str) -> String {
        match remap(names) {
            Remap::Root(root) => root,
            other => panic!("{names} is {other:?}"),
        }
    }

    #[test]
    fn finds_account_and_container_in_the_host() {
        assert_eq!(root("AUTH_test"), "/v1/AUTH_test");
        assert_eq!(root("c.AUTH_test"), "/v1/AUTH_test/c");
        assert_eq!(root(".AUTH_test"), "/v1/AUTH_test");
    }

    #[test]
    fn mends_what_host_names_cannot_hold() {
        assert_eq!(root("auth-test-a"), "/v1/AUTH_test-a");
        assert_eq!(root("Auth_test"), "/v1/AUTH_test");
        assert_eq!(root("auth"), "/v1/AUTH");
    }

    #[test]
    fn leaves_other_accounts_alone_and_refuses_deeper_hosts() {
        assert_eq!(remap("other_test"), Remap::OtherAccount);
        assert_eq!(remap("authtest"), Remap::OtherAccount);
        assert_eq!(remap(""), Remap::OtherAccount);
        assert_eq!(remap("a.b.AUTH_test"), Remap::TooManyParts);
    }

    #[test]
    fn gives_the_client_locations_in_its_own_form() {
        let restored = |url: &str| {
            let mut headers = HeaderMap::from_iter([(LOCATION, header_value(url))]);
            restore_locations(&mut headers, "/v1/AUTH_test/c", "/c");
            headers[LOCATION].to_str().unwrap_or("").to_owned()
        };
        assert_eq!(restored("http://h/v1/AUTH_test/c/"), "http://h/c/");
        assert_eq!(restored("http://h/elsewhere"), "http://h/elsewhere");
        assert_eq!(restored("/v1/AUTH_test/c/"), "/v1/AUTH_test/c/");
    }
}
