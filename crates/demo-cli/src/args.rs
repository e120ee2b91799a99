//! What was typed, and nothing about what it means.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::settings::CloudArgs;

/// Shows what Rackspace Cloud Files and Swift can do, offline or on a real cloud, and cleans up after itself
#[derive(Debug, Parser)]
#[command(name = "cloudfiles", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays the whole story in eleven steps on an emulator inside this process, or on the cloud that is named; checks
    /// each of them, and removes what it made
    Demo(Demo),
    /// Removes what earlier runs have left, as the ledger tells
    Cleanup(Cleanup),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// How long the temp URLs work
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    pub(crate) expires: u32,
    /// Upload this file instead of a small picture
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// Wait for real until URLs and CDN copies expire (15 minutes for the latter), instead of moving the emulator's clock
    #[arg(long)]
    pub(crate) wait: bool,
    /// Leave everything there, for `cloudfiles cleanup`
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print one JSON object for each step
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) ledger: Ledger,
    /// Without a name the emulator inside this process, called `offline`.
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Cleanup {
    /// Only what was made on this cloud
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) ledger: Ledger,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Ledger {
    /// The file that records what was made [default: ~/.local/state/cloudfiles/ledger.json]
    #[arg(
        long = "ledger",
        value_name = "FILE",
        env = "CLOUDFILES_LEDGER",
        hide_env_values = true
    )]
    pub(crate) path: Option<PathBuf>,
}

/// The command was understood but cannot be done like this: exit code 2, as for every other wrong use.
#[derive(Debug)]
pub(crate) struct WrongUse(pub(crate) &'static str);

impl std::fmt::Display for WrongUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for WrongUse {}
