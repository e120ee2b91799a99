//! Somebody without an account: a plain HTTP client that has nothing but a URL.

use std::fmt;

use anyhow::Context;
use http::{Method, StatusCode};
use identity::HttpSettings;

use super::content::{Digest, Digester};

/// A client without credentials.
pub(super) struct Guest(reqwest::Client);

/// What a guest is answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// Of the body, whatever the status.
    pub(super) content: Digest,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes", self.status, self.content.bytes)
    }
}

impl Guest {
    pub(super) fn new(settings: &HttpSettings) -> anyhow::Result<Self> {
        Ok(Self(settings.client()?))
    }

    /// Reads a URL.
    pub(super) async fn get(&self, url: &str) -> anyhow::Result<Reply> {
        self.send(Method::GET, url, &[], "").await
    }

    /// Sends a request.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> anyhow::Result<Reply> {
        let mut request = self.0.request(method.clone(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == Method::PUT {
            request = request.body(body);
        }
        let answer = async {
            let mut response = request.send().await?;
            let status = response.status();
            let mut content = Digester::default();
            while let Some(piece) = response.chunk().await? {
                content.update(&piece);
            }
            Ok(Reply {
                status,
                content: content.finish(),
            })
        };
        // The error would show the URL, which is signed.
        answer
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("the plain {method} failed"))
    }
}
