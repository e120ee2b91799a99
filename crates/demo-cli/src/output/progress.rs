//! A bar for transfers: how much of how much, how fast, and how long it still takes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use swift_client::{Event, Progress};

/// How often the bar is drawn, in times a second.
const DRAWS: u8 = 10;

/// A bar on standard error, if that is a terminal; nothing otherwise. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(shown: bool) -> Self {
        let target = if shown {
            ProgressDrawTarget::stderr_with_hz(DRAWS)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template(
            "{bar:30} {binary_bytes:>10} of {binary_total_bytes:<10} {binary_bytes_per_sec:>12} {eta:>4} left {wide_msg}",
        );
        bar.set_style(style.expect("the template is sound"));
        if shown {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self(bar)
    }

    /// Whether nobody sees it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// So many bytes more are to be moved.
    pub(crate) fn expect(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    /// Where the engine tells how much has moved.
    pub(crate) fn progress(&self) -> Progress {
        if self.is_hidden() {
            return Progress::default();
        }
        let bar = self.0.clone();
        Progress::new(move |event| match event {
            Event::Bytes(bytes)
            | Event::Segment {
                bytes,
                reused: true,
            } => bar.inc(bytes),
            Event::Undone(bytes) => bar.dec(bytes),
            _ => {}
        })
    }

    /// Takes the bar away while something else is written.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
