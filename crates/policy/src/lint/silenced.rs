//! Allows that lift built-in asks and denials. The built-in rules speak only where no file does, so an allow of the whole
//! workspace also allows the secrets in it.

use super::cover::{binds, selects};
use super::dead::{parts, steps};
use super::{Budget, Part, Set, Warning};
use crate::document::quoted;
use crate::effect::Effect;
use crate::pattern::{Case, Pattern};
use crate::rule::{Rule, Selector};

/// How many built-in rules a warning names.
const NAMED: usize = 8;

pub(super) fn warnings(set: Set<'_>, builtin: &[Rule], budget: &mut Budget) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (position, rule) in set.rules.iter().enumerate() {
        if rule.effect != Effect::Allow || !rule.when.is_empty() || set.has_ended(rule) {
            continue;
        }
        for (at, part) in parts(rule).enumerate() {
            let mut lifted = Lifted::default();
            for other in builtin.iter().filter(|other| other.effect != Effect::Allow && other.when.is_empty()) {
                if !budget.take(1) {
                    return warnings;
                }
                let count = parts(other)
                    .filter(|its| budget.take(steps(part, *its)) && lifts(set, (rule, part), (other, *its), budget));
                let count: Vec<Option<&Pattern>> = count.collect();
                if let Some(first) = count.first() {
                    lifted.add(rule, other, *first, count.len());
                }
            }
            if lifted.count == 0 {
                continue;
            }
            let anyway = builtin.iter().filter(|other| other.effect == Effect::Allow).any(|other| {
                selects(&other.selector, &rule.selector, Case::Exact, Case::Exact)
                    && parts(other).any(|its| includes(its, part, Case::Exact, Case::Exact))
            });
            let part = if rule.patterns.len() > 1 { Part::Pattern(at) } else { Part::Whole };
            warnings.push(lifted.warning(position, part, anyway));
        }
    }
    warnings
}

/// Whether an allow covers what a built-in rule says of the place that the allow is about, and more than that: one that
/// says the same as the built-in rule is meant to take its place.
fn lifts(
    set: Set<'_>,
    allow: (&Rule, Option<&Pattern>),
    builtin: (&Rule, Option<&Pattern>),
    budget: &mut Budget,
) -> bool {
    let ((allow, part), (builtin, its)) = (allow, builtin);
    if !usually_selects(&allow.selector, &builtin.selector) {
        return false;
    }
    let meant = selects(&builtin.selector, &allow.selector, Case::Fold, Case::Exact)
        && includes(its, part, Case::Fold, Case::Exact);
    // What it says where the allow begins.
    let here = match (part, its) {
        (Some(part), Some(its)) => match its.in_root_of(part) {
            Some(here) => Some(here),
            None => return false,
        },
        _ => its.cloned(),
    };
    let here = here.as_ref();
    let excepted =
        here.is_some_and(|here| allow.unless.iter().any(|except| except.includes(here, Case::Fold, Case::Fold)));
    if meant || excepted || !includes(part, here, Case::Exact, Case::Exact) {
        return false;
    }
    // The file's own asks and denies may say it in the built-in rule's place.
    let held = set.rules.iter().filter(|own| own.effect != Effect::Allow && own.when.is_empty()).any(|own| {
        let covers = |its| budget.take(steps(its, here)) && includes(its, here, Case::Fold, Case::Fold);
        let excepts =
            |except: &Pattern| builtin.unless.iter().any(|its| its.includes(except, Case::Exact, Case::Exact));
        binds(own, allow)
            && selects(&own.selector, &builtin.selector, Case::Fold, Case::Fold)
            && own.unless.iter().all(excepts)
            && parts(own).any(covers)
    });
    !held
}

/// Whether one pattern includes another; none is about everything.
fn includes(one: Option<&Pattern>, other: Option<&Pattern>, case: Case, theirs: Case) -> bool {
    match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one.includes(other, case, theirs),
    }
}

/// Whether a selector covers what another covers, as long as nothing is said of how grave a tool is.
fn usually_selects(one: &Selector, other: &Selector) -> bool {
    let by_class = match (one, other) {
        (Selector::Class { group: None, class }, Selector::Action(action)) => *class == action.default_class(),
        _ => false,
    };
    by_class || selects(one, other, Case::Exact, Case::Exact)
}

/// The built-in rules that an allow lifts.
#[derive(Default)]
struct Lifted {
    denials: Vec<String>,
    asks: Vec<String>,
    count: usize,
}

impl Lifted {
    fn add(&mut self, allow: &Rule, builtin: &Rule, pattern: Option<&Pattern>, count: usize) {
        let names = if builtin.effect == Effect::Deny { &mut self.denials } else { &mut self.asks };
        let name = builtin.origin.text.split('(').next().unwrap_or_default();
        names.push(match pattern {
            None => quoted(name),
            Some(pattern) if matches!(allow.selector, Selector::Action(_)) => quoted(pattern.as_str()),
            Some(pattern) => quoted(&format!("{name}({})", pattern.as_str())),
        });
        self.count += count;
    }

    fn warning(self, position: usize, part: Part, anyway: bool) -> Warning {
        // Of each kind some, the denials first.
        let denials = self.denials.len().min(NAMED.saturating_sub(self.asks.len()).max(NAMED / 2));
        let asks = self.asks.len().min(NAMED - denials);
        let said = |what: &str, names: &[String], shown: usize| {
            let names = names.get(..shown).filter(|names| !names.is_empty())?;
            Some(format!("their {what} {}", names.join(", ")))
        };
        let named = [said("denials of", &self.denials, denials), said("questions about", &self.asks, asks)];
        let named = named.into_iter().flatten().collect::<Vec<_>>().join(", and ");
        let more = match self.count - denials - asks {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let act = if anyway {
            "take it out: the built-in rules allow it anyway, without these"
        } else {
            "allow less, or write into this file what shall still be asked or denied"
        };
        Warning {
            rule: position,
            part,
            message: format!("the built-in rules are silent where a file speaks, so this lifts {named}{more}"),
            help: format!("{act}; `countersign policy show builtin` lists them"),
        }
    }
}
