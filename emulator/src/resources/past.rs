//! A container as it was a while ago, for faults that make listings stale.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::store::page::{Page, PageItem, page};
use crate::store::{Container, Object};
use crate::timestamp::Timestamp;

/// The objects that a container had.
pub(super) struct Past(BTreeMap<Box<str>, Arc<Object>>);

impl Past {
    /// The objects of a container that had been written by `moment`, and those that it had then and has no more. Walks all
    /// objects, which is what a fault may cost.
    pub(super) fn new<'a>(
        container: &Container,
        gone: impl Iterator<Item = (&'a str, &'a Arc<Object>)>,
        moment: Timestamp,
    ) -> Self {
        let all = Page {
            limit: usize::MAX,
            reserved: true,
            ..Page::default()
        };
        let mut objects = BTreeMap::new();
        container.list(&all, moment, |item| {
            if let PageItem::Entry(name, object) = item
                && object.modified <= moment
            {
                objects.insert(name.into(), Arc::clone(object));
            }
        });
        for (name, object) in gone.filter(|(_, object)| !object.is_expired(moment)) {
            objects.insert(name.into(), Arc::clone(object));
        }
        Self(objects)
    }

    /// Object count and bytes used.
    pub(super) fn totals(&self) -> (u64, u64) {
        let bytes = self.0.values().map(|object| object.listed_bytes()).sum();
        (self.0.len() as u64, bytes)
    }

    /// One page, each item turned into what the caller wants of it.
    pub(super) fn list<T>(
        &self,
        wanted: &Page<'_>,
        mut item: impl FnMut(PageItem<'_, Arc<Object>>) -> T,
    ) -> Vec<T> {
        let mut found = Vec::new();
        page(
            &self.0,
            wanted,
            |_, _| true,
            |entry| found.push(item(entry)),
        );
        found
    }
}
