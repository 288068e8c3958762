//! `cargo xtask soak`: what runs for minutes. Bash as a second opinion on the analysis of shell lines, servers that are
//! killed while they are used, and fuzzing.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::steps::{cargo, succeed};

/// How many lines a full run takes.
const LINES: &str = "20000";
/// How often a full run kills the server ...
const KILLS: &str = "500";
/// ... lets two people answer in the same millisecond ...
const RACES: &str = "10000";
/// ... and fills the disk.
const FULL: &str = "20";
/// How long fuzzing goes on, in minutes.
const MINUTES: u64 = 1;
/// No line may take longer, in seconds; generous, because the sanitizer slows everything down.
const LONGEST: u64 = 10;
/// The longest line that fuzzing tries, in bytes. `bench shell` has the long ones.
const LONGEST_LINE: usize = 4096;
/// The program that runs fuzz targets; `cargo install` gets it.
const CARGO_FUZZ: &str = "0.13.2";

/// Lets bash run generated lines with every program replaced by a recorder: `[--seed N] [--lines N]`.
pub fn shell(words: &[&str]) -> Result<bool> {
    let [mut seed, mut lines] = ["1", LINES];
    for pair in words.chunks(2) {
        match *pair {
            ["--seed", value] => seed = value,
            ["--lines", value] => lines = value,
            _ => bail!("`soak shell` takes `--seed N` and `--lines N`, not `{}`", pair.join(" ")),
        }
    }
    let test =
        ["test", "--release", "--locked", "--package", "countersign-shell", "--test", "soak", "--", "--nocapture"];
    let mut command = cargo(&test);
    // A soak that cannot run is none.
    command.env("COUNTERSIGN_SOAK_SEED", seed).env("COUNTERSIGN_SOAK_LINES", lines).env("REQUIRE_ALL", "1");
    Ok(command.status().context("could not start `cargo test`")?.success())
}

/// Kills servers, fills their disk and lets people race while agents ask: `[--seed N] [--short]`.
pub fn faults(words: &[&str]) -> Result<bool> {
    let (mut seed, mut short) = ("1", false);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match (*word, rest.as_slice()) {
            ("--short", _) => short = true,
            ("--seed", [value, ..]) => {
                seed = value;
                rest.next();
            }
            _ => bail!("`soak faults` takes `--seed N` and `--short`, not `{}`", words.join(" ")),
        }
    }
    let mut command = cargo(&["test", "--locked", "--package", "countersign-cli", "--test", "faults"]);
    if !short {
        command.arg("--release").envs([
            ("COUNTERSIGN_SOAK_KILLS", KILLS),
            ("COUNTERSIGN_SOAK_RACES", RACES),
            ("COUNTERSIGN_SOAK_FULL", FULL),
        ]);
    }
    command.args(["--", "--nocapture"]).env("COUNTERSIGN_SOAK_SEED", seed).env("REQUIRE_ALL", "1");
    Ok(command.status().context("could not start `cargo test`")?.success())
}

/// Explores the life of questions with both agents in every order; `test` has each by itself.
pub fn lifecycle() -> Result<bool> {
    let test =
        ["test", "--release", "--locked", "--package", "countersign-policy", "--test", "explore", "--", "--nocapture"];
    let mut command = cargo(&test);
    command.env("COUNTERSIGN_EXPLORE_BOTH", "1");
    Ok(command.status().context("could not start `cargo test`")?.success())
}

/// Fuzzes one target: `[--minutes N]`.
pub fn fuzz(target: &str, words: &[&str]) -> Result<bool> {
    let minutes = match *words {
        [] => MINUTES,
        ["--minutes", value] => value.parse().with_context(|| format!("`{value}` is no number of minutes"))?,
        _ => bail!("`soak fuzz` takes `--minutes N`, not `{}`", words.join(" ")),
    };
    let program = cargo_fuzz()?;
    let (longest, length) = (format!("-timeout={LONGEST}"), format!("-max_len={LONGEST_LINE}"));
    let status = Command::new(program)
        .current_dir(crate::root())
        // The sanitizer's flags are for nightly compilers only; this makes the stable one take them.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", target, "--", &longest, &length, &format!("-max_total_time={}", minutes * 60)])
        .status()
        .context("could not start cargo-fuzz")?;
    if !status.success() {
        println!("what made it fail is below fuzz/artifacts/{target}");
    }
    Ok(status.success())
}

/// cargo-fuzz, of its own folder below `target`.
fn cargo_fuzz() -> Result<PathBuf> {
    let folder = build::target_folder()?.join("cargo-fuzz");
    let program = folder.join("bin/cargo-fuzz");
    if !program.is_file() {
        println!("installing cargo-fuzz {CARGO_FUZZ} into target/cargo-fuzz");
        let version = format!("cargo-fuzz@{CARGO_FUZZ}");
        succeed(cargo(&["install", "--locked", &version, "--root"]).arg(&folder))?;
    }
    Ok(program)
}
