//! What was typed, and nothing about what it means.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::commands;
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
    /// Shows the settings of clouds, and where they come from
    Config(commands::config::Config),
    /// Keeps a cloud's password or API key in the keyring of the desktop
    Login(commands::login::Login),
    /// Removes what `login` has kept
    Logout(commands::login::Logout),
    /// Removes what earlier runs have left, as the ledger tells
    Cleanup(Cleanup),
    /// Looks at the record of what was made
    #[command(subcommand)]
    Ledger(LedgerCommand),
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
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Remove nothing, but write what would be removed into this file (`-` for standard output)
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    pub(crate) plan: Option<PathBuf>,
    /// Remove exactly what this plan says, and skip, aloud, what has changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only_cloud", "run", "older_than"])]
    pub(crate) apply: Option<PathBuf>,
    /// How long a request of a run that was killed may still be on its way: what was planned since and is not there is
    /// asked for again when that time has passed
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) settle: Duration,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print one JSON object for each resource
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) ledger: Ledger,
}

/// Which entries of a ledger.
#[derive(Debug, ClapArgs)]
pub(crate) struct Filter {
    /// Only what was made on this cloud
    #[arg(long = "cloud", short = 'c', id = "only_cloud", value_name = "NAME")]
    pub(crate) cloud: Option<String>,
    /// Only what this run has made; may be said several times
    #[arg(long, value_name = "ID")]
    pub(crate) run: Vec<String>,
    /// Only what was planned longer ago than this, such as `90m`, `12h` or `7d`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Lists what was made and not removed
    #[command(visible_alias = "list")]
    Ls {
        #[command(flatten)]
        filter: Filter,
        /// Print one JSON object for each entry
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        ledger: Ledger,
    },
    /// Shows what can be saved of a damaged ledger, which is left untouched
    Repair {
        /// Write what can be saved into this new file
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
        #[command(flatten)]
        ledger: Ledger,
    },
    /// Drops entries whose resources no clean-up shall remove
    Forget {
        /// The numbers that `ledger ls` shows
        #[arg(required = true, value_name = "ENTRY")]
        entries: Vec<ledger::EntryId>,
        #[command(flatten)]
        ledger: Ledger,
    },
    /// Prints the JSON Schema of a ledger
    Schema,
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

/// A length of time: `90s`, `15m`, `12h`, `7d`, also several of them; a number alone is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let wrong = |reason: jiff::Error| format!("{reason}; say it like 90s, 15m, 12h or 7d");
    let span: jiff::Span = text.parse().map_err(wrong)?;
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(wrong)?;
    Duration::try_from(duration).map_err(|_| "it is negative".to_owned())
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
