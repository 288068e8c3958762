//! Codex: which commands its heuristics take for safe or dangerous, and what its rules files decide.

pub(crate) mod command_safety;
pub(crate) mod execpolicy;
