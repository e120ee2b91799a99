//! A fault as it is asked for: which requests, what happens to them, how often.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

/// The longest delay, in seconds.
const MAX_DELAY: f64 = 3600.0;
/// The longest lag of listings, in seconds.
const MAX_LAG: f64 = 31_536_000.0;

/// Which requests go wrong, how, and how often.
///
/// ```
/// use emulator::Fault;
///
/// let busy = Fault::on("PUT", "/v1/*/c/**").status(503).retry_after(1).times(2);
/// let slow = Fault::on("*", "/v1/**").delay(std::time::Duration::from_millis(200));
/// let half = Fault::on("GET", "/v1/*/c/o").cut_download_after(1_000_000).times(1);
/// ```
///
/// A request is matched by its **method**, by the glob over its decoded **path**, and by the **account** it names. In a
/// glob `*` stands for anything within one part of the path, `**` for any number of parts, and a backslash takes the
/// meaning from the letter behind it. Paths of every service can be matched: `/v1/ACCOUNT/…` and `/v2.0/tokens` as
/// well as `/cdn/v1/ACCOUNT/…` and the edge's `/_cdn/LABEL/…`, which is also the path of a request that reaches the edge
/// by its `Host`. Only the control surface below `/_emulator/` is never struck.
///
/// A fault counts only what it can have an effect on: token refusals only requests with a valid token, damage to
/// uploads only requests with a body, stale listings only reads of a container.
///
/// As JSON, with all that may be left out:
///
/// ```json
/// {"method": "GET", "path": "/v1/*/c/*", "account": "AUTH_test", "delay_seconds": 0.2,
///  "effect": {"status": {"code": 503, "body": "busy", "headers": {"X-A": "1"}, "retry_after": 1}},
///  "times": 2, "skip": 1, "probability": 0.5, "seed": 7}
/// ```
///
/// Other effects are `{"reset": "before"}`, `{"reset": "after"}`, `{"download": {"cut_after": BYTES}}`,
/// `{"download": {"bytes_per_second": BYTES}}`, `{"download": {"flip_byte": INDEX}}`, the same three with `upload`,
/// `"refuse_token"`, and `{"stale_listing": {"seconds": SECONDS}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use = "a fault does nothing until it is added"]
pub struct Fault {
    pub(super) method: Option<String>,
    pub(super) path: String,
    pub(super) account: Option<String>,
    pub(super) delay_seconds: f64,
    pub(super) effect: Option<Effect>,
    pub(super) times: Option<u64>,
    pub(super) skip: u64,
    pub(super) probability: f64,
    pub(super) seed: Option<u64>,
}

/// What happens to a request that is struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    Status(Answer),
    Reset(Moment),
    Download(Damage),
    Upload(Damage),
    RefuseToken,
    StaleListing(Lag),
}

/// What is answered instead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) code: u16,
    /// Swift's words for the status where there is none.
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// In seconds.
    #[serde(default)]
    pub(super) retry_after: Option<u64>,
}

/// When a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Moment {
    /// Nothing has been applied.
    Before,
    /// The request has been applied, and its answer is lost.
    After,
}

/// What happens to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Damage {
    /// So many bytes pass, and nothing more.
    CutAfter(u64),
    /// In real time.
    BytesPerSecond(u64),
    /// All bits of the byte at this index, counted from 0, are turned.
    FlipByte(u64),
}

/// How far listings are behind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lag {
    /// By the emulator's clock.
    pub(super) seconds: f64,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            method: None,
            path: "/**".to_owned(),
            account: None,
            delay_seconds: 0.0,
            effect: None,
            times: None,
            skip: 0,
            probability: 1.0,
            seed: None,
        }
    }
}

impl Fault {
    /// A fault for requests of a method (`*` for any) to paths that match a glob. It needs an effect or a delay yet.
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: (method != "*").then(|| method.to_owned()),
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// Only requests that name this account, in the storage API or to the CDN's management.
    pub fn account(mut self, name: &str) -> Self {
        self.account = Some(name.to_owned());
        self
    }

    /// Waits so long in real time, 1 hour at most, before the request is looked at. Goes together with any effect.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay_seconds = delay.as_secs_f64();
        self
    }

    /// Answers with this status, from 200 to 599, and does not apply the request.
    pub fn status(self, code: u16) -> Self {
        self.answer(|answer| answer.code = code)
    }

    /// Answers with this body instead of Swift's words for the status. A fault that does not answer yet answers 503.
    pub fn body(self, body: &str) -> Self {
        self.answer(|answer| answer.body = Some(body.to_owned()))
    }

    /// Answers with this header. A fault that does not answer yet answers 503.
    ///
    /// `Connection`, `Content-Length`, `Date`, `Transfer-Encoding`, `X-Openstack-Request-Id` and `X-Trans-Id` are the
    /// server's to say.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.answer(|answer| {
            answer.headers.insert(name.to_owned(), value.to_owned());
        })
    }

    /// Answers with `Retry-After`, in seconds. A fault that does not answer yet answers 503.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.answer(|answer| answer.retry_after = Some(seconds))
    }

    /// Resets the connection (RST) without applying the request.
    pub fn reset_before(self) -> Self {
        self.effect(Effect::Reset(Moment::Before))
    }

    /// Applies the request, then resets the connection (RST) instead of answering.
    pub fn reset_after(self) -> Self {
        self.effect(Effect::Reset(Moment::After))
    }

    /// Closes the connection when so many bytes of the answer's body have been sent. `Content-Length` goes on telling
    /// of the whole; a body that is no longer passes unharmed.
    pub fn cut_download_after(self, bytes: u64) -> Self {
        self.effect(Effect::Download(Damage::CutAfter(bytes)))
    }

    /// Sends the answer's body no faster than so many bytes in a second of real time.
    pub fn throttle_download(self, bytes_per_second: u64) -> Self {
        self.effect(Effect::Download(Damage::BytesPerSecond(bytes_per_second)))
    }

    /// Turns all bits of one byte of the answer's body, counted from 0.
    pub fn flip_download_byte(self, index: u64) -> Self {
        self.effect(Effect::Download(Damage::FlipByte(index)))
    }

    /// Resets the connection (RST) when so many bytes of the request's body have been read and more come; nothing is
    /// stored.
    pub fn cut_upload_after(self, bytes: u64) -> Self {
        self.effect(Effect::Upload(Damage::CutAfter(bytes)))
    }

    /// Reads the request's body no faster than so many bytes in a second of real time.
    pub fn throttle_upload(self, bytes_per_second: u64) -> Self {
        self.effect(Effect::Upload(Damage::BytesPerSecond(bytes_per_second)))
    }

    /// Turns all bits of one byte of the request's body, counted from 0, before it is stored.
    pub fn flip_upload_byte(self, index: u64) -> Self {
        self.effect(Effect::Upload(Damage::FlipByte(index)))
    }

    /// Takes a valid token for one that is unknown. The token stays good for requests that are not struck.
    pub fn refuse_token(self) -> Self {
        self.effect(Effect::RefuseToken)
    }

    /// Lists containers, and counts what is in them, as they were so long ago by the emulator's clock: what was written
    /// since does not show, what was removed still does. Of what was removed or replaced before the fault was added
    /// nothing is known any more.
    pub fn stale_listing(self, lag: Duration) -> Self {
        self.effect(Effect::StaleListing(Lag {
            seconds: lag.as_secs_f64(),
        }))
    }

    /// Strikes so many requests, at least one, and then no more. Without it: all.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many matching requests pass first.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes a matching request with this probability, from 0 to 1, as the seed decides.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// What decides together with [`Self::probability`]: a fault of the same seed strikes the same ones of its matching
    /// requests, by their order. Without it the seed follows from that of the whole set and the place in it.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    fn effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    fn answer(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        let mut answer = match self.effect.take() {
            Some(Effect::Status(answer)) => answer,
            _ => Answer {
                code: 503,
                body: None,
                headers: BTreeMap::new(),
                retry_after: None,
            },
        };
        change(&mut answer);
        self.effect(Effect::Status(answer))
    }

    /// Refuses what makes no sense, and names the field.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if self.effect.is_none() && self.delay_seconds == 0.0 {
            return Err(Invalid::new(
                "effect",
                "there is neither an effect nor a delay",
            ));
        }
        within("delay_seconds", self.delay_seconds, 0.0, MAX_DELAY)?;
        within("probability", self.probability, 0.0, 1.0)?;
        if self.times == Some(0) {
            return Err(Invalid::new(
                "times",
                "must be at least 1; leave it out for always",
            ));
        }
        match &self.effect {
            Some(Effect::Status(answer)) => answer.check(),
            Some(Effect::Download(Damage::BytesPerSecond(0))) => Err(no_speed("download")),
            Some(Effect::Upload(Damage::BytesPerSecond(0))) => Err(no_speed("upload")),
            Some(Effect::StaleListing(lag)) => {
                within("effect.stale_listing.seconds", lag.seconds, 0.0, MAX_LAG)
            }
            _ => Ok(()),
        }
    }

    /// `None` for any.
    pub(super) fn parsed_method(&self) -> Result<Option<Method>, Invalid> {
        let Some(name) = self.method.as_deref().filter(|name| *name != "*") else {
            return Ok(None);
        };
        // Methods are case-sensitive, and nobody means another one than the one in capitals.
        Method::from_bytes(name.to_ascii_uppercase().as_bytes())
            .map(Some)
            .map_err(|_| Invalid::new("method", format!("`{name}` is no method")))
    }
}

impl Answer {
    fn check(&self) -> Result<(), Invalid> {
        if !(200..=599).contains(&self.code) {
            return Err(Invalid::new(
                "effect.status.code",
                format!("{} is not between 200 and 599", self.code),
            ));
        }
        self.parsed_headers().map(|_| ())
    }

    pub(super) fn status(&self) -> StatusCode {
        // Checked before it came here.
        StatusCode::from_u16(self.code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
    }

    pub(super) fn parsed_headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Invalid> {
        self.headers
            .iter()
            .map(|(name, value)| {
                let invalid =
                    |why: &str| Invalid::new(format!("effect.status.headers.{name}"), why);
                let parsed = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| invalid("is no name of a header"))?;
                if matches!(
                    parsed.as_str(),
                    "connection"
                        | "content-length"
                        | "date"
                        | "transfer-encoding"
                        | "x-openstack-request-id"
                        | "x-trans-id"
                ) {
                    return Err(invalid("is the server's to say"));
                }
                let value = HeaderValue::from_bytes(value.as_bytes())
                    .map_err(|_| invalid("has a value that no header can have"))?;
                Ok((parsed, value))
            })
            .collect()
    }
}

fn no_speed(direction: &str) -> Invalid {
    Invalid::new(
        format!("effect.{direction}.bytes_per_second"),
        "must be at least 1",
    )
}

fn within(field: &'static str, value: f64, least: f64, most: f64) -> Result<(), Invalid> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(Invalid::new(
            field,
            format!("{value} is not between {least} and {most}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(fault: &Fault) -> String {
        let checked = fault
            .check()
            .and_then(|()| fault.parsed_method().map(|_| ()));
        checked.expect_err("it is wrong").field
    }

    #[test]
    fn names_the_field_that_makes_no_sense() {
        let fault = || Fault::on("GET", "/v1/**");
        assert_eq!(field(&fault()), "effect");
        assert_eq!(field(&fault().status(600)), "effect.status.code");
        assert_eq!(field(&fault().status(101)), "effect.status.code");
        assert_eq!(field(&fault().status(503).times(0)), "times");
        assert_eq!(field(&fault().status(503).probability(1.1)), "probability");
        assert_eq!(
            field(&fault().status(503).probability(f64::NAN)),
            "probability"
        );
        assert_eq!(
            field(&fault().delay(Duration::from_hours(2))),
            "delay_seconds"
        );
        assert_eq!(
            field(&fault().throttle_upload(0)),
            "effect.upload.bytes_per_second"
        );
        assert_eq!(
            field(&fault().header("Content-Length", "3")),
            "effect.status.headers.Content-Length"
        );
        assert_eq!(
            field(&fault().header("X-Trans-Id", "tx")),
            "effect.status.headers.X-Trans-Id"
        );
        assert_eq!(
            field(&fault().header("A", "b\r\nc")),
            "effect.status.headers.A"
        );
        assert_eq!(field(&Fault::on("G T", "/").reset_before()), "method");
    }

    #[test]
    fn is_the_same_again_after_a_journey_as_json() {
        let fault = Fault::on("PUT", "/v1/*/c/*")
            .account("AUTH_test")
            .delay(Duration::from_millis(250))
            .status(503)
            .retry_after(1)
            .header("X-A", "1")
            .times(2)
            .skip(1)
            .probability(0.5)
            .seed(7);
        let text = serde_json::to_string(&fault).expect("it can be written");
        assert_eq!(
            serde_json::from_str::<Fault>(&text).expect("it can be read"),
            fault
        );
    }

    #[test]
    fn reads_every_effect_from_json() {
        for (text, fault) in [
            (
                r#"{"effect": {"reset": "before"}}"#,
                Fault::default().reset_before(),
            ),
            (
                r#"{"effect": {"reset": "after"}}"#,
                Fault::default().reset_after(),
            ),
            (
                r#"{"effect": {"download": {"cut_after": 9}}}"#,
                Fault::default().cut_download_after(9),
            ),
            (
                r#"{"effect": {"upload": {"bytes_per_second": 9}}}"#,
                Fault::default().throttle_upload(9),
            ),
            (
                r#"{"effect": {"download": {"flip_byte": 0}}}"#,
                Fault::default().flip_download_byte(0),
            ),
            (
                r#"{"effect": "refuse_token"}"#,
                Fault::default().refuse_token(),
            ),
            (
                r#"{"effect": {"stale_listing": {"seconds": 5}}}"#,
                Fault::default().stale_listing(Duration::from_secs(5)),
            ),
            (
                r#"{"method": "GET", "effect": {"status": {"code": 498}}}"#,
                Fault::on("GET", "/**").status(498),
            ),
        ] {
            let read: Fault = serde_json::from_str(text).expect(text);
            assert_eq!(read, fault, "{text}");
        }
    }
}
