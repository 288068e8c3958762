//! What was acknowledged is kept, once, and whoever waits is told: with servers that are killed, two people who answer in
//! the same millisecond, a disk that is full, and a clock that is set back.
//!
//! Part of `cargo test` in a short form; `cargo xtask soak faults` is the long one. `COUNTERSIGN_SOAK_SEED`,
//! `COUNTERSIGN_SOAK_KILLS`, `COUNTERSIGN_SOAK_RACES` and `COUNTERSIGN_SOAK_FULL` say of which seed, how many kills and
//! races there are, and how often the disk is full.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that prints its counts"
)]

mod afterwards;
mod book;
mod dice;
mod full;
mod house;
mod kills;
mod load;
mod races;
mod tally;
mod trace;
mod turns;
mod wire;
#[path = "../world/mod.rs"]
mod world;

use std::time::Instant;

use book::Book;
use house::House;
use tally::{Count, Wrong};

/// How many lines of each kind of wrong are shown.
const SHOWN: usize = 8;

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: `{text}`")),
        Err(_) => default,
    }
}

#[test]
fn nothing_is_lost_or_done_twice_and_everybody_is_told() {
    let seed = number("COUNTERSIGN_SOAK_SEED", 1);
    println!("seed {seed}");
    let mut total = (Wrong::default(), Count::default());
    for phase in [kills::run, races::run, full::run] {
        let start = Instant::now();
        let (wrong, count) = phase(seed);
        println!("  in {:.0} s", start.elapsed().as_secs_f64());
        total.0.add(wrong);
        total.1.add(&count);
    }
    let (wrong, count) = total;
    println!("\n{count}");
    println!("{wrong}");
    assert!(wrong.is_nothing(), "what was acknowledged did not hold");
}

#[test]
fn nothing_is_acknowledged_before_it_is_on_the_disk() {
    trace::run();
}

/// Compares what was acknowledged with the store, once all servers have ended, and says what a phase came to.
fn settle(name: &str, house: &House, book: Book, kills: u64) -> (Wrong, Count) {
    let (wrong, mut count) = book.close(&mut house.store());
    count.kills = kills;
    println!("{name}: {count}");
    for line in wrong.lines(SHOWN) {
        println!("  {line}");
    }
    (wrong, count)
}
