//! Uploads from a browser's form (`swift/common/middleware/formpost.py`).
//!
//! In: POST of `multipart/form-data` to `/v1/account/container/` and what the objects' names shall begin with. The form
//! signs itself with a key of the account or the container. Its fields, which must come before its files:
//!
//! - `max_file_size` (bytes), `max_file_count`, `expires` (Unix seconds), `signature`;
//! - `redirect`, where the browser goes afterwards;
//! - `x_delete_at` (Unix seconds), `x_delete_after` (seconds), `content-type`, `content-encoding`, for all files.
//!
//! Each file becomes a PUT of its own, streamed as it comes, in the server's name. Fields behind a file do not count
//! for it. Values are cut off after 4096 bytes.
//!
//! Out: the status of the last PUT, as `text/plain`; 400 for a form that is wrong, too large, or has too many files; 401
//! for a signature that is wrong or too late. With `redirect`: 303 there, with `status` and `message` in its query.

pub(crate) mod multipart;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::channel::{Channel, Sender};
use signing::{Digest, FormAccess, FormFields, FormRefusal};

use crate::deadlines::Signed;
use crate::message::{Body, BodyError, Request, Response, header_value};
use crate::path::{Path, Resource, quote};
use crate::pipeline::Next;
use crate::reject::{Reject, Reply, reason};
use crate::resources::metadata::title;
use crate::resources::temp_url_keys::TempUrlKeys;
use multipart::{Broken, Multipart, parameters};

/// What a field's value is cut off at, in bytes.
const MAX_VALUE_LENGTH: usize = 4096;

const FORM: &str = "multipart/form-data";

pub(crate) fn applies(request: &Request) -> bool {
    request.method == Method::POST
        && request
            .header(CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.starts_with(FORM))
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    let Some(boundary) = boundary(&request) else {
        return Ok(next.run(request).await);
    };
    upload(request, &boundary, next).await.map_err(Reject::from)
}

fn boundary(request: &Request) -> Option<String> {
    let (kind, parameters) = parameters(request.header(CONTENT_TYPE.as_str())?);
    let boundary = parameters.get("boundary")?;
    (kind == FORM).then(|| (*boundary).to_owned())
}

/// Why a form is refused as a whole.
enum Refusal {
    Invalid(Cow<'static, str>),
    Unauthorized(&'static str),
    Broken(BodyError),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::Broken(error)
    }
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Body(error) => error.into(),
            Broken::HeadersTooLong => Self::Invalid("part headers too long".into()),
        }
    }
}

impl From<FormRefusal> for Refusal {
    fn from(refusal: FormRefusal) -> Self {
        match refusal {
            FormRefusal::MaxFileSizeNotInteger
            | FormRefusal::MaxFileCountNotInteger
            | FormRefusal::ExpiresNotInteger => Self::Invalid(refusal.to_string().into()),
            FormRefusal::Expired { .. } => Self::Unauthorized("form expired"),
            _ => Self::Unauthorized("invalid signature"),
        }
    }
}

impl From<Refusal> for Reject {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(reason) => {
                Self::html(StatusCode::BAD_REQUEST, format!("FormPost: {reason}"))
                    .header(CONTENT_TYPE, "text/plain")
            }
            Refusal::Unauthorized(reason) => {
                let body = format!("FormPost: {}", title(reason));
                Self::html(StatusCode::UNAUTHORIZED, body)
                    .header(WWW_AUTHENTICATE, "Swift realm=\"unknown\"")
            }
            Refusal::Broken(error) => {
                tracing::debug!(%error, "a form broke off");
                // Swift's own status for a client that left in the middle; nobody is there to read it.
                Self::new(StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST))
            }
        }
    }
}

/// The fields of a form so far, by their names in lower case.
#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Fields {
    /// The value of a field; empty where it is missing.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// An integer among the fields, as a header's value; `wanted` is what else is said to be required.
    fn integer(&self, name: &'static str, wanted: &str) -> Result<Option<HeaderValue>, Refusal> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        match value.trim().parse::<i64>() {
            Ok(value) => Ok(Some(value.into())),
            Err(_) => Err(Refusal::Invalid(
                format!("{name} not an integer: {wanted} required.").into(),
            )),
        }
    }

    fn signed<'a>(&'a self, path: &'a str) -> FormFields<'a> {
        FormFields {
            path: path.as_bytes(),
            redirect: self.get("redirect"),
            max_file_size: self.get("max_file_size"),
            max_file_count: self.get("max_file_count"),
            expires: self.get("expires"),
            signature: self.get("signature"),
        }
    }
}

/// What has become of a form: the status of its last file, or a word about the form itself.
struct Outcome {
    status: StatusCode,
    message: &'static str,
    headers: HeaderMap,
}

impl Outcome {
    fn refused(message: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
            headers: HeaderMap::new(),
        }
    }
}

/// Reads the form part by part (`FormPost._translate_form`).
async fn upload(mut request: Request, boundary: &str, next: Next<'_>) -> Result<Response, Refusal> {
    let body = std::mem::take(&mut request.body);
    let mut parts = Multipart::open(body, boundary)
        .await?
        .ok_or(Refusal::Invalid("invalid starting boundary".into()))?;
    let keys = keys(&request, next);
    let mut fields = Fields::default();
    let mut files: i64 = 0;
    let mut outcome = Outcome::refused("no files to process");
    while let Some(headers) = parts.next_part().await? {
        let (kind, attributes) = parameters(headers.get("content-disposition").unwrap_or(""));
        let file_name = attributes.get("filename").filter(|name| !name.is_empty());
        if let Some(file_name) = file_name
            && kind == "form-data"
        {
            files += 1;
            if files > fields.signed("").max_file_count()? {
                outcome = Outcome::refused("max file count exceeded");
                break;
            }
            let (put, access) = put(
                &request,
                &fields,
                &keys,
                &File {
                    name: file_name,
                    content_type: headers.get("content-type"),
                    content_encoding: headers.get("content-encoding"),
                },
                next,
            )?;
            outcome = send(put, &mut parts, access.max_file_size, next).await?;
            if !outcome.status.is_success() {
                break;
            }
        } else {
            let value = parts.value(MAX_VALUE_LENGTH).await?;
            let value = String::from_utf8(value)
                .map_err(|_| Refusal::Invalid("value not valid UTF-8".into()))?;
            if let Some(name) = attributes.get("name") {
                // Swift takes hyphens at the end for the rest of a boundary.
                let value = value.trim_end_matches(['\r', '\n', '-']);
                fields.0.insert(name.to_lowercase(), value.to_owned());
            }
        }
    }
    Ok(answer(outcome, fields.get("redirect")))
}

fn keys(request: &Request, next: Next<'_>) -> TempUrlKeys {
    let named = request.path.named();
    let account = named.map_or("", Resource::account);
    match named.and_then(Resource::container) {
        Some(container) => TempUrlKeys::of(&next.core().store, account, container),
        None => TempUrlKeys::default(),
    }
}

/// Tells the list of deadlines of a form that was let in.
fn note(request: &Request, access: &FormAccess, next: Next<'_>) {
    let named = request.path.named();
    if let Some(named) = named
        && let Ok(expires) = u64::try_from(access.expires)
    {
        let signed = Signed {
            method: "POST",
            account: named.account(),
            container: named.container().unwrap_or_default(),
            object: named.object().unwrap_or_default(),
            is_form: true,
            expires,
        };
        let core = next.core();
        core.seen_urls.note(&signed, core.clock.now());
    }
}

/// What a part says of the file in it.
struct File<'a> {
    name: &'a str,
    content_type: Option<&'a str>,
    content_encoding: Option<&'a str>,
}

/// The PUT that a file becomes, and what the form grants it (`FormPost._perform_subrequest`).
fn put(
    request: &Request,
    fields: &Fields,
    keys: &TempUrlKeys,
    file: &File<'_>,
    next: Next<'_>,
) -> Result<(Request, FormAccess), Refusal> {
    let path = request.path.as_str();
    let verdict = fields
        .signed(path)
        .verify(&keys.all(), &Digest::ALL, next.core().clock.now());
    // Swift reads the lifetime behind the size and before it looks at expiry and signature.
    if let Err(refusal @ (FormRefusal::NoKey | FormRefusal::MaxFileSizeNotInteger)) = verdict {
        return Err(refusal.into());
    }
    let delete_at = fields.integer("x_delete_at", "Unix timestamp")?;
    let delete_after = fields.integer("x_delete_after", "Number of seconds")?;
    let access = verdict?;
    note(request, &access, next);

    let slash = if path.ends_with('/') || path.matches('/').count() >= 4 {
        ""
    } else {
        "/"
    };
    let path = Path::new(format!("{path}{slash}{}", file.name));
    let mut put = request.pre_authorized(Method::PUT, path);
    let headers = &mut put.headers;
    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    let mut set = |name: HeaderName, value: Option<HeaderValue>| {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    set(HeaderName::from_static("x-delete-at"), delete_at);
    set(HeaderName::from_static("x-delete-after"), delete_after);
    // What the form says of all files counts before what it says of one.
    let of_all = |name: &str| fields.0.get(name).map(String::as_str);
    let content_type = of_all("content-type").or(file.content_type);
    let content_type = content_type.map(|kind| {
        header_value(if kind.is_empty() {
            "application/octet-stream"
        } else {
            kind
        })
    });
    set(CONTENT_TYPE, content_type);
    let encoding = of_all("content-encoding").or(file.content_encoding);
    set(CONTENT_ENCODING, encoding.map(header_value));
    Ok((put, access))
}

/// Sends a PUT, its body being what is left of the current part, up to `limit` bytes.
async fn send(
    mut put: Request,
    parts: &mut Multipart,
    limit: i64,
    next: Next<'_>,
) -> Result<Outcome, Refusal> {
    let (sender, body) = Channel::new(1);
    put.body = Body::stream(body);
    let mut answer = std::pin::pin!(next.run(put));
    let mut exceeded = false;
    // A refusal may come before the body has been read; then nobody waits for the rest.
    let response = tokio::select! {
        biased;
        response = &mut answer => response,
        too_large = feed(parts, sender, limit) => {
            exceeded = too_large;
            answer.await
        }
    };
    if exceeded {
        return Err(Refusal::Invalid("max_file_size exceeded".into()));
    }
    let headers = response
        .headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _)| name.as_str().starts_with("access-control"))
        .collect();
    Ok(Outcome {
        status: response.status,
        message: "",
        headers,
    })
}

/// Passes a part on. True if it was longer than `limit` bytes, and was broken off.
async fn feed(parts: &mut Multipart, mut sender: Sender<Bytes, BodyError>, limit: i64) -> bool {
    let mut sent: i64 = 0;
    loop {
        let chunk = match parts.chunk().await {
            Ok(chunk) => chunk,
            Err(error) => {
                sender.abort(error);
                return false;
            }
        };
        let length = chunk.as_ref().map_or(0, Bytes::len);
        sent = sent.saturating_add(i64::try_from(length).unwrap_or(i64::MAX));
        if sent > limit {
            sender.abort(BodyError::TooLong(usize::try_from(limit).unwrap_or(0)));
            return true;
        }
        let Some(chunk) = chunk else { return false };
        if sender.send_data(chunk).await.is_err() {
            // The PUT has been answered without it.
            return false;
        }
    }
}

fn answer(outcome: Outcome, redirect: &str) -> Response {
    let status = outcome.status;
    let mut response = Response::new(status);
    response.headers = outcome.headers;
    if !redirect.is_empty() {
        let separator = if redirect.contains('?') { '&' } else { '?' };
        let url = format!(
            "{redirect}{separator}status={}&message={}",
            status.as_u16(),
            quote(outcome.message)
        );
        let page =
            format!("<html><body><p><a href=\"{url}\">Click to continue...</a></p></body></html>");
        response.status = StatusCode::SEE_OTHER;
        response.set(LOCATION, &url);
        response.set_body(page.into());
        return response;
    }
    response.set(CONTENT_TYPE, "text/plain");
    let mut body = format!("{} {}", status.as_u16(), reason(status));
    if !outcome.message.is_empty() {
        body.push_str("\r\nFormPost: ");
        body.push_str(&title(outcome.message));
    }
    response.set_body(body.into());
    response
}
