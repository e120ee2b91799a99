//! The management service.

use emulator::{Emulator, defaults};

use super::{Cloud, get, http, sign_in};

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
