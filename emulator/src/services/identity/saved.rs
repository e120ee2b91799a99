//! What is kept beyond a run of those who may sign in: what run time has made of the configuration's users.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Identity;
use super::directory::{ApplicationCredential, Kind};
use crate::config::Secret;

/// One thing of that. The order of variants and fields is part of the format of snapshots.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SavedRecord {
    /// A project of the configuration that was taken away with all who are at home there.
    RemovedProject { account: String },
    /// A user made at run time, with a project of their own.
    Owner {
        project: String,
        user: String,
        key: String,
    },
    /// A Keystone application credential made at run time.
    Credential {
        id: String,
        name: String,
        person: String,
        project: String,
        secret: String,
        roles: Vec<String>,
        unrestricted: bool,
        /// Since 1970.
        expires: Option<Duration>,
        description: Option<String>,
    },
}

impl std::fmt::Debug for SavedRecord {
    /// Whom it is about, and no key.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::RemovedProject { account } => account,
            Self::Owner { project, .. } => project,
            Self::Credential { name, .. } => name,
        };
        formatter.debug_tuple("SavedRecord").field(name).finish()
    }
}

/// All of it, read back and not yet in use.
#[derive(Debug, Default)]
pub(crate) struct Saved(Vec<SavedRecord>);

impl Saved {
    pub(crate) fn take(&mut self, record: SavedRecord) {
        self.0.push(record);
    }
}

impl Identity {
    /// Everything to be saved, in the order in which it can be made again.
    pub(crate) fn records(&self) -> Vec<SavedRecord> {
        let now = self.directory();
        let removed = self
            .configured
            .projects
            .values()
            .filter(|project| !now.projects.contains_key(&project.id))
            .map(|project| SavedRecord::RemovedProject {
                account: project.account.to_string(),
            });
        let owners = now
            .people
            .values()
            .filter(|person| !self.configured.people.contains_key(&person.id))
            .filter_map(|person| match (&person.kind, &person.home) {
                (Kind::TempAuth { .. }, Some(home)) => Some(SavedRecord::Owner {
                    project: home.name.to_string(),
                    user: person.name.to_string(),
                    key: person.password.reveal().to_owned(),
                }),
                _ => None,
            });
        let credentials = now
            .credentials
            .values()
            .filter(|credential| !self.configured.credentials.contains_key(&credential.id))
            .map(|credential| SavedRecord::Credential {
                id: credential.id.to_string(),
                name: credential.name.to_string(),
                person: credential.person.to_string(),
                project: credential.project.id.to_string(),
                secret: credential.secret.reveal().to_owned(),
                roles: credential.roles.iter().map(ToString::to_string).collect(),
                unrestricted: credential.unrestricted,
                expires: credential
                    .expires
                    .map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default()),
                description: credential.description.clone(),
            });
        removed.chain(owners).chain(credentials).collect()
    }

    /// Makes of the configuration's users what was saved. Tokens of those who are still there stay good.
    pub(crate) fn restore(&self, saved: Saved) {
        let mut directory = self.configured.clone();
        for record in saved.0 {
            match record {
                SavedRecord::RemovedProject { account } => {
                    if let Some(project) = directory.project_of(&account) {
                        directory.remove_project(&project);
                    }
                }
                SavedRecord::Owner { project, user, key } => {
                    // A project that the configuration has by now is the configuration's.
                    directory.add_owner(&project, &user, &Secret::from(key));
                }
                SavedRecord::Credential {
                    id,
                    name,
                    person,
                    project,
                    secret,
                    roles,
                    unrestricted,
                    expires,
                    description,
                } => {
                    // Without its person or its project, a credential opens nothing.
                    if !directory.people.contains_key(&*person) {
                        continue;
                    }
                    let Some(project) = directory.projects.get(&*project).map(Arc::clone) else {
                        continue;
                    };
                    directory.add_credential(ApplicationCredential {
                        id: id.into(),
                        name: name.into(),
                        description,
                        person: person.into(),
                        project,
                        secret: Secret::from(secret),
                        roles: roles.into_iter().map(Arc::from).collect(),
                        unrestricted,
                        expires: expires.and_then(|since| UNIX_EPOCH.checked_add(since)),
                    });
                }
            }
        }
        let mut current = self.directory_mut();
        let former = std::mem::replace(&mut *current, directory);
        for id in former.people.keys() {
            if !current.people.contains_key(id) {
                self.tokens.forget(id);
            }
        }
        drop(current);
        self.sessions.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn users_made_and_taken_away_at_run_time_are_so_again() {
        let identity = || Identity::new(&Config::default()).expect("the default is sound");
        let (one, other) = (identity(), identity());
        assert!(one.add_account("fresh", "owner", &Secret::from("a key")));
        assert!(one.remove_account("AUTH_test2"));
        assert!(other.add_account("gone", "owner", &Secret::from("a key")));
        let records = one.records();
        assert!(!format!("{records:?}").contains("a key"));
        other.restore(Saved(records));
        assert!(other.by_key("fresh:owner", "a key").is_some());
        assert!(other.by_key("test2:tester2", "testing2").is_none());
        assert!(other.by_key("gone:owner", "a key").is_none());
        assert!(other.by_key("test:tester", "testing").is_some());
        assert_eq!(other.records(), one.records());
    }
}
