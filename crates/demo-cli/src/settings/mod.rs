//! What the words mean: which cloud a name stands for, how to sign in there, and where files are.
//!
//! Each setting by itself is taken from the first place that has it: the command line; variables; `clouds.yaml` with
//! `secure.yaml` over it and a profile below it; `~/.pyrax.cfg`; what is built in; and for secrets, at last, the keyring.
//! [`Settings`] is that, with the place of each value; [`Cloud`] is what it comes to.

mod choice;
mod cloud;
mod cloud_args;
mod clouds_yaml;
mod credentials;
mod environment;
mod keyring;
mod keys;
mod merged;
mod profiles;
mod pyrax;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use identity::{HttpSettings, Proxy};

pub(crate) use choice::{known, searched};
pub(crate) use cloud::Cloud;
pub(crate) use cloud_args::CloudArgs;
pub(crate) use environment::Environment;
pub(crate) use keys::Origin;
pub(crate) use merged::{Settings, Shown};

use clouds_yaml::CloudsYaml;
use keys::is_false;

/// The emulator inside this process.
pub(crate) const OFFLINE: &str = "offline";

/// An emulator, or a Swift with `TempAuth`, on this machine.
const LOCAL: &str = "local";

const LOCAL_AUTH_URL: &str = "http://127.0.0.1:8080/auth/v1.0";

/// The cloud that environment variables describe, by the two names people use.
const FROM_ENVIRONMENT: [&str; 2] = ["env", "envvars"];

/// The cloud that the command line alone describes.
const FROM_ARGUMENTS: &str = "url";

/// Where tokens are kept between runs: nowhere if `CLOUDFILES_TOKEN_CACHE` is `off`, in the folder it names, or in the
/// folder for the user's caches.
fn token_cache(environment: &Environment) -> Option<PathBuf> {
    match environment.text("CLOUDFILES_TOKEN_CACHE") {
        Some(text) if is_false(text) => None,
        Some(path) => Some(environment.expanded(path)),
        None => {
            let caches = environment.folder("XDG_CACHE_HOME", ".cache")?;
            Some(caches.join("cloudfiles").join("tokens"))
        }
    }
}

/// The ledger in which every command that makes something records it, if `clouds.yaml` names one:
///
/// ```yaml
/// cloudfiles:
///   ledger: ~/made.json
/// ```
///
/// A path that begins elsewhere than at `/` or `~/` is one beside that file.
pub(crate) fn ledger_configured(environment: &Environment) -> anyhow::Result<Option<PathBuf>> {
    CloudsYaml::load(environment)?.ledger(environment)
}

/// Where the ledger is: as said, as configured, or in the folder for the user's state.
pub(crate) fn ledger_path(
    said: Option<&Path>,
    environment: &Environment,
) -> anyhow::Result<PathBuf> {
    if let Some(path) = said {
        return Ok(path.to_owned());
    }
    if let Some(path) = ledger_configured(environment)? {
        return Ok(path);
    }
    let state = environment
        .folder("XDG_STATE_HOME", ".local/state")
        .context("there is no home folder to keep the ledger in; name a file with --ledger")?;
    Ok(state.join("cloudfiles").join("ledger.json"))
}

/// For servers on this machine, which a proxy could not find.
pub(crate) fn direct() -> HttpSettings {
    HttpSettings {
        proxy: Proxy::Direct,
        ..HttpSettings::default()
    }
}

fn set_timeout(http: &mut HttpSettings, timeout: Duration) {
    http.idle_timeout = timeout;
    http.connect_timeout = http.connect_timeout.min(timeout);
}
