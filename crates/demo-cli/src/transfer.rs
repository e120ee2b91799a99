//! What the commands that work on many objects have in common: how many at a time, and which.

use std::fmt;

use anyhow::anyhow;
use futures_util::{Stream, TryStreamExt};
use swift_client::{
    Client, Error, ListOptions, Listed, ObjectEntry, ObjectName, TransferSettings, Transfers,
};

use crate::pattern::Pattern;
use crate::place::CloudPlace;

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
        return Err(NothingThere.into());
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

/// There is no object of the name that was typed.
#[derive(Debug)]
pub(crate) struct NothingThere;

impl fmt::Display for NothingThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no object of this name (-r takes all that is in a folder)")
    }
}

impl std::error::Error for NothingThere {}

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
