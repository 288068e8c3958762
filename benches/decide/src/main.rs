//! `cargo xtask bench decide`: what a look-up in a compiled source costs, beside other engines and as it grows.
//!
//! Prints a page; ends with 1 where a bar is not kept, with 2 where an engine does not answer as it must.

mod engines;
mod words;
mod workload;

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use engines::{Decide, Written};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use workload::{Effect, Request, Workload, workload};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const REQUESTS: usize = 10_000;
const ROUNDS: usize = 15;
/// Where a round is short, there are more of them.
const ROUNDS_SMALL: usize = 75;
/// The slow engines would need gigabytes for more rules.
const MOST_SLOW: usize = 10_000;
/// The slow engines get as long as this for all their requests.
const PATIENCE: Duration = Duration::from_secs(3);
const SEED: u64 = 1;

/// One engine at one size.
struct Measured {
    name: &'static str,
    decide: Decide,
    expected: fn(&Request) -> Effect,
    load: Duration,
    memory: usize,
    /// The mean of each pass over all requests, and all single times, in nanoseconds.
    passes: Vec<f64>,
    times: Vec<f64>,
}

fn main() -> ExitCode {
    println!("# What a decision's look-up costs\n");
    println!(
        "Made by `cargo xtask bench decide --write`. A policy W(n) of n rules (`benches/decide/src/workload.rs`), {REQUESTS}"
    );
    println!(
        "requests: half decided by the first quarter of the rules, a quarter by the last, a quarter by none. All engines in"
    );
    println!(
        "one process, in turns, {ROUNDS} rounds, {ROUNDS_SMALL} up to 1000 rules; times vary by half from run to run, so only"
    );
    println!(
        "the ratios count: each is the middle one of all rounds. Every engine answers every request as expected. Mean: of"
    );
    println!("whole passes; p50: of single requests, the clock's own time taken off.\n");
    let mut bars = Bars::default();
    let mut small = None;
    for size in SIZES {
        let work = workload(SEED, size, REQUESTS);
        match at_size(&work, size, &mut bars, &mut small) {
            Ok(()) => {}
            Err(wrong) => {
                eprintln!("{wrong}");
                return ExitCode::from(2);
            }
        }
    }
    bars.print();
    if bars.kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn at_size(work: &Workload, size: usize, bars: &mut Bars, small: &mut Option<f64>) -> Result<(), String> {
    let rules = &work.rules;
    let last = |request: &Request| request.last;
    let dealt = |request: &Request| request.dealt;
    let mut fast = vec![
        Measured::load("Countersign", last, || engines::countersign(rules, Written::OpenCode)),
        Measured::load("one globset a kind", last, || engines::globset(rules)),
        Measured::load("Countersign, four dialects mixed", last, || engines::countersign(rules, Written::Mixed)),
        Measured::load("Countersign, four sources", dealt, || engines::countersign_dealt(rules, Written::OpenCode)),
        Measured::load("Countersign, four sources, a dialect each", dealt, || {
            engines::countersign_dealt(rules, Written::Mixed)
        }),
    ];
    for engine in &fast {
        engine.must_agree(&work.requests)?;
    }
    let rounds = if size <= 1_000 { ROUNDS_SMALL } else { ROUNDS };
    for round in 0..rounds {
        for engine in &mut fast {
            engine.pass(&work.requests);
            if round % (rounds / 3) == 0 {
                engine.single(&work.requests);
            }
        }
    }
    let strictest = |request: &Request| request.strictest;
    let mut slow = Vec::new();
    if (100..=MOST_SLOW).contains(&size) {
        slow.push(Measured::load("cedar-policy", strictest, || engines::cedar(rules)));
        slow.push(Measured::load("regorus", strictest, || engines::regorus(rules)));
    }
    for engine in &mut slow {
        engine.patiently(&work.requests)?;
    }

    println!("## {size} rules\n");
    println!("| engine | p50 | mean | load | memory |\n|---|--:|--:|--:|--:|");
    for engine in fast.iter().chain(&slow) {
        println!(
            "| {} | {} | {} | {:.2} ms | {:.2} MB |",
            engine.name,
            micros(engine.p50()),
            micros(engine.mean()),
            engine.load.as_secs_f64() * 1000.0,
            engine.memory as f64 / 1e6
        );
    }
    println!();

    let [ours, globset, mixed, four, four_mixed] = &fast[..] else { unreachable!("five engines") };
    let most = match size {
        ..=100 => Some(1.0),
        1_000 => Some(0.75),
        10_000 => Some(0.5),
        _ => None,
    };
    if let Some(most) = most {
        bars.at_most(size, "mean, of one globset a kind", ours.beside(globset), most);
    } else {
        bars.at_most(size, "p50, of one globset a kind", ours.p50() / globset.p50(), 0.4);
    }
    if size >= 1_000 {
        bars.at_most(size, "load, of one globset a kind", ours.load.as_secs_f64() / globset.load.as_secs_f64(), 0.4);
        bars.at_most(size, "memory, of one globset a kind", ours.memory as f64 / globset.memory as f64, 0.4);
    }
    bars.at_most(size, "mean, four dialects in one source, of one", mixed.beside(ours), 1.5);
    bars.at_most(size, "mean, four sources with a dialect each, of one", four_mixed.beside(four), 1.5);
    for engine in &slow {
        bars.at_least(size, &format!("mean of {}, of ours", engine.name), engine.mean() / ours.mean(), 400.0);
    }
    match (size, *small) {
        (100, _) => *small = Some(ours.p50()),
        (100_000, Some(small)) => bars.at_most(size, "p50, of that at 100 rules", ours.p50() / small, 10.0),
        _ => {}
    }
    Ok(())
}

impl Measured {
    /// Loads an engine: the best time of three, and what the last one holds.
    fn load(name: &'static str, expected: fn(&Request) -> Effect, load: impl Fn() -> Decide) -> Measured {
        let timed = || {
            let start = Instant::now();
            let decide = load();
            (start.elapsed(), decide)
        };
        let first = timed().0;
        // What takes long to load is loaded once more, for its memory.
        let best = if first > PATIENCE / 10 { first } else { first.min(timed().0) };
        let region = Region::new(MEMORY);
        let (time, decide) = timed();
        let change = region.change();
        let memory = (change.bytes_allocated as isize - change.bytes_deallocated as isize + change.bytes_reallocated)
            .unsigned_abs();
        Measured { name, decide, expected, load: best.min(time), memory, passes: Vec::new(), times: Vec::new() }
    }

    fn must_agree(&self, requests: &[Request]) -> Result<(), String> {
        let wrong = |request: &&Request| (self.decide)(request) != (self.expected)(request);
        let Some(request) = requests.iter().find(wrong) else { return Ok(()) };
        let (said, expected) = ((self.decide)(request), (self.expected)(request));
        let count = requests.iter().filter(wrong).count();
        Err(format!(
            "{}: {count} wrong; `{}` on `{}`: {said:?}, not {expected:?}",
            self.name, request.name, request.text
        ))
    }

    fn pass(&mut self, requests: &[Request]) {
        let start = Instant::now();
        for request in requests {
            black_box((self.decide)(black_box(request)));
        }
        self.passes.push(start.elapsed().as_secs_f64() * 1e9 / requests.len() as f64);
    }

    fn single(&mut self, requests: &[Request]) {
        let mut clock: Vec<f64> = (0..1000).map(|_| Instant::now().elapsed().as_secs_f64() * 1e9).collect();
        let clock = median(&mut clock);
        for request in requests {
            let start = Instant::now();
            black_box((self.decide)(black_box(request)));
            self.times.push((start.elapsed().as_secs_f64() * 1e9 - clock).max(0.0));
        }
    }

    /// As many requests as there is time for, each once.
    fn patiently(&mut self, requests: &[Request]) -> Result<(), String> {
        let start = Instant::now();
        let mut done = 0;
        while done < requests.len() && start.elapsed() < PATIENCE {
            let some = &requests[done..(done + 10).min(requests.len())];
            self.must_agree(some)?;
            self.single(some);
            done += some.len();
        }
        self.passes.push(self.times.iter().sum::<f64>() / self.times.len() as f64);
        Ok(())
    }

    fn mean(&self) -> f64 {
        median(&mut self.passes.clone())
    }

    /// The mean of a pass, of that of the other's in the same round.
    fn beside(&self, other: &Measured) -> f64 {
        median(&mut self.passes.iter().zip(&other.passes).map(|(own, other)| own / other).collect::<Vec<_>>())
    }

    fn p50(&self) -> f64 {
        median(&mut self.times.clone())
    }
}

/// The bars, and whether all were kept.
struct Bars {
    kept: bool,
    lines: Vec<String>,
}

impl Default for Bars {
    fn default() -> Self {
        Bars { kept: true, lines: Vec::new() }
    }
}

impl Bars {
    fn at_most(&mut self, size: usize, what: &str, ratio: f64, most: f64) {
        self.bar(size, what, ratio, &format!("at most {most}"), ratio <= most);
    }

    fn at_least(&mut self, size: usize, what: &str, ratio: f64, least: f64) {
        self.bar(size, what, ratio, &format!("at least {least}"), ratio >= least);
    }

    fn bar(&mut self, size: usize, what: &str, ratio: f64, bar: &str, kept: bool) {
        self.kept &= kept;
        let mark = if kept { "" } else { " **not kept**" };
        self.lines.push(format!("| {size} | {what} | {ratio:.2} | {bar}{mark} |"));
    }

    fn print(&self) {
        println!("## Ratios\n\n| rules | what | ratio | bar |\n|--:|---|--:|---|");
        self.lines.iter().for_each(|line| println!("{line}"));
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(nanoseconds: f64) -> String {
    let micros = nanoseconds / 1000.0;
    if micros < 100.0 { format!("{micros:.3} us") } else { format!("{micros:.0} us") }
}
