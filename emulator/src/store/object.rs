//! An object as it is kept: immutable, replaced whole by PUT and by POST.
//!
//! There may be tens of millions of them, so each is small: what most have not lies behind one pointer, and what is
//! written in letters on the wire is kept in fewer bytes.

use compact_str::CompactString;
use http::{HeaderName, HeaderValue};

use super::body::Stored;
use super::media_type::MediaType;
use crate::timestamp::Timestamp;

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// When its bytes were written.
    pub(crate) created: Timestamp,
    /// When it was last written to, bytes or metadata: `X-Timestamp` and `Last-Modified`.
    pub(crate) modified: Timestamp,
    pub(crate) content_type: MediaType,
    pub(crate) etag: Etag,
    pub(crate) body: Stored,
    /// See [`Extra::new`].
    pub(crate) extra: Option<Box<Extra>>,
}

/// What only some objects have.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    /// Unix seconds from which on the object is gone.
    delete_at: Option<u64>,
    headers: Box<[(HeaderName, HeaderValue)]>,
    listing: Option<Box<ListingOverride>>,
}

impl Extra {
    /// The moment from which on an object is gone, in Unix seconds; everything that GET gives back beside what every object
    /// has (`x-object-meta-*`, `content-encoding`, system metadata, …); what the listing shows, where that is not the
    /// object's own (large objects, links). `None` if it has none of them.
    pub(crate) fn new(
        delete_at: Option<u64>,
        headers: Box<[(HeaderName, HeaderValue)]>,
        listing: Option<Box<ListingOverride>>,
    ) -> Option<Box<Self>> {
        let has_any = delete_at.is_some() || !headers.is_empty() || listing.is_some();
        has_any.then(|| {
            Box::new(Self {
                delete_at,
                headers,
                listing,
            })
        })
    }
}

/// The MD5 of an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Etag(pub(crate) [u8; 16]);

impl Etag {
    /// The MD5 of no bytes at all.
    pub(crate) const EMPTY: Self = Self([
        0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42,
        0x7e,
    ]);

    /// Reads 32 lower-case hex digits.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        // Others would not be shown again as they are.
        if text.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// As the wire has it: lower-case hex.
    pub(crate) fn hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        // It has just that room.
        let _ = hex::encode_to_slice(self.0, &mut text);
        text
    }
}

impl std::fmt::Display for Etag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
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
    /// Unix seconds from which on it is gone.
    pub(crate) fn delete_at(&self) -> Option<u64> {
        self.extra.as_ref()?.delete_at
    }

    /// See [`Extra::new`].
    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        self.extra.as_ref().map_or(&[], |extra| &extra.headers)
    }

    /// See [`Extra::new`].
    pub(crate) fn listing(&self) -> Option<&ListingOverride> {
        self.extra.as_ref()?.listing.as_deref()
    }

    /// Whether the object's time is up: Swift serves it until the second before `X-Delete-At`.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.delete_at().is_some_and(|at| at <= now.seconds())
    }

    /// Whether it is read by itself: it is no manifest of a large object, and no link.
    pub(crate) fn is_plain(&self) -> bool {
        !self.headers().iter().any(|(name, _)| {
            matches!(
                name.as_str(),
                "x-static-large-object" | "x-object-manifest" | "x-object-sysmeta-symlink-target"
            )
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers()
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// The size that listings show.
    pub(crate) fn shown_bytes(&self) -> u64 {
        self.listing()
            .and_then(|listing| listing.whole_bytes)
            .unwrap_or_else(|| self.listed_bytes())
    }

    /// The size that totals count.
    pub(crate) fn listed_bytes(&self) -> u64 {
        self.listing()
            .map_or(self.body.len(), |listing| listing.bytes)
    }

    /// Memory that the object takes under this name beside its bytes: an estimate, which never changes for one object.
    pub(super) fn record_bytes(&self, name: &str) -> u64 {
        /// What an allocator adds to a block: its own word, and what rounds up to 16 bytes.
        const BLOCK: usize = 16;
        /// The two counters in front of the record, and its place in an index that is half full.
        const PLACE: usize = 16 + 2 * size_of::<(CompactString, usize)>();
        let name_elsewhere = if name.len() > size_of::<CompactString>() {
            name.len() + BLOCK
        } else {
            0
        };
        let record = PLACE + size_of::<Self>() + BLOCK + name_elsewhere;
        let content_type = match self.content_type.own_bytes() {
            0 => 0,
            bytes => bytes + BLOCK,
        };
        let extra = self.extra.as_ref().map_or(0, |extra| {
            let headers = extra.headers.iter().map(|(name, value)| {
                size_of_val(name)
                    + size_of_val(value)
                    + name.as_str().len()
                    + value.len()
                    + 2 * BLOCK
            });
            let listing = extra.listing.as_ref().map_or(0, |listing| {
                size_of_val(&**listing) + listing.hash.len() + 2 * BLOCK
            });
            // The container keeps the name a second time, in the order of what is due.
            let due = extra
                .delete_at
                .map_or(0, |_| 2 * size_of::<(u64, Box<str>)>() + name.len() + BLOCK);
            size_of::<Extra>() + BLOCK + headers.sum::<usize>() + listing + due
        });
        (record + content_type + extra) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_written_as_it_was_read() {
        let text = "0123456789abcdef0123456789abcdef";
        let etag = Etag::parse(text.as_bytes()).expect("an MD5");
        assert_eq!(etag.to_string(), text);
        assert_eq!(etag.hex(), text.as_bytes());
        assert_eq!(Etag::EMPTY.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        for other in [
            "",
            "0123",
            "0123456789ABCDEF0123456789ABCDEF",
            &"x".repeat(32),
        ] {
            assert_eq!(Etag::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_object_without_anything_special_is_small() {
        // A cap for millions of them: whoever adds a field shall think of it.
        assert!(size_of::<Object>() <= 88, "{}", size_of::<Object>());
    }
}
