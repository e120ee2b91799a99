//! `/info`: what a cloud can do, and its limits.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Client, Error, Request, Service};

/// `/info` is a few kilobytes.
const MAX_BODY_BYTES: u64 = 1 << 20;

/// What a cloud says of itself at `/info`. A section is there if the feature is.
///
/// ```json
/// {"swift": {"version": "2.38.3", "max_file_size": 5368709122}, "tempurl": {"allowed_digests": ["sha256"]}}
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Capabilities {
    /// General limits.
    pub swift: SwiftLimits,
    /// Temp URLs.
    pub tempurl: Option<TempUrlSupport>,
    /// Static large objects.
    pub slo: Option<SloSupport>,
    /// Deleting many objects with one request.
    pub bulk_delete: Option<BulkDeleteSupport>,
    /// Unpacking archives.
    pub bulk_upload: Option<BulkUploadSupport>,
    /// Every other section as it came, such as `symlink`, `staticweb`, `object_versioning`.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Capabilities {
    /// Whether there is a section of this name.
    pub fn has(&self, section: &str) -> bool {
        match section {
            "swift" => true,
            "tempurl" => self.tempurl.is_some(),
            "slo" => self.slo.is_some(),
            "bulk_delete" => self.bulk_delete.is_some(),
            "bulk_upload" => self.bulk_upload.is_some(),
            other => self.others.contains_key(other),
        }
    }
}

/// Section `swift`. What is not said is Swift's default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SwiftLimits {
    /// Such as `2.38.3`.
    pub version: Option<String>,
    /// Largest object that is no large object, in bytes.
    pub max_file_size: u64,
    /// In bytes of UTF-8.
    pub max_container_name_length: usize,
    /// In bytes of UTF-8.
    pub max_object_name_length: usize,
    /// Metadata items an object, container or account may have.
    pub max_meta_count: usize,
    /// In bytes.
    pub max_meta_name_length: usize,
    /// In bytes.
    pub max_meta_value_length: usize,
    /// Names and values together, in bytes.
    pub max_meta_overall_size: usize,
    /// Most objects on one page of a listing.
    pub container_listing_limit: u32,
    /// Most containers on one page of a listing.
    pub account_listing_limit: u32,
    /// Storage policies.
    pub policies: Vec<StoragePolicy>,
}

impl Default for SwiftLimits {
    fn default() -> Self {
        Self {
            version: None,
            max_file_size: 5_368_709_122,
            max_container_name_length: 256,
            max_object_name_length: 1024,
            max_meta_count: 90,
            max_meta_name_length: 128,
            max_meta_value_length: 256,
            max_meta_overall_size: 4096,
            container_listing_limit: 10_000,
            account_listing_limit: 10_000,
            policies: Vec::new(),
        }
    }
}

/// A storage policy that containers may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StoragePolicy {
    /// Name.
    pub name: String,
    /// Whether containers that ask for none get this one.
    pub default: bool,
}

/// Section `tempurl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TempUrlSupport {
    /// Methods that may be signed.
    pub methods: Vec<String>,
    /// Digests by name. A server that does not say knows only `sha1`.
    pub allowed_digests: Option<Vec<String>>,
}

/// Section `slo`. What is not said is Swift's default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SloSupport {
    /// Segments in one manifest.
    pub max_manifest_segments: usize,
    /// In bytes.
    pub max_manifest_size: usize,
    /// Smallest segment but the last, in bytes.
    pub min_segment_size: u64,
}

impl Default for SloSupport {
    fn default() -> Self {
        Self {
            max_manifest_segments: 1000,
            max_manifest_size: 8 << 20,
            min_segment_size: 1,
        }
    }
}

/// Section `bulk_delete`. What is not said is Swift's default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BulkDeleteSupport {
    /// Names in one request.
    pub max_deletes_per_request: usize,
    /// Failures after which a request stops.
    pub max_failed_deletes: usize,
}

impl Default for BulkDeleteSupport {
    fn default() -> Self {
        Self {
            max_deletes_per_request: 10_000,
            max_failed_deletes: 1000,
        }
    }
}

/// Section `bulk_upload`. What is not said is Swift's default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BulkUploadSupport {
    /// New containers that one archive may need.
    pub max_containers_per_extraction: usize,
    /// Failures after which a request stops.
    pub max_failed_extractions: usize,
}

impl Default for BulkUploadSupport {
    fn default() -> Self {
        Self {
            max_containers_per_extraction: 10_000,
            max_failed_extractions: 1000,
        }
    }
}

impl Client {
    /// `GET /info` at the storage host. Asked once and then remembered.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// let cloud = client.capabilities().await?;
    /// assert!(cloud.has("slo") && cloud.bulk_delete.is_some());
    /// assert_eq!(cloud.swift.max_object_name_length, 1024);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] from a cloud that does not tell.
    pub async fn capabilities(&self) -> Result<Arc<Capabilities>, Error> {
        let ask = || async {
            let request = Request {
                service: Service::Info,
                ..Request::account(Method::GET)
            };
            let response = self.transport().send(request).await?;
            let operation = response.operation.clone();
            let body = response.bytes(MAX_BODY_BYTES).await?;
            let parsed = serde_json::from_slice(&body);
            parsed
                .map(Arc::new)
                .map_err(|error| crate::listing::malformed(&operation, &error))
        };
        self.cached_capabilities()
            .get_or_try_init(ask)
            .await
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_what_an_old_server_does_not_say() {
        let info: Capabilities =
            serde_json::from_str(r#"{"swift":{"version":"1.13"},"tempurl":{},"staticweb":{}}"#)
                .unwrap();
        assert_eq!(info.swift.max_file_size, 5_368_709_122);
        assert_eq!(info.tempurl.as_ref().unwrap().allowed_digests, None);
        assert!(info.has("staticweb") && !info.has("slo"));
    }
}
