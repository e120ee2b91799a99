//! Writes listings out as plain text, JSON or XML (`swift/common/middleware/listing_formats.py`).
//!
//! In: `?format=plain|json|xml`, or else `Accept`. Out: `Content-Type`, `Vary: Accept` where `Accept` decided, 204 for
//! plain text with nothing in it. 406 where `Accept` takes none of them, 400 where it is malformed.

use std::borrow::Cow;
use std::fmt::Write;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{Method, StatusCode};
use quick_xml::escape::partial_escape;

use crate::accept::best_match;
use crate::listing::{Entry, Hash, Listing, ListingOf};
use crate::message::{Body, Request};
use crate::path::Kind;
use crate::pipeline::Next;
use crate::reject::{Reject, Reply};
use crate::timestamp::{IsoDates, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Json,
    ApplicationXml,
    TextXml,
}

impl Format {
    /// In the order of Swift's preference.
    const ALL: [Self; 4] = [Self::Plain, Self::Json, Self::ApplicationXml, Self::TextXml];

    fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain",
            Self::Json => "application/json",
            Self::ApplicationXml => "application/xml",
            Self::TextXml => "text/xml",
        }
    }
}

pub(crate) fn applies(request: &Request) -> bool {
    request.is_read() && matches!(request.path.kind(), Some(Kind::Account | Kind::Container))
}

pub(crate) async fn handle(request: Request, next: Next<'_>) -> Reply {
    let format = wanted(&request)?;
    let can_vary = !request.query.has("format");
    let is_head = request.method == Method::HEAD;
    let reserved = request.allow_reserved_names;
    let mut response = next.run(request).await;
    if !matches!(response.status, StatusCode::OK | StatusCode::NO_CONTENT) {
        return Ok(response);
    }
    if can_vary {
        let vary = response
            .header(VARY.as_str())
            .map_or_else(|| "Accept".to_owned(), |others| format!("{others}, Accept"));
        response.set(VARY, &vary);
    }
    let content_type = |format: Format| format!("{}; charset=utf-8", format.content_type());
    if is_head {
        // What has a length already is no listing but a page that a feature made in its place.
        if !response.headers.contains_key(CONTENT_LENGTH) {
            response.set(CONTENT_TYPE, &content_type(format));
            response.headers.insert(CONTENT_LENGTH, 0.into());
            response.body = Body::Empty;
        }
        return Ok(response);
    }
    let Some(mut listing) = response.listing.take() else {
        return Ok(response);
    };
    if !reserved {
        listing
            .entries
            .retain(|entry| !entry.name().as_bytes().contains(&0));
    }
    let format = match listing.of {
        ListingOf::Versions(_) => Format::Json,
        ListingOf::Account(_) | ListingOf::Container(_) => format,
    };
    let text = match format {
        Format::Plain => plain(&listing).into_bytes(),
        Format::Json => json(&listing),
        Format::ApplicationXml | Format::TextXml => xml(&listing).into_bytes(),
    };
    response.status = if text.is_empty() {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::OK
    };
    response.set_body(Bytes::from(text));
    response.set(CONTENT_TYPE, &content_type(format));
    Ok(response)
}

fn wanted(request: &Request) -> Result<Format, Reject> {
    if !request.query.utf8("format") {
        return Err(Reject::plain(
            StatusCode::BAD_REQUEST,
            "\"format\" parameter not valid UTF-8",
        ));
    }
    if let Some(format) = request
        .query
        .get("format")
        .filter(|format| !format.is_empty())
    {
        return Ok(match format.to_ascii_lowercase().as_str() {
            "json" => Format::Json,
            "xml" => Format::ApplicationXml,
            _ => Format::Plain,
        });
    }
    let accept = request.header(ACCEPT.as_str()).unwrap_or("");
    let offered = Format::ALL.map(Format::content_type);
    let best = best_match(accept, &offered)
        .map_err(|_| Reject::html(StatusCode::BAD_REQUEST, "Invalid Accept header"))?;
    Format::ALL
        .into_iter()
        .find(|format| best == Some(format.content_type()))
        .ok_or_else(|| Reject::new(StatusCode::NOT_ACCEPTABLE))
}

fn plain(listing: &Listing) -> String {
    let mut text = String::with_capacity(listing.entries.len() * 32);
    for entry in &listing.entries {
        text.push_str(entry.name());
        text.push('\n');
    }
    text
}

/// JSON as Python writes it: a blank behind each comma and colon, nothing but ASCII.
fn json(listing: &Listing) -> Vec<u8> {
    let mut json = Json {
        text: Vec::with_capacity(listing.entries.len() * 192 + 2),
        dates: IsoDates::default(),
    };
    json.raw("[");
    for (index, entry) in listing.entries.iter().enumerate() {
        json.raw(if index == 0 { "{" } else { ", {" });
        match entry {
            Entry::Subdir(name) => {
                json.raw("\"subdir\": ");
                json.string(name.as_bytes());
            }
            Entry::Container {
                name,
                count,
                bytes,
                last_modified,
                policy,
            } => {
                json.raw("\"name\": ");
                json.string(name.as_bytes());
                json.raw(", \"count\": ");
                json.number(*count);
                json.raw(", \"bytes\": ");
                json.number(*bytes);
                json.raw(", \"last_modified\": \"");
                json.date(*last_modified);
                json.raw("\", \"storage_policy\": ");
                json.string(policy.as_bytes());
            }
            Entry::Object(object) => {
                json.raw("\"bytes\": ");
                json.number(object.bytes);
                json.raw(", \"hash\": ");
                match &object.hash {
                    Hash::Md5(hex) => json.plain(hex),
                    Hash::Text(text) => json.string(text.as_bytes()),
                }
                json.raw(", \"name\": ");
                json.string(object.name.as_bytes());
                json.raw(", \"content_type\": ");
                match &object.content_type {
                    // Our own text.
                    Cow::Borrowed(known) => json.plain(known.as_bytes()),
                    Cow::Owned(own) => json.string(own.as_bytes()),
                }
                json.raw(", \"last_modified\": \"");
                json.date(object.last_modified);
                json.raw("\"");
                for (key, value) in &object.extra {
                    json.raw(", ");
                    json.string(key.as_bytes());
                    json.raw(": ");
                    match value {
                        serde_json::Value::String(value) => json.string(value.as_bytes()),
                        other => json.raw(&other.to_string()),
                    }
                }
            }
        }
        json.raw("}");
    }
    json.raw("]");
    json.text
}

/// JSON that is being written.
struct Json {
    text: Vec<u8>,
    dates: IsoDates,
}

impl Json {
    fn raw(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.raw(itoa::Buffer::new().format(number));
    }

    fn date(&mut self, moment: Timestamp) {
        self.dates.write(&mut self.text, moment);
    }

    /// A string with nothing in it that JSON escapes.
    fn plain(&mut self, value: &[u8]) {
        self.text.push(b'"');
        self.text.extend_from_slice(value);
        self.text.push(b'"');
    }

    /// A string of UTF-8.
    fn string(&mut self, value: &[u8]) {
        // Nearly never so; looked for without a way out, which lets the processor take many bytes at once.
        let is_special = |byte: u8| !matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
        if value
            .iter()
            .fold(false, |special, byte| special | is_special(*byte))
        {
            let value = String::from_utf8_lossy(value);
            self.raw(&crate::json::to_string(&value));
        } else {
            self.plain(value);
        }
    }
}

/// Text for an attribute, as Python's `ElementTree` writes it: an apostrophe stays one.
fn attribute(text: &str) -> String {
    partial_escape(text).replace('"', "&quot;")
}

fn xml(listing: &Listing) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (kind, name) = match &listing.of {
        ListingOf::Account(name) => ("account", name),
        ListingOf::Container(name) | ListingOf::Versions(name) => ("container", name),
    };
    let name = attribute(name);
    if listing.entries.is_empty() && kind == "container" {
        let _ = write!(text, "<container name=\"{name}\" />");
        return text;
    }
    let _ = write!(text, "<{kind} name=\"{name}\">");
    let end = if kind == "account" { "\n" } else { "" };
    text.push_str(end);
    for entry in &listing.entries {
        match entry {
            Entry::Subdir(name) if kind == "account" => {
                let _ = write!(text, "<subdir name=\"{}\" />", attribute(name));
            }
            Entry::Subdir(name) => {
                let _ = write!(
                    text,
                    "<subdir name=\"{}\"><name>{}</name></subdir>",
                    attribute(name),
                    partial_escape(name.as_str())
                );
            }
            Entry::Container {
                name,
                count,
                bytes,
                last_modified,
                policy,
            } => {
                let _ = write!(
                    text,
                    "<container><name>{}</name><count>{count}</count><bytes>{bytes}</bytes>\
                     <last_modified>{}</last_modified><storage_policy>{policy}</storage_policy></container>",
                    partial_escape(name.as_str()),
                    last_modified.iso()
                );
            }
            Entry::Object(object) => {
                let _ = write!(
                    text,
                    "<object><name>{}</name><hash>{}</hash><bytes>{}</bytes><content_type>{}</content_type>\
                     <last_modified>{}</last_modified></object>",
                    partial_escape(object.name.as_str()),
                    partial_escape(&*object.hash),
                    object.bytes,
                    partial_escape(&*object.content_type),
                    object.last_modified.iso()
                );
            }
        }
        text.push_str(end);
    }
    let _ = write!(text, "</{kind}>");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii_as_python_writes_it() {
        let string = |value: &str| {
            let mut json = Json {
                text: Vec::new(),
                dates: IsoDates::default(),
            };
            json.string(value.as_bytes());
            String::from_utf8(json.text).expect("it is ASCII")
        };
        assert_eq!(
            string("a\"\\\n\u{e9}\u{1f600}"),
            r#""a\"\\\n\u00e9\ud83d\ude00""#
        );
        assert_eq!(string("a/b c~"), r#""a/b c~""#);
        assert_eq!(string("\u{7f}"), r#""\u007f""#);
        assert_eq!(string("\u{8}\u{c}\u{1}"), r#""\b\f\u0001""#);
    }
}
