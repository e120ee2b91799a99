//! Access logs in `.CDN_ACCESS_LOGS`.

use std::io::Read;

use flate2::read::GzDecoder;

use super::{Cloud, NOON, UNIX_EPOCH, get, http};

const LOGS: &str = ".CDN_ACCESS_LOGS";

impl Cloud {
    /// The names of the logs that have been delivered.
    fn logs(&self) -> Vec<String> {
        let listing = self.storage("GET", LOGS, b"");
        match listing.status {
            404 => Vec::new(),
            _ => listing.text().lines().map(str::to_owned).collect(),
        }
    }

    fn log(&self, name: &str) -> String {
        let packed = self.storage("GET", &format!("{LOGS}/{name}"), b"").is(200);
        let mut text = String::new();
        GzDecoder::new(packed.body.as_slice())
            .read_to_string(&mut text)
            .expect("a log is gzip of text");
        text
    }
}

/// Noon, and the container `c` published with logs; the URL of its object `o`.
fn logged() -> (Cloud, String) {
    let cloud = Cloud::start();
    cloud.emulator.clock().set(UNIX_EPOCH + NOON);
    let url = cloud.publish();
    cloud
        .cdn("POST", "/c", &[("X-Log-Retention", "True")])
        .is(202);
    (cloud, url)
}

#[test]
fn a_log_is_delivered_at_the_end_of_its_hour_and_not_before() {
    let (cloud, url) = logged();
    cloud.advance(1800);
    get(&url).is(200);
    cloud.advance(1799);
    assert!(cloud.logs().is_empty());
    cloud.advance(1);
    let logs = cloud.logs();
    assert_eq!(logs.len(), 1);
    let (folder, file) = logs[0].rsplit_once('/').expect("it lies in folders");
    assert_eq!(folder, "c/2026/01/01/12");
    let hash = file.strip_suffix(".log.gz").expect("it is packed");
    assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    cloud.advance(3600);
    assert_eq!(cloud.logs(), logs, "nothing is delivered twice");
}

#[test]
fn a_line_says_who_fetched_what_and_what_came_of_it() {
    let (cloud, url) = logged();
    let label = url
        .split_once("/_cdn/")
        .and_then(|(_, rest)| rest.strip_suffix("/o"))
        .expect("it is below the edge");
    let from = [("Referer", "http://a.b/\"x"), ("User-Agent", "tester/1.0")];
    http("GET", &url, &from, b"").is(200);
    cloud.advance(61);
    http("HEAD", &url, &[], b"").is(200);
    http("GET", &url, &[("Range", "bytes=1-2")], b"").is(206);
    get(&url.replace("/o", "/a%20b")).is(404);
    http("PUT", &url, &[], b"").is(405);
    cloud.advance(3600);
    let log = cloud.log(&cloud.logs()[0]);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(
        lines[0],
        format!(
            "127.0.0.1 - - [01/01/2026:12:00:00 +0000] \"GET /{label}.rackcdn.com/o HTTP/1.1\" 200 5 \
             \"http://a.b/\\\"x\" \"tester/1.0\""
        )
    );
    assert_eq!(
        lines[1],
        format!(
            "127.0.0.1 - - [01/01/2026:12:01:01 +0000] \"HEAD /{label}.rackcdn.com/o HTTP/1.1\" 200 0 \"-\" \"-\""
        )
    );
    assert!(lines[2].contains("/o HTTP/1.1\" 206 2 "), "{}", lines[2]);
    assert!(lines[3].contains("/a%20b HTTP/1.1\" 404 "), "{}", lines[3]);
    assert!(lines[4].contains("\"PUT "), "{}", lines[4]);
    assert_eq!(lines.len(), 5);
}

#[test]
fn each_hour_has_a_log_of_its_own() {
    let (cloud, url) = logged();
    get(&url).is(200);
    cloud.advance(3600);
    get(&url).is(200);
    cloud.advance(3600);
    let folders: Vec<String> = cloud
        .logs()
        .iter()
        .filter_map(|name| Some(name.rsplit_once('/')?.0.to_owned()))
        .collect();
    assert_eq!(folders, ["c/2026/01/01/12", "c/2026/01/01/13"]);
}

#[test]
fn nothing_is_noted_without_log_retention() {
    let (cloud, url) = logged();
    cloud
        .cdn("POST", "/c", &[("X-Log-Retention", "False")])
        .is(202);
    get(&url).is(200);
    cloud.advance(7200);
    assert!(cloud.logs().is_empty());
}

#[test]
fn a_long_log_does_not_wait_for_the_end_of_its_hour() {
    let (cloud, url) = logged();
    let agent = "x".repeat(8000);
    for _ in 0..9 {
        http("HEAD", &url, &[("User-Agent", &agent)], b"").is(200);
    }
    assert_eq!(cloud.logs().len(), 1);
    cloud.advance(3600);
    let logs = cloud.logs();
    let lines: usize = logs
        .iter()
        .map(|name| cloud.log(name).lines().count())
        .sum();
    assert_eq!((logs.len(), lines), (1, 9), "a log that is full is whole");
}
