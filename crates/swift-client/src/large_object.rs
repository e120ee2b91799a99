//! Manifests of static large objects: reading, writing, and what they stand for.

use bytes::Bytes;
use http::Method;
use http::header::ETAG;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::body::hex_md5;
use crate::listing::malformed;
use crate::metadata::set;
use crate::object::{checked_etag, put_headers};
use crate::{Client, Error, ObjectOptions, Request, Stored};

/// A manifest has at most 8 MiB where nobody has raised that; what is read of one is bounded by this.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// Manifests may stand in manifests; Swift follows so many levels (`swift/common/middleware/slo.py`).
const MAX_DEPTH: usize = 10;

/// One line of a static large object's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Container.
    pub container: String,
    /// Object.
    pub object: String,
    /// The segment's `ETag`: the MD5 of its content, or of the hashes in it if it is a large object itself.
    pub etag: String,
    /// Size of the whole segment in bytes.
    pub bytes: u64,
    /// The part of it that counts, first and last byte; all of it if not said.
    pub range: Option<(u64, u64)>,
    /// Whether it is a static large object itself.
    pub is_manifest: bool,
}

impl Segment {
    /// How much it adds to the object, in bytes.
    pub fn length(&self) -> u64 {
        self.range
            .map_or(self.bytes, |(first, last)| (last - first).saturating_add(1))
    }
}

/// The manifest of a static large object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Its segments, in order. Data that stands in the manifest itself is left out.
    pub segments: Vec<Segment>,
    /// The `ETag` of the object that it makes: the MD5 of all hashes in it.
    pub etag: String,
    /// Whether there is data in the manifest itself.
    pub has_inline_data: bool,
}

#[derive(Deserialize)]
struct RawSegment {
    name: Option<String>,
    hash: Option<String>,
    bytes: Option<u64>,
    range: Option<String>,
    #[serde(default)]
    sub_slo: bool,
    data: Option<String>,
}

#[derive(Serialize)]
struct NewSegment<'a> {
    path: String,
    etag: &'a str,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
}

impl Client {
    /// The manifest of a static large object, with `?multipart-manifest=get`:
    ///
    /// ```json
    /// [{"name": "/photos_segments/a", "hash": "781e5e245d69b566979b86e28d23f2c7", "bytes": 10, "range": "0-4"}]
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Malformed`] for an object that is no static large object.
    pub async fn get_slo_manifest(
        &self,
        container: &str,
        object: &str,
        version_id: Option<&str>,
    ) -> Result<Manifest, Error> {
        let version = version_id.map(|id| ("version-id", id));
        let query = [("multipart-manifest", "get")].into_iter().chain(version);
        let request = Request {
            query: query.collect(),
            ..Request::object(Method::GET, container, object)
        };
        let response = self.transport().send(request).await?;
        let operation = response.operation.clone();
        let is_slo = crate::metadata::flag(&response.headers, "x-static-large-object");
        if !is_slo {
            return Err(malformed(&operation, &"it is no static large object"));
        }
        let body = response.bytes(MAX_MANIFEST_BYTES).await?;
        parse(&body).map_err(|reason| malformed(&operation, &reason))
    }

    /// Makes a static large object of segments that are there, with `?multipart-manifest=put`. The server looks at each
    /// of them, and refuses the manifest if one is missing or another than named.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use swift_client::{ContainerOptions, GetOptions, ObjectOptions, Segment};
    ///
    /// client.put_container("c", &ContainerOptions::default()).await?;
    /// let mut segments = Vec::new();
    /// for part in ["first, ", "second"] {
    ///     let stored = client.put_object("c", part, part, &ObjectOptions::default()).await?;
    ///     segments.push(Segment {
    ///         container: "c".into(),
    ///         object: part.into(),
    ///         etag: stored.etag.unwrap_or_default(),
    ///         bytes: part.len() as u64,
    ///         range: None,
    ///         is_manifest: false,
    ///     });
    /// }
    /// client.put_slo_manifest("c", "whole", &segments, &ObjectOptions::default()).await?;
    /// let whole = client.get_object("c", "whole", &GetOptions::default()).await?;
    /// assert_eq!(whole.bytes(100).await?, "first, second");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadRequest`] naming the segments that do not fit; [`Error::Unprocessable`].
    pub async fn put_slo_manifest(
        &self,
        container: &str,
        object: &str,
        segments: &[Segment],
        options: &ObjectOptions,
    ) -> Result<Stored, Error> {
        let lines: Vec<_> = segments
            .iter()
            .map(|segment| NewSegment {
                path: format!("/{}/{}", segment.container, segment.object),
                etag: &segment.etag,
                size_bytes: segment.bytes,
                range: segment.range.map(range_text),
            })
            .collect();
        let body = serde_json::to_vec(&lines).expect("strings and numbers are JSON");
        let expected = etag(segments);
        let (mut headers, replay) = put_headers(options)?;
        set(&mut headers, ETAG.as_str(), &expected)?;
        let request = Request {
            query: vec![("multipart-manifest", "put")],
            headers,
            replay,
            body: body.into(),
            ..Request::object(Method::PUT, container, object)
        };
        let response = self.transport().send(request).await?;
        let operation = response.operation.clone();
        let stored = Stored::read(&response.discard().await);
        checked_etag(operation, Some(expected), stored)
    }

    /// The segments that hold the data of a static large object, those of manifests in its manifest included.
    ///
    /// Only whole manifests are opened: a manifest of which the outer one takes a range stays as it is.
    ///
    /// # Errors
    /// As [`Client::get_slo_manifest`]; [`Error::Malformed`] if manifests are nested deeper than Swift allows, or an
    /// inner one is not the one that the outer one names.
    pub async fn flat_slo_manifest(
        &self,
        container: &str,
        object: &str,
        version_id: Option<&str>,
    ) -> Result<Manifest, Error> {
        let mut manifest = self.get_slo_manifest(container, object, version_id).await?;
        for _ in 0..MAX_DEPTH {
            if !manifest.segments.iter().any(opens) {
                return Ok(manifest);
            }
            let mut flat = Vec::with_capacity(manifest.segments.len());
            for segment in manifest.segments {
                if !opens(&segment) {
                    flat.push(segment);
                    continue;
                }
                let inner = self
                    .get_slo_manifest(&segment.container, &segment.object, None)
                    .await?;
                if inner.etag != segment.etag {
                    return Err(not_usable(
                        container,
                        object,
                        "a manifest in its manifest has changed",
                    ));
                }
                manifest.has_inline_data |= inner.has_inline_data;
                flat.extend(inner.segments);
            }
            manifest.segments = flat;
        }
        Err(not_usable(
            container,
            object,
            "its manifests are nested too deeply",
        ))
    }
}

fn not_usable(container: &str, object: &str, reason: &str) -> Error {
    Error::Unusable {
        container: container.to_owned(),
        object: object.to_owned(),
        reason: reason.to_owned(),
    }
}

fn opens(segment: &Segment) -> bool {
    segment.is_manifest && segment.range.is_none()
}

fn parse(body: &Bytes) -> Result<Manifest, String> {
    let raw: Vec<RawSegment> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut manifest = Manifest::default();
    let mut md5 = Md5::new();
    for line in raw {
        if let Some(data) = line.data {
            manifest.has_inline_data = true;
            let data = base64_bytes(&data).ok_or("data in it is not base64")?;
            md5.update(hex_md5(Md5::new_with_prefix(data)));
            continue;
        }
        let name = line.name.unwrap_or_default();
        let (container, object) = name
            .trim_start_matches('/')
            .split_once('/')
            .ok_or_else(|| format!("{name:?} names no object"))?;
        let segment = Segment {
            container: container.to_owned(),
            object: object.to_owned(),
            etag: line.hash.ok_or("a segment has no hash")?,
            bytes: line.bytes.ok_or("a segment has no size")?,
            range: match line.range.as_deref() {
                Some(text) => Some(parse_range(text).ok_or("a range makes no sense")?),
                None => None,
            },
            is_manifest: line.sub_slo,
        };
        hash_line(&mut md5, &segment);
        manifest.segments.push(segment);
    }
    manifest.etag = hex_md5(md5);
    Ok(manifest)
}

/// Standard base64 with padding; data in manifests is small.
fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

fn range_text((first, last): (u64, u64)) -> String {
    format!("{first}-{last}")
}

impl Manifest {
    /// The `ETag` of the object that these segments make (`swift/common/middleware/slo.py`).
    pub fn etag_of(segments: &[Segment]) -> String {
        etag(segments)
    }
}

fn etag(segments: &[Segment]) -> String {
    let mut md5 = Md5::new();
    for segment in segments {
        hash_line(&mut md5, segment);
    }
    hex_md5(md5)
}

fn hash_line(md5: &mut Md5, segment: &Segment) {
    md5.update(&segment.etag);
    if let Some(range) = segment.range {
        md5.update(format!(":{};", range_text(range)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_segments_ranges_and_manifests_in_manifests() {
        let body = br#"[{"name":"/c_s/a/1","hash":"etagoftheobjectsegmentone","bytes":10,"range":"1-2"},
                        {"name":"/c_s/b","hash":"etagoftheobjectsegmenttwo","bytes":9,"range":"3-4","sub_slo":true}]"#;
        let manifest = parse(&Bytes::from_static(body)).unwrap();
        let [first, second] = &manifest.segments[..] else {
            panic!("{manifest:?}")
        };
        assert_eq!(
            (first.container.as_str(), first.object.as_str()),
            ("c_s", "a/1")
        );
        assert_eq!((first.length(), first.bytes), (2, 10));
        assert!(second.is_manifest && !opens(second));
        // echo -n 'etagoftheobjectsegmentone:1-2;etagoftheobjectsegmenttwo:3-4;' | md5sum
        assert_eq!(manifest.etag, "6adb50f812ff266d4d65bedcfde60908");
        assert_eq!(etag(&manifest.segments), manifest.etag);
    }

    #[test]
    fn counts_data_in_the_manifest_as_a_segment_of_its_own() {
        let body = br#"[{"data":"aGVsbG8="},{"name":"/c/o","hash":"5d41402abc4b2a76b9719d911017c592","bytes":5}]"#;
        let manifest = parse(&Bytes::from_static(body)).unwrap();
        let twice = "5d41402abc4b2a76b9719d911017c592".repeat(2);
        assert_eq!(manifest.etag, hex_md5(Md5::new_with_prefix(twice)));
        assert!(manifest.has_inline_data);
    }

    #[test]
    fn refuses_what_is_no_manifest() {
        for body in [
            "{}",
            "[{}]",
            r#"[{"name":"/c/o","hash":"x"}]"#,
            r#"[{"data":"%"}]"#,
        ] {
            assert!(
                parse(&Bytes::from_static(body.as_bytes())).is_err(),
                "{body}"
            );
        }
    }
}
