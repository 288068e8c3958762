//! Rules that can never decide, and rules that stand twice.

use super::cover::{beside_patterns, by_pattern};
use super::{Budget, Part, Set, Warning};
use crate::decide::verdict;
use crate::document::{language, quoted};
use crate::effect::Effect;
use crate::pattern::Pattern;
use crate::rule::Rule;
use crate::source::Combining;

/// Why a part of a rule does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Another rule always decides in its place.
    Overruled,
    /// A rule of the same effect says it too, and more.
    Covered,
    /// It stands a second time.
    Twice,
}

pub(super) fn warnings(set: Set<'_>, budget: &mut Budget) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (position, rule) in set.rules.iter().enumerate() {
        if rule.poisoned.is_some() || set.has_ended(rule) {
            continue;
        }
        let parts: Vec<Option<(Why, usize)>> = found(set, position, rule, budget);
        let Some(first) = parts.first() else { continue };
        let all_alike = parts.iter().all(|part| part == first);
        for (at, part) in parts.iter().enumerate() {
            let Some((why, by)) = part else { continue };
            let Some(other) = set.rules.get(*by) else { continue };
            let part = if all_alike { Part::Whole } else { Part::Pattern(at) };
            warnings.push(warning(set, (position, rule, part), *why, (*by, other)));
            if all_alike {
                break;
            }
        }
    }
    warnings
}

/// For each part of a rule why it does not count, if it does not, and the rule that makes it so.
fn found(set: Set<'_>, position: usize, rule: &Rule, budget: &mut Budget) -> Vec<Option<(Why, usize)>> {
    let mut found = vec![None; parts(rule).count()];
    for overruling in [true, false] {
        for (by, other) in set.rules.iter().enumerate() {
            if found.iter().all(Option::is_some) || !budget.take(1) {
                return found;
            }
            let overrules = match set.combining {
                Combining::Strictest => verdict(other) > verdict(rule),
                Combining::LastMatch => by > position,
            };
            let alike = by == position || set.combining == Combining::Strictest && verdict(other) == verdict(rule);
            let counts = if overruling { overrules } else { alike };
            if !counts || set.has_ended(other) || !beside_patterns(other, rule, set.several) {
                continue;
            }
            for ((at, part), why) in parts(rule).enumerate().zip(&mut found).filter(|(_, why)| why.is_none()) {
                for (its_at, its) in parts(other).enumerate() {
                    if (by, its_at) == (position, at) || !budget.take(steps(its, part)) {
                        continue;
                    }
                    if !by_pattern((other, its), (rule, part)) {
                        continue;
                    }
                    let one = (rule, part);
                    if overruling {
                        *why = Some((Why::Overruled, by));
                    } else if adds_nothing(one, (other, its)) {
                        // Of two that say the same, the first stays.
                        let twice = beside_patterns(rule, other, set.several)
                            && by_pattern(one, (other, its))
                            && adds_nothing((other, its), one);
                        *why = match (twice, (by, its_at) < (position, at)) {
                            (true, true) => Some((Why::Twice, by)),
                            (true, false) => None,
                            (false, _) => Some((Why::Covered, by)),
                        };
                    }
                    if why.is_some() {
                        break;
                    }
                }
            }
        }
    }
    found
}

/// The patterns of a rule, each by itself; one about everything where it has none.
pub(super) fn parts(rule: &Rule) -> impl Iterator<Item = Option<&Pattern>> {
    let whole = rule.patterns.is_empty().then_some(None);
    whole.into_iter().chain(rule.patterns.iter().map(Some))
}

/// How long it takes at most to compare two patterns.
pub(super) fn steps(one: Option<&Pattern>, other: Option<&Pattern>) -> usize {
    // Those of other systems are walked even where they have no `*`.
    let walked = one.is_some_and(|pattern| !pattern.is_native() || pattern.as_str().contains('*'));
    let (one, other) = (one.map_or("", Pattern::as_str), other.map_or("", Pattern::as_str));
    let product = if walked { one.len().saturating_mul(other.len()) } else { one.len() + other.len() };
    product.saturating_add(1)
}

/// Whether nothing that a rule says beside its effect is lost where another says the same effect of more.
fn adds_nothing(rule: (&Rule, Option<&Pattern>), other: (&Rule, Option<&Pattern>)) -> bool {
    let ((rule, part), (other, its)) = (rule, other);
    let remembers_alike = match (rule.remember, other.remember) {
        (None, _) => true,
        (Some(limit), its) => its.is_some_and(|its| its <= limit),
    };
    // An allow of a command that spells out a file or a host allows that too.
    let mut spelled_out = part.into_iter().flat_map(Pattern::spelled_out);
    let spelled_alike = spelled_out.all(|word| its.into_iter().flat_map(Pattern::spelled_out).any(|its| its == word));
    remembers_alike
        && (rule.why.is_none() || rule.why == other.why)
        && (rule.offer.is_none() || rule.offer == other.offer)
        && (rule.effect != Effect::Allow || spelled_alike)
}

fn warning(set: Set<'_>, one: (usize, &Rule, Part), why: Why, by: (usize, &Rule)) -> Warning {
    let (position, rule, part) = one;
    let (its_position, other) = by;
    let effect = verdict(rule);
    let subject = match part {
        Part::Pattern(at) => rule.patterns.get(at).map_or_else(String::new, |pattern| quoted(pattern.as_str())),
        _ => format!("this {effect}"),
    };
    let place = match (its_position == position, rule.origin.file == other.origin.file) {
        (true, _) => "in the same rule".to_owned(),
        // What a system brings along stands in no line.
        (false, _) if other.origin.line == 0 => "that comes with it".to_owned(),
        (false, true) => format!("in line {}", other.origin.line),
        (false, false) => format!("in {}:{}", other.origin.file, other.origin.line),
    };
    let its = format!("the {} {} {place}", verdict(other), quoted(&other.origin.text));
    let (message, help) = match (why, set.combining) {
        (Why::Overruled, Combining::Strictest) => {
            let never = if effect == Effect::Allow { "holds" } else { "asks" };
            let narrow = if language(&other.selector).is_some() { "add `unless` to" } else { "narrow" };
            (
                format!("{subject} never {never}: {its} covers it"),
                format!("take it out, or {narrow} the rule {place}: the strictest rule that matches holds"),
            )
        }
        (Why::Overruled, Combining::LastMatch) => {
            let less = verdict(other) < effect;
            let message = if less {
                format!("{subject} is lifted: {its} comes later and covers it")
            } else {
                format!("{subject} never decides: {its} comes later and covers it")
            };
            let help = "the last rule that matches decides: ";
            let act = if verdict(other) == effect { "take it out" } else { "move it behind that rule, or take it out" };
            (message, format!("{help}{act}"))
        }
        (Why::Covered, _) if its_position == position => {
            (format!("{subject} adds nothing: another pattern of the same rule covers it"), "take it out".to_owned())
        }
        (Why::Covered, _) => (format!("{subject} adds nothing: {its} covers it"), "take it out".to_owned()),
        (Why::Twice, _) => (format!("{subject} stands twice: {its} says the same"), "take one of them out".to_owned()),
    };
    Warning { rule: position, part, message, help }
}
