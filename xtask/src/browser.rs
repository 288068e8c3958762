//! The tests of the web page in a real browser: Playwright, with the machine's own Chromium.
//!
//! The tests find the browser in `COUNTERSIGN_CHROMIUM` and the program under test in `COUNTERSIGN_BINARY`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::build;
use crate::steps::{find_program, is_installed, skips_fail, succeed};
use crate::test::Count;

const FOLDER: &str = "crates/service/tests/browser";
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Runs them where their tools are there; else says what to install, and counts the step as skipped.
pub(crate) fn run(count: &mut Count) -> Result<()> {
    let folder = crate::root().join(FOLDER);
    if !folder.join("package.json").is_file() {
        bail!("{FOLDER}/package.json is missing");
    }
    if !is_installed("node") || !is_installed("npm") {
        return skip(count, "needs node and npm, at least version 20: apt-get install nodejs npm");
    }
    let Some(browser) = find_browser().or_else(install_browser) else {
        return skip(count, "needs a Chromium: apt-get install --no-install-recommends chromium");
    };
    let binary = build::binary("countersign-cli", "countersign", build::Profile::Debug)?;
    if is_stale(&folder) {
        let install = ["ci", "--no-audit", "--no-fund"];
        succeed(Command::new("npm").args(install).current_dir(&folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    }
    let report = build::target_folder()?.join("browser-tests.json");
    let _ = std::fs::remove_file(&report);
    let status = Command::new("npx")
        .args(["--no-install", "playwright", "test", "--reporter=list,json"])
        .current_dir(&folder)
        .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
        .env("COUNTERSIGN_CHROMIUM", browser)
        .env("COUNTERSIGN_BINARY", binary)
        .status()
        .context("could not start npx")?;
    let ran = read_report(&std::fs::read_to_string(&report).context("Playwright left no report")?)?;
    count.add(ran);
    if !status.success() || ran.failed > 0 {
        bail!("{} of the tests in the browser failed", ran.failed);
    }
    if ran.passed == 0 {
        bail!("no test ran in the browser");
    }
    Ok(())
}

fn skip(count: &mut Count, why: &str) -> Result<()> {
    if skips_fail() {
        bail!("{why}");
    }
    println!("skipped: {why}");
    count.skipped += 1;
    Ok(())
}

fn find_browser() -> Option<PathBuf> {
    let named = std::env::var_os("COUNTERSIGN_CHROMIUM").map(PathBuf::from).filter(|path| path.is_file());
    named.or_else(|| BROWSERS.iter().find_map(|name| find_program(name)))
}

/// On a Debian machine where we may: installs it.
fn install_browser() -> Option<PathBuf> {
    let uid = Command::new("id").arg("-u").output().ok()?;
    if uid.stdout.trim_ascii() != b"0" || !is_installed("apt-get") {
        return None;
    }
    println!("installing Debian's chromium");
    let apt = |words: &[&str]| succeed(Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"));
    let installed =
        apt(&["update", "-qq"]).and_then(|()| apt(&["install", "-y", "-qq", "--no-install-recommends", "chromium"]));
    if let Err(error) = installed {
        println!("{error:#}");
    }
    find_browser()
}

/// Whether `npm ci` must run: never did, or the lock file is newer.
fn is_stale(folder: &Path) -> bool {
    let changed = |file: &str| folder.join(file).metadata().and_then(|data| data.modified()).ok();
    let (Some(wanted), Some(installed)) = (changed("package-lock.json"), changed("node_modules/.package-lock.json"))
    else {
        return true;
    };
    wanted > installed
}

/// Reads the totals of Playwright's JSON report. A test that passed only when repeated counts as failed.
fn read_report(report: &str) -> Result<Count> {
    let report: Value = serde_json::from_str(report).context("Playwright's report is not JSON")?;
    let stats = report.get("stats").context("Playwright's report has no `stats`")?;
    let number = |key: &str| {
        let found = stats.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        found.with_context(|| format!("Playwright's report has no `stats.{key}`"))
    };
    Ok(Count {
        passed: number("expected")?,
        failed: number("unexpected")? + number("flaky")?,
        skipped: number("skipped")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_counted_and_a_flaky_test_failed() {
        let report = r#"{"stats":{"expected":3,"skipped":1,"unexpected":0,"flaky":1}}"#;
        assert_eq!(read_report(report).unwrap(), Count { passed: 3, failed: 1, skipped: 1 });
        assert!(read_report("{}").is_err());
    }
}
