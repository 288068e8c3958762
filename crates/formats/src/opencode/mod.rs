//! OpenCode 1.18.33: `permission` in `opencode.json`, agents (in files of their own, too), sub-agents, disabled tools, and approvals that it saved.
//!
//! Its rules are a list of which the last that matches decides, whatever it says. Where we differ: an "always" of its
//! first permission system overrides what the configuration denies; here it turns asks into allows and nothing else, as
//! in its second one. A call without any resource is allowed there, and asks here.

mod agents;
mod config;
mod frontmatter;
mod request;
mod tools;

use std::sync::Arc;

use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{Combining, Effect, Origin, Rule, Selector, Source, SourceKind, Terms};

pub use agents::{Parent, session_of_subagent};
pub(crate) use config::{AGENT_FOLDERS, is_agent_file};
pub use config::{Config, Permission};
pub use request::{Generation, Reply, Request};
pub use tools::{disabled, key_of_tool};

/// One rule: a permission's name, a pattern over what it is asked for, and an effect. Both are wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The permission: `bash`, `edit`, `server_tool`.
    pub permission: String,
    /// The pattern over commands, paths, URLs.
    pub pattern: String,
    /// What it says.
    pub effect: Effect,
    /// Where it was written.
    pub origin: Origin,
}

impl Entry {
    /// A rule that stands in no file.
    pub fn new(permission: impl Into<String>, pattern: impl Into<String>, effect: Effect) -> Entry {
        let (permission, pattern) = (permission.into(), pattern.into());
        let text = text_of(&permission, &pattern, effect);
        Entry { permission, pattern, effect, origin: Origin { file: "OpenCode".into(), line: 0, text } }
    }
}

/// A rule as a human reads it.
fn text_of(permission: &str, pattern: &str, effect: Effect) -> String {
    format!("{permission}: {pattern} = {effect}")
}

/// On which system OpenCode runs: on Windows letters are the same in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    /// Linux and macOS.
    #[default]
    Posix,
    /// Windows.
    Windows,
}

/// The rules as one source: the last that matches decides.
pub fn source(kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool, entries: &[Entry], on: Platform) -> Source {
    let dialect = Dialect::OpenCode { windows: on == Platform::Windows };
    // What asks or denies does so in whatever case: on some disks it is the same file or program.
    let of = |effect| if effect == Effect::Allow { dialect } else { Dialect::OpenCode { windows: true } };
    let rule = |entry: &Entry| Rule {
        patterns: vec![Pattern::wildcard(Wildcard::compile(of(entry.effect), &entry.pattern))],
        ..Rule::new(entry.effect, Selector::Named(Wildcard::compile(dialect, &entry.permission)), entry.origin.clone())
    };
    let rules = entries.iter().map(rule).collect();
    Source::new(kind, name, trusted, rules).speaking(Terms::OpenCode, Combining::LastMatch)
}

/// The rules that a denial shows to the model: all of that permission, whatever their patterns.
pub fn relevant<'a>(entries: &'a [Entry], permission: &str, on: Platform) -> Vec<&'a Entry> {
    let dialect = Dialect::OpenCode { windows: on == Platform::Windows };
    entries.iter().filter(|entry| Wildcard::compile(dialect, &entry.permission).matches(permission)).collect()
}

#[cfg(test)]
mod tests;
