//! The policy file: `countersign.toml` to sources, ceilings and a catalog.
//!
//! [`parse`] reads one file and returns either all of it compiled or all that is wrong with it; [`assemble()`] puts the
//! files of a call together, with the rules that come with the program below them.

mod agents;
mod assemble;
mod imports;
mod keys;
mod others;
mod problem;
mod programs;
mod reader;
mod rule_text;
mod rules;
mod schema;
mod sections;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use agents::AgentRules;
pub use assemble::{Builtin, Loaded, assemble, assemble_above, builtin_text};
pub use imports::{Import, Imported, PLATFORMS, SYSTEMS};
pub(crate) use problem::Lines;
pub use problem::{Problem, quoted};
pub(crate) use rule_text::{language, ranges};
pub use schema::schema;

use crate::action::Class;
use crate::catalog::ToolEntry;
use crate::effect::Effect;
use crate::grant::GrantLimit;
use crate::program::ProgramEntry;
use crate::rule::Rule;
use crate::source::{Nobody, Repeats, SourceKind};

/// The largest policy file in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// One policy file, compiled.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it comes from.
    pub kind: SourceKind,
    /// Its name for humans: the file.
    pub name: Arc<str>,
    /// SHA-256 of its text in lower-case hexadecimal: what trust is bound to.
    pub sha256: String,
    /// Its rules.
    pub(crate) rules: Vec<Rule>,
    /// Where each of them stands.
    pub(crate) places: Vec<Place>,
    /// What certain calls must come to.
    examples: Vec<Example>,
    /// How tools are judged, by their action's text.
    pub tools: BTreeMap<String, ToolEntry>,
    /// What it says of programs, by their name and their subcommands': `mytool sub`.
    pub programs: BTreeMap<String, ProgramEntry>,
    /// Other systems' files that it takes in.
    pub imports: Vec<Import>,
    /// What happens to what no rule speaks of, if it says so.
    pub default: Option<Effect>,
    /// What an ask becomes when nobody can be asked, if it says so.
    pub nobody: Option<Nobody>,
    /// The most open questions that a session may have, if it says so.
    pub max_open: Option<u32>,
    /// Whether a human's no goes on to the turn's other questions, if it says so.
    pub cascade: Option<bool>,
    /// How often a session may make the same call in a row, if it says so.
    pub repeats: Option<Repeats>,
    /// What nobody below crosses.
    pub ceiling: Option<Limits>,
    /// What kinds of sub-agents may do.
    pub(crate) agents: BTreeMap<String, AgentRules>,
}

/// The `[ceiling]` of a file.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Its asks and denies.
    pub rules: Vec<Rule>,
    /// Where each of them stands.
    pub(crate) places: Vec<Place>,
    /// Which grants it admits.
    pub grants: Option<GrantLimit>,
    /// The gravest class that each role may use.
    pub roles: BTreeMap<String, Class>,
}

/// Where a rule stands in its file's text.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The rule's text: without its quotes if that is how it is written, else the whole of it.
    pub(crate) text: Range<usize>,
    /// Whether each byte of the rule's text stands for itself, as without escapes.
    pub(crate) plain: bool,
    /// The exceptions, likewise.
    pub(crate) unless: Vec<Range<usize>>,
}

/// What one call must come to: `deny shell: cat .env | head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The effect that the call must have.
    pub effect: Effect,
    /// What the call is, as rules name it: `shell`, `github/create_issue`.
    pub action: String,
    /// What it is about: a command line, a path, a host; empty: nothing.
    pub text: String,
    /// The kind of sub-agent that calls, where it is one.
    pub agent: Option<String>,
    file: Arc<str>,
    line: u32,
    column: u32,
    span: Range<usize>,
}

impl Document {
    /// The calls that the file says something about, with what they must come to: whoever takes commands apart
    /// decides them.
    pub fn examples(&self) -> std::slice::Iter<'_, Example> {
        self.examples.iter()
    }

    /// How many rules it has, those of its ceiling and of sub-agents included.
    pub fn rules(&self) -> usize {
        let agents: usize = self.agents.values().map(|agent| agent.rules.len()).sum();
        self.rules.len() + agents + self.ceiling.as_ref().map_or(0, |limits| limits.rules.len())
    }
}

impl Example {
    /// A problem that points at this example.
    pub fn problem(&self, message: String) -> Problem {
        Problem {
            file: self.file.to_string(),
            span: self.span.clone(),
            line: self.line,
            column: self.column,
            message,
            help: Some("change the example, or the rules that decide it".to_owned()),
        }
    }
}

/// Reads one policy file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file. A file with errors counts for nothing: whoever loads it
/// must deny until it is repaired.
pub fn parse(kind: SourceKind, name: &str, text: &str) -> Result<Document, Vec<Problem>> {
    reader::Reader::new(kind, name, text).read()
}

#[cfg(test)]
mod tests;
