//! Codex: which commands its heuristics take for safe or dangerous.

pub(crate) mod command_safety;
