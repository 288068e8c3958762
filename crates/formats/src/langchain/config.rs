//! Which tools ask, and what may be answered: `interrupt_on`.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_policy::document::quoted;
use countersign_policy::pattern::{Dialect, Wildcard};
use countersign_policy::{Combining, Effect, Origin, Rule, Selector, Source, SourceKind, Terms};
use serde_json::Value;

/// What a human may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// It runs.
    Approve,
    /// It runs with other arguments.
    Edit,
    /// It does not run.
    Reject,
    /// It does not run, and the model is given the human's own answer for the tool's.
    Respond,
}

impl Allowed {
    const ALL: [Allowed; 4] = [Allowed::Approve, Allowed::Edit, Allowed::Reject, Allowed::Respond];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Allowed::Approve => "approve",
            Allowed::Edit => "edit",
            Allowed::Reject => "reject",
            Allowed::Respond => "respond",
        }
    }

    /// The answer of exactly that word.
    pub fn named(word: &str) -> Option<Allowed> {
        Allowed::ALL.into_iter().find(|allowed| allowed.word() == word)
    }
}

/// A tool that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What may be answered, in their order.
    pub allowed: Vec<Allowed>,
    /// What the human is told instead of the tool and its arguments.
    pub description: Option<String>,
}

/// The tools that ask; every other one runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// By the tool's name.
    pub tools: BTreeMap<String, Gate>,
}

impl Config {
    /// Reads `interrupt_on`. What can be said in Python alone (`when`, a description that is a function) is evaluated by
    /// whoever calls, and is an error here.
    ///
    /// # Errors
    /// What is wrong, with the tool.
    pub fn read(interrupt_on: &Value) -> Result<Config, String> {
        let Some(tools) = interrupt_on.as_object() else {
            return Err("`interrupt_on` must be an object from tools to what may be answered".to_owned());
        };
        let mut config = Config::default();
        for (tool, value) in tools {
            match value {
                Value::Bool(true) => {
                    let all = Gate { allowed: Allowed::ALL.to_vec(), description: None };
                    config.tools.insert(tool.clone(), all);
                }
                Value::Bool(false) => {}
                Value::Object(_) => {
                    let gate = gate(value).map_err(|wrong| format!("`interrupt_on` of {}: {wrong}", quoted(tool)))?;
                    config.tools.insert(tool.clone(), gate);
                }
                _ => return Err(format!("`interrupt_on` of {}: write true, false or an object", quoted(tool))),
            }
        }
        Ok(config)
    }

    /// The same as a source: these tools ask, and every other one is allowed.
    pub fn source(&self, kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool) -> Source {
        let name = name.into();
        let origin = |text: String| Origin { file: Arc::clone(&name), line: 0, text };
        let mut rules = vec![Rule::new(Effect::Allow, Selector::Every, origin("every other tool".to_owned()))];
        for tool in self.tools.keys() {
            let named = Selector::Named(Wildcard::compile(Dialect::Exact, tool));
            rules.push(Rule::new(Effect::Ask, named, origin(format!("interrupt_on: {tool}"))));
        }
        Source::new(kind, Arc::clone(&name), trusted, rules).speaking(Terms::Tool, Combining::LastMatch)
    }
}

fn gate(value: &Value) -> Result<Gate, String> {
    let known = ["allowed_decisions", "description", "args_schema"];
    if let Some(other) =
        value.as_object().into_iter().flat_map(|members| members.keys()).find(|key| !known.contains(&&***key))
    {
        return Err(format!("{} is not known: write `allowed_decisions` and `description`", quoted(other)));
    }
    let help = "`allowed_decisions` must be a list with one of `approve`, `edit`, `reject`, `respond` at least";
    let listed = value.get("allowed_decisions").and_then(Value::as_array).filter(|listed| !listed.is_empty());
    let listed = listed.ok_or(help)?;
    let allowed: Option<Vec<Allowed>> = listed.iter().map(|word| word.as_str().and_then(Allowed::named)).collect();
    let description = match value.get("description") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err("`description` must be a text".to_owned()),
    };
    Ok(Gate { allowed: allowed.ok_or(help)?, description })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Allowed, Config};

    #[test]
    fn a_tool_asks_by_its_own_word_or_the_whole_is_an_error() {
        let config =
            Config::read(&json!({"send": true, "read": false, "rm": {"allowed_decisions": ["reject"]}})).unwrap();
        assert_eq!(config.tools.keys().collect::<Vec<_>>(), ["rm", "send"]);
        assert_eq!(config.tools["rm"].allowed, [Allowed::Reject]);
        for broken in [
            json!({"send": {"allowed_decisions": []}}),
            json!({"send": {"allowed_decision": ["approve"]}}),
            json!({"send": {"allowed_decisions": ["approve", "always"]}}),
            json!({"send": {"allowed_decisions": ["approve"], "when": 1}}),
            json!({"send": "yes"}),
            json!(["send"]),
        ] {
            assert!(Config::read(&broken).is_err(), "{broken}");
        }
    }
}
