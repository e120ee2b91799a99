//! `GET` with a user and a key in headers: Swift's `TempAuth`, Rackspace's v1.0.
//!
//! The answer's headers are all there is: `X-Auth-Token` (or `X-Storage-Token`), `X-Storage-Url`, at Rackspace
//! `X-CDN-Management-Url`, from `TempAuth` `X-Auth-Token-Expires` in seconds from now.

use jiff::SignedDuration;

use super::{Call, Grant, fixed};
use crate::{Error, Secret};

pub(super) async fn sign_in(call: &Call<'_>, user: &str, key: &Secret) -> Result<Grant, Error> {
    let user = Secret::from(user)
        .header_value()
        .ok_or(Error::InvalidCredentials {
            what: "the user name",
        })?;
    let key = key
        .header_value()
        .ok_or(Error::InvalidCredentials { what: "the key" })?;
    let request = call
        .http
        .get(call.url.clone())
        .header("X-Auth-User", user)
        .header("X-Auth-Key", key);
    let answer = call.send(request).await?;
    if !answer.status.is_success() {
        return Err(call.refused(&answer));
    }
    // The order is python-swiftclient's: where both are sent, storage may want its own.
    let token = answer
        .secret("x-storage-token")
        .or_else(|| answer.secret("x-auth-token"));
    let token = token.ok_or_else(|| call.incomplete(&answer, "X-Auth-Token"))?;
    let storage_url = answer
        .text("x-storage-url")
        .ok_or_else(|| call.incomplete(&answer, "X-Storage-Url"))?;
    let life = answer
        .text("x-auth-token-expires")
        .and_then(|seconds| seconds.parse().ok());
    let life = life.map(SignedDuration::from_secs);
    Ok(Grant {
        token: Some(token),
        expires_at: life
            .filter(SignedDuration::is_positive)
            .and_then(|life| call.now.checked_add(life).ok()),
        skew: None,
        catalog: fixed(&storage_url, answer.text("x-cdn-management-url").as_deref()),
    })
}
