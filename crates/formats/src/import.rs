//! What each rule of another system's file becomes in ours.

use std::collections::BTreeMap;

use countersign_policy::{Effect, Origin, ToolEntry};
use serde::Serialize;

/// What the rules of a file, or of files that are one, become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Each rule, in the order of the files.
    pub rules: Vec<Fate>,
    /// What must be said of tools beside the rules, by their actions' texts: `[tools."tool:NAME"]`.
    pub tools: BTreeMap<String, ToolEntry>,
}

/// What one rule becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Where it stands, and how it reads there.
    pub origin: Origin,
    /// What it becomes.
    pub became: Became,
    /// What a human should know of it.
    pub note: Option<String>,
}

impl Fate {
    /// Of a rule of which nothing else is to be known.
    pub fn new(origin: Origin, became: Became) -> Fate {
        Fate { origin, became, note: None }
    }
}

/// A rule of ours, as it stands in a policy file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Native {
    /// Its text: `tool:qb_send(*@acme.com)`.
    pub rule: String,
    /// Its exceptions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
}

impl Became {
    /// Rules of ours without exceptions.
    pub fn native(effect: Effect, rules: Vec<String>) -> Became {
        Became::Native { effect, rules: rules.into_iter().map(Native::from).collect(), why: None }
    }
}

impl From<String> for Native {
    fn from(rule: String) -> Native {
        Native { rule, unless: Vec::new() }
    }
}

/// What a rule becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// Rules of ours that say the same. Where the languages differ an allow is narrower, an ask or a deny wider.
    Native {
        /// What they say.
        effect: Effect,
        /// As they stand in a policy file.
        rules: Vec<Native>,
        /// Why, in its author's words.
        why: Option<String>,
    },
    /// It stays a rule of its own file, which is taken in as it is.
    Kept {
        /// Why our grammar does not say it.
        why: String,
    },
    /// It says nothing there either, or nothing that could be kept.
    Dropped {
        /// Why.
        why: String,
    },
    /// It never decides anything there either.
    Never {
        /// Why.
        why: String,
    },
}

impl Report {
    /// Of rules that need nothing said of tools.
    pub fn of(rules: Vec<Fate>) -> Report {
        Report { rules, tools: BTreeMap::new() }
    }

    /// Whether rules of ours say all that the file says, so that it need not be taken in.
    pub fn is_native(&self) -> bool {
        !self.rules.iter().any(|fate| matches!(fate.became, Became::Kept { .. }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt::Write as _;

    use countersign_policy::Effect;
    use countersign_policy::document::parse;

    use super::{Became, Report};

    /// The rules as a policy file of their own, which can be read.
    pub(crate) fn policy(report: &Report) -> String {
        let mut out = String::new();
        for wanted in [Effect::Allow, Effect::Ask, Effect::Deny] {
            writeln!(out, "{wanted} = [").unwrap();
            for fate in &report.rules {
                let Became::Native { effect, rules, .. } = &fate.became else { continue };
                for native in rules.iter().filter(|_| *effect == wanted) {
                    let text = toml::Value::from(native.rule.as_str());
                    match &*native.unless {
                        [] => writeln!(out, "  {text},").unwrap(),
                        unless => writeln!(out, "  {{ rule = {text}, unless = {unless:?} }},").unwrap(),
                    }
                }
            }
            writeln!(out, "]").unwrap();
        }
        for (tool, entry) in &report.tools {
            writeln!(out, "[tools.{tool:?}]").unwrap();
            for (key, value) in entry.written() {
                writeln!(out, "{key} = {value:?}").unwrap();
            }
        }
        parse(countersign_policy::SourceKind::User, "countersign.toml", &out)
            .unwrap_or_else(|problems| panic!("{out}\n{problems:?}"));
        out
    }

    /// What becomes of each rule, and what a human should know of it.
    pub(crate) fn shown(report: &Report) -> String {
        let mut out = String::new();
        for fate in &report.rules {
            writeln!(out, "{}: {}", fate.origin.line, fate.origin.text).unwrap();
            match &fate.became {
                Became::Native { effect, rules, why } => {
                    for native in rules {
                        let unless = match &*native.unless {
                            [] => String::new(),
                            unless => format!(" unless {}", unless.join(" or ")),
                        };
                        let why = why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
                        writeln!(out, "    {effect} {}{unless}{why}", native.rule).unwrap();
                    }
                }
                other => writeln!(out, "    {other:?}").unwrap(),
            }
            fate.note.iter().for_each(|note| writeln!(out, "    note: {note}").unwrap());
        }
        out
    }
}
