//! Copies and moves on the server, of objects of any size.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;

use crate::segments::{OldObject, all_segments, mark_as_shared, mark_prefix_as_shared, naming};
use crate::{CopyOptions, DeleteOptions, Error, GetOptions, ObjectInfo, Stored, Transfers};

impl Transfers {
    /// Copies an object on the server. Both places are container and object.
    ///
    /// Of a large object the manifest is copied: that takes a moment, whatever its size. Original and copy then stand
    /// on the same segments, which are marked, so that neither [`Transfers::delete_object`] nor a new upload takes them
    /// from under the other. They are removed by [`Transfers::apply_gc`] when nothing refers to them any more.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the original, or the container it goes to.
    pub async fn copy_object(
        &self,
        source: (&str, &str),
        destination: (&str, &str),
        options: &CopyOptions,
    ) -> Result<Stored, Error> {
        let info = self.describe(source, options).await?;
        self.copy_known(source, destination, options, &info).await
    }

    /// Moves an object on the server: a copy, then a deletion of the original. Both places are container and object.
    ///
    /// A symlink moves as it is. Whatever is replaced at the destination loses its segments, as with an upload.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, ObjectOptions, TransferSettings, Transfers};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// client.put_object("c", "draft", "content", &ObjectOptions::default()).await?;
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// transfers.move_object(("c", "draft"), ("c", "final")).await?;
    /// assert!(client.head_object("c", "draft", &Default::default()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Transfers::copy_object`]; [`Error::SamePlace`] if nothing would move. If the deletion fails, both are there.
    pub async fn move_object(
        &self,
        source: (&str, &str),
        destination: (&str, &str),
    ) -> Result<Stored, Error> {
        if source == destination {
            return Err(Error::SamePlace);
        }
        let mut options = CopyOptions {
            symlink: true,
            ..CopyOptions::default()
        };
        let info = self.describe(source, &options).await?;
        options.symlink = info.symlink_target.is_some();
        let stored = self
            .copy_known(source, destination, &options, &info)
            .await?;
        let _turn = self.turn().await;
        self.client()
            .delete_object(source.0, source.1, &DeleteOptions::default())
            .await?;
        Ok(stored)
    }

    async fn describe(
        &self,
        source: (&str, &str),
        options: &CopyOptions,
    ) -> Result<ObjectInfo, Error> {
        if options.source_account.is_some() {
            // What another account's object is made of is not for us to share.
            return Ok(ObjectInfo::read(http::HeaderMap::new()));
        }
        let _turn = self.turn().await;
        let get = GetOptions {
            version_id: options.version_id.clone(),
            symlink: options.symlink,
            ..GetOptions::default()
        };
        self.client().head_object(source.0, source.1, &get).await
    }

    async fn copy_known(
        &self,
        source: (&str, &str),
        destination: (&str, &str),
        options: &CopyOptions,
        info: &ObjectInfo,
    ) -> Result<Stored, Error> {
        let is_large = info.static_large_object || info.manifest.is_some();
        if info.static_large_object && source != destination {
            let segments: HashSet<(String, String)> = all_segments(self, source.0, source.1)
                .await?
                .into_iter()
                .filter(|segment| segment.container.ends_with(naming::SUFFIX))
                .map(|segment| (segment.container, segment.object))
                .collect();
            // Before the copy: a mark too many keeps bytes, one too few loses them.
            mark_as_shared(self, &segments).await?;
        }
        if let Some(place) = info.manifest.as_deref().filter(|_| source != destination) {
            let place = percent_decode_str(place).decode_utf8_lossy();
            if let Some((container, prefix)) = place.split_once('/')
                && container.ends_with(naming::SUFFIX)
            {
                mark_prefix_as_shared(self, container, prefix).await?;
            }
        }
        let old = if source == destination {
            None
        } else {
            self.replaced(destination).await?
        };
        let options = CopyOptions {
            manifest: options.manifest || is_large,
            ..options.clone()
        };
        let turn = self.turn().await;
        let stored = self
            .client()
            .copy_object(source, destination, &options)
            .await?;
        drop(turn);
        if let Some(old) = old {
            let keep = if info.static_large_object {
                all_segments(self, destination.0, destination.1).await?
            } else {
                Vec::new()
            };
            old.remove(self, &keep).await;
        }
        Ok(stored)
    }

    /// The large object at a place that is about to be replaced.
    async fn replaced(&self, place: (&str, &str)) -> Result<Option<OldObject>, Error> {
        let segments = naming::container_for(place.0);
        if !self.has_segment_container(&segments).await? {
            return Ok(None);
        }
        OldObject::find(self, place.0, place.1).await
    }
}
