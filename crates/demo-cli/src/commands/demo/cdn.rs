//! Steps 9 and 10: a container on the CDN, and off it again.

use anyhow::Context;
use cdn_client::{Error, Ttl, TtlError};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use ledger::What;
use swift_client::{Request, Service, object_url};

use super::report::Report;
use super::stage::Stage;

/// A copy of the object that an edge of the CDN has fetched.
pub(super) struct Copy {
    url: String,
    /// It was fetched between these two moments, by the server's clock.
    fetched: (Timestamp, Timestamp),
}

/// How long the edge keeps it.
const TTL: Ttl = Ttl::MIN;

const NO_CDN: &str = "this cloud has no CDN";

pub(super) async fn publish(
    stage: &Stage<'_>,
    container: &str,
    report: &mut Report<'_>,
) -> anyhow::Result<Option<Copy>> {
    match stage.cdn.management_url().await {
        Ok(_) => {}
        Err(Error::NoCdn(_)) => {
            report.skip(NO_CDN);
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let planned = stage
        .recorder
        .plan(What::CdnPublication {
            container: container.to_owned(),
        })
        .await?;
    report.sent(format!("PUT CDN {container}, X-CDN-Enabled: True"));
    let uris = stage.cdn.publish(container, None).await?;
    stage.recorder.confirm(planned).await?;
    let cdn_uri = uris.http.context("the CDN gave no X-CDN-URI")?;
    report.received(format!("X-CDN-URI: {cdn_uri}"));
    expect_ttl(stage, container, Ttl::DEFAULT, "by default", report).await?;

    for ttl in [Ttl::MIN, Ttl::MAX] {
        report.sent(format!("POST CDN {container}, X-TTL: {ttl}"));
        stage.cdn.set_ttl(container, ttl).await?;
        expect_ttl(stage, container, ttl, "accepted:", report).await?;
    }
    let outside = [
        (899, Ttl::MIN, TtlError::TooShort),
        (31_536_001, Ttl::MAX, TtlError::TooLong),
    ];
    for (seconds, bound, refusal) in outside {
        report.expect(
            Ttl::from_seconds(seconds) == Err(refusal),
            format!("our client sends no TTL of {seconds} s: {refusal}"),
        )?;
        send_raw_ttl(stage, container, seconds, bound, report).await?;
    }

    stage.cdn.set_ttl(container, TTL).await?;
    let url = object_url(&cdn_uri, &stage.content.name);
    report.sent(format!("GET {url}"));
    let get = async || stage.guest.get(&url).await;
    let before = stage.now();
    let reply = stage
        .patiently(get, |reply| reply.status == StatusCode::OK)
        .await?;
    report.received(reply.to_string());
    report.expect_equal("the status", &reply.status, &StatusCode::OK)?;
    report.expect(
        reply.content == stage.content.digest,
        "the bytes are those of the file",
    )?;
    Ok(Some(Copy {
        url,
        fetched: (before, stage.now()),
    }))
}

/// Sends a TTL that our client would not: the service moves it to the nearer bound, or refuses it.
async fn send_raw_ttl(
    stage: &Stage<'_>,
    container: &str,
    seconds: u64,
    bound: Ttl,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    report.sent(format!("POST CDN {container}, X-TTL: {seconds}, sent raw"));
    let request = Request {
        service: Service::Cdn,
        headers: HeaderMap::from_iter([(
            HeaderName::from_static("x-ttl"),
            HeaderValue::from(seconds),
        )]),
        ..Request::container(Method::POST, container)
    };
    match stage.client.transport().send(request).await {
        Ok(response) => {
            report.received(response.status.to_string());
            drop(response);
            expect_ttl(stage, container, bound, "moved to the bound:", report).await
        }
        // Cloud Files did so before August 2012.
        Err(swift_client::Error::BadRequest(_)) if stage.offline.is_none() => {
            report.received("400 Bad Request");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn expect_ttl(
    stage: &Stage<'_>,
    container: &str,
    expected: Ttl,
    how: &str,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let status = stage.cdn.status(container).await?;
    let found = status.ttl_seconds.unwrap_or_default();
    report.received(format!("X-TTL: {found}"));
    let expected = u64::from(expected.seconds());
    report.expect_equal(&format!("{how} the TTL in seconds"), &found, &expected)
}

pub(super) async fn make_private(
    stage: &Stage<'_>,
    container: &str,
    copy: Option<Copy>,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let Some(Copy { url, fetched }) = copy else {
        report.skip(NO_CDN);
        return Ok(());
    };
    report.sent(format!("POST CDN {container}, X-CDN-Enabled: False"));
    stage.cdn.unpublish(container).await?;
    let status = stage.cdn.status(container).await?;
    report.received(format!("enabled: {}", status.enabled));
    report.expect(!status.enabled, "the container is private")?;
    report.sent(format!("GET {url}"));
    let reply = stage.guest.get(&url).await?;
    report.received(reply.to_string());
    report.expect(
        reply.status == StatusCode::OK && reply.content == stage.content.digest,
        "the edge still serves the copy it has",
    )?;

    let ttl = SignedDuration::from_secs(TTL.seconds().into());
    let last = fetched.0 + ttl - SignedDuration::from_secs(1);
    let over = fetched.1 + ttl + SignedDuration::from_secs(1);
    if stage.offline.is_none() && !stage.wait {
        report.note(format!(
            "the copy's TTL runs out at {over}; with --wait that is waited for"
        ));
        return Ok(());
    }
    for (moment, served) in [(last, true), (over, false)] {
        stage.reach(moment, "the TTL's end is tried").await?;
        let when = if served { "before" } else { "after" };
        report.sent(format!("GET {url}, 1 s {when} the TTL of {TTL} s ends"));
        let reply = stage.guest.get(&url).await?;
        report.received(reply.status.to_string());
        let status = if served {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        report.expect_equal("the status", &reply.status, &status)?;
    }
    if let Some(offline) = &stage.offline {
        offline.resume();
    }
    Ok(())
}
