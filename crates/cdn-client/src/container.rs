//! Containers on the CDN: publishing, what is known of them, the list.
//!
//! The CDN keeps its own record of each container that was ever published: enabled or not, TTL, log retention. It is
//! apart from the container itself, and outlives it.

use std::collections::BTreeMap;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::Value;
use swift_client::{Client, Request, Service};

use crate::{Error, Ttl};

const MAX_PAGE_BYTES: u64 = 64 << 20;

const ENABLED: &str = "x-cdn-enabled";
const TTL: &str = "x-ttl";
const LOG_RETENTION: &str = "x-log-retention";
const REMOVE: &str = "x-remove-cdn-container";

/// Where a container is published. The addresses stay the same however often it is switched off and on.
///
/// An object's address is one of these, a slash, and the object's name, percent-encoded: [`CdnUris::object_uri`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CdnUris {
    /// `http` (`X-CDN-URI`).
    pub http: Option<String>,
    /// `https` (`X-CDN-SSL-URI`).
    pub ssl: Option<String>,
    /// For streaming (`X-CDN-STREAMING-URI`).
    pub streaming: Option<String>,
    /// For iOS streaming (`X-CDN-iOS-URI`).
    pub ios: Option<String>,
}

impl CdnUris {
    /// The address of an object below one of the four.
    ///
    /// ```
    /// let uri = cdn_client::CdnUris::object_uri("http://t-h.r1.cf1.rackcdn.com", "my cats/1.png");
    /// assert_eq!(uri, "http://t-h.r1.cf1.rackcdn.com/my%20cats/1.png");
    /// ```
    pub fn object_uri(uri: &str, object: &str) -> String {
        use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
        const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'.')
            .remove(b'_')
            .remove(b'~')
            .remove(b'/');
        format!(
            "{}/{}",
            uri.trim_end_matches('/'),
            utf8_percent_encode(object, ESCAPED)
        )
    }

    fn read(headers: &HeaderMap) -> Self {
        Self {
            http: text(headers, "x-cdn-uri"),
            ssl: text(headers, "x-cdn-ssl-uri"),
            streaming: text(headers, "x-cdn-streaming-uri"),
            ios: text(headers, "x-cdn-ios-uri"),
        }
    }
}

/// What the CDN knows of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdnContainer {
    /// Container.
    pub name: String,
    /// Whether it is published now. What an edge has already fetched it serves until its TTL has run out all the same.
    pub enabled: bool,
    /// How long an edge keeps what it fetches, in seconds. It is a number and no [`Ttl`], since it is the service's
    /// word: records from before the bounds of today may lie outside.
    pub ttl_seconds: Option<u64>,
    /// Whether access logs go to the container `.CDN_ACCESS_LOGS`.
    pub log_retention: bool,
    /// Where it is published.
    pub uris: CdnUris,
}

impl CdnContainer {
    fn read(name: &str, headers: &HeaderMap) -> Self {
        Self {
            name: name.to_owned(),
            enabled: text(headers, ENABLED).is_some_and(|text| is_true(&text)),
            ttl_seconds: text(headers, TTL).and_then(|text| text.trim().parse().ok()),
            log_retention: text(headers, LOG_RETENTION).is_some_and(|text| is_true(&text)),
            uris: CdnUris::read(headers),
        }
    }
}

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

/// A client of the CDN management service of an account, made from the [`Client`] of its object storage. It is cheap
/// to clone.
///
/// ```no_run
/// # async fn example(client: swift_client::Client) -> Result<(), cdn_client::Error> {
/// use cdn_client::{CdnClient, Ttl};
///
/// let cdn = CdnClient::new(&client);
/// let uris = cdn.publish("photos", Some(Ttl::from_seconds(3600)?)).await?;
/// println!("{:?}", uris.ssl);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CdnClient(pub(crate) Client);

impl CdnClient {
    /// A client with the session of `client`.
    pub fn new(client: &Client) -> Self {
        Self(client.clone())
    }

    /// Where the management service is, or why there is none, without asking it anything.
    ///
    /// # Errors
    /// [`Error::NoCdn`] on a cloud without one.
    pub async fn management_url(&self) -> Result<String, Error> {
        let access = self
            .0
            .session()
            .access()
            .await
            .map_err(|error| Error::Request(error.into()))?;
        let url = access.cdn_url().map_err(|error| Error::new(error.into()))?;
        Ok(url.to_string())
    }

    /// Publishes a container. Without a TTL it keeps the one it had, and a new one gets [`Ttl::DEFAULT`].
    pub async fn publish(&self, container: &str, ttl: Option<Ttl>) -> Result<CdnUris, Error> {
        let mut headers = vec![(ENABLED, "True".to_owned())];
        headers.extend(ttl.map(|ttl| (TTL, ttl.to_string())));
        let headers = self.send(Method::PUT, container, headers).await?;
        Ok(CdnUris::read(&headers))
    }

    /// Takes a container off the CDN. Edges go on serving what they have until its TTL has run out.
    ///
    /// # Errors
    /// [`Error::NotPublished`] if it never was published.
    pub async fn unpublish(&self, container: &str) -> Result<(), Error> {
        self.send(Method::POST, container, vec![(ENABLED, "False".to_owned())])
            .await?;
        Ok(())
    }

    /// Changes the TTL of what edges fetch from now on.
    ///
    /// # Errors
    /// [`Error::NotPublished`] if it never was published.
    pub async fn set_ttl(&self, container: &str, ttl: Ttl) -> Result<(), Error> {
        self.send(Method::POST, container, vec![(TTL, ttl.to_string())])
            .await?;
        Ok(())
    }

    /// Switches access logs on or off.
    ///
    /// # Errors
    /// [`Error::NotPublished`] if it never was published.
    pub async fn set_log_retention(&self, container: &str, keep: bool) -> Result<(), Error> {
        let value = if keep { "True" } else { "False" };
        self.send(
            Method::POST,
            container,
            vec![(LOG_RETENTION, value.to_owned())],
        )
        .await?;
        Ok(())
    }

    /// What the CDN knows of a container.
    ///
    /// # Errors
    /// [`Error::NotPublished`] if it never was published.
    pub async fn status(&self, container: &str) -> Result<CdnContainer, Error> {
        let headers = self.send(Method::HEAD, container, Vec::new()).await?;
        Ok(CdnContainer::read(container, &headers))
    }

    /// Makes the CDN forget a container.
    ///
    /// # Errors
    /// [`Error::NotPublished`] if it has been forgotten, or never was published.
    pub async fn remove(&self, container: &str) -> Result<(), Error> {
        self.send(Method::DELETE, container, vec![(REMOVE, "true".to_owned())])
            .await?;
        Ok(())
    }

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

    async fn send(
        &self,
        method: Method,
        container: &str,
        headers: Vec<(&'static str, String)>,
    ) -> Result<HeaderMap, Error> {
        let headers = headers.into_iter().map(|(name, value)| {
            let value = HeaderValue::try_from(value).expect("numbers and words fit into a header");
            (HeaderName::from_static(name), value)
        });
        let request = Request {
            service: Service::Cdn,
            headers: headers.collect(),
            ..Request::container(method, container)
        };
        match self.0.transport().send(request).await {
            Ok(response) => Ok(response.discard().await),
            Err(error) => Err(Error::about(container, error)),
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

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The words the service takes for true.
fn is_true(text: &str) -> bool {
    matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "true" | "1" | "yes" | "on" | "t" | "y"
    )
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

    #[test]
    fn reads_a_disabled_container_from_headers() {
        let headers = [
            (ENABLED, "False"),
            (TTL, "259200"),
            ("x-cdn-uri", "http://a"),
        ];
        let headers = headers.into_iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let container = CdnContainer::read("photos", &headers.collect());
        assert!(!container.enabled);
        assert_eq!(container.ttl_seconds, Some(Ttl::DEFAULT.seconds().into()));
        assert_eq!(container.uris.http.as_deref(), Some("http://a"));
    }
}
