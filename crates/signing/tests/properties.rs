//! What holds for every key, name, moment and digest.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use signing::{
    Digest, ExpiresFormat, Form, FormFields, FormRefusal, Key, Method, Refusal, SignatureFormat,
    Signer, StorageUrl, TempUrl, TempUrlAccess, TempUrlQuery, TempUrlRequest,
};

/// A moment before every expiry below.
const NOW: SystemTime = UNIX_EPOCH;

fn digest() -> impl Strategy<Value = Digest> {
    select(&Digest::ALL[..])
}

fn method() -> impl Strategy<Value = Method> {
    select(&Method::ALL[..])
}

/// Pieces of names that URLs, signatures or servers might stumble over.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]{1,8}",
        "\\PC{1,6}",
        any::<char>().prop_map(String::from),
        select(
            &[
                "/v1/", "//", "%", "%41", "%2F", "?", "#", "+", " ", "&", "=", ";", ":", "\n", "é",
                "日本", "🎈", ".", "..", "/./", "/../", "\\", "prefix:", "~", "\"", "<>", "|",
            ][..]
        )
        .prop_map(String::from),
    ]
}

fn object() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 1..6)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("an object has a name of more than slashes", |name| {
            name.bytes().any(|byte| byte != b'/')
        })
}

fn container() -> impl Strategy<Value = String> {
    object().prop_map(|name| name.replace('/', "-"))
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 1..200)
}

#[derive(Debug, Clone)]
struct Grant {
    key: Vec<u8>,
    digest: Digest,
    method: Method,
    container: String,
    object: String,
    /// The part of the object's name that is signed as a prefix, if one is.
    prefix: Option<String>,
    expires: u64,
    in_network: bool,
    iso8601: bool,
    base64: bool,
}

prop_compose! {
    fn grant()(
        key in key(),
        digest in digest(),
        method in method(),
        container in container(),
        object in object(),
        cut in proptest::option::of(any::<Index>()),
        expires in 1_u64..253_402_300_800,
        in_network: bool,
        iso8601: bool,
        base64: bool,
    ) -> Grant {
        let prefix = cut.map(|cut| {
            let characters = object.chars().count();
            object.chars().take(cut.index(characters + 1)).collect()
        });
        Grant { key, digest, method, container, object, prefix, expires, in_network, iso8601, base64 }
    }
}

impl Grant {
    fn url(&self, storage_url: &StorageUrl) -> String {
        let url = TempUrl {
            prefix: self.prefix.as_deref(),
            ip_range: self.in_network.then_some("192.0.2.0/24"),
            filename: Some(&self.object),
            inline: true,
            expires_format: if self.iso8601 {
                ExpiresFormat::Iso8601
            } else {
                ExpiresFormat::UnixSeconds
            },
            signature_format: if self.base64 {
                SignatureFormat::Base64
            } else {
                SignatureFormat::Hex
            },
            ..TempUrl::new(
                self.method,
                storage_url.object(&self.container, &self.object),
                self.expires,
            )
        };
        Signer::new(&Key::new(&self.key), self.digest).url(&url)
    }

    fn path(&self) -> String {
        format!("/v1/AUTH_é/{}/{}", self.container, self.object)
    }
}

fn storage_url() -> StorageUrl {
    StorageUrl::parse("https://swift.example.com:8080/mounted/here/v1/AUTH_%C3%A9/").unwrap()
}

/// The decoded path, from `/v1` on, and the raw query, as a server takes them from the request.
fn received(url: &str) -> (Vec<u8>, Vec<u8>) {
    let url = url::Url::parse(url).unwrap();
    let path = url.path().strip_prefix("/mounted/here").unwrap();
    (
        percent_encoding::percent_decode_str(path).collect(),
        url.query().unwrap().as_bytes().to_vec(),
    )
}

fn verify(
    method: &str,
    path: &[u8],
    query: &[u8],
    key: &Key,
    now: SystemTime,
) -> Result<TempUrlAccess, Refusal> {
    TempUrlQuery::parse(query).unwrap().verify(&TempUrlRequest {
        method,
        path,
        client_ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        keys: &[key],
        allowed_digests: &Digest::ALL,
        now,
    })
}

proptest! {
    #[test]
    fn every_name_survives_the_way_through_a_url(grant in grant()) {
        let url = grant.url(&storage_url());
        prop_assert!(url.starts_with("https://swift.example.com:8080/mounted/here/v1/AUTH_%C3%A9"));
        prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
        let (path, query) = received(&url);
        prop_assert_eq!(String::from_utf8_lossy(&path), grant.path());
        let parsed = TempUrlQuery::parse(&query).unwrap();
        prop_assert_eq!(parsed.filename.as_deref(), Some(&*grant.object));
        prop_assert_eq!(parsed.prefix.as_deref(), grant.prefix.as_deref());
        prop_assert!(parsed.inline);
        let access = verify(grant.method.as_str(), &path, &query, &Key::new(&grant.key), NOW);
        prop_assert_eq!(access, Ok(TempUrlAccess { key: 0, expires: grant.expires, digest: grant.digest }));
    }

    #[test]
    fn a_url_ends_with_its_expiry_to_the_nanosecond(grant in grant(), late in 1_u64..u64::MAX / 2) {
        let (path, query) = received(&grant.url(&storage_url()));
        let key = Key::new(&grant.key);
        let expires = UNIX_EPOCH + Duration::from_secs(grant.expires);
        prop_assert!(verify(grant.method.as_str(), &path, &query, &key, expires).is_ok());
        let late = expires + Duration::from_nanos(late);
        prop_assert_eq!(
            verify(grant.method.as_str(), &path, &query, &key, late),
            Err(Refusal::Expired { expires: grant.expires })
        );
    }

    #[test]
    fn another_method_is_refused_unless_it_is_head(grant in grant(), other in method()) {
        let (path, query) = received(&grant.url(&storage_url()));
        let verdict = verify(other.as_str(), &path, &query, &Key::new(&grant.key), NOW);
        let head_of_another = other == Method::Head && grant.method != Method::Delete;
        if other == grant.method || head_of_another {
            prop_assert!(verdict.is_ok());
        } else {
            prop_assert_eq!(verdict, Err(Refusal::WrongSignature));
        }
    }

    #[test]
    fn another_path_is_refused(grant in grant(), place: Index, character: char) {
        let (path, query) = received(&grant.url(&storage_url()));
        let signed = match &grant.prefix {
            Some(prefix) => path.len() - grant.object.len() + prefix.len(),
            None => path.len(),
        };
        let mut other: Vec<char> = String::from_utf8(path[..signed].to_vec()).unwrap().chars().collect();
        let place = place.index(other.len());
        prop_assume!(other[place] != character);
        other[place] = character;
        let mut other = String::from_iter(other).into_bytes();
        other.extend_from_slice(&path[signed..]);
        prop_assert!(verify(grant.method.as_str(), &other, &query, &Key::new(&grant.key), NOW).is_err());
    }

    #[test]
    fn only_a_prefix_covers_other_names(grant in grant(), more in object()) {
        let (path, query) = received(&grant.url(&storage_url()));
        let longer = [&path[..], more.as_bytes()].concat();
        let verdict = verify(grant.method.as_str(), &longer, &query, &Key::new(&grant.key), NOW);
        prop_assert_eq!(verdict.is_ok(), grant.prefix.is_some());
    }

    #[test]
    fn another_expiry_range_or_prefix_is_refused(grant in grant(), expires in 1_u64..253_402_300_800) {
        prop_assume!(expires != grant.expires);
        let (path, query) = received(&grant.url(&storage_url()));
        let query = TempUrlQuery::parse(&query).unwrap();
        let key = Key::new(&grant.key);
        let request = TempUrlRequest {
            method: grant.method.as_str(),
            path: &path,
            client_ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            keys: &[&key],
            allowed_digests: &Digest::ALL,
            now: NOW,
        };
        prop_assert!(query.verify(&request).is_ok());
        let others = [
            TempUrlQuery { expires: Some(expires.to_string().into()), ..query.clone() },
            TempUrlQuery { ip_range: Some("192.0.2.0/25".into()), ..query.clone() },
            TempUrlQuery { ip_range: if grant.in_network { None } else { Some("192.0.2.7".into()) }, ..query.clone() },
            TempUrlQuery {
                prefix: if grant.prefix.is_some() { None } else { Some("".into()) },
                ..query.clone()
            },
        ];
        for other in others {
            prop_assert_eq!(other.verify(&request), Err(Refusal::WrongSignature));
        }
    }

    #[test]
    fn another_key_is_refused(grant in grant(), other in key()) {
        // An HMAC key is filled up with zeros to the block's length.
        let block = if grant.digest == Digest::Sha512 { 128 } else { 64 };
        let padded = |key: &[u8]| {
            let mut key = key.to_vec();
            if key.len() <= block {
                key.resize(block, 0);
            }
            key
        };
        prop_assume!(padded(&grant.key) != padded(&other));
        let (path, query) = received(&grant.url(&storage_url()));
        prop_assert_eq!(
            verify(grant.method.as_str(), &path, &query, &Key::new(other), NOW),
            Err(Refusal::WrongSignature)
        );
    }

    #[test]
    fn a_hexadecimal_signature_with_any_other_character_is_refused(
        grant in grant(),
        place: Index,
        character: char,
    ) {
        let grant = Grant { base64: false, ..grant };
        let (path, query) = received(&grant.url(&storage_url()));
        let mut query = TempUrlQuery::parse(&query).unwrap();
        let mut signature: Vec<char> = query.signature.as_deref().unwrap().chars().collect();
        let place = place.index(signature.len());
        prop_assume!(signature[place] != character);
        signature[place] = character;
        query.signature = Some(String::from_iter(signature).into());
        let key = Key::new(&grant.key);
        let verdict = query.verify(&TempUrlRequest {
            method: grant.method.as_str(),
            path: &path,
            client_ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            keys: &[&key],
            allowed_digests: &Digest::ALL,
            now: NOW,
        });
        prop_assert!(matches!(verdict, Err(Refusal::WrongSignature | Refusal::MalformedSignature(_))));
    }

    #[test]
    fn the_first_key_that_signed_is_named(grant in grant(), keys in proptest::collection::vec(key(), 0..4), at: Index) {
        let (path, query) = received(&grant.url(&storage_url()));
        let mut keys: Vec<Key> = keys.iter().map(Key::new).collect();
        keys.insert(at.index(keys.len() + 1), Key::new(&grant.key));
        keys.push(Key::new(&grant.key));
        let first = keys.iter().position(|key| *key == Key::new(&grant.key)).unwrap();
        let access = TempUrlQuery::parse(&query).unwrap().verify(&TempUrlRequest {
            method: grant.method.as_str(),
            path: &path,
            client_ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            keys: &keys.iter().collect::<Vec<_>>(),
            allowed_digests: &[grant.digest],
            now: NOW,
        });
        prop_assert_eq!(access.map(|access| access.key), Ok(first));
    }

    #[test]
    fn a_range_lets_in_its_addresses_alone(grant in grant(), address: [u8; 4]) {
        let grant = Grant { in_network: true, ..grant };
        let (path, query) = received(&grant.url(&storage_url()));
        let key = Key::new(&grant.key);
        let verdict = TempUrlQuery::parse(&query).unwrap().verify(&TempUrlRequest {
            method: grant.method.as_str(),
            path: &path,
            client_ip: Some(address.into()),
            keys: &[&key],
            allowed_digests: &Digest::ALL,
            now: NOW,
        });
        prop_assert_eq!(verdict.is_ok(), address[..3] == [192, 0, 2]);
    }

    #[test]
    fn no_query_and_no_path_makes_it_panic(
        method in ".{0,6}",
        path in proptest::collection::vec(any::<u8>(), 0..40),
        pairs in proptest::collection::vec(
            (
                select(&[
                    "temp_url_sig", "temp_url_expires", "temp_url_prefix", "temp_url_ip_range", "filename", "inline", "x",
                ][..]),
                proptest::collection::vec(any::<u8>(), 0..140),
            ),
            0..6,
        ),
    ) {
        let mut query = Vec::new();
        for (name, value) in pairs {
            query.extend_from_slice(name.as_bytes());
            query.push(b'=');
            query.extend(value);
            query.push(b'&');
        }
        if let Some(query) = TempUrlQuery::parse(&query) {
            let verdict = query.verify(&TempUrlRequest {
                method: &method,
                path: &path,
                client_ip: None,
                keys: &[&Key::new("key")],
                allowed_digests: &Digest::ALL,
                now: NOW,
            });
            prop_assert!(verdict.is_err());
        }
    }

    #[test]
    fn any_change_to_a_form_is_refused(
        key in key(),
        digest in digest(),
        name in object(),
        redirect in "\\PC{0,20}",
        size in 0_u64..1 << 50,
        count in 1_u64..1 << 50,
        expires in 1_u64..1 << 50,
        late in 1_u64..1 << 60,
    ) {
        let path = format!("/v1/AUTH_test/c/{name}");
        let form = Form { path: &path, redirect: &redirect, max_file_size: size, max_file_count: count, expires };
        let key = Key::new(key);
        let signature = Signer::new(&key, digest).sign_form(&form).to_base64();
        let (size, count, expires) = (size.to_string(), count.to_string(), expires.to_string());
        let fields = FormFields {
            path: path.as_bytes(),
            redirect: &redirect,
            max_file_size: &size,
            max_file_count: &count,
            expires: &expires,
            signature: &signature,
        };
        let verify = |fields: FormFields<'_>, now| fields.verify(&[&key], &Digest::ALL, now);
        let last_moment = UNIX_EPOCH + Duration::from_secs(form.expires);
        prop_assert!(verify(fields, last_moment).is_ok());
        let late = last_moment + Duration::from_nanos(late);
        let refusal = FormRefusal::Expired { expires: i64::try_from(form.expires).unwrap() };
        prop_assert_eq!(verify(fields, late), Err(refusal));

        let other_path = format!("{path}x");
        let other_redirect = format!("{redirect}x");
        let other_number = |number: &str| format!("{number}0");
        let (other_size, other_count) = (other_number(&size), other_number(&count));
        let other_expires = other_number(&expires);
        for other in [
            FormFields { path: other_path.as_bytes(), ..fields },
            FormFields { redirect: &other_redirect, ..fields },
            FormFields { max_file_size: &other_size, ..fields },
            FormFields { max_file_count: &other_count, ..fields },
            FormFields { expires: &other_expires, ..fields },
        ] {
            prop_assert_eq!(verify(other, NOW), Err(FormRefusal::WrongSignature));
        }
    }
}
