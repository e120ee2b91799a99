//! What is done about each file and each object of a folder.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::pin::Pin;

use futures_util::stream::{BoxStream, Peekable};
use futures_util::{Stream, StreamExt, stream};

use super::{
    FolderChange, FolderOptions, FolderStep, LocalFile, SameBy, Unreadable, same, walk_folder,
};
use crate::{Error, GetOptions, ListOptions, Listed, ObjectEntry, Transfers};

/// A file, an object, or both of one name.
pub(super) enum Pair {
    File(LocalFile),
    Both(LocalFile, ObjectEntry),
    /// An object that is to go.
    Object(ObjectEntry),
    /// What could not be read.
    Broken(FolderStep),
}

/// The files of a folder; an empty folder is none.
pub(super) fn files(
    folder: PathBuf,
    options: &FolderOptions,
) -> BoxStream<'_, Result<LocalFile, Unreadable>> {
    let files = stream::once(async move { walk_folder(folder, options.filter.clone()) });
    let files = files.flatten().filter(|found| {
        let is_folder = matches!(found, Ok(file) if file.name.ends_with('/'));
        std::future::ready(!is_folder)
    });
    files.boxed()
}

/// Both sides, in the order of their names.
struct Sides<'a> {
    files: Peekable<BoxStream<'a, Result<LocalFile, Unreadable>>>,
    objects: Peekable<BoxStream<'static, Result<ObjectEntry, Error>>>,
    options: &'a FolderOptions,
    /// Whether something in the folder could not be read: from then on nobody knows what is not there.
    is_broken: bool,
    has_ended: bool,
}

impl Sides<'_> {
    async fn next(&mut self) -> Option<Pair> {
        while !self.has_ended {
            let file = Pin::new(&mut self.files).peek().await;
            if let Some(Err(_)) = file {
                self.is_broken = true;
                let unreadable = self.files.next().await?.err()?;
                return Some(Pair::Broken(FolderStep::unreadable(unreadable)));
            }
            let file = file.and_then(|file| file.as_ref().ok());
            let object = Pin::new(&mut self.objects).peek().await;
            if let Some(Err(_)) = object {
                // Without the other side nobody knows what to do.
                self.has_ended = true;
                let error = self.objects.next().await?.err()?;
                return Some(Pair::Broken(FolderStep {
                    path: None,
                    object: None,
                    outcome: Err(error),
                }));
            }
            let object = object.and_then(|object| object.as_ref().ok());
            let name = object.map(|object| &object.name[self.options.prefix.len()..]);
            if let Some(name) = name
                && (name.is_empty() || name.ends_with('/') || !self.options.filter.takes(name))
            {
                // It stands for a folder, or is none of ours.
                self.objects.next().await;
                continue;
            }
            let order = match (file, name) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(file), Some(name)) => file.name.as_str().cmp(name),
            };
            match order {
                Ordering::Less => return Some(Pair::File(self.files.next().await?.ok()?)),
                Ordering::Equal => {
                    let file = self.files.next().await?.ok()?;
                    let object = self.objects.next().await?.ok()?;
                    return Some(Pair::Both(file, object));
                }
                Ordering::Greater => {
                    let object = self.objects.next().await?.ok()?;
                    if self.options.delete && !self.is_broken {
                        return Some(Pair::Object(object));
                    }
                }
            }
        }
        None
    }
}

impl Transfers {
    /// How many files are worked on at a time.
    pub(super) fn at_once(&self) -> usize {
        self.settings().concurrency.max(1)
    }

    /// What a folder and a container have, by name.
    pub(super) fn pairs<'a>(
        &self,
        container: &str,
        folder: PathBuf,
        options: &'a FolderOptions,
    ) -> impl Stream<Item = Pair> + Send + 'a {
        let list = ListOptions {
            prefix: Some(options.prefix.clone()).filter(|prefix| !prefix.is_empty()),
            ..ListOptions::default()
        };
        let objects = self.client().list_objects(container, list);
        let objects =
            objects.filter_map(|entry| std::future::ready(entry.map(Listed::item).transpose()));
        let sides = Sides {
            files: files(folder, options).peekable(),
            objects: objects.boxed().peekable(),
            options,
            is_broken: false,
            has_ended: false,
        };
        stream::unfold(sides, |mut sides| async move {
            let pair = sides.next().await?;
            Some((pair, sides))
        })
    }

    /// Uploads a file, unless its object is there and the same.
    pub(super) async fn put_file(
        &self,
        container: &str,
        file: LocalFile,
        is_there: Result<bool, Error>,
        options: &FolderOptions,
    ) -> FolderStep {
        let object = format!("{}{}", options.prefix, file.name);
        let outcome = match is_there {
            Ok(true) => Ok(FolderChange::Unchanged),
            Ok(false) => {
                let mut upload = options.upload.clone();
                if let Some(modified) = file.modified {
                    upload.object.metadata.set_mtime(modified);
                }
                let uploaded = self.upload_file(container, &object, &file.path, &upload);
                uploaded.await.map(FolderChange::Uploaded)
            }
            Err(error) => Err(error),
        };
        FolderStep {
            path: Some(file.path),
            object: Some(object),
            outcome,
        }
    }

    /// Uploads a file, and looks first whether its object is there, if that is wanted.
    pub(super) async fn put_new_file(
        &self,
        container: &str,
        file: LocalFile,
        options: &FolderOptions,
    ) -> FolderStep {
        let is_there = match options.unchanged {
            Some(by) => {
                let object = format!("{}{}", options.prefix, file.name);
                self.has_file(container, &object, &file, by).await
            }
            None => Ok(false),
        };
        self.put_file(container, file, is_there, options).await
    }

    /// Uploads a file unless the listed object is the same.
    pub(super) async fn renew(
        &self,
        container: &str,
        file: LocalFile,
        object: ObjectEntry,
        options: &FolderOptions,
    ) -> FolderStep {
        let by = options.unchanged.unwrap_or(SameBy::Content);
        // The listing tells no content of a large object, and nothing but emptiness of a dynamic one.
        let is_plain = object.slo_etag.is_none() && object.bytes > 0;
        let is_same = if object.bytes > 0 && object.bytes != file.bytes {
            Ok(false)
        } else if is_plain && by == SameBy::Content {
            same::consists_of(&file.path, vec![(object.etag, object.bytes)]).await
        } else {
            self.has_file(container, &object.name, &file, by).await
        };
        self.put_file(container, file, is_same, options).await
    }

    /// Deletes an object that no file stands for.
    pub(super) async fn drop_object(
        &self,
        container: &str,
        object: ObjectEntry,
        options: &FolderOptions,
    ) -> FolderStep {
        let deleted = self.delete_object(container, &object.name, options.upload.old_segments);
        FolderStep {
            outcome: deleted.await.map(|_| FolderChange::Deleted),
            path: None,
            object: Some(object.name),
        }
    }

    /// Whether an object is there that was made of this file, as far as `by` tells.
    ///
    /// # Errors
    /// [`Error::File`], and those of asking for the object, its manifest or its segments.
    pub async fn has_file(
        &self,
        container: &str,
        object: &str,
        file: &LocalFile,
        by: SameBy,
    ) -> Result<bool, Error> {
        let client = self.client();
        let turn = self.turn().await;
        let options = GetOptions::default();
        let head = client.head_object(container, object, &options).await;
        drop(turn);
        let info = match head {
            Ok(info) => info,
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error),
        };
        if info.bytes != Some(file.bytes) {
            return Ok(false);
        }
        match by {
            SameBy::Time => {
                let noted = info.metadata.mtime();
                Ok(noted.is_some() && noted == file.modified)
            }
            SameBy::Content => {
                let same = client.has_content_of(container, object, &info, &file.path);
                Ok(same.await? == Some(true))
            }
        }
    }
}
