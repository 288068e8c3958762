//! `[agents.NAME]`: what a kind of sub-agent may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeValue;

use super::keys::{self, Shape};
use super::problem::{is_invisible, quoted};
use super::reader::{Reader, Value};
use super::{Example, Place};
use crate::agents::{AgentDefault, AgentTable, EVERY_KIND};
use crate::effect::Effect;
use crate::rule::{Origin, Rule};
use crate::source::{Source, SourceKind};

const SAMPLE: &str = "[agents.Explore]";

/// What a file says of one kind of sub-agent.
#[derive(Debug, Clone)]
pub(crate) struct AgentRules {
    pub(crate) rules: Vec<Rule>,
    /// Where each of them stands.
    pub(crate) places: Vec<Place>,
    default: Option<AgentDefault>,
}

impl AgentRules {
    /// The same, to be decided by.
    pub(super) fn table(self, kind: SourceKind, file: &Arc<str>, trusted: bool, agent: String) -> AgentTable {
        let source = Source::new(kind, Arc::clone(file), trusted, self.rules).of_agent(agent);
        AgentTable { source, default: self.default }
    }
}

impl<'i> Reader<'i> {
    /// Reads the tables of all kinds, and puts their examples to the file's others.
    pub(super) fn agents(&mut self, value: &Value<'i>, examples: &mut Vec<Example>) -> BTreeMap<String, AgentRules> {
        let mut agents = BTreeMap::new();
        let Some(table) = value.get_ref().as_table() else {
            self.wrong("agents", "a table for each kind of sub-agent", value, SAMPLE);
            return agents;
        };
        for (name, value) in table {
            let kind: &str = name.get_ref();
            if let Some(message) = no_kind(kind) {
                let help = "write the kind as its host names it, in full, or `[agents.\"*\"]` for all others";
                self.problem(name.span(), message, Some(help.to_owned()));
                continue;
            }
            let line = self.line(name.span().start);
            if let Some(rules) = self.agent(kind, line, value, examples) {
                agents.insert(kind.to_owned(), rules);
            }
        }
        agents
    }

    fn agent(&mut self, kind: &str, line: u32, value: &Value<'i>, examples: &mut Vec<Example>) -> Option<AgentRules> {
        let DeValue::Table(table) = value.get_ref() else {
            // Rules stand at the top of the file or in the table of a kind.
            match keys::find(keys::AGENT, kind) {
                Some(key) => {
                    let help = format!("write `{SAMPLE}` and `{}` below it, for a kind each", key.name);
                    self.problem(value.span(), format!("`agents` has a table for each kind, no {kind}"), Some(help));
                }
                None => self.wrong(kind, "a table", value, SAMPLE),
            }
            return None;
        };
        let mut agent = AgentRules { rules: Vec::new(), places: Vec::new(), default: None };
        for (name, value) in table {
            let Some(key) = self.key(keys::AGENT, "a kind of sub-agent", name, None) else { continue };
            match key.shape {
                Shape::Rules(effect) => self.rules(effect, key.name, value, &mut agent.rules, &mut agent.places),
                Shape::Examples => examples.extend(
                    self.examples(value).into_iter().map(|one| Example { agent: Some(kind.to_owned()), ..one }),
                ),
                Shape::OneOf(keys::EFFECTS) => {
                    let line = self.line(value.span().start);
                    agent.default = self.effect(key.name, value).map(|effect| AgentDefault {
                        effect,
                        origin: self.origin(line, format!("default = \"{effect}\"")),
                        why: None,
                    });
                }
                _ => self.not_yet(key.name, name.span()),
            }
        }
        // Whoever lists what an agent may do means no more than that.
        if agent.default.is_none() && agent.rules.iter().any(|rule| rule.effect == Effect::Allow) {
            agent.default = Some(AgentDefault {
                effect: Effect::Ask,
                origin: self.origin(line, "what it does not allow".to_owned()),
                why: None,
            });
        }
        Some(agent)
    }

    fn origin(&self, line: u32, text: String) -> Origin {
        Origin { file: Arc::clone(&self.name), line, text }
    }
}

/// Why that is no kind of sub-agent, if it is none.
fn no_kind(kind: &str) -> Option<String> {
    if kind.trim().is_empty() {
        return Some("a kind of sub-agent has a name".to_owned());
    }
    if kind.chars().any(|c| c.is_control() || is_invisible(c)) || kind.trim() != kind {
        return Some(format!(
            "{} names no kind of sub-agent: there is something in it that does not show",
            quoted(kind)
        ));
    }
    (kind != EVERY_KIND && kind.contains('*'))
        .then(|| format!("{} is a pattern, and a kind of sub-agent is named in full", quoted(kind)))
}
