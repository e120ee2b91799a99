//! Moments and spans of time as control requests write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::Deserialize;

use super::Refused;
use crate::clock::latest;

/// A moment: RFC 3339 text (`"2026-01-31T12:00:00Z"`), or Unix seconds as a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a moment is RFC 3339 text or a number of Unix seconds"
)]
pub(super) enum Moment {
    Text(String),
    Unix(f64),
}

impl Moment {
    /// The moment, which must lie between 1970 and the year 9999.
    pub(super) fn read(&self, field: &str) -> Result<SystemTime, Refused> {
        let moment = match self {
            Self::Text(text) => {
                let moment: Timestamp = text.parse().map_err(|_| {
                    let message =
                        format!("`{text}` is no RFC 3339 moment such as 2026-01-31T12:00:00Z");
                    Refused::bad(field, message)
                })?;
                SystemTime::try_from(moment).map_err(|_| out_of_range(field))?
            }
            Self::Unix(seconds) => Duration::try_from_secs_f64(*seconds)
                .ok()
                .and_then(|since| UNIX_EPOCH.checked_add(since))
                .ok_or_else(|| out_of_range(field))?,
        };
        if moment < UNIX_EPOCH || moment > latest() {
            return Err(out_of_range(field));
        }
        Ok(moment)
    }
}

fn out_of_range(field: &str) -> Refused {
    Refused::bad(field, "the moment must lie between 1970 and the year 9999")
}

/// A span of time, forward: one of `seconds` and `duration`.
pub(super) fn forward(seconds: Option<f64>, duration: Option<&str>) -> Result<Duration, Refused> {
    match (seconds, duration) {
        (Some(_), Some(_)) => Err(Refused::bad(
            "duration",
            "say either `seconds` or `duration`, not both",
        )),
        (None, None) => Err(Refused::missing("seconds")),
        (Some(seconds), None) => Duration::try_from_secs_f64(seconds).map_err(|error| {
            let message = format!("{error}; to go back, set the clock");
            Refused::bad("seconds", message)
        }),
        (None, Some(text)) => {
            let span: Span = text.parse().map_err(|_| {
                let message = format!("`{text}` is no duration such as 2m, 1h30m, 3 days or PT2M");
                Refused::bad("duration", message)
            })?;
            // Days are 24 hours here: there is no time zone whose summer could make one shorter.
            let days = SpanRelativeTo::days_are_24_hours();
            span.to_duration(days)
                .ok()
                .and_then(|duration| Duration::try_from(duration).ok())
                .ok_or_else(|| {
                    let message = "a duration is in weeks or smaller units, and not negative: to go back, set the clock";
                    Refused::bad("duration", message)
                })
        }
    }
}

/// A moment as RFC 3339 text, with fractions of a second where there are any; the last one that can be written, in 9999,
/// stands for all after it.
pub(super) fn text(moment: SystemTime) -> String {
    let moment = Timestamp::try_from(moment).unwrap_or(Timestamp::MAX);
    moment.to_string()
}

/// A moment in Unix seconds.
pub(super) fn unix(moment: SystemTime) -> f64 {
    moment
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_people_write_them() {
        for (text, seconds) in [
            ("2m", 120),
            ("1h30m", 5400),
            ("PT2M", 120),
            ("3 days", 259_200),
            ("1w", 604_800),
            ("0s", 0),
        ] {
            let read = forward(None, Some(text)).expect(text);
            assert_eq!(read, Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "2", "-2m", "1 month", "soon", "2m ago"] {
            assert!(forward(None, Some(text)).is_err(), "{text}");
        }
        assert!(forward(Some(-1.0), None).is_err());
        assert!(forward(Some(1e300), None).is_err());
        assert!(forward(Some(1.0), Some("1s")).is_err());
        assert!(forward(None, None).is_err());
    }

    #[test]
    fn every_moment_of_a_clock_has_a_text() {
        assert_eq!(text(latest()), "9998-12-31T23:59:59Z");
        let far = UNIX_EPOCH + Duration::from_secs(99_999_999_999_999);
        assert!(text(far).starts_with("9999-12-"), "{}", text(far));
    }

    #[test]
    fn reads_moments_and_refuses_what_no_clock_can_show() {
        let noon = UNIX_EPOCH + Duration::from_hours(491_628);
        let read = |text: &str| Moment::Text(text.to_owned()).read("to");
        assert_eq!(read("2026-01-31T12:00:00Z").ok(), Some(noon));
        assert_eq!(read("2026-01-31T13:00:00+01:00").ok(), Some(noon));
        assert_eq!(Moment::Unix(1_769_860_800.0).read("to").ok(), Some(noon));
        assert_eq!(text(noon), "2026-01-31T12:00:00Z");
        for moment in ["", "2026-01-31", "1969-12-31T23:59:59Z", "noon"] {
            assert!(read(moment).is_err(), "{moment}");
        }
        for seconds in [-1.0, 253_370_764_800.0, 1e300] {
            assert!(Moment::Unix(seconds).read("to").is_err(), "{seconds}");
        }
    }
}
