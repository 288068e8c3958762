//! OpenClaw 2026.9.6: exec approvals, its analysis of commands, what it shows.

mod approvals;
pub(crate) mod arg_hash;
pub(crate) mod eval_argv;
pub(crate) mod eval_shell;
pub(crate) mod explain;
pub(crate) mod file_parse;
pub(crate) mod inline_eval;
pub(crate) mod matcher;
pub(crate) mod requires;
pub(crate) mod sanitizer;
pub(crate) mod windows_node;
pub(crate) mod windows_shell;
pub(crate) mod wrapper_plan;
