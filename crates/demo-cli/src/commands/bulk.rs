//! `cloudfiles bulk`: archives that the cloud unpacks, and names by the thousand.

use std::path::PathBuf;

use anyhow::Context as _;
use futures_util::stream;
use ledger::What;
use serde::Serialize;
use swift_client::{
    ArchiveFormat, ArchiveOptions, Body, Client, ContainerOptions, Error, ObjectName,
};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::Failures;
use super::upload::folder_of;
use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::place::CloudPlace;
use crate::record::{Planned, Recorder};
use crate::transfer::{TransferArgs, delete};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Sends a tar archive (also .tar.gz, .tar.bz2), of which the cloud makes one object for each file in it
    Upload {
        /// The archive; - for standard input
        #[arg(value_name = "ARCHIVE")]
        archive: PathBuf,
        /// Where to; without it, the first folder of each name is the container
        #[arg(value_name = "CONTAINER[/FOLDER]", default_value = "")]
        to: CloudPlace,
        /// tar, tar.gz or tar.bz2, where the archive's name does not say it
        #[arg(long, value_name = "FORMAT", value_parser = format)]
        format: Option<ArchiveFormat>,
    },
    /// Deletes what standard input names: CONTAINER/OBJECT, one a line
    Delete {
        #[command(flatten)]
        transfer: TransferArgs,
    },
}

#[derive(Serialize)]
struct Row {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<u64>,
    failed: usize,
}

pub(crate) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    let mut failures = Failures::new(context);
    match command {
        Command::Upload {
            archive,
            to,
            format,
        } => {
            let client = context.client(&to)?;
            let known = format.or_else(|| ArchiveFormat::from_name(&archive.to_string_lossy()));
            let format = known.ok_or_else(|| {
                WrongUse::new("the archive's name does not tell its format: say --format tar, tar.gz or tar.bz2")
            })?;
            let body = if archive.as_os_str() == "-" {
                Body::blocking_reader(std::io::stdin(), None)
            } else {
                Body::file(&archive).await?
            };
            let container = Some(to.container.as_str()).filter(|name| !name.is_empty());
            let prefix = Some(to.object.trim_end_matches('/')).filter(|name| !name.is_empty());
            let bar = context.output.bar();
            match body.length() {
                Some(bytes) => bar.expect(bytes),
                None => bar.expect_any(),
            }
            let mut options = ArchiveOptions {
                progress: bar.progress(),
                ..ArchiveOptions::default()
            };
            let recorder = context.recorder("bulk", &to).await?;
            let planned = match &recorder {
                None => None,
                Some(recorder) => {
                    recorder.mark(&mut options.metadata);
                    Some(plan(recorder, &client, &to).await?)
                }
            };
            let report = client
                .upload_archive(container, prefix, format, body, &options)
                .await?;
            if let (Some(recorder), Some(planned)) = (&recorder, planned) {
                recorder.confirm(planned).await?;
            }
            for (name, reason) in &report.failures {
                failures.add("bulk upload", name, &anyhow::anyhow!("{reason}"));
            }
            let row = Row {
                action: "bulk upload",
                created: Some(report.created),
                deleted: None,
                failed: report.failures.len(),
            };
            let text = || format!("created {}", output::count(report.created, "object"));
            context.output.done(text, &row);
        }
        Command::Delete { transfer } => {
            let client = context.client(&CloudPlace::default())?;
            let lines = BufReader::new(tokio::io::stdin()).lines();
            // What cannot be a name ends the input, so that nothing is deleted that was not meant.
            let names = stream::try_unfold(lines, |mut lines| async move {
                let broken = |source| Error::File {
                    path: "standard input".into(),
                    source,
                };
                let Some(line) = lines.next_line().await.map_err(broken)? else {
                    return Ok::<_, Error>(None);
                };
                let place: CloudPlace = line
                    .parse()
                    .map_err(|reason: String| broken(std::io::Error::other(reason)))?;
                let Ok((container, object)) = place.only_object() else {
                    return Err(broken(std::io::Error::other(format!(
                        "{line:?} is not CONTAINER/OBJECT"
                    ))));
                };
                let name: ObjectName = (container.to_owned(), object.to_owned());
                Ok(Some((name, lines)))
            });
            let (deleted, failed) = delete(&transfer.transfers(&client), names)
                .await
                .context("bulk delete")?;
            for (name, reason) in &failed {
                failures.add("bulk delete", name, reason);
            }
            let row = Row {
                action: "bulk delete",
                created: None,
                deleted: Some(deleted),
                failed: failed.len(),
            };
            context.output.done(
                || format!("deleted {}", output::count(deleted, "object")),
                &row,
            );
        }
    }
    Ok(failures.exit())
}

/// Records what an archive is about to become: objects below a place, which bear the id of the run.
async fn plan(recorder: &Recorder, client: &Client, to: &CloudPlace) -> anyhow::Result<Planned> {
    if to.is_account() {
        let reason = "say the container, so that what comes into being can be recorded";
        return Err(WrongUse::new(reason).into());
    }
    let options = ContainerOptions::default();
    (recorder.create_container(client, &to.container, &options)).await?;
    let below = What::SegmentSet {
        container: to.container.clone(),
        prefix: folder_of(to),
        manifest: None,
    };
    recorder.plan(below).await
}

fn format(text: &str) -> Result<ArchiveFormat, &'static str> {
    ArchiveFormat::from_name(&format!(".{text}")).ok_or("it is tar, tar.gz or tar.bz2")
}
