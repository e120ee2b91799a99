//! How many requests may run at once: additive increase, multiplicative decrease. Pure and without a clock.

use std::time::Duration;

/// Below this, latency says nothing about overload.
const CALM: Duration = Duration::from_millis(250);

/// Latency is taken for a sign of overload when it is so many times the best one seen.
const SWOLLEN: f64 = 8.0;

/// A limit that moves between one and a maximum.
///
/// It starts at the maximum. An answer that says "too much" (429, 498, 503) halves it, once for all requests that were
/// on their way at that time. Each answer that says nothing of the kind raises it by `1/limit`, so by one for a whole
/// round of requests, as long as the limit is what holds the transfers back. Latency that has swollen to eight times
/// the best one seen, and beyond a quarter of a second, lowers it by an eighth per round: requests queue somewhere, and
/// more of them would only queue longer.
#[derive(Debug)]
pub(crate) struct Window {
    limit: f64,
    max: f64,
    /// Answers still to come of requests that were sent before the last cut.
    stale: usize,
    best: Option<f64>,
    smoothed: f64,
}

impl Window {
    pub(crate) fn new(max: usize) -> Self {
        let max = f64::from(u32::try_from(max.max(1)).unwrap_or(u32::MAX));
        Self {
            limit: max,
            max,
            stale: 0,
            best: None,
            smoothed: 0.0,
        }
    }

    /// How many requests may run at once.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the limit lies between one and a maximum that was an integer"
    )]
    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// A request was answered well while `running` ran, this one included. `latency` is given for requests that are
    /// alike in size; the others have none.
    pub(crate) fn answered(&mut self, running: usize, latency: Option<Duration>) {
        self.stale = self.stale.saturating_sub(1);
        if latency.is_some_and(|latency| self.is_swollen(latency)) {
            self.limit = (self.limit - 0.125).max(1.0);
        } else if running >= self.limit() {
            self.limit = (self.limit + 1.0 / self.limit).min(self.max);
        }
    }

    /// The server said that it is too much, while `running` requests ran.
    pub(crate) fn refused(&mut self, running: usize) {
        if self.stale > 0 {
            self.stale -= 1;
            return;
        }
        self.limit = (self.limit / 2.0).max(1.0);
        self.stale = running.saturating_sub(1);
    }

    fn is_swollen(&mut self, latency: Duration) -> bool {
        let seconds = latency.as_secs_f64();
        // The best one ages, so that a path that has become longer for good is not taken for a queue for ever.
        let best = self
            .best
            .map_or(seconds, |best| (best * 1.001).min(seconds));
        self.best = Some(best);
        self.smoothed += (seconds - self.smoothed) / 8.0;
        self.smoothed > CALM.as_secs_f64() && self.smoothed > SWOLLEN * best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_once_for_all_requests_that_were_on_their_way() {
        let mut window = Window::new(16);
        for _ in 0..16 {
            window.refused(16);
        }
        assert_eq!(window.limit(), 8);
        window.refused(8);
        assert_eq!(window.limit(), 4);
    }

    #[test]
    fn never_falls_below_one() {
        let mut window = Window::new(4);
        for _ in 0..100 {
            window.refused(1);
        }
        assert_eq!(window.limit(), 1);
    }

    #[test]
    fn grows_by_one_for_each_full_round_and_up_to_the_maximum() {
        let mut window = Window::new(8);
        window.refused(1);
        window.refused(1);
        assert_eq!(window.limit(), 2);
        for _ in 0..4 {
            window.answered(2, None);
        }
        assert_eq!(window.limit(), 3);
        for _ in 0..1000 {
            window.answered(8, None);
        }
        assert_eq!(window.limit(), 8);
    }

    #[test]
    fn does_not_grow_while_nothing_waits_for_it() {
        let mut window = Window::new(8);
        window.refused(1);
        for _ in 0..100 {
            window.answered(1, None);
        }
        assert_eq!(window.limit(), 4);
    }

    #[test]
    fn shrinks_when_requests_begin_to_queue() {
        let mut window = Window::new(8);
        for _ in 0..20 {
            window.answered(8, Some(Duration::from_millis(40)));
        }
        assert_eq!(window.limit(), 8);
        for _ in 0..40 {
            window.answered(8, Some(Duration::from_secs(2)));
        }
        assert!(window.limit() < 6, "{window:?}");
    }

    #[test]
    fn takes_short_waits_for_what_they_are() {
        let mut window = Window::new(8);
        window.answered(8, Some(Duration::from_micros(50)));
        for _ in 0..100 {
            window.answered(8, Some(Duration::from_millis(20)));
        }
        assert_eq!(window.limit(), 8);
    }
}
