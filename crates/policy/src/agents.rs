//! Sub-agents: their own policies, and whom a rule binds.

use std::collections::BTreeMap;

use crate::call::Call;
use crate::decide::verdict;
use crate::effect::Effect;
use crate::rule::{Binds, Origin, Rule};
use crate::source::{Policy, Source};

/// The kind that stands for every kind of which its file has no table, and for one that the host does not name.
pub const EVERY_KIND: &str = "*";

/// What one file says of sub-agents, by their kind.
#[derive(Debug, Clone, Default)]
pub struct Agents {
    /// Whether its allows and defaults count, and whether its tables make a kind known.
    pub trusted: bool,
    /// A table for each kind that the file speaks of.
    pub tables: BTreeMap<String, AgentTable>,
}

/// What one file says of one kind of sub-agent.
#[derive(Debug, Clone)]
pub struct AgentTable {
    /// Its rules.
    pub source: Source,
    /// What happens to what no table of this kind speaks of; `None`: what the agent above may do.
    pub default: Option<AgentDefault>,
}

/// What happens to what no table of a kind speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentDefault {
    /// What.
    pub effect: Effect,
    /// Where that is written.
    pub origin: Origin,
    /// Why, where it follows from something else.
    pub why: Option<String>,
}

impl Agents {
    /// The table that speaks of this kind.
    fn table(&self, kind: &str) -> Option<&AgentTable> {
        self.tables.get(kind).or_else(|| self.tables.get(EVERY_KIND))
    }
}

/// How the calling agent stands to the policy that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The policy is its own.
    Own,
    /// It is or may be a sub-agent below the one whose policy it is, of a kind that no trusted file names, or below one
    /// of such a kind: what binds either of them holds.
    Unknown,
    /// It is a sub-agent below the one whose policy it is, and trusted files name its kind and those above it.
    Below,
}

impl Standing {
    /// How the caller stands to the main agent's policy.
    pub(crate) fn of(policy: &Policy, call: &Call) -> Standing {
        let kinds = &call.agent_kinds;
        // `*` names nobody: whoever starts an agent may call it anything.
        let named = |kind: &String| {
            kind != EVERY_KIND && policy.agents.iter().any(|file| file.trusted && file.tables.contains_key(kind))
        };
        match &call.agent {
            None if kinds.is_empty() => Standing::Own,
            Some(_) if !kinds.is_empty() && kinds.iter().all(named) => Standing::Below,
            _ => Standing::Unknown,
        }
    }

    /// Whether a rule counts for the caller.
    pub(crate) fn counts(self, rule: &Rule) -> bool {
        let tightens = verdict(rule) > Effect::Allow;
        match rule.binds {
            Binds::All => true,
            Binds::Itself => self == Standing::Own || self == Standing::Unknown && tightens,
            Binds::Descendants => self != Standing::Own && tightens,
        }
    }
}

/// One sub-agent's own policy: the tables of its kind in all files.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    tables: Vec<(&'a AgentTable, bool)>,
    /// How the caller stands to it.
    pub(crate) standing: Standing,
}

impl<'a> Layer<'a> {
    pub(crate) fn sources(&self) -> impl Iterator<Item = &'a Source> + Clone {
        self.tables.iter().map(|(table, _)| &table.source)
    }

    /// The strictest of what trusted files say of what no table speaks of.
    pub(crate) fn default(&self) -> Option<(&'a Source, &'a AgentDefault)> {
        let trusted = self.tables.iter().filter(|(_, trusted)| *trusted).map(|(table, _)| *table);
        let defaults = trusted.filter_map(|table| Some((&table.source, table.default.as_ref()?)));
        defaults.reduce(|one, other| if other.1.effect > one.1.effect { other } else { one })
    }
}

/// The policies of the caller's own and of all sub-agents above it, outermost first. A sub-agent whose kind the host
/// does not name has that of every kind.
pub(crate) fn layers<'a>(policy: &'a Policy, call: &'a Call) -> impl Iterator<Item = Layer<'a>> {
    let unnamed = call.agent_kinds.is_empty() && call.agent.is_some();
    let kinds = call.agent_kinds.iter().map(String::as_str).chain(unnamed.then_some(""));
    let last = call.agent_kinds.len().saturating_sub(1);
    let kinds = kinds.take(if policy.agents.is_empty() { 0 } else { usize::MAX }).enumerate();
    kinds.filter_map(move |(at, kind)| {
        let tables: Vec<(&AgentTable, bool)> =
            policy.agents.iter().filter_map(|file| Some((file.table(kind)?, file.trusted))).collect();
        let standing = if at == last { Standing::Own } else { Standing::of(policy, call) };
        (!tables.is_empty()).then_some(Layer { tables, standing })
    })
}
