//! Passcodes: what a user shows after the password.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use totp_rs::Builder;

use super::{Problem, Secret};

/// How long an application shows a passcode.
const STEP: Duration = Duration::from_secs(30);

/// What a user shows after the password: one of a list of passcodes, or the one that an application shows just now.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// Where the user has passcodes from; it is told in `RAX-AUTH:authenticatedBy`.
    #[serde(default)]
    pub by: Factor,
    /// Passcodes that are always taken, each as often as it is shown.
    #[serde(default)]
    pub passcodes: Vec<Secret>,
    /// What the user's application knows, in base32 as it is typed there. It makes a passcode of 6 digits of this and the
    /// time, every 30 seconds (RFC 6238, SHA-1); by the emulator's clock the present and the last one are taken, as
    /// Keystone does.
    #[serde(default)]
    pub secret: Option<Secret>,
}

/// Where passcodes come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Factor {
    /// By text message: `PASSCODE`.
    #[default]
    Sms,
    /// From an application: `OTPPASSCODE`.
    Otp,
}

impl SecondFactor {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let problem = |key, message: &str| Err(Problem::new(key, message).within("second_factor"));
        match &self.secret {
            None if self.passcodes.is_empty() => {
                problem("", "it needs passcodes, or the secret of an application")
            }
            Some(secret) if read(secret).is_none() => problem("secret", "it is not base32"),
            _ => Ok(()),
        }
    }

    /// Whether this passcode is good at `now`.
    pub(crate) fn takes(&self, passcode: &str, now: SystemTime) -> bool {
        if self.passcodes.iter().any(|known| known.is(passcode)) {
            return true;
        }
        let Some(secret) = self.secret.as_ref().and_then(read) else {
            return false;
        };
        let application = Builder::new()
            .with_secret(secret)
            .with_skew(0)
            .build_noncompliant();
        [Some(now), now.checked_sub(STEP)]
            .into_iter()
            .flatten()
            .filter_map(|moment| moment.duration_since(UNIX_EPOCH).ok())
            .any(|moment| application.check(passcode, moment.as_secs()).is_some())
    }
}

fn read(secret: &Secret) -> Option<totp_rs::Secret> {
    let text = secret.reveal().trim_end_matches('=');
    totp_rs::Secret::try_from_base32(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 6238, appendix B.
    fn application() -> SecondFactor {
        SecondFactor {
            by: Factor::Otp,
            secret: Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()),
            ..SecondFactor::default()
        }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn takes_what_the_rfc_says_an_application_shows() {
        for (seconds, passcode) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert!(application().takes(passcode, at(seconds)), "{seconds}");
        }
    }

    #[test]
    fn takes_the_passcode_before_as_well_and_no_older_or_newer_one() {
        let application = application();
        assert!(application.takes("287082", at(30)));
        assert!(application.takes("287082", at(89)));
        assert!(!application.takes("287082", at(90)));
        assert!(!application.takes("287082", at(29)));
        assert!(!application.takes("", at(59)));
    }

    #[test]
    fn has_to_be_something() {
        assert!(application().check().is_ok());
        let nothing = SecondFactor::default();
        assert!(nothing.check().is_err());
        let wrong = SecondFactor {
            secret: Some("not base32!".into()),
            ..SecondFactor::default()
        };
        let problem = wrong.check().expect_err("it is wrong").to_string();
        assert_eq!(problem, "second_factor.secret: it is not base32");
    }
}
