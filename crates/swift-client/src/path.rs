//! Names of containers and objects as URLs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::Error;

/// Everything is escaped but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` for one place in a path or query.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The URL of an account, container or object below the account's own.
pub(crate) fn url(
    account: &Url,
    container: Option<&str>,
    object: Option<&str>,
    query: &[(&str, &str)],
) -> Result<Url, Error> {
    let mut text = account.as_str().trim_end_matches('/').to_owned();
    if let Some(container) = container {
        if container.is_empty() || container.contains('/') {
            return Err(Error::InvalidName {
                what: "container",
                name: container.to_owned(),
            });
        }
        push(&mut text, container);
    }
    if let Some(object) = object {
        if object.is_empty() {
            return Err(Error::InvalidName {
                what: "object",
                name: object.to_owned(),
            });
        }
        for segment in object.split('/') {
            push(&mut text, segment);
        }
    }
    for (position, (name, value)) in query.iter().enumerate() {
        text.push(if position == 0 { '?' } else { '&' });
        text.push_str(&escaped(name));
        if !value.is_empty() {
            text.push('=');
            text.push_str(&escaped(value));
        }
    }
    Url::parse(&text).map_err(|_| Error::InvalidName {
        what: "object",
        name: object.or(container).unwrap_or_default().to_owned(),
    })
}

/// The address of an object below that of its container: storage URL and container, or a CDN URI.
///
/// ```
/// let url = swift_client::object_url("http://t-h.r1.cf1.rackcdn.com", "my cats/1.png");
/// assert_eq!(url, "http://t-h.r1.cf1.rackcdn.com/my%20cats/1.png");
/// ```
pub fn object_url(container_url: &str, object: &str) -> String {
    let mut url = container_url.trim_end_matches('/').to_owned();
    object
        .split('/')
        .for_each(|segment| push(&mut url, segment));
    url
}

/// Adds a segment. A slash before `.` or `..` is escaped, else URL rules would resolve what to Swift is a name like
/// any other; the server sees no difference, for it reads the path unescaped.
fn push(url: &mut String, segment: &str) {
    url.push_str(if matches!(segment, "." | "..") {
        "%2F"
    } else {
        "/"
    });
    url.extend(utf8_percent_encode(segment, ESCAPED));
}

/// `container/object`, escaped, as `Destination`, `X-Copy-From` and bulk deletes want it.
pub(crate) fn escaped_path(container: &str, object: &str) -> String {
    let object: Vec<String> = object.split('/').map(escaped).collect();
    format!("{}/{}", escaped(container), object.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(container: &str, object: &str) -> String {
        let account = Url::parse("http://host/v1/AUTH_test").unwrap();
        let url = url(&account, Some(container), Some(object), &[]).unwrap();
        url.path().strip_prefix("/v1/AUTH_test").unwrap().to_owned()
    }

    #[test]
    fn escapes_what_a_url_gives_a_meaning_to() {
        assert_eq!(
            path("a b", "50% ü?#+\\"),
            "/a%20b/50%25%20%C3%BC%3F%23%2B%5C"
        );
        assert_eq!(path("c", "/lead//double/trail/"), "/c//lead//double/trail/");
    }

    #[test]
    fn keeps_dots_that_url_rules_would_resolve() {
        assert_eq!(
            path("c", "a/../b/./.hidden/..."),
            "/c/a%2F../b%2F./.hidden/..."
        );
        assert_eq!(path("..", ".."), "%2F..%2F..");
    }

    #[test]
    fn refuses_names_that_would_address_something_else() {
        let account = Url::parse("http://host/v1/a").unwrap();
        assert!(url(&account, Some(""), None, &[]).is_err());
        assert!(url(&account, Some("a/b"), None, &[]).is_err());
        assert!(url(&account, Some("a"), Some(""), &[]).is_err());
    }

    #[test]
    fn writes_queries_with_and_without_values() {
        let account = Url::parse("http://host/v1/a").unwrap();
        let url = url(
            &account,
            None,
            None,
            &[("bulk-delete", ""), ("prefix", "a&b=c")],
        )
        .unwrap();
        assert_eq!(
            url.as_str(),
            "http://host/v1/a?bulk-delete&prefix=a%26b%3Dc"
        );
    }
}
