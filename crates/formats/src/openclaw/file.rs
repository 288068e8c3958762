//! What `exec-approvals.json` says.

use countersign_policy::Origin;
use countersign_policy::pattern::Machine;
use serde_json::{Map, Value};

use super::level::{Ask, Security};

/// What the file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Approvals {
    /// Who reads it.
    pub on: Machine,
    /// Where OpenClaw's programs meet.
    pub socket: Socket,
    /// What holds where an agent says nothing.
    pub defaults: Settings,
    /// What is said of agents, and of all of them under `*`.
    pub agents: Vec<(String, Agent)>,
}

/// Where OpenClaw's programs meet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Socket {
    /// The file.
    pub path: Option<String>,
    /// What a program shows there.
    pub token: Option<String>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.as_ref().map(|_| "***");
        f.debug_struct("Socket").field("path", &self.path).field("token", &token).finish()
    }
}

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Said<T> {
    /// Nothing.
    #[default]
    Nothing,
    /// Something that nobody understands: the defaults hold, and not what is said of `*`.
    Unknown,
    /// This, in that line.
    Value(T, u32),
}

/// Four fields that the defaults and every agent may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How far commands may go.
    pub security: Said<Security>,
    /// When a human is asked.
    pub ask: Said<Ask>,
    /// How far commands may go where nobody answers.
    pub ask_fallback: Said<Security>,
    /// Whether the programs of skills need no entry.
    pub auto_allow_skills: Said<bool>,
}

/// What is said of one agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Agent {
    /// Its own settings.
    pub settings: Settings,
    /// The programs that it may run; `None`: it has no list.
    pub allowlist: Option<Vec<Entry>>,
    /// The tools of MCP servers that a human allowed for always.
    pub mcp_tools: Option<Vec<Grant>>,
    /// Members that nobody knows.
    pub others: Map<String, Value>,
}

/// An entry of an allowlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// A glob over places, or over names.
    pub pattern: String,
    /// What its arguments are bound to.
    pub arg_pattern: Option<String>,
    /// What made it. Whatever is not blank stands for an answer, not for a human's own rule.
    pub source: Option<String>,
    /// Its other members.
    pub others: Map<String, Value>,
    /// Where it was written.
    pub origin: Origin,
}

impl Entry {
    /// Whether an answer of "always" made it.
    pub fn is_generated(&self) -> bool {
        self.source.as_ref().is_some_and(|source| !source.trim().is_empty())
    }
}

/// A tool of an MCP server that a human allowed for always, whatever its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The server.
    pub server: String,
    /// Its tool.
    pub tool: String,
    /// All of its members.
    pub members: Map<String, Value>,
    /// Where it was written.
    pub origin: Origin,
}

impl Approvals {
    /// What holds where the file cannot be read: nothing runs.
    pub fn closed(on: Machine) -> Approvals {
        let ask = if on == Machine::WindowsNode { Ask::Always } else { Ask::Off };
        let defaults = Settings {
            security: Said::Value(Security::Deny, 0),
            ask: Said::Value(ask, 0),
            ask_fallback: Said::Value(Security::Deny, 0),
            auto_allow_skills: Said::Value(false, 0),
        };
        Approvals { on, socket: Socket::default(), defaults, agents: Vec::new() }
    }
}
