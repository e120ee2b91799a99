//! `cloudfiles cat`: objects to standard output.

use futures_util::TryStreamExt;
use swift_client::{ByteRange, GetOptions};

use super::Failures;
use crate::args::HeaderArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::place::CloudPlace;

/// Prints objects
///
/// They come one after the other, checked against their MD5s as far as these are known.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The objects
    #[arg(value_name = "CONTAINER/OBJECT", required = true)]
    places: Vec<CloudPlace>,
    /// Only these bytes, counted from 0: `0-99`, `100-`, or `-100` for the last hundred
    #[arg(long, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    range: Option<ByteRange>,
    /// This version of an object
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    #[command(flatten)]
    headers: HeaderArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let get = GetOptions {
        range: args.range,
        version_id: args.version_id,
        headers: args.headers.headers()?,
        ..GetOptions::default()
    };
    print(&args.places, &get, context).await
}

/// Prints what there is of objects.
pub(super) async fn print(
    places: &[CloudPlace],
    get: &GetOptions,
    context: &Context,
) -> anyhow::Result<Exit> {
    for place in places {
        place.only_object()?;
    }
    let mut failures = Failures::new(context);
    for place in places {
        let printed = async {
            let (container, object) = place.only_object()?;
            let client = context.client(place)?;
            let mut download = client.get_object(container, object, get).await?;
            while let Some(chunk) = download.try_next().await? {
                context.output.bytes(&chunk);
                if context.output.is_closed() {
                    break;
                }
            }
            anyhow::Ok(())
        };
        if let Err(error) = printed.await {
            context.output.flush();
            failures.add("cat", place, &error);
        }
    }
    Ok(failures.exit())
}

fn range(text: &str) -> Result<ByteRange, &'static str> {
    let wrong = "it is FIRST-LAST, FIRST- or -COUNT";
    let (first, last) = text.split_once('-').ok_or(wrong)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong);
    match (first, last) {
        ("", count) => Ok(ByteRange::Last(number(count)?)),
        (first, "") => Ok(ByteRange::From(number(first)?)),
        (first, last) => Ok(ByteRange::Between(number(first)?, number(last)?)),
    }
}
