//! `cloudfiles create`: containers.

use serde::Serialize;
use swift_client::{ContainerOptions, Created};

use crate::args::{ContainerArgs, MetadataArgs};
use crate::context::Context;
use crate::exit::Exit;
use crate::place::CloudPlace;

/// Creates containers
///
/// A container that is there already stays, and gets the settings that are given.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"create\", \"name\", \"existed\": true | false}.")]
pub(crate) struct Args {
    /// The containers
    #[arg(value_name = "CONTAINER", required = true)]
    places: Vec<CloudPlace>,
    #[command(flatten)]
    settings: ContainerArgs,
    /// The storage policy, which cannot be changed later
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    #[command(flatten)]
    metadata: MetadataArgs,
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    name: &'a str,
    existed: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let options = ContainerOptions {
        metadata: args.metadata.metadata(),
        headers: args.metadata.headers()?,
        storage_policy: args.policy.clone(),
        ..args.settings.options()
    };
    let mut failures = super::Failures::new(context);
    for place in &args.places {
        let container = place.only_container()?;
        let client = context.client(place)?;
        let created = match context.recorder("create", place).await? {
            Some(recorder) => {
                recorder
                    .create_container(&client, container, &options)
                    .await
            }
            None => (client.put_container(container, &options).await).map_err(Into::into),
        };
        match created {
            Ok(created) => {
                let existed = created == Created::Existed;
                let text = || match created {
                    Created::New => format!("created {place}"),
                    Created::Existed => format!("{place} was there already"),
                };
                let row = Row {
                    action: "create",
                    name: &place.to_string(),
                    existed,
                };
                context.output.done(text, &row);
            }
            Err(error) => failures.add("create", place, &error),
        }
    }
    Ok(failures.exit())
}
