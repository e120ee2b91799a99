//! `cloudfiles upload`: files, folders and standard input.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::StreamExt;
use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use swift_client::{
    Body, LargeObject, LocalFile, ObjectOptions, OldSegments, SameBy, UploadOptions, Uploaded,
    walk_folder,
};

use super::Failures;
use crate::args::{MetadataArgs, WrongUse, duration};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Bar};
use crate::pattern::{Filter, FilterArgs};
use crate::place::{self, CloudPlace, Place};
use crate::putter::Putter;
use crate::transfer::{TransferArgs, bytes};

/// Uploads files, folders or standard input
///
/// The last name is where to: an object, a container, or a folder with a slash at its end. The container is made if it
/// is not there. What is in a single folder goes right below the place; of several files and folders each keeps its
/// last name. Large files go in segments; whoever repeats an upload that was cut short sends only what is missing of
/// these.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "cloudfiles upload [OPTIONS] <PATH>... <CONTAINER[/NAME]>",
    after_long_help = "\
With --json each line is {\"action\": \"upload\", \"name\", \"path\", \"bytes\", \"etag\", \"segments\",
\"reused_segments\"}, {\"action\": \"keep\", \"name\", \"path\", \"bytes\"}, or {\"action\": \"upload\", \"name\", \"error\"}."
)]
pub(crate) struct Args {
    /// What to upload, - for standard input, and where to
    #[arg(value_name = "PLACE", num_args = 2.., required = true, value_parser = place::parser())]
    places: Vec<Place>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Tell what would be uploaded, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// The content type, instead of the one that the name suggests
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Let the objects expire so long from now, such as `90m` or `7d`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    delete_after: Option<Duration>,
    /// Replace no object that is there already
    #[arg(long)]
    no_clobber: bool,
    /// Leave objects alone that have the size and the time of the file, by what an earlier upload noted
    #[arg(long, conflicts_with = "skip_identical")]
    changed: bool,
    /// Leave objects alone that have the content of the file, by their MD5s
    #[arg(long)]
    skip_identical: bool,
    /// The size of segments, such as `64M`
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    segment_size: Option<u64>,
    /// Where segments go [default: CONTAINER_segments]
    #[arg(long, value_name = "CONTAINER")]
    segment_container: Option<String>,
    /// Make large objects dynamic, for old clouds and tools
    #[arg(long)]
    dlo: bool,
    /// Make an object for each empty folder as well, by which `download` makes it again
    #[arg(long)]
    empty_folders: bool,
    /// Leave the segments of large objects that are replaced
    #[arg(long)]
    keep_segments: bool,
    #[command(flatten)]
    metadata: MetadataArgs,
    #[command(flatten)]
    transfer: TransferArgs,
}

#[derive(Serialize)]
pub(super) struct Row<'a> {
    action: &'static str,
    name: String,
    path: &'a Path,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<&'a str>,
    segments: usize,
    reused_segments: usize,
}

#[derive(Serialize)]
struct Kept<'a> {
    action: &'static str,
    name: String,
    path: &'a Path,
    bytes: u64,
}

/// Tells of an upload.
pub(super) fn uploaded(context: &Context, place: &CloudPlace, path: &Path, done: &Uploaded) {
    let row = Row {
        action: "upload",
        name: place.to_string(),
        path,
        bytes: done.bytes,
        etag: done.stored.etag.as_deref(),
        segments: done.segments,
        reused_segments: done.reused_segments,
    };
    let text = || match done.segments {
        0 => format!("uploaded {place} ({})", output::size(done.bytes)),
        segments => format!(
            "uploaded {place} ({}, {}, {} there before)",
            output::size(done.bytes),
            output::count(segments as u64, "segment"),
            done.reused_segments,
        ),
    };
    context.output.done(text, &row);
}

pub(crate) async fn run(mut args: Args, context: &Context) -> anyhow::Result<Exit> {
    let to = args
        .places
        .pop()
        .expect("there are two places at least")
        .in_cloud()?;
    to.in_container()?;
    let bar = context.output.bar();
    let putter = Putter {
        transfers: args.transfer.transfers(&context.client(&to)?),
        recorder: if args.dry_run {
            None
        } else {
            context.recorder("upload", &to).await?
        },
        options: args.options(&bar)?,
    };
    context.resume_by("run the same command again: segments that are there are not sent again");
    let filter = args.filter.filter()?;
    let several = args.places.len() > 1;
    let mut failures = Failures::new(context);
    if !args.dry_run {
        putter.need_container(&to.container).await?;
    }
    for from in &args.places {
        let upload = Upload {
            context,
            putter: &putter,
            filter: &filter,
            dry_run: args.dry_run,
            skip: args.skip(),
            empty_folders: args.empty_folders,
            at_a_time: args.transfer.concurrency(),
            bar: &bar,
        };
        upload
            .place(from.clone(), &to, several, &mut failures)
            .await?;
    }
    Ok(failures.exit())
}

impl Args {
    /// What is left alone.
    fn skip(&self) -> Option<SameBy> {
        if self.skip_identical {
            Some(SameBy::Content)
        } else {
            self.changed.then_some(SameBy::Time)
        }
    }

    fn options(&self, bar: &Bar) -> Result<UploadOptions, WrongUse> {
        let mut headers = self.metadata.headers()?;
        // Segments are to expire with their manifest, so these are for the client to know.
        let delete_after = seconds(&mut headers, "x-delete-after")?.map(Duration::from_secs);
        let delete_at = seconds(&mut headers, "x-delete-at")?
            .and_then(|at| Timestamp::from_second(i64::try_from(at).ok()?).ok());
        Ok(UploadOptions {
            object: ObjectOptions {
                content_type: self.content_type.clone(),
                delete_after: self.delete_after.or(delete_after),
                delete_at,
                metadata: self.metadata.metadata(),
                headers,
                only_if_new: self.no_clobber,
                ..ObjectOptions::default()
            },
            segment_bytes: self.segment_size,
            segment_container: self.segment_container.clone(),
            large_object: if self.dlo {
                LargeObject::Dynamic
            } else {
                LargeObject::Static
            },
            old_segments: if self.keep_segments {
                OldSegments::Keep
            } else {
                OldSegments::Remove
            },
            progress: bar.progress(),
            ..UploadOptions::default()
        })
    }
}

struct Upload<'a> {
    context: &'a Context,
    putter: &'a Putter,
    filter: &'a Filter,
    dry_run: bool,
    /// By what an object is taken for the file's, so that it is left alone.
    skip: Option<SameBy>,
    empty_folders: bool,
    at_a_time: usize,
    bar: &'a Bar,
}

impl Upload<'_> {
    async fn place(
        &self,
        from: Place,
        to: &CloudPlace,
        several: bool,
        failures: &mut Failures<'_>,
    ) -> anyhow::Result<()> {
        if from == Place::Standard {
            to.only_object()?;
            if self.dry_run {
                self.would(to, Path::new("-"));
                return Ok(());
            }
            self.bar.expect_any();
            let done = self
                .putter
                .body(to, Body::blocking_reader(std::io::stdin(), None))
                .await?;
            uploaded(self.context, to, Path::new("-"), &done);
            return Ok(());
        }
        let path = from.here()?;
        let metadata = match tokio::fs::metadata(&path).await {
            Ok(metadata) => metadata,
            Err(error) => {
                failures.add("upload", path.display(), &error.into());
                return Ok(());
            }
        };
        let own_name = || file_name(&path);
        if !metadata.is_dir() {
            let object = if to.is_folder() || several {
                to.with_object(format!("{}{}", folder_of(to), own_name()?))
            } else {
                to.clone()
            };
            let file = LocalFile {
                name: own_name()?,
                bytes: metadata.len(),
                modified: metadata.modified().ok().and_then(|at| at.try_into().ok()),
                path,
            };
            if let Err(error) = self.file(&file, &object).await {
                failures.add("upload", &object, &error);
            }
            return Ok(());
        }
        let mut prefix = folder_of(to);
        if several {
            prefix = format!("{prefix}{}/", own_name()?);
        }
        let files = walk_folder(path, Arc::new(self.filter.clone())).filter(|found| {
            let is_folder = matches!(found, Ok(file) if file.name.ends_with('/'));
            std::future::ready(self.empty_folders || !is_folder)
        });
        let prefix = &prefix;
        let uploads = files.map(|found| async move {
            let file = match found {
                Ok(file) => file,
                Err(unreadable) => {
                    let path = unreadable.path.display().to_string();
                    return (path, Err(unreadable.error.into()));
                }
            };
            let object = to.with_object(format!("{prefix}{}", file.name));
            let done = self.file(&file, &object).await;
            (object.to_string(), done)
        });
        let mut uploads = std::pin::pin!(uploads.buffer_unordered(self.at_a_time * 2));
        while let Some((name, done)) = uploads.next().await {
            if let Err(error) = done {
                failures.add("upload", name, &error);
            }
        }
        Ok(())
    }

    /// Uploads one file and tells of it.
    async fn file(&self, file: &LocalFile, object: &CloudPlace) -> anyhow::Result<()> {
        let (path, bytes, modified) = (file.path.as_path(), file.bytes, file.modified);
        let is_folder = file.name.ends_with('/');
        if let Some(by) = self.skip
            && !is_folder
            && (self.putter.transfers)
                .has_file(&object.container, &object.object, file, by)
                .await?
        {
            let row = Kept {
                action: "keep",
                name: object.to_string(),
                path,
                bytes,
            };
            let text = || format!("{object} is the same already");
            self.context.output.done(text, &row);
            return Ok(());
        }
        if self.dry_run {
            if self.putter.must_not_be(object).await? {
                bail!("there is an object of this name already");
            }
            self.would(object, path);
            return Ok(());
        }
        self.bar.expect(bytes);
        let done = if is_folder {
            self.putter.folder(object).await?
        } else {
            self.putter.file(object, path, bytes, modified).await?
        };
        uploaded(self.context, object, path, &done);
        Ok(())
    }

    fn would(&self, object: &CloudPlace, path: &Path) {
        would(
            self.context,
            "upload",
            &object.to_string(),
            &path.display().to_string(),
        );
    }
}

#[derive(Serialize)]
struct Would<'a> {
    action: &'a str,
    name: &'a str,
    path: &'a str,
    dry_run: bool,
}

/// Tells what a dry run does not do.
pub(super) fn would(context: &Context, action: &str, name: &str, path: &str) {
    let row = Would {
        action,
        name,
        path,
        dry_run: true,
    };
    let text = || format!("would {action} {name} ({path})");
    context.output.result(text, &row);
}

/// What names below a place begin with: none, or one that ends in a slash.
pub(super) fn folder_of(place: &CloudPlace) -> String {
    match place.object.as_str() {
        "" => String::new(),
        name if name.ends_with('/') => name.to_owned(),
        name => format!("{name}/"),
    }
}

/// Takes a header that is a number of seconds.
fn seconds(headers: &mut HeaderMap, name: &str) -> Result<Option<u64>, WrongUse> {
    let Some(value) = headers.remove(name) else {
        return Ok(None);
    };
    let number = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(WrongUse::new(format!(
            "{name} is a whole number of seconds"
        ))),
    }
}

fn file_name(path: &PathBuf) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name
        .with_context(|| format!("{} has no name", path.display()))?
        .to_owned())
}
