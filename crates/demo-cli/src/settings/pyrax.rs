//! `~/.pyrax.cfg`: pyrax's named environments, one section each. `[settings]` is the environment `default`.
//!
//! ```ini
//! [scale12x]
//! identity_type = rackspace
//! keyring_username = demo
//! region = DFW
//! ```
//!
//! Names, defaults and rules are those of `pyrax/__init__.py`; there the file went before the variables, here it comes
//! after them, as everywhere in this program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use configparser::ini::{Ini, IniDefault};

use super::Environment;
use super::keys::{Layer, Origin, is_false};

/// The file, read.
pub(super) struct Pyrax {
    pub(super) path: PathBuf,
    /// Names and their lines, in the order of the file.
    environments: Vec<(String, Vec<(String, String)>)>,
}

/// Names in the file and ours. Names from which nothing follows here, such as `encoding`, are not listed.
const NAMES: &[(&str, &str)] = &[
    ("auth_endpoint", "auth_url"),
    ("keyring_username", "keyring_username"),
    ("region", "region_name"),
    ("tenant_id", "project_id"),
    ("tenant_name", "project_name"),
    ("custom_user_agent", "user_agent"),
];

/// What pyrax did not take from this file.
const IGNORED: [&str; 3] = ["username", "password", "api_key"];

/// Where the file is looked for.
pub(super) fn path(environment: &Environment) -> Option<PathBuf> {
    Some(environment.home.as_ref()?.join(".pyrax.cfg"))
}

impl Pyrax {
    /// The file in the home folder, if there is one.
    pub(super) fn load(environment: &Environment) -> anyhow::Result<Option<Self>> {
        let Some(path) = path(environment) else {
            return Ok(None);
        };
        let Some(sections) = read(&path)? else {
            return Ok(None);
        };
        let environments = sections.into_iter().map(|(name, lines)| {
            let name = if name == "settings" {
                "default".to_owned()
            } else {
                name
            };
            (name, lines)
        });
        Ok(Some(Self {
            path,
            environments: environments.collect(),
        }))
    }

    /// The names of the environments, in the order of the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.environments.iter().map(|(name, _)| name.as_str())
    }

    /// The environment that is meant when none is named: `default`, else the first.
    pub(super) fn default(&self) -> Option<&str> {
        self.names()
            .find(|name| *name == "default")
            .or_else(|| self.names().next())
    }

    /// What an environment says, and what of it is left out.
    pub(super) fn layer(
        &self,
        name: &str,
        environment: &Environment,
    ) -> anyhow::Result<Option<(Layer, Vec<String>)>> {
        let Some((_, lines)) = self.environments.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        let origin = || Origin::File {
            path: self.path.clone(),
            line: None,
            section: Some(name.to_owned()),
        };
        let mut layer = Layer::default();
        let mut notices = Vec::new();
        let mut kind = "rackspace";
        for (key, value) in lines {
            if let Some((_, ours)) = NAMES.iter().find(|(theirs, _)| theirs == key) {
                layer.set(ours, value.as_str(), origin());
            } else if IGNORED.contains(&key.as_str()) {
                notices.push(format!(
                    "{} [{name}]: {key} is not taken from this file, nor was it by pyrax; `cloudfiles login --cloud \
                     {name}` keeps it in the keyring",
                    self.path.display()
                ));
            }
            match key.as_str() {
                "identity_type" => kind = value,
                // Only the literal is true, as in pyrax; there nothing else was false either.
                "use_servicenet" if value == "True" => layer.set("interface", "internal", origin()),
                "verify_ssl" if is_false(value) => layer.set("verify", "false", origin()),
                _ => {}
            }
        }
        match kind {
            "rackspace" => {
                layer.overlay(credentials_file(
                    environment,
                    layer.has("keyring_username"),
                )?);
                layer.set("auth_type", "rackspace", origin());
            }
            "keystone" if !layer.has("auth_url") => {
                bail!("{}: keystone needs an auth_endpoint", origin())
            }
            "keystone" => layer.set_default("identity_api_version", "2.0", origin()),
            other => bail!(
                "{}: identity_type is {other:?}; known are rackspace and keystone",
                origin()
            ),
        }
        if let Some(user) = layer.get("keyring_username").cloned() {
            layer.set_default("username", user.value.expose(), user.origin);
        }
        Ok(Some((layer, notices)))
    }
}

/// What pyrax's and Ansible's file for user and key holds, where the keyring is not named:
/// `[rackspace_cloud]` with `username` and `api_key` or `password`.
fn credentials_file(environment: &Environment, keyring: bool) -> anyhow::Result<Layer> {
    let mut layer = Layer::default();
    let said = environment.text("RAX_CREDS_FILE");
    let path = said.unwrap_or("~/.rackspace_cloud_credentials");
    let path = environment.expanded(path);
    if keyring {
        return Ok(layer);
    }
    for (name, lines) in read(&path)?.unwrap_or_default() {
        if name != "rackspace_cloud" {
            continue;
        }
        for (key, value) in lines {
            if IGNORED.contains(&key.as_str()) {
                let origin = Origin::File {
                    path: path.clone(),
                    line: None,
                    section: Some(name.clone()),
                };
                layer.set(&key, value, origin);
            }
        }
    }
    Ok(layer)
}

type Sections = Vec<(String, Vec<(String, String)>)>;

/// Reads an INI file as Python's `ConfigParser` would: names in lower case, values as they stand.
fn read(path: &Path) -> anyhow::Result<Option<Sections>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let mut rules = IniDefault::default();
    // Python knows no comment behind a value: a `#` there belongs to it.
    rules.inline_comment_symbols = Some(Vec::new());
    rules.case_sensitive = true;
    let mut ini = Ini::new_from_defaults(rules);
    let sections = ini
        .read(text)
        .map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
    let sections = sections.into_iter().map(|(name, entries)| {
        let entries = entries.into_iter().map(|(key, value)| match value {
            Some(value) => Ok((key.to_lowercase(), value)),
            // What stands there may be secret.
            None => Err(anyhow!("{} [{name}]: a line has no \"=\"", path.display())),
        });
        let entries = entries.collect::<anyhow::Result<_>>()?;
        Ok((name, entries))
    });
    sections.collect::<anyhow::Result<_>>().map(Some)
}
