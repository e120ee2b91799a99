//! Faults: requests that go wrong on purpose, as clients see them.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use emulator::{Emulator, Fault, FaultId, RequestFilter, defaults};
use support::{Answer, Raw, http, raw, token};

/// An emulator with a container, and somebody who may do everything in it.
struct Cloud {
    emulator: Emulator,
    token: String,
}

impl Cloud {
    fn start() -> Self {
        let emulator = Emulator::builder()
            .start_blocking()
            .expect("an emulator starts");
        let token = token(&emulator);
        let cloud = Self { emulator, token };
        cloud.send("PUT", "/v1/AUTH_test/c", b"").is(201);
        cloud
    }

    fn add(&self, fault: Fault) -> FaultId {
        self.emulator
            .faults()
            .add(fault)
            .expect("the fault makes sense")
    }

    fn fired(&self, id: FaultId) -> u64 {
        self.emulator.faults().fired(id)
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let url = format!("{}{path}", self.emulator.url());
        http(method, &url, &[("X-Auth-Token", &self.token)], body)
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        let url = format!("{}{path}", self.emulator.control_url());
        http(method, &url, &[], body.as_bytes())
    }

    /// The same on a connection whose end can be seen.
    fn raw(&self, method: &str, path: &str, body: &[u8]) -> Raw {
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {}\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        raw(self.emulator.address(), &bytes)
    }
}

/// Bytes of which no two parts are alike.
fn bytes(count: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(count).collect()
}

#[test]
fn answers_what_it_was_told_and_applies_nothing() {
    let cloud = Cloud::start();
    let busy = cloud.add(
        Fault::on("PUT", "/v1/*/c/*")
            .status(503)
            .retry_after(7)
            .header("X-Reason", "none")
            .body("come back later")
            .times(1),
    );
    let refused = cloud.send("PUT", "/v1/AUTH_test/c/o", b"text").is(503);
    assert_eq!(refused.text(), "come back later");
    assert_eq!(refused.header("retry-after"), "7");
    assert_eq!(refused.header("x-reason"), "none");
    let report = cloud.emulator.faults().report(busy).expect("it is there");
    assert_eq!(report.trans_ids, [refused.header("x-trans-id")]);

    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
    cloud.send("PUT", "/v1/AUTH_test/c/o", b"text").is(201);
    assert_eq!(cloud.fired(busy), 1);
}

#[test]
fn any_status_can_be_had_in_swifts_own_words() {
    let cloud = Cloud::start();
    for code in [400, 401, 404, 408, 429, 498, 500, 502, 503, 504, 507, 599] {
        let fault = cloud.add(Fault::on("*", "/v1/**").status(code));
        let answer = cloud.send("GET", "/v1/AUTH_test/c", b"").is(code);
        assert_eq!(answer.header("www-authenticate").is_empty(), code != 401);
        let head = cloud.send("HEAD", "/v1/AUTH_test/c", b"").is(code);
        assert!(head.body.is_empty());
        cloud.emulator.faults().remove(fault);
    }
    cloud.send("GET", "/v1/AUTH_test/c", b"").is(204);
}

#[test]
fn lets_some_pass_then_strikes_so_many_and_counts_them() {
    let cloud = Cloud::start();
    let fault = cloud.add(Fault::on("GET", "/v1/*/c").status(500).skip(2).times(2));
    let statuses: Vec<u16> = (0..6)
        .map(|_| cloud.send("GET", "/v1/AUTH_test/c", b"").status)
        .collect();
    assert_eq!(statuses, [204, 204, 500, 500, 204, 204]);
    let report = cloud.emulator.faults().report(fault).expect("it is there");
    assert_eq!((report.matched, report.fired), (6, 2));
}

#[test]
fn the_first_that_decides_to_strike_is_the_only_one() {
    let cloud = Cloud::start();
    let first = cloud.add(Fault::on("GET", "/v1/**").status(500).times(1));
    let second = cloud.add(Fault::on("GET", "/v1/**").status(502));
    cloud.send("GET", "/v1/AUTH_test/c", b"").is(500);
    cloud.send("GET", "/v1/AUTH_test/c", b"").is(502);
    assert_eq!((cloud.fired(first), cloud.fired(second)), (1, 1));
}

#[test]
fn the_same_seed_meets_the_same_requests_with_the_same_faults() {
    let pattern = |seed: u64, own: Option<u64>| -> Vec<u16> {
        let cloud = Cloud::start();
        let fault = || Fault::on("GET", "/v1/**").status(500).probability(0.5);
        let fault = own.map_or_else(fault, |own| fault().seed(own));
        // One that is asked first and never strikes must not change what the other decides.
        let quiet = Fault::on("GET", "/v1/**").status(502).probability(0.0);
        cloud
            .emulator
            .faults()
            .replace(seed, vec![quiet, fault])
            .expect("they make sense");
        (0..64)
            .map(|_| cloud.send("GET", "/v1/AUTH_test/c", b"").status)
            .collect()
    };
    let first = pattern(1, None);
    let struck = first.iter().filter(|status| **status == 500).count();
    assert!((16..=48).contains(&struck), "{struck} of 64");
    assert_eq!(first, pattern(1, None));
    assert_ne!(first, pattern(2, None));
    assert_eq!(pattern(1, Some(9)), pattern(2, Some(9)));
}

#[test]
fn matches_by_method_path_and_account() {
    let cloud = Cloud::start();
    let other = format!("/v1/{}/c", defaults::RACKSPACE_ACCOUNT);
    cloud.add(Fault::on("get", "/v1/**").account("AUTH_test").status(500));
    cloud.send("GET", "/v1/AUTH_test/c", b"").is(500);
    cloud.send("GET", "/v1/AUTH_test", b"").is(500);
    cloud.send("PUT", "/v1/AUTH_test/c", b"").is(202);
    cloud.send("GET", &other, b"").is(403);

    cloud.emulator.faults().clear();
    let deep = cloud.add(Fault::on("*", "/v1/*/c/a/**").status(500));
    cloud.send("GET", "/v1/AUTH_test/c/b", b"").is(404);
    // The decoded path counts.
    cloud.send("GET", "/v1/AUTH_test/c/a%2Fb", b"").is(500);
    cloud.send("DELETE", "/v1/AUTH_test/c/a/b/c", b"").is(500);
    assert_eq!(cloud.fired(deep), 2);
}

#[test]
fn strikes_the_services_beside_swift_but_never_the_control_surface() {
    let cloud = Cloud::start();
    cloud.add(Fault::on("*", "/v2.0/tokens").status(500));
    cloud.add(Fault::on("*", "/auth/**").status(501));
    cloud.add(
        Fault::on("*", "/cdn/v1/**")
            .account("AUTH_test")
            .status(502),
    );
    cloud.add(Fault::on("*", "/_cdn/*.cf1/o").status(504));
    cloud.add(Fault::on("*", "/info").status(507));
    cloud.send("POST", "/v2.0/tokens", b"{}").is(500);
    cloud.send("GET", "/auth/v1.0", b"").is(501);
    cloud.send("GET", "/cdn/v1/AUTH_test", b"").is(502);
    cloud.send("GET", "/cdn/v1/AUTH_other", b"").is(403);
    cloud.send("GET", "/info", b"").is(507);

    let label = format!("t-{}.r1.cf1", "0".repeat(32));
    cloud.send("GET", &format!("/_cdn/{label}/o"), b"").is(504);
    let url = format!("{}/o", cloud.emulator.url());
    let host = format!("{label}.rackcdn.com");
    http("GET", &url, &[("Host", &host)], b"").is(504);

    cloud.add(Fault::on("*", "**").status(500));
    cloud.control("GET", "", "").is(200);
    cloud.send("GET", "/v1/AUTH_test", b"").is(500);
}

#[test]
fn a_reset_before_ends_with_rst_and_applies_nothing() {
    let cloud = Cloud::start();
    let fault = cloud.add(Fault::on("PUT", "/v1/*/c/*").reset_before().times(1));
    let ended = cloud.raw("PUT", "/v1/AUTH_test/c/o", b"text");
    assert!(ended.reset, "{ended:?}");
    assert!(ended.bytes.is_empty(), "{ended:?}");
    assert_eq!(cloud.fired(fault), 1);
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
}

#[test]
fn a_reset_after_ends_with_rst_though_the_request_was_applied() {
    let cloud = Cloud::start();
    let fault = cloud.add(Fault::on("PUT", "/v1/*/c/*").reset_after().times(1));
    let ended = cloud.raw("PUT", "/v1/AUTH_test/c/o", b"text");
    assert!(ended.reset, "{ended:?}");
    assert!(ended.bytes.is_empty(), "{ended:?}");
    assert_eq!(cloud.fired(fault), 1);
    let stored = cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    assert_eq!(stored.body, b"text");
}

#[test]
fn a_connection_without_a_fault_ends_with_fin() {
    let cloud = Cloud::start();
    cloud.add(Fault::on("PUT", "/nowhere").reset_before());
    let request = b"GET /info HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(!raw(cloud.emulator.address(), request).reset);
}

#[test]
fn a_cut_download_stops_at_the_byte_and_still_promises_the_whole() {
    let cloud = Cloud::start();
    let whole = bytes(5_000_000);
    cloud.send("PUT", "/v1/AUTH_test/c/o", &whole).is(201);
    for cut in [0_usize, 1, 4_321_987, 4_999_999] {
        let after = u64::try_from(cut).expect("it is small");
        let fault = Fault::on("GET", "/v1/*/c/o").cut_download_after(after);
        let fault = cloud.add(fault.times(1));
        let ended = cloud.raw("GET", "/v1/AUTH_test/c/o", b"");
        let (head, body) = ended.parts();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("\r\nContent-Length: 5000000"), "{head}");
        assert!(body == &whole[..cut], "{} of {cut} bytes", body.len());
        assert!(!ended.reset, "it ends with FIN");
        assert_eq!(cloud.fired(fault), 1);
    }
    cloud.add(Fault::on("GET", "/v1/*/c/o").cut_download_after(5_000_000));
    let unharmed = cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    assert!(unharmed.body == whole);
}

#[test]
fn a_cut_upload_ends_with_rst_and_stores_nothing() {
    let cloud = Cloud::start();
    let whole = bytes(5_000_000);
    let fault = cloud.add(
        Fault::on("PUT", "/v1/*/c/o")
            .cut_upload_after(1_000_000)
            .times(1),
    );
    let ended = cloud.raw("PUT", "/v1/AUTH_test/c/o", &whole);
    assert!(ended.reset && ended.bytes.is_empty(), "{ended:?}");
    assert_eq!(cloud.fired(fault), 1);
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
    cloud.send("PUT", "/v1/AUTH_test/c/o", &whole).is(201);
}

#[test]
fn a_flipped_byte_shows_in_the_checksum_and_nowhere_else() {
    let cloud = Cloud::start();
    let etag = |answer: &Answer| answer.header("etag").to_owned();
    let right = etag(
        &cloud
            .send("PUT", "/v1/AUTH_test/c/o", b"0123456789")
            .is(201),
    );
    cloud.add(Fault::on("GET", "/v1/*/c/o").flip_download_byte(4).times(1));
    let damaged = cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    assert_eq!(damaged.body, b"0123\xcb56789");
    assert_eq!(etag(&damaged), right);
    let stored = cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    assert_eq!(stored.body, b"0123456789");

    cloud.add(Fault::on("PUT", "/v1/*/c/o").flip_upload_byte(0).times(1));
    let wrong = etag(
        &cloud
            .send("PUT", "/v1/AUTH_test/c/o", b"0123456789")
            .is(201),
    );
    assert_ne!(wrong, right);
    let stored = cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    assert_eq!(stored.body, b"\xcf123456789");
}

#[test]
fn an_upload_that_says_its_checksum_is_refused_when_a_byte_is_flipped() {
    let cloud = Cloud::start();
    cloud.add(Fault::on("PUT", "/v1/*/c/o").flip_upload_byte(3).times(1));
    let url = format!("{}/v1/AUTH_test/c/o", cloud.emulator.url());
    let etag = "781e5e245d69b566979b86e28d23f2c7";
    let headers = [("X-Auth-Token", &*cloud.token), ("ETag", etag)];
    http("PUT", &url, &headers, b"0123456789").is(422);
    http("PUT", &url, &headers, b"0123456789").is(201);
}

#[test]
fn throttled_bodies_arrive_whole() {
    let cloud = Cloud::start();
    let whole = bytes(300_000);
    cloud.add(Fault::on("PUT", "/v1/*/c/o").throttle_upload(10_000_000));
    cloud.add(Fault::on("GET", "/v1/*/c/o").throttle_download(10_000_000));
    cloud.send("PUT", "/v1/AUTH_test/c/o", &whole).is(201);
    let read = cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    assert!(read.body == whole);
    assert_eq!(read.header("content-length"), "300000");
}

#[test]
fn a_delayed_request_holds_up_no_other_and_can_be_given_up() {
    let cloud = Cloud::start();
    let fault = cloud.add(
        Fault::on("PUT", "/v1/*/c/slow")
            .delay(Duration::from_hours(1))
            .times(1),
    );
    let mut stream = TcpStream::connect(cloud.emulator.address()).expect("it listens");
    write!(
        stream,
        "PUT /v1/AUTH_test/c/slow HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {}\r\nContent-Length: 0\r\n\r\n",
        cloud.token
    )
    .expect("the head is taken");
    // The emulator has one thread, so that others being answered shows that it does not wait.
    while cloud.fired(fault) == 0 {
        cloud.send("GET", "/v1/AUTH_test/c", b"").is(204);
    }
    drop(stream);
    let gone = || {
        let filter = RequestFilter {
            path: Some("/v1/*/c/slow".to_owned()),
            ..RequestFilter::default()
        };
        cloud
            .emulator
            .requests(filter)
            .expect("the filter makes sense")
    };
    while gone().is_empty() {
        cloud.send("GET", "/v1/AUTH_test/c", b"").is(204);
    }
    let gone = gone().remove(0);
    assert_eq!((gone.status, gone.fault), (499, Some(fault)));
    cloud.send("GET", "/v1/AUTH_test/c/slow", b"").is(404);
}

#[test]
fn a_delay_goes_together_with_an_effect() {
    let cloud = Cloud::start();
    cloud.add(
        Fault::on("GET", "/v1/**")
            .delay(Duration::from_millis(1))
            .status(503),
    );
    cloud.send("GET", "/v1/AUTH_test", b"").is(503);
}

#[test]
fn a_valid_token_is_refused_as_often_as_was_said() {
    let cloud = Cloud::start();
    let fault = cloud.add(Fault::on("*", "/v1/**").refuse_token().times(2));
    let refused = cloud.send("GET", "/v1/AUTH_test/c", b"").is(401);
    assert!(refused.header("www-authenticate").contains("AUTH_test"));

    // Those without a token, or with one that is none, were not to be struck.
    let url = format!("{}/v1/AUTH_test/c", cloud.emulator.url());
    http("GET", &url, &[], b"").is(401);
    http("GET", &url, &[("X-Auth-Token", "AUTH_tknone")], b"").is(401);
    assert_eq!(cloud.fired(fault), 1);

    http("GET", &url, &[("X-Storage-Token", &cloud.token)], b"").is(401);
    assert_eq!(cloud.fired(fault), 2);
    cloud.send("GET", "/v1/AUTH_test/c", b"").is(204);
}

#[test]
fn a_refused_token_closes_what_it_would_open_and_not_what_is_public() {
    let cloud = Cloud::start();
    cloud.add(Fault::on("*", "/cdn/v1/**").refuse_token().times(1));
    let url = format!("{}/v1.0", cloud.emulator.url());
    let credentials = [
        ("X-Auth-User", defaults::RACKSPACE_USER),
        ("X-Auth-Key", defaults::RACKSPACE_API_KEY),
    ];
    let signed_in = http("GET", &url, &credentials, b"");
    let token = signed_in.header("x-auth-token").to_owned();
    let url = format!(
        "{}/cdn/v1/{}",
        cloud.emulator.url(),
        defaults::RACKSPACE_ACCOUNT
    );
    http("GET", &url, &[("X-Auth-Token", &token)], b"").is(401);
    http("GET", &url, &[("X-Auth-Token", &token)], b"").is(204);
}

#[test]
fn a_stale_listing_shows_the_container_as_it_was() {
    let cloud = Cloud::start();
    let clock = cloud.emulator.clock();
    clock.freeze();
    cloud.send("PUT", "/v1/AUTH_test/c/gone", b"1").is(201);
    cloud.send("PUT", "/v1/AUTH_test/c/kept", b"22").is(201);
    clock.advance(Duration::from_mins(1));
    let fault = cloud.add(Fault::on("GET", "/v1/*/c").stale_listing(Duration::from_secs(10)));
    cloud.send("DELETE", "/v1/AUTH_test/c/gone", b"").is(204);
    cloud.send("PUT", "/v1/AUTH_test/c/kept", b"4444").is(201);
    cloud.send("PUT", "/v1/AUTH_test/c/new", b"333").is(201);

    let listing = |query: &str| {
        let path = format!("/v1/AUTH_test/c{query}");
        cloud.send("GET", &path, b"").is(200)
    };
    let stale = listing("");
    assert_eq!(stale.text(), "gone\nkept\n");
    assert_eq!(stale.header("x-container-object-count"), "2");
    assert_eq!(stale.header("x-container-bytes-used"), "3");
    assert_eq!(listing("?prefix=k").text(), "kept\n");
    assert_eq!(listing("?limit=1&marker=gone").text(), "kept\n");
    assert_eq!(listing("?format=json").json()[1]["bytes"], 2);
    // Objects are never stale, only listings are.
    cloud.send("GET", "/v1/AUTH_test/c/gone", b"").is(404);
    cloud.send("GET", "/v1/AUTH_test/c/new", b"").is(200);

    clock.advance(Duration::from_secs(9));
    assert_eq!(listing("").text(), "gone\nkept\n");
    clock.advance(Duration::from_secs(2));
    assert_eq!(listing("").text(), "kept\nnew\n");
    assert_eq!(listing("").header("x-container-bytes-used"), "7");
    assert_eq!(cloud.fired(fault), 7);
}

#[test]
fn a_stale_listing_ends_after_so_many_listings() {
    let cloud = Cloud::start();
    cloud.add(
        Fault::on("*", "/v1/*/c")
            .stale_listing(Duration::from_hours(1))
            .times(1),
    );
    cloud.send("PUT", "/v1/AUTH_test/c/o", b"").is(201);
    assert_eq!(cloud.send("GET", "/v1/AUTH_test/c", b"").text(), "");
    assert_eq!(cloud.send("GET", "/v1/AUTH_test/c", b"").text(), "o\n");
}

#[test]
fn faults_come_and_go_over_http() {
    let cloud = Cloud::start();
    let fault = r#"{"method": "PUT", "path": "/v1/*/c/*", "times": 1,
                    "effect": {"status": {"code": 503, "retry_after": 1}}}"#;
    let added = cloud.control("POST", "faults", fault).is(201).json();
    let id = &added["id"];
    cloud.send("PUT", "/v1/AUTH_test/c/o", b"").is(503);
    let report = cloud
        .control("GET", &format!("faults/{id}"), "")
        .is(200)
        .json();
    assert_eq!(report["fired"], 1);
    assert_eq!(report["fault"]["effect"]["status"]["code"], 503);
    assert!(
        report["trans_ids"][0]
            .as_str()
            .is_some_and(|id| id.starts_with("tx"))
    );

    let set = r#"{"seed": 7, "faults": [{"effect": "refuse_token"}, {"delay_seconds": 0.001}]}"#;
    let all = cloud.control("PUT", "faults", set).is(200).json();
    assert_eq!(all, cloud.control("GET", "faults", "").is(200).json());
    assert_eq!(all["seed"], 7);
    assert_eq!(all["faults"].as_array().map(Vec::len), Some(2));
    cloud.control("GET", &format!("faults/{id}"), "").is(404);

    let id = &all["faults"][1]["id"];
    cloud.control("DELETE", &format!("faults/{id}"), "").is(204);
    cloud.control("DELETE", &format!("faults/{id}"), "").is(404);
    cloud.control("DELETE", "faults", "").is(204);
    assert!(cloud.emulator.faults().reports().is_empty());
}

#[test]
fn a_fault_that_makes_no_sense_is_refused_by_its_field_and_changes_nothing() {
    let cloud = Cloud::start();
    let add = |fault: Fault| cloud.add(fault);
    add(Fault::on("GET", "/nowhere").status(500));
    let before = cloud.control("GET", "faults", "").json();
    for (method, body, field) in [
        ("POST", "{}", "effect"),
        ("POST", "[]", "body"),
        ("POST", "{", "body"),
        ("POST", r#"{"effekt": "refuse_token"}"#, "effekt"),
        ("POST", r#"{"effect": "nothing"}"#, "effect"),
        ("POST", r#"{"effect": {"status": {}}}"#, "effect.status"),
        (
            "POST",
            r#"{"effect": {"status": {"code": 99}}}"#,
            "effect.status.code",
        ),
        (
            "POST",
            r#"{"effect": {"status": {"code": "503"}}}"#,
            "effect.status.code",
        ),
        (
            "POST",
            r#"{"effect": {"status": {"code": 503, "after": 1}}}"#,
            "effect.status.after",
        ),
        (
            "POST",
            r#"{"effect": {"status": {"code": 503, "headers": {"a b": "c"}}}}"#,
            "effect.status.headers.a b",
        ),
        (
            "POST",
            r#"{"effect": {"download": {"bytes_per_second": 0}}}"#,
            "effect.download.bytes_per_second",
        ),
        (
            "POST",
            r#"{"effect": {"upload": {"cut_after": -1}}}"#,
            "effect.upload.cut_after",
        ),
        (
            "POST",
            r#"{"effect": {"stale_listing": {"seconds": -1}}}"#,
            "effect.stale_listing.seconds",
        ),
        ("POST", r#"{"effect": "refuse_token", "path": "c"}"#, "path"),
        (
            "POST",
            r#"{"effect": "refuse_token", "path": "/["}"#,
            "path",
        ),
        (
            "POST",
            r#"{"effect": "refuse_token", "method": ""}"#,
            "method",
        ),
        ("POST", r#"{"effect": "refuse_token", "times": 0}"#, "times"),
        ("POST", r#"{"effect": "refuse_token", "skip": -1}"#, "skip"),
        (
            "POST",
            r#"{"effect": "refuse_token", "probability": 2}"#,
            "probability",
        ),
        ("POST", r#"{"delay_seconds": 1e9}"#, "delay_seconds"),
        ("PUT", "{}", "faults"),
        (
            "PUT",
            r#"{"faults": [{"effect": "refuse_token"}, {}]}"#,
            "faults[1].effect",
        ),
        (
            "PUT",
            r#"{"faults": [{"effect": "refuse_token", "times": "2"}]}"#,
            "faults[0].times",
        ),
    ] {
        let refused = cloud.control(method, "faults", body).is(400).json();
        assert_eq!(refused["error"]["field"], field, "{body}: {refused}");
    }
    cloud.control("DELETE", "faults/x", "").is(400);
    cloud.control("GET", "faults/99", "").is(404);
    assert_eq!(cloud.control("GET", "faults", "").json(), before);
}

#[test]
fn a_reset_of_everything_takes_faults_and_the_journal_along() {
    let cloud = Cloud::start();
    cloud.add(Fault::on("*", "/v1/**").status(500));
    cloud.send("GET", "/v1/AUTH_test/c", b"").is(500);
    cloud.control("POST", "reset", "").is(204);
    assert!(cloud.emulator.faults().reports().is_empty());
    let kept = cloud.emulator.requests(RequestFilter::default());
    assert_eq!(kept.map(|kept| kept.len()), Ok(0));
}
