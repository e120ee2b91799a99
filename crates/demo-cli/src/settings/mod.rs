//! What the words mean: which cloud a name stands for, and where the ledger is.

mod cloud_args;
mod clouds_yaml;
mod credentials;
mod environment;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use identity::{Clock, Credentials, HttpSettings, Interface, Proxy};
use swift_client::Client;

pub(crate) use cloud_args::CloudArgs;
pub(crate) use environment::Environment;

use credentials::Fields;

/// The emulator inside this process.
pub(crate) const OFFLINE: &str = "offline";

/// An emulator, or a Swift with `TempAuth`, on this machine.
const LOCAL: &str = "local";

const LOCAL_AUTH_URL: &str = "http://127.0.0.1:8080/auth/v1.0";

/// The cloud that environment variables describe, by the two names people use.
const FROM_ENVIRONMENT: [&str; 2] = ["env", "envvars"];

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
    pub(crate) http: HttpSettings,
    pub(crate) clock: Clock,
}

impl Cloud {
    pub(crate) fn new(name: &str, credentials: Credentials) -> Self {
        Self {
            name: name.to_owned(),
            credentials,
            region: None,
            interface: Interface::default(),
            storage_url: None,
            http: HttpSettings::default(),
            clock: Clock::system(),
        }
    }

    /// The cloud of this name: built in, in the environment, or in `clouds.yaml`.
    pub(crate) fn named(name: &str, environment: &Environment) -> anyhow::Result<Self> {
        match name {
            OFFLINE => bail!("the cloud {OFFLINE} exists only inside `cloudfiles demo`"),
            LOCAL => Ok(Self {
                http: direct(),
                ..Self::new(
                    LOCAL,
                    Credentials::temp_auth(LOCAL_AUTH_URL, "test:tester", "testing"),
                )
            }),
            _ if FROM_ENVIRONMENT.contains(&name) => {
                Self::described(name, &environment.fields()?).context("in the environment")
            }
            _ => {
                let (file, fields) = clouds_yaml::find(name, environment)?;
                Self::described(name, &fields)
                    .with_context(|| format!("{}: cloud {name}", file.display()))
            }
        }
    }

    /// The cloud that the command line means, with what else it says.
    pub(crate) fn select(args: &CloudArgs, environment: &Environment) -> anyhow::Result<Self> {
        let name = match (&args.cloud, environment.text("OS_CLOUD")) {
            (Some(name), _) => name,
            (None, Some(name)) => name,
            (None, None) => "env",
        };
        Ok(Self::named(name, environment)?.with(args))
    }

    /// This cloud with what the command line says of it.
    pub(crate) fn with(mut self, args: &CloudArgs) -> Self {
        if args.region.is_some() {
            self.region.clone_from(&args.region);
        }
        self.interface = args.interface.unwrap_or(self.interface);
        if args.storage_url.is_some() {
            self.storage_url.clone_from(&args.storage_url);
        }
        if args.cacert.is_some() {
            self.http.ca_file.clone_from(&args.cacert);
        }
        self.http.insecure |= args.insecure;
        if let Some(timeout) = args.timeout {
            self.http.idle_timeout = timeout;
            self.http.connect_timeout = self.http.connect_timeout.min(timeout);
        }
        self
    }

    fn described(name: &str, fields: &dyn Fields) -> anyhow::Result<Self> {
        let interface = match fields.text("interface")? {
            None => Interface::default(),
            Some(text) => Interface::parse(&text)
                .with_context(|| format!("interface is {text:?}, not public, internal or admin"))?,
        };
        let verify = fields.text("verify")?;
        Ok(Self {
            region: fields.text("region_name")?,
            interface,
            storage_url: fields.text("object_store_endpoint_override")?,
            http: HttpSettings {
                ca_file: fields.text("cacert")?.map(PathBuf::from),
                insecure: verify.is_some_and(|verify| is_false(&verify)),
                ..HttpSettings::default()
            },
            ..Self::new(name, credentials::read(fields)?)
        })
    }

    /// A client for it. Nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client, swift_client::Error> {
        let mut builder = Client::builder(self.credentials.clone())
            .interface(self.interface)
            .http(self.http.clone())
            .clock(self.clock.clone());
        if let Some(region) = &self.region {
            builder = builder.region(region);
        }
        if let Some(url) = &self.storage_url {
            builder = builder.storage_url(url);
        }
        builder.build()
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
        .text("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(environment.home.as_ref()?.join(".local/state")))
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

fn is_false(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "false" | "0" | "no" | "off"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_ledger_where_users_keep_state() {
        let home = Environment::new([], Some("/home/me"));
        let path = ledger_path(None, &home).unwrap();
        assert_eq!(
            path,
            Path::new("/home/me/.local/state/cloudfiles/ledger.json")
        );

        let xdg = Environment::new([("XDG_STATE_HOME", "/state")], Some("/home/me"));
        let path = ledger_path(None, &xdg).unwrap();
        assert_eq!(path, Path::new("/state/cloudfiles/ledger.json"));

        let said = ledger_path(Some(Path::new("mine.json")), &xdg).unwrap();
        assert_eq!(said, Path::new("mine.json"));
    }

    #[test]
    fn asks_for_a_ledger_where_there_is_no_home() {
        let nowhere = Environment::new([("XDG_STATE_HOME", "relative")], None);
        let error = ledger_path(None, &nowhere).unwrap_err();
        assert!(error.to_string().contains("--ledger"));
    }

    #[test]
    fn signs_in_with_what_the_environment_says() {
        let st = [
            ("ST_AUTH", "http://h/auth/v1.0"),
            ("ST_USER", "a:u"),
            ("ST_KEY", "k"),
        ];
        let cloud = Cloud::named("env", &Environment::new(st, None)).unwrap();
        assert_eq!(cloud.credentials.method(), "v1 user and key");
        assert_eq!(cloud.credentials.user(), Some("a:u"));

        let os = [
            ("OS_AUTH_URL", "http://h:5000/v3"),
            ("OS_USERNAME", "u"),
            ("OS_PASSWORD", "p"),
            ("OS_PROJECT_NAME", "a"),
            ("OS_REGION_NAME", "R"),
            ("OS_INTERFACE", "internal"),
        ];
        let cloud = Cloud::named("envvars", &Environment::new(os, None)).unwrap();
        assert_eq!(cloud.credentials.method(), "Keystone v3 password");
        assert_eq!(cloud.region.as_deref(), Some("R"));
        assert_eq!(cloud.interface, Interface::Internal);
    }

    #[test]
    fn names_the_variable_that_is_missing() {
        let half = Environment::new([("ST_AUTH", "http://h"), ("ST_USER", "u")], None);
        let error = Cloud::named("env", &half).unwrap_err();
        assert_eq!(format!("{error:#}"), "ST_KEY is not set");

        let none = Environment::new([], None);
        let error = Cloud::named("env", &none).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "neither ST_AUTH nor OS_AUTH_URL is set"
        );
    }
}
