//! What was typed: the commands, the options that all of them take, and the texts that several of them read.
//!
//! The options of most commands stand in their own file under `commands/`, above the code that gives them a meaning.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};
use http::{HeaderMap, HeaderName, HeaderValue};
use swift_client::{ContainerOptions, Metadata, Versioning};

use crate::commands;
use crate::settings::CloudArgs;

/// Object storage of Rackspace Cloud Files and OpenStack Swift: files, temp URLs, the CDN, and an emulator of it all
///
/// Things in a cloud are named CONTAINER, CONTAINER/OBJECT or CONTAINER/FOLDER/, with or without swift:// in front;
/// swift://CLOUD@CONTAINER/OBJECT names one in another cloud. A single dash is standard input or output.
///
/// Exit codes: 0 all was done; 1 something was not, and is named on standard error; 2 wrong use; 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "cloudfiles", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Print JSON: one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors and what was asked for
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show each request with its transaction id on standard error; twice shows more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The file that records what is made, for `cloudfiles cleanup` [default: ~/.local/state/cloudfiles/ledger.json]
    #[arg(
        id = "path",
        long = "ledger",
        value_name = "FILE",
        env = "CLOUDFILES_LEDGER",
        hide_env_values = true,
        global = true
    )]
    pub(crate) ledger: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ls(commands::ls::Args),
    Stat(commands::stat::Args),
    Create(commands::create::Args),
    Delete(commands::delete::Args),
    Upload(commands::upload::Args),
    Download(commands::download::Args),
    Cat(commands::cat::Args),
    /// Copies objects in a cloud, or from one to another
    ///
    /// Within an account the cloud copies by itself, large objects by their manifest; between accounts the content
    /// passes through here. A folder needs -r. `upload` and `download` bring things here and there.
    #[command(override_usage = "cloudfiles cp [OPTIONS] <CONTAINER/NAME>... <CONTAINER[/NAME]>")]
    Cp(commands::cp::Args),
    /// Moves objects
    ///
    /// Each is copied, as by `cp`, and deleted when the copy is there. A link stays a link.
    #[command(override_usage = "cloudfiles mv [OPTIONS] <CONTAINER/NAME>... <CONTAINER[/NAME]>")]
    Mv(commands::mv::Args),
    Rm(commands::rm::Args),
    Sync(commands::sync::Args),
    Post(commands::post::Args),
    /// Makes, checks and explains temp URLs, and manages their keys
    #[command(subcommand)]
    Tempurl(commands::tempurl::Command),
    Formpost(commands::formpost::Args),
    /// Publishes containers on the Cloud Files CDN
    #[command(subcommand)]
    Cdn(commands::cdn::Command),
    /// Finds and removes segments that no large object needs
    #[command(subcommand)]
    Segments(commands::segments::Command),
    /// Uploads archives and deletes names by the thousand
    #[command(subcommand)]
    Bulk(commands::bulk::Command),
    Capabilities(commands::capabilities::Args),
    /// Starts an emulator, and steers one that runs
    #[command(subcommand)]
    Emulator(commands::emulator::Command),
    /// Plays the whole story in eleven steps on an emulator inside this process, or on the cloud that is named; checks
    /// each of them, and removes what it made
    Demo(Demo),
    Auth(commands::auth::Args),
    Config(commands::config::Config),
    Login(commands::login::Login),
    Logout(commands::login::Logout),
    /// Removes what earlier runs have left, as the ledger tells
    Cleanup(Cleanup),
    /// Looks at the record of what was made
    #[command(subcommand)]
    Ledger(LedgerCommand),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
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
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cloud", "run", "older_than"])]
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
    #[arg(long, short, value_name = "NAME")]
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
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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

/// Headers to send.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct HeaderArgs {
    /// Any header to send; may be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME:VALUE", value_parser = name_and_value)]
    headers: Vec<(String, String)>,
}

/// Metadata and headers to set.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct MetadataArgs {
    /// Metadata to set; may be repeated
    #[arg(long = "meta", short, value_name = "NAME=VALUE", value_parser = name_and_value)]
    metadata: Vec<(String, String)>,
    #[command(flatten)]
    headers: HeaderArgs,
}

impl MetadataArgs {
    pub(crate) fn metadata(&self) -> Metadata {
        self.metadata
            .iter()
            .map(|(name, value)| (name, value))
            .collect()
    }

    pub(crate) fn headers(&self) -> Result<HeaderMap, WrongUse> {
        self.headers.headers()
    }
}

impl HeaderArgs {
    pub(crate) fn headers(&self) -> Result<HeaderMap, WrongUse> {
        let header = |(name, value): &(String, String)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            // Swift's values are UTF-8, which `from_str` does not take.
            Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        };
        self.headers
            .iter()
            .map(|pair| {
                header(pair).ok_or_else(|| {
                    WrongUse::new(format!("{:?} cannot be a header with its value", pair.0))
                })
            })
            .collect()
    }
}

/// The settings of a container.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ContainerArgs {
    /// Who may read, such as `.r:*,.rlistings` (all) or `account:user`; empty for nobody else
    #[arg(long, value_name = "ACL")]
    read_acl: Option<String>,
    /// Who may write, such as `account:user`; empty for nobody else
    #[arg(long, value_name = "ACL")]
    write_acl: Option<String>,
    /// What it may hold, in bytes
    #[arg(long, value_name = "BYTES")]
    quota_bytes: Option<u64>,
    /// How many objects it may hold
    #[arg(long, value_name = "COUNT")]
    quota_count: Option<u64>,
    /// What becomes of older versions: `on` and `off` (kept beside the newest), `stack:CONTAINER` and
    /// `history:CONTAINER` (moved there), or `none` (takes back the latter two)
    #[arg(long, value_name = "WAY", value_parser = versioning)]
    versioning: Option<Versioning>,
}

impl ContainerArgs {
    pub(crate) fn options(&self) -> ContainerOptions {
        ContainerOptions {
            read_acl: self.read_acl.clone(),
            write_acl: self.write_acl.clone(),
            quota_bytes: self.quota_bytes,
            quota_count: self.quota_count,
            versioning: self.versioning.clone(),
            ..ContainerOptions::default()
        }
    }
}

fn versioning(text: &str) -> Result<Versioning, String> {
    Ok(match text.split_once(':') {
        None if text == "on" => Versioning::Enabled(true),
        None if text == "off" => Versioning::Enabled(false),
        None if text == "none" => Versioning::Off,
        Some(("stack", archive)) => Versioning::Stack {
            archive: archive.to_owned(),
        },
        Some(("history", archive)) => Versioning::History {
            archive: archive.to_owned(),
        },
        _ => return Err("it is on, off, none, stack:CONTAINER or history:CONTAINER".to_owned()),
    })
}

/// Reads `name=value` or `name: value`, whichever mark comes first.
fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(['=', ':'])
        .ok_or("there is no = and no : between name and value")?;
    match name.trim() {
        "" => Err("there is no name".to_owned()),
        name => Ok((name.to_owned(), value.trim().to_owned())),
    }
}

/// The command was understood but cannot be done like this: exit code 2, as for every other wrong use.
#[derive(Debug)]
pub(crate) struct WrongUse(Cow<'static, str>);

impl WrongUse {
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn reads_metadata_and_headers_as_people_write_them() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(name_and_value("Colour=blue"), pair("Colour", "blue"));
        assert_eq!(name_and_value("X-Ttl: 900"), pair("X-Ttl", "900"));
        assert_eq!(name_and_value("a=b:c"), pair("a", "b:c"));
        assert_eq!(name_and_value("empty="), pair("empty", ""));
        assert!(name_and_value("alone").is_err());
        assert!(name_and_value("=b").is_err());
    }
}
