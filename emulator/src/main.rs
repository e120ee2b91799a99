//! The command `cloudfiles-emulator`: an offline Swift and Cloud Files.

mod signals;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Parser;
use emulator::Emulator;
use emulator::config::Config;
use signals::Signals;

/// An offline OpenStack Swift and Rackspace Cloud Files.
///
/// Prints one line of JSON when it is ready, then serves until it is ended. Logs to standard error what `RUST_LOG` asks
/// for (`warn` by default, `info` says why requests are refused).
#[derive(Debug, Parser)]
#[command(name = "cloudfiles-emulator", version)]
struct Args {
    /// Where to listen; port 0 takes a free one. By default 127.0.0.1:8080, or where the configuration says for the first
    /// region
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Users, projects and regions, as TOML; emulator/sample.toml shows every key
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Refuse CDN TTLs out of bounds with 400 instead of clamping them
    #[arg(long)]
    strict_cdn: bool,
    /// Who shows this token may use the control surface, /_emulator/, from anywhere; without one, only this machine may
    #[arg(
        long,
        value_name = "TOKEN",
        env = "CLOUDFILES_EMULATOR_CONTROL_TOKEN",
        hide_env_values = true
    )]
    control_token: Option<String>,
    /// Begin with the state in this snapshot
    #[arg(long, value_name = "FILE")]
    restore: Option<PathBuf>,
    /// Take over this folder: folders in it become containers, files objects; may be given several times
    #[arg(long, value_name = "DIR")]
    seed: Vec<PathBuf>,
    /// Write the state to this file when ended by SIGTERM or SIGINT; the next --restore takes it
    #[arg(long, value_name = "FILE")]
    snapshot_on_exit: Option<PathBuf>,
    /// Tell temporary URLs that are refused with 401 why, in the header X-Emulator-Cause
    #[arg(long = "debug-401")]
    debug_401: bool,
    /// How many requests the journal keeps, the latest ones; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    journal: usize,
    /// Threads that serve requests; by default one for each processor
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Memory that all that is stored may take (512M, 4GiB); uploads beyond it are answered 507
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<ByteSize>,
    /// Keep the bodies of objects longer than this in files instead of memory
    #[arg(long, value_name = "SIZE")]
    spill_above: Option<ByteSize>,
    /// Folder for these files, which have no names and go away with the process [default: the system's temporary one]
    #[arg(long, value_name = "DIR", requires = "spill_above")]
    spill_dir: Option<PathBuf>,
    /// Close connections of clients that let the server wait so long: for a request, more of a body, or until they read on
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    client_timeout: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::Level::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let threads = args
        .threads
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
        .unwrap_or(1);
    let mut config = match args.config.as_deref().map(Config::load).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => return refuse(&error),
    };
    if let Some(listen) = args.listen {
        config.listen_at(listen);
    }
    let mut builder = Emulator::builder()
        .listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))
        .config(config)
        .strict_cdn(args.strict_cdn)
        .threads(threads)
        .debug_unauthorized(args.debug_401)
        .journal(args.journal)
        .client_timeout(Duration::from_secs(args.client_timeout))
        .control_token(args.control_token.as_deref().unwrap_or_default());
    if let Some(size) = args.max_memory {
        builder = builder.max_memory(size.as_u64());
    }
    if let Some(size) = args.spill_above {
        builder = builder.spill_above(size.as_u64());
    }
    if let Some(folder) = args.spill_dir {
        builder = builder.spill_folder(folder);
    }
    if let Some(path) = &args.restore {
        builder = builder.restore(path);
    }
    for folder in args.seed {
        builder = builder.seed(folder);
    }
    // Before anybody is told that it is ready, so that no signal is missed.
    let ended = match Signals::new() {
        Ok(ended) => ended,
        Err(error) => return refuse(&error),
    };
    let mut emulator = match builder.start_blocking() {
        Ok(emulator) => emulator,
        Err(error) => return refuse(&error),
    };
    // Whoever started us may not care to read this.
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "{}", emulator.ready());
    let _ = stdout.flush();
    ended.wait();
    // What is answered from here on would not be in the snapshot.
    emulator.stop();
    if let Some(path) = &args.snapshot_on_exit
        && let Err(error) = emulator.snapshot_to(path)
    {
        let _ = writeln!(
            std::io::stderr(),
            "cloudfiles-emulator: {} is not written",
            path.display()
        );
        return refuse(&error);
    }
    ExitCode::SUCCESS
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "cloudfiles-emulator: {error}");
    ExitCode::FAILURE
}
