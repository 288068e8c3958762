//! OpenClaw's exec approvals: `exec-approvals.json` of its gateway (2026.9.6) and of its Windows node (c14ead38).
//!
//! What counts for an agent is put together field by field: the agent's own, that of `*`, the defaults, what the program
//! starts with. `security` says how far commands may go, `ask` when a human is asked, and the allowlist names programs
//! where they are. Where we differ: a provenance that nobody knows is one, not none; no answer lifts what the file
//! denies; what could not be read of a command is asked about whatever the file says.

mod file;
mod import;
mod level;
mod normal;
mod read;
mod resolve;
mod source;
mod unbindable;

pub use countersign_policy::pattern::Machine;
pub use file::{Agent, Approvals, Entry, Grant, Said, Settings, Socket};
pub use import::import;
pub use level::{Ask, Mode, Security};
pub use read::{parse, read};
pub use resolve::{Field, Resolved};
pub use source::{granted, source};
pub use unbindable::unbindable;

#[cfg(test)]
mod tests;
