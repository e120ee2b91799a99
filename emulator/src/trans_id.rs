//! The name of a transaction: of a request and of all that is asked on its behalf.

use std::fmt;
use std::sync::Arc;

use bytes::BufMut;
use http::HeaderValue;

use crate::timestamp::Timestamp;

/// `tx`, 21 random hex digits, the time in hex, and whatever the client wants to find again (`generate_trans_id` in
/// `swift/common/utils`).
///
/// Made for every request and read for few, so it takes no memory of its own unless the client adds something.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TransId {
    random: [u8; TransId::RANDOM],
    seconds: u64,
    /// With the hyphen before it.
    extra: Option<Arc<str>>,
}

const DIGITS: usize = 21;
const SECONDS: usize = 10;
const OWN: usize = "tx".len() + DIGITS + "-".len() + SECONDS;

impl TransId {
    /// As many random bytes as there are digits to be written of them, one to spare.
    pub(crate) const RANDOM: usize = DIGITS.div_ceil(2);

    /// A new one, with what the client says in `X-Trans-Id-Extra`, of which 32 letters count.
    pub(crate) fn new(now: Timestamp, extra: Option<&HeaderValue>) -> Self {
        let [random @ .., _, _, _, _, _] = fastrand::u128(..).to_le_bytes();
        let extra = extra
            .and_then(|extra| extra.to_str().ok())
            .filter(|extra| !extra.is_empty())
            .map(|extra| {
                let extra: String = extra.chars().take(32).collect();
                format!("-{}", crate::path::quote(&extra)).into()
            });
        Self {
            random,
            seconds: now.seconds(),
            extra,
        }
    }

    /// The one that was made of this: see [`Self::random`] and [`Self::extra`].
    pub(crate) fn of(random: [u8; Self::RANDOM], now: Timestamp, extra: &str) -> Self {
        Self {
            random,
            seconds: now.seconds(),
            extra: (!extra.is_empty()).then(|| extra.into()),
        }
    }

    pub(crate) fn random(&self) -> [u8; Self::RANDOM] {
        self.random
    }

    /// What the client adds, as it is written.
    pub(crate) fn extra(&self) -> &str {
        self.extra.as_deref().unwrap_or_default()
    }

    /// All but what the client adds.
    fn own(&self) -> [u8; OWN] {
        let mut own = *b"tx--------------------------------";
        // Both have the room they need, so that there is nothing to fail.
        let _ = hex::encode_to_slice(self.random, &mut own[2..=2 + DIGITS]);
        own[2 + DIGITS] = b'-';
        let _ = hex::encode_to_slice(
            &self.seconds.to_be_bytes()[3..],
            &mut own[OWN - SECONDS..OWN],
        );
        own
    }

    /// As a header has it, written to a page.
    pub(crate) fn put(&self, page: &mut impl BufMut) {
        page.put_slice(&self.own());
        page.put_slice(self.extra().as_bytes());
    }
}

impl PartialEq<str> for TransId {
    fn eq(&self, other: &str) -> bool {
        other
            .as_bytes()
            .strip_prefix(&self.own())
            .is_some_and(|rest| rest == self.extra().as_bytes())
    }
}

impl fmt::Display for TransId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.own()).unwrap_or_default())?;
        formatter.write_str(self.extra())
    }
}

impl fmt::Debug for TransId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_time_and_what_the_client_adds() {
        let now = Timestamp::from_ticks(0x00ab_cdef * 100_000);
        let plain = TransId::new(now, None).to_string();
        assert_eq!(plain.len(), 34);
        assert!(
            plain.starts_with("tx") && plain.ends_with("-0000abcdef"),
            "{plain}"
        );
        let random = plain[2..23].bytes();
        assert!(random.clone().all(|byte| byte.is_ascii_hexdigit()));

        let more = HeaderValue::from_static("mine and 29 letters more, of which the last");
        let id = TransId::new(now, Some(&more));
        assert!(
            id.to_string()
                .ends_with("-0000abcdef-mine%20and%2029%20letters%20more%2C%20of%20whi")
        );
        let mut page = Vec::new();
        id.put(&mut page);
        assert_eq!(page, id.to_string().as_bytes());
        assert!(id == *id.to_string() && id != *plain);
        assert_ne!(plain, TransId::new(now, None).to_string());
    }
}
