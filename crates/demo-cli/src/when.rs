//! Moments as people type them.

use jiff::{SignedDuration, Timestamp};

use crate::args::duration;

/// A moment: so long from now (`3600`, `2h`, `7d`), a date and time (`2026-12-24T18:00:00Z`), or seconds since 1970
/// behind an `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    FromNow(SignedDuration),
    At(Timestamp),
}

impl When {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(seconds) = text.strip_prefix('@') {
            let at = seconds
                .parse()
                .ok()
                .and_then(|at| Timestamp::from_second(at).ok());
            return at
                .map(Self::At)
                .ok_or_else(|| "behind @ stand seconds since 1970".to_owned());
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let from_now = duration(text).map_err(|_| {
            "it is a time from now (3600, 2h, 7d), a moment (2026-12-24T18:00:00Z) or @ and seconds since 1970".to_owned()
        })?;
        let from_now = SignedDuration::try_from(from_now).map_err(|error| error.to_string())?;
        Ok(Self::FromNow(from_now))
    }

    /// In whole seconds since 1970.
    pub(crate) fn seconds(self, now: Timestamp) -> anyhow::Result<u64> {
        let at = match self {
            Self::At(at) => at,
            Self::FromNow(duration) => now.checked_add(duration)?,
        };
        Ok(u64::try_from(at.as_second())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_moments_in_three_spellings() {
        let now = Timestamp::from_second(1_400_000_000).unwrap();
        let read = |text: &str| When::parse(text).unwrap().seconds(now).unwrap();
        assert_eq!(read("3600"), 1_400_003_600);
        assert_eq!(read("2h"), 1_400_007_200);
        assert_eq!(read("1d"), 1_400_086_400);
        assert_eq!(read("@1500000000"), 1_500_000_000);
        assert_eq!(read("2014-05-13T16:53:20Z"), 1_400_000_000);
        assert!(When::parse("soon").is_err());
        assert!(When::parse("@soon").is_err());
    }
}
