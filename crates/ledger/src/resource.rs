//! The resources of Cloud Files, as a ledger names them.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::entry::Tracked;

/// A resource of an object-storage cloud, and where it is.
///
/// In JSON it is one flat object. `kind` says which of the other members are there:
///
/// ```json
/// { "kind": "object", "cloud": "rackspace", "region": "DFW", "account": "MossoCloudFS_1", "container": "c", "object": "o" }
/// ```
///
/// | `kind`             | members beside `cloud`, `account` and, where the cloud has regions, `region`   |
/// |--------------------|---------------------------------------------------------------------------------|
/// | `account`          | none                                                                            |
/// | `container`        | `container`                                                                     |
/// | `object`           | `container`, `object`                                                           |
/// | `segment-set`      | `container`, `prefix`; `manifest` if there is one                               |
/// | `temp-url-key`     | `slot`, `fingerprint`; `container` if the key is not the account's; `former`    |
/// | `cdn-publication`  | `container`                                                                     |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Flat", into = "Flat")]
pub struct Resource {
    /// The cloud, by the name its user gave it.
    pub cloud: String,
    /// The region, if the cloud has several.
    pub region: Option<String>,
    /// The account, by the last part of its storage URL.
    pub account: String,
    /// What it is inside the account.
    pub what: What,
}

/// What a [`Resource`] is inside its account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The account itself.
    Account,
    /// A container.
    Container {
        /// Its name, decoded.
        container: String,
    },
    /// An object.
    Object {
        /// The name of its container, decoded.
        container: String,
        /// Its name, decoded.
        object: String,
    },
    /// What one upload has put under a prefix without naming each: the segments of a large object, or the files of an
    /// archive. Of what has the prefix, only what carries the run's id belongs to it.
    SegmentSet {
        /// The container that holds them.
        container: String,
        /// What their names start with.
        prefix: String,
        /// `CONTAINER/OBJECT` of the large object that is joined of them, if they are segments.
        manifest: Option<String>,
    },
    /// A temp-URL key that was set, and what is needed to undo that.
    TempUrlKey {
        /// The container whose key it is; `None` for a key of the account.
        container: Option<String>,
        /// Which of the two keys.
        slot: KeySlot,
        /// A digest of the new key, to see later whether it is still the one in place.
        fingerprint: String,
        /// The key that was there before, if there was one.
        former: Option<Secret>,
    },
    /// A container's publication on the CDN.
    CdnPublication {
        /// The published container.
        container: String,
    },
}

/// Which of the two temp-URL keys an account or a container can have. In JSON it is the number `1` or `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum KeySlot {
    /// `Temp-URL-Key`.
    First,
    /// `Temp-URL-Key-2`.
    Second,
}

impl TryFrom<u8> for KeySlot {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::First),
            2 => Ok(Self::Second),
            _ => Err("a temp-URL key is number 1 or 2"),
        }
    }
}

impl From<KeySlot> for u8 {
    fn from(slot: KeySlot) -> Self {
        match slot {
            KeySlot::First => 1,
            KeySlot::Second => 2,
        }
    }
}

/// The kinds of resource, in the order a clean-up can remove them: what is inside comes before what holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ResourceKind {
    /// [`What::Object`]
    Object,
    /// [`What::SegmentSet`]
    SegmentSet,
    /// [`What::CdnPublication`]
    CdnPublication,
    /// [`What::Container`]
    Container,
    /// [`What::TempUrlKey`]
    TempUrlKey,
    /// [`What::Account`]
    Account,
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Object => "object",
            Self::SegmentSet => "segment set",
            Self::CdnPublication => "CDN publication",
            Self::Container => "container",
            Self::TempUrlKey => "temp-URL key",
            Self::Account => "account",
        })
    }
}

impl Resource {
    /// Which kind of resource this is.
    pub fn kind(&self) -> ResourceKind {
        match self.what {
            What::Account => ResourceKind::Account,
            What::Container { .. } => ResourceKind::Container,
            What::Object { .. } => ResourceKind::Object,
            What::SegmentSet { .. } => ResourceKind::SegmentSet,
            What::TempUrlKey { .. } => ResourceKind::TempUrlKey,
            What::CdnPublication { .. } => ResourceKind::CdnPublication,
        }
    }
}

/// For people: the kind and the path inside the account, such as `object python-demo/logo.png`.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match &self.what {
            What::Account => write!(f, "{kind} {}", self.account),
            What::Container { container } | What::CdnPublication { container } => {
                write!(f, "{kind} {container}")
            }
            What::Object { container, object } => write!(f, "{kind} {container}/{object}"),
            What::SegmentSet {
                container, prefix, ..
            } => write!(f, "{kind} {container}/{prefix}*"),
            What::TempUrlKey {
                container, slot, ..
            } => {
                let holder = container.as_deref().unwrap_or(&self.account);
                write!(f, "{kind} {} of {holder}", u8::from(*slot))
            }
        }
    }
}

/// What tells a resource from another one of the same name. In JSON, members that are not known are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its `ETag`, without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `X-Timestamp`, as the server spelled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The run id that was stored in its metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Tracked for Resource {
    type Identity = Identity;
}

/// A key that is written into the ledger's file in clear, and shown nowhere else.
#[derive(Clone, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself. Do not print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The JSON shape of a [`Resource`]. Serde's own flattening of enums would give the same text, several times slower.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    kind: ResourceKind,
    cloud: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    account: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<KeySlot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    former: Option<Secret>,
}

impl From<Resource> for Flat {
    fn from(resource: Resource) -> Self {
        let mut flat = Self {
            kind: resource.kind(),
            cloud: resource.cloud,
            region: resource.region,
            account: resource.account,
            container: None,
            object: None,
            prefix: None,
            manifest: None,
            slot: None,
            fingerprint: None,
            former: None,
        };
        match resource.what {
            What::Account => {}
            What::Container { container } | What::CdnPublication { container } => {
                flat.container = Some(container);
            }
            What::Object { container, object } => {
                flat.container = Some(container);
                flat.object = Some(object);
            }
            What::SegmentSet {
                container,
                prefix,
                manifest,
            } => {
                flat.container = Some(container);
                flat.prefix = Some(prefix);
                flat.manifest = manifest;
            }
            What::TempUrlKey {
                container,
                slot,
                fingerprint,
                former,
            } => {
                flat.container = container;
                flat.slot = Some(slot);
                flat.fingerprint = Some(fingerprint);
                flat.former = former;
            }
        }
        flat
    }
}

impl TryFrom<Flat> for Resource {
    type Error = &'static str;

    fn try_from(mut flat: Flat) -> Result<Self, Self::Error> {
        const NO_CONTAINER: &str = "`container` is missing";
        let mut container = || flat.container.take().ok_or(NO_CONTAINER);
        let what = match flat.kind {
            ResourceKind::Account => What::Account,
            ResourceKind::Container => What::Container {
                container: container()?,
            },
            ResourceKind::CdnPublication => What::CdnPublication {
                container: container()?,
            },
            ResourceKind::Object => What::Object {
                container: container()?,
                object: flat.object.take().ok_or("`object` is missing")?,
            },
            ResourceKind::SegmentSet => What::SegmentSet {
                container: container()?,
                prefix: flat.prefix.take().ok_or("`prefix` is missing")?,
                manifest: flat.manifest.take(),
            },
            ResourceKind::TempUrlKey => What::TempUrlKey {
                container: flat.container.take(),
                slot: flat.slot.take().ok_or("`slot` is missing")?,
                fingerprint: flat.fingerprint.take().ok_or("`fingerprint` is missing")?,
                former: flat.former.take(),
            },
        };
        // A member that the kind does not have would be lost when the ledger is next written.
        let left = flat.container.is_some()
            || flat.object.is_some()
            || flat.prefix.is_some()
            || flat.manifest.is_some()
            || flat.slot.is_some()
            || flat.fingerprint.is_some()
            || flat.former.is_some();
        if left {
            return Err("a member is there that this kind of resource does not have");
        }
        Ok(Self {
            cloud: flat.cloud,
            region: flat.region,
            account: flat.account,
            what,
        })
    }
}
