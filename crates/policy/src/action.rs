//! What a call is, the same in every host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a call is, whatever its host calls the tool.
///
/// The text form is the built-in's name, `server/tool` for an MCP tool and `tool:NAME` for any other; a host's own
/// tool named `shell` is therefore `tool:shell` and never equals the built-in action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A command line.
    Shell,
    /// A file's content is read.
    Read,
    /// A file is created or changed.
    Edit,
    /// A file is removed.
    Delete,
    /// A host is contacted.
    Fetch,
    /// A tree is searched.
    Search,
    /// A sub-agent is started.
    Agent,
    /// A tool of an MCP server.
    Mcp {
        /// The server as the host has it configured.
        server: String,
        /// The tool as the server names it.
        tool: String,
    },
    /// Any other tool of the host.
    Tool(String),
}

/// A text that is no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no action: use shell, read, edit, delete, fetch, search, agent, server/tool or tool:NAME")]
pub struct NoAction(pub String);

impl Action {
    /// The built-in action of that name, if it is one.
    pub fn builtin(name: &str) -> Option<Action> {
        Some(match name {
            "shell" => Action::Shell,
            "read" => Action::Read,
            "edit" => Action::Edit,
            "delete" => Action::Delete,
            "fetch" => Action::Fetch,
            "search" => Action::Search,
            "agent" => Action::Agent,
            _ => return None,
        })
    }

    /// The names of the built-in actions.
    pub const BUILTIN: [&'static str; 7] = ["shell", "read", "edit", "delete", "fetch", "search", "agent"];

    /// The class that the action has unless the catalog says otherwise.
    pub fn default_class(&self) -> Class {
        match self {
            Action::Read | Action::Search => Class::Read,
            Action::Delete => Class::Delete,
            _ => Class::Write,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Shell => f.write_str("shell"),
            Action::Read => f.write_str("read"),
            Action::Edit => f.write_str("edit"),
            Action::Delete => f.write_str("delete"),
            Action::Fetch => f.write_str("fetch"),
            Action::Search => f.write_str("search"),
            Action::Agent => f.write_str("agent"),
            Action::Mcp { server, tool } => write!(f, "{server}/{tool}"),
            Action::Tool(name) => write!(f, "tool:{name}"),
        }
    }
}

impl FromStr for Action {
    type Err = NoAction;

    fn from_str(text: &str) -> Result<Action, NoAction> {
        if let Some(action) = Action::builtin(text) {
            return Ok(action);
        }
        if let Some(name) = text.strip_prefix("tool:") {
            if !name.is_empty() {
                return Ok(Action::Tool(name.to_owned()));
            }
        } else if let Some((server, tool)) = text.split_once('/')
            && !server.is_empty()
            && !tool.is_empty()
        {
            return Ok(Action::Mcp { server: server.to_owned(), tool: tool.to_owned() });
        }
        Err(NoAction(text.to_owned()))
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Action, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How grave a tool is, from the catalog; ordered by gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Changes something. The class of a tool of which nothing is known.
    Write,
    /// Destroys something.
    Delete,
}

impl Class {
    /// The word as it stands in policy files.
    pub fn word(self) -> &'static str {
        match self {
            Class::Read => "read",
            Class::Write => "write",
            Class::Delete => "delete",
        }
    }

    /// The class of that name.
    pub fn named(word: &str) -> Option<Class> {
        [Class::Read, Class::Write, Class::Delete].into_iter().find(|class| class.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn text_and_back() {
        for text in ["shell", "agent", "github/create_issue", "tool:shell", "tool:a/b"] {
            assert_eq!(text.parse::<Action>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_hosts_tool_never_equals_a_builtin() {
        assert_ne!("tool:shell".parse::<Action>().unwrap(), Action::Shell);
    }
}
