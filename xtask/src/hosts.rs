//! `cargo xtask hosts claude-code`: scenarios with the real client, one line each.

mod behaviour;
mod claude_code;
mod defer;
mod faults;
mod gate;
mod http;
mod model;
mod page;
mod scenarios;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use claude_code::World;
use gate::Gate;

use crate::build::{self, Profile};

/// What the scenarios share.
struct Setup {
    client: PathBuf,
    gate: Gate,
}

/// One thing that must hold, tried in a world of its own.
struct Scenario {
    name: &'static str,
    play: fn(&Setup, &World) -> Result<()>,
}

/// Plays every scenario whose name begins with one of these; all when there is none. True when all held.
pub fn run(names: &[&str]) -> Result<bool> {
    let client = claude_code::find()?;
    let program = build::binary("countersign-cli", "countersign", Profile::Debug)?;
    let setup = Setup { client, gate: Gate { program } };
    let chosen: Vec<&Scenario> = [scenarios::SCENARIOS, defer::SCENARIOS, faults::SCENARIOS, behaviour::SCENARIOS]
        .into_iter()
        .flatten()
        .filter(|scenario| names.is_empty() || names.iter().any(|name| scenario.name.starts_with(name)))
        .collect();
    if chosen.is_empty() {
        bail!("no scenario begins with `{}`", names.join("` or `"));
    }
    let failed = chosen.iter().filter(|scenario| !play(&setup, scenario)).count();
    println!("{} ok, {failed} failed", chosen.len() - failed);
    Ok(failed == 0)
}

fn play(setup: &Setup, scenario: &Scenario) -> bool {
    let name = scenario.name;
    let world = match World::new(&setup.client, name) {
        Ok(world) => world,
        Err(error) => {
            println!("FAILED {name}: {error:#}");
            return false;
        }
    };
    match (scenario.play)(setup, &world) {
        Ok(()) => {
            println!("ok {name}");
            world.remove();
            true
        }
        Err(error) => {
            println!("FAILED {name}: {error:#} (left in {})", world.folder().display());
            false
        }
    }
}

/// Looks again and again for what another process is about to do.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > Duration::from_secs(30) {
            bail!("waited 30 s in vain for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An error unless what must hold does.
fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { bail!("{}", otherwise()) }
}
