//! Codex: rules files (`*.rules`) with `prefix_rule`, `host_executable` and `network_rule`, and the `[rules]` of its
//! administrators' `requirements.toml`.
//!
//! Rules decide as in Codex 0.169: of all prefixes of a command that match, the strictest holds; what is said of a
//! program's name counts for a program that was called by its path only where nothing is said of that path. Where Codex
//! lets pass what it should not, we differ:
//!
//! - One mistake in one file makes Codex drop all rules of all files and go on. Here the files are refused.
//! - A program's name is taken from any path there, also where no `host_executable` says which. Here an allow reaches
//!   only programs in the system's own folders, and none whose path has `..` in it; asks and denies reach all.
//! - Rules of requirements are a source of their own, so that no `host_executable` and no exact path of a user's file
//!   stands in their way.
//! - The language has bounds, in every operation.

pub mod approval;
mod arguments;
mod compile;
mod example;
mod host;
mod import;
mod requirements;
mod rules;
mod starlark;

pub use compile::{Resolution, source};
pub use import::import;
pub use requirements::requirements;
pub use rules::{Decision, HostExecutable, NetworkRule, PrefixRule, Protocol, Rules, parse, read};

#[cfg(test)]
mod tests;
