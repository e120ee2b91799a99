//! How often memory is asked for to answer one request, by the emulator and by a server of nothing but hyper that gives
//! the same answer.
//!
//! The client asks for none. Connections are warm: what is allocated once for each is not counted.
//!
//! `cargo bench --bench allocations`

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

use std::net::SocketAddr;

use client::Connection;
use pair::{Pair, Question};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const REQUESTS: u64 = 1000;

fn main() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let pair = Pair::start();
    println!("allocations and bytes asked for, for each request");
    println!("{:<10} {:>20} {:>20}", "", "emulator", "hyper");
    for question in &pair.questions {
        let (emulator, hyper) = (
            allocations(pair.emulator, question),
            allocations(pair.hyper, question),
        );
        println!("{:<10} {emulator:>20} {hyper:>20}", question.name);
    }
}

fn allocations(address: SocketAddr, question: &Question) -> String {
    let mut connection = Connection::open(address);
    for _ in 0..100 {
        connection.ask(&question.request);
    }
    let before = dhat::HeapStats::get();
    for _ in 0..REQUESTS {
        connection.ask(&question.request);
    }
    let after = dhat::HeapStats::get();
    let each = |before: u64, after: u64| (after - before) / REQUESTS;
    let blocks = each(before.total_blocks, after.total_blocks);
    let bytes = each(before.total_bytes, after.total_bytes);
    format!("{blocks} ({bytes} B)")
}
