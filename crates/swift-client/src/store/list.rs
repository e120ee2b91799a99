//! Listings as `object_store` wants them.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, future};
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, Result};

use super::SwiftStore;
use super::convert::{failed, failed_for, listed, path};
use crate::{ListOptions, Listed, ObjectEntry};

/// What names below a path begin with; nothing for the root.
fn folder(prefix: Option<&Path>) -> Option<String> {
    let prefix = prefix.filter(|prefix| !prefix.as_ref().is_empty())?;
    Some(format!("{prefix}/"))
}

fn sorted(entries: impl IntoIterator<Item = Listed<ObjectEntry>>) -> ListResult {
    let mut result = ListResult {
        common_prefixes: Vec::new(),
        objects: Vec::new(),
        extensions: http::Extensions::default(),
    };
    for entry in entries {
        match entry {
            Listed::Item(object) => result.objects.extend(listed(object)),
            Listed::Subdir(name) => {
                let name = name.strip_suffix('/').unwrap_or(&name);
                result.common_prefixes.extend(path(name));
            }
        }
    }
    result
}

impl SwiftStore {
    pub(super) fn list_after(
        &self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let place = prefix.cloned().unwrap_or_default();
        let options = ListOptions {
            prefix: folder(prefix),
            marker: offset.map(ToString::to_string),
            ..ListOptions::default()
        };
        self.client()
            .list_objects(&self.container, options)
            .map_err(move |error| failed(&place, error, false))
            .try_filter_map(|entry| future::ready(Ok(entry.item().and_then(listed))))
            .boxed()
    }

    pub(super) async fn list_folder(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let options = ListOptions {
            prefix: folder(prefix),
            delimiter: Some("/".to_owned()),
            ..ListOptions::default()
        };
        let entries: Vec<_> = self
            .client()
            .list_objects(&self.container, options)
            .try_collect()
            .await
            .map_err(|error| failed(&prefix.cloned().unwrap_or_default(), error, false))?;
        Ok(sorted(entries))
    }
}

#[async_trait]
impl PaginatedListStore for SwiftStore {
    /// The page token is the last name of the page before.
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        options: PaginatedListOptions,
    ) -> Result<PaginatedListResult> {
        let limit = options.max_keys.unwrap_or(10_000).max(1);
        let entries: Vec<_> = self
            .client()
            .list_objects(
                &self.container,
                ListOptions {
                    prefix: prefix.map(str::to_owned),
                    delimiter: options.delimiter.map(std::borrow::Cow::into_owned),
                    marker: options.page_token.or(options.offset),
                    // One more tells whether there is another page.
                    limit: Some(limit as u64 + 1),
                    ..ListOptions::default()
                },
            )
            .try_collect()
            .await
            .map_err(failed_for)?;
        let more = entries.len() > limit;
        let entries = entries.into_iter().take(limit).collect::<Vec<_>>();
        let last = entries.last().map(|entry| match entry {
            Listed::Item(object) => object.name.clone(),
            Listed::Subdir(name) => name.clone(),
        });
        Ok(PaginatedListResult {
            result: sorted(entries),
            page_token: last.filter(|_| more),
        })
    }
}
