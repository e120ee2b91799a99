//! Keeps Swift's own headers in, and clients' attempts at them out (`swift/common/middleware/gatekeeper.py`).
//!
//! In: system metadata, `X-Backend-*` and `X-Timestamp` are taken out of what a client sends. Out: the same are taken
//! out of what it gets, but for `X-Timestamp`.

use http::{HeaderMap, HeaderName};

use crate::headers::{X_AUTH_TOKEN, X_TIMESTAMP, find};

/// What is done to the headers of a request.
pub(crate) fn enter(headers: &mut HeaderMap) {
    clean(headers);
    if find(headers, "x-timestamp").is_some() {
        headers.remove(X_TIMESTAMP);
    }
    if find(headers, "x-auth-token").is_none()
        && let Some(token) = find(headers, "x-storage-token").cloned()
    {
        headers.insert(X_AUTH_TOKEN, token);
    }
}

/// What is done to the headers of the answer.
pub(crate) fn leave(headers: &mut HeaderMap) {
    clean(headers);
}

fn clean(headers: &mut HeaderMap) {
    // Most have none; looking first spares the list.
    if !headers.keys().any(is_internal) {
        return;
    }
    let internal: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_internal(name))
        .cloned()
        .collect();
    for name in internal {
        headers.remove(name);
    }
}

fn is_internal(name: &HeaderName) -> bool {
    let Some(rest) = name.as_str().strip_prefix("x-") else {
        return false;
    };
    rest.starts_with("backend")
        || rest.starts_with("account-sysmeta-")
        || rest.starts_with("container-sysmeta-")
        || rest.starts_with("object-sysmeta-")
        || rest.starts_with("object-transient-sysmeta-")
        || matches!(
            rest,
            "account-host"
                | "account-device"
                | "account-partition"
                | "container-host"
                | "container-device"
                | "container-partition"
                | "container-root-db-state"
                | "delete-at-host"
                | "delete-at-device"
                | "delete-at-partition"
                | "delete-at-container"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_internal_headers_from_clients() {
        for (name, internal) in [
            ("x-object-sysmeta-slo-etag", true),
            ("x-backend-storage-policy-index", true),
            ("x-delete-at-host", true),
            ("x-delete-at", false),
            ("x-object-meta-sysmeta", false),
            ("content-type", false),
        ] {
            assert_eq!(
                is_internal(&HeaderName::from_static(name)),
                internal,
                "{name}"
            );
        }
    }
}
