//! Replays what other systems were recorded to do, and holds us to it: the same, or different on purpose.
//!
//! `COUNTERSIGN_CONFORMANCE` names another folder of the layout of `conformance/`. A difference on purpose is a
//! [`Rule`](rule::Rule); `docs/differences.md` is made of them, anew with `COUNTERSIGN_WRITE_DIFFERENCES=1`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that prints its counts"
)]

mod case;
mod claude_code;
mod clawbolt;
mod codex;
mod document;
mod flowfuse;
mod imported;
mod looser;
mod openclaw;
mod opencode;
mod ours;
mod rule;
mod surfsense;
mod vfs;

use std::path::PathBuf;

use case::Folder;
use rule::{Count, Kind};

/// The kinds that are replayed, one adapter each.
fn kinds() -> Vec<Kind> {
    vec![
        opencode::bash::kind(),
        opencode::arity::kind(),
        opencode::wildcard::kind(),
        opencode::evaluate::first(),
        opencode::evaluate::second(),
        opencode::offered::kind(),
        opencode::rules::from_config(),
        opencode::rules::subagent(),
        surfsense::wildcard::kind(),
        surfsense::evaluate::kind(),
        surfsense::evaluate::disabled(),
        surfsense::decision::kind(),
        openclaw::eval_shell::kind(),
        openclaw::eval_argv::kind(),
        openclaw::wrapper_plan::kind(),
        openclaw::inline_eval::kind(),
        openclaw::explain::kind(),
        openclaw::windows_shell::kind(),
        openclaw::sanitizer::kind(),
        openclaw::matcher::kind(),
        openclaw::arg_hash::kind(),
        openclaw::file_parse::kind(),
        openclaw::requires::kind(),
        openclaw::windows_node::kind(),
        codex::command_safety::kind(),
        codex::execpolicy::kind(),
        flowfuse::policy::kind(),
        flowfuse::availability::kind(),
        flowfuse::rows::kind(),
        flowfuse::ops::kind(),
        flowfuse::facts::kind(),
        flowfuse::mcpfilter::kind(),
        flowfuse::final_decision::kind(),
        clawbolt::resolve::kind(),
        clawbolt::reply::kind(),
        clawbolt::text::kind(),
        clawbolt::extract::kind(),
        clawbolt::owntests::kind(),
        claude_code::rules::kind(),
    ]
}

/// At most so many rules may be looser than what they differ from.
const MOST_LOOSER: usize = 10;

#[test]
fn what_other_systems_decided_is_decided_the_same_or_differs_on_purpose() {
    let project = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let other = std::env::var_os("COUNTERSIGN_CONFORMANCE").map(PathBuf::from);
    let is_ours = other.is_none();
    let folder = Folder { path: other.unwrap_or_else(|| project.join("conformance")) };
    let kinds = kinds();
    let mut wrong = Vec::new();
    let mut replayed: Vec<(Kind, Count)> = Vec::new();
    let mut lines = Vec::new();
    for kind in kinds {
        let Some(cases) = folder.cases(kind.system, kind.name) else {
            if is_ours {
                wrong.push(format!("{}/{}: there are no cases", kind.system, kind.name));
            }
            continue;
        };
        let count = kind.play(&folder, &cases);
        wrong.extend(count.failed.iter().cloned());
        lines.push(format!(
            "{}/{}: {} same, {} different on purpose, {} failed",
            kind.system,
            kind.name,
            count.same,
            count.differing,
            count.failed.len()
        ));
        replayed.push((kind, count));
    }
    // What no adapter knows has its reason there.
    let told = std::fs::read_to_string(project.join("conformance/README.md")).unwrap();
    for (system, name) in folder.kinds() {
        if replayed.iter().any(|(kind, _)| kind.system == system && kind.name == name) {
            continue;
        }
        if told.contains(&format!("| `{system}/{name}` |")) {
            lines.push(format!("{system}/{name}: no adapter yet"));
        } else {
            wrong.push(format!(
                "{system}/{name}: no adapter knows this kind, and conformance/README.md does not say why"
            ));
        }
    }
    if lines.is_empty() {
        wrong.push(format!("{}: there are no cases", folder.path.display()));
    }
    let looser = document::looser(&replayed);
    if looser.len() > MOST_LOOSER {
        wrong.push(format!(
            "{} rules are looser than what they differ from; at most {MOST_LOOSER} may be",
            looser.len()
        ));
    }
    if is_ours {
        wrong.extend(document::wrong(&project, &replayed));
    }
    println!();
    for line in wrong.iter().chain(&lines) {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} things are wrong", wrong.len());
}
