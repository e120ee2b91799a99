//! The subcommands.

mod cleanup;
mod demo;

use std::path::{Path, PathBuf};

use anyhow::Context;
use ledger::Ledger;
use swift_client::Client;

use crate::args::Command;

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Cleanup(args) => cleanup::run(args).await,
    }
}

/// The account a client works on: the last part of its storage URL.
async fn account_of(client: &Client) -> anyhow::Result<String> {
    let access = client.session().access().await?;
    let path = access.storage_url.path().trim_end_matches('/');
    Ok(path.rsplit('/').next().unwrap_or_default().to_owned())
}

/// Opens a ledger, and creates it with its folder if there is none.
fn open_ledger(path: &Path) -> anyhow::Result<Ledger> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(Ledger::open(path)?)
}

/// A path as the user would find it from anywhere.
fn shown(path: &Path) -> String {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}
