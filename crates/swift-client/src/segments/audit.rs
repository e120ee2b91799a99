//! Which segments nothing refers to, which are missing, which are shared: all manifests of an account against all
//! containers of segments.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::naming;
use super::old::is_mark;
use crate::metadata::http_date;
use crate::{
    Client, Error, GetOptions, ListOptions, Listed, Manifest, ObjectEntry, Segment, Transfers,
};

/// The MD5 of nothing: what the manifest of a dynamic large object has.
const EMPTY_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Where an audit looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditOptions {
    /// Containers of segments, besides those whose names end in `_segments`.
    pub segment_containers: Vec<String>,
    /// Ask for each object whether it is a large one. Needed where listings do not tell (`slo_etag`, missing before
    /// Swift 2.19 and on Rackspace), and it takes one request per object.
    pub ask_each: bool,
}

/// What an audit has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// The server's time when the audit began.
    pub started: Option<Timestamp>,
    /// Number of manifests that were read, old versions and manifests in manifests included.
    pub manifests: usize,
    /// Number of objects in the containers of segments.
    pub segments: usize,
    /// Segments that no manifest refers to.
    pub orphans: Vec<Orphan>,
    /// Segments that a manifest refers to and that are not there, or are not what it says.
    pub missing: Vec<Missing>,
    /// Segments that several manifests refer to, with these manifests; all as `container/object`.
    pub shared: BTreeMap<String, Vec<String>>,
}

/// A segment that nothing refers to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Orphan {
    /// Container.
    pub container: String,
    /// Object.
    pub object: String,
    /// Size in bytes.
    pub bytes: u64,
    /// As the listing tells it.
    pub etag: String,
    /// When it was stored.
    pub last_modified: Option<Timestamp>,
}

/// A segment that a manifest needs and does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// The manifest, as `container/object`.
    pub manifest: String,
    /// What it refers to, as `container/object`.
    pub segment: String,
    /// Whether something else is there under this name.
    pub is_other: bool,
}

/// Container and object.
type Name = (String, String);

impl Transfers {
    /// Looks through the whole account for segments without a manifest and manifests without segments.
    ///
    /// Every container is listed, with all versions where the cloud keeps them; every manifest is read, old versions
    /// and manifests in manifests included. Objects without content are asked whether they are the manifest of a dynamic
    /// large object. It costs one request for each 10,000 objects and one for each such object and manifest, and memory
    /// for the names of all segments.
    ///
    /// Whoever writes meanwhile may have segments that look like orphans, since their manifest comes last: see
    /// [`GcPlan`](crate::GcPlan) for how these are spared.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = emulator::Emulator::builder().start().await?;
    /// # let me = swift_client::Credentials::temp_auth(emulator.auth_url(), "test:tester", "testing");
    /// # let client = swift_client::Client::builder(me).build()?;
    /// use std::time::Duration;
    /// use swift_client::{AuditOptions, ContainerOptions, ObjectOptions, TransferSettings, Transfers};
    ///
    /// client.put_container("photos_segments", &ContainerOptions::default()).await?;
    /// client.put_object("photos_segments", "left/over", "bytes", &ObjectOptions::default()).await?;
    ///
    /// let transfers = Transfers::new(&client, TransferSettings::default());
    /// let audit = transfers.audit_segments(&AuditOptions::default()).await?;
    /// assert_eq!(audit.orphans.len(), 1);
    ///
    /// // The plan is data: it can be written to a file, looked at, and applied later.
    /// let plan = transfers.plan_gc(&audit, Duration::ZERO).await?;
    /// let applied = transfers.apply_gc(&plan, &AuditOptions::default()).await?;
    /// assert_eq!(applied.deleted, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn audit_segments(&self, options: &AuditOptions) -> Result<Audit, Error> {
        let started = self.server_time().await?;
        let containers: Vec<String> = self
            .client()
            .list_containers(ListOptions::default())
            .try_filter_map(|entry| async move { Ok(entry.item().map(|entry| entry.name)) })
            .try_collect()
            .await?;
        let is_candidate = |container: &str| {
            container.ends_with(naming::SUFFIX)
                || options
                    .segment_containers
                    .iter()
                    .any(|name| name == container)
        };
        let versions = self.limits().await?.has("object_versioning");
        let mut found = Found::default();
        for container in &containers {
            let candidate = is_candidate(container);
            self.look_through(container, candidate, versions, options.ask_each, &mut found)
                .await?;
        }
        let mut audit = found.judge();
        audit.started = Some(started);
        Ok(audit)
    }

    /// What time it is for the server, by the `Date` of an answer.
    pub(crate) async fn server_time(&self) -> Result<Timestamp, Error> {
        let _turn = self.turn().await;
        let info = self.client().head_account().await?;
        let told = http_date(&info.headers, "date");
        Ok(told.unwrap_or_else(|| self.client().session().clock().now()))
    }

    /// Lists one container and reads the manifests in it.
    async fn look_through(
        &self,
        container: &str,
        is_candidate: bool,
        versions: bool,
        ask_each: bool,
        found: &mut Found,
    ) -> Result<(), Error> {
        let options = ListOptions {
            versions,
            ..ListOptions::default()
        };
        let entries = self.client().list_objects(container, options);
        let looked = entries
            .try_filter_map(|entry| async move {
                Ok(match entry {
                    Listed::Item(entry) => Some(entry),
                    Listed::Subdir(_) => None,
                })
            })
            .map_ok(|entry| async move {
                let reference = self.reference(container, &entry, ask_each).await?;
                Ok((entry, reference))
            })
            .try_buffer_unordered(self.settings().concurrency.max(1));
        let mut looked = std::pin::pin!(looked);
        loop {
            let next = match looked.try_next().await {
                Ok(next) => next,
                // A container that is deleted meanwhile holds nothing.
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => return Err(error),
            };
            let Some((entry, reference)) = next else {
                return Ok(());
            };
            found.add(container, is_candidate, entry, reference);
        }
    }

    /// What an object refers to, if it is a manifest.
    async fn reference(
        &self,
        container: &str,
        entry: &ObjectEntry,
        ask_each: bool,
    ) -> Result<Option<Reference>, Error> {
        let version = entry.version_id.as_deref().filter(|id| *id != "null");
        if entry.symlink_path.is_some() {
            return Ok(None);
        }
        let may_be_dynamic = entry.bytes == 0 && entry.etag == EMPTY_MD5;
        if entry.slo_etag.is_none() && !may_be_dynamic && !ask_each {
            return Ok(None);
        }
        let _turn = self.turn().await;
        let client = self.client();
        if entry.slo_etag.is_none() {
            let options = GetOptions {
                version_id: version.map(str::to_owned),
                ..GetOptions::default()
            };
            let info = match client.head_object(container, &entry.name, &options).await {
                Ok(info) => info,
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(place) = info.manifest {
                let place = percent_decode_str(&place).decode_utf8_lossy().into_owned();
                let place = place.split_once('/').map(|(container, prefix)| {
                    Reference::Prefix(container.to_owned(), prefix.to_owned())
                });
                return Ok(place);
            }
            if !info.static_large_object {
                return Ok(None);
            }
        }
        slo_reference(client, container, &entry.name, version).await
    }
}

async fn slo_reference(
    client: &Client,
    container: &str,
    object: &str,
    version: Option<&str>,
) -> Result<Option<Reference>, Error> {
    match client.get_slo_manifest(container, object, version).await {
        Ok(Manifest { segments, .. }) => Ok(Some(Reference::Segments(segments))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

enum Reference {
    Segments(Vec<Segment>),
    /// Container and prefix.
    Prefix(String, String),
}

/// What has been seen so far.
#[derive(Default)]
struct Found {
    /// Everything in containers of segments.
    candidates: HashMap<Name, ObjectEntry>,
    /// Manifest and what it refers to.
    segments: Vec<(String, Segment)>,
    prefixes: Vec<(String, String)>,
    manifests: usize,
    /// Hash and size of what is not in a container of segments and may be referred to all the same.
    others: HashMap<Name, (String, u64)>,
}

impl Found {
    fn add(
        &mut self,
        container: &str,
        is_candidate: bool,
        entry: ObjectEntry,
        reference: Option<Reference>,
    ) {
        if let Some(reference) = reference {
            self.manifests += 1;
            match reference {
                Reference::Prefix(container, prefix) => self.prefixes.push((container, prefix)),
                Reference::Segments(segments) => {
                    let name = format!("{container}/{}", entry.name);
                    let lines = segments.into_iter().map(|segment| (name.clone(), segment));
                    self.segments.extend(lines);
                }
            }
        }
        // An old version is not what a manifest reads.
        if entry.is_latest == Some(false) {
            return;
        }
        let name = (container.to_owned(), entry.name.clone());
        if is_candidate {
            self.candidates.insert(name, entry);
        } else {
            let etag = entry.slo_etag.unwrap_or(entry.etag);
            self.others.insert(name, (etag, entry.bytes));
        }
    }

    fn judge(self) -> Audit {
        let mut users: HashMap<Name, BTreeSet<String>> = HashMap::new();
        let mut missing = Vec::new();
        for (manifest, segment) in &self.segments {
            let name = (segment.container.clone(), segment.object.clone());
            let there = match self.candidates.get(&name) {
                Some(entry) => {
                    let etag = entry.slo_etag.as_ref().unwrap_or(&entry.etag);
                    Some((etag.as_str(), entry.bytes))
                }
                None => self
                    .others
                    .get(&name)
                    .map(|(etag, bytes)| (etag.as_str(), *bytes)),
            };
            let fits = there.is_some_and(|(etag, bytes)| {
                etag.trim_matches('"') == segment.etag && bytes == segment.bytes
            });
            if !fits {
                missing.push(Missing {
                    manifest: manifest.clone(),
                    segment: format!("{}/{}", name.0, name.1),
                    is_other: there.is_some(),
                });
            }
            users.entry(name).or_default().insert(manifest.clone());
        }
        let needed_folders: HashSet<(&str, &str)> =
            users
                .keys()
                .map(|(container, object)| (container.as_str(), naming::folder(object)))
                .chain(self.prefixes.iter().map(|(container, prefix)| {
                    (container.as_str(), naming::folder_of_prefix(prefix))
                }))
                .collect();
        let below_prefix = |name: &Name| {
            self.prefixes
                .iter()
                .any(|(container, prefix)| *container == name.0 && name.1.starts_with(prefix))
        };
        let mut orphans: Vec<Orphan> = self
            .candidates
            .iter()
            .filter(|(name, _)| !users.contains_key(*name) && !below_prefix(name))
            // A mark is needed as long as anything in its folder is.
            .filter(|(name, _)| {
                let folder = (name.0.as_str(), naming::folder(&name.1));
                !(is_mark(&name.1) && needed_folders.contains(&folder))
            })
            .map(|((container, object), entry)| Orphan {
                container: container.clone(),
                object: object.clone(),
                bytes: entry.bytes,
                etag: entry.etag.clone(),
                last_modified: entry.last_modified,
            })
            .collect();
        orphans.sort_by(|a, b| (&a.container, &a.object).cmp(&(&b.container, &b.object)));
        let shared = users
            .into_iter()
            .filter(|(_, manifests)| manifests.len() > 1)
            .map(|((container, object), manifests)| {
                (
                    format!("{container}/{object}"),
                    manifests.into_iter().collect(),
                )
            })
            .collect();
        Audit {
            started: None,
            manifests: self.manifests,
            segments: self.candidates.len(),
            orphans,
            missing,
            shared,
        }
    }
}
