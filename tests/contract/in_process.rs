//! The seam to the emulator.

use emulator::Emulator;

/// A running emulator that stops when dropped.
pub(crate) struct InProcess {
    _running: Emulator,
}

impl InProcess {
    /// The emulator, and where to log in: `http://127.0.0.1:PORT/auth/v1.0`.
    pub(crate) async fn start() -> (Self, String) {
        let started = Emulator::builder().start().await;
        let emulator = started.expect("the machine has a free loopback port");
        let auth_url = emulator.auth_url();
        (Self { _running: emulator }, auth_url)
    }
}
