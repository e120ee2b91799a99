//! Containers on the CDN: publishing, and what is known of them.
//!
//! The CDN keeps its own record of each container that was ever published: enabled or not, TTL, log retention. It is
//! apart from the container itself, and outlives it.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use swift_client::{Client, Request, Service};

use crate::{Error, Ttl};

const ENABLED: &str = "x-cdn-enabled";
const TTL: &str = "x-ttl";
const LOG_RETENTION: &str = "x-log-retention";
const REMOVE: &str = "x-remove-cdn-container";

/// Where a container is published. The addresses stay the same however often it is switched off and on.
///
/// An object's address below one of these is told by [`swift_client::object_url`].
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

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The words the service takes for true.
pub(crate) fn is_true(text: &str) -> bool {
    matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "true" | "1" | "yes" | "on" | "t" | "y"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
