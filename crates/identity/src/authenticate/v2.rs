//! `POST /v2.0/tokens`: Rackspace's identity service, and Keystone before v3.
//!
//! ```text
//! → {"auth":{"RAX-KSKEY:apiKeyCredentials":{"username":"demo","apiKey":"…"},"tenantId":"123456"}}
//! ← {"access":{"token":{"id":"…","expires":"2030-01-01T00:00:00.000Z"},"serviceCatalog":[…],
//!              "user":{"RAX-AUTH:defaultRegion":"DFW"}}}
//! ```
//!
//! A user with a second factor is answered 401 with `WWW-Authenticate: OS-MF sessionId='…', factor='PASSCODE'`; the
//! passcode follows in a second request that names the session in `X-SessionId`.

use http::StatusCode;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Answer, Call, Grant, secret_json};
use crate::catalog::{V2Service, from_v2};
use crate::credentials::{Passcode, Tenant};
use crate::{Catalog, Error, Secret};

/// `…/v2.0/tokens` for an address that may or may not have the version and the last step.
pub(super) fn tokens_url(auth_url: &Url) -> Url {
    let mut url = auth_url.clone();
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/tokens").unwrap_or(path);
    let base = path
        .strip_suffix("/v2.0")
        .or_else(|| path.strip_suffix("/v3"))
        .unwrap_or(path);
    url.set_path(&format!("{base}/v2.0/tokens"));
    url
}

/// What a Rackspace user with an API key shows.
pub(super) fn api_key(username: &str, api_key: &Secret) -> Value {
    json!({"RAX-KSKEY:apiKeyCredentials": {"username": username, "apiKey": api_key.expose()}})
}

/// What somebody with a token shows.
pub(super) fn token(token: &Secret) -> Value {
    json!({"token": {"id": token.expose()}})
}

/// What a user with a password shows.
pub(super) fn password(username: &str, password: &Secret) -> Value {
    json!({"passwordCredentials": {"username": username, "password": password.expose()}})
}

pub(super) async fn sign_in(
    call: &Call<'_>,
    credentials: Value,
    tenant: Option<&Tenant>,
    passcode: Option<&Passcode>,
) -> Result<Grant, Error> {
    if let Some(Passcode {
        code,
        session_id: Some(session_id),
    }) = passcode
    {
        return finish(call, &send_passcode(call, code, session_id).await?);
    }
    let answer = send(call, call.http.post(call.url.clone()), credentials, tenant).await?;
    let Some(session_id) = wanted_passcode(&answer) else {
        return finish(call, &answer);
    };
    match passcode {
        Some(Passcode { code, .. }) => finish(call, &send_passcode(call, code, &session_id).await?),
        None => Err(Error::PasscodeRequired {
            exchange: Box::new(call.exchange(&answer)),
            session_id,
        }),
    }
}

async fn send_passcode(
    call: &Call<'_>,
    code: &Secret,
    session_id: &Secret,
) -> Result<Answer, Error> {
    let session_id = session_id.header_value().ok_or(Error::InvalidCredentials {
        what: "the session id",
    })?;
    let credentials = json!({"RAX-AUTH:passcodeCredentials": {"passcode": code.expose()}});
    send(
        call,
        call.http
            .post(call.url.clone())
            .header("X-SessionId", session_id),
        credentials,
        None,
    )
    .await
}

async fn send(
    call: &Call<'_>,
    request: reqwest::RequestBuilder,
    mut auth: Value,
    tenant: Option<&Tenant>,
) -> Result<Answer, Error> {
    match tenant {
        Some(Tenant::Id(id)) => auth["tenantId"] = json!(id),
        Some(Tenant::Name(name)) => auth["tenantName"] = json!(name),
        None => {}
    }
    call.send(
        request
            .header(CONTENT_TYPE, "application/json")
            .body(secret_json(json!({"auth": auth})))
            .header("Accept", "application/json"),
    )
    .await
}

/// The session that a passcode is wanted for, from `OS-MF sessionId='…', factor='PASSCODE'`.
fn wanted_passcode(answer: &Answer) -> Option<Secret> {
    if answer.status != StatusCode::UNAUTHORIZED {
        return None;
    }
    let challenge = answer.text(WWW_AUTHENTICATE.as_str())?;
    let rest = challenge.strip_prefix("OS-MF")?;
    let (_, quoted) = rest.split_once("sessionId='")?;
    let (session_id, _) = quoted.split_once('\'')?;
    Some(Secret::from(session_id))
}

#[derive(Deserialize)]
struct Body {
    access: Access,
}

#[derive(Deserialize)]
struct Access {
    token: Token,
    #[serde(default, rename = "serviceCatalog")]
    service_catalog: Vec<V2Service>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct Token {
    id: Secret,
    expires: Option<String>,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "RAX-AUTH:defaultRegion")]
    default_region: Option<String>,
}

fn finish(call: &Call<'_>, answer: &Answer) -> Result<Grant, Error> {
    if !answer.status.is_success() {
        return Err(call.refused(answer));
    }
    let Body { access } = call.json(answer, "access.token")?;
    let default_region = access
        .user
        .and_then(|user| user.default_region)
        .filter(|region| !region.is_empty());
    let (expires_at, skew) = call.expiry(answer, access.token.expires.as_deref());
    Ok(Grant {
        expires_at,
        skew,
        token: Some(access.token.id),
        catalog: Catalog {
            endpoints: from_v2(access.service_catalog),
            default_region,
        },
    })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn finds_the_tokens_whether_or_not_the_version_is_given() {
        for given in [
            "http://h",
            "http://h/",
            "http://h/v2.0",
            "http://h/v2.0/",
            "http://h/v2.0/tokens",
            "http://h/v3",
        ] {
            assert_eq!(
                tokens_url(&Url::parse(given).unwrap()).as_str(),
                "http://h/v2.0/tokens",
                "{given}"
            );
        }
        let below_a_path = Url::parse("http://h/identity/v2.0").unwrap();
        assert_eq!(
            tokens_url(&below_a_path).as_str(),
            "http://h/identity/v2.0/tokens"
        );
    }

    #[test]
    fn reads_the_session_of_a_passcode_challenge() {
        let answer = |challenge: &str| Answer {
            status: StatusCode::UNAUTHORIZED,
            headers: [(WWW_AUTHENTICATE, challenge.parse().unwrap())]
                .into_iter()
                .collect(),
            body: Zeroizing::default(),
        };
        let session =
            wanted_passcode(&answer("OS-MF sessionId='abc123', factor='PASSCODE'")).unwrap();
        assert_eq!(session.expose(), "abc123");
        assert!(wanted_passcode(&answer("Keystone uri='http://h'")).is_none());
    }
}
