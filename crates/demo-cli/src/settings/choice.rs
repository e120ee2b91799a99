//! Which cloud is meant, and what is said of it where.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use identity::Secret;

use super::clouds_yaml::{self, CloudsYaml};
use super::keys::Layer;
use super::pyrax::{self, Pyrax};
use super::{
    CloudArgs, Environment, FROM_ARGUMENTS, FROM_ENVIRONMENT, LOCAL, LOCAL_AUTH_URL, OFFLINE,
    Origin,
};

/// A cloud that could be named.
pub(crate) struct Known {
    pub(crate) name: String,
    /// Where it is described.
    pub(crate) place: String,
}

/// All clouds that could be named.
pub(crate) fn known(environment: &Environment) -> anyhow::Result<Vec<Known>> {
    let yaml = CloudsYaml::load(environment)?;
    let pyrax = Pyrax::load(environment)?;
    let mut known = Vec::new();
    let mut add = |name: &str, place: String| {
        known.push(Known {
            name: name.to_owned(),
            place,
        });
    };
    if environment.describes_a_cloud() {
        add(FROM_ENVIRONMENT[0], "variables".to_owned());
    }
    let path = yaml.path().map(|path| path.display().to_string());
    for name in yaml.names() {
        add(name, path.clone().unwrap_or_default());
    }
    if let Some(pyrax) = &pyrax {
        for name in pyrax.names() {
            add(name, pyrax.path.display().to_string());
        }
    }
    add(LOCAL, format!("built in: an emulator at {LOCAL_AUTH_URL}"));
    add(
        OFFLINE,
        "built in: an emulator inside `cloudfiles demo`".to_owned(),
    );
    Ok(known)
}

/// Where settings are looked for, in this order.
pub(crate) fn searched(environment: &Environment) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let variables = [
        "OS_CLIENT_CONFIG_FILE",
        "OS_CLIENT_SECURE_FILE",
        "OS_CLIENT_VENDOR_FILE",
    ];
    for (stem, variable) in ["clouds", "secure", "clouds-public"]
        .into_iter()
        .zip(variables)
    {
        match environment.text(variable) {
            Some(path) => files.push(environment.expanded(path)),
            None => files.extend(clouds_yaml::candidates(stem, environment)),
        }
    }
    files.extend(pyrax::path(environment));
    files
}

/// The cloud that is meant when none is named.
pub(super) fn chosen(
    flags: &Layer,
    environment: &Environment,
    yaml: &CloudsYaml,
    pyrax: Option<&Pyrax>,
) -> anyhow::Result<String> {
    if environment.describes_a_cloud() {
        return Ok(FROM_ENVIRONMENT[0].to_owned());
    }
    let names = yaml.names();
    match names.as_slice() {
        [only] => return Ok((*only).to_owned()),
        [] => {}
        several => bail!(
            "no cloud is named: pass --cloud NAME or set OS_CLOUD; {} has: {}",
            yaml.path().unwrap_or(Path::new("clouds.yaml")).display(),
            several.join(", ")
        ),
    }
    if flags.has("object_store_endpoint_override") {
        return Ok(FROM_ARGUMENTS.to_owned());
    }
    if let Some(name) = pyrax.and_then(Pyrax::default) {
        return Ok(name.to_owned());
    }
    bail!(
        "no cloud is named and none is described: pass --cloud NAME, set OS_CLOUD, the variables OS_AUTH_URL, \
         OS_USERNAME and OS_PASSWORD or ST_AUTH, ST_USER and ST_KEY, or write a clouds.yaml (built in is local, an \
         emulator at {LOCAL_AUTH_URL})"
    )
}

/// What files, what is built in, and single variables say of the cloud of this name.
pub(super) fn described(
    name: &str,
    flags: &Layer,
    environment: &Environment,
    yaml: &CloudsYaml,
    pyrax: Option<&Pyrax>,
    notices: &mut Vec<String>,
) -> anyhow::Result<Layer> {
    let (variables, set_aside) = environment.over_another();
    let said = |layer: &Layer| {
        let setting = layer.get("region_name")?;
        Some(setting.value.expose().to_owned())
    };
    let region = said(flags).or_else(|| said(&variables));
    let mut layer = if name == LOCAL {
        local()
    } else {
        Layer::default()
    };
    let in_pyrax = match pyrax {
        Some(pyrax) => pyrax.layer(name, environment)?,
        None => None,
    };
    let in_yaml = yaml.describe(name, region.as_deref())?;
    let in_a_file = in_pyrax.is_some() || in_yaml.is_some();
    let is_pyrax = in_pyrax.is_some();
    if let Some((below, told)) = in_pyrax {
        layer.overlay(below);
        notices.extend(told);
    }
    if let Some(described) = in_yaml {
        layer.overlay(described.layer);
        notices.extend(described.notices);
    }
    if !in_a_file {
        if layer.is_empty() {
            return Err(unknown(name, environment, yaml, pyrax));
        }
        // What is built in is what it is, whatever openrc file was read last.
        return Ok(layer);
    }
    if let Some(variable) = set_aside {
        notices.push(format!(
            "the variables {variable} and so on describe another cloud and are not used for {name}; `--cloud env` means \
             that one"
        ));
    }
    if is_pyrax {
        layer.overlay(environment.over_pyrax());
    }
    if let (Some(below), Some(above)) = (layer.get("auth_url"), variables.get("auth_url"))
        && below.value.expose() != above.value.expose()
    {
        notices.push(format!(
            "{} takes the place of the auth_url of {name} in {}",
            above.origin, below.origin
        ));
    }
    layer.overlay(variables);
    Ok(layer)
}

fn unknown(
    name: &str,
    environment: &Environment,
    yaml: &CloudsYaml,
    pyrax: Option<&Pyrax>,
) -> anyhow::Error {
    if name == OFFLINE {
        return anyhow!("the cloud {OFFLINE} exists only inside `cloudfiles demo`");
    }
    let in_yaml = if let Some(path) = yaml.path() {
        format!("in {}, only: {}", path.display(), list(&yaml.names()))
    } else {
        let places = clouds_yaml::candidates("clouds", environment);
        let folders = places.iter().filter_map(|path| path.parent());
        let mut folders: Vec<String> = folders
            .map(|folder| folder.display().to_string())
            .map(|folder| {
                if folder.is_empty() {
                    "the current folder".to_owned()
                } else {
                    folder
                }
            })
            .collect();
        folders.dedup();
        format!("as there is no clouds.yaml in {}", folders.join(" or "))
    };
    let in_pyrax = pyrax
        .map(|pyrax| {
            let names: Vec<&str> = pyrax.names().collect();
            format!("; {} has: {}", pyrax.path.display(), list(&names))
        })
        .unwrap_or_default();
    anyhow!("there is no cloud {name} {in_yaml}{in_pyrax} (built in are offline, local and env)")
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// The built-in cloud `local`.
fn local() -> Layer {
    let mut layer = Layer::default();
    for (name, value) in [
        ("auth_type", "v1password"),
        ("auth_url", LOCAL_AUTH_URL),
        ("username", "test:tester"),
        ("password", "testing"),
    ] {
        layer.set(name, value, Origin::BuiltIn);
    }
    layer
}

/// What the command line says.
pub(super) fn flags(args: &CloudArgs) -> Layer {
    let mut layer = Layer::default();
    let mut set = |name: &str, value: Option<Secret>, flag| {
        if let Some(value) = value {
            layer.set(name, value, Origin::Flag(flag));
        }
    };
    let text = |value: &Option<String>| value.as_deref().map(Secret::from);
    set("region_name", text(&args.region), "--region");
    let interface = args.interface.map(|interface| interface.to_string());
    set("interface", text(&interface), "--interface");
    set(
        "object_store_endpoint_override",
        text(&args.storage_url),
        "--storage-url",
    );
    set("token", args.token.clone(), "--token");
    set("passcode", args.passcode.clone(), "--passcode");
    let cacert = args.cacert.as_ref().map(|path| path.display().to_string());
    set("cacert", text(&cacert), "--cacert");
    set(
        "verify",
        args.insecure.then(|| "false".into()),
        "--insecure",
    );
    let timeout = args.timeout.map(|timeout| timeout.as_secs().to_string());
    set("api_timeout", text(&timeout), "--timeout");
    layer
}
