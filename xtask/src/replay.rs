//! `cargo xtask corpus [DIR]` and `cargo xtask conformance [DIR]`: data in a folder, decided by what we ship.
//!
//! The replays are tests of the engine; here they are run for their counts, and over other folders of the same layout.

use std::path::Path;

use anyhow::{Context, Result};

use crate::steps::cargo;

/// Decides the corpus in this folder, the project's own without one; true when it is kept.
pub fn corpus(folder: Option<&str>) -> Result<bool> {
    run("corpus", "COUNTERSIGN_CORPUS", folder, None)
}

/// Replays the recorded behaviour in this folder, the project's own without one; true when nothing failed.
pub fn conformance(folder: Option<&str>) -> Result<bool> {
    run("conformance", "COUNTERSIGN_CONFORMANCE", folder, None)
}

/// The same over the project's own folder; makes `docs/differences.md` anew.
pub fn write_differences() -> Result<bool> {
    run("conformance", "COUNTERSIGN_CONFORMANCE", None, Some("COUNTERSIGN_WRITE_DIFFERENCES"))
}

fn run(test: &str, variable: &str, folder: Option<&str>, switch: Option<&str>) -> Result<bool> {
    let mut command =
        cargo(&["test", "--quiet", "--locked", "--package", "countersign-engine", "--test", test, "--", "--nocapture"]);
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
