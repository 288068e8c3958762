//! Claude Code: its permission rules.

pub(crate) mod rules;
