//! Goes through both sides, name by name.

use std::cmp::Ordering;
use std::path::Path;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use swift_client::{Client, GetOptions};

use super::items::{Item, Items};
use super::target::{Deletions, Target, below};
use super::{Args, Side};
use crate::commands::Failures;
use crate::commands::upload::would;
use crate::context::Context;
use crate::folder;
use crate::mtime;
use crate::output::Bar;
use crate::pattern::Filter;
use crate::place::CloudPlace;

/// A comparison and what follows from it: in the end the name, and how it went.
type Job<'a> = Pin<Box<dyn Future<Output = (String, anyhow::Result<()>)> + 'a>>;

#[derive(Serialize)]
struct Row<'a> {
    action: &'a str,
    name: &'a str,
    path: &'a str,
}

pub(super) struct Engine<'a> {
    args: &'a Args,
    source: &'a Side,
    target: &'a Target,
    context: &'a Context,
    bar: &'a Bar,
    /// For the side that is in a cloud; the source if both are.
    client: Client,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        args: &'a Args,
        source: &'a Side,
        target: &'a Target,
        context: &'a Context,
        bar: &'a Bar,
    ) -> anyhow::Result<Self> {
        let client = match (source, target) {
            (Side::Cloud(place), _)
            | (_, Target::Upload { place, .. } | Target::Copy { place, .. }) => {
                context.client(place)?
            }
            (_, Target::Folder { fetcher, .. }) => fetcher.transfers.client().clone(),
        };
        Ok(Self {
            args,
            source,
            target,
            context,
            bar,
            client,
        })
    }

    pub(super) async fn run(
        &self,
        filter: &Filter,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        let mut source = match self.source {
            Side::Here(path) => Items::of_folder(path, filter),
            Side::Cloud(place) => Items::of_cloud(&self.client, place, false, filter),
        };
        let mut target = self.target.items(filter);
        let mut running: FuturesUnordered<Job<'_>> = FuturesUnordered::new();
        let mut deletions = Deletions::new(self.target, self.context, self.args.dry_run);
        // Once something of the source cannot be read, nobody knows what else it has.
        let mut may_delete = self.args.delete;
        loop {
            while running.len() >= self.args.transfer.concurrency() * 2 {
                self.report(running.next().await, failures);
            }
            let (there, _) = target.peek(failures).await;
            let (here, broken) = source.peek(failures).await;
            if broken && may_delete {
                may_delete = false;
                let reason = "the source cannot be read whole: nothing more is deleted";
                self.context.output.warning(reason);
            }
            let order = match (&here, &there) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(here), Some(there)) => here.cmp(there),
            };
            let new = match order {
                Ordering::Greater => None,
                _ => source.next().await,
            };
            let old = match order {
                Ordering::Less => None,
                _ => target.next().await,
            };
            match (new, old) {
                (Some(new), old) => running.push(Box::pin(async move {
                    let done = self.work(&new, old.as_ref()).await;
                    (new.name, done)
                })),
                (None, Some(old)) if may_delete => deletions.add(old.name, failures).await?,
                (None, _) => {}
            }
        }
        while let Some(done) = running.next().await {
            self.report(Some(done), failures);
        }
        deletions.finish(failures).await
    }

    fn report(&self, done: Option<(String, anyhow::Result<()>)>, failures: &mut Failures<'_>) {
        if let Some((name, Err(error))) = done {
            failures.add(self.verb(), self.name_of(&name), &error);
        }
    }

    fn verb(&self) -> &'static str {
        match self.target {
            Target::Upload { .. } => "upload",
            Target::Folder { .. } => "download",
            Target::Copy { .. } => "copy",
        }
    }

    /// Transfers an item unless the target has it already.
    async fn work(&self, new: &Item, old: Option<&Item>) -> anyhow::Result<()> {
        if let Some(old) = old
            && !self.differs(new, old).await?
        {
            return Ok(());
        }
        self.transfer(new).await
    }

    async fn differs(&self, new: &Item, old: &Item) -> anyhow::Result<bool> {
        if new.bytes != old.bytes {
            return Ok(true);
        }
        if self.args.size_only {
            return Ok(false);
        }
        if self.args.checksum || matches!(self.target, Target::Copy { .. }) {
            if let (Some(new), Some(old)) = (&new.md5, &old.md5) {
                return Ok(new != old);
            }
            if let Some(path) = new.path.as_deref().or(old.path.as_deref())
                && let Some(same) = self.same_content(&new.name, path).await?
            {
                return Ok(!same);
            }
        }
        Ok(new.modified > old.modified)
    }

    /// Whether a file here is the same as the object of this name.
    async fn same_content(&self, name: &str, path: &Path) -> anyhow::Result<Option<bool>> {
        let object = match (self.source, self.target) {
            (Side::Cloud(place), _)
            | (_, Target::Upload { place, .. } | Target::Copy { place, .. }) => below(place, name),
            (Side::Here(_), Target::Folder { .. }) => return Ok(None),
        };
        let (container, name) = object.only_object()?;
        let options = GetOptions::default();
        let info = (self.client).head_object(container, name, &options).await?;
        let same = (self.client).has_content_of(container, name, &info, path);
        Ok(same.await?)
    }

    async fn transfer(&self, item: &Item) -> anyhow::Result<()> {
        let (name, path) = (self.name_of(&item.name), self.path_of(&item.name));
        if self.args.dry_run {
            if let (Target::Folder { path, fetcher, .. }, Some(from)) =
                (self.target, self.at_source(&item.name))
            {
                folder::check(&item.name)?;
                fetcher.fetch(&from, &path.join(&item.name)).await?;
            }
            would(self.context, self.verb(), &name, &path);
            return Ok(());
        }
        match self.target {
            Target::Upload { place, putter } => {
                self.bar.expect(item.bytes);
                let file = item.path.as_deref().unwrap_or(Path::new(""));
                let object = below(place, &item.name);
                putter
                    .file(&object, file, item.bytes, item.modified)
                    .await?;
            }
            Target::Copy { place, copier } => {
                if !copier.is_within_account() {
                    self.bar.expect(item.bytes);
                }
                let to = below(place, &item.name);
                if let Some(from) = self.at_source(&item.name) {
                    copier.copy(&from, false, &to).await?;
                }
            }
            Target::Folder {
                folder, fetcher, ..
            } => {
                self.bar.expect(item.bytes);
                if let (Some(folder), Some(from)) = (folder, self.at_source(&item.name)) {
                    let file = folder.place(&item.name)?;
                    fetcher.fetch(&from, &file).await?;
                    // The next comparison is with this time.
                    mtime::set(&file, item.modified)?;
                }
            }
        }
        let row = Row {
            action: self.verb(),
            name: &name,
            path: &path,
        };
        let text = || match self.target {
            Target::Upload { .. } => format!("uploaded {name} ({path})"),
            Target::Folder { .. } => format!("downloaded {name} ({path})"),
            Target::Copy { .. } => format!("copied {name} ({path})"),
        };
        self.context.output.done(text, &row);
        Ok(())
    }

    /// The object of this name, if the source is in a cloud.
    fn at_source(&self, name: &str) -> Option<CloudPlace> {
        match self.source {
            Side::Cloud(place) => Some(below(place, name)),
            Side::Here(_) => None,
        }
    }

    /// What an item is called in a cloud: at the target if that is in one.
    fn name_of(&self, name: &str) -> String {
        match (self.target, self.at_source(name)) {
            (Target::Folder { .. }, Some(object)) => object.to_string(),
            _ => self.target.name_of(name),
        }
    }

    /// What it is called at the other side.
    fn path_of(&self, name: &str) -> String {
        match (self.source, self.target) {
            (Side::Here(path), _) | (_, Target::Folder { path, .. }) => {
                path.join(name).display().to_string()
            }
            (Side::Cloud(place), _) => below(place, name).to_string(),
        }
    }
}
