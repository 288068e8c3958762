//! The agent hosts: what their tools are, what their events say and how they are answered.

pub mod claude_code;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use countersign_policy::Action;
use serde::Deserialize;

/// What one of a host's tools is, from the host's table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolRow {
    pub(crate) action: Action,
    pub(crate) extract: Extractor,
    /// JSON pointers to the argument, tried in order.
    #[serde(default)]
    pub(crate) at: Vec<String>,
    /// A JSON pointer to an argument that narrows or widens the resource.
    #[serde(default)]
    pub(crate) also: Option<String>,
    /// A JSON pointer to an argument with which the host takes a protection away: a human looks at such a call.
    #[serde(default)]
    pub(crate) unguarded: Option<String>,
    /// The value where the argument is missing. Without it a missing argument is a fault.
    #[serde(default)]
    pub(crate) or: Option<String>,
}

/// The ways to read what a call touches from its arguments: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Extractor {
    /// A command line.
    Shell,
    /// A file.
    Path,
    /// A tree whose contents are searched; a single file counts as read.
    Tree,
    /// A tree whose names are listed.
    Names,
    /// A URL.
    Url,
    /// The provider of a web search.
    Provider,
    /// A plain text.
    Text,
}

/// What a host's tool is, if its table knows it.
pub(crate) fn tool(host: &str, tool: &str) -> Option<&'static ToolRow> {
    match host {
        claude_code::HOST => {
            static TABLE: OnceLock<Table> = OnceLock::new();
            TABLE.get_or_init(|| table(include_str!("claude_code.toml"))).get(tool)
        }
        GENERIC => {
            static TABLE: OnceLock<Table> = OnceLock::new();
            TABLE.get_or_init(|| table(include_str!("countersign.toml"))).get(tool)
        }
        _ => None,
    }
}

/// Reads the table of the host that has one.
pub(crate) fn prepare() {
    tool(claude_code::HOST, "");
}

/// Whether what a host runs, it runs on this machine. Of calls in our own vocabulary that is not known.
pub(crate) fn runs_here(host: &str) -> bool {
    host != GENERIC
}

/// The host of calls in our own vocabulary: tools named like the built-in actions, with one argument `resource`.
pub const GENERIC: &str = "countersign";

type Table = BTreeMap<String, ToolRow>;

/// A host's table. One that could not be read is an empty one: every tool is then unknown, and asks.
fn table(text: &str) -> Table {
    toml::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tables_can_be_read() {
        assert!(super::tool("claude-code", "Bash").is_some());
        assert!(super::tool("countersign", "shell").is_some());
        assert!(super::tool("claude-code", "shell").is_none());
    }
}
