//! Rules to a source.

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
    let mut compiled = Vec::new();
    for place in places {
        for rule in &rules.prefixes {
            for pattern in patterns(&rule.pattern, &rules.hosts, *place) {
                compiled.push(Rule {
                    patterns: vec![Pattern::prefix(pattern)],
                    fallback: *place == Place::ByName,
                    why: rule.justification.clone(),
                    ..Rule::new(rule.decision.effect(), Selector::Action(Action::Shell), rule.origin.clone())
                });
            }
        }
    }
    let deciding = rules.network.iter().enumerate().filter(|(at, _)| overridden(&rules.network, *at).is_none());
    compiled.extend(deciding.map(|(_, rule)| fetch(rule)));
    Source::new(kind, name, trusted, compiled)
}

/// The rule that makes a rule about a host count for nothing: of those that allow or forbid the last one does, whatever
/// the protocol.
pub(super) fn overridden(rules: &[NetworkRule], at: usize) -> Option<&NetworkRule> {
    let rule = rules.get(at).filter(|rule| rule.decision != Decision::Prompt)?;
    rules.iter().skip(at + 1).find(|other| other.host == rule.host && other.decision != Decision::Prompt)
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

/// The patterns of a rule: one for each program that it speaks of.
pub(super) fn patterns<'a>(
    tokens: &'a [Vec<String>],
    hosts: &'a [HostExecutable],
    place: Place,
) -> impl Iterator<Item = PrefixPattern> + 'a {
    let (programs, rest) = tokens.split_first().map_or((&[][..], &[][..]), |(first, rest)| (first.as_slice(), rest));
    // A name with a folder in it is the name of no file.
    let programs = programs.iter().filter(move |program| place == Place::Exact || !program.contains('/'));
    programs.map(move |program| {
        let listed = || hosts.iter().rev().find(|host| host.name == *program);
        let meant = match place {
            Place::Exact => Programs::Exact,
            Place::ByName => listed().map_or(Programs::AnyPath, |host| Programs::Paths(host.paths.clone())),
        };
        PrefixPattern::new(program, meant, rest)
    })
}
