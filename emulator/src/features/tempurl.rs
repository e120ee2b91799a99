//! Temporary URLs (`swift/common/middleware/tempurl.py`).
//!
//! In: `temp_url_sig`, `temp_url_expires`, and optionally `temp_url_prefix`, `temp_url_ip_range`, `filename`, `inline`.
//! A valid signature by a key of the account or of the container stands in for a token. Every refusal is the same 401,
//! so that nobody learns which it was; the log says.
//!
//! Out, for GET and HEAD that succeed: `Content-Disposition` and `Expires`; `X-Object-Meta-*` is left out, but for
//! `X-Object-Meta-Public-*`. A PUT or POST may not name another object (`X-Copy-From`, `X-Object-Manifest`, `X-Symlink-Target`): 400.

use std::net::Ipv4Addr;
use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, EXPIRES};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use signing::{Digest, TempUrlAccess, TempUrlQuery, TempUrlRequest};

use crate::core::Core;
use crate::deadlines::Signed;
use crate::explain::Question;
use crate::headers::{find, find_text};
use crate::message::{Grant, Request, Response, header_value};
use crate::path::{QUOTED, Resource, quote};
use crate::pipeline::Next;
use crate::query::Query;
use crate::reject::{Reject, Reply};
use crate::resources::temp_url_keys::TempUrlKeys;
use crate::timestamp::http_date;

/// What stays readable in the quoted form of a file name: as Python's `quote(…, safe=' /')`.
const FILE_NAME: &AsciiSet = &QUOTED.remove(b' ');

/// Why a temporary URL was refused; sent only where the emulator was asked to.
const CAUSE: HeaderName = HeaderName::from_static("x-emulator-cause");

pub(crate) fn applies(request: &Request) -> bool {
    !request.query.is_empty()
        && request.method != Method::OPTIONS
        && TempUrlQuery::parse(request.query.as_str().as_bytes()).is_some()
}

pub(crate) async fn handle(mut request: Request, next: Next<'_>) -> Reply {
    let raw = request.query.as_str().to_owned();
    let Some(asked) = TempUrlQuery::parse(raw.as_bytes()) else {
        return Ok(next.run(request).await);
    };
    let core = next.core();
    let (access, keys) = verify(&request, &asked, core)?;
    let (account, container, object) = parts(&request).ok_or_else(invalid)?;
    let signed = Signed {
        method: request.method.as_str(),
        account,
        container,
        object,
        is_form: false,
        expires: access.expires,
    };
    core.seen_urls.note(&signed, request.received.system_time());
    for header in ["x-copy-from", "x-object-manifest", "x-symlink-target"] {
        if find(&request.headers, header).is_some() {
            return Err(Reject::html(
                StatusCode::BAD_REQUEST,
                format!(
                    "The header '{}' is not allowed in this tempurl",
                    crate::resources::metadata::title(header)
                ),
            ));
        }
    }
    let grant = Grant::Signed {
        account: account.into(),
        container: (access.key >= keys.account).then(|| Arc::from(container)),
    };
    let file_name = object
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("")
        .to_owned();
    let is_object = !object.is_empty();
    request.grant = grant;
    for header in ["x-timestamp", "x-open-expired"] {
        if find(&request.headers, header).is_some() {
            request.headers.remove(header);
        }
    }
    request.query = remaining(&asked);
    let is_read = request.is_read();
    let mut response = next.run(request).await;
    clean(&mut response.headers);
    if is_read && response.is_success() {
        let from_staticweb = find_text(&response.headers, "x-backend-content-generator")
            .is_some_and(|generator| generator == "staticweb");
        if !is_object && !from_staticweb {
            return Err(invalid());
        }
        dispose(&mut response, &asked, &file_name, from_staticweb);
        response.set(EXPIRES, &http_date(access.expires));
    }
    Ok(response)
}

/// How many of the keys are the account's; the container's follow.
struct KeyCount {
    account: usize,
}

fn verify(
    request: &Request,
    asked: &TempUrlQuery<'_>,
    core: &Core,
) -> Result<(TempUrlAccess, KeyCount), Reject> {
    let (account, container, _) = parts(request).ok_or_else(invalid)?;
    let found = TempUrlKeys::of(&core.store, account, container);
    let keys = found.all();
    let access = asked
        .verify(&TempUrlRequest {
            method: request.method.as_str(),
            path: request.path.as_str().as_bytes(),
            client_ip: request.remote,
            keys: &keys,
            allowed_digests: &Digest::ALL,
            now: core.clock.now(),
        })
        .map_err(|refusal| {
            tracing::info!(trans_id = %request.trans_id, %refusal, "refused a temporary URL");
            if core.debug_unauthorized {
                explained(request, core)
            } else {
                invalid()
            }
        })?;
    Ok((
        access,
        KeyCount {
            account: found.account.len(),
        },
    ))
}

/// Account, container, and object, which is empty for the container itself.
fn parts(request: &Request) -> Option<(&str, &str, &str)> {
    match request.path.named()? {
        Resource::Object(account, container, object) => Some((account, container, object)),
        Resource::Container(account, container) => Some((account, container, "")),
        Resource::Account(_) => None,
    }
}

/// The one answer to every temporary URL that is not good.
fn invalid() -> Reject {
    Reject::html(
        StatusCode::UNAUTHORIZED,
        "401 Unauthorized: Temp URL invalid\n",
    )
    .header(http::header::WWW_AUTHENTICATE, "Swift realm=\"unknown\"")
}

/// The same with the cause in a header of ours, for those who test their own URLs.
fn explained(request: &Request, core: &Core) -> Reject {
    let path = quote(request.path.as_str());
    let asked = Question {
        method: request.method.as_str(),
        path: &path,
        query: request.query.as_str(),
        ip: request.remote.unwrap_or(Ipv4Addr::LOCALHOST.into()),
    };
    match core.explain(&asked) {
        Ok(found) => {
            let text = format!("{}: {}", found.cause, found.message);
            // A prefix may be in any letters.
            let text = text.replace(
                |letter: char| !letter.is_ascii() || letter.is_ascii_control(),
                "?",
            );
            invalid().header(CAUSE, &text)
        }
        Err(_) => invalid(),
    }
}

/// What is left of the query for the rest of the pipeline: nothing but the temporary URL's own parameters, so that none
/// can be smuggled in beside them.
fn remaining(asked: &TempUrlQuery<'_>) -> Query {
    let mut query = Query::default();
    let texts = [
        ("temp_url_sig", &asked.signature),
        ("temp_url_expires", &asked.expires),
        ("temp_url_prefix", &asked.prefix),
        ("filename", &asked.filename),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            query.push(name, value);
        }
    }
    if asked.inline {
        query.push("inline", "");
    }
    query
}

fn clean(headers: &mut HeaderMap) {
    let hidden: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            name.as_str().starts_with("x-object-meta-")
                && !name.as_str().starts_with("x-object-meta-public-")
        })
        .cloned()
        .collect();
    for name in hidden {
        headers.remove(name);
    }
}

/// Says what the browser shall do with it: the URL's word counts before the object's own, which counts before ours.
fn dispose(response: &mut Response, asked: &TempUrlQuery<'_>, object: &str, always_inline: bool) {
    let named = asked.filename.as_deref().filter(|name| !name.is_empty());
    let value = match (asked.inline || always_inline, named) {
        (true, None) => "inline".to_owned(),
        (true, Some(name)) => disposition("inline", name),
        (false, Some(name)) => disposition("attachment", name),
        (false, None) if response.headers.contains_key(CONTENT_DISPOSITION) => return,
        (false, None) => disposition("attachment", object),
    };
    response
        .headers
        .insert(CONTENT_DISPOSITION, header_value(&value));
}

fn disposition(kind: &str, name: &str) -> String {
    format!(
        "{kind}; filename=\"{}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, FILE_NAME),
        utf8_percent_encode(name, QUOTED)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_twice_for_old_and_new_browsers() {
        assert_eq!(
            disposition("attachment", "a b é.png"),
            "attachment; filename=\"a b %C3%A9.png\"; filename*=UTF-8''a%20b%20%C3%A9.png"
        );
    }
}
