//! `cloudfiles cp` and `cloudfiles mv`: objects from one place in a cloud to another.

use futures_util::{StreamExt, TryStreamExt};
use ledger::What;
use serde::Serialize;
use swift_client::{
    Body, CopyOptions, DeleteOptions, DownloadOptions, Metadata, ObjectEntry, ObjectOptions,
    Transfers, UploadOptions,
};

use super::Failures;
use super::upload::{folder_of, would};
use crate::args::{MetadataArgs, WrongUse};
use crate::context::Context;
use crate::exit::Exit;
use crate::place::CloudPlace;
use crate::transfer::{Putter, TransferArgs, objects};

/// Within an account the cloud copies by itself, large objects by their manifest; between accounts the content passes
/// through here. A folder needs -r. `upload` and `download` bring things here and there.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"cp\" | \"mv\", \"name\", \"to\"}, or {\"action\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What, and where to
    #[arg(value_name = "CONTAINER/NAME", num_args = 2.., required = true)]
    places: Vec<CloudPlace>,
    /// All that is in a folder or container
    #[arg(long, short)]
    recursive: bool,
    /// Tell what would be done, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Take names as they stand, without wildcards
    #[arg(long)]
    literal: bool,
    /// Give the copy no metadata of the original
    #[arg(long)]
    fresh_metadata: bool,
    #[command(flatten)]
    metadata: MetadataArgs,
    #[command(flatten)]
    transfer: TransferArgs,
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    name: &'a str,
    to: &'a str,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    copy_all(args, false, context).await
}

pub(super) async fn copy_all(
    mut args: Args,
    remove: bool,
    context: &Context,
) -> anyhow::Result<Exit> {
    let verb = if remove { "mv" } else { "cp" };
    let to = args.places.pop().expect("there are two places at least");
    to.in_container()?;
    let options = CopyOptions {
        object: ObjectOptions {
            metadata: args.metadata.metadata(),
            headers: args.metadata.headers()?,
            ..ObjectOptions::default()
        },
        fresh_metadata: args.fresh_metadata,
        ..CopyOptions::default()
    };
    let client = context.client(&to)?;
    let putter = Putter {
        transfers: args.transfer.transfers(&client),
        recorder: context.recorder(verb, &to).await?,
        options: UploadOptions::default(),
    };
    context.resume_by("run the same command again");
    if !args.dry_run {
        putter.need_container(&to.container).await?;
    }
    let mut failures = Failures::new(context);
    for from in &args.places {
        from.in_container()?;
        let source = args.transfer.transfers(&context.client(from)?);
        let found = match objects(source.client(), from, args.recursive, args.literal).await {
            Ok(found) => found,
            Err(error) => {
                failures.add(verb, from, &error);
                continue;
            }
        };
        let (putter, source, options, to) = (&putter, &source, &options, &to);
        let single_name = args.places.len() == 1 && !to.is_folder();
        let dry_run = args.dry_run;
        let jobs = found.map_ok(|(object, below)| async move {
            let exact = object.name == from.object;
            let target = if exact && single_name {
                to.object.clone()
            } else {
                format!("{}{below}", folder_of(to))
            };
            let (name, target) = (from.with_object(&object.name), to.with_object(target));
            if dry_run {
                return Ok((name, target, Ok(())));
            }
            let job = Job {
                source,
                putter,
                options,
                remove,
                same_account: from.cloud == to.cloud,
            };
            let done = job.run(&object, &name, &target).await;
            Ok((name, target, done))
        });
        let mut jobs = std::pin::pin!(jobs.try_buffer_unordered(args.transfer.concurrency()));
        let mut any = false;
        while let Some((name, target, done)) = jobs.next().await.transpose()? {
            any = true;
            let (name, target) = (name.to_string(), target.to_string());
            match done {
                Ok(()) if dry_run => would(context, verb, &name, &target),
                Ok(()) => {
                    let row = Row {
                        action: verb,
                        name: &name,
                        to: &target,
                    };
                    let done = if remove { "moved" } else { "copied" };
                    context
                        .output
                        .done(|| format!("{done} {name} to {target}"), &row);
                }
                Err(error) => failures.add(verb, name, &error),
            }
        }
        if !any && !from.is_container() {
            failures.add(
                verb,
                from,
                &anyhow::anyhow!("there is nothing of this name"),
            );
        }
    }
    Ok(failures.exit())
}

struct Job<'a> {
    source: &'a Transfers,
    putter: &'a Putter,
    options: &'a CopyOptions,
    remove: bool,
    same_account: bool,
}

impl Job<'_> {
    async fn run(
        &self,
        object: &ObjectEntry,
        from: &CloudPlace,
        to: &CloudPlace,
    ) -> anyhow::Result<()> {
        let (source, target) = (from.only_object()?, to.only_object()?);
        if self.same_account {
            if source == target {
                return Err(WrongUse::new("it is the same place").into());
            }
            let Some(recorder) = &self.putter.recorder else {
                let copy = self.source.copy_object(source, target, self.options);
                copy.await?;
                return self.removed(source).await;
            };
            let planned = recorder
                .plan(What::Object {
                    container: target.0.to_owned(),
                    object: target.1.to_owned(),
                })
                .await?;
            let mut options = self.options.clone();
            recorder.mark(&mut options.object.metadata);
            let copied = self.source.copy_object(source, target, &options).await?;
            recorder.confirm(planned, copied.etag).await?;
            return self.removed(source).await;
        }
        let download = self
            .source
            .download(source.0, source.1, &DownloadOptions::default())
            .await?;
        let mut metadata: Metadata = download.info.metadata.clone();
        if self.options.fresh_metadata {
            metadata = Metadata::new();
        }
        for (name, value) in self.options.object.metadata.iter() {
            metadata.insert(name, value);
        }
        let putter = Putter {
            transfers: self.putter.transfers.clone(),
            recorder: self.putter.recorder.clone(),
            options: UploadOptions {
                object: ObjectOptions {
                    content_type: Some(object.content_type.clone()),
                    metadata,
                    headers: self.options.object.headers.clone(),
                    ..ObjectOptions::default()
                },
                ..UploadOptions::default()
            },
        };
        let length = download.length;
        let content = download.map_err(std::io::Error::other);
        putter.body(to, Body::stream(content, length)).await?;
        if self.remove {
            let segments = swift_client::OldSegments::Remove;
            self.source
                .delete_object(source.0, source.1, segments)
                .await?;
        }
        Ok(())
    }

    /// Removes the original of a move. The copy stands on the same segments: only the manifest goes.
    async fn removed(&self, source: (&str, &str)) -> anyhow::Result<()> {
        if self.remove {
            let options = DeleteOptions::default();
            let client = self.source.client();
            client.delete_object(source.0, source.1, &options).await?;
        }
        Ok(())
    }
}
