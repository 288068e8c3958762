//! `docs/differences.md`, made of the rules and of how many cases each explains.

use std::path::Path;

use crate::rule::{Count, Kind, Rule, Side};

const FILE: &str = "docs/differences.md";
const HOLES: &str = "docs/prior-failures.md";
/// A rule that explains more than one case in so many needs a row in the list of others' holes.
const SHARE: usize = 20;

/// The rules, each once, that are looser than what they differ from, and explain something.
pub(crate) fn looser(replayed: &[(Kind, Count)]) -> Vec<Rule> {
    let mut found: Vec<Rule> = Vec::new();
    for (kind, count) in replayed {
        for rule in
            kind.rules.iter().filter(|rule| rule.side == Side::Looser && count.explained.contains_key(rule.name))
        {
            if !found.iter().any(|other| other.name == rule.name) {
                found.push(*rule);
            }
        }
    }
    found
}

/// What of the documents is not as it must be.
pub(crate) fn wrong(project: &Path, replayed: &[(Kind, Count)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let made = text(replayed);
    if std::env::var_os("COUNTERSIGN_WRITE_DIFFERENCES").is_some() {
        std::fs::write(project.join(FILE), &made).unwrap();
    } else if std::fs::read_to_string(project.join(FILE)).unwrap_or_default() != made {
        wrong.push(format!("{FILE} is not what the rules say now; run: cargo xtask conformance --write"));
    }
    let holes = std::fs::read_to_string(project.join(HOLES)).unwrap();
    for (kind, count) in replayed {
        for rule in &kind.rules {
            let cases = count.explained.get(rule.name).copied().unwrap_or_default();
            if cases * SHARE > count.all() && !holes.contains(&format!("`{}`", rule.name)) {
                let (system, name, all) = (kind.system, kind.name, count.all());
                wrong.push(format!(
                    "{system}/{name}: `{}` explains {cases} of {all} cases and has no row in {HOLES}",
                    rule.name
                ));
            }
        }
    }
    wrong
}

fn text(replayed: &[(Kind, Count)]) -> String {
    let mut out = String::from(INTRODUCTION);
    let looser = looser(replayed);
    out.push_str(&format!("\n## Where we ask less\n\nAt most ten rules; these are {}.\n\n", looser.len()));
    out.push_str("| rule | inputs | our answer | why |\n|---|---|---|---|\n");
    for rule in &looser {
        out.push_str(&format!("| {} | {} | {} | {} |\n", rule.name, rule.inputs, rule.answer, rule.why));
    }
    for (kind, count) in replayed {
        out.push_str(&format!("\n## {} {}\n\nCompared: {}.\n\n", kind.system, kind.name, kind.compares));
        out.push_str(&format!(
            "{} cases: {} the same, {} different on purpose.\n",
            count.all(),
            count.same,
            count.differing
        ));
        if count.explained.is_empty() {
            continue;
        }
        out.push_str("\n| cases | rule | inputs | our answer | why |\n|---:|---|---|---|---|\n");
        for rule in &kind.rules {
            let Some(cases) = count.explained.get(rule.name) else { continue };
            let side = if rule.side == Side::Looser { " (asks less)" } else { "" };
            out.push_str(&format!(
                "| {cases} | {}{side} | {} | {} | {} |\n",
                rule.name, rule.inputs, rule.answer, rule.why
            ));
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Where we decide differently

Recorded behaviour of other systems lies in `conformance/`; `cargo xtask conformance` replays it. Where we differ, we do
so on purpose: each difference is a rule in `crates/engine/tests/conformance`, with the inputs that it speaks of, what we
answer, and why. It counts only where we are stricter, or where theirs crashed or contradicts its own documentation; the
few rules that let pass what they do not come first. A case can need several rules.

This file is made by `cargo xtask conformance --write`.
";
