//! The environment `offline`: an emulator inside this process, with its own clock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use emulator::Emulator;
use emulator::config::Config;
use emulator::defaults::{RACKSPACE_API_KEY, RACKSPACE_USER};
use identity::{Clock, Credentials, Secret};
use jiff::Timestamp;

use crate::running::CONTROL_TOKEN;
use crate::settings::{Cloud, OFFLINE, direct};

/// Where an emulator listens where nothing else is said.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// How an emulator for other programs begins. `cloudfiles-emulator` has more to choose.
#[derive(Debug, clap::Args)]
pub(crate) struct Beginning {
    /// Where it listens; port 0 takes a free port [default: 127.0.0.1:8080, or where the configuration says]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Users, projects and regions, as TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Begin with the state that `emulator snapshot` has saved in this file
    #[arg(long, value_name = "FILE")]
    restore: Option<PathBuf>,
    /// Take over this folder: folders in it become containers, files objects; may be given several times
    #[arg(long, value_name = "FOLDER")]
    seed: Vec<PathBuf>,
    /// Who shows this token may use the control surface from anywhere; without one, only this machine may
    #[arg(
        long,
        value_name = "TOKEN",
        env = CONTROL_TOKEN,
        hide_env_values = true
    )]
    control_token: Option<Secret>,
}

/// A running emulator. It stops, and all it holds is gone, when the last clone of this is dropped.
#[derive(Clone)]
pub(crate) struct Offline(Arc<Emulator>);

impl Offline {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let emulator = Emulator::builder().start().await;
        Ok(Self(Arc::new(
            emulator.context("the emulator cannot be started")?,
        )))
    }

    /// One for other programs.
    pub(crate) async fn start_with(beginning: Beginning) -> anyhow::Result<Self> {
        let config = beginning.config.as_deref().map(Config::load).transpose()?;
        let mut config = config.unwrap_or_default();
        if let Some(listen) = beginning.listen {
            config.listen_at(listen);
        }
        let token = beginning.control_token.as_ref().map(Secret::expose);
        let mut builder = Emulator::builder()
            .listen(DEFAULT_ADDRESS)
            .config(config)
            .control_token(token.unwrap_or_default());
        if let Some(snapshot) = beginning.restore {
            builder = builder.restore(snapshot);
        }
        for folder in beginning.seed {
            builder = builder.seed(folder);
        }
        let emulator = builder.start().await;
        Ok(Self(Arc::new(
            emulator.context("the emulator cannot be started")?,
        )))
    }

    /// Where it is, as one line of JSON.
    pub(crate) fn addresses(&self) -> String {
        self.0.ready()
    }

    /// How to reach it: a Rackspace account, signed in to with its API key, in region DFW.
    pub(crate) fn cloud(&self) -> Cloud {
        let clock = self.0.clock().clone();
        // Should it show a time that no calendar has, the latest one is nearest.
        let now = move || Timestamp::try_from(clock.now()).unwrap_or(Timestamp::MAX);
        Cloud {
            region: Some("DFW".to_owned()),
            http: direct(),
            clock: Clock::new(now),
            ..Cloud::new(
                OFFLINE,
                Credentials::rackspace_api_key(
                    self.0.identity_url(),
                    RACKSPACE_USER,
                    RACKSPACE_API_KEY,
                ),
            )
        }
    }

    /// Stops its clock at this moment.
    pub(crate) fn freeze_at(&self, moment: Timestamp) -> anyhow::Result<()> {
        let moment = SystemTime::try_from(moment)?;
        self.0.clock().freeze();
        self.0.clock().set(moment);
        Ok(())
    }

    /// Lets its clock run on.
    pub(crate) fn resume(&self) {
        self.0.clock().resume();
    }
}
