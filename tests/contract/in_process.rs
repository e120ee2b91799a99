//! The seam to the emulator.

use emulator::Emulator;

/// A running emulator that stops when dropped.
pub(crate) struct InProcess(Emulator);

impl InProcess {
    pub(crate) async fn start() -> Self {
        let started = Emulator::builder().start().await;
        Self(started.expect("the machine has a free loopback port"))
    }

    pub(crate) fn auth_url(&self) -> String {
        self.0.auth_url()
    }
}
