//! What can be said about the cloud on the command line. Every command that speaks to one takes these.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use identity::{Interface, Secret};

/// Which cloud, and how to reach it. What is said here goes before variables and files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cloud")]
pub(crate) struct CloudArgs {
    /// The cloud: a name from clouds.yaml or ~/.pyrax.cfg, `env` (what the variables OS_*, ST_*, CLOUD_* describe), or
    /// `local` (an emulator at 127.0.0.1:8080)
    #[arg(long, short, value_name = "NAME", global = true)]
    pub(crate) cloud: Option<String>,
    /// The region, where the cloud has several
    #[arg(long, value_name = "REGION", global = true)]
    pub(crate) region: Option<String>,
    /// The door to the cloud: public, internal (from inside the data centre) or admin
    #[arg(long, value_name = "DOOR", value_parser = interface, global = true)]
    pub(crate) interface: Option<Interface>,
    /// The account's storage URL, instead of the one in the catalog
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) storage_url: Option<String>,
    /// A ready token, instead of signing in. Other users of this machine can see it; the variable `OS_AUTH_TOKEN` is safer
    #[arg(long, value_name = "TOKEN", global = true)]
    pub(crate) token: Option<Secret>,
    /// The second factor, where the cloud asks for one; without it the question comes on the terminal
    #[arg(long, value_name = "CODE", global = true)]
    pub(crate) passcode: Option<Secret>,
    /// Certificate authorities to trust besides the system's, in PEM
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) cacert: Option<PathBuf>,
    /// Do not check the servers' certificates
    #[arg(long, global = true)]
    pub(crate) insecure: bool,
    /// How long a server may be silent [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, global = true)]
    pub(crate) timeout: Option<Duration>,
    /// Sign in anew, and keep no token for the next run
    #[arg(long, global = true)]
    pub(crate) no_token_cache: bool,
}

fn interface(text: &str) -> Result<Interface, &'static str> {
    Interface::parse(text).ok_or("it is public, internal or admin")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("it is a whole number of seconds, 1 to 86400"),
    }
}
