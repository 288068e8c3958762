//! The tests that `docs/threats.md` and `docs/prior-failures.md` name as their evidence exist.

use std::path::Path;

use anyhow::{Context, Result, bail};

const DOCUMENTS: &[&str] = &["docs/threats.md", "docs/prior-failures.md"];
const SOURCES: &[&str] = &["crates", "xtask/src", "xtask/tests"];

/// An error that lists each row without evidence, and each named test that is not there.
pub fn check() -> Result<()> {
    let mut tree = String::new();
    for folder in SOURCES {
        read_sources(&crate::root().join(folder), &mut tree)?;
    }
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(crate::root().join(document))
            .with_context(|| format!("could not read {document}"))?;
        for (line, problem) in problems(&text, &tree) {
            wrong.push(format!("{document}:{line}: {problem}"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

fn problems(document: &str, tree: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_body = false;
    for (number, line) in (1..).zip(document.lines()) {
        let Some(row) = line.strip_prefix('|').and_then(|rest| rest.trim_end().strip_suffix('|')) else {
            in_body = false;
            continue;
        };
        let is_rule = row.chars().all(|c| matches!(c, '-' | '|' | ' ' | ':'));
        if is_rule || !in_body {
            in_body = is_rule;
            continue;
        }
        let cell = row.rsplit('|').next().unwrap_or_default();
        let tests: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            found.push((number, "the last column names no test".to_owned()));
        }
        for test in tests.into_iter().filter(|test| !is_there(test, tree)) {
            found.push((number, format!("there is no test `{test}`")));
        }
    }
    found
}

/// A test function, or the quoted name of a case, a scenario or a test in the browser.
fn is_there(test: &str, tree: &str) -> bool {
    let forms = [format!("fn {test}("), format!("\"{test}\""), format!("'{test}'")];
    forms.iter().any(|form| tree.contains(form))
}

fn read_sources(folder: &Path, tree: &mut String) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let ends = |names: &[&str]| {
            path.extension().is_some_and(|found| names.iter().any(|name| found.eq_ignore_ascii_case(name)))
        };
        if path.is_dir() && path.file_name().is_some_and(|name| name != "node_modules") {
            read_sources(&path, tree)?;
        } else if ends(&["rs", "toml", "js", "mjs", "ts"]) {
            tree.push_str(&std::fs::read_to_string(&path)?);
            tree.push('\n');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_test_that_exists_is_found() {
        let tree = "fn denies_it() {}\nname = \"a case: of words\"\n";
        let table = |cell: &str| format!("| threat | answer | test |\n|---|---|---|\n| x | y | {cell} |\n");
        assert_eq!(problems(&table("`denies_it`, `a case: of words`"), tree), []);
        assert_eq!(problems(&table("`allows_it`"), tree), [(3, "there is no test `allows_it`".to_owned())]);
        assert_eq!(problems(&table("later"), tree), [(3, "the last column names no test".to_owned())]);
    }
}
