//! One rule of a policy, as compiled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Class};
use crate::call::Call;
use crate::effect::Effect;
use crate::pattern::{Case, Pattern, Spellings, TextPattern, Wildcard};
use crate::scope::Scope;
use crate::target::{NamedBy, Target};
use crate::terms::View;
use crate::time::Timestamp;

/// One rule: an effect, a selector of actions, patterns over resources, and where it was written.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it says.
    pub effect: Effect,
    /// Of which actions it speaks.
    pub selector: Selector,
    /// Of which resources it speaks; empty: of all, and of targets without one.
    pub patterns: Vec<Pattern>,
    /// Resources of which it does not speak after all.
    pub unless: Vec<Pattern>,
    /// Arguments that must hold for it to apply.
    pub when: Vec<Condition>,
    /// When it stops to count; on allows only.
    pub expires: Option<Timestamp>,
    /// Whether it also speaks of implied targets. Only the built-in rules set this to false: their ask before every
    /// edit is about edits that stand by themselves, not about the operands of a command that was allowed.
    pub implied: bool,
    /// Whether it speaks only where no rule of its source without this speaks: what Codex says of a program's name
    /// counts only where it says nothing of the program's path.
    pub fallback: bool,
    /// Whom it binds.
    pub binds: Binds,
    /// Why, in its author's words.
    pub why: Option<String>,
    /// The widest scope that an answer may be remembered for; once: it may not.
    pub remember: Option<Scope>,
    /// The scope that a question offers first.
    pub offer: Option<Scope>,
    /// Why it could not be read, if it could not. Such a rule denies where it would decide.
    pub poisoned: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, as a human would name it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The rule's text as it stands there; in a cause, of a list of patterns only those that match.
    pub text: String,
}

/// Whom a rule binds: the agent whose policy it stands in, the sub-agents below that, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binds {
    /// Both.
    #[default]
    All,
    /// That agent itself. An ask or a deny also binds sub-agents of kinds that no trusted file names.
    Itself,
    /// The sub-agents. An allow of this kind counts for nothing: they would get more than the agent above.
    Descendants,
}

/// Which actions a rule speaks of.
#[derive(Debug, Clone)]
pub enum Selector {
    /// Exactly this one.
    Action(Action),
    /// Every action.
    Every,
    /// What another system calls the action, in the terms of the rule's source.
    Named(Wildcard),
    /// Tools of MCP servers.
    Mcp {
        /// The server's name.
        server: TextPattern,
        /// The tool's name.
        tool: TextPattern,
    },
    /// The host's other tools, by their name without `tool:`.
    Tool(TextPattern),
    /// Every tool of a class, or of a class in a group.
    Class {
        /// The group's name.
        group: Option<TextPattern>,
        /// The class.
        class: Class,
    },
}

/// A condition on one argument of the call.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The argument's name at the top level of the call's arguments.
    pub argument: String,
    /// What its text must match.
    pub pattern: TextPattern,
    /// Whether an ask or a deny speaks only of calls that have the argument. Else one without it is judged as if it
    /// matched.
    pub only_present: bool,
}

impl Rule {
    /// A rule about all resources of these actions, without exceptions, conditions or expiry.
    pub fn new(effect: Effect, selector: Selector, origin: Origin) -> Rule {
        Rule {
            effect,
            selector,
            patterns: Vec::new(),
            unless: Vec::new(),
            when: Vec::new(),
            expires: None,
            implied: true,
            fallback: false,
            binds: Binds::All,
            why: None,
            remember: None,
            offer: None,
            poisoned: None,
            origin,
        }
    }

    /// Whether the rule speaks of this target of this call now.
    ///
    /// An allow must hold for every spelling of the target, exactly; an ask or a deny holds as soon as one spelling
    /// matches, whatever its case. A condition that cannot be judged lets asks and denies apply and allows not.
    pub fn applies(&self, target: &Target, call: &Call, now: Timestamp) -> bool {
        let own = crate::pattern::spellings(target);
        self.speaks_of(target, &View::native(own), call, now)
    }

    /// The same of a target as the rule's source reads it.
    pub fn speaks_of(&self, target: &Target, view: &View<'_>, call: &Call, now: Timestamp) -> bool {
        let lenient = self.effect == Effect::Allow;
        if self.expires.is_some_and(|expires| lenient && expires <= now) {
            return false;
        }
        let case = if lenient { Case::Exact } else { Case::Fold };
        self.selector.covers(target, view.name, call, case)
            && self
                .when
                .iter()
                .all(|condition| condition.holds(call, case).unwrap_or(!lenient && !condition.only_present))
            && self.covers_resource(view.spellings.as_ref(), call)
    }

    /// The rule's text as a cause names it: of a list of patterns, those that match this target.
    pub(crate) fn text_about(&self, spellings: Option<&Spellings<'_>>, call: &Call) -> String {
        let case = if self.effect == Effect::Allow { Case::Exact } else { Case::Fold };
        let matches = |pattern: &&Pattern| {
            spellings.as_ref().is_some_and(|all| all.any(|spelling| pattern.matches(spelling, call, case)))
        };
        let Some((selector, _)) = self.origin.text.split_once('(').filter(|_| self.patterns.len() > 1) else {
            return self.origin.text.clone();
        };
        let mut text = String::with_capacity(self.origin.text.len());
        for pattern in self.patterns.iter().filter(matches) {
            text.push_str(if text.is_empty() { "(" } else { ", " });
            text.push_str(pattern.as_str());
        }
        if text.is_empty() { self.origin.text.clone() } else { format!("{selector}{text})") }
    }

    /// Whether the rule allows the command that names this target, and spells the name out.
    pub(crate) fn names(&self, named: &NamedBy, call: &Call, now: Timestamp) -> bool {
        self.effect == Effect::Allow
            && self.poisoned.is_none()
            && matches!(self.selector, Selector::Action(Action::Shell))
            && self.expires.is_none_or(|expires| expires > now)
            && self.when.iter().all(|condition| condition.holds(call, Case::Exact).unwrap_or(false))
            && self.patterns.iter().any(|pattern| pattern.names(&named.words, named.at))
            && !self
                .unless
                .iter()
                .any(|pattern| pattern.matches(&crate::pattern::Spelling::Words(&named.words, None), call, Case::Fold))
    }

    fn covers_resource(&self, spellings: Option<&Spellings<'_>>, call: &Call) -> bool {
        if self.patterns.is_empty() && self.unless.is_empty() {
            return true;
        }
        let matching = |patterns: &[Pattern], spelling: &crate::pattern::Spelling<'_>, case| {
            patterns.iter().any(|pattern| pattern.matches(spelling, call, case))
        };
        let covered = |spelling: &crate::pattern::Spelling<'_>, case| {
            self.patterns.is_empty() || matching(&self.patterns, spelling, case)
        };
        match spellings {
            // No resource: only a rule without patterns speaks of it, and an exception cannot be judged.
            None => self.patterns.is_empty() && self.effect != Effect::Allow,
            Some(spellings) if self.effect == Effect::Allow => {
                spellings.allow(|spelling| covered(spelling, Case::Exact))
                    && !spellings.any(|spelling| matching(&self.unless, spelling, Case::Fold))
            }
            Some(spellings) => spellings
                .any(|spelling| covered(spelling, Case::Fold) && !matching(&self.unless, spelling, Case::Exact)),
        }
    }
}

impl Selector {
    /// Whether the selector covers this target of this call, which the rule's source calls by this name.
    pub(crate) fn covers(&self, target: &Target, name: Option<&str>, call: &Call, case: Case) -> bool {
        match self {
            Selector::Every => true,
            Selector::Named(wildcard) => name.is_some_and(|name| wildcard.matches(name)),
            Selector::Action(action) => {
                *action == target.action
                    || (case == Case::Fold
                        && matches!(action, Action::Mcp { .. } | Action::Tool(_))
                        && action.to_string().eq_ignore_ascii_case(&target.action.to_string()))
            }
            Selector::Mcp { server, tool } => match &target.action {
                Action::Mcp { server: its_server, tool: its_tool } => {
                    server.matches(its_server, case) && tool.matches(its_tool, case)
                }
                _ => false,
            },
            Selector::Tool(name) => matches!(&target.action, Action::Tool(its) if name.matches(its, case)),
            Selector::Class { group, class } => {
                let its = class_of(target, call);
                // What is kept from writing is kept from deleting.
                let graver = case == Case::Fold && *class == Class::Write && its == Class::Delete;
                let grave = its == *class || graver;
                grave
                    && group
                        .as_ref()
                        .is_none_or(|group| call.group.as_ref().is_some_and(|its| group.matches(its, case)))
            }
        }
    }
}

/// The call's own class for the target that is the call itself, else the class of what the target does.
fn class_of(target: &Target, call: &Call) -> Class {
    match &target.action {
        action if *action != call.action => action.default_class(),
        // Of what a tool does nothing is known but what the catalog says.
        Action::Mcp { .. } | Action::Tool(_) => call.class,
        action => call.class.max(action.default_class()),
    }
}

impl Condition {
    /// Whether the argument matches; `None` where it is missing or no text, number or truth value.
    fn holds(&self, call: &Call, case: Case) -> Option<bool> {
        let text = match call.args.get(&self.argument)? {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(truth) => truth.to_string(),
            _ => return None,
        };
        Some(self.pattern.matches(&text, case))
    }
}
