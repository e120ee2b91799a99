//! Steps 1 and 2: a container and an object; step 11: nothing is left of them.

use anyhow::Context;
use cdn_client::Error as CdnError;
use ledger::What;
use swift_client::{ContainerOptions, Created, ObjectOptions};

use super::report::Report;
use super::stage::Stage;
use crate::record::RUN_ID;
use crate::removal::Outcome;

/// What the container is called, unless there is one of this name already.
const CONTAINER: &str = "python-demo";

pub(super) async fn create_container(
    stage: &Stage<'_>,
    report: &mut Report<'_>,
) -> anyhow::Result<String> {
    let mut container = CONTAINER.to_owned();
    if is_taken(stage, &container).await? {
        container = format!("python-{}", stage.recorder.run());
        report.note(format!(
            "there is a {CONTAINER} in this account already, which is left alone"
        ));
    }
    report.sent(format!("PUT {}/{container}", stage.recorder.account()));
    let created = stage
        .recorder
        .create_container(&stage.client, &container, &ContainerOptions::default())
        .await?;
    report.received(status_of(created));
    report.expect(created == Created::New, "the container is new")?;

    report.sent(format!(
        "PUT {}/{container}, once more",
        stage.recorder.account()
    ));
    let again = stage
        .client
        .put_container(&container, &ContainerOptions::default())
        .await?;
    report.received(status_of(again));
    report.expect(
        again == Created::Existed,
        "it is the same container, and that is no error",
    )?;
    let info = stage.client.head_container(&container).await?;
    report.expect(
        info.metadata.get(RUN_ID) == Some(stage.recorder.run()),
        format!("it carries the id of this run, {}", stage.recorder.run()),
    )?;
    Ok(container)
}

fn status_of(created: Created) -> &'static str {
    match created {
        Created::New => "201 Created",
        Created::Existed => "202 Accepted",
    }
}

/// Whether a container of this name is there, or the CDN remembers one.
async fn is_taken(stage: &Stage<'_>, container: &str) -> anyhow::Result<bool> {
    match stage.client.head_container(container).await {
        Ok(_) => return Ok(true),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    match stage.cdn.status(container).await {
        Ok(_) => Ok(true),
        Err(CdnError::NotPublished { .. } | CdnError::NoCdn(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn upload(
    stage: &Stage<'_>,
    container: &str,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let content = &stage.content;
    let name = &content.name;
    let planned = stage
        .recorder
        .plan(What::Object {
            container: container.to_owned(),
            object: name.clone(),
        })
        .await?;
    report.sent(format!(
        "PUT {}/{container}/{name}, {} bytes",
        stage.recorder.account(),
        content.digest.bytes
    ));
    let mut options = ObjectOptions::default();
    stage.recorder.mark(&mut options.metadata);
    let stored = stage
        .client
        .put_object(container, name, content.body().await?, &options)
        .await?;
    let object = (container, name.as_str());
    stage
        .recorder
        .confirm_object(planned, &stage.client, object, stored.etag.clone())
        .await?;
    let etag = stored.etag.unwrap_or_default();
    report.received(format!("ETag {etag}"));
    report.expect_equal(
        "the ETag, which is the file's MD5,",
        &etag,
        &content.digest.md5,
    )
}

/// Shows the ledger and removes what is in it.
pub(super) async fn clean_up(
    stage: &Stage<'_>,
    container: &str,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    for entry in stage.recorder.leftovers()? {
        report.note(format!("{} {}: {}", entry.id, entry.resource, entry.state));
    }
    if stage.keep {
        report.skip("everything is kept, as asked for");
        return Ok(());
    }
    let mut left = 0;
    stage
        .clean_up(|entry, outcome| {
            left += u32::from(matches!(outcome, Outcome::Left(_)));
            report.received(format!("{}: {outcome}", entry.resource));
        })
        .await?;
    report.expect(left == 0, "everything could be removed")?;
    let head = stage.client.head_container(container).await;
    report.expect(
        head.is_err_and(|error| error.is_not_found()),
        "the container is gone",
    )?;
    if stage.offline.is_some() {
        let account = stage.client.head_account().await.context("HEAD account")?;
        report.expect(
            (account.containers, account.objects, account.bytes) == (0, 0, 0),
            "the account is empty",
        )?;
    }
    report.expect(
        stage.recorder.leftovers()?.is_empty(),
        "the ledger lists nothing of this run any more",
    )
}
