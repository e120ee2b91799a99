//! `clouds.yaml`, the file in which `OpenStack`'s tools keep clouds and credentials, and `secure.yaml`, which is laid
//! over it.
//!
//! Files are searched in this order: the one that `OS_CLIENT_CONFIG_FILE` names; then `clouds.yaml`, `clouds.yml` and
//! `clouds.json` here, in `~/.config/openstack` and in `/etc/openstack`. The first that is there counts
//! (`openstack/config/loader.py` of openstacksdk).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde_json::Value;

use super::Environment;
use super::credentials::Fields;

/// The settings of a cloud, and the file they stand in.
pub(super) fn find(name: &str, environment: &Environment) -> anyhow::Result<(PathBuf, YamlFields)> {
    let Some((path, mut clouds)) = load("OS_CLIENT_CONFIG_FILE", "clouds", environment)? else {
        bail!(
            "there is no cloud {name}: no clouds.yaml in the current folder, ~/.config/openstack or /etc/openstack \
             (built in are offline, local and env)"
        );
    };
    if let Some((_, secure)) = load("OS_CLIENT_SECURE_FILE", "secure", environment)? {
        overlay(&mut clouds, secure);
    }
    let defined = clouds.get("clouds").and_then(Value::as_object);
    let cloud = defined.and_then(|defined| defined.get(name));
    let cloud = cloud.cloned().ok_or_else(|| {
        let names: Vec<&str> = defined
            .iter()
            .flat_map(|defined| defined.keys().map(String::as_str))
            .collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        anyhow!(
            "there is no cloud {name} in {}, only: {names} (built in are offline, local and env)",
            path.display()
        )
    })?;
    if !cloud.is_object() {
        bail!("{}: clouds.{name} has no settings", path.display());
    }
    Ok((path, YamlFields(cloud)))
}

/// One cloud's settings, as they stand in the file.
pub(super) struct YamlFields(Value);

impl Fields for YamlFields {
    fn text(&self, name: &str) -> anyhow::Result<Option<String>> {
        // As openstacksdk does, settings are found both inside and beside `auth`, whatever the writer thought.
        let inside = self.0.get("auth").and_then(|auth| auth.get(name));
        let mut value = inside.or_else(|| self.0.get(name));
        if name == "region_name" && value.is_none() {
            // The first of several regions is the one meant when none is named.
            let first = self.0.get("regions").and_then(|regions| regions.get(0));
            value = first.map(|region| region.get("name").unwrap_or(region));
        }
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(_) => bail!("{name} is not a text"),
        }
    }

    fn name_of(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// The first of the files that is there. One named by a variable must be there.
fn load(
    variable: &str,
    stem: &str,
    environment: &Environment,
) -> anyhow::Result<Option<(PathBuf, Value)>> {
    if let Some(path) = environment.text(variable) {
        let path = PathBuf::from(path);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} ({variable})", path.display()))?;
        let value = parse(&path, &text)?;
        return Ok(Some((path, value)));
    }
    let config = environment
        .text("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(environment.home.as_ref()?.join(".config")));
    let folders = [
        Some(PathBuf::new()),
        config.map(|config| config.join("openstack")),
        Some(PathBuf::from("/etc/openstack")),
    ];
    for folder in folders.into_iter().flatten() {
        for ending in ["yaml", "yml", "json"] {
            let path = folder.join(format!("{stem}.{ending}"));
            match fs::read_to_string(&path) {
                Ok(text) => {
                    let value = parse(&path, &text)?;
                    return Ok(Some((path, value)));
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error).context(path.display().to_string()),
            }
        }
    }
    Ok(None)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Reads YAML, of which JSON is a part. The parser's own message is cut to its first line, as what follows quotes the
/// file, secrets and all.
fn parse(path: &Path, text: &str) -> anyhow::Result<Value> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error
            .location()
            .map(|place| format!(":{}:{}", place.line(), place.column()))
            .unwrap_or_default();
        let reason = error.without_snippet().to_string();
        let reason = reason.lines().next().unwrap_or_default();
        anyhow!("{}{place}: not valid YAML: {reason}", path.display())
    })
}

/// Lays one document over another: what it says counts.
fn overlay(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                overlay(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cloud;
    use super::*;

    fn cloud(yaml: &str, name: &str) -> anyhow::Result<Cloud> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clouds.yaml");
        fs::write(&path, yaml).unwrap();
        let path = path.to_str().unwrap();
        Cloud::named(
            name,
            &Environment::new([("OS_CLIENT_CONFIG_FILE", path)], None),
        )
    }

    #[test]
    fn reads_every_kind_of_credentials() {
        let yaml = "
clouds:
  tempauth:
    auth_type: v1password
    auth: {auth_url: 'http://h/auth/v1.0', username: 'test:tester', password: testing}
  guessed-v1:
    auth: {auth_url: 'http://h/auth/v1.0', username: 'test:tester', password: 1234}
  rackspace:
    auth_type: rackspace_apikey
    region_name: DFW
    auth: {username: me, api_key: f7e0}
  rackspace-password:
    profile: rackspace
    regions: [LON, IAD]
    auth: {username: me, password: p}
  keystone:
    identity_api_version: 3
    interface: internal
    verify: false
    auth: {auth_url: 'https://h:5000', username: me, password: p, project_name: a, user_domain_name: d}
  old-keystone:
    identity_api_version: '2.0'
    auth: {auth_url: 'https://h:5000', username: me, password: p, project_name: a}
  application:
    auth: {auth_url: 'https://h:5000', application_credential_id: i, application_credential_secret: s}
";
        let method = |name| cloud(yaml, name).unwrap().credentials.method();
        assert_eq!(method("tempauth"), "v1 user and key");
        assert_eq!(method("guessed-v1"), "v1 user and key");
        assert_eq!(method("rackspace"), "Rackspace API key");
        assert_eq!(method("rackspace-password"), "Rackspace password");
        assert_eq!(method("keystone"), "Keystone v3 password");
        assert_eq!(method("old-keystone"), "Keystone v2.0 password");
        assert_eq!(method("application"), "Keystone v3 application credential");

        let region = cloud(yaml, "rackspace-password").unwrap().region;
        assert_eq!(region.as_deref(), Some("LON"));
        let keystone = cloud(yaml, "keystone").unwrap();
        assert!(keystone.http.insecure);
        assert_eq!(keystone.interface, identity::Interface::Internal);
    }

    #[test]
    fn tells_the_file_and_the_line_of_broken_yaml_and_no_secret() {
        let error = cloud("clouds:\n  a:\n    auth: {password: hush\n  b: ]\n", "a").unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("clouds.yaml:4:"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }

    #[test]
    fn tells_which_clouds_there_are_when_one_is_not_there() {
        let error = cloud("clouds: {a: {}, b: {}}", "c").unwrap_err();
        assert!(error.to_string().contains("only: a, b"), "{error}");
    }

    #[test]
    fn tells_the_setting_that_is_missing() {
        let yaml = "clouds: {a: {auth: {auth_url: 'https://h/v3', username: me}}}";
        let error = format!("{:#}", cloud(yaml, "a").unwrap_err());
        assert!(error.ends_with("cloud a: password is not set"), "{error}");
    }

    #[test]
    fn lays_secure_yaml_over_it() {
        let mut below = serde_json::json!({"clouds": {"a": {"auth": {"username": "me"}}}});
        overlay(
            &mut below,
            serde_json::json!({"clouds": {"a": {"auth": {"password": "p"}}}}),
        );
        let both = serde_json::json!({"username": "me", "password": "p"});
        assert_eq!(below["clouds"]["a"]["auth"], both);
    }
}
