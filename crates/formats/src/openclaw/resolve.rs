//! What counts for one agent.

use std::collections::BTreeSet;

use countersign_policy::pattern::Machine;

use super::file::{Agent, Approvals, Entry, Grant, Said, Settings};
use super::level::{Ask, Security};
use super::normal::MAIN;

/// What counts for one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// Who reads the file.
    pub on: Machine,
    /// How far commands may go.
    pub security: Field<Security>,
    /// When a human is asked.
    pub ask: Field<Ask>,
    /// How far commands may go where nobody answers.
    pub ask_fallback: Field<Security>,
    /// Whether the programs of skills need no entry. Which these are is not in the file.
    pub auto_allow_skills: Field<bool>,
    /// The list: what is for all agents first.
    pub entries: Vec<Entry>,
    /// Tools of MCP servers that a human allowed this agent for always.
    pub grants: Vec<Grant>,
}

/// A value, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<T> {
    /// The value.
    pub value: T,
    /// The member that says it: `agents.main.security`; `None`: nothing does, the program starts with it.
    pub source: Option<String>,
    /// The line of the file, from 1; 0 for none.
    pub line: u32,
}

impl Approvals {
    /// What counts for an agent; `None` is one that has no name.
    pub fn resolve(&self, agent: Option<&str>) -> Resolved {
        let name = match agent {
            Some(name) if self.on != Machine::WindowsNode || !name.trim().is_empty() => name,
            _ if self.on == Machine::WindowsNode => MAIN,
            // Nothing is left of that name.
            _ => "default",
        };
        let nothing = Agent::default();
        let of = |name: &str| self.agents.iter().find(|(other, _)| other == name).map(|(_, agent)| agent);
        let (own, all) = (of(name).unwrap_or(&nothing), of("*").unwrap_or(&nothing));
        let start = self.start();
        let entries = [all, own].into_iter().flat_map(|agent| agent.allowlist.iter().flatten()).cloned().collect();
        Resolved {
            on: self.on,
            security: self.field(own, all, name, "security", start.security, |said| said.security),
            ask: self.field(own, all, name, "ask", start.ask, |said| said.ask),
            ask_fallback: self.field(own, all, name, "askFallback", start.ask_fallback, |said| said.ask_fallback),
            auto_allow_skills: self
                .field(own, all, name, "autoAllowSkills", start.auto_allow_skills, |said| said.auto_allow_skills),
            entries,
            grants: own.mcp_tools.clone().unwrap_or_default(),
        }
    }

    /// The defaults, and what the program starts with where they say nothing.
    pub fn defaults(&self) -> Resolved {
        let bare = Approvals { agents: Vec::new(), ..self.clone() };
        bare.resolve(None)
    }

    fn field<T: Copy>(
        &self,
        own: &Agent,
        all: &Agent,
        name: &str,
        field: &str,
        start: T,
        of: fn(&Settings) -> Said<T>,
    ) -> Field<T> {
        let here = |said, source: String| match said {
            Said::Value(value, line) => Some(Field { value, source: Some(source), line }),
            Said::Nothing | Said::Unknown => None,
        };
        let said = match (of(&own.settings), of(&all.settings)) {
            (Said::Nothing, all) => here(all, format!("agents.*.{field}")),
            (own, _) => here(own, format!("agents.{name}.{field}")),
        };
        let defaults = || here(of(&self.defaults), format!("defaults.{field}"));
        said.or_else(defaults).unwrap_or(Field { value: start, source: None, line: 0 })
    }

    fn start(&self) -> Start {
        let node = self.on == Machine::WindowsNode;
        Start {
            security: if node { Security::Allowlist } else { Security::Full },
            ask: if node { Ask::OnMiss } else { Ask::Off },
            ask_fallback: Security::Deny,
            auto_allow_skills: false,
        }
    }
}

/// What the program starts with.
struct Start {
    security: Security,
    ask: Ask,
    ask_fallback: Security,
    auto_allow_skills: bool,
}

impl Resolved {
    /// With what the session asks for: it makes stricter, and nothing looser.
    pub fn under(mut self, security: Security, ask: Ask) -> Resolved {
        if security < self.security.value {
            self.security = Field { value: security, source: None, line: 0 };
        }
        if ask > self.ask.value {
            self.ask = Field { value: ask, source: None, line: 0 };
        }
        if self.security.value < self.ask_fallback.value {
            self.ask_fallback = self.security.clone();
        }
        self
    }

    /// What counts where nobody answers: as far as the fallback goes, and nobody is asked.
    pub fn unattended(mut self) -> Resolved {
        if self.ask_fallback.value < self.security.value {
            self.security = self.ask_fallback.clone();
        }
        self.ask = Field { value: Ask::Off, source: None, line: 0 };
        self
    }

    /// Whether an answer may be remembered: never where everything is asked about anew, and on the Windows node only
    /// where there is a list that it could stand in.
    pub fn remembers(&self) -> bool {
        self.ask.value != Ask::Always && (self.on != Machine::WindowsNode || self.security.value == Security::Allowlist)
    }

    /// Whether what was approved under this still stands under `now`: nothing became stricter, and no entry is gone.
    pub fn still_holds(&self, now: &Resolved) -> bool {
        let key = |entry: &Entry| (entry.pattern.to_lowercase(), entry.arg_pattern.clone(), entry.is_generated());
        let left: BTreeSet<_> = now.entries.iter().map(key).collect();
        now.security.value >= self.security.value
            && now.ask.value <= self.ask.value
            && now.ask_fallback.value >= self.ask_fallback.value
            && self.entries.iter().all(|entry| left.contains(&key(entry)))
    }
}
