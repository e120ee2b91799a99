//! Entity tags in quotes, as RFC 9110 section 8.8.3 has them, for those who ask
//! (`swift/common/middleware/etag_quoter.py`).
//!
//! In, for an account or a container: `X-Account-Rfc-Compliant-Etags` or `X-Container-Rfc-Compliant-Etags`, and
//! `X-Remove-…` of either; kept as system metadata, and shown again as `True` or `False`. What a container says counts
//! before what its account says; where neither says anything, entity tags stay bare.
//!
//! Out, for an object: `ETag` in quotes, unless it has them.

use http::header::ETAG;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::core::Core;
use crate::headers::find;
use crate::message::{Request, header_value};
use crate::path::{Kind, Resource};
use crate::pipeline::Next;
use crate::query::truthy;
use crate::reject::Reply;
use crate::store::Metadata;

/// One setting: what clients call it, how they remove it, and where it is kept.
struct Setting {
    client: &'static str,
    remove: &'static str,
    stored: HeaderName,
}

static ACCOUNT: Setting = Setting {
    client: "x-account-rfc-compliant-etags",
    remove: "x-remove-account-rfc-compliant-etags",
    stored: HeaderName::from_static("x-account-sysmeta-rfc-compliant-etags"),
};

static CONTAINER: Setting = Setting {
    client: "x-container-rfc-compliant-etags",
    remove: "x-remove-container-rfc-compliant-etags",
    stored: HeaderName::from_static("x-container-sysmeta-rfc-compliant-etags"),
};

pub(crate) fn applies(request: &Request, core: &Core) -> bool {
    match request.path.kind() {
        None => false,
        Some(Kind::Object) => wants_quotes(request, core),
        Some(Kind::Container) => {
            let found = request.path.found_container(&core.store);
            CONTAINER.is_written(&request.headers)
                || found.is_some_and(|found| found.metadata_value(&CONTAINER.stored).is_some())
        }
        Some(Kind::Account) => {
            let found = request.path.found_account(&core.store);
            ACCOUNT.is_written(&request.headers)
                || found.is_some_and(|found| found.metadata_value(&ACCOUNT.stored).is_some())
        }
    }
}

pub(crate) async fn handle(mut request: Request, next: Next<'_>) -> Reply {
    let setting = match request.path.named() {
        Some(Resource::Account(_)) => &ACCOUNT,
        Some(Resource::Container(..)) => &CONTAINER,
        Some(Resource::Object(..)) | None => {
            let mut response = next.run(request).await;
            quote(&mut response.headers);
            return Ok(response);
        }
    };
    setting.store(&mut request.headers);
    let mut response = next.run(request).await;
    if let Some(value) = response.headers.remove(&setting.stored) {
        response.headers.insert(setting.client, value);
    }
    Ok(response)
}

/// Whether the container, or else its account, asks for quotes.
fn wants_quotes(request: &Request, core: &Core) -> bool {
    let Some(account) = request.path.found_account(&core.store) else {
        return false;
    };
    let Some(container) = request.path.found_container(&core.store) else {
        return false;
    };
    setting(&account.metadata(), &container.metadata())
        .is_some_and(|value| value.to_str().is_ok_and(truthy))
}

fn setting<'a>(account: &'a Metadata, container: &'a Metadata) -> Option<&'a HeaderValue> {
    find(container, CONTAINER.stored.as_str()).or_else(|| find(account, ACCOUNT.stored.as_str()))
}

/// Whether the metadata of a container or its account say anything about quotes.
pub(crate) fn has_say(account: &Metadata, container: &Metadata) -> bool {
    setting(account, container).is_some()
}

impl Setting {
    fn is_written(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(self.client) || headers.contains_key(self.remove)
    }

    /// Turns what the client sent into what is kept; empty removes it.
    fn store(&self, headers: &mut HeaderMap) {
        let removes = headers
            .get(self.remove)
            .is_some_and(|value| !value.is_empty());
        let value = match headers.get(self.client) {
            _ if removes => "",
            None => return,
            Some(value) if value.is_empty() => "",
            Some(value) if value.to_str().is_ok_and(truthy) => "True",
            Some(_) => "False",
        };
        headers.insert(&self.stored, HeaderValue::from_static(value));
    }
}

fn quote(headers: &mut HeaderMap) {
    let Some(etag) = headers.get(ETAG).and_then(|etag| etag.to_str().ok()) else {
        return;
    };
    let quoted = (etag.starts_with('"') || etag.starts_with("W/\"")) && etag.ends_with('"');
    if !quoted {
        let etag = header_value(&format!("\"{etag}\""));
        headers.insert(ETAG, etag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_has_no_quotes_yet() {
        for (bare, quoted) in [
            ("abc", "\"abc\""),
            ("\"abc\"", "\"abc\""),
            ("W/\"abc\"", "W/\"abc\""),
            ("\"abc", "\"\"abc\""),
        ] {
            let mut headers = HeaderMap::from_iter([(ETAG, header_value(bare))]);
            quote(&mut headers);
            assert_eq!(headers[ETAG], quoted, "{bare}");
        }
    }

    #[test]
    fn keeps_python_words_and_lets_removal_win() {
        for (client, remove, stored) in [
            (Some("yes"), None, Some("True")),
            (Some("off"), None, Some("False")),
            (Some(""), None, Some("")),
            (Some("yes"), Some("x"), Some("")),
            (None, Some(""), None),
            (None, None, None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = client {
                headers.insert(CONTAINER.client, header_value(value));
            }
            if let Some(value) = remove {
                headers.insert(CONTAINER.remove, header_value(value));
            }
            CONTAINER.store(&mut headers);
            let found = headers.get(&CONTAINER.stored).map(HeaderValue::as_bytes);
            assert_eq!(found, stored.map(str::as_bytes), "{client:?}, {remove:?}");
        }
    }
}
