//! The Cloud Files CDN: a management service, and an edge with a cache.
//!
//! **Management** lies below `/cdn/v1/ACCOUNT`, where the service catalogue points (`rax:object-cdn`), and takes the
//! tokens of the storage API; see [`management`]. What it keeps is apart from the containers: a row of (account,
//! container, enabled, TTL, log retention), which may be there before the container is and outlives it.
//!
//! **The edge** answers at the addresses that management tells. The real ones are `http://T1-H.rNN.cf1.rackcdn.com` and
//! `https://T2-H.ssl.cf1.rackcdn.com`; ours are made so that a plain client can fetch them as printed, with no DNS and
//! no certificate: `http://HOST/_cdn/T1-H.rNN.cf1`, where `HOST` is the host the management request was sent to. That
//! holds for `X-CDN-SSL-URI` too, which is an `http` address here. A request whose `Host` is
//! `T1-H.rNN.cf1.rackcdn.com`, or the same below `.localhost`, with or without a port, reaches the edge as well.
//!
//! What we know of both comes from Rackspace's "Swift Origin Server" (`sos/origin.py`) and from the Cloud Files developer
//! guide. `Age` and `X-Cache` are in neither: they are our own.

mod address;
mod cache;
mod edge;
mod listing;
mod logs;
mod management;
mod rows;
mod saved;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use crate::core::Core;
use crate::headers::find;
use crate::message::{Request, Response};
use crate::path::Path;
use cache::Cache;
use logs::Logs;
pub(crate) use rows::Change as Publication;
use rows::Rows;
pub(crate) use saved::{Saved, SavedRecord};

/// The state of the CDN: what is published, and what the edge holds.
#[derive(Debug, Default)]
pub(crate) struct Cdn {
    /// Whether a TTL out of bounds is refused, as until 2012, and not moved to the bound.
    strict: bool,
    rows: RwLock<Rows>,
    cache: Mutex<Cache>,
    logs: Logs,
}

/// A copy at the edge, and the moment from which on it is served no more.
#[derive(Clone, Debug)]
pub(crate) struct CopyExpiry {
    pub(crate) account: String,
    pub(crate) container: String,
    pub(crate) object: String,
    pub(crate) at: SystemTime,
}

impl Cdn {
    /// A CDN that knows of no container. A strict one answers 400 to a TTL out of bounds.
    pub(crate) fn new(strict: bool) -> Self {
        Self {
            strict,
            ..Self::default()
        }
    }

    /// What the edge holds, and until when.
    pub(crate) fn expiries(&self) -> Vec<CopyExpiry> {
        let held = self.cache().expiries();
        let rows = self.rows();
        let known = held.into_iter().filter_map(|(hash, object, at)| {
            let (account, container) = rows.behind(hash)?;
            Some(CopyExpiry {
                account: account.to_owned(),
                container: container.to_owned(),
                object: object.to_string(),
                at,
            })
        });
        known.collect()
    }

    /// Forgets all that is published of an account, and what the edge holds of it. False if nothing ever was.
    pub(crate) fn forget_account(&self, account: &str) -> bool {
        let Some(hashes) = self.rows_mut().remove_account(account) else {
            return false;
        };
        self.cache().purge_containers(|hash| hashes.contains(&hash));
        self.logs.forget(account);
        true
    }

    /// Publishes a container, as PUT does.
    pub(crate) fn publish(&self, account: &str, container: &str, publication: Publication) {
        self.rows_mut().put(account, container, publication);
    }

    /// Delivers the logs of hours that are over.
    pub(crate) fn deliver_due_logs(&self, core: &Core) {
        self.logs.deliver_due(core);
    }

    /// Whether an account has ever published anything.
    pub(crate) fn knows(&self, account: &str) -> bool {
        self.rows().account(account).is_some()
    }

    /// Forgets all that is published, and what the edge holds.
    pub(crate) fn clear(&self) {
        self.restore(Saved::default());
    }

    // Every change of rows or cache is whole before anything in it could panic, so what a panicking thread left is sound.

    fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows_mut(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request is one of the management of the CDN.
pub(crate) fn manages(request: &Request) -> bool {
    request.path.as_str().starts_with(management::ROOT)
}

/// Answers a request that is the CDN's.
pub(crate) async fn handle(request: Request, core: &Arc<Core>) -> Response {
    let path = request.path.as_str();
    let target = match label_of_host(&request) {
        Some(label) => Some(edge::Target {
            label: label.to_owned(),
            base: String::new(),
            name: path.strip_prefix('/').map(str::to_owned),
        }),
        None => path.strip_prefix(address::EDGE).map(|rest| {
            let (label, name) = match rest.split_once('/') {
                Some((label, name)) => (label, Some(name.to_owned())),
                None => (rest, None),
            };
            edge::Target {
                label: label.to_owned(),
                base: format!("{}{label}", address::EDGE),
                name,
            }
        }),
    };
    if let Some(target) = target {
        return edge::handle(request, &target, core).await;
    }
    management::handle(&request, core)
}

/// Whether a request is for the edge.
pub(crate) fn is_path_of_edge(path: &Path) -> bool {
    path.as_str().starts_with(address::EDGE)
}

/// Whether a host is one by which the edge is reached.
pub(crate) fn is_host_of_edge(host: &[u8]) -> bool {
    address::label_of_host(host).is_some()
}

/// The label by which a request's host names a container.
fn label_of_host(request: &Request) -> Option<&str> {
    address::label_of_host(find(&request.headers, "host")?.as_bytes())
}

/// The path of a request; one that reaches the edge by its host has the path by which it could have got there as well.
pub(crate) fn path_of(request: &Request) -> Cow<'_, str> {
    let path = request.path.as_str();
    match label_of_host(request) {
        Some(label) => Cow::Owned(format!("{}{label}{path}", address::EDGE)),
        None => Cow::Borrowed(path),
    }
}

/// The account that a path of the management names.
pub(crate) fn managed_account(path: &Path) -> Option<&str> {
    let below = path.as_str().strip_prefix(management::ROOT)?;
    below.split('/').find(|part| !part.is_empty())
}

/// Where this emulator's clients find a container: at the host that they asked.
fn uris(core: &Core, request: &Request, account: &str, container: &str) -> address::Uris {
    let host = request.header("host").unwrap_or("localhost");
    let cluster = address::cluster(core.regions.name());
    address::Uris::new(host, cluster, account, container)
}

/// A truth as the service spells it in headers and XML.
fn python_bool(truth: bool) -> &'static str {
    if truth { "True" } else { "False" }
}
