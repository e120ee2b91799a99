//! Why the server would answer as it would to a URL.
//!
//! ```text
//! POST /_emulator/explain {"url": …, "method": "GET"?, "ip": …?}
//!   → {"allowed": false, "cause": "expired", "message": "…", "findings": [{"cause", "message"}, …],
//!      "expires"?, "expires_unix"?, "signed_method"?, "digest"?, "key"?: {"of", "number", "replaced"?}}
//! ```

use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;
use serde_json::json;

use super::call::{Call, json};
use super::{Answer, Refused, moment};

/// No request line is longer, in bytes, so no URL of ours is either.
const LONGEST_URL: usize = 8192;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    url: Option<String>,
    method: Option<String>,
    ip: Option<IpAddr>,
}

pub(super) async fn explain(mut call: Call) -> Answer {
    call.parameters(&[])?;
    let asked: Asked = call.body().await?;
    let url = asked.url.ok_or_else(|| Refused::missing("url"))?;
    if url.len() > LONGEST_URL {
        let message = format!("a URL has {LONGEST_URL} bytes at most");
        return Err(Refused::bad("url", message));
    }
    let method = asked.method.unwrap_or_else(|| "GET".to_owned());
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let message = "a method is written in capitals, as in GET";
        return Err(Refused::bad("method", message));
    }
    let own = call.request.remote.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let explained = call
        .core
        .explain_url(&url, &method, asked.ip.unwrap_or(own))
        .map_err(|error| Refused::bad("url", error.to_string()))?;
    let findings: Vec<_> = explained
        .findings
        .iter()
        .map(|found| json!({"cause": found.cause.name(), "message": found.message}))
        .collect();
    let mut answer = json!({
        "allowed": explained.allowed,
        "cause": explained.cause.name(),
        "message": explained.message,
        "findings": findings,
    });
    if let Some(at) = explained.expires {
        answer["expires"] = moment::text(at).into();
        answer["expires_unix"] = moment::unix(at).into();
    }
    if let Some(method) = explained.signed_method {
        answer["signed_method"] = method.into();
    }
    if let Some(digest) = explained.digest {
        answer["digest"] = digest.into();
    }
    if let Some(key) = explained.key {
        let of = if key.of_container {
            "container"
        } else {
            "account"
        };
        answer["key"] = json!({"of": of, "number": key.number});
        if let Some(at) = key.replaced {
            answer["key"]["replaced"] = moment::text(at).into();
        }
    }
    json(&answer)
}
