//! What recording a resource costs, beside writing and fsyncing the same bytes with nothing around them.
//!
//! The promise of a ledger is one durable write a change, so that is its floor for a single thread. With several
//! threads, changes that wait for the same fsync share it, and the ledger may do better than the floor. Every ratio at
//! the end is of two things measured in turns in the same run, on the file system of the temporary folder (`TMPDIR`);
//! on one that lives in memory an fsync costs nothing and the ratios show the program alone.
//!
//! `cargo bench --bench ledger`

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use ledger::{Identity, Ledger, Resource, Timestamp, What};
use tempfile::TempDir;

const SIZES: [usize; 4] = [0, 1_000, 10_000, 100_000];
const THREADS: [usize; 4] = [1, 4, 16, 64];
/// Changes a turn, and turns, of the comparison with the raw file.
const CHANGES: usize = 256;
const TURNS: usize = 15;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();
    measure(&mut criterion);
    criterion.final_summary();
    report();
}

fn measure(criterion: &mut Criterion) {
    for size in SIZES {
        let (folder, ledger) = filled(size);
        criterion.bench_function(&format!("append/{size}"), |bencher| {
            bencher.iter_batched(
                object_in_turn(),
                |object| plan(&ledger, object),
                BatchSize::SmallInput,
            );
        });
        ledger.close().expect("closes");
        criterion.bench_function(&format!("open/{size}"), |bencher| {
            bencher.iter(|| open(folder.path()));
        });
    }
}

fn report() {
    println!("\nopening and appending, by the number of entries");
    println!(
        "{:>10} {:>12} {:>14} {:>14}",
        "entries", "bytes", "open, ms", "append, µs"
    );
    for size in SIZES {
        let (folder, ledger) = filled(size);
        let appends = turns(|| appending(&ledger, 1));
        ledger.close().expect("closes");
        let bytes = fs::metadata(document(folder.path()))
            .expect("it is there")
            .len();
        let opens = turns(|| {
            let start = Instant::now();
            drop(open(folder.path()));
            start.elapsed()
        });
        let append = appends.as_secs_f64() / to_f64(CHANGES);
        println!(
            "{size:>10} {bytes:>12} {:>14.2} {:>14.2}",
            opens.as_secs_f64() * 1e3,
            append * 1e6
        );
    }

    println!("\nappending beside write + fsync of the same bytes by one thread");
    println!(
        "{:>10} {:>14} {:>14} {:>10}",
        "threads", "ledger, /s", "raw, /s", "ratio"
    );
    let (folder, ledger) = filled(0);
    plan(&ledger, object(0));
    let line = last_line(folder.path());
    let path = folder.path().join("raw");
    let mut raw = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("opens");
    for threads in THREADS {
        let mut pairs: Vec<_> = (0..TURNS)
            .map(|_| (appending(&ledger, threads), writing(&mut raw, &line)))
            .collect();
        let per_second = |time: Duration| to_f64(CHANGES) / time.as_secs_f64();
        pairs.sort_by_key(|(ledger, _)| *ledger);
        let ledger = per_second(pairs[TURNS / 2].0);
        pairs.sort_by_key(|(_, raw)| *raw);
        let raw = per_second(pairs[TURNS / 2].1);
        println!(
            "{threads:>10} {ledger:>14.0} {raw:>14.0} {:>10.2}",
            ledger / raw
        );
    }
}

/// The time of `CHANGES` plans, shared among threads.
fn appending(ledger: &Ledger, threads: usize) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..CHANGES / threads).for_each(|number| plan(ledger, object(number))));
        }
    });
    start.elapsed()
}

/// The time of as many writes and fsyncs.
fn writing(file: &mut File, line: &[u8]) -> Duration {
    let start = Instant::now();
    for _ in 0..CHANGES {
        file.write_all(line).expect("writes");
        file.sync_data().expect("syncs");
    }
    start.elapsed()
}

/// The median of several turns.
fn turns(mut turn: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<_> = (0..TURNS).map(|_| turn()).collect();
    times.sort();
    times[TURNS / 2]
}

/// A ledger of so many confirmed objects, all of them in its document.
fn filled(size: usize) -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let ids = ledger
        .plan_many("bench", (0..size).map(object).collect(), now())
        .expect("planned");
    let identity = Identity {
        etag: Some("d41d8cd98f00b204e9800998ecf8427e".into()),
        timestamp: Some("1767268800.00000".into()),
        run: Some("bench".into()),
    };
    ledger
        .confirm_many(ids.into_iter().map(|id| (id, identity.clone())).collect())
        .expect("confirmed");
    ledger.close().expect("closes");
    let ledger = open(folder.path());
    (folder, ledger)
}

fn document(folder: &Path) -> std::path::PathBuf {
    folder.join("ledger.json")
}

fn open(folder: &Path) -> Ledger {
    Ledger::open(document(folder)).expect("opens")
}

fn plan(ledger: &Ledger, object: Resource) {
    ledger.plan("bench", object, now()).expect("planned");
}

/// The bytes one plan writes.
fn last_line(folder: &Path) -> Vec<u8> {
    let journal = fs::read(folder.join("ledger.json.journal")).expect("it is there");
    journal
        .split_inclusive(|byte| *byte == b'\n')
        .next_back()
        .expect("it has a line")
        .to_vec()
}

fn object(number: usize) -> Resource {
    let what = What::Object {
        container: "python-demo".into(),
        object: format!("photos/2026/{number:08}.jpg"),
    };
    Resource {
        cloud: "rackspace".into(),
        region: Some("DFW".into()),
        account: "MossoCloudFS_abc".into(),
        what,
    }
}

fn object_in_turn() -> impl FnMut() -> Resource {
    let mut number = 0;
    move || {
        number += 1;
        object(number)
    }
}

fn now() -> Timestamp {
    "2026-01-01T12:00:00.123456789Z".parse().expect("a time")
}

#[allow(clippy::cast_precision_loss, reason = "the counts are small")]
fn to_f64(count: usize) -> f64 {
    count as f64
}
