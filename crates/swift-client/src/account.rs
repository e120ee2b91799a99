//! The account: totals, metadata, its containers.

use futures_util::stream::BoxStream;
use http::{HeaderMap, Method};

use crate::listing::{self, ListOptions, Listed};
use crate::metadata::{number, set};
use crate::{Client, ContainerEntry, Error, Metadata, Request};

const META: &str = "x-account-meta-";

/// What `HEAD` of an account tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountInfo {
    /// Number of containers (`X-Account-Container-Count`).
    pub containers: u64,
    /// Number of objects (`X-Account-Object-Count`).
    pub objects: u64,
    /// Size of all objects in bytes (`X-Account-Bytes-Used`).
    pub bytes: u64,
    /// What the account may hold, in bytes (`X-Account-Meta-Quota-Bytes`).
    pub quota_bytes: Option<u64>,
    /// The user's own metadata, without temp-URL keys.
    pub metadata: Metadata,
    /// All headers. Those that hold keys are not shown by `Debug`.
    pub headers: HeaderMap,
}

impl AccountInfo {
    fn read(headers: HeaderMap) -> Self {
        let count = |name| number(&headers, name).unwrap_or_default();
        Self {
            containers: count("x-account-container-count"),
            objects: count("x-account-object-count"),
            bytes: count("x-account-bytes-used"),
            quota_bytes: number(&headers, "x-account-meta-quota-bytes"),
            metadata: Metadata::read(META, &headers),
            headers,
        }
    }
}

/// A change to an account. What is not named stays as it is.
#[derive(Clone, Debug, Default)]
pub struct AccountOptions {
    /// Values to set (`X-Account-Meta-*`).
    pub metadata: Metadata,
    /// Names to remove (`X-Remove-Account-Meta-*`).
    pub remove_metadata: Vec<String>,
    /// What the account may hold, in bytes. Only resellers may set it.
    pub quota_bytes: Option<u64>,
    /// Headers of any other kind.
    pub headers: HeaderMap,
}

impl Client {
    /// Totals and metadata of the account.
    pub async fn head_account(&self) -> Result<AccountInfo, Error> {
        let response = self
            .transport()
            .send(Request::account(Method::HEAD))
            .await?;
        Ok(AccountInfo::read(response.headers))
    }

    /// Totals and metadata of the account, and one page of its containers.
    pub async fn get_account(
        &self,
        options: &ListOptions,
    ) -> Result<(AccountInfo, Vec<Listed<ContainerEntry>>), Error> {
        let page = listing::page(self, None, options, None, options.limit).await?;
        Ok((AccountInfo::read(page.headers), page.entries))
    }

    /// All containers of the account, page after page.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use futures_util::TryStreamExt;
    /// use swift_client::{ContainerOptions, ListOptions, Listed};
    ///
    /// for name in ["logs", "photos"] {
    ///     client.put_container(name, &ContainerOptions::default()).await?;
    /// }
    /// let mut listing = client.list_containers(ListOptions::default());
    /// let mut names = Vec::new();
    /// while let Some(entry) = listing.try_next().await? {
    ///     if let Listed::Item(container) = entry {
    ///         names.push(container.name);
    ///     }
    /// }
    /// assert_eq!(names, ["logs", "photos"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_containers(
        &self,
        options: ListOptions,
    ) -> BoxStream<'static, Result<Listed<ContainerEntry>, Error>> {
        listing::entries(self, None, options)
    }

    /// Changes the account's metadata.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{AccountOptions, Metadata};
    ///
    /// let change = AccountOptions {
    ///     metadata: Metadata::from([("Team", "images")]),
    ///     ..AccountOptions::default()
    /// };
    /// client.post_account(&change).await?;
    /// let account = client.head_account().await?;
    /// assert_eq!(account.metadata.get("team"), Some("images"));
    /// assert_eq!((account.containers, account.bytes), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn post_account(&self, options: &AccountOptions) -> Result<(), Error> {
        let mut headers = options.headers.clone();
        options.metadata.write(META, &mut headers)?;
        for name in &options.remove_metadata {
            set(&mut headers, &format!("x-remove-account-meta-{name}"), "x")?;
        }
        if let Some(bytes) = options.quota_bytes {
            set(
                &mut headers,
                "x-account-meta-quota-bytes",
                &bytes.to_string(),
            )?;
        }
        self.transport()
            .send(Request {
                headers,
                ..Request::account(Method::POST)
            })
            .await?
            .discard()
            .await;
        Ok(())
    }
}
