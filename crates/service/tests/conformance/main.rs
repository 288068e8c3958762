//! Replays the life of questions as other systems were recorded to live it, over HTTP against a running server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that prints its counts"
)]

mod clawbolt;
mod client;
mod codex;
mod flowfuse;
mod langchain;
mod opencode;
#[allow(dead_code, reason = "two targets share it, and each needs a part")]
#[path = "../../../engine/tests/replay/mod.rs"]
mod replay;
mod surfsense;
mod world;

use replay::kinds::By;
use replay::rule::Kind;
use replay::{case, imported, rule};

/// The kinds that are replayed, one adapter each.
fn kinds() -> Vec<Kind> {
    vec![
        opencode::flow::kind(),
        flowfuse::batch::kind(),
        clawbolt::round::kind(),
        clawbolt::gate::kind(),
        surfsense::middleware::kind(),
        surfsense::doomloop::kind(),
        langchain::hitl::kind(),
        codex::approval_flow::kind(),
    ]
}

#[test]
fn a_question_lives_as_in_other_systems_or_differs_on_purpose() {
    replay::run(By::Service, kinds());
}

/// What no case records: odd words, empty turns, the same twice, answers out of order and again, patterns that cover
/// each other in part, cancels in the middle. What the systems do follows from their code, as `derived/README.md` says.
#[test]
fn what_was_not_recorded_lives_as_their_code_says_or_differs_on_purpose() {
    let folder = case::Folder { path: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/derived").into() };
    let mut failed = Vec::new();
    for kind in kinds() {
        let cases = folder.cases(kind.system, kind.name).unwrap();
        failed.extend(kind.play(&folder, &cases).failed);
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
