//! `cloudfiles rm`: objects.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use swift_client::{DeleteOptions, Error, ObjectName, OldSegments};

use super::Failures;
use super::upload::would;
use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::pattern::{FilterArgs, Pattern};
use crate::place::CloudPlace;
use crate::transfer::{NothingThere, TransferArgs, delete, objects};

/// So many names are told and deleted at a time.
const BATCH: usize = 1000;

/// Deletes objects
///
/// The segments of large objects go with them. A folder needs -r; `cloudfiles delete -r` deletes whole containers.
/// Names may have wildcards: *, ?, ** (across folders), [a-z].
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"rm\", \"name\"}, or {\"action\": \"rm\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What to delete
    #[arg(value_name = "CONTAINER/NAME", required = true)]
    places: Vec<CloudPlace>,
    /// Delete all that is in a folder or container
    #[arg(long, short)]
    recursive: bool,
    #[command(flatten)]
    filter: FilterArgs,
    /// Tell what would be deleted, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Take names as they stand, without wildcards
    #[arg(long)]
    literal: bool,
    /// Do not mind objects that are not there
    #[arg(long, short)]
    force: bool,
    /// Leave the segments of large objects
    #[arg(long)]
    keep_segments: bool,
    /// Only this version of an object
    #[arg(long, value_name = "ID", conflicts_with_all = ["recursive", "dry_run"])]
    version_id: Option<String>,
    #[command(flatten)]
    transfer: TransferArgs,
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    name: &'a str,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let filter = args.filter.filter()?;
    if args.version_id.is_some() {
        return versions(&args, context).await;
    }
    for place in &args.places {
        place.in_container()?;
        let pattern = !args.literal && Pattern::of(&place.object)?.is_some();
        if place.is_folder() && !args.recursive && !pattern {
            let reason =
                format!("{place} is a folder or a container: -r deletes all that is in it");
            return Err(WrongUse::new(reason).into());
        }
    }
    context.resume_by("run the same command again: it deletes what is left");
    let mut failures = Failures::new(context);
    for place in &args.places {
        let client = context.client(place)?;
        let transfers = args.transfer.transfers(&client);
        let found = match objects(&client, place, args.recursive, args.literal).await {
            Ok(found) => found,
            Err(error) if args.force && error.is::<NothingThere>() => continue,
            Err(error) => {
                failures.add("rm", place, &error);
                continue;
            }
        };
        let found = found.try_filter(|(_, name)| std::future::ready(filter.takes(name)));
        let mut batches = std::pin::pin!(found.try_ready_chunks(BATCH));
        let mut any = false;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| error.1)?;
            any |= !batch.is_empty();
            if args.dry_run {
                for (object, _) in &batch {
                    let name = place.with_object(&object.name).to_string();
                    would(context, "rm", &name, &output::size(object.bytes));
                }
                continue;
            }
            let container = place.container.as_str();
            let (large, plain): (Vec<_>, Vec<_>) = (batch.into_iter())
                .map(|(object, _)| object)
                // A manifest of a dynamic large object has no bytes of its own.
                .partition(|object| {
                    !args.keep_segments && (object.slo_etag.is_some() || object.bytes == 0)
                });
            let names: Vec<_> = plain.into_iter().map(|object| object.name).collect();
            let all = names
                .iter()
                .map(|name| Ok::<ObjectName, Error>((container.to_owned(), name.clone())));
            let (_, failed) = delete(&transfers, stream::iter(all.collect::<Vec<_>>())).await?;
            let kept: std::collections::HashSet<_> =
                failed.iter().map(|(name, _)| name.clone()).collect();
            for name in &names {
                if !kept.contains(&format!("{container}/{name}")) {
                    tell(context, place, name);
                }
            }
            for (name, error) in &failed {
                failures.add("rm", name, error);
            }
            let deletions = stream::iter(large).map(|object| {
                let transfers = &transfers;
                async move {
                    let done = transfers
                        .delete_object(container, &object.name, OldSegments::Remove)
                        .await;
                    (object.name, done)
                }
            });
            let mut deletions =
                std::pin::pin!(deletions.buffer_unordered(args.transfer.concurrency()));
            while let Some((name, done)) = deletions.next().await {
                match done {
                    Ok(_) => tell(context, place, &name),
                    Err(error) if error.is_not_found() => tell(context, place, &name),
                    Err(error) => failures.add("rm", place.with_object(&name), &error.into()),
                }
            }
        }
        if !any && !args.force && !place.is_container() {
            failures.add(
                "rm",
                place,
                &anyhow::anyhow!("there is nothing of this name"),
            );
        }
    }
    Ok(failures.exit())
}

/// Deletes the version that was named.
async fn versions(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let options = DeleteOptions {
        version_id: args.version_id.clone(),
        ..DeleteOptions::default()
    };
    let mut failures = Failures::new(context);
    for place in &args.places {
        let (container, object) = place.only_object()?;
        let client = context.client(place)?;
        match client.delete_object(container, object, &options).await {
            Ok(()) => tell(context, place, object),
            Err(error) if args.force && error.is_not_found() => {}
            Err(error) => failures.add("rm", place, &error.into()),
        }
    }
    Ok(failures.exit())
}

fn tell(context: &Context, place: &CloudPlace, name: &str) {
    let name = place.with_object(name).to_string();
    let row = Row {
        action: "rm",
        name: &name,
    };
    context.output.done(|| format!("deleted {name}"), &row);
}
