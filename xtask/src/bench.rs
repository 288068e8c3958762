//! `cargo xtask bench hook`: what the hook costs as a process, beside one that does nothing and beside node.
//! `cargo xtask bench shell`: what a line costs beside the bare parse; the benchmark itself is the engine's.
//! `cargo xtask bench decide`: what a look-up costs beside other engines; the benchmark is a workspace of its own.
//! `cargo xtask bench service`: what the server costs beside what it is made of; the benchmark is the service's.
//!
//! Times vary by half from run to run on a busy machine; only ratios between programs that ran in turns count.

mod workload;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build::{self, Profile};
use crate::steps::{cargo, is_installed, succeed};

const ROUNDS: usize = 300;
/// The hook may take this many times what a static process that does nothing takes, median to median.
const MOST: f64 = 6.0;

/// One program of the comparison and its times.
struct Runner {
    name: &'static str,
    command: Command,
    input: Option<PathBuf>,
    times: Vec<Duration>,
}

/// Measures in turns and prints medians, 95th percentiles and ratios; true when the hook keeps its limit.
pub fn hook() -> Result<bool> {
    let hook = build::binary("countersign-cli", "countersign", Profile::Release)?;
    let folder = build::target_folder()?.join("bench-hook");
    let bench = workload::prepare(&folder, &hook)?;
    let mut runners = vec![Runner::new("static process that does nothing", Command::new(floor(&folder)?), None)];
    for case in bench.cases {
        runners.push(Runner::new(case.name, case.command, Some(case.input)));
    }
    if is_installed("node") {
        let mut node = Command::new("node");
        node.args(["-e", "0"]);
        runners.push(Runner::new("node -e 0", node, None));
    } else {
        println!("node is not installed: measured without it");
    }
    let said = folder.join("said");
    for _ in 0..ROUNDS {
        for runner in &mut runners {
            runner.run(&said)?;
        }
    }
    report(&mut runners)
}

/// Runs the engine's benchmark of shell lines; true when every limit is kept.
pub fn shell() -> Result<bool> {
    let bench = ["bench", "--locked", "--quiet", "--package", "countersign-engine", "--bench", "shell"];
    Ok(cargo(&bench).status().context("could not start `cargo bench`")?.success())
}

/// Runs the benchmark of look-ups; true when every bar is kept. With `write`, its output is written down.
pub fn decide(write: bool) -> Result<bool> {
    let manifest = crate::root().join("benches/decide/Cargo.toml");
    let folder = build::target_folder()?.join("bench-decide");
    let mut command = cargo(&["run", "--release", "--locked", "--quiet", "--manifest-path"]);
    command.arg(manifest).arg("--target-dir").arg(folder);
    measured(command, write)
}

/// Runs the benchmark of the server; true when every bar is kept. With `write`, its output is written down.
pub fn service(write: bool) -> Result<bool> {
    let bench = ["bench", "--locked", "--quiet", "--package", "countersign-service", "--bench", "service"];
    measured(cargo(&bench), write)
}

/// Runs a benchmark that prints a page; with `write` that becomes its part of `docs/performance.md`.
fn measured(mut command: Command, write: bool) -> Result<bool> {
    let child = command.stdout(Stdio::piped()).spawn().context("could not start cargo")?;
    let output = child.wait_with_output().context("the benchmark did not end")?;
    let page = String::from_utf8(output.stdout).context("the benchmark printed no text")?;
    print!("{page}");
    // One is a bar that was not kept: still a measurement, for which cargo says 1 or 101. Else nothing was measured.
    if !output.status.success() && !page.contains("**not kept**") {
        bail!("the benchmark ended with {}", output.status);
    }
    if write {
        let document = crate::root().join("docs/performance.md");
        let before = std::fs::read_to_string(&document).unwrap_or_default();
        std::fs::write(document, with_part(&before, &page))?;
    }
    Ok(output.status.success())
}

/// The document with that part in place of the one of the same title, or at its end. A part begins with a title of the
/// first level.
fn with_part(document: &str, part: &str) -> String {
    let is_title = |line: &str| line.starts_with("# ");
    let title = part.lines().next().unwrap_or_default();
    let (mut parts, mut replaced) = (Vec::new(), false);
    let mut lines = document.lines().peekable();
    while let Some(first) = lines.next() {
        let mut text = first.to_owned();
        while let Some(line) = lines.next_if(|line| !is_title(line)) {
            text.push('\n');
            text.push_str(line);
        }
        let is_it = first == title;
        replaced |= is_it;
        parts.push(if is_it { part.trim_end().to_owned() } else { text.trim_end().to_owned() });
    }
    if !replaced {
        parts.push(part.trim_end().to_owned());
    }
    parts.join("\n\n") + "\n"
}

/// A program with an empty `main`, built as the hook is: static and optimised.
fn floor(folder: &Path) -> Result<PathBuf> {
    let source = folder.join("floor.rs");
    let program = folder.join("floor");
    std::fs::write(&source, "fn main() {}\n")?;
    let flags = ["--edition=2024", "-O", "-C", "strip=symbols", "-C", "target-feature=+crt-static", "-o"];
    succeed(Command::new("rustc").args(flags).args([&program, &source]))?;
    Ok(program)
}

fn report(runners: &mut [Runner]) -> Result<bool> {
    for runner in runners.iter_mut() {
        runner.times.sort();
    }
    let floor = runners.first().context("nothing was measured")?.quantile(50);
    println!("{ROUNDS} rounds, in turns");
    println!("{:<34} {:>9} {:>9} {:>9}", "", "p50", "p95", "p50/floor");
    let mut worst = 0.0_f64;
    for runner in runners.iter() {
        let (half, most) = (runner.quantile(50), runner.quantile(95));
        let ratio = half / floor;
        println!("{:<34} {half:>6.2} ms {most:>6.2} ms {ratio:>9.2}", runner.name);
        if runner.input.is_some() {
            worst = worst.max(ratio);
        }
    }
    println!("the hook takes {worst:.2} times the floor; at most {MOST} are allowed");
    Ok(worst <= MOST)
}

impl Runner {
    fn new(name: &'static str, command: Command, input: Option<PathBuf>) -> Self {
        Self { name, command, input, times: Vec::with_capacity(ROUNDS) }
    }

    /// Runs once, from before the process exists until it has ended. What it says goes to a file: the hook takes the null
    /// device for a closed output, and denies.
    fn run(&mut self, said: &Path) -> Result<()> {
        let input = match &self.input {
            Some(file) => Stdio::from(File::open(file)?),
            None => Stdio::null(),
        };
        let output = File::create(said)?;
        self.command.stdin(input).stderr(output.try_clone()?).stdout(output);
        let start = Instant::now();
        let status = self.command.status().with_context(|| format!("could not start: {}", self.name))?;
        self.times.push(start.elapsed());
        if !status.success() {
            bail!("{} ended with {status}: {}", self.name, std::fs::read_to_string(said)?);
        }
        Ok(())
    }

    /// A percentile of the sorted times, in milliseconds.
    fn quantile(&self, percent: usize) -> f64 {
        let at = self.times.len().saturating_sub(1) * percent / 100;
        self.times.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::with_part;

    #[test]
    fn a_part_replaces_the_one_of_its_title_alone() {
        let one = with_part("", "# One\n\n1\n");
        assert_eq!(one, "# One\n\n1\n");
        let two = with_part(&one, "# Two\n\n## Of it\n\n2\n");
        assert_eq!(two, "# One\n\n1\n\n# Two\n\n## Of it\n\n2\n");
        assert_eq!(with_part(&two, "# One\n\n3\n"), "# One\n\n3\n\n# Two\n\n## Of it\n\n2\n");
        assert_eq!(with_part(&two, "# Two\n\n4\n"), "# One\n\n1\n\n# Two\n\n4\n");
    }
}
