//! What the server costs beside what it is made of, each measured in the same run:
//!
//! - `decide`, with the decision log, beside an axum handler that reads JSON and answers JSON;
//! - asking and replying, beside the same transactions on the bare store, as many together;
//! - a reply until the agent that waits has it, beside a bare round trip and one commit;
//! - agents that wait: memory and time.
//!
//! Servers are processes of their own, the load comes from one thread of this one. Prints a page; ends with 1 where a
//! bar is not kept. `cargo xtask bench service`; with numbers of waiting agents and seconds a round as arguments.

mod agents;
mod client;
mod figures;
mod floors;
mod server;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use figures::Bars;

/// What any of this says when it fails.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How many agents call at the same time.
pub(crate) const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const WAITING: usize = 10_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = match words.as_slice() {
        ["--serve", folder] => server::serve(folder.as_ref()).map(|()| true),
        ["--floor"] => server::floor().map(|()| true),
        rest => bench(rest),
    };
    match run {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// True when every bar is kept.
fn bench(words: &[&str]) -> Outcome<bool> {
    let number = |at: usize, usual: usize| words.get(at).map_or(Ok(usual), |word| word.parse());
    let (waiting, milliseconds) = (number(0, WAITING)?, number(1, 2_000)?);
    let round = Duration::from_millis(milliseconds as u64);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut bars = Bars::default();
        println!("# What the server costs\n");
        println!("Made by `cargo xtask bench service --write`. Servers are processes of their own; the load comes from one");
        println!("thread, is the same for ours and for the floor, and shares the machine's cores with them. Ours and floor in");
        println!("turns, {ROUNDS} rounds; times vary by half from run to run, so only the ratios count. Policy: 1000 rules;");
        println!("store: 10000 grants.\n");
        let world = world::World::new().await?;
        agents::decide(&world, round, ROUNDS, &mut bars).await?;
        agents::ask_and_reply(&world, round, ROUNDS, &mut bars).await?;
        agents::wake(&world, &mut bars).await?;
        if waiting > 0 {
            agents::wait(&world, waiting, &mut bars).await?;
        }
        bars.print();
        Ok(bars.kept)
    })
}
