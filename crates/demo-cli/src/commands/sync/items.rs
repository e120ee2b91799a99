//! What a side has, in the order of the names.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::Peekable;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use swift_client::{Client, ListOptions, Listed, walk_folder};

use crate::commands::Failures;
use crate::commands::upload::folder_of;
use crate::fetching::is_marker;
use crate::pattern::Filter;
use crate::place::CloudPlace;

/// What a side has under a name.
pub(super) struct Item {
    /// Below the place that is synchronised.
    pub(super) name: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    pub(super) modified: Option<Timestamp>,
    /// The MD5 of an object, if its listing tells it.
    pub(super) md5: Option<String>,
    /// Where a file is.
    pub(super) path: Option<PathBuf>,
}

/// What could not be read, and why.
type Problem = (String, anyhow::Error);

/// What a folder or a listing gives.
type Found = Pin<Box<dyn Stream<Item = Result<Item, Problem>>>>;

/// The items of a side.
pub(super) struct Items {
    items: Peekable<Found>,
    filter: Filter,
}

impl Items {
    /// The files of a folder; none if there is no such folder.
    pub(super) fn of_folder(path: &Path, filter: &Filter) -> Self {
        if !path.exists() {
            return Self::new(Box::pin(stream::empty()), filter);
        }
        let files = walk_folder(path, Arc::new(filter.clone()));
        // Where folders are made of names, one without files is nothing.
        let files = files.filter(|found| {
            let is_folder = matches!(found, Ok(file) if file.name.ends_with('/'));
            std::future::ready(!is_folder)
        });
        let items = files.map(|found| match found {
            Ok(file) => Ok(Item {
                name: file.name,
                bytes: file.bytes,
                modified: file.modified,
                md5: None,
                path: Some(file.path),
            }),
            Err(unreadable) => Err((
                unreadable.path.display().to_string(),
                unreadable.error.into(),
            )),
        });
        Self::new(Box::pin(items), filter)
    }

    /// The objects below a place; none, if the container `may_miss` and does.
    pub(super) fn of_cloud(
        client: &Client,
        place: &CloudPlace,
        may_miss: bool,
        filter: &Filter,
    ) -> Self {
        let prefix = folder_of(place);
        let options = ListOptions {
            prefix: Some(prefix.clone()).filter(|prefix| !prefix.is_empty()),
            ..ListOptions::default()
        };
        let listing = client.list_objects(&place.container, options);
        let listing = listing.filter(move |entry| {
            let missing = matches!(entry, Err(error) if may_miss && error.is_not_found());
            std::future::ready(!missing)
        });
        let name = place.to_string();
        let items = listing.map_err(move |error| (name.clone(), error.into()));
        let items = items.try_filter_map(move |entry| {
            let object = match entry {
                Listed::Item(object) if !is_marker(&object) => object,
                _ => return std::future::ready(Ok(None)),
            };
            // The listing tells no content of a large object, and nothing but emptiness of a dynamic one.
            let plain = object.slo_etag.is_none() && object.bytes > 0;
            std::future::ready(Ok(Some(Item {
                name: object.name[prefix.len()..].to_owned(),
                bytes: object.bytes,
                modified: object.last_modified,
                md5: plain.then_some(object.etag),
                path: None,
            })))
        });
        Self::new(Box::pin(items), filter)
    }

    fn new(items: Found, filter: &Filter) -> Self {
        Self {
            items: items.peekable(),
            filter: filter.clone(),
        }
    }

    /// The name of the next item that the filter takes, and whether something before it could not be read, which is told
    /// as a failure.
    pub(super) async fn peek(&mut self, failures: &mut Failures<'_>) -> (Option<String>, bool) {
        let mut broken = false;
        loop {
            match Pin::new(&mut self.items).peek().await {
                None => return (None, broken),
                Some(Ok(item)) if self.filter.takes(&item.name) => {
                    return (Some(item.name.clone()), broken);
                }
                Some(_) => {}
            }
            if let Some(Err((name, error))) = self.items.next().await {
                broken = true;
                failures.add("sync", name, &error);
            }
        }
    }

    /// The item whose name was told.
    pub(super) async fn next(&mut self) -> Option<Item> {
        self.items.next().await?.ok()
    }
}
