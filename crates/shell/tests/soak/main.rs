//! A second opinion on the analysis: bash runs generated lines with every program replaced by a recorder, and whatever
//! ran, or was written, must have been named by `analyze`, or the line must have been unknown.
//!
//! Part of `cargo test` in a short form; `cargo xtask soak shell` is the long one. `COUNTERSIGN_SOAK_LINES` and
//! `COUNTERSIGN_SOAK_SEED` say how many lines of which seed.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that prints its counts")]

mod covered;
mod dice;
mod line;
mod quoting;
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use covered::Named;
use dice::Dice;
use world::{Ran, World};

/// Of the lines as the grammar makes them, so many of a hundred may be unknown.
const MOST_UNKNOWN: usize = 5;
/// How many failures are made smaller and shown.
const SHOWN: usize = 8;
/// How often one of them is made smaller.
const ROUNDS: usize = 12;

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: `{text}`")),
        Err(_) => default,
    }
}

#[test]
fn whatever_bash_runs_was_named_or_the_line_was_unknown() {
    let seed = number("COUNTERSIGN_SOAK_SEED", 1);
    let count = usize::try_from(number("COUNTERSIGN_SOAK_LINES", 500)).unwrap();
    let world = match World::prepare(Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak")) {
        Ok(world) => world,
        Err(why) => {
            let must = ["CI", "REQUIRE_ALL"].iter().any(|name| std::env::var_os(name).is_some());
            assert!(!must, "the soak needs bash, util-linux and user namespaces: {why}");
            println!("skipped: the soak needs bash, util-linux and user namespaces: {why}");
            return;
        }
    };
    println!("seed {seed}, {count} lines");
    let mut dice = Dice::new(seed);
    let lines: Vec<String> = (0..count).map(|_| line::line(&mut dice)).collect();
    let broken: Vec<String> = lines
        .iter()
        .take(count / 4)
        .map(|line| line::broken(&mut dice, line))
        .filter(|line| !line.contains('\0'))
        .collect();
    let (whole, unknown) = check(&world, "lines", &lines);
    let (damaged, _) = check(&world, "lines with one character wrong", &broken);
    assert!(whole + damaged == 0, "{whole} lines, and {damaged} with one character wrong, ran what was not named");
    assert!(unknown * 100 <= MOST_UNKNOWN * count, "more than {MOST_UNKNOWN} % of the lines are unknown");
}

/// Runs lines and prints what came out: how many ran what was not named, and how many were unknown.
fn check(world: &World, what: &str, lines: &[String]) -> (usize, usize) {
    let (mut commands, mut files, mut stopped, mut unknown) = (0, 0, 0, 0);
    let mut reasons: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let start = Instant::now();
    for (line, ran) in lines.iter().zip(run(world, lines)) {
        let named = Named::of(line);
        commands += ran.commands.len();
        files += ran.files.len();
        stopped += usize::from(ran.stopped);
        if let Some(reason) = named.unknown.first() {
            unknown += 1;
            let (count, shortest) = reasons.entry(reason.clone()).or_insert((0, line));
            *count += 1;
            if line.len() < shortest.len() {
                *shortest = line;
            }
        } else if !named.missed(&ran).is_empty() {
            wrong.push(line);
        }
    }
    let share = |part: usize| part as f64 * 100.0 / lines.len().max(1) as f64;
    println!(
        "\n{} {what}: {commands} commands ran, {files} files were written, {stopped} lines were stopped, in {:.0} s",
        lines.len(),
        start.elapsed().as_secs_f64()
    );
    println!("  not named: {} lines; unknown: {unknown} lines, {:.2} %", wrong.len(), share(unknown));
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (reason, (count, shortest)) in reasons {
        println!("  {count:>6}  {:>5.2} %  {reason}, as in {shortest:?}", share(count));
    }
    for line in wrong.iter().take(SHOWN) {
        let small = smaller(world, line);
        let ran = run(world, std::slice::from_ref(&small));
        let mut missed: Vec<String> = ran.iter().flat_map(|ran| Named::of(&small).missed(ran)).collect();
        missed.dedup();
        println!("\n  {line:?}\n  small: {small:?}\n  {}", missed.join("\n  "));
    }
    (wrong.len(), unknown)
}

/// What ran for each line, on all processors.
fn run(world: &World, lines: &[String]) -> Vec<Ran> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let each = lines.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let running: Vec<_> = lines.chunks(each).map(|part| scope.spawn(|| world.run(part))).collect();
        running.into_iter().flat_map(|worker| worker.join().unwrap().unwrap()).collect()
    })
}

/// A short line that can be made of this one by removing parts, and still runs what is not named.
fn smaller(world: &World, line: &str) -> String {
    let mut best: Vec<char> = line.chars().collect();
    let mut length = best.len() / 2;
    for _ in 0..ROUNDS {
        let without =
            |start: usize| best.iter().take(start).chain(best.iter().skip(start + length)).collect::<String>();
        let mut candidates: Vec<String> = (0..best.len()).step_by(length.div_ceil(2).max(1)).map(without).collect();
        candidates.retain(|candidate| Named::of(candidate).unknown.is_empty());
        let ran = run(world, &candidates);
        let mut still = candidates.into_iter().zip(ran).filter(|(line, ran)| !Named::of(line).missed(ran).is_empty());
        match still.next() {
            Some((shorter, _)) => best = shorter.chars().collect(),
            None => length = length * 2 / 3,
        }
        length = length.min(best.len() / 2).max(1);
    }
    best.into_iter().collect()
}
