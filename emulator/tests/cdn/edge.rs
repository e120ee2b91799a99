//! The edge and its cache.

use emulator::DeadlineKind;

use super::{Cloud, Duration, NOON, UNIX_EPOCH, get, http};

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
    cloud.advance(1);
    assert_eq!(get(&url).is(200).header("x-cache"), "HIT");
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
    for _ in 0..2 {
        cloud.advance(1);
        cloud.cdn("DELETE", "/c/o", &[]).is(204);
    }
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
fn a_long_object_is_kept_as_any_other() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let mut large = vec![b'a'; (64 << 20) + 1];
    cloud.storage("PUT", "c/o", &large).is(201);
    let first_three = [("Range", "bytes=0-2")];
    assert_eq!(http("GET", &url, &first_three, b"").is(206).text(), "aaa");
    large[..3].copy_from_slice(b"bbb");
    cloud.storage("PUT", "c/o", &large).is(201);
    let part = http("GET", &url, &first_three, b"").is(206);
    assert_eq!((part.text(), part.header("x-cache")), ("aaa", "HIT"));
    cloud.advance(900);
    assert_eq!(http("GET", &url, &first_three, b"").is(206).text(), "bbb");
}

#[test]
fn what_is_joined_of_segments_to_over_64_mib_is_read_from_storage_each_time() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    cloud
        .storage("PUT", "c/segment", &vec![b'a'; 7 << 20])
        .is(201);
    let segments = [r#"{"path": "c/segment"}"#; 10].join(",");
    let manifest = format!("[{segments}]");
    cloud
        .storage("PUT", "c/o?multipart-manifest=put", manifest.as_bytes())
        .is(201);
    for _ in 0..2 {
        let head = http("HEAD", &url, &[], b"").is(200);
        assert_eq!(
            (head.header("content-length"), head.header("x-cache")),
            ("73400320", "MISS")
        );
        assert_eq!(head.header("cache-control"), "max-age=900, public");
    }
}

#[test]
fn copies_outlive_the_cdns_knowledge_of_their_container_and_go_with_its_account() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    get(&url).is(200);
    cloud
        .cdn("DELETE", "/c", &[("X-Remove-CDN-Container", "true")])
        .is(204);
    assert_eq!(get(&url).is(200).header("x-cache"), "HIT");
    let held = cloud.emulator.deadlines();
    let copy = held
        .iter()
        .find(|deadline| deadline.kind == DeadlineKind::CdnCopy)
        .expect("the copy is among what expires");
    assert_eq!(copy.object.as_deref(), Some("o"));
    assert!(cloud.emulator.reset_account("AUTH_test"));
    get(&url).is(404);
}

#[test]
fn a_purge_of_the_container_drops_all_of_its_copies_and_counts_once() {
    let cloud = Cloud::start();
    let url = cloud.publish();
    let other = url.replace("/o", "/p");
    cloud.storage("PUT", "c/p", b"first").is(201);
    get(&url).is(200);
    get(&other).is(200);
    cloud.storage("PUT", "c/o", b"second").is(201);
    cloud.storage("PUT", "c/p", b"second").is(201);
    let purge = [("X-Purge-Email", "a@b.example")];
    cloud.cdn("DELETE", "/c", &purge).is(204);
    assert_eq!(get(&url).is(200).text(), "second");
    assert_eq!(get(&other).is(200).text(), "second");
    cloud.cdn("HEAD", "/c", &[]).is(204);
    for _ in 1..25 {
        cloud.cdn("DELETE", "/c", &purge).is(204);
    }
    cloud.cdn("DELETE", "/c", &purge).is(498);
    cloud.cdn("DELETE", "/never", &purge).is(404);
}

#[test]
fn an_object_says_itself_which_origins_may_read_it_once_the_account_uses_the_cdn() {
    let cloud = Cloud::start();
    let object = format!("{}/v1/AUTH_test/c/o", cloud.emulator.url());
    let open = [
        ("X-Auth-Token", cloud.token.as_str()),
        ("Access-Control-Allow-Origin", "http://a.example"),
        ("Access-Control-Max-Age", "60"),
    ];
    cloud.storage("PUT", "c", b"").is(201);
    http("PUT", &object, &open, b"").is(201);
    let plain = cloud.storage("HEAD", "c/o", b"").is(200);
    assert_eq!(
        plain.header("access-control-allow-origin"),
        "",
        "as with Swift"
    );

    let url = cloud
        .cdn("PUT", "/c", &[])
        .is(201)
        .header("x-cdn-uri")
        .to_owned()
        + "/o";
    http("POST", &object, &open, b"").is(202);
    for url in [&object, &url] {
        let token = [("X-Auth-Token", cloud.token.as_str())];
        let found = http("GET", url, &token, b"").is(200);
        assert_eq!(
            found.header("access-control-allow-origin"),
            "http://a.example"
        );
        assert_eq!(found.header("access-control-max-age"), "60");
    }
    http("POST", &object, &open[..1], b"").is(202);
    let plain = cloud.storage("HEAD", "c/o", b"").is(200);
    assert_eq!(
        plain.header("access-control-allow-origin"),
        "",
        "POST replaces all"
    );
}
