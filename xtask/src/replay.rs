//! `cargo xtask corpus [DIR]` and `cargo xtask conformance [DIR]`: data in a folder, decided by what we ship.
//!
//! The replays are tests of the engine and of the service; here they are run for their counts, and over other folders of
//! the same layout.

use std::path::Path;

use anyhow::{Context, Result};

use crate::steps::cargo;

/// Decides the corpus in this folder, the project's own without one; true when it is kept.
pub fn corpus(folder: Option<&str>) -> Result<bool> {
    run("countersign-engine", "corpus", "COUNTERSIGN_CORPUS", folder, None)
}

/// Replays the recorded behaviour in this folder, the project's own without one; true when nothing failed.
pub fn conformance(folder: Option<&str>) -> Result<bool> {
    replays(folder, None)
}

/// The same over the project's own folder; makes `docs/differences.md` anew.
pub fn write_differences() -> Result<bool> {
    replays(None, Some("COUNTERSIGN_WRITE_DIFFERENCES"))
}

/// Both targets, the second one whatever became of the first: decisions, and the life of a question.
fn replays(folder: Option<&str>, switch: Option<&str>) -> Result<bool> {
    let mut kept = true;
    for package in ["countersign-engine", "countersign-service"] {
        kept &= run(package, "conformance", "COUNTERSIGN_CONFORMANCE", folder, switch)?;
    }
    Ok(kept)
}

fn run(package: &str, test: &str, variable: &str, folder: Option<&str>, switch: Option<&str>) -> Result<bool> {
    let mut command =
        cargo(&["test", "--quiet", "--locked", "--package", package, "--test", test, "--", "--nocapture"]);
    command.env("RUST_BACKTRACE", "0").env_remove(variable);
    if let Some(folder) = folder {
        // The test runs in its crate's folder.
        let path = Path::new(folder).canonicalize().with_context(|| format!("could not find the folder {folder}"))?;
        command.env(variable, path);
    }
    if let Some(switch) = switch {
        command.env(switch, "1");
    }
    let status = command.status().with_context(|| format!("could not start the test `{test}`"))?;
    Ok(status.success())
}
