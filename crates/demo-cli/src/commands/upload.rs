//! `cloudfiles upload`: files, folders and standard input.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use swift_client::{Body, LargeObject, ObjectOptions, UploadOptions, Uploaded};

use super::Failures;
use crate::args::{MetadataArgs, WrongUse, duration};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Bar};
use crate::pattern::{Filter, FilterArgs};
use crate::place::{self, CloudPlace, Place};
use crate::transfer::{Putter, TransferArgs, bytes};
use crate::tree::{self, LocalFile};

/// The last name is where to: an object, a container, or a folder with a slash at its end. The container is made if it
/// is not there. What is in a single folder goes right below the place; of several files and folders each keeps its
/// last name. Large files go in segments; whoever repeats an upload that was cut short sends only what is missing of
/// these.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
With --json each line is {\"action\": \"upload\", \"name\", \"path\", \"bytes\", \"etag\", \"segments\",
\"reused_segments\"}, or {\"action\": \"upload\", \"name\", \"error\"}.")]
pub(crate) struct Args {
    /// What to upload, - for standard input, and where to
    #[arg(value_name = "PATH... CONTAINER[/NAME]", num_args = 2.., required = true, value_parser = place::parser())]
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
    delete_after: Option<std::time::Duration>,
    /// Replace no object that is there already
    #[arg(long)]
    no_clobber: bool,
    /// The size of segments, such as `64M`
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    segment_size: Option<u64>,
    /// Where segments go [default: CONTAINER_segments]
    #[arg(long, value_name = "CONTAINER")]
    segment_container: Option<String>,
    /// Make large objects dynamic, for old clouds and tools
    #[arg(long)]
    dlo: bool,
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
        recorder: context.recorder("upload", &to).await?,
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
            at_a_time: args.transfer.concurrency(),
            bar: &bar,
        };
        upload
            .place(from.clone(), &to, several, &mut failures)
            .await?;
    }
    bar.end();
    Ok(failures.exit())
}

impl Args {
    fn options(&self, bar: &Bar) -> Result<UploadOptions, WrongUse> {
        Ok(UploadOptions {
            object: ObjectOptions {
                content_type: self.content_type.clone(),
                delete_after: self.delete_after,
                metadata: self.metadata.metadata(),
                headers: self.metadata.headers()?,
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
            let done = self
                .putter
                .body(to, Body::reader(tokio::io::stdin(), None))
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
            self.file(&file, &object)
                .await
                .report(self, &object, failures);
            return Ok(());
        }
        let mut prefix = folder_of(to);
        if several {
            prefix = format!("{prefix}{}/", own_name()?);
        }
        let files = stream::unfold(tree::walk(path), |mut files| async move {
            Some((files.recv().await?, files))
        });
        let prefix = &prefix;
        let uploads = files.map(|found| async move {
            let file = match found {
                Ok(file) if self.filter.takes(&file.name) => file,
                Ok(_) => return None,
                Err(unreadable) => {
                    return Some((unreadable.path.display().to_string(), Err(unreadable.error)));
                }
            };
            let object = to.with_object(format!("{prefix}{}", file.name));
            let done = self.file(&file, &object).await;
            Some((object.to_string(), done))
        });
        let mut uploads = std::pin::pin!(uploads.buffer_unordered(self.at_a_time * 2));
        while let Some(done) = uploads.next().await {
            if let Some((name, Err(error))) = done {
                self.bar.aside(|| failures.add("upload", name, &error));
            }
        }
        Ok(())
    }

    /// Uploads one file and tells of it.
    async fn file(&self, file: &LocalFile, object: &CloudPlace) -> anyhow::Result<()> {
        if self.dry_run {
            self.would(object, &file.path);
            return Ok(());
        }
        self.bar.expect(file.bytes);
        let done = self.putter.file(object, &file.path, file.modified).await?;
        uploaded(self.context, object, &file.path, &done);
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

trait Report {
    fn report(self, upload: &Upload<'_>, object: &CloudPlace, failures: &mut Failures<'_>);
}

impl Report for anyhow::Result<()> {
    fn report(self, upload: &Upload<'_>, object: &CloudPlace, failures: &mut Failures<'_>) {
        if let Err(error) = self {
            upload.bar.aside(|| failures.add("upload", object, &error));
        }
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

fn file_name(path: &PathBuf) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name
        .with_context(|| format!("{} has no name", path.display()))?
        .to_owned())
}
