//! The seam to the emulator.

/// A running emulator that stops when dropped.
pub(crate) struct InProcess;

impl InProcess {
    /// Starts an emulator; returns it with the URL of its v1 authentication.
    pub(crate) async fn start() -> (Self, String) {
        std::future::ready(()).await;
        panic!(
            "the emulator is not there yet: set SWIFT_AUTH_URL, SWIFT_API_USER and SWIFT_API_KEY"
        )
    }
}
