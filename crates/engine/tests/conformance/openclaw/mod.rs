//! OpenClaw 2026.9.6: exec approvals, its analysis of commands, what it shows.

mod approvals;
pub(crate) mod eval_argv;
pub(crate) mod eval_shell;
pub(crate) mod explain;
pub(crate) mod inline_eval;
pub(crate) mod sanitizer;
pub(crate) mod windows_shell;
pub(crate) mod wrapper_plan;
