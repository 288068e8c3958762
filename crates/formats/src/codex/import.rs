//! Rules files to rules of our own.

use std::collections::HashMap;

use countersign_policy::{Effect, Origin};

use super::compile::{self, deciding, overriding};
use super::rules::{Decision, HostExecutable, NetworkRule, PrefixRule, Rules};
use crate::import::{Became, Fate};

/// The most patterns that one rule comes to.
const MAX_PATTERNS: usize = 64;

/// What each rule becomes in our own grammar, in the order of the file: `prefix_rule(["git", "status"])` is
/// `shell(git status **)`, for a prefix says nothing of what follows.
pub fn import(rules: &Rules) -> Vec<Fate> {
    let import = Import { rules, last: deciding(&rules.network), hosts: compile::hosts(&rules.hosts) };
    let fate = |origin: &Origin, became| Fate::new(origin.clone(), became);
    let prefixes = rules.prefixes.iter().map(|rule| fate(&rule.origin, import.prefix(rule)));
    let network = rules.network.iter().enumerate().map(|(at, rule)| fate(&rule.origin, import.network(at, rule)));
    let hosts = rules.hosts.iter().map(|host| fate(&host.origin, import.host(host)));
    let mut fates: Vec<Fate> = prefixes.chain(network).chain(hosts).collect();
    fates.sort_by_key(|fate| fate.origin.line);
    fates
}

struct Import<'r> {
    rules: &'r Rules,
    /// Which rule about a host counts.
    last: HashMap<&'r str, usize>,
    /// Where programs lie.
    hosts: HashMap<&'r str, &'r [String]>,
}

impl Import<'_> {
    fn prefix(&self, rule: &PrefixRule) -> Became {
        let stricter = |matches: fn(&str, &str) -> bool| {
            self.rules.prefixes.iter().find(|other| other.decision > rule.decision && covers(other, rule, matches))
        };
        let kept = |why: &str| Became::Kept { why: why.to_owned() };
        if let Some(other) = stricter(|one, other| one == other) {
            let Origin { line, text, .. } = &other.origin;
            return Became::Never { why: format!("line {line} is stricter and speaks of all of it: `{text}`") };
        }
        if stricter(|one, path| path.rsplit('/').next() == Some(one)).is_some() {
            return kept("what is said of a program's path counts there before what is said of its name");
        }
        if rule.pattern.iter().flatten().any(String::is_empty) {
            return kept("our patterns have no word that is empty");
        }
        let mut pattern = rule.pattern.clone();
        if rule.decision == Decision::Allow {
            self.with_paths(&mut pattern);
        }
        if pattern.iter().fold(1_usize, |count, words| count.saturating_mul(words.len())) > MAX_PATTERNS {
            return kept("its alternatives come to too many patterns");
        }
        let mut lines = vec![String::new()];
        for words in &pattern {
            let longer = |line: &String| -> Vec<String> {
                words.iter().map(|word| format!("{line}{} ", escaped(word))).collect()
            };
            lines = lines.iter().flat_map(longer).collect();
        }
        let patterns: Vec<String> = lines.iter().map(|line| format!("{line}**")).collect();
        native(rule.decision, format!("shell({})", patterns.join(", ")), rule.justification.clone())
    }

    /// An allow of ours does not take a program's name for its path: paths that are known are written out.
    fn with_paths(&self, pattern: &mut [Vec<String>]) {
        let Some(programs) = pattern.first_mut() else { return };
        let listed = programs.iter().filter_map(|name| self.hosts.get(name.as_str()));
        let paths: Vec<String> = listed.flat_map(|paths| paths.iter().cloned()).collect();
        programs.extend(paths);
    }

    fn network(&self, at: usize, rule: &NetworkRule) -> Became {
        let other = overriding(&self.last, at, rule).and_then(|other| self.rules.network.get(other));
        match other {
            Some(other) => Became::Never { why: format!("line {} is about the same host", other.origin.line) },
            None => native(rule.decision, format!("fetch({})", escaped(&rule.host)), rule.justification.clone()),
        }
    }

    fn host(&self, host: &HostExecutable) -> Became {
        let speaks = |rule: &PrefixRule| {
            rule.decision == Decision::Allow && rule.pattern.first().is_some_and(|words| words.contains(&host.name))
        };
        let why = if self.rules.prefixes.iter().any(speaks) {
            "its paths are written out in what is allowed; asks and denies hold for the name at any path"
        } else {
            "nothing is allowed by this name; asks and denies hold for the name at any path"
        };
        Became::Dropped { why: why.to_owned() }
    }
}

fn native(decision: Decision, rule: String, why: Option<String>) -> Became {
    let effect: Effect = decision.effect();
    Became::Native { effect, rules: vec![rule.into()], why }
}

/// Whether one rule matches whatever the other does, if programs match so.
fn covers(one: &PrefixRule, other: &PrefixRule, program: fn(&str, &str) -> bool) -> bool {
    let (Some((programs, rest)), Some((others, other_rest))) = (one.pattern.split_first(), other.pattern.split_first())
    else {
        return false;
    };
    let all = |(words, others): (&Vec<String>, &Vec<String>)| others.iter().all(|word| words.contains(word));
    rest.len() <= other_rest.len()
        && others.iter().all(|other| programs.iter().any(|one| program(one, other)))
        && rest.iter().zip(other_rest).all(all)
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
