//! The outcome of a copy as a body, for clients that asked to be kept awake.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use crate::accept;
use crate::message::{Body, Response};
use crate::reject::reason;
use crate::resources::metadata::title;

/// No answer to a PUT is longer than this, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// 202, with what became of the copy in the body (`get_heartbeat_response_body` in `swift/common/request_helpers.py`).
pub(super) async fn outcome(
    response: Response,
    answer: HeaderMap,
    source: &str,
    accept: Option<&HeaderValue>,
) -> Response {
    const FORMS: [&str; 2] = ["text/plain", "application/json"];
    let form = accept
        .and_then(|accept| accept.to_str().ok())
        .and_then(|accept| accept::best_match(accept, &FORMS).ok()?)
        .unwrap_or("text/plain");

    let status = format!("{} {}", response.status.as_u16(), reason(response.status));
    let failed = !response.is_success();
    let mut told = BTreeMap::new();
    for (name, value) in answer.iter().chain(&response.headers) {
        if !name.as_str().starts_with("x-object-sysmeta-")
            && !name.as_str().starts_with("x-backend")
        {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            told.insert(title(name.as_str()), value);
        }
    }
    let body = response
        .body
        .collect(LONGEST_ANSWER)
        .await
        .unwrap_or_default();
    told.insert("Response Status".to_owned(), status.clone());
    told.insert(
        "Response Body".to_owned(),
        String::from_utf8_lossy(&body).into_owned(),
    );

    // The blank is what Swift sends to keep the connection awake.
    let mut text = String::from(" ");
    if form == "application/json" {
        let mut told = json!(told);
        told["Errors"] = if failed {
            json!([[source, status]])
        } else {
            json!([])
        };
        let _ = write!(text, "{told}");
    } else {
        for (name, value) in &told {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push_str("Errors:\n");
        if failed {
            let _ = writeln!(text, "{source}, {status}");
        }
    }
    let mut response = Response::new(StatusCode::ACCEPTED);
    response
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(form));
    response.body = Body::Bytes(Bytes::from(text));
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use http::header::ETAG;

    use super::*;
    use crate::reject::Reject;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[tokio::test]
    async fn the_outcome_names_the_source_where_the_copy_failed() {
        let refused = Reject::not_found().into_response();
        let accept = HeaderValue::from_static("application/json");
        let response = outcome(
            refused,
            headers(&[("x-copied-from", "c/o")]),
            "c/o",
            Some(&accept),
        )
        .await;

        assert_eq!(response.status, StatusCode::ACCEPTED);
        let body = response
            .body
            .collect(LONGEST_ANSWER)
            .await
            .expect("it is in memory");
        let told: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
        assert_eq!(told["Response Status"], "404 Not Found");
        assert_eq!(told["X-Copied-From"], "c/o");
        assert_eq!(told["Errors"], json!([["c/o", "404 Not Found"]]));
    }

    #[tokio::test]
    async fn the_outcome_is_plain_text_unless_json_is_asked_for() {
        let mut made = Response::new(StatusCode::CREATED);
        made.set(ETAG, "abc");
        let response = outcome(
            made,
            headers(&[("x-object-sysmeta-a", "hidden")]),
            "c/o",
            None,
        )
        .await;

        let body = response
            .body
            .collect(LONGEST_ANSWER)
            .await
            .expect("it is in memory");
        let expected = " Etag: abc\nResponse Body: \nResponse Status: 201 Created\nErrors:\n";
        assert_eq!(body, expected);
    }
}
