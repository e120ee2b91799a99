//! `cloudfiles man`: the manual.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory;
use clap_mangen::Man;

use crate::context::Context;
use crate::exit::Exit;

/// Prints the manual, or writes its pages to a folder
///
/// Read it with `cloudfiles man | man -l -`, or write a page for each command with `cloudfiles man --dir
/// ~/.local/share/man/man1`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The page of this command, such as `tempurl create`, and not the first one
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut command = crate::args::Args::command();
    // Only then do subcommands know the options that all of them take.
    command.build();
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        clap_mangen::generate_to(command, dir).with_context(|| dir.display().to_string())?;
        return Ok(Exit::Done);
    }
    let mut command = &command;
    for name in &args.command {
        command = command
            .find_subcommand(name)
            .with_context(|| format!("there is no command {name}"))?;
    }
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    context.output.bytes(&page);
    Ok(Exit::Done)
}
