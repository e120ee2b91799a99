//! What a temporary URL costs, beside the least it could cost.
//!
//! The floor is the digest's compression function alone, run on as many blocks as the signature needs when the key's
//! two blocks are computed beforehand: those of the text in one call, and the outer hash's block in another, since it
//! holds the first call's result. The blocks of a signature wait for one another, and so they do here: each call goes on
//! from the state the last one left. (Calls that start afresh each time are faster by about a third, since a processor
//! then works on two of them at once. No single signature can be computed like that.)
//!
//! Every figure at the end is a ratio of two medians of the same run. `sign`, `url` and `verify` use a key that is
//! prepared; `key and sign` prepares it each time.
//!
//! `cargo bench --bench signing`

#![allow(
    missing_docs,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use sha1::block_api::compress as compress_sha1;
use sha2::block_api::{compress256, compress512};
use signing::{Digest, Key, Method, Signer, StorageUrl, TempUrl, TempUrlQuery, TempUrlRequest};

const KEY: &str = "8f3ac2f4dd5b4b2e9c1a7b60d2e4f516";
const CONTAINER: &str = "python-demo";
const OBJECT: &str = "logo.png";
const PATH: &str = "/v1/MossoCloudFS_abc/python-demo/logo.png";
const EXPIRES: u64 = 1_400_000_000;
const NOW: SystemTime = UNIX_EPOCH;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for digest in Digest::ALL {
        // What an earlier run found is not this one's to report.
        for (what, beside, _) in ROWS {
            for name in [what, beside] {
                let _ = std::fs::remove_file(estimates(digest, name));
            }
        }
        measure(&mut criterion, digest);
    }
    criterion.final_summary();
    for digest in Digest::ALL {
        report(digest);
    }
}

fn measure(criterion: &mut Criterion, digest: Digest) {
    let key = Key::new(KEY);
    let signer = Signer::new(&key, digest);
    let storage_url =
        StorageUrl::parse("https://storage101.dfw1.clouddrive.com/v1/MossoCloudFS_abc")
            .expect("this is a storage URL");
    let url = TempUrl::new(Method::Get, storage_url.object(CONTAINER, OBJECT), EXPIRES);
    let query_text = signer.url(&url);
    let query_text = query_text
        .split_once('?')
        .expect("a temporary URL has a query")
        .1;
    let request = TempUrlRequest {
        method: "GET",
        path: PATH.as_bytes(),
        client_ip: None,
        keys: &[&key],
        allowed_digests: &Digest::ALL,
        now: NOW,
    };
    let query = TempUrlQuery::parse(query_text.as_bytes()).expect("it has the parameters");
    query.verify(&request).expect("what we signed is valid");

    let mut group = criterion.benchmark_group(digest.name());
    match digest {
        Digest::Sha1 => floor(&mut group, [0; 5], compress_sha1),
        Digest::Sha256 => floor(&mut group, [0; 8], compress256),
        Digest::Sha512 => floor(&mut group, [0; 8], compress512),
    }
    group.bench_function("sign", |bencher| {
        bencher.iter(|| signer.sign(black_box(&url)));
    });
    group.bench_function("sign hex", |bencher| {
        let mut buffer = [0; 128];
        bencher.iter(|| {
            signer
                .sign(black_box(&url))
                .hex(black_box(&mut buffer))
                .len()
        });
    });
    group.bench_function("url", |bencher| {
        let mut out = String::with_capacity(512);
        bencher.iter(|| {
            out.clear();
            signer.write_url(black_box(&url), &mut out);
            out.len()
        });
    });
    group.bench_function("key and sign", |bencher| {
        bencher.iter(|| Signer::new(&Key::new(black_box(KEY)), digest).sign(black_box(&url)));
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| black_box(&query).verify(black_box(&request)).is_ok());
    });
    group.bench_function("parse and verify", |bencher| {
        bencher.iter(|| {
            TempUrlQuery::parse(black_box(query_text.as_bytes()))
                .is_some_and(|query| query.verify(black_box(&request)).is_ok())
        });
    });
    group.finish();
}

/// The compressions that one signature needs, and nothing else.
fn floor<State, const BLOCK: usize>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    mut state: State,
    compress: impl Fn(&mut State, &[[u8; BLOCK]]),
) {
    let message = format!("GET\n{EXPIRES}\n{PATH}");
    // Behind the text come one byte and its length, in an eighth of a block.
    let inner = (message.len() + 1 + BLOCK / 8).div_ceil(BLOCK);
    let (inner, outer) = (vec![[7; BLOCK]; inner], [[9; BLOCK]]);
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            compress(&mut state, black_box(&inner));
            compress(&mut state, black_box(&outer));
        });
    });
}

/// What is measured, beside what, and how many times that it may cost.
const ROWS: [(&str, &str, Option<f64>); 6] = [
    ("sign", "floor", Some(1.5)),
    ("sign hex", "floor", Some(1.5)),
    ("url", "floor", Some(2.5)),
    ("key and sign", "sign", None),
    ("verify", "sign", Some(1.5)),
    ("parse and verify", "sign", None),
];

fn report(digest: Digest) {
    println!("\n{digest}: {PATH}");
    for (what, beside, goal) in ROWS {
        let (Some(cost), Some(base)) = (median(digest, what), median(digest, beside)) else {
            println!("  {what:<17} not measured in this run");
            continue;
        };
        let ratio = cost / base;
        let goal = match goal {
            Some(goal) if ratio <= goal => format!("  goal {goal}: met"),
            Some(goal) => format!("  goal {goal}: MISSED"),
            None => String::new(),
        };
        println!("  {what:<17} {cost:7.1} ns = {ratio:5.2} x {beside}{goal}");
    }
}

/// The median in nanoseconds that criterion has just written down.
fn median(digest: Digest, what: &str) -> Option<f64> {
    let estimates = std::fs::read(estimates(digest, what)).ok()?;
    let estimates: serde_json::Value = serde_json::from_slice(&estimates).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

/// Where criterion writes down what it found.
fn estimates(digest: Digest, what: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let group = target.join("criterion").join(digest.name());
    group.join(what).join("new/estimates.json")
}
