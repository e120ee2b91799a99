//! `GET /info`: what this Swift can do and where its limits are.

use serde_json::json;

use crate::target::Target;

#[tokio::test]
async fn tells_anybody_what_the_server_can_do() {
    let swift = Target::start().await;

    let info = swift.get("/info").anonymous().await.is(200);
    assert_eq!(
        info.header("content-type"),
        Some("application/json; charset=UTF-8")
    );
    assert!(info.json().is_object());
    let head = swift.head("/info").anonymous().await.is(200);
    assert_eq!(head.header("content-length"), info.header("content-length"));
}

#[tokio::test]
async fn names_the_limits_that_clients_go_by() {
    let swift = Target::start().await;

    for limit in [
        "max_file_size",
        "max_meta_name_length",
        "max_meta_value_length",
        "max_meta_count",
        "max_meta_overall_size",
        "max_header_size",
        "max_object_name_length",
        "max_container_name_length",
        "max_account_name_length",
        "container_listing_limit",
        "account_listing_limit",
    ] {
        let value = &swift.info["swift"][limit];
        assert!(
            value.as_u64().is_some_and(|value| value > 0),
            "{limit} is {value}"
        );
    }
    assert!(swift.info["swift"]["version"].is_string());
}

#[tokio::test]
async fn names_its_policies_with_one_default() {
    let swift = Target::start().await;

    let policies = swift.info["swift"]["policies"]
        .as_array()
        .expect("a list of policies");
    let defaults = policies
        .iter()
        .filter(|policy| policy["default"] == true)
        .count();
    assert_eq!(defaults, 1);
    for policy in policies {
        assert!(policy["name"].is_string());
        assert!(policy["aliases"].is_string());
        assert_ne!(
            policy["default"],
            json!(false),
            "only the default has the field"
        );
    }
}

#[tokio::test]
async fn names_every_feature_of_a_standard_pipeline() {
    let names = [
        "account_quotas",
        "bulk_delete",
        "bulk_upload",
        "container_quotas",
        "crossdomain",
        "domain_remap",
        "etag_quoter",
        "formpost",
        "object_versioning",
        "ratelimit",
        "slo",
        "staticweb",
        "symlink",
        "tempauth",
        "tempurl",
        "versioned_writes",
    ];
    let Some(swift) = Target::with(names).await else {
        return;
    };

    assert_eq!(
        swift.info["tempurl"]["methods"],
        json!(["GET", "HEAD", "PUT", "POST", "DELETE"])
    );
    assert_eq!(
        swift.info["tempurl"]["allowed_digests"],
        json!(["sha1", "sha256", "sha512"])
    );
    assert_eq!(
        swift.info["formpost"]["allowed_digests"],
        json!(["sha1", "sha256", "sha512"])
    );
    assert_eq!(
        swift.info["versioned_writes"]["allowed_flags"],
        json!(["x-versions-location", "x-history-location"])
    );
    assert_eq!(swift.info["slo"]["min_segment_size"], 1);
    assert_eq!(swift.info["symlink"]["static_links"], true);
}

#[tokio::test]
async fn allows_only_reading() {
    let swift = Target::start().await;

    for method in ["POST", "PUT", "DELETE"] {
        let answer = swift.request(method, "/info").anonymous().await.shows(405);
        let mut allowed: Vec<_> = answer
            .header("allow")
            .expect("the methods")
            .split(", ")
            .collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "HEAD", "OPTIONS"]);
    }
    swift.request("OPTIONS", "/info").anonymous().await.is(200);
}

#[tokio::test]
async fn refuses_a_signed_request_with_a_wrong_signature() {
    let swift = Target::start().await;

    swift
        .get("/info?swiftinfo_sig=bad&swiftinfo_expires=4102444800")
        .anonymous()
        .await
        .shows(403);
}

#[tokio::test]
async fn answers_only_under_its_own_name() {
    let swift = Target::start().await;

    let answer = swift.get("/info%20asdf").anonymous().await.is(412);
    assert_eq!(answer.text(), "Bad URL");
    swift.get("/info/x").anonymous().await.shows(400);
}
