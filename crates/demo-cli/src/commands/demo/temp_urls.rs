//! Steps 3 to 8: temp URLs, and a key that makes and breaks them.

use anyhow::Context;
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use ledger::What;
use signing::Key;
use swift_client::{KeyScope, KeySlot};

use super::report::Report;
use super::stage::Stage;
use crate::record::{Planned, RUN_ID};

/// What the guest uploads, and where.
const GUEST_OBJECT: &str = "guest/hello.txt";
const GUEST_TEXT: &str = "Uploaded by somebody without an account.\n";

/// An expiry nearer than this could come between making a URL and fetching it.
const TOO_NEAR: SignedDuration = SignedDuration::from_secs(2);

/// The account's temp-URL key while the demo plays.
pub(super) struct TempKey {
    slot: KeySlot,
    /// What was in the slot before.
    former: Option<Key>,
    current: Key,
    planned: Planned,
}

/// A temp URL to read the uploaded object with.
pub(super) struct Link {
    url: String,
    /// Seconds since 1970.
    expires: u64,
}

impl Link {
    async fn make(stage: &Stage<'_>, key: &Key, container: &str) -> anyhow::Result<Self> {
        let expires = stage.expiry();
        let urls = stage.client.temp_urls(key).await?;
        let url = urls.url(
            signing::Method::Get,
            container,
            &stage.content.name,
            expires,
        );
        Ok(Self { url, expires })
    }

    /// The last moment it is good for.
    fn end(&self) -> anyhow::Result<Timestamp> {
        Ok(Timestamp::from_second(self.expires.try_into()?)?)
    }
}

pub(super) async fn set_key(
    stage: &Stage<'_>,
    container: &str,
    report: &mut Report<'_>,
) -> anyhow::Result<TempKey> {
    let (slot, former) = free_slot(stage).await?;
    if former.is_some() {
        report.note("both keys of the account are in use; the first is put back in the end");
    }
    let current = Key::generate();
    let planned = (stage.recorder)
        .plan_key(None, slot, former.as_ref(), &current)
        .await?;
    put_key(stage, slot, &current, report).await?;
    stage.recorder.confirm(planned).await?;
    let found = stage.client.temp_url_key(KeyScope::Account, slot).await?;
    report.expect(
        found.as_ref() == Some(&current),
        "read back, it is the key that was set (not shown)",
    )?;
    let link = Link::make(stage, &current, container).await?;
    let head = async || stage.guest.send(Method::HEAD, &link.url, &[], "").await;
    let noticed = stage
        .patiently(head, |reply| reply.status != StatusCode::UNAUTHORIZED)
        .await?;
    report.expect(noticed.status.is_success(), "the cloud honours it")?;
    Ok(TempKey {
        slot,
        former,
        current,
        planned,
    })
}

/// The slot to use: one that is empty, so that no URL of anybody stops working, else the first.
async fn free_slot(stage: &Stage<'_>) -> anyhow::Result<(KeySlot, Option<Key>)> {
    let mut first = None;
    for slot in [KeySlot::One, KeySlot::Two] {
        match stage.client.temp_url_key(KeyScope::Account, slot).await? {
            None => return Ok((slot, None)),
            Some(key) => first.get_or_insert(key),
        };
    }
    Ok((KeySlot::One, first))
}

async fn put_key(
    stage: &Stage<'_>,
    slot: KeySlot,
    key: &Key,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let header = match slot {
        KeySlot::One => "X-Account-Meta-Temp-URL-Key",
        KeySlot::Two => "X-Account-Meta-Temp-URL-Key-2",
    };
    report.sent(format!(
        "POST {}, {header}: a new random key (not shown)",
        stage.recorder.account()
    ));
    stage
        .client
        .set_temp_url_key(KeyScope::Account, slot, key)
        .await?;
    report.received("the key is set");
    Ok(())
}

pub(super) async fn fetch(
    stage: &Stage<'_>,
    container: &str,
    key: &TempKey,
    report: &mut Report<'_>,
) -> anyhow::Result<Link> {
    let link = Link::make(stage, &key.current, container).await?;
    report.sent(format!("GET {}", link.url));
    let reply = stage.guest.get(&link.url).await?;
    report.received(reply.to_string());
    report.expect_equal("the status", &reply.status, &StatusCode::OK)?;
    report.expect(
        reply.content == stage.content.digest,
        "the bytes are those of the file",
    )?;
    report.note(format!("it works until {}", link.end()?));
    Ok(link)
}

pub(super) async fn guest_upload(
    stage: &Stage<'_>,
    container: &str,
    key: &TempKey,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let planned = stage
        .recorder
        .plan(What::Object {
            container: container.to_owned(),
            object: GUEST_OBJECT.to_owned(),
        })
        .await?;
    let urls = stage.client.temp_urls(&key.current).await?;
    let url = urls.url(
        signing::Method::Put,
        container,
        GUEST_OBJECT,
        stage.expiry(),
    );
    report.sent(format!(
        "PUT {container}/{GUEST_OBJECT} by temp URL, {} bytes",
        GUEST_TEXT.len()
    ));
    let run_id = format!("x-object-meta-{RUN_ID}");
    let headers = [
        (run_id.as_str(), stage.recorder.run()),
        ("content-type", "text/plain"),
    ];
    let reply = stage
        .guest
        .send(Method::PUT, &url, &headers, GUEST_TEXT)
        .await?;
    report.received(reply.status.to_string());
    report.expect_equal("the status", &reply.status, &StatusCode::CREATED)?;
    let stored = stage
        .client
        .get_object(
            container,
            GUEST_OBJECT,
            &swift_client::GetOptions::default(),
        )
        .await?;
    stage
        .recorder
        .confirm_object(
            planned,
            &stage.client,
            (container, GUEST_OBJECT),
            stored.info.etag.clone(),
        )
        .await?;
    let content = stored.bytes(1 << 10).await?;
    report.expect(
        content == GUEST_TEXT.as_bytes(),
        "the account's owner reads what the guest has written",
    )
}

pub(super) async fn refuse_changes(
    stage: &Stage<'_>,
    container: &str,
    key: &TempKey,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let link = Link::make(stage, &key.current, container).await?;
    let (path, query) = link.url.split_once('?').context("a temp URL has a query")?;
    let tampered = [
        ("the wrong method", Method::DELETE, link.url.clone()),
        (
            "a changed path",
            Method::GET,
            format!("{path}-other?{query}"),
        ),
        (
            "a changed signature",
            Method::GET,
            format!("{path}?{}", with_other_signature(query)),
        ),
    ];
    for (what, method, url) in tampered {
        report.sent(format!("{method} with {what}"));
        let reply = stage.guest.send(method, &url, &[], "").await?;
        report.received(reply.status.to_string());
        report.expect_equal("the status", &reply.status, &StatusCode::UNAUTHORIZED)?;
    }
    let reply = stage.guest.get(&link.url).await?;
    report.expect_equal("unchanged, the status", &reply.status, &StatusCode::OK)
}

/// The query with the first hexadecimal digit of its signature exchanged for another one.
fn with_other_signature(query: &str) -> String {
    const NAME: &str = "temp_url_sig=";
    let Some((before, signature)) = query.split_once(NAME) else {
        return query.to_owned();
    };
    let mut digits = signature.chars();
    let other = if digits.next() == Some('0') { '1' } else { '0' };
    format!("{before}{NAME}{other}{}", digits.as_str())
}

pub(super) async fn let_expire(
    stage: &Stage<'_>,
    container: &str,
    key: &TempKey,
    mut link: Link,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let millisecond = SignedDuration::from_millis(1);
    let (before, after) = if stage.waits() {
        if link.end()?.duration_since(stage.now()) < TOO_NEAR {
            link = Link::make(stage, &key.current, container).await?;
            report.note("the URL of step 4 is about to expire; this is a new one");
        }
        // Two clocks never agree to the millisecond: one second on either side.
        let second = SignedDuration::from_secs(1);
        (link.end()? - second, link.end()? + second)
    } else {
        (link.end()?, link.end()? + millisecond)
    };
    for (moment, status) in [(before, StatusCode::OK), (after, StatusCode::UNAUTHORIZED)] {
        stage
            .reach(moment, "the temp URL's expiry is tried")
            .await?;
        report.sent(format!(
            "GET at {}, the expiry being {}",
            if stage.waits() { stage.now() } else { moment },
            link.end()?
        ));
        let reply = stage.guest.get(&link.url).await?;
        report.received(reply.status.to_string());
        report.expect_equal("the status", &reply.status, &status)?;
    }
    if let Some(offline) = &stage.offline {
        offline.resume();
    }
    Ok(())
}

pub(super) async fn change_key(
    stage: &Stage<'_>,
    container: &str,
    key: TempKey,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let older = Link::make(stage, &key.current, container).await?;
    report.sent("GET by a fresh temp URL");
    let reply = stage.guest.get(&older.url).await?;
    report.received(reply.to_string());
    report.expect_equal("the status", &reply.status, &StatusCode::OK)?;

    let current = Key::generate();
    let planned = (stage.recorder)
        .plan_key(None, key.slot, key.former.as_ref(), &current)
        .await?;
    put_key(stage, key.slot, &current, report).await?;
    stage.recorder.confirm(planned).await?;
    stage.recorder.forget(key.planned).await?;

    report.sent("GET by the same URL");
    let get = async || stage.guest.get(&older.url).await;
    let reply = stage
        .patiently(get, |reply| reply.status == StatusCode::UNAUTHORIZED)
        .await?;
    report.received(reply.status.to_string());
    report.expect_equal("the status", &reply.status, &StatusCode::UNAUTHORIZED)?;
    let newer = Link::make(stage, &current, container).await?;
    let reply = stage.guest.get(&newer.url).await?;
    report.expect_equal(
        "by a URL made with the new key, the status",
        &reply.status,
        &StatusCode::OK,
    )
}

#[cfg(test)]
mod tests {
    use super::with_other_signature;

    #[test]
    fn changes_one_digit_of_a_signature() {
        let other = with_other_signature("temp_url_sig=0a&temp_url_expires=1");
        assert_eq!(other, "temp_url_sig=1a&temp_url_expires=1");
        let other = with_other_signature("temp_url_sig=fa&temp_url_expires=1");
        assert_eq!(other, "temp_url_sig=0a&temp_url_expires=1");
    }
}
