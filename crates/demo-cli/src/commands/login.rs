//! `cloudfiles login` and `cloudfiles logout`: a cloud's password or API key in the keyring of the desktop.

use std::io::{self, BufRead};

use anyhow::{Context as _, bail};
use clap::Args;
use identity::Secret;
use serde_json::json;

use crate::context::Context;
use crate::output;
use crate::settings::{CloudArgs, Environment, Settings};

/// Keeps a cloud's password or API key in the keyring of the desktop
///
/// All commands find it there, in the Secret Service. It is asked for on the terminal, or read from standard input, of
/// which it is the first line, and tried before it is kept.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Keep it without trying it
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    cloud: CloudArgs,
}

/// Removes what `login` has kept
///
/// The token that is kept for the next run goes as well.
#[derive(Debug, Args)]
pub(crate) struct Logout {
    #[command(flatten)]
    cloud: CloudArgs,
}

pub(crate) async fn run(args: Login, context: &Context) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    let settings = Settings::select(&args.cloud, &environment)?;
    let (name, entry) = settings.keyring_entry()?;
    let what = in_words(name);
    let elsewhere = settings.shown().find(|shown| shown.name == name);
    if let Some(shown) = elsewhere {
        output::notice(&format!(
            "{}: the {what} there goes before the one in the keyring",
            shown.origin
        ));
    }
    let cloud = settings.name.clone();
    let question = format!("The {what} of {} for {cloud}: ", entry.user);
    let secret = match output::ask_secret(&question)? {
        Some(secret) => secret,
        None => first_line_of_stdin().with_context(|| format!("the {what}"))?,
    };
    if !args.no_check {
        let cloud = settings
            .with_secret(name, secret.clone(), &entry)
            .resolve()?;
        cloud.client()?.session().access().await?;
    }
    entry.store(&secret, &environment)?;
    let user = &entry.user;
    context.output.done(
        || format!("The keyring keeps the {what} of {user} for {cloud}."),
        &json!({"action": "login", "cloud": cloud, "user": user, "secret": name}),
    );
    Ok(())
}

pub(crate) fn log_out(args: &Logout, context: &Context) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    let mut settings = Settings::select(&args.cloud, &environment)?;
    let (name, entry) = settings.keyring_entry()?;
    // What leads to the kept token is in the keyring, so this comes first.
    if let Ok(cloud) = settings.resolve() {
        cloud.client()?.session().forget_cached();
    }
    let removed = entry.remove(&environment)?;
    let (what, user, cloud) = (in_words(name), &entry.user, &settings.name);
    context.output.done(
        || {
            let no_longer = if removed { "no longer keeps the" } else { "keeps no" };
            format!("The keyring {no_longer} {what} of {user} for {cloud}.")
        },
        &json!({"action": "logout", "cloud": cloud, "user": user, "secret": name, "removed": removed}),
    );
    Ok(())
}

fn in_words(secret: &str) -> &'static str {
    match secret {
        "api_key" => "API key",
        "application_credential_secret" => "application credential's secret",
        _ => "password",
    }
}

fn first_line_of_stdin() -> anyhow::Result<Secret> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let secret = Secret::from(line.trim_end_matches(['\r', '\n']));
    zeroize::Zeroize::zeroize(&mut line);
    if secret.expose().is_empty() {
        bail!("nothing was given: type it on a terminal, or pass it on standard input");
    }
    Ok(secret)
}
