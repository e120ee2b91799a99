//! Which versions of identity there are, as Keystone tells it: `/`, `/v2.0`, `/v3`.

use http::header::{ACCEPT, LOCATION};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::message::{Request, Response};
use crate::region::host_url;

/// `/` belongs to Swift, which has nothing there; only who wants JSON is told of versions.
pub(super) fn is_wanted(request: &Request) -> bool {
    request.method == Method::GET
        && request
            .header(ACCEPT.as_str())
            .is_some_and(|accept| accept.contains("application/json"))
}

/// All versions, the newest first: 300, as there is a choice to make.
pub(super) fn all(request: &Request) -> Response {
    let base = host_url(&request.headers);
    let values = [v3(&base), v2(&base)];
    let mut response = Response::json(
        StatusCode::MULTIPLE_CHOICES,
        &json!({"versions": {"values": values}}),
    );
    response.set(LOCATION, &format!("{base}/v3/"));
    response
}

/// One version.
pub(super) fn one(version: &Value) -> Response {
    Response::json(StatusCode::OK, &json!({"version": version}))
}

pub(super) fn v2(base: &str) -> Value {
    json!({
        "id": "v2.0",
        "status": "deprecated",
        "updated": "2016-08-04T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{base}/v2.0/")}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v2.0+json"
        }]
    })
}

pub(super) fn v3(base: &str) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{base}/v3/")}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json"
        }]
    })
}
