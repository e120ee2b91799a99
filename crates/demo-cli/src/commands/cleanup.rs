//! `cloudfiles cleanup`: removes what earlier runs have left.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context, bail};
use ledger::{Entry, Ledger, Resource};
use swift_client::Client;

use super::shown;
use crate::args::{Cleanup, WrongUse};
use crate::output::{self, Output};
use crate::record::account_of;
use crate::removal::{self, Outcome};
use crate::settings::{self, Cloud, Environment, OFFLINE};

/// Where resources are: they are removed through one client.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    cloud: String,
    region: Option<String>,
    account: String,
}

pub(crate) async fn run(args: Cleanup) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    let path = settings::ledger_path(args.ledger.path.as_deref(), &environment)?;
    let output = Output::new(false);
    let ledger = match Ledger::open_existing(&path) {
        Ok(ledger) => ledger,
        Err(ledger::Error::Io { source, .. })
            if source.kind() == ErrorKind::NotFound && args.ledger.path.is_none() =>
        {
            output.line(&format!("Nothing to remove: there is no {}.", shown(&path)));
            return Ok(output.finish()?);
        }
        Err(error) => return Err(error.into()),
    };
    let wanted = |entry: &Entry<Resource>| {
        args.cloud
            .as_ref()
            .is_none_or(|cloud| *cloud == entry.resource.cloud)
    };
    let entries = ledger.leftovers(wanted)?;
    if entries.is_empty() {
        output.line(&format!(
            "Nothing to remove: {} lists nothing{}.",
            shown(&path),
            if args.cloud.is_some() { " there" } else { "" }
        ));
        return finish(output, ledger);
    }
    for entry in &entries {
        let Resource { cloud, account, .. } = &entry.resource;
        output.line(&format!(
            "{:>4}  {}  {cloud}/{account}  {}",
            entry.id, entry.state, entry.resource
        ));
    }
    if !args.yes {
        match output::ask(&format!("Remove these {}?", entries.len()))? {
            Some(true) => {}
            Some(false) => bail!("nothing was removed"),
            None => {
                return Err(WrongUse("there is nobody to ask: pass --yes to remove these").into());
            }
        }
    }

    let mut left = 0;
    for (place, entries) in by_place(entries) {
        let count = entries.len();
        let tell = |entry: &Entry<Resource>, outcome: &Outcome| {
            left += u32::from(matches!(outcome, Outcome::Left(_)));
            output.line(&format!("{}: {outcome}", entry.resource));
        };
        if place.cloud == OFFLINE {
            // An emulator inside a process does not outlive it.
            ledger.forget_many(entries.iter().map(|entry| entry.id).collect())?;
            output.line(&format!(
                "{count} of the cloud {OFFLINE}: gone with the process that made them"
            ));
            continue;
        }
        match connect(&place, &environment).await {
            Ok(client) => removal::remove(&client, &ledger, entries, tell).await?,
            Err(error) => {
                let reason = format!("{error:#}");
                let mut tell = tell;
                for entry in entries {
                    ledger.keep(entry.id, &reason)?;
                    tell(&entry, &Outcome::Left(reason.clone()));
                }
            }
        }
    }
    finish(output, ledger)?;
    if left > 0 {
        bail!(
            "{left} could not be removed; they are still in {}",
            shown(&path)
        );
    }
    Ok(())
}

fn finish(output: Output, ledger: Ledger) -> anyhow::Result<()> {
    ledger.close()?;
    Ok(output.finish()?)
}

fn by_place(entries: Vec<Entry<Resource>>) -> BTreeMap<Place, Vec<Entry<Resource>>> {
    let mut places: BTreeMap<Place, Vec<Entry<Resource>>> = BTreeMap::new();
    for entry in entries {
        let place = Place {
            cloud: entry.resource.cloud.clone(),
            region: entry.resource.region.clone(),
            account: entry.resource.account.clone(),
        };
        places.entry(place).or_default().push(entry);
    }
    places
}

/// A client for the account in which the resources were made. A name may lead elsewhere by now: then none.
async fn connect(place: &Place, environment: &Environment) -> anyhow::Result<Client> {
    let mut cloud = Cloud::named(&place.cloud, environment)?;
    cloud.region.clone_from(&place.region);
    let client = cloud.client()?;
    let account = account_of(&client)
        .await
        .with_context(|| format!("signing in to {}", place.cloud))?;
    if account != place.account {
        bail!(
            "the cloud {} now leads to the account {account}, not {}",
            place.cloud,
            place.account
        );
    }
    Ok(client)
}
