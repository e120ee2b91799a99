//! The command is killed with SIGKILL at every step of its protocol and at random moments, while it makes things, while
//! it records them and while it removes them. Whatever happens: the ledger can be opened, and one clean-up that is not
//! killed leaves the account exactly as it was and the ledger empty.
//!
//! How often it is killed is said by `CLOUDFILES_TORTURE_KILLS`, and is once at every step where nothing is said;
//! `scripts/torture` does it a thousand times. The seed of a run is printed, and taken from `CLOUDFILES_TORTURE_SEED`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod proxy;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use proxy::Moment;
use world::{Kill, World};

/// How many kills lie between two clean-ups that are let through.
const ROUND: u32 = 8;

#[tokio::test]
async fn leaves_the_account_as_it_was_however_often_it_is_killed() {
    let seed = number("CLOUDFILES_TORTURE_SEED").unwrap_or_else(|| rand::rng().random());
    let mut random = StdRng::seed_from_u64(seed);

    let world = World::start().await;
    let before = world.account().await;
    assert!(before.len() > 5, "there is something to be left alone");

    // How many messages each of the programs sends when it is let through: every one of them is a step.
    let mut steps = Vec::new();
    for program in world::PROGRAMS {
        steps.push(world.let_through(program));
    }
    world.clean_up();
    assert_eq!(world.account().await, before);

    let mut sweep = Vec::new();
    for (program, steps) in steps.iter().enumerate() {
        for step in 1..=*steps {
            sweep.push((program, Kill::At(Moment::Before(step))));
            sweep.push((program, Kill::At(Moment::After(step))));
        }
    }
    let kills = number("CLOUDFILES_TORTURE_KILLS").unwrap_or(sweep.len() as u64);
    println!(
        "{kills} kills, {} of them at the steps of a sweep, CLOUDFILES_TORTURE_SEED={seed}",
        kills.min(sweep.len() as u64)
    );
    let mut sweep = sweep.into_iter();

    let mut killed: BTreeMap<&str, u32> = BTreeMap::new();
    let mut total = 0_u64;
    let mut round = 0;
    while total < kills {
        let (program, kill) = sweep.next().unwrap_or_else(|| {
            let program = random.random_range(0..world::PROGRAMS.len());
            let kill = match random.random_range(0..3) {
                0 => Kill::AtRecord(random.random_range(1..12)),
                1 => Kill::At(Moment::After(
                    random.random_range(1..=steps[program].max(1)),
                )),
                _ => Kill::Later(Duration::from_micros(random.random_range(0..80_000))),
            };
            (program, kill)
        });
        if world.kill(world::PROGRAMS[program], kill) {
            total += 1;
            *killed.entry(kill.name()).or_default() += 1;
        }
        round += 1;
        world.reopen();
        if round % ROUND == 0 {
            world.clean_up();
            let now = world.account().await;
            assert_eq!(
                now,
                before,
                "after {total} kills, the last {kill:?} in {:?}",
                world::PROGRAMS[program]
            );
        }
    }
    world.clean_up();
    assert_eq!(world.account().await, before);
    println!("{total} kills: {killed:?}; the account is as it was, the ledger is empty");
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is {text:?}, not a number")),
    )
}
