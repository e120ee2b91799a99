//! Being asked to end.

use tokio::runtime::Runtime;

/// The signals that end the program: SIGINT, and SIGTERM where there is such a thing.
pub(crate) struct Signals {
    runtime: Runtime,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (terminate, interrupt) = {
                let _entered = runtime.enter();
                (
                    signal(SignalKind::terminate())?,
                    signal(SignalKind::interrupt())?,
                )
            };
            Ok(Self {
                runtime,
                terminate,
                interrupt,
            })
        }
        #[cfg(not(unix))]
        Ok(Self { runtime })
    }

    /// Waits for one of them.
    #[cfg(unix)]
    pub(crate) fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        });
    }

    /// Waits for it.
    #[cfg(not(unix))]
    pub(crate) fn wait(self) {
        // Where it cannot be waited for, the program is ended without being asked.
        let _ = self.runtime.block_on(tokio::signal::ctrl_c());
    }
}
