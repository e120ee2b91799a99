//! When to try again, and after how long. Pure: what happened comes in, a decision goes out.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::StatusCode;

/// How hard a client tries.
///
/// Tried again are requests that the server can get twice without harm: all but those with a body that is
/// already spent, and those that are only right the first time (`If-None-Match: *`), which are repeated only if the server
/// surely did nothing. Reasons are a connection that failed, a silence that was too long, and the statuses 408, 429,
/// 498, 500, 502, 503 and 504 (and 413 with `Retry-After`, which Rackspace's rate limiter sends).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// The first wait. Each further one is twice as long, and each is lengthened by chance up to its double, so that
    /// many clients do not come back at the same time.
    pub min_delay: Duration,
    /// The longest wait, before chance.
    pub max_delay: Duration,
    /// The longest `Retry-After` that is waited for; a server that asks for more gets no second request.
    pub max_retry_after: Duration,
    /// The time from the first attempt within which the headers of an answer must be there.
    pub deadline: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            min_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
            max_retry_after: Duration::from_mins(2),
            deadline: None,
        }
    }
}

/// Whether a request may be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replay {
    /// Whatever has become of the first one: doing it twice is the same as doing it once.
    #[default]
    Always,
    /// Only if the first one surely had no effect.
    IfUnseen,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// On our side: a name that cannot be sent, data that cannot be read.
    Local,
    /// There was no connection to send on.
    NotSent,
    /// It was sent, at least in part, and there was no usable answer.
    Unanswered,
    /// This answer, with what it says in `Retry-After`.
    Answered(StatusCode, Option<Duration>),
}

impl Failure {
    /// Whether another attempt may go better.
    fn passes(self) -> bool {
        match self {
            Self::Local => false,
            Self::NotSent | Self::Unanswered => true,
            Self::Answered(status, retry_after) => match status.as_u16() {
                408 | 429 | 498 | 500 | 502 | 503 | 504 => true,
                413 => retry_after.is_some(),
                _ => false,
            },
        }
    }

    /// Whether the request may have had an effect.
    pub(crate) fn may_have_worked(self) -> bool {
        match self {
            Self::Local | Self::NotSent => false,
            Self::Unanswered => true,
            Self::Answered(status, _) => status.is_server_error(),
        }
    }
}

/// The attempts at one request.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: RetryPolicy,
    delays: ExponentialBackoff,
    made: u32,
}

impl Attempts {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(policy.min_delay)
            .with_max_delay(policy.max_delay)
            .without_max_times()
            .with_jitter()
            .build();
        Self {
            policy,
            delays,
            made: 0,
        }
    }

    /// How many have been started.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// To be called at the start of each.
    pub(crate) fn start(&mut self) {
        self.made += 1;
    }

    /// How long to wait before the next attempt, or nothing to give up. `elapsed` counts from the first one.
    pub(crate) fn wait_after(
        &mut self,
        failure: Failure,
        replay: Replay,
        elapsed: Duration,
    ) -> Option<Duration> {
        let allowed = match replay {
            Replay::Always => true,
            Replay::IfUnseen => !failure.may_have_worked(),
        };
        if !allowed || !failure.passes() || self.made >= self.policy.attempts {
            return None;
        }
        let delay = self.delays.next()?;
        let wait = match failure {
            Failure::Answered(_, Some(asked)) if asked > self.policy.max_retry_after => {
                return None;
            }
            // What the server asks for is the least; chance comes on top here, too.
            Failure::Answered(_, Some(asked)) => asked + delay.min(self.policy.min_delay),
            _ => delay,
        };
        match self.policy.deadline {
            Some(deadline) if elapsed + wait >= deadline => None,
            _ => Some(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: Failure = Failure::Answered(StatusCode::SERVICE_UNAVAILABLE, None);

    fn attempts(policy: RetryPolicy) -> Attempts {
        let mut attempts = Attempts::new(policy);
        attempts.start();
        attempts
    }

    #[test]
    fn waits_longer_each_time_and_gives_up_when_the_budget_is_spent() {
        let mut attempts = attempts(RetryPolicy {
            attempts: 4,
            ..RetryPolicy::default()
        });
        let mut waits = Vec::new();
        while let Some(wait) = attempts.wait_after(UNAVAILABLE, Replay::Always, Duration::ZERO) {
            waits.push(wait.as_millis());
            attempts.start();
        }
        assert_eq!(attempts.made(), 4);
        for (wait, least) in waits.iter().zip([100, 200, 400]) {
            assert!((least..=2 * least).contains(wait), "{waits:?}");
        }
    }

    #[test]
    fn waits_as_long_as_the_server_asks_but_not_for_ever() {
        let asked = |seconds| {
            Failure::Answered(
                StatusCode::TOO_MANY_REQUESTS,
                Some(Duration::from_secs(seconds)),
            )
        };
        let mut attempts = attempts(RetryPolicy::default());
        let wait = attempts
            .wait_after(asked(7), Replay::Always, Duration::ZERO)
            .unwrap();
        assert!(
            wait >= Duration::from_secs(7) && wait < Duration::from_secs(8),
            "{wait:?}"
        );
        assert_eq!(
            attempts.wait_after(asked(3600), Replay::Always, Duration::ZERO),
            None
        );
    }

    #[test]
    fn does_not_wait_past_the_deadline() {
        let policy = RetryPolicy {
            deadline: Some(Duration::from_secs(10)),
            ..RetryPolicy::default()
        };
        let elapsed = Duration::from_millis(9_900);
        assert_eq!(
            attempts(policy).wait_after(UNAVAILABLE, Replay::Always, elapsed),
            None
        );
    }

    #[test]
    fn does_not_repeat_what_fails_before_it_is_sent() {
        let wait = attempts(RetryPolicy::default()).wait_after(
            Failure::Local,
            Replay::Always,
            Duration::ZERO,
        );
        assert_eq!(wait, None);
    }

    #[test]
    fn does_not_repeat_what_will_fail_again() {
        for status in [400, 401, 403, 404, 409, 411, 412, 413, 416, 422, 501] {
            let failure = Failure::Answered(StatusCode::from_u16(status).unwrap(), None);
            let wait = attempts(RetryPolicy::default()).wait_after(
                failure,
                Replay::Always,
                Duration::ZERO,
            );
            assert_eq!(wait, None, "{status}");
        }
    }

    #[test]
    fn repeats_what_must_happen_once_only_if_it_surely_did_not_happen() {
        let rate_limited = Failure::Answered(StatusCode::from_u16(498).unwrap(), None);
        let repeated = |failure| {
            attempts(RetryPolicy::default())
                .wait_after(failure, Replay::IfUnseen, Duration::ZERO)
                .is_some()
        };
        assert!(repeated(Failure::NotSent) && repeated(rate_limited));
        assert!(!repeated(Failure::Unanswered) && !repeated(UNAVAILABLE));
    }
}
