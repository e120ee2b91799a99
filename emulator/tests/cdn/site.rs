//! Containers that are sites, at the edge.

use super::{Cloud, get, http};

/// A published container `c` with metadata that makes it a site; the address it is published at.
fn site(cloud: &Cloud, metadata: &[(&str, &str)]) -> String {
    let url = format!("{}/v1/AUTH_test/c", cloud.emulator.url());
    let mut headers = vec![("X-Auth-Token", cloud.token.as_str())];
    headers.extend(metadata);
    http("PUT", &url, &headers, b"").is(201);
    let published = cloud.cdn("PUT", "/c", &[("X-TTL", "900")]).is(201);
    published.header("x-cdn-uri").to_owned()
}

#[test]
fn the_index_stands_for_the_root_and_for_each_level_though_the_container_is_private() {
    let cloud = Cloud::start();
    let uri = site(&cloud, &[("X-Container-Meta-Web-Index", "index.html")]);
    cloud.storage("PUT", "c/index.html", b"home").is(201);
    cloud.storage("PUT", "c/sub/index.html", b"below").is(201);
    let home = get(&format!("{uri}/")).is(200);
    assert_eq!(home.text(), "home");
    assert_eq!(home.header("content-type"), "text/html");
    assert_eq!(home.header("cache-control"), "max-age=900, public");
    assert_eq!(get(&format!("{uri}/sub/")).is(200).text(), "below");
}

#[test]
fn a_page_is_kept_for_the_ttl_and_purged_like_an_object() {
    let cloud = Cloud::start();
    let uri = site(&cloud, &[("X-Container-Meta-Web-Index", "index.html")]);
    cloud.storage("PUT", "c/index.html", b"old").is(201);
    get(&format!("{uri}/")).is(200);
    cloud.storage("PUT", "c/index.html", b"new").is(201);
    cloud.advance(899);
    let kept = get(&format!("{uri}/")).is(200);
    assert_eq!((kept.text(), kept.header("x-cache")), ("old", "HIT"));
    cloud.advance(1);
    assert_eq!(get(&format!("{uri}/")).is(200).text(), "new");
}

#[test]
fn a_level_without_its_slash_leads_to_it_within_the_edge() {
    let cloud = Cloud::start();
    let uri = site(&cloud, &[("X-Container-Meta-Web-Index", "index.html")]);
    cloud.storage("PUT", "c/index.html", b"home").is(201);
    cloud.storage("PUT", "c/a%20b/index.html", b"below").is(201);
    let base = uri.split_once("/_cdn/").expect("it is below the edge").1;
    let moved = get(&format!("{uri}/a%20b")).is(301);
    assert_eq!(moved.header("location"), format!("/_cdn/{base}/a%20b/"));
    assert_eq!(moved.header("cache-control"), "max-age=900, public");
    let moved = get(&uri).is(301);
    assert_eq!(moved.header("location"), format!("/_cdn/{base}/"));

    let host = format!("{base}.rackcdn.com");
    let url = format!("{}/a%20b", cloud.emulator.url());
    let moved = http("GET", &url, &[("Host", &host)], b"").is(301);
    assert_eq!(moved.header("location"), "/a%20b/");
    // The root of a host has its slash always, whatever the copy at the other address.
    let root = http("GET", cloud.emulator.url(), &[("Host", &host)], b"").is(200);
    assert_eq!(root.text(), "home");
    get(&uri).is(301);
}

#[test]
fn levels_are_listed_where_the_container_says_so_and_not_elsewhere() {
    let cloud = Cloud::start();
    let listings = [
        ("X-Container-Meta-Web-Listings", "true"),
        ("X-Container-Meta-Web-Listings-CSS", "style.css"),
    ];
    let uri = site(&cloud, &listings);
    cloud.storage("PUT", "c/sub/o", b"").is(201);
    let listed = get(&format!("{uri}/")).is(200);
    assert!(
        listed.text().contains("href=\"./sub/\""),
        "{}",
        listed.text()
    );
    assert!(listed.text().contains("style.css"));
    get(&format!("{uri}/sub/")).is(200);

    cloud.storage("PUT", "d", b"").is(201);
    cloud.storage("PUT", "d/o", b"").is(201);
    let published = cloud.cdn("PUT", "/d", &[]).is(201);
    get(&format!("{}/", published.header("x-cdn-uri"))).is(404);
}

#[test]
fn the_sites_own_page_is_shown_for_an_error_and_kept_for_half_a_minute() {
    let cloud = Cloud::start();
    let pages = [
        ("X-Container-Meta-Web-Index", "index.html"),
        ("X-Container-Meta-Web-Error", "error.html"),
    ];
    let uri = site(&cloud, &pages);
    cloud.storage("PUT", "c/404error.html", b"lost?").is(201);
    let lost = get(&format!("{uri}/nowhere")).is(404);
    assert_eq!(lost.text(), "lost?");
    assert_eq!(lost.header("cache-control"), "max-age=30, public");
    cloud.storage("PUT", "c/nowhere", b"found").is(201);
    cloud.advance(29);
    get(&format!("{uri}/nowhere")).is(404);
    cloud.advance(1);
    assert_eq!(get(&format!("{uri}/nowhere")).is(200).text(), "found");
}

#[test]
fn a_marker_of_the_containers_own_type_stands_for_a_level() {
    let cloud = Cloud::start();
    let pages = [
        ("X-Container-Meta-Web-Index", "index.html"),
        ("X-Container-Meta-Web-Directory-Type", "text/directory"),
    ];
    let uri = site(&cloud, &pages);
    let url = format!("{}/v1/AUTH_test/c/sub", cloud.emulator.url());
    let typed = [
        ("X-Auth-Token", cloud.token.as_str()),
        ("Content-Type", "text/directory"),
    ];
    http("PUT", &url, &typed, b"").is(201);
    cloud.storage("PUT", "c/sub/index.html", b"below").is(201);
    get(&format!("{uri}/sub")).is(301);
}
