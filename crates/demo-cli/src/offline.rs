//! The environment `offline`: an emulator inside this process, with its own clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use emulator::Emulator;
use emulator::defaults::{RACKSPACE_API_KEY, RACKSPACE_USER};
use identity::{Clock, Credentials};
use jiff::Timestamp;

use crate::settings::{Cloud, OFFLINE, direct};

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

    /// One that listens where it is told, for other programs.
    pub(crate) async fn start_at(listen: SocketAddr) -> anyhow::Result<Self> {
        let emulator = Emulator::builder().listen(listen).start().await;
        let emulator = emulator.with_context(|| format!("no emulator can listen at {listen}"))?;
        Ok(Self(Arc::new(emulator)))
    }

    /// Where it is, as one line of JSON.
    pub(crate) fn addresses(&self) -> String {
        serde_json::json!({
            "ready": true,
            "url": self.0.url(),
            "auth_url": self.0.auth_url(),
            "identity_url": self.0.identity_url(),
            "control_url": self.0.control_url(),
            "pid": std::process::id(),
        })
        .to_string()
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
