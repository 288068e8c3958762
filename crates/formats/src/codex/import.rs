//! Rules files to rules of our own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use countersign_policy::Origin;

use super::compile::{self, deciding, overriding};
use super::rules::{Decision, HostExecutable, NetworkRule, PrefixRule, Rules};
use crate::import::{Became, Fate, Report};

/// What rules files come to in our own grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// A policy file.
    pub text: String,
    /// What is not in it, or means something else there.
    pub notes: Vec<Note>,
}

/// Something that a reader of the import should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub origin: Origin,
    /// What became of it, and why.
    pub text: String,
}

/// The most patterns that one rule comes to.
const MAX_PATTERNS: usize = 64;

/// Writes rules in our own grammar: `prefix_rule(["git", "status"])` is `shell(git status **)`, for a prefix says
/// nothing of what follows.
pub fn import(rules: &Rules) -> Imported {
    let lists = [Vec::new(), Vec::new(), Vec::new()];
    let (last, hosts) = (deciding(&rules.network), compile::hosts(&rules.hosts));
    let mut import = Import { rules, last, hosts, lists, notes: Vec::new() };
    rules.prefixes.iter().for_each(|rule| import.prefix(rule));
    rules.network.iter().enumerate().for_each(|(at, rule)| import.network(at, rule));
    rules.hosts.iter().for_each(|host| import.host(host));
    let mut text = String::new();
    for (name, lines) in ["allow", "ask", "deny"].iter().zip(&import.lists) {
        if !lines.is_empty() {
            let _ = writeln!(text, "{name} = [");
            lines.iter().for_each(|line| _ = writeln!(text, "  {},", line.written()));
            text.push_str("]\n");
        }
    }
    Imported { text, notes: import.notes }
}

/// What each rule of a file comes to, in the order of the file.
pub fn report(name: Arc<str>, rules: &Rules) -> Report {
    let mut fates = Vec::new();
    for rule in &rules.prefixes {
        fates.push(fate(rules, rule.decision, &rule.origin, |import| import.prefix(rule)));
    }
    for (at, rule) in rules.network.iter().enumerate() {
        fates.push(fate(rules, rule.decision, &rule.origin, |import| import.network(at, rule)));
    }
    for host in &rules.hosts {
        fates.push(fate(rules, Decision::Allow, &host.origin, |import| import.host(host)));
    }
    fates.sort_by_key(|fate| fate.origin.line);
    Report { file: name, rules: fates }
}

/// What one rule comes to, beside all others.
fn fate(rules: &Rules, decision: Decision, origin: &Origin, import: impl FnOnce(&mut Import<'_>)) -> Fate {
    let lists = [Vec::new(), Vec::new(), Vec::new()];
    let (last, hosts) = (deciding(&rules.network), compile::hosts(&rules.hosts));
    let mut one = Import { rules, last, hosts, lists, notes: Vec::new() };
    import(&mut one);
    let lines: Vec<Line> = one.lists.into_iter().flatten().collect();
    let note = one.notes.into_iter().next().map(|note| note.text).unwrap_or_default();
    let became = match (lines.first(), note.strip_prefix("left out, it can never apply: ")) {
        (Some(line), _) => Became::Native {
            effect: decision.effect(),
            why: line.why.clone(),
            rules: lines.iter().map(|line| line.rule.clone()).collect(),
        },
        (None, Some(why)) => Became::Never { why: why.to_owned() },
        (None, None) => Became::Dropped { why: note.strip_prefix("left out: ").unwrap_or(&note).to_owned() },
    };
    Fate { origin: origin.clone(), became }
}

/// One rule of ours.
#[derive(PartialEq)]
struct Line {
    rule: String,
    why: Option<String>,
}

impl Line {
    /// As it stands in a policy file.
    fn written(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        match &self.why {
            Some(why) => format!("{{ rule = {}, why = {} }}", quoted(&self.rule), quoted(why)),
            None => quoted(&self.rule),
        }
    }
}

struct Import<'r> {
    rules: &'r Rules,
    /// Which rule about a host counts.
    last: HashMap<&'r str, usize>,
    /// Where programs lie.
    hosts: HashMap<&'r str, &'r [String]>,
    /// What is allowed, asked and denied.
    lists: [Vec<Line>; 3],
    notes: Vec<Note>,
}

impl<'r> Import<'r> {
    fn note(&mut self, origin: &Origin, text: impl Into<String>) {
        self.notes.push(Note { origin: origin.clone(), text: text.into() });
    }

    fn line(&mut self, decision: Decision, rule: &str, why: Option<&str>) {
        let line = Line { rule: rule.to_owned(), why: why.map(str::to_owned) };
        let [allow, ask, deny] = &mut self.lists;
        let list = match decision {
            Decision::Allow => allow,
            Decision::Prompt => ask,
            Decision::Forbidden => deny,
        };
        if !list.contains(&line) {
            list.push(line);
        }
    }

    fn prefix(&mut self, rule: &PrefixRule) {
        let stricter = |other: &&PrefixRule| other.decision > rule.decision && covers(other, rule);
        if let Some(other) = self.rules.prefixes.iter().find(stricter) {
            let Origin { file, line, text } = &other.origin;
            self.note(&rule.origin, format!("left out, it can never apply: {file}:{line} is stricter, `{text}`"));
            return;
        }
        let mut pattern = rule.pattern.clone();
        if let Some(empty) = pattern.iter().position(|words| words.iter().any(String::is_empty)) {
            if rule.decision == Decision::Allow || empty == 0 {
                self.note(&rule.origin, "left out: our patterns have no word that is empty");
                return;
            }
            pattern.truncate(empty);
            self.note(&rule.origin, "stricter: our patterns have no word that is empty, so it ends before that");
        }
        if rule.decision == Decision::Allow {
            self.with_paths(&mut pattern);
        }
        let count = pattern.iter().fold(1_usize, |count, words| count.saturating_mul(words.len()));
        if count > MAX_PATTERNS {
            if rule.decision == Decision::Allow {
                self.note(
                    &rule.origin,
                    format!("left out: it comes to {count} patterns, and {MAX_PATTERNS} are written"),
                );
                return;
            }
            while pattern.len() > 1 && pattern.iter().map(Vec::len).fold(1, usize::saturating_mul) > MAX_PATTERNS {
                pattern.pop();
            }
            let kept = pattern.len();
            self.note(
                &rule.origin,
                format!("stricter: it comes to {count} patterns, so only its first {kept} words count"),
            );
        }
        let mut lines = vec![String::new()];
        for words in &pattern {
            lines = lines
                .iter()
                .flat_map(|line| words.iter().map(move |word| format!("{line}{} ", escaped(word))))
                .collect();
        }
        let patterns: Vec<String> = lines.iter().map(|line| format!("{line}**")).collect();
        self.line(rule.decision, &format!("shell({})", patterns.join(", ")), rule.justification.as_deref());
    }

    /// An allow of ours does not take a program's name for its path: paths that are known are written out.
    fn with_paths(&self, pattern: &mut [Vec<String>]) {
        let Some(programs) = pattern.first_mut() else { return };
        let listed = programs.iter().filter_map(|name| self.hosts.get(name.as_str()));
        let paths: Vec<String> = listed.flat_map(|paths| paths.iter().cloned()).collect();
        programs.extend(paths);
    }

    fn network(&mut self, at: usize, rule: &NetworkRule) {
        let other = overriding(&self.last, at, rule).and_then(|other| self.rules.network.get(other));
        if let Some(other) = other {
            let Origin { file, line, .. } = &other.origin;
            self.note(&rule.origin, format!("left out, it can never apply: {file}:{line} is about the same host"));
            return;
        }
        if rule.decision == Decision::Prompt {
            self.note(&rule.origin, "stricter: Codex does not ask for hosts and ignores this rule, here it asks");
        }
        self.line(rule.decision, &format!("fetch({})", escaped(&rule.host)), rule.justification.as_deref());
    }

    fn host(&mut self, host: &HostExecutable) {
        let speaks = |rule: &PrefixRule| {
            rule.decision == Decision::Allow && rule.pattern.first().is_some_and(|words| words.contains(&host.name))
        };
        let text = if self.rules.prefixes.iter().any(speaks) {
            "its paths are written out in allows; asks and denies hold for every path of that name"
        } else {
            "left out: no allow speaks of it, and asks and denies hold for every path of that name"
        };
        self.note(&host.origin, text);
    }
}

/// Whether one rule matches whatever the other does.
fn covers(one: &PrefixRule, other: &PrefixRule) -> bool {
    let matches = |(words, others): (&Vec<String>, &Vec<String>)| others.iter().all(|word| words.contains(word));
    one.pattern.len() <= other.pattern.len() && one.pattern.iter().zip(&other.pattern).all(matches)
}

/// A word as patterns of ours write it.
fn escaped(word: &str) -> String {
    let mut out = String::new();
    for (at, c) in word.chars().enumerate() {
        if c.is_whitespace() || "\\*()\"',".contains(c) || at == 0 && "&|;<>".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
