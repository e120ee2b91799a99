//! What other programs sign and judge, and that this crate agrees with them.
//!
//! `vectors/vectors.json` is written by `vectors/make.py` with python-swiftclient and Swift's own middleware.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use signing::{
    Digest, ExpiresFormat, Form, FormFields, FormRefusal, Key, Method, Signature, SignatureFormat,
    Signer, TempUrl, TempUrlQuery, TempUrlRequest,
};

#[derive(Deserialize)]
struct Vectors {
    signed: Vec<Signed>,
    judged: Vec<Judged>,
    forms: Vec<JudgedForm>,
}

#[derive(Debug, Deserialize)]
struct Signed {
    key: String,
    method: String,
    path: String,
    digest: String,
    prefix: bool,
    iso8601: bool,
    ip_range: Option<String>,
    expires: u64,
    url: String,
}

#[derive(Debug, Deserialize)]
struct Judged {
    why: String,
    method: String,
    path: String,
    query: String,
    client_ip: Option<IpAddr>,
    keys: Vec<String>,
    allowed: Vec<String>,
    now: f64,
    passed: bool,
}

#[derive(Debug, Deserialize)]
struct JudgedForm {
    why: String,
    path: String,
    redirect: String,
    max_file_size: String,
    max_file_count: String,
    expires: String,
    signature: String,
    keys: Vec<String>,
    allowed: Vec<String>,
    now: f64,
    status: String,
    answer: String,
}

fn vectors() -> Vectors {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/vectors.json")).unwrap();
    assert!(vectors.signed.len() > 400 && vectors.judged.len() > 700 && vectors.forms.len() > 70);
    vectors
}

/// The bytes a WSGI string stands for.
fn bytes(wsgi: &str) -> Vec<u8> {
    wsgi.chars()
        .map(|character| u8::try_from(character).unwrap())
        .collect()
}

fn keys(keys: &[String]) -> Vec<Key> {
    keys.iter().map(Key::new).collect()
}

fn digests(names: &[String]) -> Vec<Digest> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn moment(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs_f64(seconds)
}

#[test]
fn makes_the_urls_that_python_swiftclient_makes() {
    for case in vectors().signed {
        let digest: Digest = case.digest.parse().unwrap();
        let container_end = case.path.match_indices('/').nth(3).unwrap().0 + 1;
        let url = TempUrl {
            prefix: case.prefix.then_some(&case.path[container_end..]),
            ip_range: case.ip_range.as_deref(),
            expires_format: if case.iso8601 {
                ExpiresFormat::Iso8601
            } else {
                ExpiresFormat::UnixSeconds
            },
            // python-swiftclient writes only SHA-512 in base64.
            signature_format: if digest == Digest::Sha512 {
                SignatureFormat::Base64
            } else {
                SignatureFormat::Hex
            },
            ..TempUrl::new(case.method.parse().unwrap(), &*case.path, case.expires)
        };
        let ours = Signer::new(&Key::new(&case.key), digest).url(&url);

        // python-swiftclient escapes nothing and lists the range before the prefix.
        let (path, query) = ours.split_once('?').unwrap();
        assert_eq!(decoded(path), case.path, "{case:?}");
        let mut ours: Vec<String> = query.split('&').map(decoded).collect();
        let mut theirs: Vec<&str> = case.url[case.path.len() + 1..].splitn(3, '&').collect();
        if let Some(rest) = theirs.get(2).copied() {
            // A prefix may hold an ampersand of its own.
            theirs.truncate(2);
            match rest.split_once("&temp_url_prefix=") {
                Some((range, _)) if case.ip_range.is_some() => {
                    theirs.extend([range, &rest[range.len() + 1..]]);
                }
                _ => theirs.push(rest),
            }
        }
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "{case:?}");
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

#[test]
fn judges_temp_urls_as_swift_does() {
    for case in vectors().judged {
        let (path, query) = (bytes(&case.path), bytes(&case.query));
        let keys = keys(&case.keys);
        let request = TempUrlRequest {
            method: &case.method,
            path: &path,
            client_ip: case.client_ip,
            keys: &keys.iter().collect::<Vec<_>>(),
            allowed_digests: &digests(&case.allowed),
            now: moment(case.now),
        };
        // A query without a signature and an expiry is let through by Swift's middleware, for others to judge.
        let verdict = TempUrlQuery::parse(&query).map(|query| query.verify(&request));
        let passed = verdict.as_ref().is_none_or(Result::is_ok);
        assert_eq!(
            passed, case.passed,
            "{}: {verdict:?} for {case:#?}",
            case.why
        );
    }
}

#[test]
fn judges_forms_as_swift_does() {
    for case in vectors().forms {
        let path = bytes(&case.path);
        let keys = keys(&case.keys);
        let fields = FormFields {
            path: &path,
            redirect: &case.redirect,
            max_file_size: &case.max_file_size,
            max_file_count: &case.max_file_count,
            expires: &case.expires,
            signature: &case.signature,
        };
        let too_many = fields.max_file_count().is_ok_and(|count| count < 1);
        let verdict = fields.verify(
            &keys.iter().collect::<Vec<_>>(),
            &digests(&case.allowed),
            moment(case.now),
        );
        let (status, answer) = match &verdict {
            _ if too_many => ("400 Bad Request", "Max File Count Exceeded"),
            Ok(_) if case.redirect.is_empty() => ("201 Created", "201 Created"),
            Ok(_) => ("303 See Other", ""),
            Err(FormRefusal::MaxFileSizeNotInteger) => {
                ("400 Bad Request", "max_file_size not an integer")
            }
            Err(FormRefusal::MaxFileCountNotInteger) => {
                ("400 Bad Request", "max_file_count not an integer")
            }
            Err(FormRefusal::ExpiresNotInteger) => ("400 Bad Request", "expired not an integer"),
            Err(FormRefusal::Expired { .. }) => ("401 Unauthorized", "Form Expired"),
            Err(_) => ("401 Unauthorized", "Invalid Signature"),
        };
        assert_eq!(
            case.status, status,
            "{}: {verdict:?} for {case:#?}",
            case.why
        );
        assert!(case.answer.ends_with(answer), "{verdict:?} for {case:#?}");
        assert!(!case.why.is_empty());
    }
}

#[test]
fn gives_the_constants_of_swifts_own_tests() {
    // test/unit/common/test_digest.py
    let key = Key::new("abc");
    let url = TempUrl::new(Method::Get, "/path", 1);
    let hex = |digest, url| Signer::new(&key, digest).sign(url).to_hex();
    assert_eq!(
        hex(Digest::Sha1, &url),
        "b17f6ff8da0e251737aa9e3ee69a881e3e092e2f"
    );
    assert_eq!(
        hex(Digest::Sha256, &url),
        "64c5558394f86b042ce1e929b34907abd9d0a57f3e20cd3f93cffd83de0206a7"
    );
    assert_eq!(
        hex(Digest::Sha512, &url),
        "7e95af818aec1b69b53fc2cb6d69456ec64ebda6c17b8fc8b7303b78acc8ca\
         14fc4aed96c1614a8e9d6ff45a6237711d8be294cda679624825d79aa6959b5229"
    );
    let from_one_address = TempUrl {
        ip_range: Some("127.0.0.1"),
        ..url
    };
    assert_eq!(
        hex(Digest::Sha1, &from_one_address),
        "b30dde4d2b8562b8496466c3b46b2b9ac5054461"
    );
    let spelling: Signature = "sha1:sw3eTSuFYrhJZGbDtGsrmsUFRGE=".parse().unwrap();
    assert_eq!(
        spelling.to_hex(),
        "b30dde4d2b8562b8496466c3b46b2b9ac5054461"
    );
}

#[test]
fn gives_what_a_real_swift_accepted_for_a_form() {
    let form = Form {
        path: "/v1/MossoCloudFS_abc/python-demo/up_",
        redirect: "https://example.com/done",
        max_file_size: 1_048_576,
        max_file_count: 3,
        expires: 1_400_000_000,
    };
    assert_eq!(
        Signer::new(&Key::new("mykey"), Digest::Sha1)
            .sign_form(&form)
            .to_hex(),
        "7f8f4fde5c815b663cb8809f98b86f69a7954ceb"
    );
}
