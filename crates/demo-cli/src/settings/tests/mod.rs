//! Settings, from files and variables that each test has for itself.

mod clouds_yaml;
mod places;
mod precedence;
mod pyrax;
mod variables;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use identity::{Interface, Secret};

use super::keyring::{Attributes, Keyring};
use super::*;

/// Names and values.
type Texts = [(&'static str, &'static str)];

/// A home folder with files in it, variables, and a keyring.
struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
    keyring: Arc<FakeKeyring>,
}

#[derive(Default)]
struct FakeKeyring(Mutex<BTreeMap<Vec<(String, String)>, String>>);

fn owned(attributes: &Attributes<'_>) -> Vec<(String, String)> {
    let mut owned: Vec<_> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    owned.sort();
    owned
}

impl Keyring for FakeKeyring {
    fn find(&self, attributes: &Attributes<'_>) -> anyhow::Result<Option<Secret>> {
        let entries = self.0.lock().unwrap();
        let found = entries.get(&owned(attributes));
        Ok(found.map(|text| Secret::from(text.as_str())))
    }

    fn store(&self, _: &str, attributes: &Attributes<'_>, secret: &Secret) -> anyhow::Result<()> {
        let mut entries = self.0.lock().unwrap();
        entries.insert(owned(attributes), secret.expose().to_owned());
        Ok(())
    }

    fn remove(&self, attributes: &Attributes<'_>) -> anyhow::Result<usize> {
        let removed = self.0.lock().unwrap().remove(&owned(attributes));
        Ok(usize::from(removed.is_some()))
    }
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            keyring: Arc::default(),
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn clouds(self, text: &str) -> Self {
        self.file(".config/openstack/clouds.yaml", text)
    }

    fn pyrax(self, text: &str) -> Self {
        self.file(".pyrax.cfg", text)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn environment(&self) -> Environment {
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut environment = Environment::new(variables, self.folder.path().to_str());
        environment.keyring = self.keyring.clone();
        environment
    }

    fn settings(&self, args: &CloudArgs) -> anyhow::Result<Settings> {
        let mut settings = Settings::select(args, &self.environment())?;
        settings.resolve()?;
        Ok(settings)
    }

    fn cloud(&self, name: &str) -> anyhow::Result<Cloud> {
        Cloud::named(name, &self.environment())
    }

    fn fails(&self, name: &str) -> String {
        format!("{:#}", self.cloud(name).unwrap_err())
    }
}

fn named(name: &str) -> CloudArgs {
    CloudArgs {
        cloud: Some(name.to_owned()),
        ..CloudArgs::default()
    }
}

/// Where a setting came from, and what it is; `-` if it is nowhere.
fn told(settings: &Settings, name: &str) -> String {
    match settings.layer.get(name) {
        None => "-".to_owned(),
        Some(setting) => format!("{} from {}", setting.value.expose(), setting.origin.kind()),
    }
}

const YAML: &str = "
clouds:
  both:
    auth: {auth_url: 'http://yaml/v3', username: yaml-user, password: yaml-pw, project_name: yaml-project}
    region_name: YAML
    interface: internal
";
const SECURE: &str = "clouds: {both: {auth: {password: secure-pw}}}";
const PYRAX: &str = "[both]\nidentity_type = rackspace\nregion = PYRAX\nkeyring_username = pyrax-user\nuse_servicenet = True\n";
