//! `cloudfiles stat`: all that is known of an account, a container or an object.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::Serialize;
use swift_client::{AccountInfo, ContainerInfo, GetOptions, ObjectInfo};

use super::Failures;
use crate::args::HeaderArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::place::CloudPlace;
use crate::record::account_of;

/// Tells all about an account, a container or an object
///
/// Without a name it is about the account. Keys are never shown; `cloudfiles tempurl key show` does that.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is
  {\"kind\": \"account\" | \"container\" | \"object\", \"name\", \"headers\": {…}, …}
with \"containers\", \"objects\" and \"bytes\" of an account, \"objects\" and \"bytes\" of a container, and \"bytes\",
\"etag\", \"content_type\" and \"last_modified\" of an object; or {\"action\": \"stat\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What to tell about
    #[arg(value_name = "CONTAINER[/OBJECT]")]
    places: Vec<CloudPlace>,
    /// This version of an object
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// A large object's manifest itself
    #[arg(long)]
    manifest: bool,
    /// A symlink itself, not what it points to
    #[arg(long)]
    symlink: bool,
    #[command(flatten)]
    headers: HeaderArgs,
}

#[derive(Serialize)]
struct Facts<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(flatten)]
    numbers: serde_json::Map<String, serde_json::Value>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip)]
    lines: Vec<(&'static str, String)>,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let account = [CloudPlace::default()];
    let places = if args.places.is_empty() {
        account.as_slice()
    } else {
        &args.places
    };
    let options = GetOptions {
        version_id: args.version_id.clone(),
        headers: args.headers.headers()?,
        manifest: args.manifest,
        symlink: args.symlink,
        ..GetOptions::default()
    };
    let mut failures = Failures::new(context);
    for place in places {
        if let Err(error) = tell(place, &options, context).await {
            failures.add("stat", place, &error);
        }
    }
    Ok(failures.exit())
}

async fn tell(place: &CloudPlace, options: &GetOptions, context: &Context) -> anyhow::Result<()> {
    let client = context.client(place)?;
    if place.is_account() {
        let info = client.head_account().await?;
        let account = account_of(&client).await?;
        print(&of_account(&account, &info), context);
    } else if place.is_container() {
        let info = client.head_container(&place.container).await?;
        print(&of_container(&place.container, &info), context);
    } else {
        let (container, object) = place.only_object()?;
        let info = client.head_object(container, object, options).await?;
        print(&of_object(&place.to_string(), &info), context);
    }
    Ok(())
}

fn print(facts: &Facts<'_>, context: &Context) {
    let text = || {
        let mut lines = vec![format!("{:>18}: {}", facts.kind, facts.name)];
        let told = facts.lines.iter();
        lines.extend(told.map(|(name, value)| format!("{name:>18}: {value}")));
        let headers = facts.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name:>18}: {value}")));
        lines
    };
    context.output.lines(text, facts);
}

fn of_account<'a>(name: &'a str, info: &'a AccountInfo) -> Facts<'a> {
    let numbers = [
        ("containers", info.containers.into()),
        ("objects", info.objects.into()),
        ("bytes", info.bytes.into()),
    ];
    let lines = vec![
        ("containers", info.containers.to_string()),
        ("objects", info.objects.to_string()),
        ("bytes", bytes(info.bytes)),
    ];
    facts("account", name, &info.headers, numbers, lines)
}

fn of_container<'a>(name: &'a str, info: &'a ContainerInfo) -> Facts<'a> {
    let numbers = [
        ("objects", info.objects.into()),
        ("bytes", info.bytes.into()),
    ];
    let lines = vec![
        ("objects", info.objects.to_string()),
        ("bytes", bytes(info.bytes)),
    ];
    facts("container", name, &info.headers, numbers, lines)
}

fn of_object<'a>(name: &'a str, info: &'a ObjectInfo) -> Facts<'a> {
    let numbers = [
        ("bytes", info.bytes.into()),
        ("etag", info.etag.clone().into()),
        ("content_type", info.content_type.clone().into()),
        (
            "last_modified",
            info.last_modified.map(|time| time.to_string()).into(),
        ),
    ];
    let lines = vec![
        ("bytes", info.bytes.map_or_else(|| "-".to_owned(), bytes)),
        ("stored", output::time(info.last_modified)),
    ];
    facts("object", name, &info.headers, numbers, lines)
}

fn facts<'a, const LEN: usize>(
    kind: &'static str,
    name: &'a str,
    headers: &'a HeaderMap,
    numbers: [(&str, serde_json::Value); LEN],
    lines: Vec<(&'static str, String)>,
) -> Facts<'a> {
    let shown = headers.iter().map(|(name, value)| {
        let text = if value.is_sensitive() {
            "(hidden)".to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str(), text)
    });
    Facts {
        kind,
        name,
        numbers: numbers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        headers: shown.collect(),
        lines,
    }
}

fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        bytes.to_string()
    } else {
        format!("{bytes} ({})", output::size(bytes))
    }
}
