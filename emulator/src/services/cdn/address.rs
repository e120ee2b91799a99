//! Where a container is published: addresses, and what they say.

use md5::{Digest, Md5};

/// The path below which the edge answers; an account can have no such path, since its first part is no version.
pub(super) const EDGE: &str = "/_cdn/";

/// Stands where the real service has a secret. It is no secret here, so that addresses outlive a restart.
const SUFFIX: &str = "emulator";

/// The number of a region's cluster of the CDN, as in `cdn3.clouddrive.com`; regions of other names have that of DFW.
pub(super) fn cluster(region: &str) -> u8 {
    match region {
        "ORD" => 2,
        "LON" => 3,
        "SYD" => 4,
        "IAD" => 5,
        "HKG" => 6,
        _ => 1,
    }
}

/// The container behind an address: the MD5 of `/account/container/suffix`.
pub(super) fn hash(account: &str, container: &str) -> u128 {
    u128::from_be_bytes(md5(&["", account, container, SUFFIX]))
}

fn md5(parts: &[&str]) -> [u8; 16] {
    Md5::digest(parts.join("/")).into()
}

/// The four addresses of a container, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uris {
    pub(super) http: String,
    pub(super) ssl: String,
    pub(super) streaming: String,
    pub(super) ios: String,
}

impl Uris {
    /// The addresses at a host, which may have a port, in a cluster of this number.
    pub(super) fn new(host: &str, cluster: u8, account: &str, container: &str) -> Self {
        let hash = hash(account, container);
        let number = hash % 100;
        let uri = |place: String| {
            let label = format!("{hash:032x}.{place}");
            // The real token is an HMAC of the name behind it; all that matters is that the four differ.
            let token = u128::from_be_bytes(md5(&[&label, SUFFIX])) >> 48;
            format!("http://{host}{EDGE}{token:020x}-{label}")
        };
        Self {
            http: uri(format!("r{number}.cf{cluster}")),
            ssl: uri(format!("ssl.cf{cluster}")),
            streaming: uri(format!("r{number}.stream.cf{cluster}")),
            ios: uri(format!("iosr.cf{cluster}")),
        }
    }
}

/// Why a label names no container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadLabel {
    /// It has none of the four shapes.
    Shape,
    /// What stands where the hash should is none.
    Hash,
}

/// The hash in a label such as `T1-H.rNN.cf1`; `T1` may be anything, as it may at the real service.
pub(super) fn parse(label: &str) -> Result<u128, BadLabel> {
    let label = label.to_ascii_lowercase();
    let (_, name) = label.split_once('-').ok_or(BadLabel::Shape)?;
    let parts: Vec<&str> = name.split('.').collect();
    let hash = match parts[..] {
        [hash, "ssl" | "iosr", cluster] if is_numbered(cluster, "cf") => hash,
        [hash, number, cluster] | [hash, number, "stream", cluster]
            if is_numbered(number, "r") && is_numbered(cluster, "cf") =>
        {
            hash
        }
        _ => return Err(BadLabel::Shape),
    };
    // `from_str_radix` alone would take a sign.
    if hash.len() != 32 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(BadLabel::Hash);
    }
    u128::from_str_radix(hash, 16).map_err(|_| BadLabel::Hash)
}

fn is_numbered(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The label in a `Host` header, if that is one of the CDN's: anything below `.rackcdn.com`, and below `.localhost`
/// what looks like a label.
pub(super) fn label_of_host(host: &[u8]) -> Option<&str> {
    let name = without_port(host);
    if let Some(label) = without_suffix(name, b".rackcdn.com") {
        return Some(label);
    }
    without_suffix(name, b".localhost").filter(|label| parse(label) != Err(BadLabel::Shape))
}

fn without_port(host: &[u8]) -> &[u8] {
    let digits = host.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let (name, _) = host.split_at(host.len() - digits.count());
    name.strip_suffix(b":").unwrap_or(host)
}

fn without_suffix<'a>(name: &'a [u8], suffix: &[u8]) -> Option<&'a str> {
    let (label, found) = name.split_at_checked(name.len().checked_sub(suffix.len())?)?;
    found
        .eq_ignore_ascii_case(suffix)
        .then(|| std::str::from_utf8(label).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn the_four_addresses_differ_and_lead_to_one_container() {
        let uris = Uris::new("127.0.0.1:80", cluster("LON"), "a", "c");
        let all = [&uris.http, &uris.ssl, &uris.streaming, &uris.ios];
        for (index, uri) in all.iter().enumerate() {
            let label = uri
                .strip_prefix("http://127.0.0.1:80/_cdn/")
                .expect("the address is below the edge");
            assert_eq!(parse(label), Ok(hash("a", "c")), "{label}");
            let token = label.split_once('-').expect("a token is in front").0;
            assert_eq!(token.len(), 20);
            assert_eq!(label.rsplit('.').next(), Some("cf3"), "{label}");
            let same = all.iter().filter(|other| other.contains(token)).count();
            assert_eq!(same, 1, "token {index} is its own");
        }
    }

    #[test]
    fn containers_whose_names_run_together_alike_have_addresses_of_their_own() {
        assert_ne!(hash("a", "bc"), hash("ab", "c"));
    }

    #[test]
    fn tells_a_wrong_shape_from_a_wrong_hash() {
        assert!(parse(&format!("t-{HASH}.r5.cf1")).is_ok());
        assert!(parse(&format!("T-{}.R5.STREAM.CF1", HASH.to_uppercase())).is_ok());
        for label in [
            "",
            "t",
            "t-h",
            &format!("{HASH}.r5.cf1"),
            &format!("t-{HASH}.r.cf1"),
            &format!("t-{HASH}.x5.cf1"),
        ] {
            assert_eq!(parse(label), Err(BadLabel::Shape), "{label}");
        }
        for hash in ["", "+123456789abcdef0123456789abcdef", "xyz", "é"] {
            assert_eq!(
                parse(&format!("t-{hash}.ssl.cf1")),
                Err(BadLabel::Hash),
                "{hash}"
            );
        }
    }

    #[test]
    fn hosts_of_the_cdn_are_known_with_and_without_a_port() {
        let label = format!("t-{HASH}.ssl.cf1");
        for host in [
            ".rackcdn.com",
            ".RackCDN.com:80",
            ".localhost",
            ".localhost:8080",
        ] {
            assert_eq!(
                label_of_host(format!("{label}{host}").as_bytes()).map(str::to_owned),
                Some(label.clone()),
                "{host}"
            );
        }
        assert_eq!(label_of_host(b"nonsense.rackcdn.com"), Some("nonsense"));
        for host in [
            "",
            "localhost:8080",
            "c.a.localhost",
            "[::1]:80",
            "127.0.0.1",
            "é.localhost",
        ] {
            assert_eq!(label_of_host(host.as_bytes()), None, "{host}");
        }
    }
}
