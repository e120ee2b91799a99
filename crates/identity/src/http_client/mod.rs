//! The HTTP client that every request of a session goes through: TLS, proxies, timeouts.

mod tls;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::Error;

/// More headers than this in an answer are an error.
const MAX_HEADERS: usize = 1024;

/// How to reach servers.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// For name resolution, connecting and the TLS handshake together. Default 15 s.
    pub connect_timeout: Duration,
    /// How long a connection may be silent in the middle of a request before it counts as dead. Default 60 s.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept for the next request. Default 30 s: below what servers and load
    /// balancers commonly allow, so that a request seldom meets a connection that is just being closed.
    pub keep_alive: Duration,
    /// Proxy to go through.
    pub proxy: Proxy,
    /// A PEM file with certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// What shows servers who we are, where they ask for a certificate.
    pub client_certificate: Option<ClientCertificate>,
    /// Trust every certificate. Whoever sits between can then read tokens and data.
    pub insecure: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            user_agent: concat!("cloudfiles/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_mins(1),
            keep_alive: Duration::from_secs(30),
            proxy: Proxy::Environment,
            ca_file: None,
            client_certificate: None,
            insecure: false,
        }
    }
}

/// A certificate of our own, for servers that ask for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// A PEM file with the certificate, and those between it and an authority.
    pub certificate: PathBuf,
    /// A PEM file with its private key; the same file if left out.
    pub key: Option<PathBuf>,
}

/// Which proxy to go through.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one for everything; the URL may hold a user and a password.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Url(_) => "Url(***)",
        })
    }
}

impl HttpSettings {
    /// An HTTP/1.1 client for these settings. It follows no redirection: our headers carry tokens and keys, and
    /// Swift's API has no use for any.
    ///
    /// # Errors
    /// [`Error::CaFile`], [`Error::ClientCertificate`], [`Error::InvalidUrl`] for the proxy, [`Error::HttpClient`].
    pub fn client(&self) -> Result<reqwest::Client, Error> {
        let builder = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.keep_alive)
            .redirect(reqwest::redirect::Policy::none())
            // 90 items of metadata and what comes with them are more than hyper's 100.
            .http1_max_headers(MAX_HEADERS)
            // Swift takes metadata names that no HTTP library reads; the object is to be readable all the same.
            .http1_ignore_invalid_headers_in_responses(true)
            .tls_backend_preconfigured(tls::config(self)?);
        let builder = match &self.proxy {
            Proxy::Environment => builder,
            Proxy::Direct => builder.no_proxy(),
            Proxy::Url(url) => {
                builder.proxy(reqwest::Proxy::all(url).map_err(|_| Error::InvalidUrl {
                    what: "the proxy's address",
                })?)
            }
        };
        builder
            .build()
            .map_err(|source| Error::HttpClient(Arc::new(source.without_url())))
    }
}

/// Shows a URL in `Debug` as [`displayed`] does.
pub(crate) struct Displayed<'a>(pub(crate) &'a Url);

impl fmt::Debug for Displayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&displayed(self.0))
    }
}

/// Reads an absolute http or https URL.
pub(crate) fn parse_url(text: &str, what: &'static str) -> Result<Url, Error> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(Error::InvalidUrl { what }),
    }
}

/// A URL as messages may show it: without user part, query and fragment.
pub(crate) fn displayed(url: &Url) -> String {
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.path()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_user_part_and_no_query_of_a_url() {
        let url = parse_url(
            "https://me:secret@host:8443/v1?key=secret#secret",
            "auth_url",
        )
        .unwrap();
        assert_eq!(displayed(&url), "https://host:8443/v1");
    }

    #[test]
    fn refuses_what_is_not_http() {
        for text in ["", "host/v1", "ftp://host", "file:///etc/passwd", "http://"] {
            assert!(parse_url(text, "auth_url").is_err(), "{text}");
        }
    }

    #[test]
    fn names_a_ca_file_that_does_not_exist() {
        let settings = HttpSettings {
            ca_file: Some("/nowhere/ca.pem".into()),
            ..HttpSettings::default()
        };
        let error = settings.client().unwrap_err();
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }

    #[test]
    fn hides_the_password_of_a_proxy() {
        let settings = HttpSettings {
            proxy: Proxy::Url("http://me:hunter2@proxy".into()),
            ..HttpSettings::default()
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn builds_a_client_on_a_machine_that_may_have_no_certificates() {
        assert!(HttpSettings::default().client().is_ok());
        assert!(
            HttpSettings {
                insecure: true,
                ..HttpSettings::default()
            }
            .client()
            .is_ok()
        );
    }
}
