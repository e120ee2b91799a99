//! The desktop's keyring (Secret Service), in which passwords and API keys may live as they did with pyrax.
//!
//! Two kinds of entries are looked for: ours, `service=cloudfiles cloud=NAME username=USER auth_url=URL`, which
//! `cloudfiles login` makes, and pyrax's, `service=pyrax username=USER`, which `keyring set pyrax USER` makes. The
//! server's address is part of ours so that a secret is never sent elsewhere because a setting has changed.
//!
//! Nothing is asked before a secret is needed that stands nowhere else.

use std::collections::HashMap;
use std::thread;

use anyhow::{Context, anyhow};
use identity::Secret;
use secret_service::{EncryptionType, SecretService};
use zeroize::Zeroizing;

use super::Environment;

/// What an entry is found by.
pub(crate) type Attributes<'a> = [(&'a str, &'a str)];

/// A keyring: the desktop's, or a test's.
pub(crate) trait Keyring: Send + Sync {
    /// The secret of the first entry with these attributes.
    fn find(&self, attributes: &Attributes<'_>) -> anyhow::Result<Option<Secret>>;

    /// Keeps a secret in place of one with the same attributes. Users see the label in their desktop's tools.
    fn store(
        &self,
        label: &str,
        attributes: &Attributes<'_>,
        secret: &Secret,
    ) -> anyhow::Result<()>;

    /// Removes all entries with these attributes, and tells how many.
    fn remove(&self, attributes: &Attributes<'_>) -> anyhow::Result<usize>;
}

/// What an entry of the keyring is found by.
pub(crate) struct KeyringEntry {
    pub(super) cloud: String,
    /// Whose secret it is.
    pub(crate) user: String,
    pub(super) auth_url: String,
}

impl KeyringEntry {
    pub(super) const SERVICE: &str = "cloudfiles";

    pub(super) fn attributes(&self) -> [(&str, &str); 4] {
        [
            ("service", Self::SERVICE),
            ("cloud", &self.cloud),
            ("username", &self.user),
            ("auth_url", &self.auth_url),
        ]
    }

    /// Keeps a secret.
    pub(crate) fn store(&self, secret: &Secret, environment: &Environment) -> anyhow::Result<()> {
        let label = format!("{} on {} (cloudfiles)", self.user, self.cloud);
        let keyring = &environment.keyring;
        keyring.store(&label, &self.attributes(), secret)
    }

    /// Forgets it; tells whether there was one.
    pub(crate) fn remove(&self, environment: &Environment) -> anyhow::Result<bool> {
        Ok(environment.keyring.remove(&self.attributes())? > 0)
    }
}

/// The Secret Service of this session, over D-Bus.
pub(super) struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn find(&self, attributes: &Attributes<'_>) -> anyhow::Result<Option<Secret>> {
        wait_for(async {
            let service = connect().await?;
            let found = service.search_items(map(attributes)).await?;
            let Some(item) = found.unlocked.first().or(found.locked.first()) else {
                return Ok(None);
            };
            item.ensure_unlocked().await.context("it stays locked")?;
            let secret = Zeroizing::new(item.get_secret().await?);
            let text = std::str::from_utf8(&secret).map_err(|_| anyhow!("it holds no text"))?;
            Ok(Some(Secret::from(text)))
        })
    }

    fn store(
        &self,
        label: &str,
        attributes: &Attributes<'_>,
        secret: &Secret,
    ) -> anyhow::Result<()> {
        wait_for(async {
            let service = connect().await?;
            let collection = service.get_default_collection().await?;
            let unlocked = collection.ensure_unlocked().await;
            unlocked.context("it stays locked")?;
            let secret = secret.expose().as_bytes();
            let attributes = map(attributes);
            collection
                .create_item(label, attributes, secret, true, "text/plain")
                .await?;
            Ok(())
        })
    }

    fn remove(&self, attributes: &Attributes<'_>) -> anyhow::Result<usize> {
        wait_for(async {
            let service = connect().await?;
            let found = service.search_items(map(attributes)).await?;
            let mut removed = 0;
            for item in found.unlocked.iter().chain(&found.locked) {
                item.delete().await?;
                removed += 1;
            }
            Ok(removed)
        })
    }
}

async fn connect() -> anyhow::Result<SecretService<'static>> {
    let service = SecretService::connect(EncryptionType::Dh).await;
    service
        .context("no Secret Service answers (a desktop session has one, or gnome-keyring-daemon)")
}

fn map<'a>(attributes: &Attributes<'a>) -> HashMap<&'a str, &'a str> {
    attributes.iter().copied().collect()
}

/// Runs to the end on a thread of its own, so that settings can be read inside and outside of a runtime alike.
fn wait_for<T: Send>(work: impl Future<Output = anyhow::Result<T>> + Send) -> anyhow::Result<T> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(work)
        });
        let result = worker.join();
        result.unwrap_or_else(|_| Err(anyhow!("its client has failed")))
    })
    .context("the keyring")
}

/// Where there is none.
#[cfg(test)]
pub(super) struct NoKeyring;

#[cfg(test)]
impl Keyring for NoKeyring {
    fn find(&self, _: &Attributes<'_>) -> anyhow::Result<Option<Secret>> {
        anyhow::bail!("the keyring: there is none")
    }

    fn store(&self, _: &str, _: &Attributes<'_>, _: &Secret) -> anyhow::Result<()> {
        anyhow::bail!("the keyring: there is none")
    }

    fn remove(&self, _: &Attributes<'_>) -> anyhow::Result<usize> {
        anyhow::bail!("the keyring: there is none")
    }
}
