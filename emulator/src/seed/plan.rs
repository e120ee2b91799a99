//! What a folder would do, checked to the last byte before anything is done.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::sidecar::{self, OfAccount, OfContainer, OfObject, add, add_all, add_keys};
use super::{SeedError, Seeded};
use crate::core::Core;
use crate::message::header_value;
use crate::path::Resource;
use crate::reject::Reject;
use crate::resources::object::{is_kept, put_into};
use crate::resources::{acl, expiry, media_type, metadata};
use crate::services::cdn::Publication;
use crate::store::{Etag, Extra, Full, MediaType, Object, Stored};
use crate::timestamp::Timestamp;

const OF_ACCOUNT: &str = ".account.json";
const OF_CONTAINER: &str = ".container.json";
const OF_OBJECT: &str = ".meta.json";
/// What keeps a folder in a repository that has nothing else.
const PLACEHOLDER: &str = ".gitkeep";

/// The account that a folder is for unless somebody says otherwise.
const ACCOUNT: &str = "AUTH_test";

/// How much of a file is read at a time, in bytes.
const BLOCK: u64 = 1 << 18;

/// Everything that is to be done.
pub(super) struct Plan {
    folder: PathBuf,
    account: String,
    metadata: HeaderMap,
    containers: Vec<PlannedContainer>,
}

struct PlannedContainer {
    folder: PathBuf,
    name: String,
    policy: Option<usize>,
    metadata: HeaderMap,
    publication: Option<Publication>,
    objects: Vec<PlannedObject>,
}

struct PlannedObject {
    file: PathBuf,
    name: String,
    content_type: MediaType,
    delete_at: Option<u64>,
    headers: HeaderMap,
    body: Stored,
    etag: Etag,
}

/// Reads a folder and holds it against the rules, and against what is in the account already.
pub(super) fn read(core: &Core, folder: &Path, account: Option<&str>) -> Result<Plan, SeedError> {
    let root = folder
        .canonicalize()
        .map_err(|error| SeedError::new(folder, error))?;
    if !root.is_dir() {
        return Err(SeedError::new(folder, "this is no folder"));
    }
    let file = folder.join(OF_ACCOUNT);
    let of: OfAccount = sidecar::read(&file)?;
    let account = match (account, of.account) {
        (Some(account), _) => account.to_owned(),
        (None, Some(account)) => account,
        (None, None) => ACCOUNT.to_owned(),
    };
    let limits = &core.flavour.limits;
    if account.is_empty() || account.contains('/') || account.len() > limits.max_account_name_length
    {
        let cause = format!("`{account}` cannot be the name of an account");
        return Err(SeedError::of(&file, "account", cause));
    }
    if core.store.is_removed_account(&account) {
        let cause = format!("the account {account} was removed, and its name is not free");
        return Err(SeedError::of(&file, "account", cause));
    }
    let mut headers = HeaderMap::new();
    add_all(
        &mut headers,
        &file,
        "metadata",
        "x-account-meta-",
        &of.metadata,
    )?;
    add_keys(&mut headers, &file, "x-account-meta-", &of.temp_url_keys)?;
    let before = core.store.account(&account);
    let before = before
        .map(|account| (**account.metadata()).clone())
        .unwrap_or_default();
    check(core, &file, "account", &headers, before)?;

    let walk = Walk {
        core,
        root: &root,
        cloud_files: core.is_cloud_files(&account),
    };
    let mut containers = Vec::new();
    for entry in entries(folder)? {
        let path = folder.join(&entry);
        let kind = walk.kind(&path)?;
        if kind.is_dir() {
            containers.push(walk.container(&account, path, entry)?);
        } else if entry != OF_ACCOUNT && (!entry.starts_with('.') || is_json(&entry)) {
            let cause = "a file at the top is in no container; put it into a folder";
            return Err(SeedError::new(&path, cause));
        }
    }
    Ok(Plan {
        folder: folder.to_owned(),
        account,
        metadata: headers,
        containers,
    })
}

/// A misspelt `.account.json` is not one of the hidden files that are left out.
fn is_json(name: &str) -> bool {
    Path::new(name).extension() == Some(OsStr::new("json"))
}

/// The names in a folder, in order.
fn entries(folder: &Path) -> Result<Vec<String>, SeedError> {
    let mut names = Vec::new();
    let listed = std::fs::read_dir(folder).map_err(|error| SeedError::new(folder, error))?;
    for entry in listed {
        let entry = entry.map_err(|error| SeedError::new(folder, error))?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| SeedError::new(&entry.path(), "the name is not UTF-8"))?;
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}

/// Holds metadata against the limits: alone, and together with what is there before.
fn check(
    core: &Core,
    path: &Path,
    kind: &str,
    headers: &HeaderMap,
    before: HeaderMap,
) -> Result<(), SeedError> {
    let limits = &core.flavour.limits;
    let wrong = |reject: Reject| SeedError::of(path, "metadata", reject.text());
    metadata::check(headers, kind, limits).map_err(wrong)?;
    let mut whole = before;
    for (name, value) in headers {
        whole.insert(name.clone(), value.clone());
    }
    metadata::check_whole(&whole, kind, limits).map_err(wrong)
}

/// A walk through a folder.
struct Walk<'a> {
    core: &'a Core,
    /// The folder's true path, which no link may leave.
    root: &'a Path,
    cloud_files: bool,
}

impl Walk<'_> {
    /// What is at a path, links followed. Refuses what leads out of the folder.
    fn kind(&self, path: &Path) -> Result<std::fs::Metadata, SeedError> {
        let wrong = |error| SeedError::new(path, error);
        let is_link = std::fs::symlink_metadata(path)
            .map_err(wrong)?
            .file_type()
            .is_symlink();
        if is_link {
            let target = path.canonicalize().map_err(wrong)?;
            if !target.starts_with(self.root) {
                return Err(SeedError::new(path, "the link leads out of the folder"));
            }
        }
        let metadata = std::fs::metadata(path).map_err(wrong)?;
        if !metadata.is_dir() && !metadata.is_file() {
            let cause = "this is neither a file nor a folder";
            return Err(SeedError::new(path, cause));
        }
        Ok(metadata)
    }

    fn container(
        &self,
        account: &str,
        folder: PathBuf,
        name: String,
    ) -> Result<PlannedContainer, SeedError> {
        let limits = &self.core.flavour.limits;
        if name.len() > limits.max_container_name_length {
            let most = limits.max_container_name_length;
            let cause = format!("the name is longer than {most} bytes");
            return Err(SeedError::new(&folder, cause));
        }
        let file = folder.join(OF_CONTAINER);
        let of: OfContainer = sidecar::read(&file)?;
        let before = self.core.store.container(account, &name);

        let mut headers = HeaderMap::new();
        let prefix = "x-container-meta-";
        add_all(&mut headers, &file, "metadata", prefix, &of.metadata)?;
        add_keys(&mut headers, &file, prefix, &of.temp_url_keys)?;
        for (field, name, list) in [
            ("read_acl", "x-container-read", &of.read_acl),
            ("write_acl", "x-container-write", &of.write_acl),
        ] {
            if let Some(list) = list {
                let list = acl::clean_acl(name, list)
                    .map_err(|cause| SeedError::of(&file, field, cause))?;
                let name = HeaderName::from_static(name);
                add(&mut headers, &file, field, name, &list)?;
            }
        }
        let existing = before.as_ref().map(|container| {
            let now = Timestamp::from(self.core.clock.now());
            container.view(now).metadata
        });
        check(
            self.core,
            &file,
            "container",
            &headers,
            existing.unwrap_or_default(),
        )?;

        let mut policy = None;
        if let Some(wanted) = &of.storage_policy {
            let known = self.core.flavour.policies;
            let at = known
                .iter()
                .position(|name| name.eq_ignore_ascii_case(wanted));
            policy = Some(at.ok_or_else(|| {
                let cause = format!("there is no `{wanted}`, only {}", known.join(" and "));
                SeedError::of(&file, "storage_policy", cause)
            })?);
            if before.is_some_and(|container| Some(container.policy) != policy) {
                let cause = "the container is there already, under another policy";
                return Err(SeedError::of(&file, "storage_policy", cause));
            }
        }
        let publication = of
            .cdn
            .map(|cdn| Publication::new(cdn.enabled, cdn.ttl, cdn.log_retention))
            .transpose()
            .map_err(|cause| SeedError::of(&file, "cdn.ttl", cause))?;

        let mut objects = Vec::new();
        let mut above = vec![canonical(&folder)?];
        self.objects(&folder, "", &mut above, &mut objects)?;
        Ok(PlannedContainer {
            folder,
            name,
            policy,
            metadata: headers,
            publication,
            objects,
        })
    }

    /// The files below a folder, as objects whose names begin with `prefix`. `above` are the folders on the way here.
    fn objects(
        &self,
        folder: &Path,
        prefix: &str,
        above: &mut Vec<PathBuf>,
        objects: &mut Vec<PlannedObject>,
    ) -> Result<(), SeedError> {
        let names = entries(folder)?;
        for entry in &names {
            let path = folder.join(entry);
            let kind = self.kind(&path)?;
            if kind.is_dir() {
                let canonical = canonical(&path)?;
                if above.contains(&canonical) {
                    return Err(SeedError::new(&path, "the link leads round in a circle"));
                }
                above.push(canonical);
                self.objects(&path, &format!("{prefix}{entry}/"), above, objects)?;
                above.pop();
            } else if let Some(described) = entry.strip_suffix(OF_OBJECT)
                && !described.is_empty()
            {
                if !names.iter().any(|name| name == described) {
                    let cause = format!("this describes the file {described}, which is not there");
                    return Err(SeedError::new(&path, cause));
                }
            } else if entry != PLACEHOLDER && !(prefix.is_empty() && entry == OF_CONTAINER) {
                objects.push(self.object(path, format!("{prefix}{entry}"))?);
            }
        }
        Ok(())
    }

    fn object(&self, file: PathBuf, name: String) -> Result<PlannedObject, SeedError> {
        let most = self.core.flavour.limits.max_object_name_length;
        if name.len() > most {
            let cause = format!("the name {name} is longer than {most} bytes");
            return Err(SeedError::new(&file, cause));
        }
        let mut described = file.clone().into_os_string();
        described.push(OF_OBJECT);
        let sidecar = PathBuf::from(described);
        let of: OfObject = sidecar::read(&sidecar)?;

        let mut headers = HeaderMap::new();
        add_all(&mut headers, &sidecar, "headers", "", &of.headers)?;
        if let Some(name) = headers
            .keys()
            .find(|name| !is_kept(name.as_str(), self.cloud_files))
        {
            let cause = "objects do not keep this header";
            return Err(SeedError::of(&sidecar, format!("headers.{name}"), cause));
        }
        add_all(
            &mut headers,
            &sidecar,
            "metadata",
            "x-object-meta-",
            &of.metadata,
        )?;
        check(self.core, &sidecar, "object", &headers, HeaderMap::new())?;

        let delete_at = self.delete_at(&sidecar, &of)?;
        let content_type = match &of.content_type {
            None => MediaType::of(media_type::guess(&name)),
            Some(given) => {
                if given.is_empty() || media_type::has_reserved_parameter(given) {
                    let cause = format!("`{given}` cannot be the type of an object");
                    return Err(SeedError::of(&sidecar, "content_type", cause));
                }
                let mut one = HeaderMap::new();
                add(&mut one, &sidecar, "content_type", CONTENT_TYPE, given)?;
                MediaType::from(&header_value(given))
            }
        };
        let (body, etag) = self.contents(&file)?;
        Ok(PlannedObject {
            file,
            name,
            content_type,
            delete_at,
            headers,
            body,
            etag,
        })
    }

    fn delete_at(&self, sidecar: &Path, of: &OfObject) -> Result<Option<u64>, SeedError> {
        let (field, header, value) = match (&of.delete_at, of.delete_after) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                let cause = "say either this or `delete_at`, not both";
                return Err(SeedError::of(sidecar, "delete_after", cause));
            }
            (Some(moment), None) => {
                let seconds = moment
                    .seconds()
                    .map_err(|cause| SeedError::of(sidecar, "delete_at", cause))?;
                ("delete_at", "x-delete-at", seconds)
            }
            (None, Some(seconds)) => ("delete_after", "x-delete-after", seconds),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header, value.into());
        let now = Timestamp::from(self.core.clock.now());
        expiry::delete_at(&headers, now)
            .map_err(|reject| SeedError::of(sidecar, field, reject.text()))
    }

    /// A file's bytes, kept as the store keeps bodies, and their MD5.
    fn contents(&self, path: &Path) -> Result<(Stored, Etag), SeedError> {
        let wrong = |error| SeedError::new(path, error);
        let most = self.core.flavour.limits.max_file_size;
        let file = File::open(path).map_err(wrong)?;
        let length = file.metadata().map_err(wrong)?.len();
        if length > most {
            let cause = format!("longer than {most} bytes, the most for one object");
            return Err(SeedError::new(path, cause));
        }
        // A file that grows while it is read is cut to what it was.
        let mut file = file.take(length);
        let blocks = std::iter::from_fn(|| {
            let mut block = Vec::new();
            match file.by_ref().take(BLOCK).read_to_end(&mut block) {
                Ok(0) => None,
                Ok(_) => Some(Ok(Bytes::from(block))),
                Err(error) => Some(Err(error)),
            }
        });
        self.core
            .store
            .bodies
            .keep(Some(length), blocks)
            .map_err(wrong)
    }
}

fn canonical(path: &Path) -> Result<PathBuf, SeedError> {
    path.canonicalize()
        .map_err(|error| SeedError::new(path, error))
}

impl Plan {
    /// Does it. What can still go wrong is only what others do to the account meanwhile.
    pub(super) fn apply(self, core: &Core) -> Result<Seeded, SeedError> {
        let now = core.clock.timestamp();
        let (account, _) = core.store.ensure_account(&self.account, now);
        let changed = |path: &Path| SeedError::new(path, "the account was changed meanwhile");
        let limits = &core.flavour.limits;
        account
            .update(pairs(self.metadata), |whole| {
                metadata::check_whole(whole, "account", limits)
            })
            .map_err(|_| changed(&self.folder))?;
        let mut seeded = Seeded {
            account: self.account,
            containers: 0,
            objects: 0,
            bytes: 0,
        };
        for planned in self.containers {
            let policy = planned.policy.unwrap_or(0);
            let (container, _) = account
                .ensure_container(&planned.name, policy, now)
                .map_err(|Full| SeedError::new(&planned.folder, "the memory is used up"))?;
            container
                .update(core.clock.timestamp(), pairs(planned.metadata), |whole| {
                    metadata::check_whole(whole, "container", limits)
                })
                .map_err(|_| changed(&planned.folder))?;
            if let Some(publication) = planned.publication {
                core.cdn
                    .publish(&seeded.account, &planned.name, publication);
            }
            seeded.containers += 1;
            for object in planned.objects {
                let created = core.clock.timestamp();
                seeded.objects += 1;
                seeded.bytes += object.body.len();
                let stored = Object {
                    created,
                    modified: created,
                    content_type: object.content_type,
                    etag: object.etag,
                    body: object.body,
                    extra: Extra::new(object.delete_at, pairs(object.headers).collect(), None),
                };
                let place = Resource::Object(&seeded.account, &planned.name, &object.name);
                put_into(core, place, &container, stored, |_| Ok(()))
                    .map_err(|_| changed(&object.file))?;
            }
        }
        Ok(seeded)
    }
}

/// A map of headers, each of which is there once.
fn pairs(headers: HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let mut last = None;
    headers.into_iter().filter_map(move |(name, value)| {
        last = name.or(last.take());
        Some((last.clone()?, value))
    })
}
