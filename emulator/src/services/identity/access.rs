//! What a token opens in the storage.
//!
//! It follows from the door the token was given at. At `TempAuth`'s and Rackspace's (v1.0, v1.1, v2.0) people are known
//! by groups, and `TempAuth`'s rules hold. At Keystone's (v3) everybody is known by the roles they have in the token's
//! project, and the rules of `keystoneauth` hold, for `TempAuth`'s and Rackspace's people too. Keystone's own people have
//! no groups, so theirs hold for them at v2.0 as well. A cloud has one kind of rules only; an emulator that has both can
//! stand in for either without being told which.

use std::sync::Arc;

use super::directory::{Kind, Person, Project};
use super::tokens::Scope;
use crate::config::{Keystone, RackspaceRole};
use crate::message::{ByGroups, ByRoles, Powers, RolesProject, User};

/// Where a token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// `TempAuth`, and identity v1.0 and v1.1.
    V1,
    V2,
    V3,
}

/// Which roles allow what, in lower case.
#[derive(Debug)]
pub(super) struct Rules {
    operator: Vec<String>,
    project_reader: Vec<String>,
    system_reader: Vec<String>,
    service: Vec<String>,
    reseller_admin: String,
}

impl Rules {
    pub(super) fn new(keystone: &Keystone) -> Self {
        let lower = |roles: &[String]| roles.iter().map(|role| role.to_lowercase()).collect();
        Self {
            operator: lower(&keystone.operator_roles),
            project_reader: lower(&keystone.project_reader_roles),
            system_reader: lower(&keystone.system_reader_roles),
            service: lower(&keystone.service_roles),
            reseller_admin: keystone.reseller_admin_role.to_lowercase(),
        }
    }

    fn powers(&self, roles: &[String]) -> Powers {
        let any = |of: &[String]| roles.iter().any(|role| of.contains(role));
        Powers {
            administer: roles.contains(&self.reseller_admin),
            read_all: any(&self.system_reader),
            operate: any(&self.operator),
            read: any(&self.project_reader),
            serve: any(&self.service),
        }
    }

    /// The bearer of a token as the storage knows them.
    pub(super) fn bearer(
        &self,
        person: &Person,
        door: Door,
        scope: &Scope,
        roles: &[Arc<str>],
    ) -> User {
        match &person.kind {
            Kind::TempAuth { groups, .. } if door != Door::V3 => User::Groups(ByGroups {
                groups: groups.clone(),
                reads_only: false,
            }),
            Kind::Rackspace(role) if door != Door::V3 => {
                let home = person.home.iter();
                let known_by = home.flat_map(|home| {
                    [
                        home.id.to_string(),
                        person.name.to_string(),
                        home.account.to_string(),
                    ]
                });
                User::Groups(ByGroups {
                    groups: known_by.collect(),
                    reads_only: *role == RackspaceRole::Observer,
                })
            }
            _ => {
                let roles: Vec<String> = roles.iter().map(|role| role.to_lowercase()).collect();
                let with_domains = door == Door::V3;
                User::Roles(Box::new(ByRoles {
                    user_id: Arc::clone(&person.id),
                    user_name: Arc::clone(&person.name),
                    user_domain: with_domains.then(|| Arc::clone(&person.domain.id)),
                    project: scope
                        .project()
                        .map(|project| project_of(project, with_domains)),
                    can: self.powers(&roles),
                    roles,
                    served: false,
                }))
            }
        }
    }
}

fn project_of(project: &Project, with_domains: bool) -> RolesProject {
    RolesProject {
        id: Arc::clone(&project.id),
        name: Arc::clone(&project.name),
        domain: with_domains.then(|| Arc::clone(&project.domain.id)),
        account: Arc::clone(&project.account),
    }
}
