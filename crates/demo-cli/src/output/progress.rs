//! A bar for transfers: how much of how much, how fast, and how long it still takes.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{
    BinaryBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};
use swift_client::{Event, Progress};

/// How often the bar is drawn, in times a second.
const DRAWS: u8 = 10;

/// A bar on standard error, if that is a terminal; nothing otherwise. Cheap to clone. It appears when there is something
/// to move.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(shown: bool) -> Self {
        let target = if shown {
            ProgressDrawTarget::stderr_with_hz(DRAWS)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{shape}{moved:>10}{of} {rate:>13}{left}");
        let style = style.expect("the template is sound");
        bar.set_style(
            style
                .with_key("shape", shape)
                .with_key("moved", |state: &ProgressState, out: &mut dyn Write| {
                    // Writing to a string cannot fail, here and below.
                    let _ = write!(out, "{}", BinaryBytes(state.pos()));
                })
                .with_key("of", |state: &ProgressState, out: &mut dyn Write| {
                    if let Some(all) = state.len() {
                        let _ = write!(out, " of {:<10}", BinaryBytes(all).to_string());
                    }
                })
                .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                    let _ = write!(out, "{}/s", BinaryBytes(whole(state.per_sec())));
                })
                .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
                    if state.len().is_some() {
                        let _ = write!(out, "  {:#} left", HumanDuration(state.eta()));
                    }
                }),
        );
        Self(bar)
    }

    /// Whether nobody sees it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// So many bytes more are to be moved.
    pub(crate) fn expect(&self, bytes: u64) {
        if !self.is_hidden() {
            self.0
                .set_length(self.0.length().unwrap_or_default() + bytes);
            self.show();
        }
    }

    /// Nobody knows how many bytes are to be moved.
    pub(crate) fn expect_any(&self) {
        if !self.is_hidden() {
            self.show();
        }
    }

    fn show(&self) {
        self.0.enable_steady_tick(Duration::from_millis(250));
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
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// How far it is, where that is known.
fn shape(state: &ProgressState, out: &mut dyn Write) {
    const CELLS: u64 = 30;
    let Some(all) = state.len().filter(|all| *all > 0) else {
        return;
    };
    let done = state.pos().min(all).saturating_mul(CELLS) / all;
    for cell in 0..CELLS {
        let _ = out.write_char(if cell < done { '█' } else { '░' });
    }
    let _ = out.write_char(' ');
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is not negative, and one too large saturates"
)]
fn whole(rate: f64) -> u64 {
    rate as u64
}
