//! Who there is: domains, projects, people, and the roles they have. No tokens; see `tokens.rs`.
//!
//! `TempAuth`, Rackspace and Keystone each have people of their own; all of them may come by any door, and what a token
//! opens is told by `access.rs`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::{ACCOUNT_PREFIX, SERVICE_PREFIX};
use crate::config::{self, Config, Problem, RackspaceRole, SecondFactor, Secret};

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
    pub(super) expires: Option<std::time::SystemTime>,
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

    /// Whether this is one of the passcodes of the second factor.
    pub(super) fn shows_passcode(&self, passcode: &str) -> bool {
        let factor = self.second_factor.as_ref();
        factor.is_some_and(|factor| factor.passcodes.iter().any(|known| known.is(passcode)))
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
    /// Everybody in a configuration.
    pub(super) fn new(config: &Config) -> Result<Self, Problem> {
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

    fn add_domain(&mut self, id: Arc<str>, name: Arc<str>) {
        self.put_domain(Domain {
            id,
            name,
            description: String::new(),
            enabled: true,
        });
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

    /// Puts a domain in, or in the place of the one with its id. Projects and people see the new one.
    pub(super) fn put_domain(&mut self, domain: Domain) {
        let domain = Arc::new(domain);
        let mine = |of: &Arc<Domain>| of.id == domain.id;
        let projects = self.projects.values().filter(|of| mine(&of.domain));
        let projects: Vec<_> = projects.cloned().collect();
        for project in projects {
            let domain = Arc::clone(&domain);
            self.put_project(Project {
                domain,
                ..(*project).clone()
            });
        }
        let people = self.people.values().filter(|of| mine(&of.domain));
        let people: Vec<_> = people.cloned().collect();
        for person in people {
            let domain = Arc::clone(&domain);
            self.put_person(Person {
                domain,
                ..(*person).clone()
            });
        }
        self.domains.insert(Arc::clone(&domain.id), domain);
    }

    /// Puts a project in, or in the place of the one with its id. Those whose home it is see the new one.
    pub(super) fn put_project(&mut self, project: Project) {
        let project = self.add_project(project);
        let at_home = |of: &&Arc<Person>| {
            let home = of.home.as_ref();
            home.is_some_and(|home| home.id == project.id)
        };
        let people: Vec<_> = self.people.values().filter(at_home).cloned().collect();
        for person in people {
            let home = Some(Arc::clone(&project));
            self.put_person(Person {
                home,
                ..(*person).clone()
            });
        }
    }

    /// Puts a person in, or in the place of the one with their id.
    pub(super) fn put_person(&mut self, person: Person) {
        self.take_person(&person.id);
        let person = Arc::new(person);
        for name in names_of(&person) {
            let known = self.names.entry(name).or_default();
            known.push(Arc::clone(&person));
        }
        self.people.insert(Arc::clone(&person.id), person);
    }

    /// Takes a person out, with the credentials that are theirs.
    pub(super) fn remove_person(&mut self, id: &str) {
        self.take_person(id);
        self.credentials
            .retain(|_, credential| *credential.person != *id);
    }

    fn take_person(&mut self, id: &str) {
        let Some(person) = self.people.remove(id) else {
            return;
        };
        for name in names_of(&person) {
            if let Some(same) = self.names.get_mut(&name) {
                same.retain(|other| other.id != person.id);
                if same.is_empty() {
                    self.names.remove(&name);
                }
            }
        }
    }

    /// Takes a project out, with everybody's roles there and the credentials for it. What is stored stays.
    pub(super) fn take_project(&mut self, id: &str) {
        self.projects.remove(id);
        self.credentials
            .retain(|_, credential| *credential.project.id != *id);
        self.change_people(|person| {
            let here = |place: &Place| matches!(place, Place::Project(at) if **at == *id);
            person.roles.retain(|(place, _)| !here(place));
            if person.home.as_ref().is_some_and(|home| *home.id == *id) {
                person.home = None;
            }
        });
    }

    /// Changes roles and homes of people, each as the caller says.
    pub(super) fn change_people(&mut self, change: impl Fn(&mut Person)) {
        let people: Vec<_> = self.people.values().cloned().collect();
        for person in people {
            let mut changed = (*person).clone();
            change(&mut changed);
            let home = |of: &Person| of.home.as_ref().map(|home| Arc::clone(&home.id));
            if changed.roles != person.roles || home(&changed) != home(&person) {
                self.put_person(changed);
            }
        }
    }

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

    fn add_project(&mut self, project: Project) -> Arc<Project> {
        let project = Arc::new(project);
        self.projects
            .insert(Arc::clone(&project.id), Arc::clone(&project));
        project
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

    fn tempauth_project(&mut self, account: &str, has_cdn: bool) -> Arc<Project> {
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
        if !user.account.starts_with(super::RACKSPACE_PREFIX) {
            return Err(Problem::new("account", "it must begin with MossoCloudFS_"));
        }
        if let Some(region) = &user.default_region
            && !config.regions.iter().any(|known| known.name == *region)
        {
            let message = format!("there is no region {region:?}");
            return Err(Problem::new("default_region", message));
        }
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
            second_factor: None,
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

    /// False if the person has one of this name, or anybody one of this id.
    pub(super) fn add_credential(&mut self, credential: ApplicationCredential) -> bool {
        let same = |known: &&Arc<ApplicationCredential>| {
            known.person == credential.person && known.name == credential.name
        };
        if self.credentials.contains_key(&credential.id)
            || self.credentials.values().any(|known| same(&known))
        {
            return false;
        }
        self.credentials
            .insert(Arc::clone(&credential.id), Arc::new(credential));
        true
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

    fn add_person(&mut self, person: Person) -> Result<(), Problem> {
        if self.people.contains_key(&person.id) {
            return Err(Problem::new("", "there is such a user already"));
        }
        self.put_person(person);
        Ok(())
    }

    /// A user made at run time, who owns the account `AUTH_{project}`, may come by every door with one key, and has a
    /// CDN. False if the project is there already.
    pub(super) fn add_owner(&mut self, project: &str, user: &str, key: &Secret) -> bool {
        if self.projects.contains_key(project) {
            return false;
        }
        let project = self.tempauth_project(project, true);
        let login: Arc<str> = format!("{}:{user}", project.name).into();
        let groups = vec![
            project.name.to_string(),
            login.to_string(),
            project.account.to_string(),
            format!("{SERVICE_PREFIX}{}", project.name),
        ];
        let here = Place::Project(Arc::clone(&project.id));
        let person = Person {
            id: stable_id(&["tempauth", &login]).into(),
            name: user.into(),
            domain: Arc::clone(&project.domain),
            kind: Kind::TempAuth { login, groups },
            enabled: true,
            extra: Map::new(),
            password: key.clone(),
            api_key: Some(key.clone()),
            second_factor: None,
            default_region: None,
            roles: vec![(here, "swiftoperator".into())],
            home: Some(project),
        };
        self.add_person(person).is_ok()
    }

    /// Takes away a project and everybody whose home it is. Returns who they were.
    pub(super) fn remove_project(&mut self, project: &Project) -> Vec<Arc<Person>> {
        self.projects.remove(&project.id);
        let at_home = |person: &Arc<Person>| {
            let home = person.home.as_ref();
            home.is_some_and(|home| home.id == project.id)
        };
        let gone: Vec<_> = self
            .people
            .values()
            .filter(|person| at_home(person))
            .cloned()
            .collect();
        for person in &gone {
            self.take_person(&person.id);
        }
        self.credentials
            .retain(|_, credential| credential.project.id != project.id);
        gone
    }

    /// Everybody who goes by this name, id or login.
    pub(super) fn named(&self, name: &str) -> &[Arc<Person>] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    fn domain_named(&self, named: &str) -> Result<Arc<Domain>, Problem> {
        self.domain(named).ok_or_else(|| {
            let message = format!("there is no domain {named:?}");
            Problem::new("domain", message)
        })
    }

    /// By id or name.
    pub(super) fn domain(&self, named: &str) -> Option<Arc<Domain>> {
        let by_name = || self.domains.values().find(|domain| domain.is(named));
        self.domains.get(named).or_else(by_name).cloned()
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

fn names_of(person: &Person) -> Vec<Arc<str>> {
    let mut names = vec![
        Arc::clone(&person.id),
        Arc::clone(&person.name),
        Arc::clone(person.login()),
    ];
    names.sort();
    names.dedup();
    names
}

fn as_given(roles: Vec<(Place, &str)>) -> Vec<(Place, Arc<str>)> {
    let roles = roles.into_iter();
    roles.map(|(place, role)| (place, role.into())).collect()
}

/// Each implies those behind it, as Keystone's bootstrap makes them.
const IMPLIED: [&str; 4] = ["admin", "manager", "member", "reader"];

fn check_name(name: &str, key: &'static str) -> Result<(), Problem> {
    if name.is_empty() || name.contains(|letter: char| letter == '/' || letter.is_control()) {
        return Err(Problem::new(
            key,
            "it must not be empty, nor have a slash in it",
        ));
    }
    Ok(())
}

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
