//! `cloudfiles tempurl verify` and `explain`.

use std::net::IpAddr;
use std::time::SystemTime;

use anyhow::Context as _;
use http::header::DATE;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use signing::{Digest, Key, Method, Refusal, TempUrlQuery, TempUrlRequest};
use swift_client::{KeyScope, KeySlot};

use super::{KeyArgs, method, not_signed};
use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::when::When;

/// By how much a server's clock may differ from ours and be the same: its `Date` has whole seconds and takes a while to come.
const TOLERATED_DIFFERENCE: SignedDuration = SignedDuration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The URL
    #[arg(value_name = "URL")]
    url: String,
    /// The method that would be used
    #[arg(long, value_name = "METHOD", default_value = "GET", value_parser = method)]
    method: Method,
    /// The address that the request would come from
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// At this moment and not now
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    at: Option<When>,
    #[command(flatten)]
    key: KeyArgs,
}

/// ```json
/// {"valid": false, "reason": "…", "hint": "…", "expires": 1400000000, "key": "account key 1"}
/// ```
#[derive(Serialize)]
struct Verdict {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Args {
    pub(super) async fn run(&self, explain: bool, context: &Context) -> anyhow::Result<Exit> {
        let (url, query) = self.url.split_once('?').ok_or_else(not_signed)?;
        let query = TempUrlQuery::parse(query.as_bytes()).ok_or_else(not_signed)?;
        let start = url
            .find("/v1/")
            .ok_or_else(|| WrongUse::new("there is no /v1/ in this URL"))?;
        let encoded = &url.as_bytes()[start..];
        let path: Vec<u8> = percent_encoding::percent_decode(encoded).collect();
        let (keys, server_time) = self.keys(&path, context).await?;
        let now = match (self.at, server_time) {
            (Some(at), _) => Timestamp::from_second(i64::try_from(at.seconds(context.now())?)?)?,
            (None, Some(there)) => there,
            (None, None) => context.now(),
        };
        let known: Vec<&Key> = keys.iter().map(|(_, key)| key).collect();
        let request = TempUrlRequest {
            method: self.method.as_str(),
            path: &path,
            client_ip: self.ip,
            keys: &known,
            allowed_digests: &Digest::ALL,
            now: SystemTime::try_from(now)?,
        };
        let judged = query.verify(&request);
        let verdict = match &judged {
            Ok(access) => Verdict {
                valid: true,
                reason: None,
                hint: None,
                expires: Some(access.expires),
                key: Some(keys[access.key].0.clone()),
            },
            Err(refusal) => Verdict {
                valid: false,
                reason: Some(refusal.to_string()),
                hint: hint(*refusal, &query, &request, encoded).filter(|_| explain),
                expires: None,
                key: None,
            },
        };
        let text = || match &verdict {
            Verdict {
                valid: true,
                expires,
                key,
                ..
            } => {
                let until =
                    expires.and_then(|at| Timestamp::from_second(i64::try_from(at).ok()?).ok());
                let key = key.as_deref().unwrap_or("a key");
                vec![format!(
                    "valid until {}, signed with {key}",
                    output::time(until)
                )]
            }
            verdict => {
                let mut lines = vec![format!(
                    "refused: {}",
                    verdict.reason.as_deref().unwrap_or_default()
                )];
                lines.extend(verdict.hint.clone());
                lines
            }
        };
        context.output.lines(text, &verdict);
        Ok(Exit::after(u64::from(!verdict.valid)))
    }

    /// The keys to try, with what they are called; and what time it is at the server, if it was asked and its clock is not
    /// as ours, as that of an emulator need not be.
    async fn keys(
        &self,
        path: &[u8],
        context: &Context,
    ) -> anyhow::Result<(Vec<(String, Key)>, Option<Timestamp>)> {
        let given = self.key.given()?;
        if !given.is_empty() {
            let named = (1..)
                .zip(given)
                .map(|(number, key)| (format!("key {number} of those given"), key));
            return Ok((named.collect(), None));
        }
        let path = std::str::from_utf8(path).context("the path is not UTF-8")?;
        let container = path.split('/').nth(3).unwrap_or_default();
        let client = context.client_of(None)?;
        let account = crate::record::account_of(&client).await?;
        let other = path.split('/').nth(2).unwrap_or_default();
        if account != other {
            anyhow::bail!("the URL is of the account {other}, not of {account}; give its --key");
        }
        let head = client.head_account().await?;
        let date =
            (head.headers.get(DATE)).and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        let there = (date.map(|date| date.timestamp()))
            .filter(|there| there.duration_since(context.now()).abs() > TOLERATED_DIFFERENCE);
        let mut keys = Vec::new();
        for (name, scope) in [
            ("account", KeyScope::Account),
            ("container", KeyScope::Container(container)),
        ] {
            for (number, slot) in [(1, KeySlot::One), (2, KeySlot::Two)] {
                match client.temp_url_key(scope, slot).await {
                    Ok(Some(key)) => keys.push((format!("key {number} of the {name}"), key)),
                    Ok(None) => {}
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok((keys, there))
    }
}

/// What the URL would be good for, or what its maker may have done.
fn hint(
    refusal: Refusal,
    query: &TempUrlQuery<'_>,
    request: &TempUrlRequest<'_>,
    encoded: &[u8],
) -> Option<String> {
    match refusal {
        Refusal::Expired { expires } => {
            let now = request
                .now
                .duration_since(std::time::UNIX_EPOCH)
                .ok()?
                .as_secs();
            Some(format!(
                "that was {} seconds ago",
                now.saturating_sub(expires)
            ))
        }
        Refusal::NoKey => Some("`cloudfiles tempurl key generate` makes a key".to_owned()),
        Refusal::WrongSignature => {
            for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
                let other = TempUrlRequest { method, ..*request };
                if query.verify(&other).is_ok() {
                    return Some(format!(
                        "it was signed for {method}, not for {}",
                        request.method
                    ));
                }
            }
            let raw = TempUrlRequest {
                path: encoded,
                ..*request
            };
            if query.verify(&raw).is_ok() {
                return Some("the percent-encoded path was signed: sign it decoded".to_owned());
            }
            Some("it was signed with another key, or path, expiry, prefix or IP range were changed since".to_owned())
        }
        _ => None,
    }
}
