//! Every change of the directory. Each leaves it whole: whoever sees a part of it sees the new one.

use std::sync::Arc;

use serde_json::Map;

use super::super::SERVICE_PREFIX;
use super::{ApplicationCredential, Directory, Domain, Kind, Person, Place, Project, stable_id};
use crate::config::{Problem, Secret};

impl Directory {
    pub(super) fn add_domain(&mut self, id: Arc<str>, name: Arc<str>) {
        self.put_domain(Domain {
            id,
            name,
            description: String::new(),
            enabled: true,
        });
    }

    /// Puts a domain in, or in the place of the one with its id. Projects and people see the new one.
    pub(in super::super) fn put_domain(&mut self, domain: Domain) {
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
    pub(in super::super) fn put_project(&mut self, project: Project) {
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
    pub(in super::super) fn put_person(&mut self, person: Person) {
        self.take_person(&person.id);
        let person = Arc::new(person);
        for name in names_of(&person) {
            let known = self.names.entry(name).or_default();
            known.push(Arc::clone(&person));
        }
        self.people.insert(Arc::clone(&person.id), person);
    }

    /// Takes a person out, with the credentials that are theirs.
    pub(in super::super) fn remove_person(&mut self, id: &str) {
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
    pub(in super::super) fn take_project(&mut self, id: &str) {
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
    pub(in super::super) fn change_people(&mut self, change: impl Fn(&mut Person)) {
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

    pub(super) fn add_project(&mut self, project: Project) -> Arc<Project> {
        let project = Arc::new(project);
        self.projects
            .insert(Arc::clone(&project.id), Arc::clone(&project));
        project
    }

    pub(super) fn add_person(&mut self, person: Person) -> Result<(), Problem> {
        if self.people.contains_key(&person.id) {
            return Err(Problem::new("", "there is such a user already"));
        }
        self.put_person(person);
        Ok(())
    }

    /// False if the person has one of this name, or anybody one of this id.
    pub(in super::super) fn add_credential(&mut self, credential: ApplicationCredential) -> bool {
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

    /// A user made at run time, who owns the account `AUTH_{project}`, may come by every door with one key, and has a
    /// CDN. False if the project is there already.
    pub(in super::super) fn add_owner(&mut self, project: &str, user: &str, key: &Secret) -> bool {
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
    pub(in super::super) fn remove_project(&mut self, project: &Project) -> Vec<Arc<Person>> {
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
