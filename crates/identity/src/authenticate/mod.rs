//! One sign-in: credentials in, token and catalog out. Nothing is remembered here; see [`crate::session`].

mod v1;
mod v2;
mod v3;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, LOCATION};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Exchange;
use crate::http_client::{displayed, parse_url};
use crate::{Catalog, Credentials, Endpoint, Error, Interface, OBJECT_CDN, OBJECT_STORE, Secret};

/// The answer of an identity service is small; whatever is longer is not one.
const MAX_BODY_BYTES: usize = 4 << 20;

/// So much of what a service says of an error is shown, in characters.
const MAX_MESSAGE: usize = 200;

/// Clocks that differ by no more than this are taken for the same.
const TOLERATED_DIFFERENCE: SignedDuration = SignedDuration::from_mins(5);

/// What a sign-in gives.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) token: Option<Secret>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) catalog: Catalog,
    /// Set if the token was over when it came, by whatever clock could be asked: what to say should it be refused.
    pub(crate) skew: Option<Error>,
}

/// Signs in. `now` turns the life the server states into a moment of our clock.
pub(crate) async fn authenticate(
    http: &reqwest::Client,
    timeout: Duration,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Grant, Error> {
    let call = |auth_url: &str, to: fn(&Url) -> Url| -> Result<Call<'_>, Error> {
        let url = to(&parse_url(auth_url, "auth_url")?);
        Ok(Call {
            http,
            timeout,
            credentials,
            url,
            now,
        })
    };
    match credentials {
        Credentials::TempAuthV1 {
            auth_url,
            user,
            key,
        } => v1::sign_in(&call(auth_url, Url::clone)?, user, key).await,
        Credentials::RackspaceApiKey {
            auth_url,
            username,
            api_key,
            tenant,
        } => {
            let call = call(auth_url, v2::tokens_url)?;
            v2::sign_in(&call, v2::api_key(username, api_key), tenant.as_ref(), None).await
        }
        Credentials::RackspacePassword {
            auth_url,
            username,
            password,
            passcode,
            tenant,
        } => {
            let call = call(auth_url, v2::tokens_url)?;
            v2::sign_in(
                &call,
                v2::password(username, password),
                tenant.as_ref(),
                passcode.as_ref(),
            )
            .await
        }
        Credentials::RackspaceKeyOrPassword {
            auth_url,
            username,
            secret,
            passcode,
            tenant,
        } => {
            let call = call(auth_url, v2::tokens_url)?;
            // A passcode that is at hand answers a question that only a password raises.
            if passcode.is_none() {
                let as_key = v2::api_key(username, secret);
                match v2::sign_in(&call, as_key, tenant.as_ref(), None).await {
                    Err(Error::WrongCredentials(_)) => {}
                    result => return result,
                }
            }
            let as_password = v2::password(username, secret);
            v2::sign_in(&call, as_password, tenant.as_ref(), passcode.as_ref()).await
        }
        Credentials::V2Token {
            auth_url,
            token,
            tenant,
        } => {
            let call = call(auth_url, v2::tokens_url)?;
            v2::sign_in(&call, v2::token(token), tenant.as_ref(), None).await
        }
        Credentials::KeystoneV2Password {
            auth_url,
            username,
            password,
            tenant,
        } => {
            let call = call(auth_url, v2::tokens_url)?;
            v2::sign_in(
                &call,
                v2::password(username, password),
                tenant.as_ref(),
                None,
            )
            .await
        }
        Credentials::KeystoneV3 {
            auth_url,
            method,
            scope,
        } => v3::sign_in(&call(auth_url, v3::tokens_url)?, method, scope).await,
        Credentials::Token {
            token,
            storage_url,
            cdn_url,
        } => Ok(Grant {
            token: Some(token.clone()),
            expires_at: None,
            catalog: fixed(storage_url, cdn_url.as_deref()),
            skew: None,
        }),
        Credentials::Anonymous { storage_url } => Ok(Grant {
            token: None,
            expires_at: None,
            catalog: fixed(storage_url, None),
            skew: None,
        }),
    }
}

/// The catalog of a cloud that names its addresses without regions.
fn fixed(storage_url: &str, cdn_url: Option<&str>) -> Catalog {
    let endpoint = |service_type: &str, url: &str| Endpoint {
        service_type: service_type.to_owned(),
        region: None,
        interface: Interface::Public,
        url: url.to_owned(),
    };
    let mut endpoints = vec![endpoint(OBJECT_STORE, storage_url)];
    endpoints.extend(cdn_url.map(|url| endpoint(OBJECT_CDN, url)));
    Catalog {
        endpoints,
        default_region: None,
    }
}

/// What the three protocols share: sending, and telling what came back.
struct Call<'a> {
    http: &'a reqwest::Client,
    timeout: Duration,
    credentials: &'a Credentials,
    url: Url,
    now: Timestamp,
}

impl Call<'_> {
    /// Sends, reads the whole answer, and gives it back whatever its status.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
        let unreachable = |source: reqwest::Error| Error::Unreachable {
            url: displayed(&self.url),
            source: Arc::new(source.without_url()),
        };
        let mut response = request
            .timeout(self.timeout)
            .send()
            .await
            .map_err(unreachable)?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY_BYTES {
                break;
            }
        }
        let answer = Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        };
        self.compare_clocks(&answer);
        tracing::debug!(
            url = %displayed(&self.url), status = answer.status.as_u16(), method = self.credentials.method(), "sign-in"
        );
        Ok(answer)
    }

    /// The error for an answer that is no success.
    fn refused(&self, answer: &Answer) -> Error {
        let exchange = Box::new(self.exchange(answer));
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::WrongCredentials(exchange),
            // Keystone does not find an application credential or a token that is gone, and says so; a path that is not
            // there has no such words.
            StatusCode::NOT_FOUND
                if self.credentials.may_be_gone() && answer.identity_message().is_some() =>
            {
                Error::WrongCredentials(exchange)
            }
            _ => Error::Refused(exchange),
        }
    }

    fn incomplete(&self, answer: &Answer, missing: &'static str) -> Error {
        Error::Incomplete {
            exchange: Box::new(self.exchange(answer)),
            missing,
        }
    }

    fn json<T: DeserializeOwned>(&self, answer: &Answer, what: &'static str) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => self.incomplete(answer, what),
            _ => Error::NotJson(Box::new(self.exchange(answer))),
        })
    }

    fn exchange(&self, answer: &Answer) -> Exchange {
        Exchange {
            method: self.credentials.method(),
            user: self.credentials.user().map(str::to_owned),
            url: displayed(&self.url),
            status: answer.status,
            trans_id: ["x-trans-id", "x-openstack-request-id"]
                .iter()
                .find_map(|name| answer.text(name)),
            // Masked first: half of a secret is one as well.
            message: answer
                .message()
                .map(|message| self.credentials.masked(message))
                .map(|message| message.chars().take(MAX_MESSAGE).collect()),
        }
    }

    /// When a token ends that the server says ends at `expires`, on our clock: the server's own `Date` is the measure, so
    /// that a clock that goes wrong on either side does no harm. A token that is over by that measure is used until it is
    /// refused, and then [`Error::ClockSkew`] is what to say.
    fn expiry(&self, answer: &Answer, expires: Option<&str>) -> (Option<Timestamp>, Option<Error>) {
        let Some(Ok(expires_at)) = expires.map(str::parse::<Timestamp>) else {
            return (None, None);
        };
        let server = answer.date();
        let life = expires_at.duration_since(server.unwrap_or(self.now));
        if life.is_positive() {
            return (self.now.checked_add(life).ok(), None);
        }
        let skew = Error::ClockSkew {
            exchange: Box::new(self.exchange(answer)),
            expires_at,
            server,
            now: self.now,
        };
        tracing::warn!(%skew, "the clocks of this sign-in do not agree");
        (None, Some(skew))
    }

    /// Says when the clocks differ: what depends on both, such as temp URLs, then works too short or too long.
    fn compare_clocks(&self, answer: &Answer) {
        if let Some(server) = answer.date()
            && server.duration_since(self.now).abs() > TOLERATED_DIFFERENCE
        {
            tracing::warn!(
                url = %displayed(&self.url), %server, here = %self.now,
                "this machine's clock and the identity service's differ; temp URLs will end too early or too late"
            );
        }
    }
}

/// A JSON body that is overwritten in memory once it is sent, and so are the texts it was made of.
fn secret_json(mut value: Value) -> Bytes {
    // Room enough for all but the strangest names: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer(&mut *text, &value).expect("a JSON value can be written to memory");
    wipe(&mut value);
    Bytes::from_owner(text)
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

/// A whole answer of an identity service. It holds a token, hence no `Debug`.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    fn text(&self, header: &str) -> Option<String> {
        let value = self.headers.get(header)?.to_str().ok()?;
        Some(value.to_owned())
    }

    fn date(&self) -> Option<Timestamp> {
        let date = jiff::fmt::rfc2822::parse(&self.text(DATE.as_str())?).ok()?;
        Some(date.timestamp())
    }

    fn secret(&self, header: &str) -> Option<Secret> {
        self.text(header)
            .filter(|value| !value.is_empty())
            .map(Secret::from)
    }

    /// What an error says of itself. Successes are not looked into: they hold tokens.
    fn message(&self) -> Option<String> {
        if self.status.is_redirection() {
            let location = Url::parse(&self.text(LOCATION.as_str())?).ok()?;
            return Some(format!("moved to {}", displayed(&location)));
        }
        if self.status.is_success() {
            return self.text(CONTENT_TYPE.as_str());
        }
        self.identity_message()
    }

    /// `{"unauthorized": {"code": 401, "message": "…"}}`, with `error` as the name in v3.
    fn identity_message(&self) -> Option<String> {
        let body: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&self.body).ok()?;
        let message = body.values().find_map(|value| value.get("message"))?;
        Some(message.as_str()?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(date: Option<&str>) -> Answer {
        let headers = date
            .map(|date| (DATE, date.parse().unwrap()))
            .into_iter()
            .collect();
        Answer {
            status: StatusCode::OK,
            headers,
            body: Zeroizing::default(),
        }
    }

    fn expiry(date: Option<&str>, expires: &str) -> Option<String> {
        let http = crate::HttpSettings::default().client().unwrap();
        let credentials = Credentials::anonymous("http://host/v1/a");
        let call = Call {
            http: &http,
            timeout: Duration::from_secs(1),
            credentials: &credentials,
            url: Url::parse("http://host").unwrap(),
            now: "2030-01-01T00:00:00Z".parse().unwrap(),
        };
        let (at, skew) = call.expiry(&answer(date), Some(expires));
        assert!(at.is_none() || skew.is_none());
        at.map(|at| at.to_string())
    }

    #[test]
    fn reads_expiry_with_z_or_an_offset() {
        assert_eq!(
            expiry(None, "2030-01-02T00:00:00.000Z").unwrap(),
            "2030-01-02T00:00:00Z"
        );
        assert_eq!(
            expiry(None, "2030-01-01T18:00:00.000-06:00").unwrap(),
            "2030-01-02T00:00:00Z"
        );
    }

    #[test]
    fn measures_the_life_of_a_token_by_the_servers_clock() {
        let behind = Some("Mon, 31 Dec 2029 20:00:00 GMT");
        assert_eq!(
            expiry(behind, "2029-12-31T21:00:00Z").unwrap(),
            "2030-01-01T01:00:00Z"
        );
    }

    #[test]
    fn knows_no_expiry_for_a_token_that_came_expired_or_without_a_readable_date() {
        assert_eq!(expiry(None, "2029-12-31T00:00:00Z"), None);
        assert_eq!(expiry(None, "tomorrow"), None);
    }
}
