//! `cloudfiles`: Cloud Files and Swift on the command line, and an emulator of both.

#![allow(
    clippy::struct_excessive_bools,
    reason = "the options of a command are so many switches"
)]
#![allow(
    clippy::doc_markdown,
    reason = "comments on options are their help texts"
)]

mod args;
mod commands;
mod context;
mod exit;
mod folder;
mod offline;
mod output;
mod pattern;
mod picture;
mod place;
mod record;
mod removal;
mod settings;
mod transfer;
mod tree;
mod when;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use context::Context;
use exit::Exit;

/// How long threads that still read or write a file may take once all else is over.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(args) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::error(&error);
            exit::code_of(&error)
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<Exit> {
    output::log(args.global.verbose);
    let context = Context::new(args.global);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(commands::run(args.command, &context));
    // A thread that waits for standard input would wait for ever.
    runtime.shutdown_timeout(LAST_WORK);
    let printed = context.output.finish();
    let exit = result?;
    printed?;
    Ok(exit)
}
