//! `cloudfiles download`: objects to files, folders and standard output.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::Serialize;
use swift_client::{Client, Error, GetOptions, ListOptions, ObjectEntry};

use super::Failures;
use super::upload::would;
use crate::args::{HeaderArgs, WrongUse};
use crate::context::Context;
use crate::exit::Exit;
use crate::fetching::{Fetched, Fetcher, is_marker, make_folder};
use crate::folder::{Folder, check};
use crate::mtime;
use crate::output::{self, Bar};
use crate::pattern::{Filter, FilterArgs, Pattern};
use crate::place::{self, CloudPlace, Place};
use crate::transfer::{TransferArgs, objects};

/// Downloads objects and folders
///
/// A container or a folder is downloaded with all that is in it, into the folder that is named last, or into the current
/// one. A single object goes to the path that is named, or into the folder; of several things each keeps its last name.
/// Nothing is written outside the folder, and no file that differs is replaced unless --overwrite says so; what is there
/// already, byte for byte, is left alone. Files get the time that they had when they were uploaded. Names may have
/// wildcards: *, ?, ** (across folders), [a-z].
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "cloudfiles download [OPTIONS] <CONTAINER[/NAME]>... [PATH]",
    after_long_help = "\
With --json each line is {\"action\": \"download\" | \"keep\", \"name\", \"path\", \"bytes\"}, or {\"action\":
\"download\", \"name\", \"error\"}."
)]
pub(crate) struct Args {
    /// What to download, and where to; - for standard output
    #[arg(value_name = "PLACE", value_parser = place::parser(), required_unless_present = "all")]
    places: Vec<Place>,
    /// All containers of the account, each into a folder of its name
    #[arg(long, short)]
    all: bool,
    #[command(flatten)]
    filter: FilterArgs,
    /// Tell what would be downloaded, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
    /// Take names as they stand, without wildcards
    #[arg(long)]
    literal: bool,
    /// This version of an object
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    version_id: Option<String>,
    /// Give files the present time
    #[arg(long)]
    no_times: bool,
    /// Wait until each file is on the disk itself
    #[arg(long)]
    durable: bool,
    #[command(flatten)]
    headers: HeaderArgs,
    #[command(flatten)]
    transfer: TransferArgs,
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'static str,
    name: String,
    path: &'a Path,
    bytes: u64,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let (mut sources, to) = args.sides()?;
    let get = GetOptions {
        version_id: args.version_id.clone(),
        headers: args.headers.headers()?,
        ..GetOptions::default()
    };
    if to == Place::Standard {
        return super::cat::print(&sources, &get, context).await;
    }
    let to = to.here()?;
    if args.all {
        sources = containers(&context.client_of(None)?).await?;
    }
    for source in &sources {
        source.in_container()?;
        if get.version_id.is_some() {
            source.only_object()?;
        }
    }
    context.resume_by("run the same command again: what is there already is left alone, and large files go on where they stopped");
    let bar = context.output.bar();
    let filter = args.filter.filter()?;
    let into_folder = to.is_dir() || to.as_os_str().to_string_lossy().ends_with('/');
    let mut folder = None;
    let mut failures = Failures::new(context);
    for source in &sources {
        let client = context.client(source)?;
        let job = Job {
            context,
            args: &args,
            filter: &filter,
            bar: &bar,
            several: args.all || sources.len() > 1,
            into_folder,
            to: &to,
            fetcher: Fetcher {
                transfers: args.transfer.transfers(&client),
                get: get.clone(),
                overwrite: args.overwrite,
                durable: args.durable,
                dry_run: args.dry_run,
                progress: bar.progress(),
            },
        };
        if let Err(error) = job.run(source, &mut folder, &mut failures).await {
            failures.add("download", source, &error);
        }
    }
    Ok(failures.exit())
}

impl Args {
    /// What to download, and where to.
    fn sides(&self) -> Result<(Vec<CloudPlace>, Place), WrongUse> {
        let mut places = self.places.clone();
        let to = if self.all {
            if places.len() > 1 {
                return Err(WrongUse::new("with --all only the folder is named"));
            }
            places.pop()
        } else if places.len() > 1 {
            places.pop()
        } else {
            None
        };
        let to = to.unwrap_or_else(|| Place::Local(PathBuf::from(".")));
        if self.all && to == Place::Standard {
            return Err(WrongUse::new("--all goes into a folder"));
        }
        let sources = places.into_iter().map(Place::in_cloud);
        Ok((sources.collect::<Result<_, _>>()?, to))
    }
}

async fn containers(client: &Client) -> Result<Vec<CloudPlace>, Error> {
    let listing = client.list_containers(ListOptions::default());
    let named = listing.try_filter_map(|entry| {
        let place = entry.item().map(|container| CloudPlace {
            container: container.name,
            ..CloudPlace::default()
        });
        std::future::ready(Ok(place))
    });
    named.try_collect().await
}

/// Objects whose names are folders of later ones: `a`, where `a/b` follows. Names come in the order of a listing, so
/// that only those that the present one begins with can matter.
#[derive(Default)]
struct Taken(Vec<String>);

impl Taken {
    /// The object that stands where `name` needs a folder. One that `is_folder` stands for a folder itself.
    fn clash(&mut self, name: &str, is_folder: bool) -> Option<String> {
        self.0.retain(|earlier| name.starts_with(earlier.as_str()));
        let above = self
            .0
            .iter()
            .find(|earlier| name[earlier.len()..].starts_with('/'));
        let clash = above
            .filter(|_| !name.trim_end_matches('/').is_empty())
            .cloned();
        if clash.is_none() && !is_folder {
            self.0.push(name.to_owned());
        }
        clash
    }
}

struct Job<'a> {
    context: &'a Context,
    args: &'a Args,
    filter: &'a Filter,
    bar: &'a Bar,
    /// Whether it is one of several sources, so that it keeps its last name.
    several: bool,
    into_folder: bool,
    to: &'a Path,
    fetcher: Fetcher,
}

impl Job<'_> {
    /// Downloads what `source` means. The folder is opened when there is something for it.
    async fn run(
        &self,
        source: &CloudPlace,
        folder: &mut Option<Folder>,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        let client = self.fetcher.transfers.client();
        let literal = self.args.literal;
        let found = objects(client, source, true, literal).await?;
        let found = found.try_filter(|(_, name)| std::future::ready(self.filter.takes(name)));
        let mut found = std::pin::pin!(found);
        let Some(first) = found.try_next().await? else {
            if source.is_container() {
                return Ok(());
            }
            return Err(anyhow!("there is no object and no folder of this name"));
        };
        let single = !source.is_folder() && first.0.name == source.object;
        if single && !self.into_folder && !self.several {
            return self.to_path(source, &first.0, self.to).await;
        }
        if folder.is_none() && !self.args.dry_run {
            *folder = Some(Folder::open(self.to)?);
        }
        let is_pattern = !literal && Pattern::of(&source.object)?.is_some();
        let prefix = match last_name(source) {
            Some(name) if self.several && !single && !is_pattern => format!("{name}/"),
            _ => String::new(),
        };
        let all = stream::iter([Ok(first)]).chain(found);
        self.all(source, &prefix, all, folder.as_ref(), failures)
            .await
    }

    async fn all(
        &self,
        source: &CloudPlace,
        prefix: &str,
        objects: impl Stream<Item = Result<(ObjectEntry, String), Error>>,
        folder: Option<&Folder>,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        let mut taken = Taken::default();
        let downloads = objects
            .map_ok(|(object, below)| {
                let name = format!("{prefix}{below}");
                let clash = taken.clash(&name, is_marker(&object));
                async move {
                    let place = source.with_object(&object.name);
                    let done = match clash {
                        Some(above) => Err(anyhow!(
                            "{above} is an object, so that it can be no folder here"
                        )),
                        None => self.into(folder, &place, &object, &name).await,
                    };
                    Ok((place, done))
                }
            })
            .try_buffer_unordered(self.args.transfer.concurrency() * 2);
        let mut downloads = std::pin::pin!(downloads);
        while let Some((place, done)) = downloads.try_next().await? {
            if let Err(error) = done {
                failures.add("download", place, &error);
            }
        }
        Ok(())
    }

    /// Downloads into the folder, which a dry run has not opened.
    async fn into(
        &self,
        folder: Option<&Folder>,
        place: &CloudPlace,
        object: &ObjectEntry,
        name: &str,
    ) -> anyhow::Result<()> {
        let path = match folder {
            Some(folder) if is_marker(object) => {
                return make_folder(folder, name, object.bytes);
            }
            Some(folder) => folder.place(name)?,
            None if is_marker(object) => return Ok(()),
            None => {
                check(name)?;
                self.to.join(name)
            }
        };
        self.to_path(place, object, &path).await
    }

    async fn to_path(
        &self,
        place: &CloudPlace,
        object: &ObjectEntry,
        path: &Path,
    ) -> anyhow::Result<()> {
        if !self.args.dry_run {
            self.bar.expect(object.bytes);
        }
        let fetched = self.fetcher.fetch(place, path).await?;
        let (action, bytes) = match &fetched {
            Fetched::Would => {
                let (place, path) = (place.to_string(), path.display().to_string());
                would(self.context, "download", &place, &path);
                return Ok(());
            }
            Fetched::New(fetched) => {
                if !self.args.no_times {
                    mtime::set(path, mtime::of(&fetched.info))?;
                }
                ("download", fetched.bytes)
            }
            Fetched::Same => ("keep", object.bytes),
        };
        let row = Row {
            action,
            name: place.to_string(),
            path,
            bytes,
        };
        let text = || match action {
            "download" => format!("downloaded {} ({})", path.display(), output::size(bytes)),
            _ => format!("{} is the same already", path.display()),
        };
        self.context.output.done(text, &row);
        Ok(())
    }
}

/// The last part of a container's, folder's or object's name.
fn last_name(place: &CloudPlace) -> Option<&str> {
    let name = match place.object.trim_end_matches('/') {
        "" => place.container.as_str(),
        object => object,
    };
    name.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::Taken;

    #[test]
    fn finds_objects_that_stand_where_folders_must_be() {
        let mut taken = Taken::default();
        let mut clash = |name: &str| taken.clash(name, name.ends_with('/'));
        assert_eq!(clash("a"), None);
        assert_eq!(clash("a-b"), None);
        assert_eq!(clash("a/b"), Some("a".into()));
        assert_eq!(clash("a/c/d"), Some("a".into()));
        assert_eq!(clash("b/"), None);
        assert_eq!(clash("b/c"), None);
        assert_eq!(clash("ba"), None);
        assert_eq!(taken.clash("marked", true), None);
        assert_eq!(taken.clash("marked/a", false), None);
    }
}
