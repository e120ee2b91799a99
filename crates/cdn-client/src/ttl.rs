//! How long an edge may keep what it has fetched.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A time to live that Cloud Files accepts: 900 to 31,536,000 whole seconds (15 minutes to a year).
///
/// The service moves other values to the nearer bound without a word; here they cannot come into being.
///
/// ```
/// use cdn_client::{Ttl, TtlError};
///
/// assert_eq!(Ttl::from_seconds(900).unwrap(), Ttl::MIN);
/// assert_eq!(Ttl::from_seconds(899), Err(TtlError::TooShort));
/// assert_eq!(Ttl::from_seconds(31_536_001), Err(TtlError::TooLong));
/// assert_eq!("259200".parse(), Ok(Ttl::DEFAULT));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

impl Ttl {
    /// 15 minutes.
    pub const MIN: Self = Self(900);
    /// 365 days.
    pub const MAX: Self = Self(31_536_000);
    /// 72 hours: what a container gets that is published without one.
    pub const DEFAULT: Self = Self(259_200);

    /// A TTL of so many seconds.
    ///
    /// # Errors
    /// The bound that is broken.
    pub fn from_seconds(seconds: u64) -> Result<Self, TtlError> {
        match u32::try_from(seconds) {
            Ok(seconds) if seconds < Self::MIN.0 => Err(TtlError::TooShort),
            Ok(seconds) if seconds <= Self::MAX.0 => Ok(Self(seconds)),
            _ => Err(TtlError::TooLong),
        }
    }

    /// In seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl Default for Ttl {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<Ttl> for Duration {
    fn from(ttl: Ttl) -> Self {
        Self::from_secs(ttl.0.into())
    }
}

impl TryFrom<Duration> for Ttl {
    type Error = TtlError;

    /// Fractions of a second are cut off, but do not lift a duration over the upper bound.
    fn try_from(duration: Duration) -> Result<Self, TtlError> {
        if duration > Self::MAX.into() {
            Err(TtlError::TooLong)
        } else {
            Self::from_seconds(duration.as_secs())
        }
    }
}

impl FromStr for Ttl {
    type Err = TtlError;

    /// Reads whole seconds.
    fn from_str(text: &str) -> Result<Self, TtlError> {
        match text.trim().parse() {
            Ok(seconds) => Self::from_seconds(seconds),
            Err(error) => Err(match error.kind() {
                std::num::IntErrorKind::PosOverflow => TtlError::TooLong,
                _ => TtlError::NotSeconds,
            }),
        }
    }
}

/// Why something is no [`Ttl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TtlError {
    /// Below [`Ttl::MIN`].
    #[error("a TTL is at least {} seconds (15 minutes)", Ttl::MIN)]
    TooShort,
    /// Above [`Ttl::MAX`].
    #[error("a TTL is at most {} seconds (365 days)", Ttl::MAX)]
    TooLong,
    /// Not a whole number.
    #[error("a TTL is a whole number of seconds")]
    NotSeconds,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_its_bounds_and_nothing_beyond() {
        assert_eq!(Ttl::from_seconds(31_536_000), Ok(Ttl::MAX));
        for seconds in [0, 1, 899] {
            assert_eq!(Ttl::from_seconds(seconds), Err(TtlError::TooShort));
        }
        for seconds in [31_536_001, u64::from(u32::MAX) + 1000, u64::MAX] {
            assert_eq!(Ttl::from_seconds(seconds), Err(TtlError::TooLong));
        }
    }

    #[test]
    fn reads_durations_without_letting_a_fraction_over_the_bound() {
        assert_eq!(Ttl::try_from(Duration::from_millis(900_500)), Ok(Ttl::MIN));
        assert_eq!(
            Ttl::try_from(Duration::from_millis(899_999)),
            Err(TtlError::TooShort)
        );
        assert_eq!(
            Ttl::try_from(Duration::from_millis(31_536_000_001)),
            Err(TtlError::TooLong)
        );
    }

    #[test]
    fn says_which_bound_a_text_breaks() {
        assert_eq!("899".parse::<Ttl>(), Err(TtlError::TooShort));
        assert_eq!(
            "99999999999999999999999".parse::<Ttl>(),
            Err(TtlError::TooLong)
        );
        for text in ["", "-1", "1.5e3", "an hour"] {
            assert_eq!(text.parse::<Ttl>(), Err(TtlError::NotSeconds), "{text}");
        }
        assert_eq!(
            TtlError::TooShort.to_string(),
            "a TTL is at least 900 seconds (15 minutes)"
        );
    }
}
