//! The journal of requests: what it keeps, what it hides, and how it is followed.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use emulator::{Builder, Emulator, Fault, RecordedRequest, RequestFilter, defaults};
use serde_json::Value;
use support::{Answer, http, raw, token};

struct Cloud {
    emulator: Emulator,
    token: String,
}

impl Cloud {
    /// An emulator with an empty journal, and a container.
    fn start() -> Self {
        Self::with(Emulator::builder())
    }

    fn with(builder: Builder) -> Self {
        let emulator = builder.start_blocking().expect("an emulator starts");
        let token = token(&emulator);
        let cloud = Self { emulator, token };
        cloud.send("PUT", "/v1/AUTH_test/c", b"").is(201);
        cloud.emulator.clear_requests();
        cloud
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let url = format!("{}{path}", self.emulator.url());
        http(method, &url, &[("X-Auth-Token", &self.token)], body)
    }

    fn control(&self, method: &str, path: &str) -> Answer {
        let url = format!("{}{path}", self.emulator.control_url());
        http(method, &url, &[], b"")
    }

    fn requests(&self, filter: RequestFilter) -> Vec<RecordedRequest> {
        self.emulator
            .requests(filter)
            .expect("the filter makes sense")
    }

    fn all(&self) -> Vec<RecordedRequest> {
        self.requests(RequestFilter::default())
    }

    /// The one request that there is.
    #[track_caller]
    fn only(&self) -> RecordedRequest {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

#[test]
fn a_request_is_there_with_all_its_facts_when_its_client_has_the_answer() {
    let cloud = Cloud::start();
    cloud.emulator.clock().freeze();
    let now = cloud.emulator.clock().now();
    let url = format!("{}/v1/AUTH_test/c/a%20b?format=x", cloud.emulator.url());
    let headers = [("X-Auth-Token", &*cloud.token), ("User-Agent", "tester/1")];
    let put = http("PUT", &url, &headers, b"0123456789").is(201);

    let kept = cloud.only();
    assert_eq!(kept.method, "PUT");
    assert_eq!(kept.path, "/v1/AUTH_test/c/a%20b");
    assert_eq!(kept.query, "format=x");
    assert_eq!((kept.service, kept.auth), ("storage", "token"));
    assert_eq!(
        (&*kept.account, &*kept.container, &*kept.object),
        ("AUTH_test", "c", "a b")
    );
    assert_eq!((kept.status, kept.bytes_in, kept.bytes_out), (201, 10, 0));
    assert_eq!(kept.trans_id, put.header("x-trans-id"));
    assert_eq!(kept.user_agent.as_deref(), Some("tester/1"));
    assert_eq!(kept.fault, None);
    let unix = now
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it is after 1970")
        .as_secs_f64();
    assert!((kept.unix - unix).abs() < 0.001, "{} {unix}", kept.unix);

    let id = kept.id;
    cloud.send("GET", "/v1/AUTH_test/c/a%20b", b"").is(200);
    let got = cloud.all().pop().expect("it is there");
    assert_eq!((got.id, got.status, got.bytes_out), (id + 1, 200, 10));
}

#[test]
fn tells_by_what_a_request_asked_to_be_let_in_and_what_it_was_for() {
    let cloud = Cloud::start();
    let url = |path: &str| format!("{}{path}", cloud.emulator.url());
    http("GET", &url("/v1/AUTH_test/c"), &[], b"").is(401);
    let signed = "/v1/AUTH_test/c/o?temp_url_sig=abc&temp_url_expires=99";
    http("GET", &url(signed), &[], b"").is(401);
    let form = [("Content-Type", "multipart/form-data; boundary=b")];
    http("POST", &url("/v1/AUTH_test/c/o"), &form, b"--b--\r\n");
    cloud.send("GET", "/cdn/v1/AUTH_test", b"");
    cloud.send("POST", "/v2.0/tokens", b"{}");
    cloud.send("GET", "/_cdn/nonsense/o", b"");
    cloud.send("GET", "/info", b"");
    let kinds: Vec<_> = cloud
        .all()
        .iter()
        .map(|kept| (kept.service, kept.auth))
        .collect();
    assert_eq!(
        kinds,
        [
            ("storage", "anonymous"),
            ("storage", "temp_url"),
            ("storage", "form"),
            ("cdn", "token"),
            ("identity", "token"),
            ("edge", "token"),
            ("other", "token"),
        ]
    );
    let accounts: Vec<_> = cloud.all().into_iter().map(|kept| kept.account).collect();
    assert_eq!(accounts[2..5], ["AUTH_test", "AUTH_test", ""]);
}

#[test]
fn holds_no_secret() {
    let cloud = Cloud::start();
    let signed = "/v1/AUTH_test/c/o?temp_url_sig=SECRETSIG&temp_url_expires=99";
    cloud.send("GET", signed, b"").is(401);
    let credentials = [
        ("X-Auth-User", defaults::RACKSPACE_USER),
        ("X-Auth-Key", defaults::RACKSPACE_API_KEY),
    ];
    let url = format!("{}/v1.0", cloud.emulator.url());
    let signed_in = http("GET", &url, &credentials, b"");
    let token = signed_in.header("x-auth-token").to_owned();
    assert!(!token.is_empty());
    let url = format!("{}/v2.0/tokens/{token}", cloud.emulator.url());
    http("GET", &url, &[("X-Auth-Token", &token)], b"");

    let text = cloud.control("GET", "requests").is(200).text().to_owned();
    assert!(
        text.contains("temp_url_sig=***&temp_url_expires=99"),
        "{text}"
    );
    assert!(text.contains("/v2.0/tokens/***"), "{text}");
    for secret in [
        "SECRETSIG",
        &token,
        &cloud.token,
        defaults::RACKSPACE_API_KEY,
    ] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn gives_what_matches_all_that_is_asked_for() {
    let cloud = Cloud::start();
    cloud.send("PUT", "/v1/AUTH_test/c/a/1", b"").is(201);
    let second = cloud.send("PUT", "/v1/AUTH_test/c/b", b"").is(201);
    cloud.send("GET", "/v1/AUTH_test/c/none", b"").is(404);
    cloud.send("GET", "/v1/AUTH_test2/c", b"").is(403);
    let ids = |query: &str| -> Vec<u64> {
        let answer = cloud.control("GET", &format!("requests?{query}")).is(200);
        let requests = answer.json()["requests"].take();
        let requests = requests.as_array().expect("a list");
        requests
            .iter()
            .map(|request| request["id"].as_u64().expect("a number"))
            .collect()
    };
    let all = ids("");
    assert_eq!(all.len(), 4);
    let first = all[0];
    let nth = |places: &[u64]| -> Vec<u64> { places.iter().map(|place| first + place).collect() };
    assert_eq!(ids("method=put"), nth(&[0, 1]));
    assert_eq!(ids("path=/v1/*/c/*"), nth(&[1, 2]));
    assert_eq!(ids("path=/v1/*/c/**"), nth(&[0, 1, 2]));
    assert_eq!(ids("status=404"), nth(&[2]));
    assert_eq!(ids("status=4xx"), nth(&[2, 3]));
    assert_eq!(ids("status=5xx"), nth(&[]));
    assert_eq!(ids("account=AUTH_test2"), nth(&[3]));
    let trans_id = second.header("x-trans-id");
    assert_eq!(ids(&format!("trans_id={trans_id}")), nth(&[1]));
    assert_eq!(ids("limit=2"), nth(&[2, 3]));
    assert_eq!(ids(&format!("since_id={first}&limit=2")), nth(&[1, 2]));
    assert_eq!(ids("method=GET&status=4xx&limit=1"), nth(&[3]));
    assert_eq!(ids("limit=0"), nth(&[]));
}

#[test]
fn refuses_what_it_cannot_look_for_and_names_it() {
    let cloud = Cloud::start();
    for (query, field) in [
        ("status=7xx", "status"),
        ("path=c", "path"),
        ("method=%20", "method"),
        ("since_id=x", "since_id"),
        ("limit=-1", "limit"),
        ("colour=red", "colour"),
    ] {
        for path in ["requests", "requests/tail"] {
            let refused = cloud
                .control("GET", &format!("{path}?{query}"))
                .is(400)
                .json();
            assert_eq!(refused["error"]["field"], field, "{path} {refused}");
        }
    }
    cloud.control("GET", "requests/tail?limit=1").is(400);
    let url = format!("{}requests/tail", cloud.emulator.control_url());
    http("GET", &url, &[("Last-Event-ID", "x")], b"").is(400);
    cloud.control("POST", "requests").is(405);
}

#[test]
fn keeps_the_latest_and_no_more_than_it_was_told() {
    let cloud = Cloud::with(Emulator::builder().journal(3));
    for place in 0..5 {
        cloud
            .send("GET", &format!("/v1/AUTH_test/c/{place}"), b"")
            .is(404);
    }
    let objects: Vec<_> = cloud.all().into_iter().map(|kept| kept.object).collect();
    assert_eq!(objects, ["2", "3", "4"]);
}

#[test]
fn keeps_nothing_where_it_is_turned_off() {
    let cloud = Cloud::with(Emulator::builder().journal(0));
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
    assert!(cloud.all().is_empty());
    assert_eq!(cloud.control("GET", "requests").json()["capacity"], 0);
    let counted =
        "cloudfiles_emulator_requests_total{service=\"storage\",method=\"GET\",status=\"4xx\"} 1\n";
    assert!(cloud.emulator.metrics().contains(counted));
}

#[test]
fn forgets_when_it_is_told_to_and_counts_on() {
    let cloud = Cloud::start();
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
    let id = cloud.only().id;
    cloud.control("DELETE", "requests").is(204);
    let listed = cloud.control("GET", "requests").is(200).json();
    assert_eq!(listed["requests"], Value::Array(Vec::new()));
    assert_eq!(listed["last_id"], id);
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
    assert_eq!(cloud.only().id, id + 1);
}

#[test]
fn names_the_fault_that_struck_and_says_499_where_the_answer_was_lost() {
    let cloud = Cloud::start();
    cloud.send("PUT", "/v1/AUTH_test/c/o", &[b'x'; 100]).is(201);
    cloud.emulator.clear_requests();
    let add = |fault: Fault| cloud.emulator.faults().add(fault).expect("it makes sense");
    let request = format!(
        "GET /v1/AUTH_test/c/o HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {}\r\n\r\n",
        cloud.token
    );
    let busy = add(Fault::on("GET", "/v1/**").status(503).times(1));
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(503);
    let before = add(Fault::on("GET", "/v1/**").reset_before().times(1));
    raw(cloud.emulator.address(), request.as_bytes());
    let after = add(Fault::on("GET", "/v1/**").reset_after().times(1));
    raw(cloud.emulator.address(), request.as_bytes());
    let cut = add(Fault::on("GET", "/v1/**").cut_download_after(40).times(1));
    raw(cloud.emulator.address(), request.as_bytes());
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(200);
    let facts: Vec<_> = cloud
        .all()
        .into_iter()
        .map(|kept| (kept.fault, kept.status))
        .collect();
    assert_eq!(
        facts,
        [
            (Some(busy), 503),
            (Some(before), 499),
            (Some(after), 499),
            (Some(cut), 499),
            (None, 200),
        ]
    );
    assert_eq!(cloud.all()[3].bytes_out, 40);
}

#[test]
fn says_499_where_the_client_went_away_in_the_middle() {
    let cloud = Cloud::start();
    let large = vec![b'x'; 64 << 20];
    cloud.send("PUT", "/v1/AUTH_test/c/o", &large).is(201);
    let mut tail = Tail::open(&cloud, "requests/tail?method=GET", &[]);
    let mut stream = TcpStream::connect(cloud.emulator.address()).expect("it listens");
    write!(
        stream,
        "GET /v1/AUTH_test/c/o HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {}\r\n\r\n",
        cloud.token
    )
    .expect("the head is taken");
    stream.read_exact(&mut [0; 1000]).expect("an answer begins");
    drop(stream);
    let kept = tail.event();
    assert_eq!(kept["status"], 499);
    assert!(kept["bytes_out"].as_u64() < Some(64 << 20));
}

#[test]
fn says_how_much_of_an_upload_was_read_before_its_client_went_away() {
    let cloud = Cloud::start();
    let mut tail = Tail::open(&cloud, "requests/tail?method=PUT", &[]);
    let mut stream = TcpStream::connect(cloud.emulator.address()).expect("it listens");
    write!(
        stream,
        "PUT /v1/AUTH_test/c/o HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {}\r\nContent-Length: 100\r\n\r\n0123456789",
        cloud.token
    )
    .expect("the head is taken");
    drop(stream);
    let kept = tail.event();
    assert_eq!(
        (kept["status"].as_u64(), kept["bytes_in"].as_u64()),
        (Some(499), Some(10))
    );
    cloud.send("GET", "/v1/AUTH_test/c/o", b"").is(404);
}

#[test]
fn control_requests_are_not_kept() {
    let cloud = Cloud::start();
    cloud.control("GET", "clock").is(200);
    cloud.control("GET", "nothing").is(404);
    assert!(cloud.all().is_empty());
}

/// Somebody who follows the journal.
struct Tail {
    lines: BufReader<TcpStream>,
}

impl Tail {
    fn open(cloud: &Cloud, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(cloud.emulator.address()).expect("it listens");
        // Nothing comes late; this only ends a test that would wait for ever.
        let long = Some(Duration::from_mins(1));
        stream
            .set_read_timeout(long)
            .expect("a time limit is taken");
        write!(
            stream,
            "GET /_emulator/{path} HTTP/1.1\r\nHost: localhost\r\n"
        )
        .expect("it is taken");
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n").expect("it is taken");
        }
        stream.write_all(b"\r\n").expect("it is taken");
        let mut tail = Self {
            lines: BufReader::new(stream),
        };
        let mut head = String::new();
        loop {
            let line = tail.line();
            if line.is_empty() {
                break;
            }
            head.push_str(&line);
            head.push('\n');
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("Content-Type: text/event-stream"), "{head}");
        tail
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line comes");
        assert!(line.ends_with('\n'), "the stream ended: {line}");
        line.trim_end().to_owned()
    }

    /// The next line that begins so, without its beginning.
    fn field(&mut self, name: &str) -> String {
        loop {
            let line = self.line();
            if let Some(value) = line.strip_prefix(name) {
                return value.to_owned();
            }
        }
    }

    fn event(&mut self) -> Value {
        let id = self.field("id: ");
        assert_eq!(self.line(), "event: request");
        let event: Value = serde_json::from_str(&self.field("data: ")).expect("JSON");
        assert_eq!(event["id"].to_string(), id);
        event
    }
}

#[test]
fn a_follower_gets_each_request_that_matches_from_then_on() {
    let cloud = Cloud::start();
    cloud.send("PUT", "/v1/AUTH_test/c/before", b"").is(201);
    let mut tail = Tail::open(&cloud, "requests/tail?method=PUT&path=/v1/*/c/*", &[]);
    cloud.send("GET", "/v1/AUTH_test/c/before", b"").is(200);
    for name in ["one", "two", "three"] {
        cloud
            .send("PUT", &format!("/v1/AUTH_test/c/{name}"), b"")
            .is(201);
        assert_eq!(tail.event()["object"], *name);
    }
}

#[test]
fn a_follower_that_comes_back_goes_on_where_it_was() {
    let cloud = Cloud::start();
    for name in ["one", "two", "three"] {
        cloud
            .send("PUT", &format!("/v1/AUTH_test/c/{name}"), b"")
            .is(201);
    }
    let first = cloud.all()[0].id.to_string();
    let mut tail = Tail::open(
        &cloud,
        "requests/tail?since_id=0",
        &[("Last-Event-ID", &first)],
    );
    assert_eq!(tail.event()["object"], "two");
    assert_eq!(tail.event()["object"], "three");
    cloud.send("PUT", "/v1/AUTH_test/c/four", b"").is(201);
    assert_eq!(tail.event()["object"], "four");
}

#[test]
fn a_follower_is_told_how_many_requests_it_has_missed_and_cleared_ones_are_not_missed() {
    let cloud = Cloud::with(Emulator::builder().journal(3));
    let start = cloud.control("GET", "requests").json()["last_id"].to_string();
    for place in 0..8 {
        cloud
            .send("GET", &format!("/v1/AUTH_test/c/{place}"), b"")
            .is(404);
    }
    let path = format!("requests/tail?since_id={start}");
    let mut tail = Tail::open(&cloud, &path, &[]);
    assert_eq!(tail.field(": "), "5 requests are lost, they came too fast");
    assert_eq!(tail.event()["object"], "5");

    cloud.control("DELETE", "requests").is(204);
    let mut tail = Tail::open(&cloud, &path, &[]);
    cloud.send("GET", "/v1/AUTH_test/c/last", b"").is(404);
    loop {
        let line = tail.line();
        assert!(!line.starts_with(':'), "{line}");
        if line.starts_with("data: ") {
            assert!(line.contains("/c/last"), "{line}");
            break;
        }
    }
}
