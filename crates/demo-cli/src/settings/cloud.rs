//! One cloud: what settings come to.

use std::path::PathBuf;

use identity::{Clock, Credentials, HttpSettings, Interface, TokenFiles};
use swift_client::Client;

use super::{CloudArgs, Environment, Settings, set_timeout};
use crate::output;

/// A cloud, and how to sign in there.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    /// As its user calls it.
    pub(crate) name: String,
    pub(crate) credentials: Credentials,
    pub(crate) region: Option<String>,
    /// The type by which storage is looked up in the catalog, if not the usual one.
    pub(crate) service_type: Option<String>,
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
            service_type: None,
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
        if let Some(service_type) = &self.service_type {
            builder = builder.service_type(service_type);
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
