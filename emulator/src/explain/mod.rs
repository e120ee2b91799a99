//! Why the server would answer 401 to a URL, for whoever made it.
//!
//! Swift says the same to every temporary URL that is not good, so that nobody can probe for keys. Here somebody asks
//! about their own URL, on the control surface, and is told: what the server refuses it for, and whatever else is wrong
//! or right with it.

mod cause;
mod former_keys;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use signing::{
    Diagnosis, Digest, Key, Refusal, Signature, Signed, Signer, TempUrlQuery, TempUrlRequest,
};

use crate::core::Core;
use crate::emulator::Emulator;
use crate::path::{Path, Resource};
use crate::resources::{acl, container, temp_url_keys};
use crate::timestamp::Timestamp;

pub use cause::Cause;
pub(crate) use former_keys::FormerKeys;

/// What the server makes of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether the request would be let in. What it would find there is another question.
    pub allowed: bool,
    /// What decides it.
    pub cause: Cause,
    /// All findings in one sentence. It holds neither key nor signature.
    pub message: String,
    /// What was found, the cause first.
    pub findings: Vec<Finding>,
    /// The last moment the URL is good for, where it has one.
    pub expires: Option<SystemTime>,
    /// The key that signed, where one was found.
    pub key: Option<KeyPlace>,
    /// The method that was signed, where a key was found.
    pub signed_method: Option<&'static str>,
    /// The signature's digest, where it is a signature.
    pub digest: Option<&'static str>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub cause: Cause,
    /// The same in words.
    pub message: String,
}

/// Which key signed a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPlace {
    /// Whether it is the container's, and not the account's.
    pub of_container: bool,
    /// 1 for `Temp-URL-Key`, 2 for `Temp-URL-Key-2`.
    pub number: u8,
    /// When it was replaced, if it is set no longer.
    pub replaced: Option<SystemTime>,
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.of_container {
            "container"
        } else {
            "account"
        };
        write!(formatter, "key {} of the {of}", self.number)
    }
}

/// A text that is no URL of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the URL of a container or an object, such as http://127.0.0.1:8080/v1/AUTH_test/container/object?…"
)]
pub struct NotAStorageUrl;

/// A request by its URL, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    /// Percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) ip: IpAddr,
}

impl Emulator {
    /// Why a URL would be let in or refused, if it were asked with this method from this machine, now.
    ///
    /// # Errors
    /// When it is not the URL of a container or an object.
    ///
    /// ```
    /// use emulator::Cause;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = emulator::Emulator::builder().start().await?;
    /// let url = format!("{}/v1/AUTH_test/c/o?temp_url_expires=1&temp_url_sig=0", emulator.url());
    /// let explanation = emulator.explain(&url, "GET")?;
    /// assert!(!explanation.allowed);
    /// assert_eq!(explanation.cause, Cause::Expired);
    /// # Ok(())
    /// # }
    /// ```
    pub fn explain(&self, url: &str, method: &str) -> Result<Explanation, NotAStorageUrl> {
        self.core()
            .explain_url(url, method, Ipv4Addr::LOCALHOST.into())
    }
}

impl Core {
    /// Explains a URL, whole or from its path on; its port says which region is meant.
    pub(crate) fn explain_url(
        &self,
        url: &str,
        method: &str,
        ip: IpAddr,
    ) -> Result<Explanation, NotAStorageUrl> {
        let url = url.trim();
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let (authority, target) = match url.split_once("://") {
            Some((_, rest)) => rest.split_at(rest.find('/').ok_or(NotAStorageUrl)?),
            None => ("", url),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let question = Question {
            method,
            path,
            query,
            ip,
        };
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let port: Option<u16> = port.and_then(|port| port.parse().ok());
        let other = self
            .siblings
            .all()
            .find(|core| Some(core.regions.port()) == port);
        match other {
            Some(core) => core.explain(&question),
            None => self.explain(&question),
        }
    }

    /// Explains a request to this region.
    pub(crate) fn explain(&self, question: &Question<'_>) -> Result<Explanation, NotAStorageUrl> {
        let path = Path::decode(question.path).ok_or(NotAStorageUrl)?;
        let (account, container, object) = match path.named() {
            Some(Resource::Object(account, container, object)) => (account, container, object),
            Some(Resource::Container(account, container)) => (account, container, ""),
            _ => return Err(NotAStorageUrl),
        };
        let Some(query) = TempUrlQuery::parse(question.query.as_bytes()) else {
            return Ok(self.without_signature(question, account, container, object));
        };
        let keys = self.named_keys(account, container);
        let current: Vec<&Key> = keys.iter().map(|(_, key)| key).collect();
        let now = self.clock.now();
        let judge = |now| {
            query.verify(&TempUrlRequest {
                method: question.method,
                path: path.as_str().as_bytes(),
                client_ip: Some(question.ip.to_canonical()),
                keys: &current,
                allowed_digests: &Digest::ALL,
                now,
            })
        };
        let signature = query.signature.as_deref().map(str::parse::<Signature>);
        let digest = signature
            .and_then(Result::ok)
            .map(|signature| signature.digest());
        let tried = digest.map_or_else(Vec::new, |digest| {
            self.signers(&keys, (account, container), digest)
        });
        let (places, signers): (Vec<KeyPlace>, Vec<Signer>) = tried.into_iter().unzip();
        let diagnosis = query.diagnose(question.path, &signers);

        let mut found = Findings(Vec::new());
        let verdict = judge(now);
        // What else would be said if it were in time.
        let in_time = judge(UNIX_EPOCH);
        let expires = match (&verdict, &in_time) {
            (Err(Refusal::Expired { expires }), _) => Some(*expires),
            (_, Ok(access)) => Some(access.expires),
            _ => None,
        };
        if let Err(refusal @ Refusal::Expired { expires }) = &verdict {
            let at = UNIX_EPOCH + Duration::from_secs(*expires);
            let ago = now.duration_since(at).unwrap_or_default().as_secs_f64();
            let text = format!("the URL expired {} s ago, at {}", seconds(ago), moment(at));
            found.add(Cause::of(refusal), text);
        }
        if let Err(refusal) = &in_time
            && !matches!(refusal, Refusal::WrongSignature | Refusal::NoKey)
        {
            found.add(Cause::of(refusal), refusal.to_string());
        }
        let place = diagnosis.as_ref().and_then(|found| places.get(found.key));
        match (&diagnosis, place) {
            (Some(diagnosis), Some(place)) => {
                found.add_diagnosis(diagnosis, *place, question.method);
            }
            _ => self.add_unmatched(&mut found, in_time.as_ref().err(), account, &places),
        }
        let allowed = verdict.is_ok();
        if let Ok(access) = &verdict {
            let until = UNIX_EPOCH + Duration::from_secs(access.expires);
            let left = until.duration_since(now).unwrap_or_default().as_secs_f64();
            let text = format!(
                "the URL would be let in until {}, for {} s more",
                moment(until),
                seconds(left)
            );
            found.0.insert(0, finding(Cause::Valid, text));
            self.add_missing(&mut found, question.method, (account, container, object));
        }
        Ok(Explanation {
            expires: expires.map(|at| UNIX_EPOCH + Duration::from_secs(at)),
            key: place.copied(),
            signed_method: diagnosis.map(|diagnosis| diagnosis.method.as_str()),
            digest: digest.map(Digest::name),
            ..found.explain(allowed)
        })
    }

    /// A URL that is no temporary one: good only where anybody may read.
    fn without_signature(
        &self,
        question: &Question<'_>,
        account: &str,
        container: &str,
        object: &str,
    ) -> Explanation {
        let list = container::access_list(self, account, container, "x-container-read");
        let list = acl::container::Acl::parse(list.as_deref().unwrap_or_default());
        let reads = question.method == Method::GET || question.method == Method::HEAD;
        let public = reads
            && list.allows_referer("")
            && (!object.is_empty() || list.has_group(".rlistings"));
        let mut found = Findings(Vec::new());
        if public {
            found.add(Cause::Public, "anybody may read this container".to_owned());
            self.add_missing(&mut found, question.method, (account, container, object));
        } else {
            let text = "the URL has neither temp_url_sig nor temp_url_expires, and without a token nobody may do this";
            found.add(Cause::NoTempUrl, text.to_owned());
        }
        found.explain(public)
    }

    /// The keys that are set now, the account's first.
    fn named_keys(&self, account: &str, container: &str) -> Vec<(KeyPlace, Key)> {
        let of_account = self.store.account(account);
        let of_container = self.store.container(account, container);
        let of_account = of_account.map(|account| temp_url_keys::of_account(&account));
        let of_container = of_container.map(|container| temp_url_keys::of_container(&container));
        let mut keys = Vec::new();
        for (of_container, held) in [(false, of_account), (true, of_container)] {
            for (number, key) in (1_u8..).zip(held.into_iter().flatten()) {
                let place = KeyPlace {
                    of_container,
                    number,
                    replaced: None,
                };
                keys.extend(key.map(|key| (place, key)));
            }
        }
        keys
    }

    /// The keys that may have signed, ready for a digest: those that are set now, then those that were.
    fn signers(
        &self,
        keys: &[(KeyPlace, Key)],
        (account, container): (&str, &str),
        digest: Digest,
    ) -> Vec<(KeyPlace, Signer)> {
        let set = keys.iter().filter(|(_, key)| !key.is_empty());
        let mut signers: Vec<_> = set
            .map(|(place, key)| (*place, Signer::new(key, digest)))
            .collect();
        for (of_container, holder) in [(false, ""), (true, container)] {
            for former in self.former_keys.of(account, holder) {
                let place = KeyPlace {
                    of_container,
                    number: former.number,
                    replaced: Some(former.replaced),
                };
                signers.push((place, former.signer(digest)));
            }
        }
        signers
    }

    /// What there is to say where no key gives the signature.
    fn add_unmatched(
        &self,
        found: &mut Findings,
        refusal: Option<&Refusal>,
        account: &str,
        tried: &[KeyPlace],
    ) {
        match refusal {
            Some(Refusal::NoKey) => {
                let known =
                    self.store.account(account).is_some() || self.identity.owns_account(account);
                if !known {
                    let text = "nobody owns this account, and nothing is in it";
                    found.add(Cause::UnknownAccount, text.to_owned());
                }
                found.add(Cause::NoKey, Refusal::NoKey.to_string());
            }
            Some(Refusal::WrongSignature) => {
                let set = tried.iter().filter(|place| place.replaced.is_none());
                let set: Vec<String> = set.map(KeyPlace::to_string).collect();
                let text = format!(
                    "the signature matches neither {} nor a former one, for this method and path or for what is often signed by mistake",
                    set.join(" nor ")
                );
                found.add(Cause::WrongSignature, text);
            }
            _ => {}
        }
    }

    fn add_missing(
        &self,
        found: &mut Findings,
        method: &str,
        (account, container, object): (&str, &str, &str),
    ) {
        let now = Timestamp::from(self.clock.now());
        let held = self.store.container(account, container);
        let missing = match held {
            None => Some("there is no such container"),
            Some(_) if object.is_empty() || method == "PUT" => None,
            Some(held) => {
                let there = held.object(object, now).is_some();
                (!there).then_some("there is no such object")
            }
        };
        if let Some(text) = missing {
            found.add(
                Cause::ObjectMissing,
                format!("{text}, so the answer would be 404"),
            );
        }
    }
}

/// What was found so far, the cause first.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, cause: Cause, message: String) {
        self.0.push(finding(cause, message));
    }

    /// What is known of a signature that some key gives.
    fn add_diagnosis(&mut self, diagnosis: &Diagnosis, place: KeyPlace, asked: &str) {
        let allowed = asked
            .parse()
            .is_ok_and(|asked: signing::Method| asked.allowed_by().contains(&diagnosis.method));
        let right = diagnosis.signed == Signed::Right && allowed;
        match place.replaced {
            Some(at) => {
                let text = format!(
                    "it was signed with {place}, which was replaced at {}",
                    moment(at)
                );
                self.add(Cause::KeyReplaced, text);
            }
            None if right => {
                let text = format!("the signature matches {place}");
                self.add(Cause::SignatureMatches, text);
            }
            None => {}
        }
        if !allowed {
            let text = format!(
                "it was signed for {}, and is asked with {asked}",
                diagnosis.method
            );
            self.add(Cause::WrongMethod, text);
        }
        match &diagnosis.signed {
            Signed::Right => {}
            signed @ Signed::EncodedPath => self.add(Cause::EncodedPathSigned, signed.to_string()),
            signed => self.add(Cause::WrongTextSigned, signed.to_string()),
        }
        if place.replaced.is_none() && !right {
            let text = format!("{place} is the one that signed");
            self.add(Cause::SignatureMatches, text);
        }
    }

    fn explain(self, allowed: bool) -> Explanation {
        let texts: Vec<&str> = self.0.iter().map(|found| found.message.as_str()).collect();
        Explanation {
            allowed,
            cause: self
                .0
                .first()
                .map_or(Cause::WrongSignature, |first| first.cause),
            message: texts.join("; "),
            findings: self.0,
            expires: None,
            key: None,
            signed_method: None,
            digest: None,
        }
    }
}

fn finding(cause: Cause, message: String) -> Finding {
    Finding { cause, message }
}

/// `2026-01-31T12:00:00Z`; in Unix seconds beyond the year 9999.
fn moment(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    jiff::Timestamp::try_from(at)
        .map_or_else(|_| format!("{since} (Unix seconds)"), |at| at.to_string())
}

/// Seconds with as many places as they have, up to milliseconds.
fn seconds(seconds: f64) -> String {
    let text = format!("{seconds:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
