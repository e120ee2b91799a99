//! The subcommands.

mod cleanup;
pub(crate) mod config;
mod demo;
mod filter;
mod ledger;
pub(crate) mod login;

use std::path::{Path, PathBuf};

use crate::args::Command;

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => demo::run(args).await,
        Command::Config(args) => config::run(args),
        Command::Login(args) => login::run(args).await,
        Command::Logout(args) => login::log_out(&args),
        Command::Cleanup(args) => cleanup::run(args).await,
        Command::Ledger(command) => ledger::run(command),
    }
}

/// A path as the user would find it from anywhere.
fn shown(path: &Path) -> String {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}
