//! Who there is: domains, projects, people, and the roles they have. No tokens; see `tokens.rs`.
//!
//! `TempAuth`, Rackspace and Keystone each have people of their own; all of them may come by any door, and what a token
//! opens is told by `access.rs`. Here is what there is and how it is found; `configured.rs` makes it of a configuration,
//! `changes.rs` has every change.

mod changes;
mod configured;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::ACCOUNT_PREFIX;
use crate::config::{RackspaceRole, SecondFactor, Secret};

/// The domain of everybody who has no other.
pub(super) const DEFAULT_DOMAIN: &str = "default";
/// Rackspace's domain; who looks for its people in `default` finds them, too.
pub(super) const RACKSPACE_DOMAIN: &str = "rackspace_cloud_domain";

/// A domain.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) description: String,
    /// Nobody signs in who is of a disabled domain or project, or disabled themselves, or to such a project.
    pub(super) enabled: bool,
}

/// A project, or a tenant in older words.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) description: String,
    pub(super) enabled: bool,
    pub(super) domain: Arc<Domain>,
    /// The storage account.
    pub(super) account: Arc<str>,
    pub(super) is_rackspace: bool,
    /// Whether catalogs have a CDN for it.
    pub(super) has_cdn: bool,
}

/// Where roles hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A project's id.
    Project(Arc<str>),
    /// A domain's id.
    Domain(Arc<str>),
    System,
}

/// Somebody who can sign in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(super) id: Arc<str>,
    /// Unique in the domain, but for `TempAuth`'s people: theirs is unique in the project.
    pub(super) name: Arc<str>,
    pub(super) domain: Arc<Domain>,
    pub(super) kind: Kind,
    pub(super) enabled: bool,
    pub(super) password: Secret,
    pub(super) api_key: Option<Secret>,
    pub(super) second_factor: Option<SecondFactor>,
    /// Where this person is who names no scope.
    pub(super) home: Option<Arc<Project>>,
    pub(super) default_region: Option<Arc<str>>,
    /// Roles by place, as they were given; see [`Person::roles_on`] for what they imply.
    pub(super) roles: Vec<(Place, Arc<str>)>,
    /// Whatever else Keystone was told of the person: an address, for one.
    pub(super) extra: Map<String, Value>,
}

/// Whose person this is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Known to `TempAuth` as `account:user`, and by groups.
    TempAuth {
        login: Arc<str>,
        groups: Vec<String>,
    },
    Rackspace(RackspaceRole),
    Keystone,
}

/// What signs in for a person without the person's password.
#[derive(Debug)]
pub(crate) struct ApplicationCredential {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) description: Option<String>,
    pub(super) person: Arc<str>,
    pub(super) project: Arc<Project>,
    pub(super) secret: Secret,
    pub(super) roles: Vec<Arc<str>>,
    pub(super) unrestricted: bool,
    pub(super) expires: Option<SystemTime>,
}

/// All of them. Cheap to clone: what it holds is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) domains: BTreeMap<Arc<str>, Arc<Domain>>,
    pub(super) projects: BTreeMap<Arc<str>, Arc<Project>>,
    pub(super) people: BTreeMap<Arc<str>, Arc<Person>>,
    pub(super) credentials: BTreeMap<Arc<str>, Arc<ApplicationCredential>>,
    /// Names of roles by id, beside those that people have.
    pub(super) roles: BTreeMap<Arc<str>, Arc<str>>,
    /// Everybody by every name they go by.
    names: HashMap<Arc<str>, Vec<Arc<Person>>>,
}

impl Person {
    /// The name that means this person and nobody else where there are no domains.
    pub(super) fn login(&self) -> &Arc<str> {
        match &self.kind {
            Kind::TempAuth { login, .. } => login,
            Kind::Rackspace(_) | Kind::Keystone => &self.name,
        }
    }

    /// Whether this is a passcode of the second factor.
    pub(super) fn shows_passcode(&self, passcode: &str, now: SystemTime) -> bool {
        let factor = self.second_factor.as_ref();
        factor.is_some_and(|factor| factor.takes(passcode, now))
    }

    pub(super) fn has_role_on(&self, place: &Place) -> bool {
        self.roles.iter().any(|(at, _)| at == place)
    }

    /// The roles that hold somewhere, with those that they imply.
    pub(super) fn roles_on(&self, place: &Place) -> Vec<Arc<str>> {
        let mut all: Vec<Arc<str>> = Vec::new();
        for (_, role) in self.roles.iter().filter(|(at, _)| at == place) {
            let from = IMPLIED.iter().position(|known| *known == &**role);
            let implied = from.map_or(&[][..], |from| &IMPLIED[from + 1..]);
            for role in [&**role].iter().chain(implied) {
                if !all.iter().any(|known| **known == **role) {
                    all.push((*role).into());
                }
            }
        }
        all
    }
}

impl Domain {
    /// Whether the domain goes by this id or name.
    pub(super) fn is(&self, id_or_name: &str) -> bool {
        let is_rackspaces = &*self.id == RACKSPACE_DOMAIN;
        *self.id == *id_or_name
            || *self.name == *id_or_name
            || (&*self.id == DEFAULT_DOMAIN || is_rackspaces)
                && id_or_name.eq_ignore_ascii_case(DEFAULT_DOMAIN)
    }
}

impl Project {
    /// Whether this is the project's id, or its name where there are no domains. Rackspace takes the account's as well.
    pub(super) fn is(&self, id_or_name: &str) -> bool {
        *self.id == *id_or_name
            || *self.name == *id_or_name
            || self.is_rackspace && *self.account == *id_or_name
    }
}

impl Directory {
    /// Every role's name by its id: those that Keystone starts with, those that were made, and those that people have.
    pub(super) fn all_roles(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut all = self.roles.clone();
        let held = self.people.values().flat_map(|person| &person.roles);
        let held = held.map(|(_, role)| &**role);
        for name in IMPLIED.into_iter().chain(["service"]).chain(held) {
            all.insert(role_id(name).into(), name.into());
        }
        all
    }

    /// A person's application credential of this name.
    pub(super) fn credential_of(
        &self,
        person: &Person,
        name: &str,
    ) -> Option<Arc<ApplicationCredential>> {
        let mut known = self.credentials.values();
        known
            .find(|known| known.person == person.id && *known.name == *name)
            .cloned()
    }

    /// Everybody who goes by this name, id or login.
    pub(super) fn named(&self, name: &str) -> &[Arc<Person>] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// By id or name.
    pub(super) fn domain(&self, named: &str) -> Option<Arc<Domain>> {
        let by_name = || self.domains.values().find(|domain| domain.is(named));
        self.domains.get(named).or_else(by_name).cloned()
    }

    /// The project that owns a storage account.
    pub(super) fn project_of(&self, account: &str) -> Option<Arc<Project>> {
        let by_id = account.strip_prefix(ACCOUNT_PREFIX);
        let by_id = by_id.and_then(|id| self.projects.get(id));
        by_id
            .or_else(|| {
                self.projects
                    .values()
                    .find(|known| *known.account == *account)
            })
            .cloned()
    }
}

/// Each implies those behind it, as Keystone's bootstrap makes them.
const IMPLIED: [&str; 4] = ["admin", "manager", "member", "reader"];

/// The id of a role, which is made of its name.
pub(super) fn role_id(name: &str) -> String {
    stable_id(&["role", name])
}

/// An id as Keystone writes them, which is the same at every start.
pub(super) fn stable_id(parts: &[&str]) -> String {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update(b"\0");
    }
    let mut id = String::with_capacity(32);
    for byte in digest.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
