//! What the content of an object must be, as its `ETag`, its manifest or the listing of its segments tells.

use futures_util::TryStreamExt;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;

use super::check::{Check, Expected};
use crate::body::hex_md5;
use crate::{Client, Error, GetOptions, ListOptions, Manifest, ObjectInfo};

/// Beyond one page of segments Swift gives a dynamic large object no `ETag` of its own (`dlo.py`).
const PAGE: usize = 10_000;

/// The runs of bytes that make an object, with their hashes. Empty if nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expectation {
    runs: Vec<Expected>,
    /// Whether the runs are segments, rather than the object as one.
    pub(crate) is_large: bool,
}

impl Expectation {
    /// What is known of an object, or nothing if it has changed since `info` was told.
    pub(crate) async fn of(
        client: &Client,
        container: &str,
        object: &str,
        options: &GetOptions,
        info: &ObjectInfo,
    ) -> Result<Option<Self>, Error> {
        if options.manifest {
            return Ok(Some(Self::default()));
        }
        if info.static_large_object {
            let version = options.version_id.as_deref();
            let manifest = client.flat_slo_manifest(container, object, version).await;
            return readable(manifest, |manifest| Self::of_manifest(manifest, info));
        }
        if let Some(place) = &info.manifest {
            let place = percent_decode_str(place).decode_utf8_lossy();
            if let Some((container, prefix)) = place.split_once('/') {
                let runs = list_runs(client, container, prefix).await;
                return readable(runs, |runs| Self::of_listing(runs, info));
            }
        }
        let whole = info.content_md5().map(|md5| Self {
            runs: vec![Expected {
                bytes: info.bytes.unwrap_or(u64::MAX),
                md5: Some(md5.to_owned()),
                segment: None,
            }],
            is_large: false,
        });
        Ok(Some(whole.unwrap_or_default()))
    }

    fn of_manifest(manifest: Manifest, info: &ObjectInfo) -> Option<Self> {
        if info.etag.as_deref() != Some(&manifest.etag) {
            return None;
        }
        if manifest.has_inline_data {
            return Some(Self::default());
        }
        let runs = manifest.segments.into_iter().map(|segment| Expected {
            bytes: segment.length(),
            md5: (segment.range.is_none() && !segment.is_manifest).then(|| segment.etag.clone()),
            segment: Some(format!("{}/{}", segment.container, segment.object)),
        });
        let expectation = Self {
            runs: runs.collect(),
            is_large: true,
        };
        Some(expectation)
    }

    fn of_listing(runs: Vec<Expected>, info: &ObjectInfo) -> Option<Self> {
        let mut md5 = Md5::new();
        runs.iter()
            .filter_map(|run| run.md5.as_ref())
            .for_each(|hash| md5.update(hash));
        let fits = info.etag.as_deref() == Some(&hex_md5(md5));
        let expectation = Self {
            runs,
            is_large: true,
        };
        (fits || expectation.runs.len() >= PAGE).then_some(expectation)
    }

    /// The check of a download from the first place to the last, both included.
    pub(crate) fn check(&self, first: u64, last: u64) -> Check {
        Check::cut(&self.runs, first, last)
    }

    /// The object in parts of at least `size` bytes, but for the last, that begin and end with runs where there are any:
    /// first and last place of each.
    pub(crate) fn parts(&self, length: u64, size: u64) -> Vec<(u64, u64)> {
        let mut parts = Vec::new();
        let mut first = 0;
        if self.is_large {
            let mut end = 0;
            for run in &self.runs {
                end += run.bytes;
                if end - first >= size {
                    parts.push((first, end - 1));
                    first = end;
                }
            }
            if end != length {
                // It does not add up, so it cannot be relied on.
                parts.clear();
                first = 0;
            }
        }
        if !self.is_large || parts.is_empty() {
            while length - first > size {
                parts.push((first, first + size - 1));
                first += size;
            }
        }
        if first < length {
            parts.push((first, length - 1));
        }
        parts
    }

    /// Whether each part can be checked by itself.
    pub(crate) fn checks_parts(&self) -> bool {
        self.is_large && self.runs.iter().all(|run| run.md5.is_some())
    }
}

/// What could be read, or nothing known for those who may not read it.
fn readable<T>(
    found: Result<T, Error>,
    make: impl FnOnce(T) -> Option<Expectation>,
) -> Result<Option<Expectation>, Error> {
    match found {
        Ok(found) => Ok(make(found)),
        Err(Error::Forbidden(_) | Error::Unauthorized(_)) => Ok(Some(Expectation::default())),
        // It has just been deleted, or become another kind of object.
        Err(Error::NotFound(_) | Error::Malformed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list_runs(client: &Client, container: &str, prefix: &str) -> Result<Vec<Expected>, Error> {
    let options = ListOptions {
        prefix: Some(prefix.to_owned()),
        ..ListOptions::default()
    };
    client
        .list_objects(container, options)
        .try_filter_map(|entry| async move {
            Ok(entry.item().map(|object| Expected {
                bytes: object.bytes,
                segment: Some(format!("{container}/{}", object.name)),
                md5: Some(object.etag),
            }))
        })
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(sizes: &[u64], is_large: bool) -> Expectation {
        let runs = sizes.iter().map(|bytes| Expected {
            bytes: *bytes,
            md5: Some(String::new()),
            segment: None,
        });
        Expectation {
            runs: runs.collect(),
            is_large,
        }
    }

    #[test]
    fn cuts_a_plain_object_into_equal_parts() {
        let plain = runs(&[25], false);
        assert_eq!(plain.parts(25, 10), [(0, 9), (10, 19), (20, 24)]);
        assert_eq!(plain.parts(20, 10), [(0, 9), (10, 19)]);
    }

    #[test]
    fn cuts_a_large_object_between_segments() {
        let large = runs(&[4, 4, 4, 20, 3], true);
        assert_eq!(large.parts(35, 10), [(0, 11), (12, 31), (32, 34)]);
    }

    #[test]
    fn does_not_rely_on_segments_that_do_not_add_up() {
        let large = runs(&[4, 4], true);
        assert_eq!(large.parts(25, 10), [(0, 9), (10, 19), (20, 24)]);
    }
}
