//! Containers: creating, describing, listing, deleting.

use futures_util::stream::BoxStream;
use http::{HeaderMap, Method, StatusCode};

use crate::listing::{self, ListOptions, Listed};
use crate::metadata::{flag, number, set, text};
use crate::{Client, Error, Metadata, ObjectEntry, Request};

const META: &str = "x-container-meta-";

/// What `HEAD` of a container tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContainerInfo {
    /// Number of objects (`X-Container-Object-Count`).
    pub objects: u64,
    /// Size of all objects in bytes (`X-Container-Bytes-Used`).
    pub bytes: u64,
    /// Who may read (`X-Container-Read`); only told to those who may change it.
    pub read_acl: Option<String>,
    /// Who may write (`X-Container-Write`); only told to those who may change it.
    pub write_acl: Option<String>,
    /// What the container may hold, in bytes (`X-Container-Meta-Quota-Bytes`).
    pub quota_bytes: Option<u64>,
    /// How many objects it may hold (`X-Container-Meta-Quota-Count`).
    pub quota_count: Option<u64>,
    /// How older versions are kept, if they are.
    pub versioning: Option<Versioning>,
    /// `X-Storage-Policy`.
    pub storage_policy: Option<String>,
    /// How the container is served as a web site.
    pub static_web: StaticWeb,
    /// The user's own metadata, without temp-URL keys.
    pub metadata: Metadata,
    /// All headers. Those that hold keys are not shown by `Debug`.
    pub headers: HeaderMap,
}

impl ContainerInfo {
    fn read(headers: HeaderMap) -> Self {
        let count = |name| number(&headers, name).unwrap_or_default();
        let versioning = if flag(&headers, "x-versions-enabled") {
            Some(Versioning::Enabled(true))
        } else if let Some(archive) = text(&headers, "x-history-location") {
            Some(Versioning::History { archive })
        } else if let Some(archive) = text(&headers, "x-versions-location") {
            Some(Versioning::Stack { archive })
        } else {
            headers
                .contains_key("x-versions-enabled")
                .then_some(Versioning::Enabled(false))
        };
        Self {
            objects: count("x-container-object-count"),
            bytes: count("x-container-bytes-used"),
            read_acl: text(&headers, "x-container-read"),
            write_acl: text(&headers, "x-container-write"),
            quota_bytes: number(&headers, "x-container-meta-quota-bytes"),
            quota_count: number(&headers, "x-container-meta-quota-count"),
            versioning,
            storage_policy: text(&headers, "x-storage-policy"),
            static_web: StaticWeb::read(&headers),
            metadata: Metadata::read(META, &headers),
            headers,
        }
    }
}

/// How a container is served as a web site (`swift/common/middleware/staticweb.py`). The container must be readable by
/// everybody. In a change, what is not named stays, and an empty text takes a setting back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticWeb {
    /// The object shown for a folder, such as `index.html` (`X-Container-Meta-Web-Index`).
    pub index: Option<String>,
    /// What ends the names of pages shown with an error: for `error.html` the objects `401error.html` and
    /// `404error.html` (`X-Container-Meta-Web-Error`).
    pub error: Option<String>,
    /// Whether folders without an index are listed (`X-Container-Meta-Web-Listings`).
    pub listings: Option<bool>,
    /// Style sheet of these listings (`X-Container-Meta-Web-Listings-CSS`).
    pub listings_css: Option<String>,
    /// Content type of the objects that stand for folders (`X-Container-Meta-Web-Directory-Type`).
    pub directory_type: Option<String>,
}

impl StaticWeb {
    fn read(headers: &HeaderMap) -> Self {
        let listings = "x-container-meta-web-listings";
        Self {
            index: text(headers, "x-container-meta-web-index"),
            error: text(headers, "x-container-meta-web-error"),
            listings: headers
                .contains_key(listings)
                .then(|| flag(headers, listings)),
            listings_css: text(headers, "x-container-meta-web-listings-css"),
            directory_type: text(headers, "x-container-meta-web-directory-type"),
        }
    }

    fn settings(&self) -> [(&'static str, Option<&str>); 5] {
        let listings = self.listings.map(|on| if on { "true" } else { "false" });
        [
            ("x-container-meta-web-index", self.index.as_deref()),
            ("x-container-meta-web-error", self.error.as_deref()),
            ("x-container-meta-web-listings", listings),
            (
                "x-container-meta-web-listings-css",
                self.listings_css.as_deref(),
            ),
            (
                "x-container-meta-web-directory-type",
                self.directory_type.as_deref(),
            ),
        ]
    }
}

/// What happens to an object that is overwritten or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Versioning {
    /// It moves to `archive`; deleting brings back the newest of these (`X-Versions-Location`). Here a delete that is
    /// repeated removes two versions.
    Stack {
        /// A container.
        archive: String,
    },
    /// It moves to `archive`, and so does the mark of a deletion (`X-History-Location`).
    History {
        /// A container.
        archive: String,
    },
    /// It stays as a version of its own (`X-Versions-Enabled`), or no longer does.
    Enabled(bool),
    /// Nothing, from now on: takes back [`Versioning::Stack`] and [`Versioning::History`].
    Off,
}

/// A new container's settings, or a change to a container. What is not named stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ContainerOptions {
    /// Values to set (`X-Container-Meta-*`).
    pub metadata: Metadata,
    /// Names to remove (`X-Remove-Container-Meta-*`).
    pub remove_metadata: Vec<String>,
    /// Who may read, such as `.r:*,.rlistings` or `account:user`; empty for nobody else (`X-Container-Read`).
    pub read_acl: Option<String>,
    /// Who may write, such as `account:user`; empty for nobody else (`X-Container-Write`).
    pub write_acl: Option<String>,
    /// What the container may hold, in bytes.
    pub quota_bytes: Option<u64>,
    /// How many objects it may hold.
    pub quota_count: Option<u64>,
    /// How older versions are kept.
    pub versioning: Option<Versioning>,
    /// Storage policy; only for a new container.
    pub storage_policy: Option<String>,
    /// How it is served as a web site.
    pub static_web: StaticWeb,
    /// Headers of any other kind.
    pub headers: HeaderMap,
}

impl ContainerOptions {
    fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        self.metadata.write(META, &mut headers)?;
        for name in &self.remove_metadata {
            set(
                &mut headers,
                &format!("x-remove-container-meta-{name}"),
                "x",
            )?;
        }
        let quota_bytes = self.quota_bytes.map(|bytes| bytes.to_string());
        let quota_count = self.quota_count.map(|count| count.to_string());
        let versioning = self.versioning.as_ref().map(|versioning| match versioning {
            Versioning::Stack { archive } => ("x-versions-location", archive.as_str()),
            Versioning::History { archive } => ("x-history-location", archive.as_str()),
            Versioning::Enabled(true) => ("x-versions-enabled", "true"),
            Versioning::Enabled(false) => ("x-versions-enabled", "false"),
            Versioning::Off => ("x-remove-versions-location", "x"),
        });
        let settings = [
            ("x-container-read", self.read_acl.as_deref()),
            ("x-container-write", self.write_acl.as_deref()),
            ("x-container-meta-quota-bytes", quota_bytes.as_deref()),
            ("x-container-meta-quota-count", quota_count.as_deref()),
            ("x-storage-policy", self.storage_policy.as_deref()),
        ];
        let settings = settings
            .into_iter()
            .chain(self.static_web.settings())
            .filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in settings.chain(versioning) {
            set(&mut headers, name, value)?;
        }
        Ok(headers)
    }
}

/// What `PUT` of a container came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// 201: it was not there before.
    New,
    /// 202: it was there; what was named in the options has been changed.
    Existed,
}

impl Client {
    /// Creates a container, or changes the one that is there.
    ///
    /// After a lost answer and a second attempt, a new container may be reported as [`Created::Existed`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{Acl, ContainerOptions, Created, Metadata};
    ///
    /// let options = ContainerOptions {
    ///     metadata: Metadata::from([("Owner", "ann")]),
    ///     read_acl: Some(Acl::new().everybody().listings().to_string()),
    ///     quota_bytes: Some(10 << 30),
    ///     ..ContainerOptions::default()
    /// };
    /// assert_eq!(client.put_container("photos", &options).await?, Created::New);
    /// let info = client.head_container("photos").await?;
    /// assert_eq!(info.quota_bytes, Some(10 << 30));
    /// assert_eq!(info.read_acl.as_deref(), Some(".r:*,.rlistings"));
    /// client.delete_container("photos").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put_container(
        &self,
        container: &str,
        options: &ContainerOptions,
    ) -> Result<Created, Error> {
        let headers = options.headers()?;
        let request = Request {
            headers,
            ..Request::container(Method::PUT, container)
        };
        let response = self.transport().send(request).await?;
        let existed = response.status == StatusCode::ACCEPTED;
        response.discard().await;
        Ok(if existed {
            Created::Existed
        } else {
            Created::New
        })
    }

    /// Totals, settings and metadata of a container.
    pub async fn head_container(&self, container: &str) -> Result<ContainerInfo, Error> {
        let response = self
            .transport()
            .send(Request::container(Method::HEAD, container))
            .await?;
        Ok(ContainerInfo::read(response.headers))
    }

    /// What [`Client::head_container`] tells, and one page of the container's objects.
    pub async fn get_container(
        &self,
        container: &str,
        options: &ListOptions,
    ) -> Result<(ContainerInfo, Vec<Listed<ObjectEntry>>), Error> {
        let page = listing::page(self, Some(container), options, None, options.limit).await?;
        Ok((ContainerInfo::read(page.headers), page.entries))
    }

    /// All objects of a container, page after page.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use futures_util::TryStreamExt;
    /// use swift_client::{ContainerOptions, ListOptions, Listed, ObjectOptions};
    ///
    /// client.put_container("photos", &ContainerOptions::default()).await?;
    /// for name in ["2025/a.jpg", "2026/a.jpg", "2026/b.jpg", "readme"] {
    ///     client.put_object("photos", name, "…", &ObjectOptions::default()).await?;
    /// }
    /// // One level of folders.
    /// let level = ListOptions { delimiter: Some("/".into()), ..ListOptions::default() };
    /// let level: Vec<_> = client.list_objects("photos", level).try_collect().await?;
    /// assert_eq!(level[..2], [Listed::Subdir("2025/".into()), Listed::Subdir("2026/".into())]);
    ///
    /// // All in one of them, however many pages that takes.
    /// let year = ListOptions { prefix: Some("2026/".into()), ..ListOptions::default() };
    /// let year: Vec<_> = client.list_objects("photos", year).try_collect().await?;
    /// assert_eq!(year.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_objects(
        &self,
        container: &str,
        options: ListOptions,
    ) -> BoxStream<'static, Result<Listed<ObjectEntry>, Error>> {
        listing::entries(self, Some(container), options)
    }

    /// Changes a container's settings and metadata.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, ObjectOptions, Versioning};
    ///
    /// client.put_container("drafts", &ContainerOptions::default()).await?;
    /// let versions = ContainerOptions {
    ///     versioning: Some(Versioning::Enabled(true)),
    ///     ..ContainerOptions::default()
    /// };
    /// client.post_container("drafts", &versions).await?;
    /// let first = client.put_object("drafts", "a", "one", &ObjectOptions::default()).await?;
    /// client.put_object("drafts", "a", "two", &ObjectOptions::default()).await?;
    ///
    /// let old = swift_client::GetOptions { version_id: first.version_id, ..Default::default() };
    /// assert_eq!(client.get_object("drafts", "a", &old).await?.bytes(10).await?, "one");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn post_container(
        &self,
        container: &str,
        options: &ContainerOptions,
    ) -> Result<(), Error> {
        let headers = options.headers()?;
        let request = Request {
            headers,
            ..Request::container(Method::POST, container)
        };
        self.transport().send(request).await?.discard().await;
        Ok(())
    }

    /// Deletes an empty container.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it holds objects.
    pub async fn delete_container(&self, container: &str) -> Result<(), Error> {
        self.transport()
            .send(Request::container(Method::DELETE, container))
            .await?
            .discard()
            .await;
        Ok(())
    }
}
