//! The CDN as its clients see it: bytes on a socket, and a clock that the test moves.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, UNIX_EPOCH};

use emulator::{Builder, Emulator, defaults};

/// Twelve o'clock on the first of January 2026.
const NOON: Duration = Duration::from_hours(490_908);

/// An emulator whose clock stands, and the user `test:tester` signed in.
struct Cloud {
    emulator: Emulator,
    token: String,
}

/// What came back; header names are in lower case.
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{:?} {body}", self.headers);
        self
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Sends a request on a connection of its own. A `Host` among the headers takes the place of the true one.
fn http(method: &str, url: &str, headers: Headers, body: &[u8]) -> Answer {
    let address = url.strip_prefix("http://").expect("the URL is plain HTTP");
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut head = format!("{method} /{path} HTTP/1.1\r\n").into_bytes();
    let mut line = |name: &str, value: &str| {
        write!(head, "{name}: {value}\r\n").expect("a vector takes all");
    };
    if !headers.iter().any(|(name, _)| *name == "Host") {
        line("Host", host);
    }
    for (name, value) in headers {
        line(name, value);
    }
    line("Connection", "close");
    line("Content-Length", &body.len().to_string());
    head.extend(b"\r\n");

    let mut stream = TcpStream::connect(host).expect("the emulator listens");
    stream.write_all(&head).expect("the head is taken");
    stream.write_all(body).expect("the body is taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer comes");

    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("the head has an end");
    let head = std::str::from_utf8(&answer[..end]).expect("the head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    Answer {
        status: status
            .and_then(|status| status.parse().ok())
            .expect("there is a status"),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    }
}

fn get(url: &str) -> Answer {
    http("GET", url, &[], b"")
}

impl Cloud {
    fn start() -> Self {
        Self::with(Emulator::builder())
    }

    fn with(builder: Builder) -> Self {
        let emulator = builder.start_blocking().expect("an emulator starts");
        emulator.clock().freeze();
        let token = sign_in(&emulator, "test:tester", "testing");
        Self { emulator, token }
    }

    fn advance(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }

    fn storage(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let url = format!("{}/v1/AUTH_test/{path}", self.emulator.url());
        http(method, &url, &[("X-Auth-Token", &self.token)], body)
    }

    /// A request to the management service.
    fn cdn(&self, method: &str, path: &str, headers: Headers) -> Answer {
        let url = format!("{}/cdn/v1/AUTH_test{path}", self.emulator.url());
        let mut all = vec![("X-Auth-Token", self.token.as_str())];
        all.extend(headers);
        http(method, &url, &all, b"")
    }

    /// A published container `c` whose copies live for 900 s, with the object `o` holding `first`; the object's URL.
    fn publish(&self) -> String {
        self.storage("PUT", "c", b"").is(201);
        self.storage("PUT", "c/o", b"first").is(201);
        let published = self.cdn("PUT", "/c", &[("X-TTL", "900")]).is(201);
        format!("{}/o", published.header("x-cdn-uri"))
    }

    fn ttl(&self, container: &str) -> String {
        let head = self.cdn("HEAD", &format!("/{container}"), &[]).is(204);
        head.header("x-ttl").to_owned()
    }
}

fn sign_in(emulator: &Emulator, user: &str, key: &str) -> String {
    let headers = [("X-Auth-User", user), ("X-Auth-Key", key)];
    let answer = http("GET", &emulator.auth_url(), &headers, b"").is(200);
    answer.header("x-auth-token").to_owned()
}

// Management.

#[test]
fn the_catalogue_leads_to_the_cdn_and_the_cdn_to_the_object() {
    let emulator = Emulator::builder()
        .start_blocking()
        .expect("an emulator starts");
    let credentials = serde_json::json!({"auth": {"RAX-KSKEY:apiKeyCredentials": {
        "username": defaults::RACKSPACE_USER, "apiKey": defaults::RACKSPACE_API_KEY}}});
    let access = http(
        "POST",
        &format!("{}/tokens", emulator.identity_url()),
        &[("Content-Type", "application/json")],
        credentials.to_string().as_bytes(),
    )
    .is(200)
    .json();
    let endpoint = |service: &str| {
        let catalog = access["access"]["serviceCatalog"]
            .as_array()
            .expect("a catalogue");
        let service = catalog.iter().find(|entry| entry["type"] == service);
        let url = &service.expect("the service is there")["endpoints"][0]["publicURL"];
        url.as_str().expect("a URL").to_owned()
    };
    let token = access["access"]["token"]["id"].as_str().expect("a token");
    let token = [("X-Auth-Token", token)];

    let storage = endpoint("object-store");
    http("PUT", &format!("{storage}/photos"), &token, b"").is(201);
    http(
        "PUT",
        &format!("{storage}/photos/a%20b/%C3%A9"),
        &token,
        b"picture",
    )
    .is(201);
    let published = http(
        "PUT",
        &format!("{}/photos", endpoint("rax:object-cdn")),
        &token,
        b"",
    )
    .is(201);
    for name in [
        "x-cdn-uri",
        "x-cdn-ssl-uri",
        "x-cdn-streaming-uri",
        "x-cdn-ios-uri",
    ] {
        let object = get(&format!("{}/a%20b/%C3%A9", published.header(name))).is(200);
        assert_eq!(object.text(), "picture", "{name}");
    }
}

#[test]
fn tells_a_change_from_a_repetition() {
    let cloud = Cloud::start();
    let new = cloud.cdn("PUT", "/c", &[]).is(201);
    assert_eq!(new.body.len(), 18);
    let same = cloud.cdn("PUT", "/c", &[]).is(202);
    assert_eq!(same.body.len(), 58);
    cloud
        .cdn(
            "PUT",
            "/c",
            &[("X-TTL", "259200"), ("X-CDN-Enabled", "yes")],
        )
        .is(202);
    cloud.cdn("PUT", "/c", &[("X-TTL", "1000")]).is(201);
    cloud.cdn("POST", "/c", &[("X-TTL", "1000")]).is(202);
    cloud.cdn("POST", "/never", &[]).is(404);
    cloud.cdn("HEAD", "/never", &[]).is(404);
}

#[test]
fn what_a_request_does_not_name_stays_as_it_is() {
    let cloud = Cloud::start();
    let published = cloud.cdn("PUT", "/c", &[]).is(201);
    let told = |cloud: &Cloud| {
        let head = cloud.cdn("HEAD", "/c", &[]).is(204);
        assert_eq!(head.header("x-cdn-uri"), published.header("x-cdn-uri"));
        ["x-cdn-enabled", "x-ttl", "x-log-retention"].map(|name| head.header(name).to_owned())
    };
    assert_eq!(told(&cloud), ["True", "259200", "False"]);
    cloud
        .cdn("POST", "/c", &[("X-Log-Retention", "True")])
        .is(202);
    cloud.cdn("POST", "/c", &[("X-TTL", "1000")]).is(202);
    cloud
        .cdn("PUT", "/c", &[("X-CDN-Enabled", "False")])
        .is(201);
    assert_eq!(told(&cloud), ["False", "1000", "True"]);
    cloud
        .cdn("POST", "/c", &[("X-CDN-Enabled", "TRUE")])
        .is(202);
    assert_eq!(told(&cloud), ["True", "1000", "True"]);
}

#[test]
fn a_ttl_out_of_bounds_becomes_the_bound() {
    let cloud = Cloud::start();
    for (asked, got) in [
        ("899", "900"),
        ("900", "900"),
        ("901", "901"),
        ("31535999", "31535999"),
        ("31536000", "31536000"),
        ("31536001", "31536000"),
        ("-1", "900"),
    ] {
        let container = format!("c{asked}");
        cloud
            .cdn("PUT", &format!("/{container}"), &[("X-TTL", asked)])
            .is(201);
        assert_eq!(cloud.ttl(&container), got, "{asked}");
    }
    let refused = cloud.cdn("PUT", "/c", &[("X-TTL", "an hour")]).is(400);
    assert_eq!(refused.text(), "Invalid X-TTL, must be integer");
    cloud.cdn("HEAD", "/c", &[]).is(404);
}

#[test]
fn a_strict_cdn_refuses_a_ttl_out_of_bounds_and_changes_nothing() {
    let cloud = Cloud::with(Emulator::builder().strict_cdn(true));
    cloud.cdn("PUT", "/c", &[("X-TTL", "900")]).is(201);
    for ttl in ["899", "31536001"] {
        let refused = cloud
            .cdn("POST", "/c", &[("X-TTL", ttl), ("X-CDN-Enabled", "False")])
            .is(400);
        assert_eq!(
            refused.text(),
            "Invalid X-TTL, must be between 900 and 31536000"
        );
    }
    let head = cloud.cdn("HEAD", "/c", &[]).is(204);
    assert_eq!(
        (head.header("x-ttl"), head.header("x-cdn-enabled")),
        ("900", "True")
    );
    cloud.cdn("POST", "/c", &[("X-TTL", "31536000")]).is(202);
}

#[test]
fn only_owners_and_resellers_manage_an_account() {
    let cloud = Cloud::start();
    let url = format!("{}/cdn/v1/AUTH_test/c", cloud.emulator.url());
    http("PUT", &url, &[], b"").is(401);
    http("PUT", &url, &[("X-Auth-Token", "AUTH_tknonsense")], b"").is(401);
    let put_as = |user: &str, key: &str| {
        let token = sign_in(&cloud.emulator, user, key);
        http("PUT", &url, &[("X-Auth-Token", &token)], b"")
    };
    put_as("test2:tester2", "testing2").is(403);
    put_as("test:tester3", "testing3").is(403);
    put_as("admin:admin", "admin").is(201);
    cloud.cdn("PUT", "/c", &[]).is(202);
    cloud.advance(defaults::TOKEN_LIFE_SECONDS + 1);
    cloud.cdn("PUT", "/c", &[]).is(401);
}

#[test]
fn a_container_that_is_removed_begins_afresh_at_the_same_addresses() {
    let cloud = Cloud::start();
    let first = cloud.cdn("PUT", "/c", &[("X-TTL", "1000")]).is(201);
    cloud.cdn("DELETE", "/c", &[]).is(405);
    let remove = [("X-Remove-CDN-Container", "true")];
    cloud.cdn("DELETE", "/c", &remove).is(204);
    cloud.cdn("DELETE", "/c", &remove).is(404);
    cloud.cdn("HEAD", "/c", &[]).is(404);
    cloud.cdn("POST", "/c", &[]).is(404);
    let second = cloud.cdn("PUT", "/c", &[]).is(201);
    assert_eq!(second.header("x-cdn-uri"), first.header("x-cdn-uri"));
    assert_eq!(cloud.ttl("c"), "259200");
}

#[test]
fn refuses_what_names_no_container() {
    let cloud = Cloud::start();
    for method in ["PUT", "POST", "HEAD", "DELETE"] {
        cloud.cdn(method, "", &[]).is(400);
    }
    cloud.cdn("PUT", "/c/o", &[]).is(404);
    cloud.cdn("PATCH", "/c", &[]).is(404);
}

#[test]
fn lists_containers_as_text_json_and_xml() {
    let cloud = Cloud::start();
    cloud.cdn("GET", "", &[]).is(204);
    assert_eq!(cloud.cdn("GET", "?format=json", &[]).is(200).text(), "[]");
    cloud.cdn("PUT", "/b%26b", &[("X-TTL", "900")]).is(201);
    let off = [("X-CDN-Enabled", "False"), ("X-Log-Retention", "True")];
    let uris = cloud.cdn("PUT", "/a", &off).is(201);

    assert_eq!(cloud.cdn("GET", "", &[]).is(200).text(), "a\nb&b\n");
    let json = cloud
        .cdn("GET", "", &[("Accept", "application/json")])
        .is(200)
        .json();
    assert_eq!(json.as_array().map(Vec::len), Some(2));
    assert_eq!(
        json[0],
        serde_json::json!({
            "name": "a", "cdn_enabled": false, "ttl": 259_200, "log_retention": true,
            "cdn_uri": uris.header("x-cdn-uri"),
            "cdn_ssl_uri": uris.header("x-cdn-ssl-uri"),
            "cdn_streaming_uri": uris.header("x-cdn-streaming-uri"),
            "cdn_ios_uri": uris.header("x-cdn-ios-uri"),
        })
    );
    let xml = cloud.cdn("GET", "?format=xml", &[]).is(200);
    assert!(
        xml.text()
            .contains("<account name=\"AUTH_test\"><container><name>a</name>")
    );
    assert!(
        xml.text()
            .contains("<name>b&amp;b</name><cdn_enabled>True</cdn_enabled><ttl>900</ttl>")
    );
}

#[test]
fn lists_page_by_page() {
    let cloud = Cloud::start();
    for container in ["a", "b", "c", "d"] {
        let enabled = if container == "b" { "False" } else { "True" };
        cloud
            .cdn(
                "PUT",
                &format!("/{container}"),
                &[("X-CDN-Enabled", enabled)],
            )
            .is(201);
    }
    for (query, names) in [
        ("limit=2", "a\nb\n"),
        ("marker=b", "c\nd\n"),
        ("marker=a&limit=1", "b\n"),
        ("marker=a&end_marker=d", "b\nc\n"),
        ("end_marker=a", "\n"),
        ("enabled_only=true", "a\nc\nd\n"),
        ("enabled=true", "a\nc\nd\n"),
        ("enabled=false", "b\n"),
        ("marker=d", "\n"),
    ] {
        assert_eq!(
            cloud.cdn("GET", &format!("?{query}"), &[]).is(200).text(),
            names,
            "{query}"
        );
    }
    let refused = cloud.cdn("GET", "?limit=few", &[]).is(400);
    assert_eq!(refused.text(), "Invalid limit, must be an integer");
}

// The edge.

#[test]
fn a_copy_outlives_its_publication_until_the_very_second_its_ttl_runs_out() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let first = get(&url).is(200);
    assert_eq!(
        (first.text(), first.header("x-cache"), first.header("age")),
        ("first", "MISS", "0")
    );
    assert_eq!(first.header("cache-control"), "max-age=900, public");

    cloud
        .cdn("POST", "/c", &[("X-CDN-Enabled", "False")])
        .is(202);
    cloud.advance(899);
    let last = get(&url).is(200);
    assert_eq!(
        (last.text(), last.header("x-cache"), last.header("age")),
        ("first", "HIT", "899")
    );
    assert_eq!(last.header("expires"), first.header("expires"));
    cloud.advance(1);
    assert_eq!(get(&url).is(404).header("x-cache"), "MISS");
    cloud.advance(1);
    assert_eq!(get(&url).is(404).header("x-cache"), "HIT");
}

#[test]
fn a_copy_expires_by_the_clock_and_not_by_whole_seconds() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    get(&url).is(200);
    cloud.storage("PUT", "c/o", b"second").is(201);
    cloud
        .emulator
        .clock()
        .advance(Duration::from_millis(899_999));
    assert_eq!(get(&url).is(200).text(), "first");
    cloud.emulator.clock().advance(Duration::from_millis(1));
    assert_eq!(get(&url).is(200).text(), "second");
}

#[test]
fn expires_tells_the_end_of_the_ttl() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    cloud.emulator.clock().set(UNIX_EPOCH + NOON);
    assert_eq!(
        get(&url).is(200).header("expires"),
        "Thu, 01 Jan 2026 12:15:00 GMT"
    );
}

#[test]
fn a_copy_of_a_deleted_object_is_served_and_then_its_absence() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    get(&url).is(200);
    cloud.storage("DELETE", "c/o", b"").is(204);
    cloud.storage("DELETE", "c", b"").is(204);
    cloud.advance(899);
    assert_eq!(get(&url).is(200).text(), "first");
    cloud.advance(1);
    get(&url).is(404);
}

#[test]
fn a_new_ttl_counts_from_the_next_fetch() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    get(&url).is(200);
    cloud.storage("PUT", "c/o", b"second").is(201);
    cloud.cdn("POST", "/c", &[("X-TTL", "3600")]).is(202);
    cloud.advance(899);
    let old = get(&url).is(200);
    assert_eq!(
        (old.text(), old.header("cache-control")),
        ("first", "max-age=900, public")
    );
    cloud.advance(1);
    let new = get(&url).is(200);
    assert_eq!(
        (new.text(), new.header("cache-control")),
        ("second", "max-age=3600, public")
    );
}

#[test]
fn that_nothing_is_there_is_kept_for_thirty_seconds() {
    let cloud = Cloud::start();
    cloud.publish();
    let uri = cloud
        .cdn("HEAD", "/c", &[])
        .is(204)
        .header("x-cdn-uri")
        .to_owned();
    let url = format!("{uri}/later");
    let missing = get(&url).is(404);
    assert_eq!(
        (missing.header("cache-control"), missing.header("x-cache")),
        ("max-age=30, public", "MISS")
    );
    cloud.storage("PUT", "c/later", b"here").is(201);
    cloud.advance(29);
    let kept = get(&url).is(404);
    assert_eq!((kept.header("x-cache"), kept.header("age")), ("HIT", "29"));
    cloud.advance(1);
    assert_eq!(get(&url).is(200).text(), "here");
}

#[test]
fn what_was_never_fetched_goes_at_once() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    cloud
        .cdn("POST", "/c", &[("X-CDN-Enabled", "False")])
        .is(202);
    get(&url).is(404);
    let container = url.strip_suffix("/o").expect("the object is at the end");
    get(container).is(404);
    get(&format!("{container}/")).is(404);
}

#[test]
fn a_purge_drops_the_copy_and_leaves_the_object() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    get(&url).is(200);
    cloud.storage("PUT", "c/o", b"second").is(201);
    assert_eq!(get(&url).is(200).text(), "first");
    cloud
        .cdn(
            "DELETE",
            "/c/o",
            &[("X-Purge-Email", "a@example.com, b@example.com")],
        )
        .is(204);
    let fetched = get(&url).is(200);
    assert_eq!(
        (fetched.text(), fetched.header("x-cache")),
        ("second", "MISS")
    );
    assert_eq!(cloud.storage("GET", "c/o", b"").is(200).text(), "second");
    cloud.cdn("DELETE", "/never/o", &[]).is(404);
}

#[test]
fn a_day_has_twenty_five_purges() {
    let cloud = Cloud::start();
    cloud.publish();
    cloud.emulator.clock().set(UNIX_EPOCH + NOON);
    for _ in 0..25 {
        cloud.cdn("DELETE", "/c/o", &[]).is(204);
    }
    cloud.cdn("DELETE", "/c/o", &[]).is(498);
    cloud.advance(43_199);
    cloud.cdn("DELETE", "/c/o", &[]).is(498);
    cloud.advance(1);
    cloud.cdn("DELETE", "/c/o", &[]).is(204);
}

#[test]
fn ranges_are_served_from_the_copy() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    get(&url).is(200);
    cloud.storage("DELETE", "c/o", b"").is(204);
    let range = |value: &str| http("GET", &url, &[("Range", value)], b"");

    let part = range("bytes=1-3").is(206);
    assert_eq!(
        (part.text(), part.header("content-range")),
        ("irs", "bytes 1-3/5")
    );
    assert_eq!(
        (part.header("x-cache"), part.header("cache-control")),
        ("HIT", "max-age=900, public")
    );
    assert_eq!(range("bytes=-2").is(206).text(), "st");
    let parts = range("bytes=0-0,4-4").is(206);
    assert!(
        parts
            .header("content-type")
            .starts_with("multipart/byteranges")
    );
    let beyond = range("bytes=5-").is(416);
    assert_eq!(
        (
            beyond.header("content-range"),
            beyond.header("cache-control")
        ),
        ("bytes */5", "max-age=30, public")
    );
    let changed = [("Range", "bytes=1-3"), ("If-Range", "\"another\"")];
    assert_eq!(http("GET", &url, &changed, b"").is(200).text(), "first");
}

#[test]
fn conditions_are_judged_on_the_copy() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let first = get(&url).is(200);
    cloud.storage("PUT", "c/o", b"second").is(201);
    let etag = first.header("etag");
    let quoted = format!("\"{etag}\"");
    let asked = |name: &str, value: &str| http("GET", &url, &[(name, value)], b"");

    for etag in [etag, &quoted, "*"] {
        let unchanged = asked("If-None-Match", etag).is(304);
        assert_eq!(unchanged.header("cache-control"), "max-age=900, public");
        assert_eq!(
            (unchanged.header("x-cache"), unchanged.body.len()),
            ("HIT", 0)
        );
        asked("If-Match", etag).is(200);
    }
    asked("If-None-Match", "\"another\"").is(200);
    asked("If-Match", "\"another\"").is(412);
    asked("If-Modified-Since", first.header("last-modified")).is(304);
    asked("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT").is(200);
}

#[test]
fn head_tells_what_get_would_and_fetches_a_copy() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let head = http("HEAD", &url, &[], b"").is(200);
    assert_eq!((head.header("content-length"), head.body.len()), ("5", 0));
    cloud.storage("PUT", "c/o", b"second").is(201);
    let copy = get(&url).is(200);
    assert_eq!((copy.text(), copy.header("x-cache")), ("first", "HIT"));
    for name in [
        "etag",
        "last-modified",
        "content-type",
        "cache-control",
        "expires",
        "accept-ranges",
        "x-timestamp",
    ] {
        assert!(!head.header(name).is_empty(), "{name}");
        assert_eq!(head.header(name), copy.header(name), "{name}");
    }
    let missing = http("HEAD", &format!("{url}-not"), &[], b"").is(404);
    assert_eq!(missing.body.len(), 0);
}

#[test]
fn the_edge_is_known_by_its_host_as_well() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let label = url.rsplit('/').nth(1).expect("the label is in the path");
    let object = format!("{}/o", cloud.emulator.url());
    for host in [
        format!("{label}.rackcdn.com"),
        format!("{label}.localhost:8080"),
    ] {
        assert_eq!(
            http("GET", &object, &[("Host", &host)], b"").is(200).text(),
            "first",
            "{host}"
        );
    }
    http("GET", &object, &[("Host", "nonsense.rackcdn.com")], b"").is(404);
}

#[test]
fn an_address_that_leads_nowhere_does_so_for_a_day() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let edge = format!("{}/_cdn", cloud.emulator.url());
    let lasting = "max-age=86400, public";
    assert_eq!(
        get(&format!("{edge}/nonsense/o"))
            .is(404)
            .header("cache-control"),
        lasting
    );
    assert_eq!(
        get(&format!("{edge}/t-nonsense.r5.cf1/o"))
            .is(400)
            .header("cache-control"),
        lasting
    );
    let unknown = get(&format!("{edge}/t-{:032x}.r5.cf1/o", 5)).is(404);
    assert_eq!(unknown.header("cache-control"), "max-age=30, public");
    for method in ["PUT", "POST", "DELETE"] {
        let refused = http(method, &url, &[("X-Auth-Token", &cloud.token)], b"").is(405);
        assert_eq!(
            (refused.header("allow"), refused.header("cache-control")),
            ("GET, HEAD, OPTIONS", lasting)
        );
    }
    assert_eq!(cloud.storage("GET", "c/o", b"").is(200).text(), "first");
}

#[test]
fn options_offers_to_read_and_no_more() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    assert_eq!(
        http("OPTIONS", &url, &[], b"").is(200).header("allow"),
        "GET, HEAD, OPTIONS"
    );
    let write = [
        ("Origin", "http://example.com"),
        ("Access-Control-Request-Method", "PUT"),
    ];
    assert_eq!(
        http("OPTIONS", &url, &write, b"").is(401).header("allow"),
        "GET, HEAD, OPTIONS"
    );
}

#[test]
fn an_object_over_64_mib_is_read_from_storage_each_time() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let mut large = vec![b'a'; (64 << 20) + 1];
    cloud.storage("PUT", "c/o", &large).is(201);
    let first_three = [("Range", "bytes=0-2")];
    assert_eq!(http("GET", &url, &first_three, b"").is(206).text(), "aaa");
    large[..3].copy_from_slice(b"bbb");
    cloud.storage("PUT", "c/o", &large).is(201);
    let part = http("GET", &url, &first_three, b"").is(206);
    assert_eq!(
        (part.text(), part.header("cache-control")),
        ("bbb", "max-age=900, public")
    );
    let head = http("HEAD", &url, &[], b"").is(200);
    assert_eq!(
        (head.header("content-length"), head.header("x-cache")),
        ("67108865", "MISS")
    );
}
