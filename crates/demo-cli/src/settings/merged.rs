//! The settings of one cloud, from all places together.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use identity::{ClientCertificate, HttpSettings, Interface, Secret};

use super::choice::{chosen, described, flags};
use super::clouds_yaml::CloudsYaml;
use super::keyring::KeyringEntry;
use super::keys::{CERTIFICATE, CERTIFICATE_KEY, Layer, Setting, is_false};
use super::pyrax::Pyrax;
use super::{
    Cloud, CloudArgs, Environment, FROM_ARGUMENTS, LOCAL, Origin, credentials, direct, set_timeout,
    token_cache,
};

/// The settings of one cloud, and where each of them came from.
pub(crate) struct Settings {
    /// As its user calls it.
    pub(crate) name: String,
    pub(super) layer: Layer,
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
        let mut layer = if environment.is_own_name(&name) {
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
        self.layer.fill_in()?;
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
        let file = |name| self.text(name).map(|path| self.environment.expanded(path));
        http.ca_file = file("cacert");
        http.client_certificate = file(CERTIFICATE).map(|certificate| ClientCertificate {
            certificate,
            key: file(CERTIFICATE_KEY),
        });
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
            service_type: self.text("object_store_service_type").map(str::to_owned),
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
    pub(super) fn cloud(mut self) -> anyhow::Result<Cloud> {
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
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.layer.get(name).map(|setting| setting.value.expose())
    }

    pub(super) fn needed(&self, name: &str) -> anyhow::Result<String> {
        match self.text(name) {
            Some(text) => Ok(text.to_owned()),
            None => bail!("{} is not set", self.missing(name)),
        }
    }

    pub(super) fn given_secret(&self, name: &str) -> Option<Secret> {
        self.layer.get(name).map(|setting| setting.value.clone())
    }

    /// A secret: as said somewhere, or from the keyring.
    pub(super) fn secret(&mut self, name: &str) -> anyhow::Result<Secret> {
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
    pub(super) fn origin(&self, name: &str) -> String {
        self.layer
            .get(name)
            .map(|setting| format!("{}: ", setting.origin))
            .unwrap_or_default()
    }

    /// What its user calls a setting that is missing: by its variable where variables are the cloud.
    fn missing<'a>(&self, name: &'a str) -> &'a str {
        self.environment
            .variable_for(name)
            .filter(|_| self.environment.is_own_name(&self.name))
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
