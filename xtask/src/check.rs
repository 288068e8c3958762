//! `cargo xtask check`: what must hold before any test runs.

use anyhow::{Result, bail};

use crate::dependencies::{self, Workspace};
use crate::steps::{Steps, cargo, is_installed, succeed};
use crate::{evidence, generated, purity};

/// Runs every step, whatever the ones before said; true when all passed.
pub fn run() -> Result<bool> {
    let mut steps = Steps::default();
    steps.run("formatting", || succeed(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("lints", || {
        succeed(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]))
    });
    steps.run("documentation", || {
        succeed(
            cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    steps.run("generated files", generated::compare);
    steps.run("dependency rules", || all(dependencies::violations(&Workspace::load()?)));
    steps.run("purity of policy", || all(purity::violations(&crate::root().join("crates/policy/src"))?));
    steps.run("tests that the documents name", evidence::check);
    steps.run("licences, bans and sources", deny);
    Ok(steps.finish("check"))
}

/// An error that lists all violations, one a line.
fn all(violations: Vec<String>) -> Result<()> {
    if violations.is_empty() {
        return Ok(());
    }
    bail!("{}", violations.join("\n"));
}

fn deny() -> Result<()> {
    if is_installed("cargo-deny") {
        return succeed(&mut cargo(&[
            "deny",
            "--log-level",
            "error",
            "--locked",
            "check",
            "bans",
            "licenses",
            "sources",
        ]));
    }
    println!("skipped: cargo-deny is not installed. Install it with: cargo install --locked cargo-deny");
    Ok(())
}
