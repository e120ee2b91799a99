//! `clouds.yaml`, the file in which `OpenStack`'s tools keep clouds and credentials; `secure.yaml`, which is laid over it;
//! and `clouds-public.yaml`, which holds profiles that clouds refer to.
//!
//! Each is searched in this order: the file that a variable names (`OS_CLIENT_CONFIG_FILE`, `OS_CLIENT_SECURE_FILE`,
//! `OS_CLIENT_VENDOR_FILE`); then with the endings `yaml`, `yml` and `json` here, in `~/.config/openstack` and in
//! `/etc/openstack`. The first that is there counts (`openstack/config/loader.py` of openstacksdk).

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, anyhow, bail};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::Environment;
use super::keys::{CERTIFICATE, CERTIFICATE_KEY, KEYS, Layer, Origin, is_false};
use super::profiles;

/// The three files, as far as they are there.
pub(super) struct CloudsYaml {
    clouds: Option<File>,
    secure: Option<File>,
    public: Option<File>,
}

struct File {
    path: Rc<Path>,
    content: Node,
}

/// What a file says of a cloud, and what is to be told about it.
pub(super) struct Described {
    pub(super) layer: Layer,
    pub(super) notices: Vec<String>,
}

impl CloudsYaml {
    pub(super) fn load(environment: &Environment) -> anyhow::Result<Self> {
        Ok(Self {
            clouds: load("OS_CLIENT_CONFIG_FILE", "clouds", environment)?,
            secure: load("OS_CLIENT_SECURE_FILE", "secure", environment)?,
            public: load("OS_CLIENT_VENDOR_FILE", "clouds-public", environment)?,
        })
    }

    /// Where `clouds.yaml` was found.
    pub(super) fn path(&self) -> Option<&Path> {
        self.clouds.as_ref().map(|file| &*file.path)
    }

    /// The names of the clouds, in the order of the file.
    pub(super) fn names(&self) -> Vec<&str> {
        let Some(Node::Map(clouds)) = self.section(self.clouds.as_ref(), "clouds") else {
            return Vec::new();
        };
        clouds.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The ledger that is named for all commands.
    pub(super) fn ledger(&self, environment: &Environment) -> anyhow::Result<Option<PathBuf>> {
        let Some(file) = &self.clouds else {
            return Ok(None);
        };
        let ours = file.content.get("cloudfiles").unwrap_or(&Node::Null);
        let Some(entry) = entry(ours, "ledger") else {
            return Ok(None);
        };
        match &entry.value {
            Node::Null => Ok(None),
            Node::Text(text) if text.is_empty() => Ok(None),
            Node::Text(text) => {
                let beside = file.path.parent().unwrap_or_else(|| Path::new(""));
                Ok(Some(beside.join(environment.expanded(text))))
            }
            Node::Map(_) | Node::List(_) => {
                bail!("{}: ledger is not a text", origin(&file.path, entry))
            }
        }
    }

    /// What is said of a cloud. Of several regions with settings of their own, `region` says which one is meant.
    pub(super) fn describe(
        &self,
        name: &str,
        region: Option<&str>,
    ) -> anyhow::Result<Option<Described>> {
        let Some(file) = &self.clouds else {
            return Ok(None);
        };
        let Some(cloud) = self
            .section(Some(file), "clouds")
            .and_then(|clouds| clouds.get(name))
        else {
            return Ok(None);
        };
        let Node::Map(_) = cloud else {
            bail!(
                "{}: clouds.{name} is not a map of settings",
                file.path.display()
            );
        };
        let mut notices = Vec::new();
        let mut layer = read(cloud, &file.path, region)?;
        if let Some(secure) = &self.secure
            && let Some(cloud) = self
                .section(Some(secure), "clouds")
                .and_then(|clouds| clouds.get(name))
        {
            layer.overlay(read(cloud, &secure.path, region)?);
        }
        if let Some(profile) = layer.get("profile").cloned() {
            let profile_name = profile.value.expose();
            match self.profile(profile_name, region)? {
                Some(mut below) => {
                    below.overlay(layer);
                    layer = below;
                }
                None if profile_name.contains("://") => notices.push(format!(
                    "{}: the profile {profile_name} is not fetched; what it says, auth_url at least, belongs here or into \
                     clouds-public.yaml",
                    profile.origin
                )),
                None => notices.push(format!(
                    "{}: the profile {profile_name} is neither in clouds-public.yaml nor known here",
                    profile.origin
                )),
            }
        }
        layer.spread_domain();
        Ok(Some(Described { layer, notices }))
    }

    fn profile(&self, name: &str, region: Option<&str>) -> anyhow::Result<Option<Layer>> {
        if let Some(file) = &self.public
            && let Some(profile) = self
                .section(Some(file), "public-clouds")
                .and_then(|profiles| profiles.get(name))
        {
            return read(profile, &file.path, region).map(Some);
        }
        Ok(profiles::find(name).map(profiles::Profile::layer))
    }

    #[allow(clippy::unused_self, reason = "reads as a part of the file")]
    fn section<'a>(&self, file: Option<&'a File>, name: &str) -> Option<&'a Node> {
        file?.content.get(name)
    }
}

/// The settings in a cloud's part of a file. As openstacksdk does, they are found both inside and beside `auth`, whatever
/// the writer thought.
fn read(cloud: &Node, path: &Rc<Path>, region: Option<&str>) -> anyhow::Result<Layer> {
    let mut layer = Layer::default();
    read_map(cloud, path, &mut layer)?;
    // In old files `region_name` may be a list as well.
    let regions = match (cloud.get("regions"), cloud.get("region_name")) {
        (Some(Node::List(regions)), _) | (_, Some(Node::List(regions))) => regions.as_slice(),
        _ => &[],
    };
    let wanted = region
        .map(str::to_owned)
        .or_else(|| Some(layer.get("region_name")?.value.expose().to_owned()));
    let chosen = regions.iter().find(|entry| {
        wanted
            .as_deref()
            .is_none_or(|wanted| region_name(&entry.value) == Some(wanted))
    });
    if let Some(entry) = chosen {
        if let Some(values) = entry.value.get("values") {
            let mut own = Layer::default();
            read_map(values, path, &mut own)?;
            layer.overlay(own);
        }
        // The first of several regions is the one meant when none is named.
        if let Some(name) = region_name(&entry.value) {
            layer.set_default("region_name", name, origin(path, entry));
        }
    }
    Ok(layer)
}

fn region_name(entry: &Node) -> Option<&str> {
    match entry {
        Node::Text(name) => Some(name),
        _ => match entry.get("name")? {
            Node::Text(name) => Some(name),
            _ => None,
        },
    }
}

fn read_map(map: &Node, path: &Rc<Path>, layer: &mut Layer) -> anyhow::Result<()> {
    let auth = match entry(map, "auth") {
        None => &Node::Null,
        Some(entry) => match &entry.value {
            auth @ (Node::Map(_) | Node::Null) => auth,
            _ => bail!("{}: auth is not a map", origin(path, entry)),
        },
    };
    for key in KEYS {
        let names = || std::iter::once(&key.name).chain(key.also);
        let auth = if is_beside_auth(key.name) {
            &Node::Null
        } else {
            auth
        };
        let mut found = names().filter_map(|name| entry(auth, name).or_else(|| entry(map, name)));
        let Some(entry) = found.next() else {
            continue;
        };
        match &entry.value {
            Node::Null => {}
            Node::Text(text) => layer.set(key.name, text.as_str(), origin(path, entry)),
            Node::List(_) if key.name == "region_name" => {}
            Node::Map(_) | Node::List(_) => {
                bail!("{}: {} is not a text", origin(path, entry), key.name)
            }
        }
    }
    // The opposite of `verify`, which people write as well.
    if let Some(entry) = entry(map, "insecure")
        && let Node::Text(text) = &entry.value
        && !is_false(text)
    {
        layer.set_default("verify", "false", origin(path, entry));
    }
    Ok(())
}

/// The files with a certificate stand beside `auth` alone, where `key` means nothing else.
fn is_beside_auth(name: &str) -> bool {
    matches!(name, CERTIFICATE | CERTIFICATE_KEY)
}

/// An entry of a map; `user-domain-id` is the same as `user_domain_id`.
fn entry<'a>(map: &'a Node, name: &str) -> Option<&'a Spanned<Node>> {
    let Node::Map(entries) = map else {
        return None;
    };
    let mut found = entries
        .iter()
        .filter(|(known, _)| known == name || known.replace('-', "_") == name);
    found.next().map(|(_, value)| value)
}

fn origin(path: &Rc<Path>, entry: &Spanned<Node>) -> Origin {
    let line = entry.defined.line();
    Origin::File {
        path: path.to_path_buf(),
        line: (line > 0).then_some(line),
        section: None,
    }
}

/// The first of the files that is there. One named by a variable must be there.
fn load(variable: &str, stem: &str, environment: &Environment) -> anyhow::Result<Option<File>> {
    if let Some(path) = environment.text(variable) {
        let path = environment.expanded(path);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} ({variable})", path.display()))?;
        return parse(path, &text).map(Some);
    }
    for path in candidates(stem, environment) {
        match fs::read_to_string(&path) {
            Ok(text) => return parse(path, &text).map(Some),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error).context(path.display().to_string()),
        }
    }
    Ok(None)
}

/// Where a file is looked for, in this order.
pub(super) fn candidates(stem: &str, environment: &Environment) -> Vec<PathBuf> {
    let folders = [
        Some(PathBuf::new()),
        environment
            .folder("XDG_CONFIG_HOME", ".config")
            .map(|config| config.join("openstack")),
        Some(PathBuf::from("/etc/openstack")),
    ];
    let endings = ["yaml", "yml", "json"];
    let in_folder = |folder: PathBuf| endings.map(|ending| folder.join(format!("{stem}.{ending}")));
    folders.into_iter().flatten().flat_map(in_folder).collect()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Reads YAML, of which JSON is a part.
fn parse(path: PathBuf, text: &str) -> anyhow::Result<File> {
    let content = serde_saphyr::from_str(text).map_err(|error| {
        let place = error
            .location()
            .map(|place| format!(":{}:{}", place.line(), place.column()))
            .unwrap_or_default();
        let reason = error.without_snippet().to_string();
        anyhow!(
            "{}{place}: not valid YAML: {}",
            path.display(),
            gist(&reason)
        )
    })?;
    for section in ["clouds", "public-clouds"] {
        if let Some(entry) = entry(&content, section)
            && !matches!(entry.value, Node::Map(_) | Node::Null)
        {
            let place = origin(&Rc::from(&*path), entry);
            bail!("{place}: {section} is not a map of clouds by their names");
        }
    }
    if !matches!(content, Node::Map(_) | Node::Null) {
        bail!("{}: it is not a map with the key clouds", path.display());
    }
    Ok(File {
        path: path.into(),
        content,
    })
}

/// A parser's message without what follows the first line, which quotes the file; without the place, which we tell
/// ourselves; and without advice to programmers.
fn gist(reason: &str) -> &str {
    let line = reason.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or_default();
    line.split(", set ").next().unwrap_or_default()
}

/// A YAML document with the place of each value. Numbers and truth values are kept as texts.
enum Node {
    Null,
    Text(String),
    Map(Vec<(String, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
}

impl Node {
    fn get(&self, name: &str) -> Option<&Self> {
        entry(self, name).map(|entry| &entry.value)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // With its decimal point, as in `2.0`.
        Ok(Node::Text(format!("{value:?}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some((name, value)) = entries.next_entry::<Name, _>()? {
            map.push((name.0, value));
        }
        Ok(Node::Map(map))
    }
}

/// A name in a map, which YAML also allows to be a number.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Text(name) => Ok(Self(name)),
            Node::Null => Ok(Self(String::new())),
            Node::Map(_) | Node::List(_) => Err(serde::de::Error::custom("a name is no text")),
        }
    }
}
