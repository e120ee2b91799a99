//! Temp-URL keys on the server, and temp URLs made with them.

use http::{HeaderMap, Method};
use signing::{Digest, Key, Signer, StorageUrl, TempUrl};

use crate::metadata::set;
use crate::{Client, Error, Request};

/// What a temp-URL key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope<'a> {
    /// Every object of the account.
    Account,
    /// Every object of this container. Rackspace does not describe these; Swift has them since 2.3.
    Container(&'a str),
}

/// Each scope has room for two keys, so that one can be changed while the other goes on working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySlot {
    /// `Temp-URL-Key`.
    #[default]
    One,
    /// `Temp-URL-Key-2`.
    Two,
}

impl KeyScope<'_> {
    fn request(&self, method: Method) -> Request<'_> {
        match self {
            Self::Account => Request::account(method),
            Self::Container(container) => Request::container(method, container),
        }
    }

    fn header(self, slot: KeySlot) -> &'static str {
        match (self, slot) {
            (Self::Account, KeySlot::One) => "x-account-meta-temp-url-key",
            (Self::Account, KeySlot::Two) => "x-account-meta-temp-url-key-2",
            (Self::Container(_), KeySlot::One) => "x-container-meta-temp-url-key",
            (Self::Container(_), KeySlot::Two) => "x-container-meta-temp-url-key-2",
        }
    }
}

impl Client {
    /// The key in a slot, if there is one. Only owners are told.
    pub async fn temp_url_key(
        &self,
        scope: KeyScope<'_>,
        slot: KeySlot,
    ) -> Result<Option<Key>, Error> {
        let response = self.transport().send(scope.request(Method::HEAD)).await?;
        let key = response
            .headers
            .get(scope.header(slot))
            .map(|value| Key::new(value.as_bytes()));
        Ok(key.filter(|key| !key.is_empty()))
    }

    /// Puts a key into a slot. Every URL signed with the key it replaces stops working, on some clouds within a minute.
    ///
    /// # Errors
    /// [`Error::InvalidHeader`] for a key that no header can carry.
    pub async fn set_temp_url_key(
        &self,
        scope: KeyScope<'_>,
        slot: KeySlot,
        key: &Key,
    ) -> Result<(), Error> {
        let name = scope.header(slot);
        let invalid = || Error::InvalidHeader {
            name: name.to_owned(),
        };
        let mut value = http::HeaderValue::from_bytes(key.expose()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value)]);
        self.transport()
            .send(Request {
                headers,
                ..scope.request(Method::POST)
            })
            .await?
            .discard()
            .await;
        Ok(())
    }

    /// Makes a random key, puts it into a slot and gives it.
    pub async fn generate_temp_url_key(
        &self,
        scope: KeyScope<'_>,
        slot: KeySlot,
    ) -> Result<Key, Error> {
        let key = Key::generate();
        self.set_temp_url_key(scope, slot, &key).await?;
        Ok(key)
    }

    /// Empties a slot. Every URL signed with its key stops working.
    pub async fn remove_temp_url_key(
        &self,
        scope: KeyScope<'_>,
        slot: KeySlot,
    ) -> Result<(), Error> {
        let mut headers = HeaderMap::new();
        set(
            &mut headers,
            &scope.header(slot).replacen("x-", "x-remove-", 1),
            "x",
        )?;
        self.transport()
            .send(Request {
                headers,
                ..scope.request(Method::POST)
            })
            .await?
            .discard()
            .await;
        Ok(())
    }

    /// The digest to sign with here: the best that `/info` allows, of SHA-256, SHA-512 and SHA-1 in this order. A
    /// server that does not say is taken to know only SHA-1, which every server takes unless configured otherwise.
    ///
    /// # Errors
    /// Those of [`Client::capabilities`], but for a cloud that has no `/info`.
    pub async fn temp_url_digest(&self) -> Result<Digest, Error> {
        let capabilities = match self.capabilities().await {
            Err(Error::NotFound(_) | Error::Forbidden(_) | Error::Unauthorized(_)) => {
                return Ok(Digest::Sha1);
            }
            other => other?,
        };
        let allowed = capabilities
            .tempurl
            .as_ref()
            .and_then(|tempurl| tempurl.allowed_digests.as_ref());
        Ok(allowed.map_or(Digest::Sha1, |allowed| best_digest(allowed)))
    }

    /// A maker of temp URLs for this account with `key`, which should be in one of the slots.
    ///
    /// URLs are made for the public host, also by a client that works through an internal one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, KeyScope, KeySlot, ObjectOptions};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "o", "content", &ObjectOptions::default()).await?;
    /// let key = client.generate_temp_url_key(KeyScope::Account, KeySlot::One).await?;
    /// let urls = client.temp_urls(&key).await?;
    /// let now = emulator.clock().now().duration_since(std::time::UNIX_EPOCH)?;
    /// let url = urls.url(signing::Method::Get, "c", "o", now.as_secs() + 3600);
    /// assert!(url.contains("/c/o?temp_url_sig="));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn temp_urls(&self, key: &Key) -> Result<TempUrls, Error> {
        let digest = self.temp_url_digest().await?;
        let access = self.session().access().await?;
        let storage_url =
            StorageUrl::parse(access.public_storage_url.as_str()).map_err(Error::UnsignableUrl)?;
        Ok(TempUrls {
            signer: Signer::new(key, digest),
            storage_url,
        })
    }
}

fn best_digest(allowed: &[String]) -> Digest {
    let preferred = [Digest::Sha256, Digest::Sha512, Digest::Sha1];
    let known = |digest: &Digest| allowed.iter().any(|name| name == digest.name());
    preferred.into_iter().find(known).unwrap_or(Digest::Sha1)
}

/// Makes temp URLs for one account with one key. It asks the network nothing.
///
/// Whoever has such a URL may do what it says; treat it like a password.
#[derive(Debug)]
pub struct TempUrls {
    /// For signatures of other kinds.
    pub signer: Signer,
    /// The account the URLs are for.
    pub storage_url: StorageUrl,
}

impl TempUrls {
    /// A URL for one object and one method that works until `expires` (seconds since 1970, included).
    ///
    /// For prefixes, IP ranges and file names sign a [`TempUrl`] with [`TempUrls::signer`].
    pub fn url(
        &self,
        method: signing::Method,
        container: &str,
        object: &str,
        expires: u64,
    ) -> String {
        let resource = self.storage_url.object(container, object);
        self.signer.url(&TempUrl::new(method, resource, expires))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_sha256_and_falls_back_to_what_the_server_has() {
        let best = |allowed: &[&str]| {
            best_digest(
                &allowed
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(best(&["sha1", "sha256", "sha512"]), Digest::Sha256);
        assert_eq!(best(&["sha512", "sha1"]), Digest::Sha512);
        assert_eq!(best(&["sha1"]), Digest::Sha1);
    }
}
