//! Objects: storing, reading, describing, copying, deleting.

mod info;
mod options;

use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, Method};

pub(crate) use info::ContentRange;
use info::is_md5;
pub use info::{ObjectInfo, Stored};
pub use options::{
    ByteRange, CopyOptions, DeleteOptions, GetOptions, ObjectOptions, SymlinkTarget,
};

use crate::download::Download;
use crate::error::Operation;
use crate::metadata::set;
use crate::path::{escaped, escaped_path};
use crate::{Body, Client, Error, Progress, Replay, Request};

pub(crate) const META: &str = "x-object-meta-";

/// The headers of a PUT, and whether it may be repeated.
pub(crate) fn put_headers(options: &ObjectOptions) -> Result<(HeaderMap, Replay), Error> {
    let mut headers = options.headers()?;
    let replay = if options.only_if_new {
        set(&mut headers, IF_NONE_MATCH.as_str(), "*")?;
        Replay::IfUnseen
    } else {
        Replay::Always
    };
    Ok((headers, replay))
}

/// What was stored, unless the server's `ETag` tells that it is something else than `expected`.
pub(crate) fn checked_etag(
    operation: Operation,
    expected: Option<String>,
    stored: Stored,
) -> Result<Stored, Error> {
    match (expected, &stored.etag) {
        (Some(expected), Some(etag)) if is_md5(etag) && !expected.eq_ignore_ascii_case(etag) => {
            Err(Error::Checksum {
                operation: Box::new(operation),
                expected,
                found: etag.clone(),
            })
        }
        _ => Ok(stored),
    }
}

impl Client {
    /// Stores an object.
    ///
    /// The MD5 of data at hand goes out with it, so that the server stores nothing else; the MD5 of a file or a stream
    /// is taken on the way and compared with the server's.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use std::time::Duration;
    /// use swift_client::{ContainerOptions, Metadata, ObjectOptions};
    ///
    /// client.put_container("tmp", &ContainerOptions::default()).await?;
    /// let options = ObjectOptions {
    ///     content_type: Some("text/plain".into()),
    ///     metadata: Metadata::from([("Colour", "blue")]),
    ///     delete_after: Some(Duration::from_secs(3600)),
    ///     ..ObjectOptions::default()
    /// };
    /// client.put_object("tmp", "note", "for an hour", &options).await?;
    /// let info = client.head_object("tmp", "note", &Default::default()).await?;
    /// assert_eq!(info.bytes, Some(11));
    /// assert!(info.delete_at.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] without the container, [`Error::Unprocessable`] or [`Error::Checksum`] if the data was
    /// damaged on the way, [`Error::QuotaExceeded`], [`Error::TooLarge`].
    pub async fn put_object(
        &self,
        container: &str,
        object: &str,
        body: impl Into<Body>,
        options: &ObjectOptions,
    ) -> Result<Stored, Error> {
        self.store(
            container,
            object,
            body.into(),
            options,
            &Progress::default(),
        )
        .await
    }

    /// As [`Client::put_object`], telling of its progress.
    pub(crate) async fn store(
        &self,
        container: &str,
        object: &str,
        body: Body,
        options: &ObjectOptions,
        progress: &Progress,
    ) -> Result<Stored, Error> {
        let (mut headers, replay) = put_headers(options)?;
        let known = match &options.etag {
            Some(md5) => Some(md5.clone()),
            None => body.known_md5().await,
        };
        if let Some(md5) = &known {
            set(&mut headers, ETAG.as_str(), md5)?;
        }
        let request = Request {
            headers,
            body,
            replay,
            progress: progress.clone(),
            ..Request::object(Method::PUT, container, object)
        };
        let mut response = self
            .transport()
            .send_hashed(request, known.is_none())
            .await?;
        let operation = response.operation.clone();
        let expected = known.or_else(|| response.sent_md5.take());
        let stored = Stored::read(&response.discard().await);
        checked_etag(operation, expected, stored)
    }

    /// Size, times and metadata of an object.
    pub async fn head_object(
        &self,
        container: &str,
        object: &str,
        options: &GetOptions,
    ) -> Result<ObjectInfo, Error> {
        let request = Request {
            headers: options.headers()?,
            query: options.query(),
            ..Request::object(Method::HEAD, container, object)
        };
        Ok(ObjectInfo::read(
            self.transport().send(request).await?.headers,
        ))
    }

    /// An object's metadata at once, and its content as it is read from the [`Download`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use futures_util::TryStreamExt;
    /// use swift_client::{ByteRange, ContainerOptions, GetOptions, ObjectOptions};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "o", "0123456789", &ObjectOptions::default()).await?;
    ///
    /// // As a stream, piece by piece.
    /// let mut download = client.get_object("c", "o", &GetOptions::default()).await?;
    /// let mut seen = 0;
    /// while let Some(piece) = download.try_next().await? {
    ///     seen += piece.len();
    /// }
    /// assert_eq!(seen, 10);
    ///
    /// // A part of it, in memory.
    /// let part = GetOptions { range: Some(ByteRange::Last(3)), ..GetOptions::default() };
    /// assert_eq!(client.get_object("c", "o", &part).await?.bytes(3).await?, "789");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_object(
        &self,
        container: &str,
        object: &str,
        options: &GetOptions,
    ) -> Result<Download, Error> {
        Download::start(self, container, object, options, &Progress::default()).await
    }

    /// Replaces all metadata of an object.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, GetOptions, ObjectOptions};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "o", "content", &ObjectOptions::default()).await?;
    /// // What is there, with one thing changed.
    /// let info = client.head_object("c", "o", &GetOptions::default()).await?;
    /// let mut change = ObjectOptions::from(&info);
    /// change.metadata.insert("Colour", "green");
    /// client.post_object("c", "o", &change).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn post_object(
        &self,
        container: &str,
        object: &str,
        options: &ObjectOptions,
    ) -> Result<(), Error> {
        let headers = options.headers()?;
        let request = Request {
            headers,
            ..Request::object(Method::POST, container, object)
        };
        self.transport().send(request).await?.discard().await;
        Ok(())
    }

    /// Copies an object on the server. Both places are container and object.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, CopyOptions, DeleteOptions, ObjectOptions};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "a", "content", &ObjectOptions::default()).await?;
    /// client.copy_object(("c", "a"), ("c", "b"), &CopyOptions::default()).await?;
    /// client.delete_object("c", "a", &DeleteOptions::default()).await?;
    /// let missing = client.head_object("c", "a", &Default::default()).await.unwrap_err();
    /// assert!(missing.is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn copy_object(
        &self,
        source: (&str, &str),
        destination: (&str, &str),
        options: &CopyOptions,
    ) -> Result<Stored, Error> {
        let mut headers = options.object.headers()?;
        let mut from = escaped_path(source.0, source.1);
        if let Some(version) = &options.version_id {
            from = format!("{from}?version-id={}", escaped(version));
        }
        set(&mut headers, "x-copy-from", &from)?;
        if options.fresh_metadata {
            set(&mut headers, "x-fresh-metadata", "true")?;
        }
        if let Some(account) = &options.source_account {
            set(&mut headers, "x-copy-from-account", &escaped(account))?;
        }
        let manifest = options.manifest.then_some(("multipart-manifest", "get"));
        let symlink = options.symlink.then_some(("symlink", "get"));
        let request = Request {
            headers,
            query: manifest.into_iter().chain(symlink).collect(),
            ..Request::object(Method::PUT, destination.0, destination.1)
        };
        Ok(Stored::read(
            &self.transport().send(request).await?.discard().await,
        ))
    }

    /// Makes a symlink.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, GetOptions, ObjectOptions, SymlinkTarget};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "release-2", "content", &ObjectOptions::default()).await?;
    /// let target = SymlinkTarget {
    ///     container: "c".into(),
    ///     object: "release-2".into(),
    ///     ..SymlinkTarget::default()
    /// };
    /// client.put_symlink("c", "latest", &target, &ObjectOptions::default()).await?;
    /// let content = client.get_object("c", "latest", &GetOptions::default()).await?;
    /// assert_eq!(content.bytes(100).await?, "content");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Conflict`] if [`SymlinkTarget::etag`] is not that of the target.
    pub async fn put_symlink(
        &self,
        container: &str,
        object: &str,
        target: &SymlinkTarget,
        options: &ObjectOptions,
    ) -> Result<Stored, Error> {
        let (mut headers, replay) = put_headers(options)?;
        let path = escaped_path(&target.container, &target.object);
        set(&mut headers, "x-symlink-target", &path)?;
        let account = target.account.as_deref().map(escaped);
        let more = [
            ("x-symlink-target-account", account.as_deref()),
            ("x-symlink-target-etag", target.etag.as_deref()),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                set(&mut headers, name, value)?;
            }
        }
        let request = Request {
            headers,
            replay,
            ..Request::object(Method::PUT, container, object)
        };
        let response = self.transport().send(request).await?;
        Ok(Stored::read(&response.discard().await))
    }

    /// Deletes an object.
    pub async fn delete_object(
        &self,
        container: &str,
        object: &str,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let version = options.version_id.as_deref().map(|id| ("version-id", id));
        let segments = options.segments.then_some(("multipart-manifest", "delete"));
        let query = version.into_iter().chain(segments).collect();
        let request = Request {
            query,
            ..Request::object(Method::DELETE, container, object)
        };
        self.transport().send(request).await?.discard().await;
        Ok(())
    }
}
