//! Everybody in a configuration.

use std::sync::Arc;

use serde_json::Map;

use super::super::{ACCOUNT_PREFIX, RACKSPACE_PREFIX, SERVICE_PREFIX};
use super::{
    ApplicationCredential, DEFAULT_DOMAIN, Directory, Domain, Kind, Person, Place, Project,
    RACKSPACE_DOMAIN, stable_id,
};
use crate::config::{self, Config, Problem, RackspaceRole, SecondFactor};

impl Directory {
    /// Everybody in a configuration.
    pub(in super::super) fn new(config: &Config) -> Result<Self, Problem> {
        let mut made = Self::default();
        for (id, name) in [
            (DEFAULT_DOMAIN, "Default"),
            (RACKSPACE_DOMAIN, RACKSPACE_DOMAIN),
        ] {
            made.add_domain(id.into(), name.into());
        }
        made.add_keystone_places(&config.keystone)?;
        for (index, user) in config.tempauth.users.iter().enumerate() {
            made.add_tempauth(user)
                .map_err(|problem| problem.within(&format!("tempauth.users[{index}]")))?;
        }
        for (index, user) in config.rackspace.users.iter().enumerate() {
            made.add_rackspace(user, config)
                .map_err(|problem| problem.within(&format!("rackspace.users[{index}]")))?;
        }
        for (index, user) in config.keystone.users.iter().enumerate() {
            made.add_keystone_user(user)
                .map_err(|problem| problem.within(&format!("keystone.users[{index}]")))?;
        }
        for (index, credential) in config.keystone.application_credentials.iter().enumerate() {
            made.add_configured_credential(credential)
                .map_err(|problem| {
                    problem.within(&format!("keystone.application_credentials[{index}]"))
                })?;
        }
        Ok(made)
    }

    fn add_keystone_places(&mut self, keystone: &config::Keystone) -> Result<(), Problem> {
        for (index, domain) in keystone.domains.iter().enumerate() {
            let within = |problem: Problem| problem.within(&format!("keystone.domains[{index}]"));
            check_name(&domain.name, "name").map_err(within)?;
            let id = domain
                .id
                .clone()
                .unwrap_or_else(|| stable_id(&["domain", &domain.name]));
            let taken = |known: &Arc<Domain>| *known.id == *id || *known.name == *domain.name;
            if self.domains.values().any(taken) {
                return Err(within(Problem::new(
                    "name",
                    "there is such a domain already",
                )));
            }
            self.add_domain(id.into(), domain.name.as_str().into());
        }
        for (index, project) in keystone.projects.iter().enumerate() {
            let within = |problem: Problem| problem.within(&format!("keystone.projects[{index}]"));
            check_name(&project.name, "name").map_err(within)?;
            let domain = self.domain_named(&project.domain).map_err(within)?;
            let id = project
                .id
                .clone()
                .unwrap_or_else(|| stable_id(&["project", &domain.id, &project.name]));
            check_name(&id, "id").map_err(within)?;
            let taken = |known: &Arc<Project>| {
                *known.id == *id || *known.name == *project.name && known.domain.id == domain.id
            };
            if self.projects.values().any(taken) {
                return Err(within(Problem::new(
                    "name",
                    "there is such a project already",
                )));
            }
            self.add_project(Project {
                account: format!("{ACCOUNT_PREFIX}{id}").into(),
                id: id.into(),
                name: project.name.as_str().into(),
                description: String::new(),
                enabled: true,
                domain,
                is_rackspace: false,
                has_cdn: false,
            });
        }
        Ok(())
    }

    /// A user of `TempAuth`, with the groups that `_get_user_groups` in `tempauth.py` gives them. In Keystone's words the
    /// account is a project of the same id and name.
    fn add_tempauth(&mut self, user: &config::TempAuthUser) -> Result<(), Problem> {
        check_name(&user.account, "account")?;
        check_name(&user.user, "user")?;
        if user.account.contains(':') {
            return Err(Problem::new("account", "a colon ends the account's name"));
        }
        let project = self.tempauth_project(&user.account, false);
        let has = |group: &str| user.groups.iter().any(|known| known == group);
        let mut roles = Vec::new();
        let here = || Place::Project(Arc::clone(&project.id));
        if has(".admin") {
            roles.push((here(), "swiftoperator"));
        }
        if has(".reseller_admin") {
            roles.push((here(), "ResellerAdmin"));
        }
        if has(".reseller_reader") {
            roles.push((here(), "system_reader"));
        }
        let named = user.groups.iter().filter(|group| !group.starts_with('.'));
        roles.extend(named.map(|group| (here(), group.as_str())));
        if roles.is_empty() {
            // Keystone lets nobody into a project who has no role there. This one allows nothing in Swift.
            roles.push((here(), "_member_"));
        }
        let login: Arc<str> = format!("{}:{}", user.account, user.user).into();
        let mut groups = vec![user.account.clone(), login.to_string()];
        groups.extend(
            user.groups
                .iter()
                .filter(|group| *group != ".admin")
                .cloned(),
        );
        if has(".admin") {
            groups.push(project.account.to_string());
            groups.push(format!("{SERVICE_PREFIX}{}", user.account));
        }
        let person = Person {
            id: stable_id(&["tempauth", &login]).into(),
            name: user.user.as_str().into(),
            domain: Arc::clone(&project.domain),
            kind: Kind::TempAuth { login, groups },
            enabled: true,
            extra: Map::new(),
            password: user.key.clone(),
            api_key: None,
            second_factor: None,
            home: Some(Arc::clone(&project)),
            default_region: None,
            roles: as_given(roles),
        };
        self.add_person(person)
    }

    pub(super) fn tempauth_project(&mut self, account: &str, has_cdn: bool) -> Arc<Project> {
        if let Some(known) = self.projects.get(account) {
            return Arc::clone(known);
        }
        let domain = Arc::clone(&self.domains[DEFAULT_DOMAIN]);
        self.add_project(Project {
            id: account.into(),
            name: account.into(),
            description: String::new(),
            enabled: true,
            domain,
            account: format!("{ACCOUNT_PREFIX}{account}").into(),
            is_rackspace: false,
            has_cdn,
        })
    }

    fn add_rackspace(
        &mut self,
        user: &config::RackspaceUser,
        config: &Config,
    ) -> Result<(), Problem> {
        check_name(&user.name, "name")?;
        check_name(&user.tenant, "tenant")?;
        check_name(&user.account, "account")?;
        if !user.account.starts_with(RACKSPACE_PREFIX) {
            return Err(Problem::new("account", "it must begin with MossoCloudFS_"));
        }
        if let Some(region) = &user.default_region
            && !config.regions.iter().any(|known| known.name == *region)
        {
            let message = format!("there is no region {region:?}");
            return Err(Problem::new("default_region", message));
        }
        check_second_factor(user.second_factor.as_ref())?;
        let project = match self.projects.get(user.tenant.as_str()) {
            Some(known) if *known.account == *user.account => Arc::clone(known),
            Some(_) => {
                let message = "this tenant has another account already";
                return Err(Problem::new("tenant", message));
            }
            None => {
                let domain = Arc::clone(&self.domains[RACKSPACE_DOMAIN]);
                self.add_project(Project {
                    id: user.tenant.as_str().into(),
                    name: user.tenant.as_str().into(),
                    description: String::new(),
                    enabled: true,
                    domain,
                    account: user.account.as_str().into(),
                    is_rackspace: true,
                    has_cdn: true,
                })
            }
        };
        let role = match user.role {
            RackspaceRole::Default | RackspaceRole::Admin => "swiftoperator",
            RackspaceRole::Observer => "reader",
        };
        let person = Person {
            id: stable_id(&["rackspace", &user.name]).into(),
            name: user.name.as_str().into(),
            domain: Arc::clone(&project.domain),
            kind: Kind::Rackspace(user.role),
            enabled: true,
            extra: Map::new(),
            password: user.password.clone(),
            api_key: Some(user.api_key.clone()),
            second_factor: user.second_factor.clone(),
            default_region: user.default_region.as_deref().map(Into::into),
            roles: vec![(Place::Project(Arc::clone(&project.id)), role.into())],
            home: Some(project),
        };
        self.add_person(person)
    }

    fn add_keystone_user(&mut self, user: &config::KeystoneUser) -> Result<(), Problem> {
        check_name(&user.name, "name")?;
        check_second_factor(user.second_factor.as_ref())?;
        let domain = self.domain_named(&user.domain)?;
        let mut roles = Vec::new();
        for (index, assignment) in user.roles.iter().enumerate() {
            let place = self
                .place(assignment)
                .map_err(|problem| problem.within(&format!("roles[{index}]")))?;
            roles.extend(
                assignment
                    .roles
                    .iter()
                    .map(|role| (place.clone(), role.as_str())),
            );
        }
        let home = match &user.default_project {
            Some(named) => Some(self.project_named(named, "default_project")?),
            None => None,
        };
        let id = user
            .id
            .clone()
            .unwrap_or_else(|| stable_id(&["user", &domain.id, &user.name]));
        let same_name = |known: &Arc<Person>| {
            matches!(known.kind, Kind::Keystone) && known.domain.id == domain.id
        };
        if self.named(&user.name).iter().any(same_name) {
            return Err(Problem::new("name", "there is such a user already"));
        }
        self.add_person(Person {
            id: id.into(),
            name: user.name.as_str().into(),
            domain,
            kind: Kind::Keystone,
            enabled: true,
            extra: Map::new(),
            password: user.password.clone(),
            api_key: None,
            second_factor: user.second_factor.clone(),
            home,
            default_region: None,
            roles: as_given(roles),
        })
    }

    fn place(&self, assignment: &config::Assignment) -> Result<Place, Problem> {
        match (&assignment.project, &assignment.domain, assignment.system) {
            (Some(project), None, false) => {
                let project = self.project_named(project, "project")?;
                Ok(Place::Project(Arc::clone(&project.id)))
            }
            (None, Some(domain), false) => {
                Ok(Place::Domain(Arc::clone(&self.domain_named(domain)?.id)))
            }
            (None, None, true) => Ok(Place::System),
            _ => Err(Problem::new(
                "",
                "name one place: a project, a domain, or system = true",
            )),
        }
    }

    fn add_configured_credential(
        &mut self,
        credential: &config::ApplicationCredential,
    ) -> Result<(), Problem> {
        check_name(&credential.name, "name")?;
        let person = match self.named(&credential.user) {
            [person] => Arc::clone(person),
            // The users that ship with it may have been replaced by others.
            [] if credential.id.as_deref() == Some(crate::defaults::APPLICATION_CREDENTIAL_ID) => {
                return Ok(());
            }
            [] => {
                let message = format!("there is no user {:?}", credential.user);
                return Err(Problem::new("user", message));
            }
            _ => {
                let message = format!("several users are called {:?}; use the id", credential.user);
                return Err(Problem::new("user", message));
            }
        };
        let project = match &credential.project {
            Some(named) => self.project_named(named, "project")?,
            None => person
                .home
                .clone()
                .ok_or_else(|| Problem::new("project", "the user has no default project"))?,
        };
        let held = person.roles_on(&Place::Project(Arc::clone(&project.id)));
        let roles = match &credential.roles {
            None => held,
            Some(named) => {
                if let Some(missing) = named
                    .iter()
                    .find(|role| !held.iter().any(|held| **held == ***role))
                {
                    let message = format!("the user has no role {missing:?} in the project");
                    return Err(Problem::new("roles", message));
                }
                named.iter().map(|role| role.as_str().into()).collect()
            }
        };
        let id = credential
            .id
            .clone()
            .unwrap_or_else(|| stable_id(&["credential", &person.id, &credential.name]));
        let made = ApplicationCredential {
            id: id.into(),
            name: credential.name.as_str().into(),
            description: None,
            person: Arc::clone(&person.id),
            project,
            secret: credential.secret.clone(),
            roles,
            unrestricted: credential.unrestricted,
            expires: None,
        };
        if self.add_credential(made) {
            Ok(())
        } else {
            let message = "the user has a credential of this name or id already";
            Err(Problem::new("name", message))
        }
    }

    fn domain_named(&self, named: &str) -> Result<Arc<Domain>, Problem> {
        self.domain(named).ok_or_else(|| {
            let message = format!("there is no domain {named:?}");
            Problem::new("domain", message)
        })
    }

    fn project_named(&self, named: &str, key: &'static str) -> Result<Arc<Project>, Problem> {
        if let Some(found) = self.projects.get(named) {
            return Ok(Arc::clone(found));
        }
        let mut found = self.projects.values().filter(|project| project.is(named));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(Arc::clone(only)),
            (None, _) => Err(Problem::new(key, format!("there is no project {named:?}"))),
            _ => {
                let message = format!("several projects are called {named:?}; use the id");
                Err(Problem::new(key, message))
            }
        }
    }
}

fn as_given(roles: Vec<(Place, &str)>) -> Vec<(Place, Arc<str>)> {
    let roles = roles.into_iter();
    roles.map(|(place, role)| (place, role.into())).collect()
}

fn check_name(name: &str, key: &'static str) -> Result<(), Problem> {
    if name.is_empty() || name.contains(|letter: char| letter == '/' || letter.is_control()) {
        return Err(Problem::new(
            key,
            "it must not be empty, nor have a slash in it",
        ));
    }
    Ok(())
}

fn check_second_factor(factor: Option<&SecondFactor>) -> Result<(), Problem> {
    factor.map_or(Ok(()), SecondFactor::check)
}
