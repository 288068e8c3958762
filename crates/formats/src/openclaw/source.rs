//! What counts for an agent, as rules: the last that matches decides.

use std::sync::Arc;

use countersign_policy::pattern::{Executable, Machine, Pattern, PatternError};
use countersign_policy::{Action, Combining, Effect, Origin, Rule, Scope, Selector, Source, SourceKind, Terms};

use super::file::Entry;
use super::level::{Ask, Security};
use super::resolve::Resolved;

/// Commands of a shell's own that need no entry.
const BUILTINS: [&str; 7] = [":", "cd", "false", "pwd", "test", "true", "\\["];
/// What runs another program with other rights, in another place, or from a package: no entry covers it.
const BLOCKED: [&str; 18] = [
    "sudo",
    "doas",
    "su",
    "chroot",
    "watch",
    "script",
    "unshare",
    "nsenter",
    "bwrap",
    "systemd-run",
    "torsocks",
    "npx",
    "bunx",
    "pnpm",
    "pnpx",
    "yarn",
    "npm exec",
    "npm x",
];

/// What counts for an agent, as one source over commands.
pub fn source(kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool, resolved: &Resolved) -> Source {
    let name = name.into();
    let rules = Rules { name: &name, resolved }.all();
    Source::new(kind, name, trusted, rules).speaking(Terms::Native, Combining::LastMatch)
}

/// The tools of MCP servers that a human allowed the agent for always: they turn asks into allows, and nothing else.
pub fn granted(kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool, resolved: &Resolved) -> Source {
    let rule = |grant: &super::Grant| {
        let action = Action::Mcp { server: grant.server.clone(), tool: grant.tool.clone() };
        Rule::new(Effect::Allow, Selector::Action(action), grant.origin.clone())
    };
    Source::new(kind, name, trusted, resolved.grants.iter().map(rule).collect())
}

impl Entry {
    /// The entry as a pattern of those who read it.
    pub fn executable(&self, on: Machine) -> Executable {
        Executable::compile(on, &self.pattern, self.arg_pattern.as_deref(), self.is_generated())
    }
}

struct Rules<'a> {
    name: &'a Arc<str>,
    resolved: &'a Resolved,
}

impl Rules<'_> {
    fn all(&self) -> Vec<Rule> {
        let Resolved { on, security, ask, .. } = self.resolved;
        match (security.value, ask.value) {
            (Security::Deny, _) => vec![self.security(Effect::Deny)],
            (_, Ask::Always) => vec![self.always()],
            (Security::Full, Ask::Deny) => vec![self.asking(Effect::Deny)],
            (Security::Full, _) => vec![self.security(Effect::Allow)],
            (Security::Allowlist, ask) => {
                let miss = if ask == Ask::OnMiss { self.asking(Effect::Ask) } else { self.security(Effect::Deny) };
                let mut rules = vec![miss.clone()];
                let gateway = *on != Machine::WindowsNode;
                // Which shell of Windows runs a line is not known.
                if gateway && *on != Machine::Windows {
                    rules.extend(BUILTINS.iter().map(|builtin| self.builtin(builtin)));
                }
                rules.extend(self.entries());
                if gateway {
                    rules.extend(BLOCKED.iter().map(|program| over(&miss, &format!("{program} **"))));
                }
                rules
            }
        }
    }

    /// The entries, the one first that they would name last: one bound to arguments before one that is not, and before
    /// both one for every program; of the same kind the first.
    fn entries(&self) -> Vec<Rule> {
        let on = self.resolved.on;
        let mut entries: Vec<(u8, Rule)> = Vec::new();
        for entry in self.resolved.entries.iter().rev() {
            let executable = entry.executable(on);
            if executable.inert().is_some() {
                continue;
            }
            let rank = match entry.arg_pattern.as_deref() {
                _ if executable.is_any() => 2,
                None | Some("") => 0,
                Some(_) => 1,
            };
            let rule = Rule {
                patterns: vec![Pattern::openclaw(executable)],
                ..Rule::new(Effect::Allow, Selector::Action(Action::Shell), entry.origin.clone())
            };
            entries.push((rank, rule));
        }
        entries.sort_by_key(|(rank, _)| *rank);
        entries.into_iter().map(|(_, rule)| rule).collect()
    }

    fn security(&self, effect: Effect) -> Rule {
        let field = &self.resolved.security;
        self.rule(effect, "security", field.value.word(), field.source.as_deref(), field.line)
    }

    fn asking(&self, effect: Effect) -> Rule {
        let field = &self.resolved.ask;
        self.rule(effect, "ask", field.value.word(), field.source.as_deref(), field.line)
    }

    /// What is asked about every time is never remembered.
    fn always(&self) -> Rule {
        Rule { remember: Some(Scope::Once), ..self.asking(Effect::Ask) }
    }

    fn rule(&self, effect: Effect, field: &str, word: &str, source: Option<&str>, line: u32) -> Rule {
        let text = format!("{} = {word}", source.unwrap_or(field));
        let origin = Origin { file: Arc::clone(self.name), line, text };
        let remember = if self.resolved.remembers() { None } else { Some(Scope::Once) };
        Rule { remember, ..Rule::new(effect, Selector::Action(Action::Shell), origin) }
    }

    fn builtin(&self, name: &str) -> Rule {
        let origin = Origin { file: Arc::clone(self.name), line: 0, text: format!("a shell's own `{name}`") };
        over(&Rule::new(Effect::Allow, Selector::Action(Action::Shell), origin), &format!("{name} *"))
    }
}

/// The rule over the commands of a pattern of ours. One that could not be read denies.
fn over(rule: &Rule, pattern: &str) -> Rule {
    match Pattern::parse(&Action::Shell, pattern) {
        Ok(pattern) => Rule { patterns: vec![pattern], ..rule.clone() },
        Err(PatternError { message, .. }) => Rule { poisoned: Some(message), ..rule.clone() },
    }
}
