//! An object as it is kept: immutable, replaced whole by PUT and by POST.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use crate::message::Body;
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

    /// The ETag that listings show.
    pub(crate) fn listed_hash(&self) -> &str {
        self.listing
            .as_ref()
            .map_or_else(|| self.etag(), |listing| &listing.hash)
    }
}

/// The bytes of an object, held once and shared with every response that serves them.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    One(Bytes),
    Many { chunks: Arc<[Bytes]>, length: u64 },
}

impl Stored {
    pub(crate) fn from_chunks(mut chunks: Vec<Bytes>) -> Self {
        match chunks.len() {
            0 => Self::One(Bytes::new()),
            1 => Self::One(chunks.remove(0)),
            _ => Self::Many {
                length: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
                chunks: chunks.into(),
            },
        }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::One(bytes) => bytes.len() as u64,
            Self::Many { length, .. } => *length,
        }
    }

    /// The bytes as a body, without a copy.
    pub(crate) fn body(&self) -> Body {
        match self {
            Self::One(bytes) if bytes.is_empty() => Body::Empty,
            Self::One(bytes) => Body::Bytes(bytes.clone()),
            Self::Many { chunks, .. } => Body::Chunks(chunks.iter().cloned().collect()),
        }
    }

    /// A part of the bytes as a body, without a copy. Ends beyond the length are cut to it.
    pub(crate) fn slice(&self, range: Range<u64>) -> Body {
        let mut parts = VecDeque::new();
        let mut from = 0;
        let chunks = match self {
            Self::One(bytes) => std::slice::from_ref(bytes),
            Self::Many { chunks, .. } => chunks,
        };
        for chunk in chunks {
            let to = from + chunk.len() as u64;
            let (start, end) = (range.start.max(from), range.end.min(to));
            if start < end {
                // Both lie within the chunk, whose length is a usize.
                let within = |at: u64| usize::try_from(at - from).unwrap_or(usize::MAX);
                parts.push_back(chunk.slice(within(start)..within(end)));
            }
            from = to;
        }
        Body::Chunks(parts)
    }
}
