//! What upload, download, copy and synchronisation have in common: how an object is moved, told of and recorded.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use futures_util::{Stream, TryStreamExt};
use jiff::Timestamp;
use ledger::What;
use md5::{Digest as _, Md5};
use swift_client::{
    Body, Client, ContainerOptions, DownloadOptions, Downloaded, Error, GetOptions, ListOptions,
    Listed, ObjectEntry, ObjectName, TransferSettings, Transfers, UploadOptions, Uploaded,
};

use crate::context::Context;
use crate::folder::Folder;
use crate::pattern::Pattern;
use crate::place::CloudPlace;
use crate::record::Recorder;

/// The metadata item in which a file's time is kept, as python-swiftclient and rclone do: seconds since 1970.
pub(crate) const MTIME: &str = "mtime";

/// How transfers run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TransferArgs {
    /// Requests at the same time, at most
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=512))]
    concurrency: u16,
}

impl TransferArgs {
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.into()
    }

    pub(crate) fn transfers(&self, client: &Client) -> Transfers {
        let settings = TransferSettings {
            concurrency: self.concurrency(),
            ..TransferSettings::default()
        };
        Transfers::new(client, settings)
    }
}

/// A number of bytes: `1000`, `64K`, `64M`, `5GiB`; the units are powers of 1,024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_lowercase();
    let shift = match unit.trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err("it is a number with K, M, G or T behind it".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "it is a number, such as 64M")?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "it is too large".to_owned())
}

/// Puts objects into one account.
pub(crate) struct Putter {
    pub(crate) transfers: Transfers,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) options: UploadOptions,
}

impl Putter {
    /// Makes sure that the container is there.
    pub(crate) async fn need_container(&self, container: &str) -> anyhow::Result<()> {
        let client = self.transfers.client();
        match client.head_container(container).await {
            // One who may write there need not be allowed to look at it.
            Ok(_) | Err(Error::Forbidden(_)) => return Ok(()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        let options = ContainerOptions::default();
        match &self.recorder {
            Some(recorder) => {
                recorder
                    .create_container(client, container, &options)
                    .await?;
            }
            None => {
                client.put_container(container, &options).await?;
            }
        }
        Ok(())
    }

    /// Uploads a file, with its time in the metadata.
    pub(crate) async fn file(
        &self,
        place: &CloudPlace,
        path: &Path,
        modified: Option<Timestamp>,
    ) -> anyhow::Result<Uploaded> {
        let mut options = self.options.clone();
        if let Some(modified) = modified {
            let (seconds, nanos) = (modified.as_second(), modified.subsec_nanosecond());
            if seconds >= 0 {
                let mtime = format!("{seconds}.{nanos:09}");
                options.object.metadata.insert(MTIME, mtime);
            }
        }
        self.recorded(place, &mut options, async |options| {
            let (container, object) = (&place.container, &place.object);
            self.transfers
                .upload_file(container, object, path, options)
                .await
        })
        .await
    }

    /// Uploads what a body gives.
    pub(crate) async fn body(&self, place: &CloudPlace, body: Body) -> anyhow::Result<Uploaded> {
        let mut options = self.options.clone();
        self.recorded(place, &mut options, async |options| {
            let (container, object) = (&place.container, &place.object);
            self.transfers
                .upload(container, object, body, options)
                .await
        })
        .await
    }

    async fn recorded(
        &self,
        place: &CloudPlace,
        options: &mut UploadOptions,
        upload: impl AsyncFnOnce(&UploadOptions) -> Result<Uploaded, Error>,
    ) -> anyhow::Result<Uploaded> {
        let Some(recorder) = &self.recorder else {
            return Ok(upload(options).await?);
        };
        let planned = recorder
            .plan(What::Object {
                container: place.container.clone(),
                object: place.object.clone(),
            })
            .await?;
        recorder.mark(&mut options.object.metadata);
        let uploaded = upload(options).await?;
        recorder
            .confirm(planned, uploaded.stored.etag.clone())
            .await?;
        Ok(uploaded)
    }
}

impl Context {
    /// Whoever records what is made in this place's cloud, if that was asked for.
    pub(crate) async fn recorder(
        &self,
        verb: &str,
        place: &CloudPlace,
    ) -> anyhow::Result<Option<Recorder>> {
        let Some(path) = &self.global.ledger else {
            return Ok(None);
        };
        let client = self.client(place)?;
        let cloud = self.cloud(place.cloud.as_deref())?;
        Ok(Some(Recorder::open(path, verb, &cloud, &client).await?))
    }
}

/// Downloads an object to a path, unless something is there already. What is the same already is left alone.
pub(crate) async fn fetch(
    transfers: &Transfers,
    place: &CloudPlace,
    path: &Path,
    options: &DownloadOptions,
    overwrite: bool,
) -> anyhow::Result<Fetched> {
    let (container, object) = (&place.container, &place.object);
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(path.display().to_string()),
        Ok(metadata) if metadata.is_dir() => {
            bail!("{} is a folder here", path.display());
        }
        // The new file would take the place of the device or pipe itself.
        Ok(metadata) if !metadata.is_file() && !metadata.is_symlink() => {
            bail!(
                "{} is no ordinary file; `cloudfiles cat` and > write into it",
                path.display()
            );
        }
        Ok(metadata) if !overwrite => {
            let info = (transfers.client())
                .head_object(container, object, &GetOptions::default())
                .await?;
            let plain = info.etag.clone().filter(|etag| etag.len() == 32);
            if info.bytes == Some(metadata.len())
                && let Some(etag) = plain
                && md5_of(path).await? == etag
            {
                return Ok(Fetched::Same);
            }
            bail!(
                "{} is there already and differs; --overwrite replaces it",
                path.display()
            );
        }
        Ok(_) => {}
    }
    let fetched = transfers
        .download_file(container, object, path, options)
        .await?;
    Ok(Fetched::New(Box::new(fetched)))
}

/// What became of a download.
pub(crate) enum Fetched {
    New(Box<Downloaded>),
    /// It was there, byte for byte.
    Same,
}

/// Gives a file a time.
pub(crate) fn set_time(path: &Path, at: Option<Timestamp>) -> anyhow::Result<()> {
    let Some(at) = at else { return Ok(()) };
    let file = std::fs::File::options().write(true).open(path)?;
    Ok(file.set_modified(at.try_into()?)?)
}

/// The time that a file had when it was uploaded, or when it was stored.
pub(crate) fn time_of(fetched: &Downloaded) -> Option<Timestamp> {
    let mtime = fetched.info.metadata.get(MTIME);
    let mtime = mtime.and_then(|text| {
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits: String = fraction
            .chars()
            .chain("000000000".chars())
            .take(9)
            .collect();
        Timestamp::new(seconds.parse().ok()?, digits.parse().ok()?).ok()
    });
    mtime.or(fetched.info.last_modified)
}

/// The MD5 of a file, as 32 hexadecimal digits.
pub(crate) async fn md5_of(path: &Path) -> anyhow::Result<String> {
    let path = path.to_owned();
    let hash = move || {
        let mut file = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
        let mut md5 = Md5::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match std::io::Read::read(&mut file, &mut buffer)? {
                0 => break,
                count => md5.update(&buffer[..count]),
            }
        }
        Ok::<_, anyhow::Error>(hex::encode(md5.finalize()))
    };
    tokio::task::spawn_blocking(hash).await?
}

/// The objects that a place means: the one of this name, all in a folder (with `recursive`), or all that match. The
/// second part of each is its name below the folder.
///
/// # Errors
/// If a folder is meant without `recursive`.
pub(crate) async fn objects(
    client: &Client,
    place: &CloudPlace,
    recursive: bool,
    literal: bool,
) -> anyhow::Result<impl Stream<Item = Result<(ObjectEntry, String), Error>> + use<>> {
    let name = place.object.clone();
    let pattern = if literal { None } else { Pattern::of(&name)? };
    let container = place.in_container()?;
    let (prefix, exact) = if pattern.is_some() {
        (Pattern::prefix(&name).to_owned(), false)
    } else if place.is_folder() {
        (name.clone(), false)
    } else {
        // Is there an object of just this name, or is it a folder?
        let one = ListOptions {
            prefix: Some(name.clone()),
            limit: Some(1),
            ..ListOptions::default()
        };
        let first: Vec<_> = client.list_objects(container, one).try_collect().await?;
        let first = first.into_iter().find_map(Listed::item);
        if first.is_some_and(|object| object.name == name) {
            (name.clone(), true)
        } else {
            (format!("{name}/"), false)
        }
    };
    if !exact && pattern.is_none() && !recursive {
        bail!("{place} is no object (-r takes all that is in a folder)");
    }
    let folder_end = match (exact, pattern.is_some()) {
        (false, false) => prefix.len(),
        _ => prefix.rfind('/').map_or(0, |slash| slash + 1),
    };
    let options = ListOptions {
        prefix: Some(prefix).filter(|prefix| !prefix.is_empty()),
        limit: exact.then_some(1),
        ..ListOptions::default()
    };
    let listing = client.list_objects(container, options);
    Ok(listing.try_filter_map(move |entry| {
        let wanted = entry.item().filter(|object| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.matches(&object.name))
        });
        let named = wanted.map(|object| {
            let below = object.name[folder_end..].to_owned();
            (object, below)
        });
        std::future::ready(Ok(named))
    }))
}

/// Deletes objects by name, and gives the failures.
pub(crate) async fn delete(
    transfers: &Transfers,
    names: impl Stream<Item = Result<ObjectName, Error>> + Send,
) -> anyhow::Result<(u64, Vec<(String, anyhow::Error)>)> {
    let report = transfers.delete_all(names).await?;
    let failures = report.failures.into_iter().map(|failure| {
        let name = format!("{}/{}", failure.container, failure.object);
        (name, anyhow!("{}", failure.reason))
    });
    Ok((report.deleted, failures.collect()))
}

/// Keeps objects that stand for folders from becoming files.
pub(crate) fn is_marker(object: &ObjectEntry) -> bool {
    object.name.ends_with('/')
}

/// Makes the folder that a marker stands for.
pub(crate) fn make_folder(folder: &Folder, name: &str, bytes: u64) -> anyhow::Result<()> {
    if bytes > 0 {
        bail!("its name ends with a slash, so that it can be no file here");
    }
    folder.make(name)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn reads_sizes_with_units() {
        for (text, number) in [
            ("0", 0),
            ("10", 10),
            ("1K", 1024),
            ("64MiB", 64 << 20),
            ("5gb", 5 << 30),
        ] {
            assert_eq!(bytes(text), Ok(number), "{text}");
        }
        for text in ["", "M", "1X", "1.5M", "99999999999T"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
