//! The commands: each file has what can be typed and what it does.

pub(crate) mod auth;
pub(crate) mod bulk;
pub(crate) mod capabilities;
pub(crate) mod cat;
pub(crate) mod cdn;
mod cleanup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod cp;
pub(crate) mod create;
pub(crate) mod delete;
mod demo;
pub(crate) mod download;
pub(crate) mod emulator;
mod filter;
pub(crate) mod formpost;
mod ledger;
pub(crate) mod login;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod mv;
pub(crate) mod post;
pub(crate) mod rm;
pub(crate) mod segments;
pub(crate) mod stat;
pub(crate) mod sync;
pub(crate) mod tempurl;
pub(crate) mod upload;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::args::Command;
use crate::context::Context;
use crate::exit::Exit;

/// Runs a command until it is done or somebody asks it to end.
pub(crate) async fn run(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        // It has to tidy up first.
        Command::Demo(args) => demo::run(args).await.map(|()| Exit::Done),
        // It runs until then.
        Command::Emulator(command @ emulator::Command::Start(_)) => {
            emulator::run(command, context).await
        }
        command => {
            tokio::select! {
                result = dispatch(command, context) => result,
                asked = end_asked_for() => {
                    asked?;
                    context.output.interrupted(context.resume_hint().as_deref());
                    Ok(Exit::Interrupted)
                }
            }
        }
    }
}

async fn dispatch(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Ls(args) => ls::run(args, context).await,
        Command::Stat(args) => stat::run(args, context).await,
        Command::Create(args) => create::run(args, context).await,
        Command::Delete(args) => delete::run(args, context).await,
        Command::Upload(args) => upload::run(args, context).await,
        Command::Download(args) => download::run(args, context).await,
        Command::Cat(args) => cat::run(args, context).await,
        Command::Cp(args) => cp::run(args, context).await,
        Command::Mv(args) => mv::run(args, context).await,
        Command::Rm(args) => rm::run(args, context).await,
        Command::Sync(args) => sync::run(args, context).await,
        Command::Post(args) => post::run(args, context).await,
        Command::Tempurl(args) => tempurl::run(args, context).await,
        Command::Formpost(args) => formpost::run(args, context).await,
        Command::Cdn(args) => cdn::run(args, context).await,
        Command::Segments(args) => segments::run(args, context).await,
        Command::Bulk(args) => bulk::run(args, context).await,
        Command::Capabilities(args) => capabilities::run(args, context).await,
        Command::Emulator(args) => emulator::run(args, context).await,
        Command::Demo(args) => demo::run(args).await.map(|()| Exit::Done),
        Command::Auth(auth::Args {}) => auth::run(context).await,
        Command::Config(args) => config::run(args).map(|()| Exit::Done),
        Command::Login(args) => login::run(args, context).await.map(|()| Exit::Done),
        Command::Logout(args) => login::log_out(&args, context).map(|()| Exit::Done),
        Command::Cleanup(args) => cleanup::run(args).await.map(|()| Exit::Done),
        Command::Ledger(command) => ledger::run(command, context).map(|()| Exit::Done),
        Command::Completions(args) => Ok(completions::run(&args, context)),
        Command::Man(args) => man::run(&args, context),
    }
}

/// Waits for Ctrl-C, or for the signal that asks a process to end.
async fn end_asked_for() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// A path as the user would find it from anywhere.
fn shown(path: &Path) -> String {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}

/// Failures so far: each is told at once, what can go on goes on, and the exit code remembers.
struct Failures<'a> {
    context: &'a Context,
    count: u64,
}

/// ```json
/// {"action": "…", "name": "…", "error": "…"}
/// ```
#[derive(Serialize)]
struct Failure<'a> {
    action: &'a str,
    name: &'a str,
    error: &'a str,
}

impl<'a> Failures<'a> {
    fn new(context: &'a Context) -> Self {
        Self { context, count: 0 }
    }

    /// Tells that `action` failed for what has this name.
    fn add(&mut self, action: &str, name: impl Display, error: &anyhow::Error) {
        self.count += 1;
        let name = name.to_string();
        let error = format!("{error:#}");
        let failure = Failure {
            action,
            name: &name,
            error: &error,
        };
        let text = format!("{action} {name}: {error}");
        self.context.output.failed(&text, &failure);
    }

    fn exit(self) -> Exit {
        Exit::after(self.count)
    }
}
