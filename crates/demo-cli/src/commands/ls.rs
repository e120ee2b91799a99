//! `cloudfiles ls`: containers, and the objects of a container.

use std::cell::Cell;

use anyhow::bail;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use swift_client::{Client, ContainerEntry, ListOptions, Listed, ObjectEntry};

use super::upload::folder_of;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::pattern::Pattern;
use crate::place::CloudPlace;

/// Lists containers, or the objects of a container
///
/// Without a name, lists the containers of the account. A folder is listed by one level; -r lists all that is in it.
/// Names may have wildcards: *, ?, ** (across folders), [a-z].
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is one of
  {\"kind\": \"container\", \"name\", \"objects\", \"bytes\", \"last_modified\"}
  {\"kind\": \"subdir\", \"container\", \"name\"}
  {\"kind\": \"object\", \"container\", \"name\", \"bytes\", \"etag\", \"content_type\", \"last_modified\"}
  {\"kind\": \"totals\", \"containers\", \"objects\", \"subdirs\", \"bytes\"}
where an object may also have \"large\": true, \"symlink_path\", \"version_id\" and \"is_latest\".")]
pub(crate) struct Args {
    /// What to list
    #[arg(value_name = "CONTAINER[/NAME]")]
    places: Vec<CloudPlace>,
    /// Sizes and times as well
    #[arg(long, short)]
    long: bool,
    /// Sizes in KiB, MiB and so on
    #[arg(long, visible_alias = "lh")]
    human: bool,
    /// Only how many there are, and their size
    #[arg(long, short)]
    totals: bool,
    /// Only names that begin so, below the place that is listed
    #[arg(long, short, value_name = "TEXT")]
    prefix: Option<String>,
    /// What parts the levels of names, instead of a slash
    #[arg(long, short, value_name = "TEXT", conflicts_with = "recursive")]
    delimiter: Option<String>,
    /// All that is in a folder, with the folders in it
    #[arg(long, short)]
    recursive: bool,
    /// Take names as they stand, without wildcards
    #[arg(long)]
    literal: bool,
    /// At most so many lines for each name
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// From the last name to the first
    #[arg(long)]
    reverse: bool,
    /// All versions of the objects, where the container keeps them
    #[arg(long)]
    versions: bool,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Row<'a> {
    Container {
        name: &'a str,
        objects: u64,
        bytes: u64,
        last_modified: Option<Timestamp>,
    },
    Subdir {
        container: &'a str,
        name: &'a str,
    },
    Totals(&'a Totals),
    Object {
        container: &'a str,
        name: &'a str,
        bytes: u64,
        etag: &'a str,
        content_type: &'a str,
        last_modified: Option<Timestamp>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        large: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        symlink_path: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        version_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_latest: Option<bool>,
    },
}

/// What there is in all that was listed.
#[derive(Default, Serialize)]
struct Totals {
    containers: Cell<u64>,
    objects: Cell<u64>,
    subdirs: Cell<u64>,
    bytes: Cell<u64>,
}

impl Totals {
    fn add(place: &Cell<u64>, number: u64) {
        place.set(place.get().saturating_add(number));
    }

    fn text(&self) -> String {
        let counts = [
            (&self.containers, "container"),
            (&self.subdirs, "folder"),
            (&self.objects, "object"),
        ];
        let told = counts
            .iter()
            .filter(|(count, what)| count.get() > 0 || *what == "object");
        let mut parts: Vec<_> = told
            .map(|(count, what)| output::count(count.get(), what))
            .collect();
        parts.push(output::size(self.bytes.get()));
        parts.join(", ")
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let account = [CloudPlace::default()];
    let places = if args.places.is_empty() {
        account.as_slice()
    } else {
        &args.places
    };
    let mut failures = super::Failures::new(context);
    let totals = Totals::default();
    for place in places {
        let client = context.client(place)?;
        let listed = if place.is_account() {
            containers(&client, &args, &totals, context).await
        } else {
            objects(&client, place, &args, &totals, context).await
        };
        if let Err(error) = listed {
            failures.add("ls", place, &error);
        }
    }
    if args.totals {
        (context.output).result(|| totals.text(), &Row::Totals(&totals));
    }
    Ok(failures.exit())
}

async fn containers(
    client: &Client,
    args: &Args,
    totals: &Totals,
    context: &Context,
) -> anyhow::Result<()> {
    let options = ListOptions {
        prefix: args.prefix.clone(),
        limit: args.limit,
        reverse: args.reverse,
        ..ListOptions::default()
    };
    let mut listing = client.list_containers(options);
    while let Some(entry) = listing.try_next().await? {
        let Listed::Item(ContainerEntry {
            name,
            objects,
            bytes,
            last_modified,
            ..
        }) = entry
        else {
            continue;
        };
        Totals::add(&totals.containers, 1);
        Totals::add(&totals.objects, objects);
        Totals::add(&totals.bytes, bytes);
        if args.totals {
            continue;
        }
        let row = Row::Container {
            name: &name,
            objects,
            bytes,
            last_modified,
        };
        let text = || {
            if args.long {
                let (size, time) = (args.size(bytes), output::time(last_modified));
                format!("{objects:>9} {size:>13} {time:>20} {name}")
            } else {
                name.clone()
            }
        };
        context.output.row(text, &row);
        if context.output.is_closed() {
            break;
        }
    }
    Ok(())
}

async fn objects(
    client: &Client,
    place: &CloudPlace,
    args: &Args,
    totals: &Totals,
    context: &Context,
) -> anyhow::Result<()> {
    let container = place.in_container()?;
    let name = place.object.as_str();
    let pattern = if args.literal {
        None
    } else {
        Pattern::of(name)?
    };
    let listing = Listing {
        client,
        container,
        args,
        totals,
        context,
    };
    let mut left = args.limit.unwrap_or(u64::MAX);
    if let Some(pattern) = pattern {
        let wanted = |entry: &str| pattern.matches(entry);
        listing
            .print(Pattern::prefix(name), false, wanted, &mut left)
            .await?;
        return Ok(());
    }
    if place.is_folder() || args.prefix.is_some() {
        let folder = folder_of(place);
        let prefix = format!("{folder}{}", args.prefix.as_deref().unwrap_or_default());
        listing
            .print(&prefix, !args.recursive, |_| true, &mut left)
            .await?;
        return Ok(());
    }
    // The name of an object, of a folder, or of both.
    let mut found = listing
        .print(name, false, |entry| entry == name, &mut left)
        .await?;
    let folder = format!("{name}/");
    found += listing
        .print(&folder, !args.recursive, |_| true, &mut left)
        .await?;
    if found == 0 {
        bail!("there is no object and no folder of this name");
    }
    Ok(())
}

struct Listing<'a> {
    client: &'a Client,
    container: &'a str,
    args: &'a Args,
    totals: &'a Totals,
    context: &'a Context,
}

impl Listing<'_> {
    /// Prints what begins with `prefix`, as far as it is `wanted` and there is some of `left`, and tells how much it
    /// was.
    async fn print(
        &self,
        prefix: &str,
        by_level: bool,
        wanted: impl Fn(&str) -> bool,
        left: &mut u64,
    ) -> anyhow::Result<u64> {
        let Self {
            container, args, ..
        } = *self;
        let options = ListOptions {
            prefix: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()),
            delimiter: by_level.then(|| args.delimiter.clone().unwrap_or_else(|| "/".to_owned())),
            reverse: args.reverse,
            versions: args.versions,
            ..ListOptions::default()
        };
        let mut listing = self.client.list_objects(container, options);
        let mut printed = 0;
        while *left > 0 && !self.context.output.is_closed() {
            let Some(entry) = listing.try_next().await? else {
                break;
            };
            let name = match &entry {
                Listed::Item(object) => &object.name,
                Listed::Subdir(name) => name,
            };
            if wanted(name) {
                self.row(&entry);
                printed += 1;
                *left -= 1;
            }
        }
        Ok(printed)
    }

    fn row(&self, entry: &Listed<ObjectEntry>) {
        let Self {
            container,
            args,
            totals,
            ..
        } = *self;
        match entry {
            Listed::Subdir(_) => Totals::add(&totals.subdirs, 1),
            Listed::Item(object) => {
                Totals::add(&totals.objects, 1);
                Totals::add(&totals.bytes, object.bytes);
            }
        }
        if args.totals {
            return;
        }
        let row = match entry {
            Listed::Subdir(name) => Row::Subdir { container, name },
            Listed::Item(object) => Row::Object {
                container,
                name: &object.name,
                bytes: object.bytes,
                etag: (object.slo_etag.as_deref().unwrap_or(&object.etag)).trim_matches('"'),
                content_type: &object.content_type,
                last_modified: object.last_modified,
                large: object.slo_etag.is_some(),
                symlink_path: object.symlink_path.as_deref(),
                version_id: object.version_id.as_deref(),
                is_latest: object.is_latest,
            },
        };
        let text = || match entry {
            Listed::Subdir(name) if args.long => format!("{:>13} {:>20} {name}", "-", "-"),
            Listed::Subdir(name) => name.clone(),
            Listed::Item(object) => {
                let version = object.version_id.as_deref().unwrap_or_default();
                let versioned = if args.versions {
                    format!("{version:>16} ")
                } else {
                    String::new()
                };
                if args.long {
                    let time = output::time(object.last_modified);
                    let size = args.size(object.bytes);
                    format!("{size:>13} {time:>20} {versioned}{}", object.name)
                } else {
                    format!("{versioned}{}", object.name)
                }
            }
        };
        self.context.output.row(text, &row);
    }
}

impl Args {
    fn size(&self, bytes: u64) -> String {
        if self.human {
            output::size(bytes)
        } else {
            bytes.to_string()
        }
    }
}
