//! Steps that run one after the other, all of them, and a list of what failed at the end.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Whether a step that cannot run here counts as a failure: so in CI, where nobody reads "skipped".
pub fn skips_fail() -> bool {
    let is_set = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    is_set("CI", "true") || is_set("REQUIRE_ALL", "1")
}

/// The failures of a run so far.
#[derive(Default)]
pub struct Steps {
    failures: Vec<String>,
}

impl Steps {
    /// Runs one step, says how it went, and remembers its failure.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) {
        println!("--- {name}");
        let start = Instant::now();
        match step() {
            Ok(()) => println!("--- {name}: ok ({:.1} s)", start.elapsed().as_secs_f32()),
            Err(error) => {
                println!("--- {name}: FAILED ({:.1} s)\n{error:#}", start.elapsed().as_secs_f32());
                self.failures.push(format!("{name}: {}", first_line(&format!("{error:#}"))));
            }
        }
    }

    /// Prints the failures; true when there are none.
    pub fn finish(self, what: &str) -> bool {
        if self.failures.is_empty() {
            println!("{what}: all passed");
        } else {
            println!("{what}: {} failed", self.failures.len());
            for failure in &self.failures {
                println!("  {failure}");
            }
        }
        self.failures.is_empty()
    }
}

/// Runs a command with its output shown; an exit status other than 0 is an error.
pub fn succeed(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("could not start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a command and gives its standard output; its standard error is shown.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed something other than UTF-8"))
}

/// `cargo` of this toolchain, in the workspace's root.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(crate::root());
    command
}

/// Whether a program is found on the path.
pub fn is_installed(program: &str) -> bool {
    find_program(program).is_some()
}

/// Where on the path a program lies.
pub fn find_program(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn show(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    command.get_args().fold(name, |line, arg| line + " " + &arg.to_string_lossy())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
