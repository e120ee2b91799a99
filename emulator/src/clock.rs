//! The one clock: real, or moved by hand.
//!
//! Everything that expires asks this clock, so a test can stand at the very second of an expiry without sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_utils::atomic::AtomicCell;

use crate::timestamp::Timestamp;

/// The last moment that a clock shows: the end of the year 9998. In 9999 some time zones come to five digits.
pub(crate) fn latest() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(253_370_764_799)
}

/// A clock that runs with the system's, or stands still, or has been moved.
///
/// Clones show the same time: moving one moves all.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Read with every request, by all threads.
    mode: AtomicCell<Mode>,
    /// The last timestamp handed out, so that two writes never share one.
    last: AtomicU64,
}

/// How a clock is set: where it runs or stands, and the ticks of the last timestamp that it handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Setting {
    /// Ahead of and behind the system's clock.
    Running {
        ahead: Duration,
        behind: Duration,
        last: u64,
    },
    /// Since 1970.
    Frozen { at: Duration, last: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Runs with the system's clock, ahead of it or behind it.
    Running {
        ahead: Duration,
        behind: Duration,
    },
    Frozen(SystemTime),
}

impl Default for Mode {
    fn default() -> Self {
        Self::Running {
            ahead: Duration::ZERO,
            behind: Duration::ZERO,
        }
    }
}

impl Mode {
    fn now(self) -> SystemTime {
        match self {
            Self::Running { ahead, behind } => system_now()
                .checked_add(ahead)
                .map_or(latest(), |ahead| {
                    ahead.checked_sub(behind).unwrap_or(UNIX_EPOCH)
                })
                .min(latest()),
            Self::Frozen(at) => at,
        }
    }

    fn running_from(at: SystemTime) -> Self {
        let now = system_now();
        Self::Running {
            ahead: at.duration_since(now).unwrap_or_default(),
            behind: now.duration_since(at).unwrap_or_default(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
fn system_now() -> SystemTime {
    SystemTime::now()
}

impl Clock {
    /// A clock that runs with the system's.
    pub fn system() -> Self {
        Self::default()
    }

    /// The time by this clock.
    pub fn now(&self) -> SystemTime {
        self.mode().now()
    }

    /// Stops the clock where it is. Frozen already, it stays as it is.
    pub fn freeze(&self) {
        self.change(|mode| Mode::Frozen(mode.now()));
    }

    /// Lets a frozen clock run on from where it stands.
    pub fn resume(&self) {
        self.change(|mode| Mode::running_from(mode.now()));
    }

    /// Sets the clock, which goes on running or standing still as it did. Times before 1970 become 1970,
    /// and those from the year 9999 on the end of the year before.
    pub fn set(&self, to: SystemTime) {
        let to = to.clamp(UNIX_EPOCH, latest());
        self.change(|mode| match mode {
            Mode::Running { .. } => Mode::running_from(to),
            Mode::Frozen(_) => Mode::Frozen(to),
        });
        // Going back on purpose takes timestamps back as well; Swift's rules for older ones then apply.
        self.0
            .last
            .fetch_min(Timestamp::from(to).ticks(), Ordering::Relaxed);
    }

    /// Moves the clock forward, to the end of the year 9998 at most.
    pub fn advance(&self, by: Duration) {
        self.change(|mode| match mode {
            Mode::Running { ahead, behind } => Mode::Running {
                ahead: ahead.saturating_add(by),
                behind,
            },
            Mode::Frozen(at) => {
                Mode::Frozen(at.checked_add(by).map_or(latest(), |at| at.min(latest())))
            }
        });
    }

    /// Lets the clock run with the system's again, as at the start.
    pub fn reset(&self) {
        self.set(system_now());
        self.change(|_| Mode::default());
    }

    /// How far the clock is ahead of the system's, in seconds; negative if it is behind.
    pub(crate) fn ahead_of_system_seconds(&self) -> f64 {
        let (now, system) = (self.now(), system_now());
        match now.duration_since(system) {
            Ok(ahead) => ahead.as_secs_f64(),
            Err(behind) => -behind.duration().as_secs_f64(),
        }
    }

    /// Whether the clock stands still.
    pub fn is_frozen(&self) -> bool {
        matches!(self.mode(), Mode::Frozen(_))
    }

    /// A timestamp for a write: now, or just after the last one handed out where now would not be later.
    pub(crate) fn timestamp(&self) -> Timestamp {
        let now = Timestamp::from(self.now()).ticks();
        let last = self
            .0
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now.max(last + 1))
            })
            .unwrap_or_default();
        Timestamp::from_ticks(now.max(last + 1))
    }

    /// How it is set, to be set that way again with [`Self::restore`].
    pub(crate) fn setting(&self) -> Setting {
        let last = self.0.last.load(Ordering::Relaxed);
        match self.mode() {
            Mode::Running { ahead, behind } => Setting::Running {
                ahead,
                behind,
                last,
            },
            Mode::Frozen(at) => Setting::Frozen {
                at: at.duration_since(UNIX_EPOCH).unwrap_or_default(),
                last,
            },
        }
    }

    /// Sets it as it once was. One that ran runs as far from the system's clock as it did then.
    pub(crate) fn restore(&self, setting: Setting) {
        let (mode, last) = match setting {
            Setting::Running {
                ahead,
                behind,
                last,
            } => (Mode::Running { ahead, behind }, last),
            Setting::Frozen { at, last } => {
                let at = UNIX_EPOCH
                    .checked_add(at)
                    .map_or(latest(), |at| at.min(latest()));
                (Mode::Frozen(at), last)
            }
        };
        self.change(|_| mode);
        // The next one is one more, which must fit.
        let last = last.min(u64::MAX >> 1);
        self.0.last.store(last, Ordering::Relaxed);
    }

    fn mode(&self) -> Mode {
        self.0.mode.load()
    }

    fn change(&self, to: impl Fn(Mode) -> Mode) {
        // Never refused, so there is always one that was there before.
        let _ = self.0.mode.fetch_update(|mode| Some(to(mode)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_stands_until_it_is_moved() {
        let clock = Clock::system();
        clock.freeze();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_millis(1));
        assert_eq!(clock.now(), start + Duration::from_millis(1));
        clock.set(UNIX_EPOCH + Duration::from_secs(5));
        assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(5));
    }

    #[test]
    fn a_resumed_clock_runs_on_from_where_it_stood() {
        let clock = Clock::system();
        clock.freeze();
        clock.set(UNIX_EPOCH + Duration::from_secs(5));
        clock.resume();
        assert!(!clock.is_frozen());
        assert!(clock.now() >= UNIX_EPOCH + Duration::from_secs(5));
        assert!(clock.now() < UNIX_EPOCH + Duration::from_hours(1));
    }

    #[test]
    fn timestamps_of_writes_never_repeat_though_the_clock_stands() {
        let clock = Clock::system();
        clock.freeze();
        let first = clock.timestamp();
        let second = clock.timestamp();
        assert!(second > first);
    }
}
