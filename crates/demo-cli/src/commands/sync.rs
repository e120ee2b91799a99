//! `cloudfiles sync`: makes one place like another.
//!
//! Both sides come in the order of their names, so that neither has to be held in memory: what only the source has is
//! transferred, what only the target has is deleted if that is wanted, and what both have is compared. A dry run goes
//! the same way up to the point of doing it.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use anyhow::anyhow;
use futures_util::stream::{FuturesUnordered, Peekable};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use swift_client::{
    Body, DownloadOptions, Error, ListOptions, Listed, ObjectName, ObjectOptions, Transfers,
    UploadOptions,
};

use super::Failures;
use super::upload::{folder_of, would};
use crate::args::WrongUse;
use crate::context::Context;
use crate::exit::Exit;
use crate::folder::Folder;
use crate::output::Bar;
use crate::pattern::{Filter, FilterArgs};
use crate::place::{self, CloudPlace, Place};
use crate::transfer::{Putter, TransferArgs, delete, md5_of, set_time};
use crate::tree;

/// So many objects are deleted with one request.
const BATCH: usize = 1000;

/// Makes TARGET like SOURCE: a folder here and a place in a cloud, or two places in clouds. A path here begins with /,
/// ./ or ../, and a place in a cloud with swift://; a name with neither is what the other side is not. What differs in
/// size, or is newer at the source, is transferred; --checksum compares MD5s instead.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"upload\" | \"download\" | \"copy\" | \"delete\", \"name\", \"path\"}, with
\"dry_run\": true where nothing was done, or {\"action\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    #[arg(value_name = "SOURCE", value_parser = place::parser())]
    source: Place,
    #[arg(value_name = "TARGET", value_parser = place::parser())]
    target: Place,
    /// Delete from the target what the source does not have
    #[arg(long)]
    delete: bool,
    /// Compare MD5s, not times
    #[arg(long)]
    checksum: bool,
    #[command(flatten)]
    filter: FilterArgs,
    /// Tell what would be done, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    #[command(flatten)]
    transfer: TransferArgs,
}

enum Side {
    Here(PathBuf),
    Cloud(CloudPlace),
}

/// What a side has under a name.
struct Item {
    name: String,
    bytes: u64,
    modified: Option<Timestamp>,
    /// Its MD5, if it is known.
    md5: Option<String>,
    content_type: Option<String>,
    path: Option<PathBuf>,
}

type Problem = (String, anyhow::Error);
type Items = Peekable<Pin<Box<dyn Stream<Item = Result<Item, Problem>>>>>;

/// A transfer that runs: in the end the name, and how it went.
type Job<'a> = Pin<Box<dyn Future<Output = (String, anyhow::Result<()>)> + 'a>>;

#[derive(Serialize)]
struct Row<'a> {
    action: &'a str,
    name: &'a str,
    path: &'a str,
}

pub(crate) async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let (source, target) = sides(args.source.clone(), args.target.clone())?;
    let filter = args.filter.filter()?;
    context.resume_by("run the same command again: it does what is left");
    let bar = context.output.bar();
    let sync = Sync::new(&args, &source, &target, context, &bar).await?;
    let mut failures = Failures::new(context);
    sync.run(&filter, &mut failures).await?;
    bar.end();
    Ok(failures.exit())
}

/// Which side is here and which is in a cloud.
fn sides(source: Place, target: Place) -> anyhow::Result<(Side, Side)> {
    let here = |place: &Place| matches!(place, Place::Bare(name) if Path::new(name).is_dir());
    let cloud = |place: Place| place.in_cloud().map(Side::Cloud);
    let local = |place: Place| place.here().map(Side::Here);
    let sides = match (&source, &target) {
        (Place::Local(_), Place::Local(_)) => {
            return Err(WrongUse::new("both are here: rsync does that").into());
        }
        (Place::Local(_), _) => (local(source)?, cloud(target)?),
        (Place::Cloud(_), Place::Cloud(_)) => (cloud(source)?, cloud(target)?),
        (_, Place::Local(_)) | (Place::Cloud(_), _) => (cloud(source)?, local(target)?),
        (_, Place::Cloud(_)) => (local(source)?, cloud(target)?),
        _ => match (here(&source), here(&target)) {
            (true, false) => (local(source)?, cloud(target)?),
            (false, true) => (cloud(source)?, local(target)?),
            _ => {
                let reason =
                    "it is not clear which of these is here: write ./FOLDER or swift://CONTAINER";
                return Err(WrongUse::new(reason).into());
            }
        },
    };
    for side in [&sides.0, &sides.1] {
        if let Side::Cloud(place) = side {
            place.in_container()?;
        }
    }
    Ok(sides)
}

struct Sync<'a> {
    args: &'a Args,
    source: &'a Side,
    target: &'a Side,
    context: &'a Context,
    bar: &'a Bar,
    /// For the side that is in a cloud, the target if both are.
    from: Option<Transfers>,
    putter: Option<Putter>,
    folder: Option<Folder>,
}

impl<'a> Sync<'a> {
    async fn new(
        args: &'a Args,
        source: &'a Side,
        target: &'a Side,
        context: &'a Context,
        bar: &'a Bar,
    ) -> anyhow::Result<Self> {
        let mut sync = Self {
            args,
            source,
            target,
            context,
            bar,
            from: None,
            putter: None,
            folder: None,
        };
        if let Side::Cloud(place) = source {
            sync.from = Some(args.transfer.transfers(&context.client(place)?));
        }
        match target {
            Side::Cloud(place) => {
                let putter = Putter {
                    transfers: args.transfer.transfers(&context.client(place)?),
                    recorder: context.recorder("sync", place).await?,
                    options: UploadOptions {
                        progress: bar.progress(),
                        ..UploadOptions::default()
                    },
                };
                if !args.dry_run {
                    putter.need_container(&place.container).await?;
                }
                sync.putter = Some(putter);
            }
            Side::Here(path) if !args.dry_run => sync.folder = Some(Folder::open(path)?),
            Side::Here(_) => {}
        }
        Ok(sync)
    }

    fn items(&self, side: &Side, transfers: Option<&Transfers>) -> Items {
        let items: Pin<Box<dyn Stream<Item = Result<Item, Problem>>>> = match (side, transfers) {
            (Side::Cloud(place), Some(transfers)) => {
                let prefix = folder_of(place);
                let options = ListOptions {
                    prefix: Some(prefix.clone()).filter(|prefix| !prefix.is_empty()),
                    ..ListOptions::default()
                };
                let listing = transfers.client().list_objects(&place.container, options);
                let name = place.to_string();
                // A container that is not there yet has nothing in it; a dry run makes none.
                let may_miss = self.args.dry_run;
                let listing = listing.filter(move |entry| {
                    let missing = matches!(entry, Err(error) if may_miss && error.is_not_found());
                    std::future::ready(!missing)
                });
                let items = listing.map_err(move |error| (name.clone(), error.into()));
                Box::pin(items.try_filter_map(move |entry| {
                    let object = match entry {
                        Listed::Item(object) if !object.name.ends_with('/') => object,
                        _ => return std::future::ready(Ok(None)),
                    };
                    let plain = object.slo_etag.is_none() && object.bytes > 0;
                    std::future::ready(Ok(Some(Item {
                        name: object.name[prefix.len()..].to_owned(),
                        bytes: object.bytes,
                        modified: object.last_modified,
                        md5: plain.then_some(object.etag),
                        content_type: Some(object.content_type),
                        path: None,
                    })))
                }))
            }
            (Side::Here(path), _) if path.exists() => {
                let files = stream::unfold(tree::walk(path.clone()), |mut files| async move {
                    Some((files.recv().await?, files))
                });
                Box::pin(files.map(|found| match found {
                    Ok(file) => Ok(Item {
                        name: file.name,
                        bytes: file.bytes,
                        modified: file.modified,
                        md5: None,
                        content_type: None,
                        path: Some(file.path),
                    }),
                    Err(unreadable) => {
                        Err((unreadable.path.display().to_string(), unreadable.error))
                    }
                }))
            }
            (Side::Here(_), _) | (Side::Cloud(_), None) => Box::pin(stream::empty()),
        };
        items.peekable()
    }

    async fn run(&self, filter: &Filter, failures: &mut Failures<'_>) -> anyhow::Result<()> {
        if let Side::Here(path) = self.source
            && !path.is_dir()
        {
            return Err(anyhow!("{} is no folder", path.display()));
        }
        let mut source = self.items(self.source, self.from.as_ref());
        let to = self.putter.as_ref().map(|putter| &putter.transfers);
        let mut target = self.items(self.target, to);
        let mut running = FuturesUnordered::new();
        let mut deletions: Vec<String> = Vec::new();
        // Once something of the source cannot be read, nobody knows what else it has.
        let mut may_delete = self.args.delete;
        loop {
            while running.len() >= self.args.transfer.concurrency() * 2 {
                self.report(running.next().await, failures);
            }
            let there = next_name(&mut target, filter, failures, "sync").await.0;
            let (here, broken) = next_name(&mut source, filter, failures, "sync").await;
            if broken && may_delete {
                may_delete = false;
                crate::output::warning("the source cannot be read whole: nothing more is deleted");
            }
            let (Some(here), there) = (here.clone(), there.clone()) else {
                let Some(name) = there else { break };
                drop(target.next().await);
                if may_delete {
                    self.delete_later(name, &mut deletions, failures).await?;
                }
                continue;
            };
            let order = there
                .as_ref()
                .map_or(std::cmp::Ordering::Less, |there| here.cmp(there));
            match order {
                std::cmp::Ordering::Greater => {
                    drop(target.next().await);
                    if let (true, Some(name)) = (may_delete, there) {
                        self.delete_later(name, &mut deletions, failures).await?;
                    }
                }
                std::cmp::Ordering::Less => {
                    if let Some(Ok(item)) = source.next().await {
                        self.start(item, &mut running);
                    }
                }
                std::cmp::Ordering::Equal => {
                    let pair = (source.next().await, target.next().await);
                    if let (Some(Ok(item)), Some(Ok(old))) = pair {
                        match self.differs(&item, &old).await {
                            Ok(true) => self.start(item, &mut running),
                            Ok(false) => {}
                            Err(error) => failures.add("sync", &item.name, &error),
                        }
                    }
                }
            }
        }
        while let Some(done) = running.next().await {
            self.report(Some(done), failures);
        }
        self.delete_now(&mut deletions, failures).await
    }

    fn start<'s>(&'s self, item: Item, running: &mut FuturesUnordered<Job<'s>>) {
        running.push(Box::pin(async move {
            let done = self.transfer(&item).await;
            (item.name, done)
        }));
    }

    fn report(&self, done: Option<(String, anyhow::Result<()>)>, failures: &mut Failures<'_>) {
        if let Some((name, Err(error))) = done {
            self.bar.aside(|| failures.add(self.verb(), name, &error));
        }
    }

    fn verb(&self) -> &'static str {
        match (self.source, self.target) {
            (Side::Here(_), _) => "upload",
            (_, Side::Here(_)) => "download",
            _ => "copy",
        }
    }

    /// Whether what both sides have is not the same.
    async fn differs(&self, new: &Item, old: &Item) -> anyhow::Result<bool> {
        if new.bytes != old.bytes {
            return Ok(true);
        }
        let between_clouds = new.path.is_none() && old.path.is_none();
        if (self.args.checksum || between_clouds)
            && let (Some(new), Some(old)) = (md5(new).await?, md5(old).await?)
        {
            return Ok(new != old);
        }
        Ok(new.modified > old.modified)
    }

    /// Transfers what has this name, and tells of it.
    async fn transfer(&self, item: &Item) -> anyhow::Result<()> {
        let (name, path) = (self.name_of(&item.name), self.path_of(&item.name));
        if self.args.dry_run {
            would(self.context, self.verb(), &name, &path);
            return Ok(());
        }
        self.bar.expect(item.bytes);
        match (self.source, self.target, &self.putter) {
            (Side::Here(_), Side::Cloud(to), Some(putter)) => {
                let object = to.with_object(format!("{}{}", folder_of(to), item.name));
                let file = item.path.as_deref().unwrap_or(Path::new(""));
                putter.file(&object, file, item.modified).await?;
            }
            (Side::Cloud(from), Side::Cloud(to), Some(putter)) => {
                let source = format!("{}{}", folder_of(from), item.name);
                let object = to.with_object(format!("{}{}", folder_of(to), item.name));
                self.copy(
                    (&from.container, &source),
                    &object,
                    item,
                    putter,
                    from.cloud == to.cloud,
                )
                .await?;
            }
            (Side::Cloud(from), Side::Here(_), _) => {
                let (Some(transfers), Some(folder)) = (&self.from, &self.folder) else {
                    return Ok(());
                };
                let file = folder.place(&item.name)?;
                let source = format!("{}{}", folder_of(from), item.name);
                let options = DownloadOptions {
                    resume: true,
                    progress: self.bar.progress(),
                    ..DownloadOptions::default()
                };
                transfers
                    .download_file(&from.container, &source, &file, &options)
                    .await?;
                // The next comparison is with this time.
                set_time(&file, item.modified)?;
            }
            _ => {}
        }
        let row = Row {
            action: self.verb(),
            name: &name,
            path: &path,
        };
        let text = || match self.verb() {
            "upload" => format!("uploaded {name} ({path})"),
            "download" => format!("downloaded {name} ({path})"),
            _ => format!("copied {name} ({path})"),
        };
        self.context.output.done(text, &row);
        Ok(())
    }

    async fn copy(
        &self,
        source: (&str, &str),
        to: &CloudPlace,
        item: &Item,
        putter: &Putter,
        same_account: bool,
    ) -> anyhow::Result<()> {
        let Some(from) = &self.from else {
            return Ok(());
        };
        if same_account {
            let options = swift_client::CopyOptions::default();
            from.copy_object(source, to.only_object()?, &options)
                .await?;
            return Ok(());
        }
        let download = from
            .download(source.0, source.1, &DownloadOptions::default())
            .await?;
        let options = UploadOptions {
            object: ObjectOptions {
                content_type: item.content_type.clone(),
                metadata: download.info.metadata.clone(),
                ..ObjectOptions::default()
            },
            ..putter.options.clone()
        };
        let putter = Putter {
            transfers: putter.transfers.clone(),
            recorder: putter.recorder.clone(),
            options,
        };
        let length = download.length;
        let content = download.map_err(std::io::Error::other);
        putter.body(to, Body::stream(content, length)).await?;
        Ok(())
    }

    /// Where an item is at the target, in a cloud if one side is there.
    fn name_of(&self, name: &str) -> String {
        match (self.source, self.target) {
            (_, Side::Cloud(place)) | (Side::Cloud(place), _) => place
                .with_object(format!("{}{name}", folder_of(place)))
                .to_string(),
            _ => name.to_owned(),
        }
    }

    /// Where an item is on the other side.
    fn path_of(&self, name: &str) -> String {
        match (self.source, self.target) {
            (Side::Here(path), _) | (_, Side::Here(path)) => path.join(name).display().to_string(),
            (Side::Cloud(place), _) => place
                .with_object(format!("{}{name}", folder_of(place)))
                .to_string(),
        }
    }

    /// Deletes a file at once, and objects by the thousand.
    async fn delete_later(
        &self,
        name: String,
        deletions: &mut Vec<String>,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        if self.args.dry_run {
            would(
                self.context,
                "delete",
                &self.target_name(&name),
                "only there",
            );
            return Ok(());
        }
        if let Some(folder) = &self.folder {
            match folder.remove(&name) {
                Ok(()) => self.deleted(&name),
                Err(error) => failures.add("delete", self.target_name(&name), &error),
            }
            return Ok(());
        }
        deletions.push(name);
        if deletions.len() >= BATCH {
            self.delete_now(deletions, failures).await?;
        }
        Ok(())
    }

    async fn delete_now(
        &self,
        deletions: &mut Vec<String>,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        let (Side::Cloud(place), Some(putter)) = (self.target, &self.putter) else {
            return Ok(());
        };
        if deletions.is_empty() {
            return Ok(());
        }
        let prefix = folder_of(place);
        let names: Vec<Result<ObjectName, Error>> = (deletions.iter())
            .map(|name| Ok((place.container.clone(), format!("{prefix}{name}"))))
            .collect();
        let (_, failed) = delete(&putter.transfers, stream::iter(names)).await?;
        let kept: std::collections::HashSet<&str> =
            failed.iter().map(|(name, _)| name.as_str()).collect();
        for name in deletions.drain(..) {
            if !kept.contains(format!("{}/{prefix}{name}", place.container).as_str()) {
                self.deleted(&name);
            }
        }
        for (name, error) in &failed {
            failures.add("delete", name, error);
        }
        Ok(())
    }

    fn target_name(&self, name: &str) -> String {
        match self.target {
            Side::Here(path) => path.join(name).display().to_string(),
            Side::Cloud(_) => self.name_of(name),
        }
    }

    fn deleted(&self, name: &str) {
        let name = self.target_name(name);
        let row = Row {
            action: "delete",
            name: &name,
            path: "",
        };
        self.context.output.done(|| format!("deleted {name}"), &row);
    }
}

/// The name of the next item that the filter takes, and whether something before it could not be read.
async fn next_name(
    items: &mut Items,
    filter: &Filter,
    failures: &mut Failures<'_>,
    action: &str,
) -> (Option<String>, bool) {
    let mut broken = false;
    loop {
        match Pin::new(&mut *items).peek().await {
            None => return (None, broken),
            Some(Ok(item)) if filter.takes(&item.name) => return (Some(item.name.clone()), broken),
            Some(_) => {}
        }
        if let Some(Err((name, error))) = items.next().await {
            broken = true;
            failures.add(action, name, &error);
        }
    }
}

async fn md5(item: &Item) -> anyhow::Result<Option<String>> {
    match &item.path {
        Some(path) => Ok(Some(md5_of(path).await?)),
        None => Ok(item.md5.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str, target: &str) -> Option<(bool, bool)> {
        let read = |text: &str| Place::parse(text.as_ref()).unwrap();
        let (source, target) = sides(read(source), read(target)).ok()?;
        let here = |side: &Side| matches!(side, Side::Here(_));
        Some((here(&source), here(&target)))
    }

    #[test]
    fn tells_which_side_is_here() {
        assert_eq!(kinds("./a", "c/p"), Some((true, false)));
        assert_eq!(kinds("c/p", "/tmp/a"), Some((false, true)));
        assert_eq!(kinds("swift://c/p", "a"), Some((false, true)));
        assert_eq!(kinds("a", "swift://c/p"), Some((true, false)));
        assert_eq!(kinds("swift://c", "swift://x@c"), Some((false, false)));
        assert_eq!(kinds("./a", "./b"), None);
        assert_eq!(kinds("neither-is", "a-folder"), None);
    }
}
