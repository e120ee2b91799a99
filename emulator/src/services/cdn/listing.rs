//! The list of an account's containers on the CDN, as text, JSON or XML.

use http::StatusCode;
use quick_xml::escape::escape;
use serde_json::json;

use super::address::Uris;
use super::python_bool;
use super::rows::Row;
use crate::core::Core;
use crate::message::{Request, Response};
use crate::reject::{Reject, Reply};

/// The most containers that one page lists.
const MAX_PAGE: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Xml,
}

/// Answers `GET /v1/ACCOUNT`: `limit`, `marker`, `end_marker` and `enabled` (or `enabled_only`, its older name). The
/// filter acts on a page that is cut already, as it does at the service, so a page may be shorter than its limit.
pub(super) fn list(request: &Request, core: &Core, account: &str) -> Reply {
    let query = &request.query;
    let rows = core.cdn.rows();
    let limit = match query.get("limit") {
        Some(limit) => limit
            .parse::<usize>()
            .map_err(|_| bad_limit())?
            .min(MAX_PAGE),
        None => MAX_PAGE,
    };
    let enabled = match query.get("enabled") {
        Some(enabled) => Some(crate::query::truthy(&enabled)),
        None => query.is_true("enabled_only").then_some(true),
    };
    let marker = query.get("marker").unwrap_or_default();
    let end_marker = query.get("end_marker").filter(|end| !end.is_empty());

    let format = format(request);
    let uris = |container: &str| super::uris(core, request, account, container);
    let Some(published) = rows.account(account) else {
        return Ok(match format {
            Format::Text => Response::new(StatusCode::NO_CONTENT),
            _ => page(account, format, &[], uris),
        });
    };
    let page_of: Vec<(&str, Row)> = published
        .containers
        .range::<str, _>((
            std::ops::Bound::Excluded(marker.as_ref()),
            std::ops::Bound::Unbounded,
        ))
        .map(|(name, row)| (name.as_str(), *row))
        .take_while(|(name, _)| end_marker.as_ref().is_none_or(|end| *name < end.as_ref()))
        .take(limit)
        .filter(|(_, row)| enabled.is_none_or(|enabled| row.enabled == enabled))
        .collect();
    Ok(page(account, format, &page_of, uris))
}

fn bad_limit() -> Reject {
    Reject::plain(StatusCode::BAD_REQUEST, "Invalid limit, must be an integer")
}

/// What the query says, else the first known type in `Accept`, else text.
fn format(request: &Request) -> Format {
    match request.query.get("format").as_deref() {
        Some("json") => return Format::Json,
        Some("xml") => return Format::Xml,
        Some(_) => return Format::Text,
        None => {}
    }
    let accept = request.header("accept").unwrap_or("");
    accept
        .split(',')
        .filter_map(|entry| entry.split(';').next())
        .find_map(|media| match media.trim() {
            "application/json" => Some(Format::Json),
            "application/xml" | "text/xml" => Some(Format::Xml),
            "text/plain" | "text/*" | "*/*" => Some(Format::Text),
            _ => None,
        })
        .unwrap_or(Format::Text)
}

fn page(
    account: &str,
    format: Format,
    rows: &[(&str, Row)],
    uris: impl Fn(&str) -> Uris,
) -> Response {
    match format {
        Format::Text => {
            let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
            let text = names.join("\n") + "\n";
            Response::with(StatusCode::OK, "text/plain; charset=UTF-8", text)
        }
        Format::Json => {
            let items = rows.iter().map(|(name, row)| {
                let uris = uris(name);
                json!({
                    "name": name,
                    "cdn_enabled": row.enabled,
                    "ttl": row.ttl,
                    "log_retention": row.log_retention,
                    "cdn_uri": uris.http,
                    "cdn_ssl_uri": uris.ssl,
                    "cdn_streaming_uri": uris.streaming,
                    "cdn_ios_uri": uris.ios,
                })
            });
            Response::json(StatusCode::OK, &items.collect())
        }
        Format::Xml => {
            let mut xml = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"{}\">",
                escape(account)
            );
            for (name, row) in rows {
                let uris = uris(name);
                xml.push_str("<container>");
                for (tag, text) in [
                    ("name", *name),
                    ("cdn_enabled", python_bool(row.enabled)),
                    ("ttl", &row.ttl.to_string()),
                    ("log_retention", python_bool(row.log_retention)),
                    ("cdn_uri", &uris.http),
                    ("cdn_ssl_uri", &uris.ssl),
                    ("cdn_streaming_uri", &uris.streaming),
                    ("cdn_ios_uri", &uris.ios),
                ] {
                    xml.extend(["<", tag, ">", &escape(text), "</", tag, ">"]);
                }
                xml.push_str("</container>");
            }
            xml.push_str("</account>");
            Response::with(StatusCode::OK, "application/xml; charset=UTF-8", xml)
        }
    }
}
