//! `cloudfiles download`: objects to files, folders and standard output.

use std::path::{Path, PathBuf};

use anyhow::bail;
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use swift_client::{DownloadOptions, FileOptions, ObjectEntry, Transfers};

use super::Failures;
use super::upload::would;
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output::{self, Bar};
use crate::pattern::FilterArgs;
use crate::place::CloudPlace;
use crate::transfer::{
    Fetched, TransferArgs, fetch, is_marker, make_folder, objects, set_time, time_of,
};

/// A container or a folder is downloaded with all that is in it, into the folder that is named, or into the current
/// one. A single object goes to the path that is named, or into the folder. Nothing is written outside the folder, and
/// no file that differs is replaced unless --overwrite says so; what is there already, byte for byte, is left alone.
/// Names may have wildcards: *, ?, ** (across folders), [a-z].
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"download\" | \"keep\", \"name\", \"path\", \"bytes\"}, or {\"action\":
\"download\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What to download
    #[arg(value_name = "CONTAINER[/NAME]")]
    place: CloudPlace,
    /// Where to; - for standard output
    #[arg(value_name = "PATH")]
    to: Option<PathBuf>,
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
    /// Wait until each file is on the disk itself
    #[arg(long)]
    durable: bool,
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
    let client = context.client(&args.place)?;
    args.place.in_container()?;
    if args.to.as_deref() == Some(Path::new("-")) {
        return super::cat::print(&client, std::slice::from_ref(&args.place), None, context).await;
    }
    let transfers = args.transfer.transfers(&client);
    let filter = args.filter.filter()?;
    context.resume_by("run the same command again: what is there already is left alone, and large files go on where they stopped");
    let bar = context.output.bar();
    let found = objects(&client, &args.place, true, args.literal).await?;
    let mut found =
        std::pin::pin!(found.try_filter(|(_, name)| std::future::ready(filter.takes(name))));

    // The name of a file, where one object and a path that is no folder are named.
    let to = args.to.clone().unwrap_or_else(|| PathBuf::from("."));
    let Some(first) = found.try_next().await? else {
        if args.place.is_container() {
            return Ok(Exit::Done);
        }
        bail!(
            "{}: there is no object and no folder of this name",
            args.place
        );
    };
    let single = !args.place.is_folder() && first.0.name == args.place.object;
    let into_folder = to.is_dir() || to.as_os_str().to_string_lossy().ends_with('/');
    let job = Job {
        context,
        transfers: &transfers,
        args: &args,
        bar: &bar,
    };
    let mut failures = Failures::new(context);
    if single && !into_folder {
        let name = args.place.to_string();
        if let Err(error) = job.to_path(&first.0, &to, true).await {
            bar.aside(|| failures.add("download", name, &error));
        }
        bar.end();
        return Ok(failures.exit());
    }
    let folder = if args.dry_run {
        None
    } else {
        Some(Folder::open(&to)?)
    };
    let (job, folder, to) = (&job, folder.as_ref(), to.as_path());
    let all = futures_util::stream::iter([Ok(first)]).chain(found);
    let mut taken = Taken::default();
    let downloads = all
        .map_ok(|(object, name)| {
            let clash = taken.clash(&name);
            async move {
                let place = args_place(&job.args.place, &object);
                let done = match (clash, folder) {
                    (Some(above), _) => Err(anyhow::anyhow!(
                        "{above} is an object, so that it can be no folder here"
                    )),
                    (None, None) => {
                        would(
                            job.context,
                            "download",
                            &place.to_string(),
                            &to.join(&name).display().to_string(),
                        );
                        Ok(())
                    }
                    (None, Some(folder)) => job.into(folder, &object, &name).await,
                };
                Ok((place, done))
            }
        })
        .try_buffer_unordered(args.transfer.concurrency() * 2);
    let mut downloads = std::pin::pin!(downloads);
    while let Some((place, done)) = downloads.try_next().await? {
        if let Err(error) = done {
            bar.aside(|| failures.add("download", place, &error));
        }
    }
    bar.end();
    Ok(failures.exit())
}

fn args_place(place: &CloudPlace, object: &ObjectEntry) -> CloudPlace {
    place.with_object(&object.name)
}

/// Objects whose names are folders of later ones: `a`, where `a/b` follows. Names come in the order of a listing, so
/// that only those that the present one begins with can matter.
#[derive(Default)]
pub(super) struct Taken(Vec<String>);

impl Taken {
    /// The object that stands where `name` needs a folder.
    pub(super) fn clash(&mut self, name: &str) -> Option<String> {
        self.0.retain(|earlier| name.starts_with(earlier.as_str()));
        let above = self
            .0
            .iter()
            .find(|earlier| name[earlier.len()..].starts_with('/'));
        // A folder's marker is no file in its way.
        let clash = above
            .filter(|_| !name.trim_end_matches('/').is_empty())
            .cloned();
        if clash.is_none() && !name.ends_with('/') {
            self.0.push(name.to_owned());
        }
        clash
    }
}

struct Job<'a> {
    context: &'a Context,
    transfers: &'a Transfers,
    args: &'a Args,
    bar: &'a Bar,
}

impl Job<'_> {
    async fn into(&self, folder: &Folder, object: &ObjectEntry, name: &str) -> anyhow::Result<()> {
        if is_marker(object) {
            return make_folder(folder, name, object.bytes);
        }
        let path = folder.place(name)?;
        self.to_path(object, &path, self.args.overwrite).await
    }

    async fn to_path(
        &self,
        object: &ObjectEntry,
        path: &Path,
        overwrite: bool,
    ) -> anyhow::Result<()> {
        let place = args_place(&self.args.place, object);
        if self.args.dry_run {
            would(
                self.context,
                "download",
                &place.to_string(),
                &path.display().to_string(),
            );
            return Ok(());
        }
        self.bar.expect(object.bytes);
        let options = DownloadOptions {
            file: FileOptions {
                durable: self.args.durable,
            },
            resume: true,
            progress: self.bar.progress(),
            ..DownloadOptions::default()
        };
        let fetched = fetch(self.transfers, &place, path, &options, overwrite).await?;
        let (action, bytes) = match &fetched {
            Fetched::New(fetched) => {
                set_time(path, time_of(fetched))?;
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
        let text = || match fetched {
            Fetched::New(_) => format!("downloaded {} ({})", path.display(), output::size(bytes)),
            Fetched::Same => format!("{} is the same already", path.display()),
        };
        self.context.output.done(text, &row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Taken;

    #[test]
    fn finds_objects_that_stand_where_folders_must_be() {
        let mut taken = Taken::default();
        let mut clash = |name: &str| taken.clash(name);
        assert_eq!(clash("a"), None);
        assert_eq!(clash("a-b"), None);
        assert_eq!(clash("a/b"), Some("a".into()));
        assert_eq!(clash("a/c/d"), Some("a".into()));
        assert_eq!(clash("b/"), None);
        assert_eq!(clash("b/c"), None);
        assert_eq!(clash("ba"), None);
    }
}
