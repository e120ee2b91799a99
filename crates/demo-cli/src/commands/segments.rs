//! `cloudfiles segments`: segments that nothing needs, and manifests that miss some.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use swift_client::{AuditOptions, GcPlan};

use super::Failures;
use crate::args::duration;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::place::CloudPlace;
use crate::transfer::TransferArgs;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Looks through the account for segments without a manifest and manifests without segments
    Audit {
        #[command(flatten)]
        options: Options,
    },
    /// Removes segments without a manifest, in two steps: a plan, and its application
    #[command(subcommand)]
    Gc(Gc),
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Gc {
    /// Writes down which segments would be removed, and removes none
    Plan {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only segments that were stored longer ago than this
        #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = duration)]
        older_than: Duration,
        #[command(flatten)]
        options: Options,
    },
    /// Removes what a plan says, except what has changed or is needed since
    Apply {
        /// The file that `plan` has written
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        options: Options,
    },
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// A container of segments whose name does not end in `_segments`; may be repeated
    #[arg(long, value_name = "CONTAINER")]
    segment_container: Vec<String>,
    /// Ask for each object whether it is a large one; for old clouds, whose listings do not tell
    #[arg(long)]
    ask_each: bool,
    #[command(flatten)]
    transfer: TransferArgs,
}

impl Options {
    fn audit(&self) -> AuditOptions {
        AuditOptions {
            segment_containers: self.segment_container.clone(),
            ask_each: self.ask_each,
        }
    }
}

/// ```json
/// {"kind": "orphan", "name": "c_segments/…", "bytes": 1, "etag": "…"}
/// {"kind": "missing", "name": "c_segments/…", "manifest": "c/o", "is_other": false}
/// {"kind": "audit", "manifests": 1, "segments": 2, "orphans": 0, "missing": 0}
/// ```
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Row<'a> {
    Orphan {
        name: &'a str,
        bytes: u64,
        etag: &'a str,
    },
    Missing {
        name: &'a str,
        manifest: &'a str,
        is_other: bool,
    },
    Audit {
        manifests: usize,
        segments: usize,
        orphans: usize,
        missing: usize,
    },
    Plan {
        file: &'a PathBuf,
        remove: usize,
    },
    Gc {
        deleted: u64,
        missing: u64,
        kept: usize,
    },
}

pub(crate) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    let client = context.client(&CloudPlace::default())?;
    match command {
        Command::Audit { options } => {
            let transfers = options.transfer.transfers(&client);
            let audit = transfers.audit_segments(&options.audit()).await?;
            for orphan in &audit.orphans {
                let name = format!("{}/{}", orphan.container, orphan.object);
                let row = Row::Orphan {
                    name: &name,
                    bytes: orphan.bytes,
                    etag: &orphan.etag,
                };
                context.output.row(
                    || format!("orphan   {name} ({})", output::size(orphan.bytes)),
                    &row,
                );
            }
            for missing in &audit.missing {
                let row = Row::Missing {
                    name: &missing.segment,
                    manifest: &missing.manifest,
                    is_other: missing.is_other,
                };
                let text = || format!("missing  {} of {}", missing.segment, missing.manifest);
                context.output.row(text, &row);
            }
            let row = Row::Audit {
                manifests: audit.manifests,
                segments: audit.segments,
                orphans: audit.orphans.len(),
                missing: audit.missing.len(),
            };
            let text = || {
                format!(
                    "{}, {}: {} without a manifest, {} missing",
                    output::count(audit.manifests as u64, "manifest"),
                    output::count(audit.segments as u64, "segment"),
                    audit.orphans.len(),
                    audit.missing.len(),
                )
            };
            context.output.result(text, &row);
            Ok(Exit::after(audit.missing.len() as u64))
        }
        Command::Gc(Gc::Plan {
            file,
            older_than,
            options,
        }) => {
            let transfers = options.transfer.transfers(&client);
            let audit = transfers.audit_segments(&options.audit()).await?;
            let plan = transfers.plan_gc(&audit, older_than).await?;
            let text = serde_json::to_string_pretty(&plan)?;
            std::fs::write(&file, text + "\n").with_context(|| file.display().to_string())?;
            let remove = plan.remove.len();
            let text = || {
                format!(
                    "{} would go; `cloudfiles segments gc apply {}` removes them",
                    output::count(remove as u64, "segment"),
                    file.display()
                )
            };
            context.output.result(
                text,
                &Row::Plan {
                    file: &file,
                    remove,
                },
            );
            Ok(Exit::Done)
        }
        Command::Gc(Gc::Apply { file, options }) => {
            let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
            let plan: GcPlan = serde_json::from_slice(&text)
                .with_context(|| format!("{} is no plan", file.display()))?;
            let transfers = options.transfer.transfers(&client);
            let report = transfers.apply_gc(&plan, &options.audit()).await?;
            let mut failures = Failures::new(context);
            for failure in &report.failures {
                let name = format!("{}/{}", failure.container, failure.object);
                failures.add("segments gc", name, &anyhow::anyhow!("{}", failure.reason));
            }
            let row = Row::Gc {
                deleted: report.deleted,
                missing: report.missing,
                kept: report.kept.len(),
            };
            let text = || {
                let deleted = output::count(report.deleted, "segment");
                format!(
                    "removed {deleted}; {} stay, since they have changed or are needed",
                    report.kept.len()
                )
            };
            context.output.result(text, &row);
            Ok(failures.exit())
        }
    }
}
