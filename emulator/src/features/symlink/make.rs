//! Making links.

use http::header::{
    CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, HOST, ORIGIN, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::read::{Links, follow};
use super::{
    LISTED_HASH, STORED_ACCOUNT, STORED_BYTES, STORED_ETAG, STORED_TARGET, TARGET, TARGET_ACCOUNT,
    TARGET_ETAG, conflict_at,
};
use crate::message::{Body, Request, header_text, header_value};
use crate::path::{Path, Resource, quote};
use crate::path_header;
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};

const SLO_ETAG: &str = "x-object-sysmeta-slo-etag";
const SLO_SIZE: &str = "x-object-sysmeta-slo-size";

const MD5_OF_NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Makes a link.
pub(super) async fn put(mut request: Request, next: Next<'_>) -> Reply {
    let declared = request
        .header(CONTENT_LENGTH.as_str())
        .map(|length| length.bytes().any(|digit| digit != b'0'));
    let has_body = match declared {
        Some(has_body) => has_body,
        None => request.body.next().await.is_some(),
    };
    if has_body {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "Symlink requests require a zero byte body",
        ));
    }
    let wanted = Wanted::of(&request)?;
    request.body = Body::Empty;
    request.headers.remove(TARGET);
    request.headers.remove(TARGET_ACCOUNT);
    if wanted.etag.is_none() && !has_content_type(&request) {
        request.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/symlink"),
        );
    }
    if let Some(etag) = &wanted.etag {
        pin(&mut request, &wanted, etag, next).await?;
    }
    let target = quote(&format!("{}/{}", wanted.container, wanted.object));
    let headers = &mut request.headers;
    headers.insert(STORED_TARGET, header_value(&target));
    if wanted.is_elsewhere {
        headers.insert(STORED_ACCOUNT, header_value(&quote(&wanted.account)));
    }
    let listed = listed_hash(headers);
    headers.insert(LISTED_HASH, header_value(&listed));
    Ok(next.run(request).await)
}

fn has_content_type(request: &Request) -> bool {
    request
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|own| !own.is_empty())
}

/// The target that a client wants for a link.
struct Wanted {
    account: String,
    /// Whether the client named the account.
    is_elsewhere: bool,
    container: String,
    object: String,
    etag: Option<String>,
}

impl Wanted {
    fn of(request: &Request) -> Result<Self, Reject> {
        const SHAPE: &str =
            "X-Symlink-Target header must be of the form <container name>/<object name>";
        let refused = || Reject::html(StatusCode::PRECONDITION_FAILED, SHAPE);
        let target = request.headers.get(TARGET).ok_or_else(refused)?;
        let text = request.header(TARGET).unwrap_or_default();
        if text.starts_with('/')
            || text
                .get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case("%2f"))
        {
            return Err(Reject::plain(StatusCode::PRECONDITION_FAILED, SHAPE));
        }
        let (container, object) = path_header::object(target).ok_or_else(refused)?;
        let elsewhere = request
            .headers
            .get(TARGET_ACCOUNT)
            .map(path_header::account)
            .transpose()?;
        let Some(Resource::Object(own_account, own_container, own_object)) = request.path.named()
        else {
            return Err(Reject::not_found());
        };
        let is_elsewhere = elsewhere.is_some();
        let account = elsewhere.unwrap_or_else(|| own_account.to_owned());
        let bad = |text| Err(Reject::plain(StatusCode::BAD_REQUEST, text));
        if (account.as_str(), container.as_str(), object.as_str())
            == (own_account, own_container, own_object)
        {
            return bad("Symlink cannot target itself");
        }
        let etag = match request.header(TARGET_ETAG).map(unquoted) {
            Some(etag) if etag.contains([';', '"', '\\']) => {
                return bad("Bad X-Symlink-Target-Etag format");
            }
            etag => etag.filter(|etag| !etag.is_empty()).map(str::to_owned),
        };
        Ok(Self {
            account,
            is_elsewhere,
            container,
            object,
            etag,
        })
    }
}

/// An `ETag` without the quotes around it (`normalize_etag` in `swift/common/swob.py`).
fn unquoted(etag: &str) -> &str {
    etag.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(etag)
}

/// Makes the link a static one, if its target is there and has that `ETag`.
async fn pin(
    request: &mut Request,
    wanted: &Wanted,
    etag: &str,
    next: Next<'_>,
) -> Result<(), Reject> {
    let path = Path::object(&wanted.account, &wanted.container, &wanted.object);
    let mut head = request.sub(Method::HEAD, path);
    // What a read may depend on.
    for name in [USER_AGENT, HOST, ORIGIN, REFERER] {
        if let Some(value) = request.headers.get(&name) {
            head.headers.insert(name, value.clone());
        }
    }
    let target = follow(head, Some(etag.to_owned()), Links::Static, next).await?;
    if target.status == StatusCode::NOT_FOUND {
        let location = target.header(CONTENT_LOCATION.as_str());
        return Err(conflict_at(
            "X-Symlink-Target does not exist".to_owned(),
            location,
        ));
    }
    if !target.is_success() {
        return Err(Reject::new(target.status));
    }
    let headers = &mut request.headers;
    if !headers.contains_key(LISTED_HASH) {
        // What other features show of the target in its listing they show of the link, too.
        if let Some(listed) = target.header(LISTED_HASH) {
            let parameters = listed.find(';').map_or("", |at| &listed[at..]);
            headers.insert(
                LISTED_HASH,
                header_value(&format!("{MD5_OF_NOTHING}{parameters}")),
            );
        } else if let Some(etag) = target.header(SLO_ETAG) {
            headers.insert(
                LISTED_HASH,
                header_value(&format!("{MD5_OF_NOTHING}; slo_etag={etag}")),
            );
        }
    }
    let bytes = target
        .headers
        .get(SLO_SIZE)
        .or_else(|| target.headers.get(CONTENT_LENGTH))
        .cloned()
        .unwrap_or(HeaderValue::from_static("0"));
    headers.insert(STORED_BYTES, bytes);
    headers.insert(STORED_ETAG, header_value(etag));
    if headers.get(CONTENT_TYPE).is_none_or(HeaderValue::is_empty)
        && let Some(content_type) = target.headers.get(CONTENT_TYPE)
    {
        headers.insert(CONTENT_TYPE, content_type.clone());
    }
    Ok(())
}

/// The hash that a link's container shall list, with what the link names behind it.
fn listed_hash(headers: &HeaderMap) -> String {
    let text = |name: &str| header_text(headers, name);
    let mut hash = text(LISTED_HASH).unwrap_or(MD5_OF_NOTHING).to_owned();
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            hash.push_str("; ");
            hash.push_str(key);
            hash.push('=');
            hash.push_str(value);
        }
    };
    add("symlink_target", text(STORED_TARGET));
    add("symlink_target_account", text(STORED_ACCOUNT));
    add("symlink_target_etag", text(STORED_ETAG));
    if text(STORED_ETAG).is_some() {
        add("symlink_target_bytes", text(STORED_BYTES));
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_names_is_kept_behind_its_hash() {
        let mut headers = HeaderMap::new();
        headers.insert(STORED_TARGET, HeaderValue::from_static("c/o"));
        assert_eq!(
            listed_hash(&headers),
            format!("{MD5_OF_NOTHING}; symlink_target=c/o")
        );
        headers.insert(LISTED_HASH, HeaderValue::from_static("abc; slo_etag=def"));
        headers.insert(STORED_ETAG, HeaderValue::from_static("e"));
        headers.insert(STORED_BYTES, HeaderValue::from_static("4"));
        assert_eq!(
            listed_hash(&headers),
            "abc; slo_etag=def; symlink_target=c/o; symlink_target_etag=e; symlink_target_bytes=4"
        );
    }

    #[test]
    fn an_etag_loses_its_quotes_only_where_it_has_both() {
        assert_eq!(unquoted("\"abc\""), "abc");
        assert_eq!(unquoted("\"abc"), "\"abc");
        assert_eq!(unquoted("\""), "\"");
    }
}
