//! The floor of the emulator: a server of nothing but hyper, that says the same bytes on the same kind of runtime.
//!
//! `scripts/speed` records what the emulator answers and has this say it again:
//!
//! `bare_hyper --threads 2 'GET /v1/AUTH_test/c/o=ANSWER_FILE' … --memory /large=1073741824`
//!
//! It prints its address when it is ready, and serves until it is ended.

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

#[path = "support/bare.rs"]
mod bare;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;

use bare::{Answer, Answers, Runtime};

/// A server of nothing but hyper.
#[derive(Debug, Parser)]
struct Args {
    /// Threads that serve requests, as with the emulator
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Has each thread do its own work, with a listener of its own, instead of taking it from the others
    #[arg(long)]
    per_core: bool,
    /// What is answered to a method at a path: a response as it was on the wire, head and body
    #[arg(value_name = "METHOD PATH=FILE", value_parser = pair::<PathBuf>)]
    answers: Vec<(String, PathBuf)>,
    /// Bytes of memory, in blocks of 1 MiB, answered to GET at a path
    #[arg(long, value_name = "PATH=BYTES", value_parser = pair::<usize>)]
    memory: Vec<(String, usize)>,
}

fn pair<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(String, T), String> {
    let (path, value) = text.split_once('=').ok_or("it has no equals sign")?;
    let value = value
        .parse()
        .map_err(|error: T::Err| format!("{value}: {error}"))?;
    Ok((path.to_owned(), value))
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let mut answers = Answers::default();
    for (asked, file) in args.answers {
        let recorded = std::fs::read(&file)?;
        let answer = Answer::recorded(&recorded)
            .ok_or_else(|| std::io::Error::other(format!("{} is no answer", file.display())))?;
        if !answers.insert(&asked, answer) {
            return Err(std::io::Error::other(format!("{asked} is no request")));
        }
    }
    for (path, bytes) in args.memory {
        answers.insert(&format!("GET {path}"), Answer::memory(bytes));
    }
    let runtime = if args.per_core {
        Runtime::PerCore
    } else {
        Runtime::Stealing
    };
    let address = bare::start(args.threads, runtime, &Arc::new(answers))?;
    println!("http://{address}");
    loop {
        std::thread::park();
    }
}
