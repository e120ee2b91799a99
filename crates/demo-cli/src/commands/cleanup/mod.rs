//! `cloudfiles cleanup`: removes what earlier runs have left, and nothing else.
//!
//! What is to be removed can be written into a plan first, looked at, and then be carried out exactly: see [`mod@plan`].

mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::Timestamp;
use ledger::{Entry, Ledger, Resource, ResourceKind};
use serde_json::json;

use self::plan::Plan;
use super::shown;
use crate::args::{Cleanup, WrongUse};
use crate::output::{self, Output};
use crate::record::account_of;
use crate::removal::{self, Only, Outcome, Site};
use crate::running::Target;
use crate::settings::{self, Cloud, Environment, OFFLINE};

/// Where resources are, in the order of their removal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Whether it is an account of an emulator, whose URL is then `cloud`. It goes after all that is in it.
    is_account: bool,
    cloud: String,
    region: Option<String>,
    account: String,
}

impl Place {
    fn of(resource: &Resource) -> Self {
        Self {
            is_account: resource.kind() == ResourceKind::Account,
            cloud: resource.cloud.clone(),
            region: resource.region.clone(),
            account: resource.account.clone(),
        }
    }
}

pub(crate) async fn run(args: Cleanup) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    let output = Output::new(args.json);
    let done = match &args.apply {
        Some(file) => apply(file, &args, &environment, &output).await,
        None => select(&args, &environment, &output).await,
    };
    output.finish()?;
    done
}

/// Plans or removes what the filters let through.
async fn select(args: &Cleanup, environment: &Environment, output: &Output) -> anyhow::Result<()> {
    let path = settings::ledger_path(args.ledger.path.as_deref(), environment)?;
    let ledger = match Ledger::open_existing(&path) {
        Ok(ledger) => ledger,
        Err(ledger::Error::Io { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound && args.ledger.path.is_none() =>
        {
            output.line(&format!("Nothing to remove: there is no {}.", shown(&path)));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let now = Timestamp::now();
    let entries = ledger.leftovers(|entry| args.filter.lets_through(entry, now))?;
    if let Some(file) = &args.plan {
        plan(file, &ledger, entries, environment, output).await?;
        return Ok(ledger.close()?);
    }
    if entries.is_empty() {
        let there = if args.filter.is_empty() {
            ""
        } else {
            " of that"
        };
        output.line(&format!(
            "Nothing to remove: {} lists nothing{there}.",
            shown(&path)
        ));
        return Ok(ledger.close()?);
    }
    show(&entries, output);
    confirm(&format!("Remove these {}?", entries.len()), args.yes)?;
    let entries = entries.into_iter().map(|entry| (entry, Only::Ours));
    let left = remove(args, &ledger, entries.collect(), environment, output).await?;
    ledger.close()?;
    finish(left, &path)
}

/// Writes down what a clean-up would do now, and does nothing.
async fn plan(
    file: &Path,
    ledger: &Ledger,
    entries: Vec<Entry<Resource>>,
    environment: &Environment,
    output: &Output,
) -> anyhow::Result<()> {
    let mut plan = Plan::new(ledger.path(), Timestamp::now());
    let mut unknown = Vec::new();
    for (place, entries) in by_place(entries, |entry| &entry.resource) {
        let looked_at = match connect(&place, environment).await {
            Ok(site) => plan::look_at(site.as_ref(), entries).await,
            Err(error) => {
                let reason = format!("{error:#}");
                let failed = |entry| (entry, Err(anyhow::anyhow!("{reason}")));
                entries.into_iter().map(failed).collect()
            }
        };
        for (entry, looked_at) in looked_at {
            match looked_at {
                Ok(found) => plan.add(&entry, found),
                Err(error) => unknown.push(format!("{}: {error:#}", entry.resource)),
            }
        }
    }
    if file == Path::new("-") {
        output.text(&plan.to_json()?);
    } else {
        plan.write_to(file)?;
        plan.show(output);
        output.line(&format!(
            "Nothing was removed. `cloudfiles cleanup --apply {}` carries this out.",
            shown(file)
        ));
    }
    if !unknown.is_empty() {
        bail!(
            "{} could not be looked at and are not in the plan: {}",
            unknown.len(),
            unknown.join("; ")
        );
    }
    Ok(())
}

/// Carries out a plan: what it says, and nothing else.
async fn apply(
    file: &Path,
    args: &Cleanup,
    environment: &Environment,
    output: &Output,
) -> anyhow::Result<()> {
    let plan = Plan::read(file)?;
    let path = match &args.ledger.path {
        Some(path) => path.clone(),
        None => PathBuf::from(plan.ledger()),
    };
    let ledger = Ledger::open_existing(&path)?;
    plan.show(output);
    confirm(&format!("Carry out these {}?", plan.len()), args.yes)?;
    let mut entries = Vec::new();
    let mut gone = 0;
    for item in plan.into_items() {
        match ledger.entry(item.entry())? {
            Some(entry) if item.is_of(&entry) => entries.push((entry, item.only())),
            _ => {
                gone += 1;
                output.line(&format!(
                    "{item}: skipped: the ledger no longer lists it as entry {}",
                    item.entry()
                ));
            }
        }
    }
    let left = remove(args, &ledger, entries, environment, output).await?;
    ledger.close()?;
    if gone > 0 {
        output.line(&format!("{gone} were not in the ledger any more"));
    }
    finish(left, &path)
}

fn finish(left: usize, ledger: &Path) -> anyhow::Result<()> {
    if left > 0 {
        bail!(
            "{left} could not be removed; they are still in {}",
            shown(ledger)
        );
    }
    Ok(())
}

fn show(entries: &[Entry<Resource>], output: &Output) {
    for entry in entries {
        let Resource { cloud, account, .. } = &entry.resource;
        output.line(&format!(
            "{:>4}  {:9}  {cloud}/{account}  {}",
            entry.id, entry.state, entry.resource
        ));
    }
}

fn confirm(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    match output::ask(question)? {
        Some(true) => Ok(()),
        Some(false) => bail!("nothing was removed"),
        None => Err(WrongUse::new("there is nobody to ask: pass --yes to remove these").into()),
    }
}

/// Removes entries, place by place, and tells how many are left.
async fn remove(
    args: &Cleanup,
    ledger: &Ledger,
    entries: Vec<(Entry<Resource>, Only)>,
    environment: &Environment,
    output: &Output,
) -> anyhow::Result<usize> {
    let mut left = 0;
    let mut tell = |entry: &Entry<Resource>, outcome: &Outcome| {
        left += usize::from(outcome.is_left());
        output.line(&format!("{}: {outcome}", entry.resource));
        output.object(&json!({
            "entry": entry.id,
            "run": entry.run,
            "kind": entry.resource.kind(),
            "cloud": entry.resource.cloud,
            "account": entry.resource.account,
            "resource": entry.resource.to_string(),
            "outcome": outcome.word(),
            "reason": outcome.reason(),
        }));
    };
    for (place, entries) in by_place(entries, |(entry, _)| &entry.resource) {
        match connect(&place, environment).await {
            Ok(Some(site)) => {
                removal::remove(&site, ledger, entries, args.settle, &mut tell).await?;
            }
            Ok(None) => {
                ledger.forget_many(entries.iter().map(|(entry, _)| entry.id).collect())?;
                output.line(&format!(
                    "{} of the cloud {OFFLINE}: gone with the process that made them",
                    entries.len()
                ));
            }
            Err(error) => {
                let reason = format!("{error:#}");
                for (entry, _) in entries {
                    ledger.keep(entry.id, &reason)?;
                    tell(&entry, &Outcome::Left(reason.clone()));
                }
            }
        }
    }
    Ok(left)
}

fn by_place<T>(items: Vec<T>, resource: impl Fn(&T) -> &Resource) -> BTreeMap<Place, Vec<T>> {
    let mut places: BTreeMap<Place, Vec<T>> = BTreeMap::new();
    for item in items {
        let place = Place::of(resource(&item));
        places.entry(place).or_default().push(item);
    }
    places
}

/// Where the resources were made, or `None` for the emulator inside a process, which does not outlive it. A name may lead
/// elsewhere by now: that is an error.
async fn connect(place: &Place, environment: &Environment) -> anyhow::Result<Option<Site>> {
    if place.cloud == OFFLINE {
        return Ok(None);
    }
    if place.is_account {
        return Ok(Some(Site::Emulator(Target::at(&place.cloud, environment)?)));
    }
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
    Ok(Some(Site::Storage(client)))
}
