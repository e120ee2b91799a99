//! The seam to the emulator.

/// A running emulator that stops when dropped.
pub(crate) struct InProcess;

impl InProcess {
    pub(crate) async fn start() -> Self {
        std::future::ready(()).await;
        panic!(
            "the emulator is not there yet: set SWIFT_AUTH_URL, SWIFT_API_USER and SWIFT_API_KEY"
        )
    }

    pub(crate) fn auth_url(&self) -> String {
        String::new()
    }
}
