//! What a request costs the emulator, beside a server of nothing but hyper that gives the same answer, and what an
//! emulator costs.
//!
//! Both servers have one thread in this process, and one client asks them in turns. `benches/README.md` has what whole
//! processes do under load, which `scripts/speed` measures.
//!
//! `cargo bench --bench emulator`

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

#[path = "support/bare.rs"]
#[expect(dead_code, reason = "`bare_hyper` uses all of it")]
mod bare;
#[path = "support/client.rs"]
mod client;
#[path = "support/pair.rs"]
mod pair;

use std::time::{Duration, Instant};

use criterion::Criterion;
use emulator::Emulator;

use client::{Connection, request};
use pair::Pair;

/// How many emulators one process has at once.
const MANY: usize = 1000;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    requests(&mut criterion);
    criterion.bench_function("start", |bencher| {
        // Stopping one takes its time, too, which is not what is measured.
        bencher.iter_with_large_drop(start);
    });
    criterion.final_summary();
    report();
}

fn requests(criterion: &mut Criterion) {
    let pair = Pair::start();
    for question in &pair.questions {
        let mut group = criterion.benchmark_group(question.name);
        for (name, address) in [("emulator", pair.emulator), ("hyper", pair.hyper)] {
            let mut connection = Connection::open(address);
            group.bench_function(name, |bencher| {
                bencher.iter(|| connection.ask(&question.request).len());
            });
        }
        group.finish();
    }
}

fn start() -> Emulator {
    Emulator::builder().start_blocking().expect("it starts")
}

fn report() {
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let began = Instant::now();
            let emulator = start();
            let took = began.elapsed();
            drop(emulator);
            took
        })
        .collect();
    times.sort();
    println!("\nstart, median of 50: {:.3} ms", milliseconds(times[25]));

    let (memory, files) = (resident_kib(), open_files());
    let began = Instant::now();
    let emulators: Vec<Emulator> = (0..MANY).map(|_| start()).collect();
    let started = began.elapsed();
    let info = request("GET", "/info", &[], b"");
    for emulator in &emulators {
        let mut connection = Connection::open(emulator.address());
        assert!(connection.ask(&info).starts_with(b"HTTP/1.1 200 "));
    }
    println!(
        "{MANY} at once, each of which has answered: started in {:.0} ms, {} KiB and {} files each",
        milliseconds(started),
        resident_kib().saturating_sub(memory) / MANY,
        open_files().saturating_sub(files) / MANY,
    );
    let began = Instant::now();
    drop(emulators);
    println!("  and stopped in {:.0} ms", milliseconds(began.elapsed()));
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Memory of this process; 0 where the system does not tell.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Files that this process has open; 0 where the system does not tell.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
