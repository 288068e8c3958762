//! Whether one rule covers another: whatever the other speaks of, this one speaks of too.

use crate::action::Action;
use crate::action::Class;
use crate::effect::Effect;
use crate::pattern::{Case, Pattern};
use crate::rule::{Binds, Rule, Selector};

/// How a rule with this effect compares letters.
pub(super) fn case_of(rule: &Rule) -> Case {
    if rule.effect == Effect::Allow { Case::Exact } else { Case::Fold }
}

/// Whether `one` speaks of what `other` does, as far as everything but their patterns goes. `several`: whether resources
/// have several spellings, of which an allow wants all and an ask or a deny one.
pub(super) fn beside_patterns(one: &Rule, other: &Rule, several: bool) -> bool {
    let lenient = one.effect == Effect::Allow;
    let narrower = lenient && other.effect != Effect::Allow;
    if narrower && (several || !one.unless.is_empty() || !one.when.is_empty()) {
        return false;
    }
    let lasts = one.expires.is_none_or(|ends| !lenient || other.expires.is_some_and(|its| its <= ends));
    lasts
        && (one.implied || !other.implied)
        && (other.fallback || !one.fallback)
        && binds(one, other)
        && selects(&one.selector, &other.selector, case_of(one), case_of(other))
        && one.unless.iter().all(|except| is_excepted(except, case_of(one), other))
        && one.when.iter().all(|condition| {
            other.when.iter().any(|its| {
                // An allow only speaks of calls that have the argument.
                let present = !condition.only_present || its.only_present || other.effect == Effect::Allow;
                present
                    && its.argument == condition.argument
                    && condition.pattern.includes(&its.pattern, case_of(one), case_of(other))
            })
        })
}

/// Whether a rule binds everyone whom the other binds.
pub(super) fn binds(one: &Rule, other: &Rule) -> bool {
    one.binds == Binds::All || one.binds == other.binds
}

/// Whether a pattern of `one`, or all of what it is about, includes one of `other`.
pub(super) fn by_pattern(one: (&Rule, Option<&Pattern>), other: (&Rule, Option<&Pattern>)) -> bool {
    match (one.1, other.1) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(pattern), Some(its)) => pattern.includes(its, case_of(one.0), case_of(other.0)),
    }
}

/// Whether what a rule that compares with `case` excepts here, `other` excepts as well.
fn is_excepted(except: &Pattern, case: Case, other: &Rule) -> bool {
    // Exceptions are compared the other way round: what is allowed is the smaller part in both.
    let turned = |case| if case == Case::Exact { Case::Fold } else { Case::Exact };
    other.unless.iter().any(|its| its.includes(except, turned(case_of(other)), turned(case)))
}

/// Whether a selector covers every action that the other covers.
pub(super) fn selects(one: &Selector, other: &Selector, case: Case, theirs: Case) -> bool {
    // Names of other tools and classes are compared by case as well.
    let looser = case == Case::Exact && theirs == Case::Fold;
    match (one, other) {
        (Selector::Every, _) => true,
        (Selector::Named(one), Selector::Named(other)) => one.includes(other),
        (Selector::Action(one), Selector::Action(other)) => {
            let named = |action: &Action| matches!(action, Action::Mcp { .. } | Action::Tool(_));
            let folded = case == Case::Fold && one.to_string().eq_ignore_ascii_case(&other.to_string());
            one == other && !(looser && named(one)) || named(one) && named(other) && folded
        }
        (Selector::Mcp { server, tool }, Selector::Mcp { server: its_server, tool: its_tool }) => {
            server.includes(its_server, case, theirs) && tool.includes(its_tool, case, theirs)
        }
        (Selector::Mcp { server, tool }, Selector::Action(Action::Mcp { server: its_server, tool: its_tool })) => {
            !looser && server.matches(its_server, case) && tool.matches(its_tool, case)
        }
        (Selector::Tool(name), Selector::Tool(its)) => name.includes(its, case, theirs),
        (Selector::Tool(name), Selector::Action(Action::Tool(its))) => !looser && name.matches(its, case),
        (Selector::Class { group, class }, Selector::Class { group: its_group, class: its_class }) => {
            let graver = case == Case::Fold && *class == Class::Write && *its_class == Class::Delete;
            let grouped = |group: &crate::pattern::TextPattern| {
                its_group.as_ref().is_some_and(|its| group.includes(its, case, theirs))
            };
            !looser && (class == its_class || graver) && group.as_ref().is_none_or(grouped)
        }
        // An action may be graver than it is by itself, never less. A tool is what the catalog says.
        (Selector::Class { group: None, class }, other) => match least_class(other) {
            Some(least) => {
                *class == Class::Delete && least == Class::Delete
                    || case == Case::Fold && *class == Class::Write && least >= Class::Write
            }
            None => false,
        },
        _ => false,
    }
}

/// The class that each action of a selector has at least.
fn least_class(selector: &Selector) -> Option<Class> {
    match selector {
        Selector::Action(Action::Mcp { .. } | Action::Tool(_)) => None,
        Selector::Action(action) => Some(action.default_class()),
        _ => None,
    }
}
