//! `cloudfiles post`: metadata, access lists and other headers.

use http::HeaderMap;
use serde::Serialize;
use swift_client::{
    AccountOptions, ContainerOptions, GetOptions, Metadata, ObjectInfo, ObjectOptions,
};

use super::Failures;
use crate::args::{ContainerArgs, MetadataArgs, duration};
use crate::context::Context;
use crate::copying::own_headers;
use crate::exit::Exit;
use crate::place::CloudPlace;

/// Where the segments of a dynamic large object are.
const MANIFEST: &str = "x-object-manifest";

/// Changes metadata, access lists and other headers
///
/// What is not named stays, also of objects, of which Swift itself would forget all that is not repeated
/// (--replace lets it). Without a name it is about the account.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "With --json each line is {\"action\": \"post\", \"name\"}.")]
pub(crate) struct Args {
    /// What to change
    #[arg(value_name = "CONTAINER[/OBJECT]")]
    places: Vec<CloudPlace>,
    #[command(flatten)]
    metadata: MetadataArgs,
    /// Metadata to remove; may be repeated
    #[arg(long = "remove-meta", short = 'R', value_name = "NAME")]
    remove: Vec<String>,
    #[command(flatten)]
    container: ContainerArgs,
    /// The content type of an object
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Let an object expire so long from now, such as `90m` or `7d`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    delete_after: Option<std::time::Duration>,
    /// Keep nothing of an object's metadata that is not named
    #[arg(long)]
    replace: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    name: &'a str,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let account = [CloudPlace::default()];
    let places = if args.places.is_empty() {
        account.as_slice()
    } else {
        &args.places
    };
    let mut failures = Failures::new(context);
    for place in places {
        match args.post(place, context).await {
            Ok(()) => {
                let name = place.to_string();
                let row = Row {
                    action: "post",
                    name: &name,
                };
                context.output.done(|| format!("changed {name}"), &row);
            }
            Err(error) => failures.add("post", place, &error),
        }
    }
    Ok(failures.exit())
}

impl Args {
    async fn post(&self, place: &CloudPlace, context: &Context) -> anyhow::Result<()> {
        let client = context.client(place)?;
        let (metadata, headers) = (self.metadata.metadata(), self.metadata.headers()?);
        if place.is_account() {
            let options = AccountOptions {
                metadata,
                remove_metadata: self.remove.clone(),
                headers,
                ..AccountOptions::default()
            };
            return Ok(client.post_account(&options).await?);
        }
        if place.is_container() {
            let options = ContainerOptions {
                metadata,
                remove_metadata: self.remove.clone(),
                headers,
                ..self.container.options()
            };
            return Ok(client.post_container(&place.container, &options).await?);
        }
        let (container, object) = place.only_object()?;
        let kept = if self.replace {
            (Metadata::new(), HeaderMap::new())
        } else {
            let options = GetOptions::default();
            kept(&client.head_object(container, object, &options).await?)
        };
        let (mut all, mut all_headers) = kept;
        for (name, value) in metadata {
            all.insert(name, value);
        }
        for name in &self.remove {
            all.remove(name);
        }
        if self.delete_after.is_some() {
            all_headers.remove("x-delete-at");
        }
        all_headers.extend(headers);
        let options = ObjectOptions {
            metadata: all,
            headers: all_headers,
            content_type: self.content_type.clone(),
            delete_after: self.delete_after,
            ..ObjectOptions::default()
        };
        Ok(client.post_object(container, object, &options).await?)
    }
}

/// What a POST would take away unless it repeated it.
fn kept(info: &ObjectInfo) -> (Metadata, HeaderMap) {
    let mut headers = own_headers(info);
    if let Some(manifest) = info.headers.get(MANIFEST) {
        headers.insert(MANIFEST, manifest.clone());
    }
    (info.metadata.clone(), headers)
}
