//! Rules to a source.

use std::sync::Arc;

use countersign_policy::pattern::{Pattern, PrefixPattern, Programs};
use countersign_policy::{Action, Rule, Selector, Source, SourceKind};

use super::rules::{HostExecutable, Rules};

/// Whether a rule about a program's name speaks of a program that was called by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It does, as in Codex at work.
    ByName,
    /// It does not, as in `codex execpolicy check` without `--resolve-host-executables`.
    Off,
}

/// The rules about commands as one source.
///
/// A `trusted` source of a user's and a trusted project's files has them all together: what one says of a path decides
/// whether what another says of the name counts. Files of a project that is not trusted are a source of their own.
pub fn source(rules: &Rules, kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool, resolution: Resolution) -> Source {
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
    Source::new(kind, name, trusted, compiled)
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
