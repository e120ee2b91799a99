//! `cloudfiles completions`: what a shell needs to complete commands and options.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::context::Context;
use crate::exit::Exit;

/// Prints the script that lets a shell complete commands and options
///
/// For bash: `cloudfiles completions bash > ~/.local/share/bash-completion/completions/cloudfiles`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context) -> Exit {
    let mut script = Vec::new();
    let mut command = crate::args::Args::command();
    clap_complete::generate(args.shell, &mut command, "cloudfiles", &mut script);
    context.output.bytes(&script);
    Exit::Done
}
