//! `/_emulator/explain`: every cause that a URL can be refused for.

use std::time::{Duration, UNIX_EPOCH};

use emulator::{Cause, Emulator};
use serde_json::{Value, json};
use signing::{Digest, Key, Method, Signer, TempUrl};

use super::Control;
use super::support::{Answer, http};

const NOON: u64 = 1_769_860_800;
const PATH: &str = "/v1/AUTH_test/some container/an object";
const ENCODED: &str = "/v1/AUTH_test/some%20container/an%20object";
const ACCOUNT_KEY: &str = "first key of the account";
const CONTAINER_KEY: &str = "second key of the container";

/// A clock that stands at noon, an object, key 1 of its account and key 2 of its container.
struct Scene {
    control: Control,
    token: String,
}

impl Scene {
    fn new() -> Self {
        Self::with(false)
    }

    fn with(debug: bool) -> Self {
        let control = Control::with(Emulator::builder().debug_unauthorized(debug));
        let clock = control.emulator.clock();
        clock.freeze();
        clock.set(UNIX_EPOCH + Duration::from_secs(NOON));
        let credentials = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
        let signed_in = http("GET", &control.emulator.auth_url(), &credentials, b"").is(200);
        let token = signed_in.header("x-auth-token").to_owned();
        let scene = Self { control, token };
        let account_key = [("X-Account-Meta-Temp-URL-Key", ACCOUNT_KEY)];
        scene.send("POST", "/v1/AUTH_test", &account_key).is(204);
        let container_key = [("X-Container-Meta-Temp-URL-Key-2", CONTAINER_KEY)];
        scene
            .send("PUT", "/v1/AUTH_test/some%20container", &container_key)
            .is(201);
        scene.send("PUT", ENCODED, &[]).is(201);
        scene
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("X-Auth-Token", self.token.as_str())];
        all.extend(headers);
        http(method, &self.url(path), &all, b"")
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.control.emulator.url())
    }

    fn explain(&self, body: &Value) -> Value {
        let path = "explain";
        self.control.post(path, &body.to_string()).is(200).json()
    }

    fn explain_url(&self, url: &str) -> Value {
        self.explain(&json!({ "url": url }))
    }
}

/// Good for GET of the object until a minute past noon.
fn good() -> TempUrl<'static> {
    TempUrl::new(Method::Get, PATH, NOON + 60)
}

fn sign(key: &str, url: &TempUrl<'_>) -> String {
    Signer::new(&Key::new(key), Digest::Sha256).url(url)
}

/// A URL whose signature is that of another.
fn with_signature_of(other: &TempUrl<'_>, path: &str, more: &str) -> String {
    let signed = sign(ACCOUNT_KEY, other);
    let (_, query) = signed.split_once('?').expect("there is a query");
    let signature_and_expiry: Vec<&str> = query.split('&').take(2).collect();
    format!("{path}?{}{more}", signature_and_expiry.join("&"))
}

fn causes(explained: &Value) -> Vec<&str> {
    let findings = explained["findings"].as_array().expect("a list");
    findings
        .iter()
        .map(|finding| finding["cause"].as_str().expect("a name"))
        .collect()
}

#[test]
fn a_good_url_is_told_until_when_it_is_let_in_and_by_which_key() {
    let scene = Scene::new();
    let explained = scene.explain_url(&scene.url(&sign(CONTAINER_KEY, &good())));
    assert_eq!(
        explained,
        json!({
            "allowed": true, "cause": "valid",
            "message": "the URL would be let in until 2026-01-31T12:01:00Z, for 60 s more; the signature matches key 2 of the container",
            "findings": [
                {"cause": "valid", "message": "the URL would be let in until 2026-01-31T12:01:00Z, for 60 s more"},
                {"cause": "signature_matches", "message": "the signature matches key 2 of the container"}
            ],
            "expires": "2026-01-31T12:01:00Z", "expires_unix": 1_769_860_860.0,
            "signed_method": "GET", "digest": "sha256", "key": {"of": "container", "number": 2}
        })
    );
    let of_account = scene.explain_url(&scene.url(&sign(ACCOUNT_KEY, &good())));
    assert_eq!(of_account["key"], json!({"of": "account", "number": 1}));
    let missing = TempUrl::new(Method::Get, "/v1/AUTH_test/some container/no", NOON + 60);
    let missing = scene.explain_url(&sign(ACCOUNT_KEY, &missing));
    assert_eq!(missing["allowed"], true);
    assert_eq!(
        causes(&missing),
        ["valid", "signature_matches", "object_missing"]
    );
}

#[test]
fn an_expired_url_is_told_since_when_and_that_its_signature_was_right() {
    let scene = Scene::new();
    let url = sign(CONTAINER_KEY, &good());
    scene
        .control
        .emulator
        .clock()
        .advance(Duration::from_millis(90_500));
    let explained = scene.explain_url(&url);
    assert_eq!(explained["allowed"], false);
    assert_eq!(causes(&explained), ["expired", "signature_matches"]);
    assert_eq!(
        explained["message"],
        "the URL expired 30.5 s ago, at 2026-01-31T12:01:00Z; the signature matches key 2 of the container"
    );
}

#[test]
fn each_mistake_has_its_cause() {
    let scene = Scene::new();
    let encoded = TempUrl::new(Method::Get, ENCODED, NOON + 60);
    let prefix = TempUrl {
        prefix: Some("an "),
        ..good()
    };
    let ranged = TempUrl {
        ip_range: Some("192.0.2.0/24"),
        ..good()
    };
    let expires = NOON + 60;
    let unknown = TempUrl::new(Method::Get, "/v1/AUTH_nobody/c/o", expires);
    let no_key = TempUrl::new(Method::Get, "/v1/AUTH_test2/c/o", expires);
    for (url, cause) in [
        (
            with_signature_of(&encoded, ENCODED, ""),
            "encoded_path_signed",
        ),
        (with_signature_of(&prefix, ENCODED, ""), "wrong_text_signed"),
        (
            with_signature_of(
                &prefix,
                "/v1/AUTH_test/some%20container/other",
                "&temp_url_prefix=an%20",
            ),
            "outside_prefix",
        ),
        (sign(ACCOUNT_KEY, &ranged), "outside_ip_range"),
        (
            with_signature_of(&good(), ENCODED, "&temp_url_ip_range=192.0.2.1/24"),
            "malformed_ip_range",
        ),
        (sign("another key", &good()), "wrong_signature"),
        (
            with_signature_of(&good(), "/v1/AUTH_test/some%20container/other", ""),
            "wrong_signature",
        ),
        (sign(ACCOUNT_KEY, &unknown), "unknown_account"),
        (sign(ACCOUNT_KEY, &no_key), "no_key"),
        (
            format!("{ENCODED}?temp_url_expires={expires}"),
            "missing_signature",
        ),
        (format!("{ENCODED}?temp_url_sig=00"), "missing_expires"),
        (
            format!("{ENCODED}?temp_url_sig=00&temp_url_expires=soon"),
            "malformed_expires",
        ),
        (
            format!("{ENCODED}?temp_url_sig=00&temp_url_expires={expires}"),
            "malformed_signature",
        ),
        (
            format!(
                "/v1/AUTH_test/c?temp_url_sig={:040}&temp_url_expires={expires}",
                0
            ),
            "not_an_object",
        ),
        (ENCODED.to_owned(), "no_temp_url"),
    ] {
        let explained = scene.explain_url(&url);
        assert_eq!(explained["allowed"], false, "{url}");
        assert_eq!(explained["cause"], cause, "{url}: {explained}");
        http("GET", &scene.url(&url), &[], b"").is(401);
    }
    let get = sign(ACCOUNT_KEY, &good());
    let put = scene.explain(&json!({"url": get, "method": "PUT"}));
    assert_eq!(causes(&put), ["wrong_method", "signature_matches"]);
    assert_eq!(put["signed_method"], "GET");
    let copy = scene.explain(&json!({"url": get, "method": "COPY"}));
    assert_eq!(copy["cause"], "method_not_allowed");
    let head = scene.explain(&json!({"url": get, "method": "HEAD"}));
    assert_eq!(head["cause"], "valid");
    let inside = scene.explain(&json!({"url": sign(ACCOUNT_KEY, &ranged), "ip": "192.0.2.77"}));
    assert_eq!(inside["cause"], "valid");
}

#[test]
fn a_key_that_was_replaced_is_known_with_the_time() {
    let scene = Scene::new();
    let url = sign(ACCOUNT_KEY, &good());
    let path = "/v1/AUTH_test";
    for key in ["third key", "fourth key"] {
        scene
            .control
            .emulator
            .clock()
            .advance(Duration::from_secs(10));
        let header = [("X-Account-Meta-Temp-URL-Key", key)];
        scene.send("POST", path, &header).is(204);
    }
    let explained = scene.explain_url(&url);
    assert_eq!(causes(&explained), ["key_replaced"]);
    assert_eq!(
        explained["message"],
        "it was signed with key 1 of the account, which was replaced at 2026-01-31T12:00:10Z"
    );
    let now_set = scene.explain_url(&sign("fourth key", &good()));
    assert_eq!(now_set["cause"], "valid");
    // Removed is replaced by nothing.
    let remove = [("X-Remove-Container-Meta-Temp-URL-Key-2", "x")];
    scene
        .send("POST", "/v1/AUTH_test/some%20container", &remove)
        .is(204);
    let removed = scene.explain_url(&sign(CONTAINER_KEY, &good()));
    assert_eq!(
        removed["key"],
        json!({"of": "container", "number": 2, "replaced": "2026-01-31T12:00:20Z"})
    );
}

#[test]
fn a_public_object_needs_no_signature() {
    let scene = Scene::new();
    let public = [("X-Container-Read", ".r:*")];
    let path = "/v1/AUTH_test/some%20container";
    scene.send("POST", path, &public).is(204);
    assert_eq!(scene.explain_url(ENCODED)["cause"], "public");
    http("GET", &scene.url(ENCODED), &[], b"").is(200);
    assert_eq!(scene.explain_url(path)["cause"], "no_temp_url");
    http("GET", &scene.url(path), &[], b"").is(401);
}

#[test]
fn no_explanation_holds_a_key_or_a_signature() {
    let scene = Scene::new();
    for key in [ACCOUNT_KEY, CONTAINER_KEY, "another"] {
        let url = sign(key, &good());
        let text = scene.explain_url(&url).to_string();
        let signature = url.split("temp_url_sig=").nth(1).expect("it is signed");
        let signature = signature.split('&').next().expect("it is signed");
        for secret in [ACCOUNT_KEY, CONTAINER_KEY, signature] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn answers_say_why_only_where_they_were_asked_to() {
    let expired = TempUrl::new(Method::Get, PATH, NOON - 1);
    let (quiet, telling) = (Scene::new(), Scene::with(true));
    let url = sign(ACCOUNT_KEY, &expired);
    let plain = http("GET", &quiet.url(&url), &[], b"").is(401);
    let told = http("GET", &telling.url(&url), &[], b"").is(401);
    assert_eq!(
        told.header("x-emulator-cause"),
        "expired: the URL expired 1 s ago, at 2026-01-31T11:59:59Z; the signature matches key 1 of the account"
    );
    // Beside that header and the transaction's id, they are the same.
    let rest = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        for own in ["x-emulator-cause", "x-trans-id", "x-openstack-request-id"] {
            headers.remove(own);
        }
        (headers, answer.body.clone())
    };
    assert_eq!(rest(&told), rest(&plain));
    assert!(!plain.headers.contains_key("x-emulator-cause"));
}

#[test]
fn what_is_no_url_is_refused() {
    let scene = Scene::new();
    let long = format!(r#"{{"url":"/v1/a/c/{}"}}"#, "o".repeat(8192));
    for (body, field) in [
        ("{}", "url"),
        (r#"{"url":""}"#, "url"),
        (r#"{"url":"http://127.0.0.1"}"#, "url"),
        (r#"{"url":"/v1/AUTH_test"}"#, "url"),
        (r#"{"url":"/v1/a/c/%FF"}"#, "url"),
        (r#"{"url":"/_cdn/x/o"}"#, "url"),
        (r#"{"url":7}"#, "url"),
        (&long, "url"),
        (r#"{"url":"/v1/a/c/o","method":"get"}"#, "method"),
        (r#"{"url":"/v1/a/c/o","ip":"here"}"#, "ip"),
        (r#"{"url":"/v1/a/c/o","key":"x"}"#, "key"),
    ] {
        scene.control.refuses("POST", "explain", body, 400, field);
    }
}

#[test]
fn every_cause_is_in_the_description() {
    let control = Control::start();
    let described = control.get("openapi.json");
    let names = &described["components"]["schemas"]["Cause"]["enum"];
    let known = Cause::ALL.map(Cause::name);
    assert_eq!(*names, json!(known));
}
