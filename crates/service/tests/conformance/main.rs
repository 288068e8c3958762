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
