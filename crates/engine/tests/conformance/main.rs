//! Replays what other systems were recorded to decide: see `replay`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that prints its counts"
)]

mod claude_code;
mod clawbolt;
mod codex;
mod flowfuse;
mod openclaw;
mod opencode;
mod ours;
#[path = "../replay/mod.rs"]
mod replay;
mod surfsense;
mod vfs;

use replay::kinds::By;
use replay::rule::Kind;
use replay::{case, imported, looser, rule};

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

#[test]
fn what_other_systems_decided_is_decided_the_same_or_differs_on_purpose() {
    replay::run(By::Engine, kinds());
}
