//! `cloudfiles cp` and `cloudfiles mv`: objects from one place in a cloud to another.

use anyhow::bail;
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use swift_client::{CopyOptions, ObjectOptions, UploadOptions};

use super::Failures;
use super::upload::{folder_of, would};
use crate::args::MetadataArgs;
use crate::context::Context;
use crate::copying::Copier;
use crate::exit::Exit;
use crate::output::Bar;
use crate::pattern::Pattern;
use crate::place::CloudPlace;
use crate::putter::Putter;
use crate::transfer::{TransferArgs, objects};

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"cp\" | \"mv\", \"name\", \"to\"}, or {\"action\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What, and where to
    #[arg(value_name = "PLACE", num_args = 2.., required = true)]
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
    moves: bool,
    context: &Context,
) -> anyhow::Result<Exit> {
    let verb = if moves { "mv" } else { "cp" };
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
    let bar = context.output.bar();
    let recorder = if args.dry_run {
        None
    } else {
        context.recorder(verb, &to).await?
    };
    let putter = Putter {
        transfers: args.transfer.transfers(&context.client(&to)?),
        recorder,
        options: UploadOptions {
            progress: bar.progress(),
            ..UploadOptions::default()
        },
    };
    context.resume_by("run the same command again");
    if !args.dry_run {
        putter.need_container(&to.container).await?;
    }
    let mut failures = Failures::new(context);
    for from in &args.places {
        from.in_container()?;
        let source = args.transfer.transfers(&context.client(from)?);
        let job = Job {
            context,
            args: &args,
            verb,
            from,
            to: &to,
            copier: Copier::new(source, putter.clone(), options.clone(), moves).await?,
        };
        if let Err(error) = job.run(&bar, &mut failures).await {
            failures.add(verb, from, &error);
        }
    }
    Ok(failures.exit())
}

/// One of the things to be copied.
struct Job<'a> {
    context: &'a Context,
    args: &'a Args,
    verb: &'static str,
    from: &'a CloudPlace,
    to: &'a CloudPlace,
    copier: Copier,
}

impl Job<'_> {
    async fn run(&self, bar: &Bar, failures: &mut Failures<'_>) -> anyhow::Result<()> {
        let Self {
            args,
            verb,
            from,
            to,
            copier,
            ..
        } = self;
        let client = copier.source().client();
        let found = objects(client, from, args.recursive, args.literal).await?;
        let target = folder_of(to);
        let same_container = copier.is_within_account() && from.container == to.container;
        let is_pattern = !args.literal && Pattern::of(&from.object)?.is_some();
        let single_name = args.places.len() == 1 && !to.is_folder();
        // What comes into being below the source while it is listed would be copied as well, and so on for ever.
        let reach = if is_pattern {
            Pattern::prefix(&from.object).to_owned()
        } else {
            folder_of(from)
        };
        let inside = same_container && target.starts_with(&reach);
        if inside && args.recursive && !is_pattern {
            bail!("{to} is in it, so that it would never end");
        }
        let skip = Some(target.clone()).filter(|target| inside && is_pattern && !target.is_empty());
        let found = found.try_filter(move |(object, _)| {
            let skipped = skip
                .as_ref()
                .is_some_and(|below| object.name.starts_with(below));
            std::future::ready(!skipped)
        });
        let jobs = found.map_ok(|(object, below)| {
            let target = &target;
            async move {
                let exact = object.name == from.object;
                let new = if exact && single_name {
                    to.object.clone()
                } else {
                    format!("{target}{below}")
                };
                let (name, new) = (from.with_object(&object.name), to.with_object(new));
                if args.dry_run {
                    return Ok((name, new, Ok(())));
                }
                if !copier.is_within_account() {
                    bar.expect(object.bytes);
                }
                let is_link = object.symlink_path.is_some();
                let done = copier.copy(&name, is_link, &new).await;
                Ok((name, new, done))
            }
        });
        let jobs = jobs.try_buffer_unordered(args.transfer.concurrency());
        let mut jobs = std::pin::pin!(jobs);
        let mut any = false;
        while let Some((name, new, done)) = jobs.next().await.transpose()? {
            any = true;
            let (name, new) = (name.to_string(), new.to_string());
            match done {
                Ok(()) if args.dry_run => would(self.context, verb, &name, &new),
                Ok(()) => {
                    let row = Row {
                        action: verb,
                        name: &name,
                        to: &new,
                    };
                    let done = if *verb == "mv" { "moved" } else { "copied" };
                    let text = || format!("{done} {name} to {new}");
                    self.context.output.done(text, &row);
                }
                Err(error) => failures.add(verb, name, &error),
            }
        }
        if !any && !from.is_container() {
            bail!("there is nothing of this name");
        }
        Ok(())
    }
}
