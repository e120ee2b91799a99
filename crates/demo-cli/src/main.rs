//! `cloudfiles`: shows what Cloud Files can do, on an emulator or a real cloud, and cleans up after itself.

mod args;
mod commands;
mod offline;
mod output;
mod picture;
mod record;
mod removal;
mod settings;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(commands::run(args.command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::from(if error.is::<args::WrongUse>() { 2 } else { 1 })
        }
    }
}
