//! Rules to a source.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_policy::pattern::{Pattern, PrefixPattern, Programs};
use countersign_policy::{Action, Rule, Selector, Source, SourceKind};

use super::rules::{Decision, HostExecutable, NetworkRule, Rules};

/// Whether a rule about a program's name speaks of a program that was called by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It does, as in Codex at work.
    ByName,
    /// It does not, as in `codex execpolicy check` without `--resolve-host-executables`.
    Off,
}

/// The rules as one source: those about commands, and those about hosts as rules about fetching.
///
/// A `trusted` source of a user's and a trusted project's files has them all together: what one says of a path decides
/// whether what another says of the name counts. Files of a project that is not trusted are a source of their own.
pub fn source(
    rules: &Rules,
    kind: SourceKind,
    name: impl Into<Arc<str>>,
    trusted: bool,
    resolution: Resolution,
) -> Source {
    let places: &[Place] = match resolution {
        Resolution::ByName => &[Place::Exact, Place::ByName],
        Resolution::Off => &[Place::Exact],
    };
    let hosts = hosts(&rules.hosts);
    let mut compiled = Vec::new();
    for place in places {
        for rule in &rules.prefixes {
            for pattern in patterns(&rule.pattern, &hosts, *place) {
                compiled.push(Rule {
                    patterns: vec![Pattern::prefix(pattern)],
                    fallback: *place == Place::ByName,
                    why: rule.justification.clone(),
                    ..Rule::new(rule.decision.effect(), Selector::Action(Action::Shell), rule.origin.clone())
                });
            }
        }
    }
    let last = deciding(&rules.network);
    let counts = |(at, rule): &(usize, &NetworkRule)| overriding(&last, *at, rule).is_none();
    compiled.extend(rules.network.iter().enumerate().filter(counts).map(|(_, rule)| fetch(rule)));
    Source::new(kind, name, trusted, compiled)
}

/// Of the rules about a host that allow or forbid the last one counts, whatever the protocol: its place, by the host.
pub(super) fn deciding(rules: &[NetworkRule]) -> HashMap<&str, usize> {
    let decides = |(_, rule): &(usize, &NetworkRule)| rule.decision != Decision::Prompt;
    rules.iter().enumerate().filter(decides).map(|(at, rule)| (rule.host.as_str(), at)).collect()
}

/// The place of the rule that makes this one, which is at `at`, count for nothing.
pub(super) fn overriding(last: &HashMap<&str, usize>, at: usize, rule: &NetworkRule) -> Option<usize> {
    last.get(rule.host.as_str()).copied().filter(|last| *last != at && rule.decision != Decision::Prompt)
}

/// Codex ignores a rule that asks for a host; with us it asks.
fn fetch(rule: &NetworkRule) -> Rule {
    let empty = Rule::new(rule.decision.effect(), Selector::Action(Action::Fetch), rule.origin.clone());
    let why = rule.justification.clone();
    match Pattern::parse(&Action::Fetch, &rule.host.replace('\\', "\\\\")) {
        Ok(pattern) => Rule { patterns: vec![pattern], why, ..empty },
        Err(error) => Rule { poisoned: Some(error.message), why, ..empty },
    }
}

/// What of a command a pattern's first word is compared to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The word as it is.
    Exact,
    /// The name of the file at that path.
    ByName,
}

/// The paths of programs by their names; of several definitions the last counts.
pub(super) fn hosts(hosts: &[HostExecutable]) -> HashMap<&str, &[String]> {
    hosts.iter().map(|host| (host.name.as_str(), host.paths.as_slice())).collect()
}

/// The patterns of a rule: one for each program that it speaks of.
pub(super) fn patterns<'a>(
    tokens: &'a [Vec<String>],
    hosts: &'a HashMap<&str, &[String]>,
    place: Place,
) -> impl Iterator<Item = PrefixPattern> + 'a {
    let (programs, rest) = tokens.split_first().map_or((&[][..], &[][..]), |(first, rest)| (first.as_slice(), rest));
    // A name with a folder in it is the name of no file.
    let programs = programs.iter().filter(move |program| place == Place::Exact || !program.contains('/'));
    programs.map(move |program| {
        let meant = match place {
            Place::Exact => Programs::Exact,
            Place::ByName => match hosts.get(program.as_str()) {
                Some(paths) => Programs::Paths(paths.to_vec()),
                None => Programs::AnyPath,
            },
        };
        PrefixPattern::new(program, meant, rest)
    })
}
