//! `cloudfiles delete`: containers.

use serde::Serialize;
use swift_client::{Error, OldSegments, TransferSettings, Transfers};

use super::upload::would;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::place::CloudPlace;

/// Deletes containers, with all that is in them if told so
///
/// Only empty ones; with -r also the objects in them, all their versions, and the segments of large ones.
/// `cloudfiles rm` deletes single objects.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"delete\", \"name\"}, or {\"action\": \"delete\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// The containers
    #[arg(value_name = "CONTAINER", required = true)]
    places: Vec<CloudPlace>,
    /// Delete the objects in them first
    #[arg(long, short)]
    recursive: bool,
    /// Tell what would be deleted, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Do not mind containers that are not there
    #[arg(long, short)]
    force: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    name: &'a str,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    for place in &args.places {
        place.only_container()?;
    }
    let mut failures = super::Failures::new(context);
    for place in &args.places {
        let client = context.client(place)?;
        let deleted = async {
            if args.dry_run {
                let info = client.head_container(&place.container).await?;
                let objects = output::count(info.objects, "object");
                would(context, "delete", &place.to_string(), &objects);
                return Ok(());
            }
            if !args.recursive {
                return client.delete_container(&place.container).await;
            }
            let transfers = Transfers::new(&client, TransferSettings::default());
            let segments = OldSegments::Remove;
            let all = transfers.delete_container_with_objects(&place.container, segments);
            all.await.map(|_| ())
        };
        match deleted.await {
            Ok(()) if args.dry_run => {}
            Ok(()) => {
                let row = Row {
                    action: "delete",
                    name: &place.to_string(),
                };
                context.output.done(|| format!("deleted {place}"), &row);
            }
            Err(Error::NotFound(_)) if args.force => {}
            Err(error @ Error::Conflict(_)) if !args.recursive => {
                let error = anyhow::Error::from(error)
                    .context("it is not empty (-r deletes its objects, too)");
                failures.add("delete", place, &error);
            }
            Err(error) => failures.add("delete", place, &error.into()),
        }
    }
    Ok(failures.exit())
}
