//! What a temporary URL costs, beside the least it could cost.
//!
//! The floor is the digest's compression function alone, run on as many blocks as the signature needs when the key's
//! two blocks are computed beforehand: those of the text in one call, and the outer hash's block in another, since it
//! holds the first call's result. Nothing that computes an HMAC with this digest can be faster. Every figure at the end
//! is a ratio of two medians of the same run.
//!
//! `cargo bench --bench signing`

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark is a program that prints")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use criterion::Criterion;
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
    let storage_url = StorageUrl::parse("https://storage101.dfw1.clouddrive.com/v1/MossoCloudFS_abc")
        .expect("this is a storage URL");
    let url = TempUrl::new(Method::Get, storage_url.object(CONTAINER, OBJECT), EXPIRES);
    let query_text = signer.url(&url);
    let query_text = query_text.split_once('?').expect("a temporary URL has a query").1;
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
    let message = format!("GET\n{EXPIRES}\n{PATH}");
    match digest {
        Digest::Sha1 => {
            let blocks = [[7; 64]; 8];
            let blocks = &blocks[..blocks_of(message.len(), 64, 9)];
            group.bench_function("floor", |bencher| {
                bencher.iter(|| {
                    let mut state = black_box([0; 5]);
                    let (inner, outer) = black_box(blocks).split_at(blocks.len() - 1);
                    compress_sha1(&mut state, inner);
                    compress_sha1(&mut state, outer);
                    state
                });
            });
        }
        Digest::Sha256 => {
            let blocks = [[7; 64]; 8];
            let blocks = &blocks[..blocks_of(message.len(), 64, 9)];
            group.bench_function("floor", |bencher| {
                bencher.iter(|| {
                    let mut state = black_box([0; 8]);
                    let (inner, outer) = black_box(blocks).split_at(blocks.len() - 1);
                    compress256(&mut state, inner);
                    compress256(&mut state, outer);
                    state
                });
            });
        }
        Digest::Sha512 => {
            let blocks = [[7; 128]; 8];
            let blocks = &blocks[..blocks_of(message.len(), 128, 17)];
            group.bench_function("floor", |bencher| {
                bencher.iter(|| {
                    let mut state = black_box([0; 8]);
                    let (inner, outer) = black_box(blocks).split_at(blocks.len() - 1);
                    compress512(&mut state, inner);
                    compress512(&mut state, outer);
                    state
                });
            });
        }
    }
    group.bench_function("sign", |bencher| {
        bencher.iter(|| signer.sign(black_box(&url)));
    });
    group.bench_function("sign hex", |bencher| {
        let mut buffer = [0; 128];
        bencher.iter(|| signer.sign(black_box(&url)).hex(black_box(&mut buffer)).len());
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

/// Blocks of one HMAC whose key is already absorbed: those of the message with its padding, and one for the outer hash.
fn blocks_of(message: usize, block: usize, padding: usize) -> usize {
    (message + padding).div_ceil(block) + 1
}

fn report(digest: Digest) {
    println!("\n{digest}: {PATH}");
    let rows = [
        ("sign", "floor", Some(1.5)),
        ("sign hex", "floor", Some(1.5)),
        ("url", "floor", Some(2.5)),
        ("key and sign", "sign", None),
        ("verify", "sign", Some(1.5)),
        ("parse and verify", "sign", None),
    ];
    for (what, beside, goal) in rows {
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
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let file = target.join("criterion").join(digest.name()).join(what).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}
