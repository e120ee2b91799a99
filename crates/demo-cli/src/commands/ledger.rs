//! `cloudfiles ledger`: looks at the record of what was made, and saves what can be saved of a damaged one.

use std::path::{Path, PathBuf};

use anyhow::bail;
use jiff::Timestamp;
use ledger::{Entry, Ledger, Resource, SCHEMA, salvage};
use serde_json::json;

use super::shown;
use crate::args::{self, Filter, LedgerCommand};
use crate::context::Context;
use crate::output::Output;
use crate::settings::{self, Environment};

pub(crate) fn run(command: LedgerCommand, context: &Context) -> anyhow::Result<()> {
    match command {
        LedgerCommand::Ls {
            filter,
            json,
            ledger,
        } => list(&path(&ledger)?, &filter, json),
        LedgerCommand::Repair { write, ledger } => {
            repair(&path(&ledger)?, write.as_deref(), context)
        }
        LedgerCommand::Forget { entries, ledger } => {
            let ledger = Ledger::<Resource>::open_existing(path(&ledger)?)?;
            ledger.forget_many(entries.clone())?;
            ledger.close()?;
            for entry in entries {
                let text = || format!("forgot entry {entry}");
                let row = json!({"action": "forget", "id": entry});
                context.output.done(text, &row);
            }
            Ok(())
        }
        LedgerCommand::Schema => {
            let output = Output::new(false);
            output.text(SCHEMA.trim_end());
            Ok(output.finish()?)
        }
    }
}

fn path(said: &args::Ledger) -> anyhow::Result<PathBuf> {
    settings::ledger_path(said.path.as_deref(), &Environment::of_process())
}

fn list(path: &Path, filter: &Filter, json: bool) -> anyhow::Result<()> {
    let output = Output::new(json);
    let ledger = Ledger::open_existing(path)?;
    let now = Timestamp::now();
    let entries = ledger.leftovers(|entry| filter.lets_through(entry, now))?;
    for mut entry in entries {
        output.line(&line(&entry));
        // A former key is for the clean-up alone.
        if let ledger::What::TempUrlKey { former, .. } = &mut entry.resource.what {
            *former = None;
        }
        output.object(&entry);
    }
    ledger.close()?;
    Ok(output.finish()?)
}

fn line(entry: &Entry<Resource>) -> String {
    let Resource { cloud, account, .. } = &entry.resource;
    let reason = (entry.reason.as_ref()).map_or_else(String::new, |reason| format!("  ({reason})"));
    format!(
        "{:>4}  {:9}  {}  {}  {cloud}/{account}  {}{reason}",
        entry.id, entry.state, entry.planned_at, entry.run, entry.resource
    )
}

/// Shows what is sound and what is not, and writes the former into a new file.
fn repair(path: &Path, write: Option<&Path>, context: &Context) -> anyhow::Result<()> {
    let output = &context.output;
    let saved = salvage::<Resource>(path)?;
    let row = |written: Option<&Path>| {
        let flaws = saved.flaws.iter().map(|flaw| {
            let place = flaw.place.to_string();
            json!({"path": flaw.path, "place": place, "cause": flaw.cause})
        });
        output.object(&json!({
            "action": "repair",
            "path": path,
            "entries": saved.entries.len(),
            "flaws": flaws.collect::<Vec<_>>(),
            "written": written,
        }));
    };
    for flaw in &saved.flaws {
        output.line(&format!(
            "{}: {}: {}",
            flaw.path.display(),
            flaw.place,
            flaw.cause
        ));
    }
    for entry in &saved.entries {
        output.line(&line(entry));
    }
    let (entries, flaws) = (saved.entries.len(), saved.flaws.len());
    if flaws == 0 {
        output.line(&format!(
            "{} is sound: {entries} entries; there is nothing to repair.",
            shown(path)
        ));
        row(None);
        return Ok(());
    }
    output.line(&format!(
        "{entries} entries can be saved; {flaws} places are damaged."
    ));
    let Some(target) = write else {
        output.line(&format!(
            "Nothing was written. `cloudfiles ledger repair --write FILE` puts them into a new ledger, to take the place \
             of {} and of its .journal.",
            shown(path)
        ));
        row(None);
        return Ok(());
    };
    match saved.write_to(target) {
        Ok(()) => {}
        Err(ledger::Error::Io { source, .. })
            if source.kind() == std::io::ErrorKind::AlreadyExists =>
        {
            bail!("{} is there already; name a new file", shown(target));
        }
        Err(error) => return Err(error.into()),
    }
    output.line(&format!(
        "They are in {} now. Look at them with `cloudfiles ledger ls --ledger {}`; {} is as it was.",
        shown(target),
        target.display(),
        shown(path)
    ));
    row(Some(target));
    Ok(())
}
