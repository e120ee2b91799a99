//! An object as it is kept: immutable, replaced whole by PUT and by POST.

use http::{HeaderName, HeaderValue};

use super::body::Stored;
use crate::timestamp::Timestamp;

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// When its bytes were written.
    pub(crate) created: Timestamp,
    /// When it was last written to, bytes or metadata: `X-Timestamp` and `Last-Modified`.
    pub(crate) modified: Timestamp,
    pub(crate) content_type: HeaderValue,
    /// MD5 of the bytes, in hex.
    pub(crate) etag: HeaderValue,
    pub(crate) body: Stored,
    /// Unix seconds from which on the object is gone.
    pub(crate) delete_at: Option<u64>,
    /// Everything else that GET gives back: `x-object-meta-*`, `content-encoding`, system metadata, ….
    pub(crate) headers: Box<[(HeaderName, HeaderValue)]>,
    /// What the listing shows, where that is not the object's own (large objects, links).
    pub(crate) listing: Option<Box<ListingOverride>>,
}

/// What a listing shows of an object instead of its own ETag, size and type (Swift's container update overrides).
#[derive(Clone, Debug)]
pub(crate) struct ListingOverride {
    pub(crate) hash: String,
    /// What listings show and totals count.
    pub(crate) bytes: u64,
    /// What listings show of a large object, whose segments totals count already.
    pub(crate) whole_bytes: Option<u64>,
}

impl Object {
    /// Whether the object's time is up: Swift serves it until the second before `X-Delete-At`.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.delete_at.is_some_and(|at| at <= now.seconds())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    pub(crate) fn etag(&self) -> &str {
        self.etag.to_str().unwrap_or("")
    }

    /// The size that listings show.
    pub(crate) fn shown_bytes(&self) -> u64 {
        self.listing
            .as_ref()
            .and_then(|listing| listing.whole_bytes)
            .unwrap_or_else(|| self.listed_bytes())
    }

    /// The size that totals count.
    pub(crate) fn listed_bytes(&self) -> u64 {
        self.listing
            .as_ref()
            .map_or(self.body.len(), |listing| listing.bytes)
    }

    /// Memory that the object takes under this name beside its bytes: an estimate, which never changes for one object.
    pub(super) fn record_bytes(&self, name: &str) -> u64 {
        /// The record, its place in the index, and what an allocator adds.
        const RECORD: usize = 256;
        let own = [&self.content_type, &self.etag]
            .into_iter()
            .map(HeaderValue::len);
        let kept = self.headers.iter().map(|(name, value)| {
            size_of_val(name) + size_of_val(value) + name.as_str().len() + value.len()
        });
        let listing = self
            .listing
            .as_ref()
            .map(|listing| size_of_val(&**listing) + listing.hash.len());
        let bytes = own.chain(kept).chain(listing).sum::<usize>();
        (RECORD + name.len() + bytes) as u64
    }

    /// The ETag that listings show.
    pub(crate) fn listed_hash(&self) -> &str {
        self.listing
            .as_ref()
            .map_or_else(|| self.etag(), |listing| &listing.hash)
    }
}
