//! What the words mean: which cloud a name stands for, how to sign in there, and where files are.
//!
//! Each setting by itself is taken from the first place that has it: the command line; variables; `clouds.yaml` with
//! `secure.yaml` over it and a profile below it; `~/.pyrax.cfg`; what is built in; and for secrets, at last, the keyring.
//! [`Settings`] is that, with the place of each value; [`Cloud`] is what it comes to.

mod cloud_args;
mod clouds_yaml;
mod credentials;
mod environment;
mod keyring;
mod keys;
mod profiles;
mod pyrax;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use identity::{Clock, Credentials, HttpSettings, Interface, Proxy, Secret, TokenFiles};
use swift_client::Client;

pub(crate) use cloud_args::CloudArgs;
pub(crate) use environment::Environment;
pub(crate) use keys::Origin;

use crate::output;
use clouds_yaml::CloudsYaml;
use keys::{Layer, Setting, is_false};
use pyrax::Pyrax;

/// The emulator inside this process.
pub(crate) const OFFLINE: &str = "offline";

/// An emulator, or a Swift with `TempAuth`, on this machine.
const LOCAL: &str = "local";

const LOCAL_AUTH_URL: &str = "http://127.0.0.1:8080/auth/v1.0";

/// The cloud that environment variables describe, by the two names people use.
const FROM_ENVIRONMENT: [&str; 2] = ["env", "envvars"];

/// The cloud that the command line alone describes.
const FROM_ARGUMENTS: &str = "url";

/// A cloud, and how to sign in there.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    /// As its user calls it.
    pub(crate) name: String,
    pub(crate) credentials: Credentials,
    pub(crate) region: Option<String>,
    pub(crate) interface: Interface,
    /// Instead of the one in the catalog.
    pub(crate) storage_url: Option<String>,
    /// Instead of the one in the catalog.
    pub(crate) cdn_url: Option<String>,
    pub(crate) http: HttpSettings,
    pub(crate) clock: Clock,
    /// The folder in which its tokens are kept for the next run, if they are.
    pub(crate) token_cache: Option<PathBuf>,
    /// What its user should know before it is used.
    pub(crate) notices: Vec<String>,
}

impl Cloud {
    pub(crate) fn new(name: &str, credentials: Credentials) -> Self {
        Self {
            name: name.to_owned(),
            credentials,
            region: None,
            interface: Interface::default(),
            storage_url: None,
            cdn_url: None,
            http: HttpSettings::default(),
            clock: Clock::system(),
            token_cache: None,
            notices: Vec::new(),
        }
    }

    /// The cloud of this name: built in, in the environment, in `clouds.yaml` or in `~/.pyrax.cfg`.
    pub(crate) fn named(name: &str, environment: &Environment) -> anyhow::Result<Self> {
        let args = CloudArgs {
            cloud: Some(name.to_owned()),
            ..CloudArgs::default()
        };
        Self::select(&args, environment)
    }

    /// The cloud that the command line means, with what else it says.
    pub(crate) fn select(args: &CloudArgs, environment: &Environment) -> anyhow::Result<Self> {
        Settings::select(args, environment)?.cloud()
    }

    /// This cloud with what the command line says of how to reach it.
    pub(crate) fn with(mut self, args: &CloudArgs) -> Self {
        if args.region.is_some() {
            self.region.clone_from(&args.region);
        }
        self.interface = args.interface.unwrap_or(self.interface);
        if let Some(timeout) = args.timeout {
            set_timeout(&mut self.http, timeout);
        }
        self
    }

    /// A client for it. Nothing is sent yet; what its user should know is told.
    pub(crate) fn client(&self) -> Result<Client, swift_client::Error> {
        for notice in &self.notices {
            output::notice(notice);
        }
        let who = self.credentials.user().unwrap_or("you").to_owned();
        let question = format!("Passcode of {who} for {}: ", self.name);
        let mut builder = Client::builder(self.credentials.clone())
            .interface(self.interface)
            .http(self.http.clone())
            .clock(self.clock.clone())
            .ask_passcode(move || output::ask_secret(&question).ok().flatten());
        if let Some(region) = &self.region {
            builder = builder.region(region);
        }
        if let Some(url) = &self.storage_url {
            builder = builder.storage_url(url);
        }
        if let Some(url) = &self.cdn_url {
            builder = builder.cdn_url(url);
        }
        if let Some(folder) = &self.token_cache {
            builder = builder.cache(TokenFiles::new(folder));
        }
        builder.build()
    }
}

/// The settings of one cloud, and where each of them came from.
pub(crate) struct Settings {
    /// As its user calls it.
    pub(crate) name: String,
    layer: Layer,
    notices: Vec<String>,
    token_cache: Option<PathBuf>,
    environment: Environment,
}

/// A setting as it may be shown.
pub(crate) struct Shown<'a> {
    /// Its name in `clouds.yaml`.
    pub(crate) name: &'static str,
    /// Its value; none if that is secret.
    pub(crate) value: Option<Cow<'a, str>>,
    /// Where it came from.
    pub(crate) origin: &'a Origin,
}

impl Settings {
    /// Those of the cloud that the command line means. Without a name that is, in this order, the one that `OS_CLOUD`
    /// names, the one that variables describe, the only one of `clouds.yaml`, the default one of `~/.pyrax.cfg`.
    pub(crate) fn select(args: &CloudArgs, environment: &Environment) -> anyhow::Result<Self> {
        let flags = flags(args);
        let yaml = CloudsYaml::load(environment)?;
        let pyrax = Pyrax::load(environment)?;
        let name = match (&args.cloud, environment.text("OS_CLOUD")) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => chosen(&flags, environment, &yaml, pyrax.as_ref())?,
        };
        let mut notices = Vec::new();
        let mut layer = if FROM_ENVIRONMENT.contains(&name.as_str()) {
            if !environment.describes_a_cloud() {
                bail!("neither ST_AUTH nor OS_AUTH_URL is set, nor RAX_USERNAME");
            }
            environment.own_cloud()
        } else if name == FROM_ARGUMENTS {
            Layer::default()
        } else {
            described(
                &name,
                &flags,
                environment,
                &yaml,
                pyrax.as_ref(),
                &mut notices,
            )?
        };
        layer.overlay(flags);
        if args.token.is_some() {
            let ready = layer.has("object_store_endpoint_override");
            let auth_type = if ready { "admin_token" } else { "token" };
            layer.set("auth_type", auth_type, Origin::Flag("--token"));
        }
        let token_cache = if args.no_token_cache {
            None
        } else {
            token_cache(environment)
        };
        Ok(Self {
            name,
            layer,
            notices,
            token_cache,
            environment: environment.clone(),
        })
    }

    /// What they come to. A secret that is missing is looked for in the keyring, and is among them afterwards.
    pub(crate) fn resolve(&mut self) -> anyhow::Result<Cloud> {
        let within = format!("cloud {}", self.name);
        self.resolved().with_context(|| match self.described_in() {
            Some(path) => format!("{}: {within}", path.display()),
            None => within,
        })
    }

    fn resolved(&mut self) -> anyhow::Result<Cloud> {
        let credentials = credentials::read(self)?;
        let interface = match self.text("interface") {
            None => Interface::default(),
            Some(text) => Interface::parse(text).ok_or_else(|| {
                let origin = self.origin("interface");
                anyhow!("{origin}interface is {text:?}, not public, internal or admin")
            })?,
        };
        let mut http = if self.name == LOCAL && self.described_in().is_none() {
            direct()
        } else {
            HttpSettings::default()
        };
        if let Some(text) = self.text("api_timeout") {
            let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
            let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            let timeout = timeout.with_context(|| {
                let origin = self.origin("api_timeout");
                format!("{origin}api_timeout is {text:?}, not a number of seconds")
            })?;
            set_timeout(&mut http, timeout);
        }
        if let Some(user_agent) = self.text("user_agent") {
            http.user_agent = format!("{user_agent} {}", http.user_agent);
        }
        http.ca_file = self
            .text("cacert")
            .map(|path| self.environment.expanded(path));
        http.insecure = self.text("verify").is_some_and(is_false);
        let mut notices = self.notices.clone();
        if http.insecure {
            notices.push(format!(
                "{}certificates are not checked: whoever sits between can read and change everything, the token too",
                self.origin("verify")
            ));
        }
        Ok(Cloud {
            region: self.text("region_name").map(str::to_owned),
            interface,
            storage_url: self
                .text("object_store_endpoint_override")
                .map(str::to_owned),
            cdn_url: self.text("object_cdn_endpoint_override").map(str::to_owned),
            http,
            token_cache: self.token_cache.clone(),
            notices,
            ..Cloud::new(&self.name, credentials)
        })
    }

    /// As [`Settings::resolve`], for those who do not show them.
    fn cloud(mut self) -> anyhow::Result<Cloud> {
        self.resolve()
    }

    /// All that are set, in the order in which people write them.
    pub(crate) fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        self.layer.iter().map(|(key, setting)| Shown {
            name: key.name,
            value: (!key.secret).then(|| without_password(setting.value.expose())),
            origin: &setting.origin,
        })
    }

    /// The folder in which tokens are kept, if they are.
    pub(crate) fn token_cache(&self) -> Option<&Path> {
        self.token_cache.as_deref()
    }

    /// What the keyring would keep for this cloud: the name of the secret, and whose it is.
    pub(crate) fn keyring_entry(&self) -> anyhow::Result<(&'static str, KeyringEntry)> {
        let auth_type = credentials::auth_type(self);
        let secret = credentials::secret_of(&auth_type).with_context(|| {
            format!("{auth_type} needs no secret that could be kept in the keyring")
        })?;
        let entry = self.entry().with_context(|| {
            format!(
                "cloud {}: {} is not set",
                self.name,
                self.missing("username")
            )
        })?;
        Ok((secret, entry))
    }

    /// The same settings with a secret that the keyring is to keep.
    pub(crate) fn with_secret(mut self, name: &str, secret: Secret, entry: &KeyringEntry) -> Self {
        let origin = Origin::Keyring {
            service: KeyringEntry::SERVICE.to_owned(),
            user: entry.user.clone(),
        };
        self.layer.set(name, secret, origin);
        self
    }

    /// A setting; none if it is nowhere.
    fn text(&self, name: &str) -> Option<&str> {
        self.layer.get(name).map(|setting| setting.value.expose())
    }

    fn needed(&self, name: &str) -> anyhow::Result<String> {
        match self.text(name) {
            Some(text) => Ok(text.to_owned()),
            None => bail!("{} is not set", self.missing(name)),
        }
    }

    fn given_secret(&self, name: &str) -> Option<Secret> {
        self.layer.get(name).map(|setting| setting.value.clone())
    }

    /// A secret: as said somewhere, or from the keyring.
    fn secret(&mut self, name: &str) -> anyhow::Result<Secret> {
        if let Some(setting) = self.layer.get(name) {
            return Ok(setting.value.clone());
        }
        let hint = format!(
            "{} is not set (`cloudfiles login --cloud {}` keeps it in the keyring)",
            self.missing(name),
            self.name
        );
        let (secret, origin) = self.ask_keyring().context(hint)?;
        self.layer.set(name, secret.clone(), origin);
        Ok(secret)
    }

    fn ask_keyring(&self) -> anyhow::Result<(Secret, Origin)> {
        let entry = self.entry().context("nobody's secret to look for")?;
        let keyring = &*self.environment.keyring;
        let origin = |service: &str, user: &str| Origin::Keyring {
            service: service.to_owned(),
            user: user.to_owned(),
        };
        if let Some(secret) = keyring.find(&entry.attributes())? {
            return Ok((secret, origin(KeyringEntry::SERVICE, &entry.user)));
        }
        if let Some(user) = self.text("keyring_username") {
            let pyrax = [("service", "pyrax"), ("username", user)];
            if let Some(secret) = keyring.find(&pyrax)? {
                return Ok((secret, origin("pyrax", user)));
            }
        }
        bail!("nor is it in the keyring")
    }

    fn entry(&self) -> Option<KeyringEntry> {
        let names = [
            "username",
            "user_id",
            "application_credential_id",
            "application_credential_name",
        ];
        let user = names.iter().find_map(|name| self.text(name))?;
        Some(KeyringEntry {
            cloud: self.name.clone(),
            user: user.to_owned(),
            auth_url: self
                .text("auth_url")
                .unwrap_or(identity::RACKSPACE_US)
                .to_owned(),
        })
    }

    /// `ORIGIN: ` for a message about a value.
    fn origin(&self, name: &str) -> String {
        self.layer
            .get(name)
            .map(|setting| format!("{}: ", setting.origin))
            .unwrap_or_default()
    }

    /// What its user calls a setting that is missing: by its variable where variables are the cloud.
    fn missing<'a>(&self, name: &'a str) -> &'a str {
        self.environment
            .variable_for(name)
            .filter(|_| FROM_ENVIRONMENT.contains(&self.name.as_str()))
            .unwrap_or(name)
    }

    /// The file that says most of the credentials, for messages.
    fn described_in(&self) -> Option<&Path> {
        let names = ["auth_url", "username", "auth_type", "profile"];
        let mut settings = names.iter().filter_map(|name| self.layer.get(name));
        settings.find_map(|setting: &Setting| match &setting.origin {
            Origin::File { path, .. } => Some(path.as_path()),
            _ => None,
        })
    }
}

/// A text as it is, or a URL without the password that may be in it.
fn without_password(text: &str) -> Cow<'_, str> {
    if let Ok(mut url) = reqwest::Url::parse(text)
        && url.password().is_some()
        && url.set_password(Some("***")).is_ok()
    {
        return Cow::Owned(url.into());
    }
    Cow::Borrowed(text)
}

/// What an entry of the keyring is found by.
pub(crate) struct KeyringEntry {
    cloud: String,
    /// Whose secret it is.
    pub(crate) user: String,
    auth_url: String,
}

impl KeyringEntry {
    const SERVICE: &str = "cloudfiles";

    fn attributes(&self) -> [(&str, &str); 4] {
        [
            ("service", Self::SERVICE),
            ("cloud", &self.cloud),
            ("username", &self.user),
            ("auth_url", &self.auth_url),
        ]
    }

    /// Keeps a secret.
    pub(crate) fn store(&self, secret: &Secret, environment: &Environment) -> anyhow::Result<()> {
        let label = format!("{} on {} (cloudfiles)", self.user, self.cloud);
        let keyring = &environment.keyring;
        keyring.store(&label, &self.attributes(), secret)
    }

    /// Forgets it; tells whether there was one.
    pub(crate) fn remove(&self, environment: &Environment) -> anyhow::Result<bool> {
        Ok(environment.keyring.remove(&self.attributes())? > 0)
    }
}

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
fn chosen(
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
fn described(
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
fn flags(args: &CloudArgs) -> Layer {
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

/// Where tokens are kept between runs: nowhere if `CLOUDFILES_TOKEN_CACHE` is `off`, in the folder it names, or in the
/// folder for the user's caches.
fn token_cache(environment: &Environment) -> Option<PathBuf> {
    match environment.text("CLOUDFILES_TOKEN_CACHE") {
        Some(text) if is_false(text) => None,
        Some(path) => Some(environment.expanded(path)),
        None => {
            let caches = environment.folder("XDG_CACHE_HOME", ".cache")?;
            Some(caches.join("cloudfiles").join("tokens"))
        }
    }
}

/// Where the ledger is: as said, or in the folder for the user's state.
pub(crate) fn ledger_path(
    said: Option<&Path>,
    environment: &Environment,
) -> anyhow::Result<PathBuf> {
    if let Some(path) = said {
        return Ok(path.to_owned());
    }
    let state = environment
        .folder("XDG_STATE_HOME", ".local/state")
        .context("there is no home folder to keep the ledger in; name a file with --ledger")?;
    Ok(state.join("cloudfiles").join("ledger.json"))
}

/// For servers on this machine, which a proxy could not find.
pub(crate) fn direct() -> HttpSettings {
    HttpSettings {
        proxy: Proxy::Direct,
        ..HttpSettings::default()
    }
}

fn set_timeout(http: &mut HttpSettings, timeout: Duration) {
    http.idle_timeout = timeout;
    http.connect_timeout = http.connect_timeout.min(timeout);
}
