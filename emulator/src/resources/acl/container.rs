//! The lists of a container: `X-Container-Read` and `X-Container-Write` (`swift/common/middleware/acl.py`).
//!
//! A list is items and commas. An item is a group (an account, or `account:user`), `.rlistings`, or a referrer:
//! `.r:*` for all, `.r:www.example.com` for a host, `.r:.example.com` for a domain, with `-` in front of the value to
//! refuse. The last referrer that fits decides.

use std::borrow::Cow;
use std::fmt::Write;

use percent_encoding::percent_decode_str;

/// A list in its canonical form, or what is wrong with it in Swift's words. `header` is the name it was sent under, for
/// lists of writers take no referrers.
pub(crate) fn clean(header: &str, value: &str) -> Result<String, String> {
    let mut items: Vec<Cow<'_, str>> = Vec::new();
    for item in value.split(',').map(str::trim) {
        if item.is_empty() {
            continue;
        }
        let Some((first, second)) = item.split_once(':') else {
            items.push(item.into());
            continue;
        };
        match first.trim() {
            ".r" | ".ref" | ".referer" | ".referrer" => {
                items.push(clean_referrer(header, item, second.trim())?.into());
            }
            first if first.starts_with('.') => {
                return Err(format!(
                    "Unknown designator {} in ACL: {}",
                    repr(first),
                    repr(item)
                ));
            }
            _ => items.push(item.into()),
        }
    }
    Ok(items.join(","))
}

fn clean_referrer(header: &str, item: &str, value: &str) -> Result<String, String> {
    if header.to_ascii_lowercase().contains("write") {
        return Err(format!(
            "Referrers not allowed in write ACL: {}",
            repr(item)
        ));
    }
    let (sign, value) = match value.strip_prefix('-') {
        Some(rest) => ("-", rest.trim()),
        None => ("", value),
    };
    // `*.example.com` is another way to write `.example.com`; `*` alone is everybody.
    let host = match value.strip_prefix('*') {
        Some(rest) if !rest.is_empty() => rest.trim(),
        _ => value,
    };
    if host.is_empty() || host == "." {
        return Err(format!(
            "No host/domain value after referrer designation in ACL: {}",
            repr(item)
        ));
    }
    Ok(format!(".r:{sign}{host}"))
}

/// Text as Python's `repr` shows it, which is how Swift quotes it.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("\\t"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\\' => shown.push_str("\\\\"),
            _ if character == quote => {
                shown.push('\\');
                shown.push(quote);
            }
            '\0'..='\x1f' | '\x7f'..='\u{a0}' | '\u{ad}' => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\x{:02x}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown.push(quote);
    shown
}

/// A list in its canonical form, as it is kept.
pub(crate) struct Acl<'a>(&'a str);

impl<'a> Acl<'a> {
    pub(crate) fn parse(canonical: &'a str) -> Self {
        Self(canonical)
    }

    fn items(&self) -> impl Iterator<Item = &'a str> {
        let empty = self.0.is_empty();
        self.0.split(',').filter(move |_| !empty)
    }

    /// Whether a group is in the list. Groups are percent-encoded there, so that commas can be written.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.items()
            .filter(|item| !item.starts_with(".r:"))
            .any(|item| percent_decode_str(item).decode_utf8_lossy() == group)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a role is in the list, however it is spelt; `role` is in lower case.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.items()
            .filter(|item| !item.starts_with(".r:"))
            .any(|item| percent_decode_str(item).decode_utf8_lossy().to_lowercase() == role)
    }

    /// Whether whoever comes from this page is let in.
    pub(crate) fn allows_referer(&self, referer: &str) -> bool {
        let referrers = self.items().filter_map(|item| item.strip_prefix(".r:"));
        let mut host = None;
        let mut allowed = false;
        for referrer in referrers {
            let host: &str = host
                .get_or_insert_with(|| host_of(referer).unwrap_or_else(|| "unknown".to_owned()));
            let fits = |pattern: &str| {
                pattern == host || (pattern.starts_with('.') && host.ends_with(pattern))
            };
            match referrer.strip_prefix('-') {
                Some(pattern) if fits(pattern) => allowed = false,
                None if referrer == "*" || fits(referrer) => allowed = true,
                _ => {}
            }
        }
        allowed
    }
}

/// The host of a URL in lower case, read as leniently as Python's `urlparse` does: a scheme may be missing.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.trim_start().split_once("//").filter(|(scheme, _)| {
        scheme.is_empty()
            || scheme.strip_suffix(':').is_some_and(|scheme| {
                scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                    && scheme
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            })
    })?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.split_once('[') {
        Some((_, bracketed)) => bracketed.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Result<String, String> {
        clean("X-Container-Read", value)
    }

    #[test]
    fn tidies_what_is_messy() {
        for (messy, tidy) in [
            ("", ""),
            (" , ,", ""),
            ("bob, sue", "bob,sue"),
            ("bob , sue", "bob,sue"),
            ("bob,,,sue", "bob,sue"),
            ("account : user", "account : user"),
            (".referrer : *", ".r:*"),
            (".referer:-www.example.com", ".r:-www.example.com"),
            (".ref:*.example.com", ".r:.example.com"),
            (".r:- *.example.com", ".r:-.example.com"),
            (".r:*, .rlistings", ".r:*,.rlistings"),
            (":user", ":user"),
        ] {
            assert_eq!(read(messy).as_deref(), Ok(tidy), "{messy:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for value in [".r:", ".r:-", ".r:*.", ".r:- .", ".r: "] {
            let item = value.trim();
            assert_eq!(
                read(value),
                Err(format!(
                    "No host/domain value after referrer designation in ACL: '{item}'"
                ))
            );
        }
        assert_eq!(
            read("bob, .unknown : sue"),
            Err("Unknown designator '.unknown' in ACL: '.unknown : sue'".to_owned())
        );
        assert_eq!(
            clean("X-Container-Write", "bob,.r:*"),
            Err("Referrers not allowed in write ACL: '.r:*'".to_owned())
        );
    }

    #[test]
    fn quotes_as_python_does() {
        assert_eq!(repr("plain"), "'plain'");
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("'\"\\"), "'\\'\"\\\\'");
        assert_eq!(repr("\t\u{1}é"), "'\\t\\x01é'");
    }

    #[test]
    fn the_last_referrer_that_fits_decides() {
        let thief = Acl::parse(".r:*,.r:.example.com,.r:-thief.example.com");
        assert!(thief.allows_referer("http://www.example.com/a"));
        assert!(!thief.allows_referer("http://thief.example.com/a"));
        let later = Acl::parse(".r:-thief.example.com,.r:*");
        assert!(later.allows_referer("http://thief.example.com/a"));
    }

    #[test]
    fn a_host_is_not_its_domain_nor_its_neighbour() {
        let host = Acl::parse(".r:example.com");
        assert!(host.allows_referer("http://example.com"));
        assert!(!host.allows_referer("http://www.example.com"));
        assert!(!host.allows_referer("http://badexample.com"));
        let domain = Acl::parse(".r:.example.com");
        assert!(!domain.allows_referer("http://example.com"));
    }

    #[test]
    fn whoever_comes_from_nowhere_passes_only_where_all_do() {
        assert!(Acl::parse(".r:*").allows_referer(""));
        assert!(!Acl::parse(".r:example.com").allows_referer(""));
        assert!(!Acl::parse("").allows_referer(""));
    }

    #[test]
    fn finds_the_host_of_a_page() {
        for (url, host) in [
            ("http://Example.COM:8080/a", Some("example.com")),
            ("https://user:pass@example.com?q", Some("example.com")),
            ("//example.com/a", Some("example.com")),
            ("http://[2001:DB8::1]:80/", Some("2001:db8::1")),
            ("example.com/a//b", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn an_empty_list_has_no_group_at_all() {
        assert!(!Acl::parse("").has_group(""));
        assert!(Acl::parse("a,b%2Cc").has_group("b,c"));
    }

    proptest! {
        #[test]
        fn what_was_tidied_once_stays_as_it_is(
            items in proptest::collection::vec(
                "( )?(a|b:c|\\.r:\\*|\\.r:-?[a-z]{1,4}|\\.ref:\\*?\\.[a-z]{1,4}|\\.rlistings)( )?",
                0..5,
            )
        ) {
            if let Ok(tidy) = read(&items.join(",")) {
                prop_assert_eq!(read(&tidy), Ok(tidy.clone()));
            }
        }

        #[test]
        fn nonsense_is_refused_or_tidied_and_never_a_panic(value in "[-.:*, a-z]{0,24}") {
            if let Ok(tidy) = read(&value) {
                prop_assert!(!tidy.contains(' ') || value.contains(' '));
            }
        }
    }
}
