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
mod copying;
mod exit;
mod fetching;
mod folder;
mod mtime;
mod offline;
mod output;
mod pattern;
mod picture;
mod place;
mod putter;
mod record;
mod removal;
mod running;
mod settings;
mod transfer;
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
    output::log(args.global.verbose);
    let context = Context::new(args.global);
    let result = run(args.command, &context);
    if let Err(error) = &result {
        context.output.ends_with(error);
    }
    match (context.output.finish(), result) {
        (_, Err(error)) => exit::code_of(&error),
        (Err(error), Ok(_)) => {
            output::error(&error.into());
            ExitCode::FAILURE
        }
        (Ok(()), Ok(exit)) => exit.into(),
    }
}

fn run(command: args::Command, context: &Context) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(commands::run(command, context));
    // A thread that waits for standard input would wait for ever.
    runtime.shutdown_timeout(LAST_WORK);
    result
}
