//! Where things go: a folder here or a place in a cloud, and how what is too much there is deleted.

use std::collections::HashSet;
use std::path::PathBuf;

use futures_util::stream;
use serde::Serialize;
use swift_client::{CopyOptions, Error, GetOptions, ObjectName, UploadOptions};

use super::items::Items;
use super::{Args, Side};
use crate::args::WrongUse;
use crate::commands::Failures;
use crate::commands::upload::{folder_of, would};
use crate::context::Context;
use crate::copying::Copier;
use crate::fetching::Fetcher;
use crate::folder::Folder;
use crate::output::Bar;
use crate::pattern::Filter;
use crate::place::CloudPlace;
use crate::putter::Putter;
use crate::transfer::delete;

/// So many objects are deleted with one request.
const BATCH: usize = 1000;

pub(super) enum Target {
    /// A folder here, filled from a cloud. A dry run opens none.
    Folder {
        path: PathBuf,
        folder: Option<Folder>,
        fetcher: Box<Fetcher>,
    },
    /// A place in a cloud, filled from a folder here.
    Upload {
        place: CloudPlace,
        putter: Box<Putter>,
    },
    /// A place in a cloud, filled from one in the same or another cloud.
    Copy {
        place: CloudPlace,
        copier: Box<Copier>,
    },
}

#[derive(Serialize)]
struct Row<'a> {
    action: &'a str,
    name: &'a str,
    path: &'a str,
}

impl Target {
    pub(super) async fn open(
        args: &Args,
        source: &Side,
        target: Side,
        context: &Context,
        bar: &Bar,
    ) -> anyhow::Result<Self> {
        let place = match target {
            Side::Cloud(place) => place,
            Side::Here(path) => {
                let Side::Cloud(from) = source else {
                    return Err(WrongUse::new("both are here: rsync does that").into());
                };
                let folder = if args.dry_run {
                    None
                } else {
                    Some(Folder::open(&path)?)
                };
                let fetcher = Fetcher {
                    transfers: args.transfer.transfers(&context.client(from)?),
                    get: GetOptions::default(),
                    overwrite: true,
                    durable: false,
                    dry_run: args.dry_run,
                    progress: bar.progress(),
                };
                return Ok(Self::Folder {
                    path,
                    folder,
                    fetcher: Box::new(fetcher),
                });
            }
        };
        let putter = Putter {
            transfers: args.transfer.transfers(&context.client(&place)?),
            recorder: if args.dry_run {
                None
            } else {
                context.recorder("sync", &place).await?
            },
            options: UploadOptions {
                progress: bar.progress(),
                ..UploadOptions::default()
            },
        };
        let target = match source {
            Side::Here(_) => Self::Upload {
                place,
                putter: Box::new(putter),
            },
            Side::Cloud(from) => {
                let source = args.transfer.transfers(&context.client(from)?);
                let copier = Copier::new(source, putter, CopyOptions::default(), false).await?;
                if copier.is_within_account() && overlap(from, &place) {
                    let reason = format!("{from} and {place} are one in the other");
                    return Err(WrongUse::new(reason).into());
                }
                let copier = Box::new(copier);
                Self::Copy { place, copier }
            }
        };
        if !args.dry_run
            && let Some((putter, place)) = target.in_cloud()
        {
            putter.need_container(&place.container).await?;
        }
        Ok(target)
    }

    fn in_cloud(&self) -> Option<(&Putter, &CloudPlace)> {
        match self {
            Self::Folder { .. } => None,
            Self::Upload { place, putter } => Some((putter.as_ref(), place)),
            Self::Copy { place, copier } => Some((copier.putter(), place)),
        }
    }

    /// What is there already. A container that is not there yet has nothing in it, and a dry run makes none.
    pub(super) fn items(&self, filter: &Filter) -> Items {
        match self {
            Self::Folder { path, .. } => Items::of_folder(path, filter),
            Self::Upload { place, putter } => {
                Items::of_cloud(putter.transfers.client(), place, true, filter)
            }
            Self::Copy { place, copier } => {
                let client = copier.putter().transfers.client();
                Items::of_cloud(client, place, true, filter)
            }
        }
    }

    /// What an item is called there.
    pub(super) fn name_of(&self, name: &str) -> String {
        match self {
            Self::Folder { path, .. } => path.join(name).display().to_string(),
            Self::Upload { place, .. } | Self::Copy { place, .. } => below(place, name).to_string(),
        }
    }
}

/// What an item is called in a cloud.
pub(super) fn below(place: &CloudPlace, name: &str) -> CloudPlace {
    place.with_object(format!("{}{name}", folder_of(place)))
}

/// Whether what is done to one place would change the other while it is read.
fn overlap(one: &CloudPlace, other: &CloudPlace) -> bool {
    let (a, b) = (folder_of(one), folder_of(other));
    one.container == other.container && (a.starts_with(&b) || b.starts_with(&a))
}

/// Deletes what only the target has: files at once, objects by the thousand.
pub(super) struct Deletions<'a> {
    target: &'a Target,
    context: &'a Context,
    dry_run: bool,
    waiting: Vec<String>,
}

impl<'a> Deletions<'a> {
    pub(super) fn new(target: &'a Target, context: &'a Context, dry_run: bool) -> Self {
        Self {
            target,
            context,
            dry_run,
            waiting: Vec::new(),
        }
    }

    pub(super) async fn add(
        &mut self,
        name: String,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        if self.dry_run {
            let name = self.target.name_of(&name);
            would(self.context, "delete", &name, "only there");
            return Ok(());
        }
        if let Target::Folder {
            folder: Some(folder),
            ..
        } = self.target
        {
            match folder.remove(&name) {
                Ok(()) => self.tell(&name),
                Err(error) => failures.add("delete", self.target.name_of(&name), &error),
            }
            return Ok(());
        }
        self.waiting.push(name);
        if self.waiting.len() >= BATCH {
            self.finish(failures).await?;
        }
        Ok(())
    }

    /// Deletes what waits for that.
    pub(super) async fn finish(&mut self, failures: &mut Failures<'_>) -> anyhow::Result<()> {
        let Some((putter, place)) = self.target.in_cloud() else {
            return Ok(());
        };
        if self.waiting.is_empty() {
            return Ok(());
        }
        let objects: Vec<String> = (self.waiting.iter())
            .map(|name| below(place, name).object)
            .collect();
        let names = objects.iter().map(|object| {
            let name: ObjectName = (place.container.clone(), object.clone());
            Ok::<_, Error>(name)
        });
        let names: Vec<_> = names.collect();
        let (_, failed) = delete(&putter.transfers, stream::iter(names)).await?;
        let kept: HashSet<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        for (name, object) in std::mem::take(&mut self.waiting).iter().zip(&objects) {
            if !kept.contains(format!("{}/{object}", place.container).as_str()) {
                self.tell(name);
            }
        }
        for (name, error) in &failed {
            failures.add("delete", name, error);
        }
        Ok(())
    }

    fn tell(&self, name: &str) {
        let name = self.target.name_of(name);
        let row = Row {
            action: "delete",
            name: &name,
            path: "",
        };
        self.context.output.done(|| format!("deleted {name}"), &row);
    }
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn sees_that_one_place_is_in_the_other() {
        let lie_over =
            |one: &str, other: &str| overlap(&one.parse().unwrap(), &other.parse().unwrap());
        assert!(lie_over("c", "c"));
        assert!(lie_over("c", "c/a"));
        assert!(lie_over("c/a/b", "c/a"));
        assert!(!lie_over("c/a", "c/ab"));
        assert!(!lie_over("c", "d"));
    }
}
