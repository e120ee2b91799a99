//! The list of all containers that the CDN knows.

use std::collections::BTreeMap;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use swift_client::{Request, Service};

use crate::container::is_true;
use crate::{CdnClient, CdnContainer, CdnUris, Error};

/// A page has at most 10,000 entries of a few hundred bytes.
const MAX_PAGE_BYTES: u64 = 64 << 20;

/// Which containers are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only those that are published now; else all that ever were.
    pub enabled_only: bool,
    /// Only names after this one.
    pub marker: Option<String>,
    /// At most so many in all.
    pub limit: Option<usize>,
}

impl CdnClient {
    /// All containers the CDN knows, by name, page after page.
    ///
    /// The service's own filter acts after a page is cut, so that an empty page need not be the last; we filter here.
    pub fn list(&self, options: ListOptions) -> BoxStream<'static, Result<CdnContainer, Error>> {
        let ListOptions {
            enabled_only,
            marker,
            limit,
        } = options;
        let wanted = move |container: &CdnContainer| container.enabled || !enabled_only;
        stream::try_unfold((self.clone(), marker), |(cdn, marker)| async move {
            let page = cdn.page(marker.as_deref()).await?;
            let last = page.last().map(|container| container.name.clone());
            // A page that ends where the one before it ended would be the first of endless ones.
            let next = last.filter(|last| marker.as_ref() != Some(last));
            Ok::<_, Error>(
                next.map(|last| (stream::iter(page.into_iter().map(Ok)), (cdn, Some(last)))),
            )
        })
        .try_flatten()
        .try_filter(move |container| std::future::ready(wanted(container)))
        .take(limit.unwrap_or(usize::MAX))
        .boxed()
    }

    async fn page(&self, marker: Option<&str>) -> Result<Vec<CdnContainer>, Error> {
        let mut query = vec![("format", "json")];
        query.extend(marker.map(|marker| ("marker", marker)));
        let request = Request {
            service: Service::Cdn,
            query,
            ..Request::account(Method::GET)
        };
        let response = self.0.transport().send(request).await.map_err(Error::new)?;
        let body = response.bytes(MAX_PAGE_BYTES).await.map_err(Error::new)?;
        if body.is_empty() {
            Ok(Vec::new())
        } else {
            parse_list(&body)
        }
    }
}

/// An entry of the list. Keys and values have had several shapes in the service's life (`cdn_uri` and `X-CDN-URI`,
/// `true` and `"True"`), so both are read without regard to them.
#[derive(Deserialize)]
struct RawEntry(BTreeMap<String, Value>);

impl RawEntry {
    fn value(&self, name: &str) -> Option<&Value> {
        let plain = |key: &str| key.to_ascii_lowercase().replace('-', "_");
        self.0
            .iter()
            .find(|(key, _)| plain(key).trim_start_matches("x_") == name)
            .map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| is_true(&text))
    }

    fn container(&self) -> Option<CdnContainer> {
        Some(CdnContainer {
            name: self.text("name")?,
            enabled: self.flag("cdn_enabled"),
            ttl_seconds: self.text("ttl").and_then(|text| text.parse().ok()),
            log_retention: self.flag("log_retention"),
            uris: CdnUris {
                http: self.text("cdn_uri"),
                ssl: self.text("cdn_ssl_uri"),
                streaming: self.text("cdn_streaming_uri"),
                ios: self.text("cdn_ios_uri"),
            },
        })
    }
}

fn parse_list(body: &[u8]) -> Result<Vec<CdnContainer>, Error> {
    let malformed = |reason: String| Error::Malformed { reason };
    let entries: Vec<RawEntry> =
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let container = |entry: &RawEntry| {
        entry
            .container()
            .ok_or_else(|| malformed("an entry without a name".to_owned()))
    };
    entries.iter().map(container).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_list_as_the_service_writes_it() {
        let list = parse_list(
            br#"[{"name":"photos","cdn_enabled":true,"ttl":3600,"log_retention":false,
                  "cdn_uri":"http://a","cdn_ssl_uri":"https://b","cdn_streaming_uri":"http://c","cdn_ios_uri":"http://d"}]"#,
        )
        .unwrap();
        let photos = &list[0];
        assert!(photos.enabled && !photos.log_retention);
        assert_eq!(photos.ttl_seconds, Some(3600));
        assert_eq!(photos.uris.ssl.as_deref(), Some("https://b"));
    }

    #[test]
    fn reads_the_list_in_the_other_shapes_it_has_had() {
        let list = parse_list(
            br#"[{"name":"old","cdn_enabled":"False","ttl":"86400","log_retention":"True"},
                 {"name":"odd","X-CDN-Enabled":"True","X-TTL":900,"X-Cdn-Uri":"http://a"}]"#,
        )
        .unwrap();
        assert!(!list[0].enabled && list[0].log_retention);
        assert_eq!(list[0].ttl_seconds, Some(86_400));
        assert!(list[1].enabled);
        assert_eq!(
            (list[1].ttl_seconds, list[1].uris.http.as_deref()),
            (Some(900), Some("http://a"))
        );
    }

    #[test]
    fn refuses_a_list_that_is_none() {
        for body in [&b"<html>"[..], b"{}", br#"[{"ttl":1}]"#, b"[1]"] {
            assert!(matches!(parse_list(body), Err(Error::Malformed { .. })));
        }
    }
}
