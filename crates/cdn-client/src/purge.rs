//! Taking something off the edges before its TTL has run out.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use swift_client::{Request, Service};

use crate::{CdnClient, Error};

impl CdnClient {
    /// Asks for one object to be dropped by all edges. It is done later; `emails` are told when. The object in storage
    /// is not touched. The service allows 25 of these a day, then answers
    /// [`swift_client::Error::RateLimited`].
    pub async fn purge_object(
        &self,
        container: &str,
        object: &str,
        emails: &[&str],
    ) -> Result<(), Error> {
        let request = Request::object(Method::DELETE, container, object);
        self.purge(Request {
            service: Service::Cdn,
            headers: emails_header(emails)?,
            ..request
        })
        .await
    }

    /// Asks for all objects of a container to be dropped. Cloud Files did this in its first years and later only by
    /// support ticket; a service that does not answers 405.
    pub async fn purge_container(&self, container: &str, emails: &[&str]) -> Result<(), Error> {
        let request = Request::container(Method::DELETE, container);
        self.purge(Request {
            service: Service::Cdn,
            headers: emails_header(emails)?,
            ..request
        })
        .await
    }

    async fn purge(&self, request: Request<'_>) -> Result<(), Error> {
        self.0.transport().send(request).await.map_err(Error::new)?;
        Ok(())
    }
}

fn emails_header(emails: &[&str]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    if !emails.is_empty() {
        if emails
            .iter()
            .any(|email| email.contains([',', ' ']) || !email.contains('@'))
        {
            return Err(Error::InvalidEmail);
        }
        let value = HeaderValue::try_from(emails.join(", ")).map_err(|_| Error::InvalidEmail)?;
        headers.insert(HeaderName::from_static("x-purge-email"), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_addresses_and_refuses_what_is_none() {
        let headers = emails_header(&["a@example.com", "b@example.com"]).unwrap();
        assert_eq!(headers["x-purge-email"], "a@example.com, b@example.com");
        assert!(emails_header(&[]).unwrap().is_empty());
        for emails in ["nobody", "a@b\r\nX-Evil: 1", "a@b,c@d"] {
            assert!(emails_header(&[emails]).is_err(), "{emails}");
        }
    }
}
