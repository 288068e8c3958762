//! `cargo xtask test`: every test there is, and one line that says how many passed.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::browser;
use crate::steps::{Steps, cargo, skips_fail};

/// How many tests went how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// Ran and held.
    pub passed: usize,
    /// Ran and did not hold.
    pub failed: usize,
    /// Did not run.
    pub skipped: usize,
}

impl Count {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs the Rust tests (with these further words for `cargo test`), then those in the browser; true when all passed.
pub fn run(words: &[&str]) -> Result<bool> {
    let mut steps = Steps::default();
    let mut count = Count::default();
    steps.run("Rust tests", || rust(words, &mut count));
    if words.is_empty() {
        steps.run("browser tests", || browser::run(&mut count));
    }
    let passed = steps.finish("test");
    println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped);
    if count.skipped > 0 && skips_fail() {
        println!("skipped tests count as failures here (CI=true or REQUIRE_ALL=1)");
        return Ok(false);
    }
    Ok(passed && count.failed == 0)
}

fn rust(words: &[&str], count: &mut Count) -> Result<()> {
    let mut command = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    let mut child = command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start `cargo test`")?;
    let output = child.stdout.take().context("`cargo test` has no output")?;
    let mut shown = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        shown.write_all(&line)?;
        shown.write_all(b"\n")?;
        count.add(summary(&String::from_utf8_lossy(&line)).unwrap_or_default());
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`cargo test` ended with {status}");
    }
    if count.passed == 0 {
        bail!("`cargo test` ran no test");
    }
    Ok(())
}

/// Reads `test result: ok. 5 passed; 0 failed; 1 ignored; ...`.
fn summary(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        let part = counts.split(';').find_map(|part| part.trim().strip_suffix(what));
        part.and_then(|digits| digits.trim().parse().ok())
    };
    Some(Count { passed: number("passed")?, failed: number("failed")?, skipped: number("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_line_is_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.1s";
        assert_eq!(summary(line), Some(Count { passed: 12, failed: 3, skipped: 1 }));
        assert_eq!(summary("test policy::tests::result ... ok"), None);
    }
}
