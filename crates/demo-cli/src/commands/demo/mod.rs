//! `cloudfiles demo`: the whole story of Cloud Files, every step of it checked.

mod cdn;
mod content;
mod guest;
mod report;
mod stage;
mod storage;
mod temp_urls;

use std::time::Duration;

use anyhow::bail;
use cdn_client::CdnClient;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use swift_client::Client;
use tokio_util::sync::CancellationToken;

use self::content::Content;
use self::guest::Guest;
use self::stage::Stage;
use super::{end_asked_for, shown};
use crate::args::Demo;
use crate::offline::Offline;
use crate::output::{self, Output};
use crate::record::Recorder;
use crate::settings::{self, Cloud, Environment, OFFLINE};

/// Clocks that differ by less than this count as the same: HTTP tells the time in whole seconds.
const SAME_TIME: Duration = Duration::from_secs(3);

pub(crate) async fn run(args: Demo) -> anyhow::Result<()> {
    let interrupt = CancellationToken::new();
    tokio::select! {
        result = play(args, &interrupt) => result,
        signals = interrupted_twice(&interrupt) => {
            signals?;
            bail!("interrupted; `cloudfiles cleanup` removes what is left")
        }
    }
}

/// Asks for an end at the first Ctrl-C; returns at the second.
async fn interrupted_twice(interrupt: &CancellationToken) -> anyhow::Result<()> {
    end_asked_for().await?;
    interrupt.cancel();
    output::notice("interrupted: cleaning up (once more to leave at once)");
    end_asked_for().await
}

async fn play(args: Demo, interrupt: &CancellationToken) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    let output = Output::new(args.json);
    let content = Content::open(args.file.as_deref())?;
    let ledger_path = settings::ledger_path(args.ledger.path.as_deref(), &environment)?;
    let offline = match args.cloud.cloud.as_deref() {
        None | Some(OFFLINE) => Some(Offline::start().await?),
        _ => None,
    };
    let cloud = match &offline {
        Some(offline) => offline.cloud().with(&args.cloud),
        None => Cloud::select(&args.cloud, &environment)?,
    };
    let client = cloud.client()?;
    let recorder = Recorder::open(&ledger_path, "demo", &cloud, &client).await?;
    let stage = Stage {
        cdn: CdnClient::new(&client),
        guest: Guest::new(&cloud.http)?,
        content,
        recorder: recorder.clone(),
        output: &output,
        expires: args.expires,
        wait: args.wait,
        keep: args.keep,
        ahead: match offline {
            Some(_) => SignedDuration::ZERO,
            None => clock_difference(&client).await?,
        },
        offline,
        interrupt: interrupt.clone(),
        client,
    };
    output.line(&format!(
        "Cloud {}, region {}, account {}, run {}",
        cloud.name,
        cloud.region.as_deref().unwrap_or("-"),
        recorder.account(),
        recorder.run(),
    ));
    output.line(&format!("Ledger {}", shown(&ledger_path)));
    let mut result = all_steps(&stage).await;
    let tidied = tidy(&stage).await;
    if result.is_ok() {
        result = tidied;
    } else if let Err(error) = tidied {
        output::error(&error);
    }
    if result.is_ok() {
        output.line("");
        output.line("Everything was as expected.");
    }
    drop(stage);
    recorder.ledger().clone().close()?;
    output.finish()?;
    result
}

async fn all_steps(stage: &Stage<'_>) -> anyhow::Result<()> {
    let container = stage
        .step(1, "A container is created, twice", async |report| {
            storage::create_container(stage, report).await
        })
        .await?;
    stage
        .step(2, "A file is uploaded", async |report| {
            storage::upload(stage, &container, report).await
        })
        .await?;
    let key = stage
        .step(3, "A temp-URL key is set and read back", async |report| {
            temp_urls::set_key(stage, &container, report).await
        })
        .await?;
    let link = stage
        .step(
            4,
            "A temp URL is fetched without credentials",
            async |report| temp_urls::fetch(stage, &container, &key, report).await,
        )
        .await?;
    stage
        .step(5, "A temp URL takes an upload", async |report| {
            temp_urls::guest_upload(stage, &container, &key, report).await
        })
        .await?;
    stage
        .step(
            6,
            "A temp URL that was changed is refused",
            async |report| temp_urls::refuse_changes(stage, &container, &key, report).await,
        )
        .await?;
    stage
        .step(7, "A temp URL expires", async |report| {
            temp_urls::let_expire(stage, &container, &key, link, report).await
        })
        .await?;
    stage
        .step(8, "A changed key ends the older URLs", async |report| {
            temp_urls::change_key(stage, &container, key, report).await
        })
        .await?;
    let copy = stage
        .step(9, "The container is published on the CDN", async |report| {
            cdn::publish(stage, &container, report).await
        })
        .await?;
    stage
        .step(10, "The container is made private again", async |report| {
            cdn::make_private(stage, &container, copy, report).await
        })
        .await?;
    stage
        .step(11, "The ledger is worked off", async |report| {
            storage::clean_up(stage, &container, report).await
        })
        .await
}

/// Removes what is left after a step has failed, or says that it was to be kept.
async fn tidy(stage: &Stage<'_>) -> anyhow::Result<()> {
    let leftovers = stage.recorder.leftovers()?.len();
    if leftovers == 0 {
        return Ok(());
    }
    if stage.keep {
        output::notice(&if stage.offline.is_some() {
            format!(
                "kept {leftovers}, but the offline emulator ends with this process and takes them along"
            )
        } else {
            format!("kept {leftovers}; `cloudfiles cleanup` removes them")
        });
        return Ok(());
    }
    output::notice("cleaning up:");
    stage
        .clean_up(|entry, outcome| output::notice(&format!("  {}: {outcome}", entry.resource)))
        .await?;
    let left = stage.recorder.leftovers()?.len();
    if left > 0 {
        bail!("{left} could not be removed; `cloudfiles cleanup` tries again");
    }
    Ok(())
}

/// How far the server's clock is ahead of ours, as its answers tell; nothing if that is too little to be sure.
async fn clock_difference(client: &Client) -> anyhow::Result<SignedDuration> {
    let headers = client.head_account().await?.headers;
    let date = headers.get(http::header::DATE);
    let theirs = date
        .and_then(|date| date.to_str().ok())
        .and_then(|date| rfc2822::parse(date).ok())
        .map(|date| date.timestamp());
    let ours = client.session().clock().now();
    let ahead = theirs.map_or(SignedDuration::ZERO, |theirs: Timestamp| {
        theirs.duration_since(ours)
    });
    Ok(if ahead.unsigned_abs() < SAME_TIME {
        SignedDuration::ZERO
    } else {
        ahead
    })
}
