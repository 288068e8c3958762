//! Allows of a file that a deny which it takes in makes void: across sources the strictest holds.

use super::cover::{beside_patterns, binds, by_pattern};
use super::dead::{parts, steps};
use super::{Budget, Part, Set, Warning};
use crate::action::Action;
use crate::decide::verdict;
use crate::document::quoted;
use crate::effect::Effect;
use crate::pattern::Pattern;
use crate::rule::{Rule, Selector};
use crate::source::{Combining, Source};
use crate::terms::Terms;

/// What Claude Code fetches with.
const WEB_FETCH: &str = "WebFetch";

/// The warnings about the allows of a set that denies of `taken_in` cover; `tell`: whether the text of the deny is told.
pub(super) fn warnings(set: Set<'_>, taken_in: &[&Source], tell: bool, budget: &mut Budget) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let allows = set.rules.iter().enumerate();
    for (position, rule) in allows.filter(|(_, rule)| rule.effect == Effect::Allow && rule.poisoned.is_none()) {
        if set.has_ended(rule) {
            continue;
        }
        let found: Vec<Option<&Rule>> =
            parts(rule).map(|part| taken_in.iter().find_map(|source| denies(source, (rule, part), budget))).collect();
        let Some(first) = found.first() else { continue };
        let alike = |one: &Option<&Rule>| one.map(|rule| &rule.origin) == first.map(|rule| &rule.origin);
        let all_alike = found.iter().all(alike);
        for (at, deny) in found.iter().enumerate() {
            let Some(deny) = deny else { continue };
            let part = if all_alike { Part::Whole } else { Part::Pattern(at) };
            warnings.push(warning((position, rule, part), deny, tell));
            if all_alike {
                break;
            }
        }
    }
    warnings
}

/// The rule of a source that denies whatever a part of an allow is about, if one is seen to.
fn denies<'s>(source: &'s Source, (allow, part): (&Rule, Option<&Pattern>), budget: &mut Budget) -> Option<&'s Rule> {
    let rules = source.rules();
    let name = name_in(source.terms(), &allow.selector);
    let may_speak = |rule: &Rule| match (&name, &rule.selector) {
        (Some(name), Selector::Named(names)) => names.matches(name),
        _ => true,
    };
    rules.iter().enumerate().find_map(|(at, rule)| {
        let is_deny = rule.effect == Effect::Deny && rule.poisoned.is_none();
        if !is_deny || !budget.take(1) {
            return None;
        }
        let covers = match source.terms() {
            Terms::ClaudeCode if matches!(rule.selector, Selector::Named(_)) => {
                name.as_ref().is_some_and(|name| may_speak(rule) && is_about(rule, name, (allow, part), budget))
            }
            Terms::Native | Terms::ClaudeCode => {
                beside_patterns(rule, allow, true)
                    && parts(rule).any(|its| budget.take(steps(its, part)) && by_pattern((rule, its), (allow, part)))
            }
            terms => name.as_ref().is_some_and(|name| is_about_all_of(rule, name, terms)),
        };
        let stands = source.combining() == Combining::Strictest || {
            // What comes later may lift it.
            rules
                .iter()
                .skip(at + 1)
                .all(|later| budget.take(1) && (verdict(later) == Effect::Deny || !may_speak(later)))
        };
        (covers && stands).then_some(rule)
    })
}

/// Whether a rule of Claude Code over tools by their names speaks of all that an allow says of the tool.
fn is_about(rule: &Rule, name: &str, (allow, part): (&Rule, Option<&Pattern>), budget: &mut Budget) -> bool {
    let search = |pattern: &Pattern| pattern.as_str().starts_with("search:");
    // Another tool searches.
    if name == WEB_FETCH && part.is_some_and(search) {
        return false;
    }
    let covers = |its| budget.take(steps(its, part)) && by_pattern((rule, its), (allow, part));
    binds(rule, allow) && rule.unless.is_empty() && rule.when.is_empty() && parts(rule).any(covers)
}

/// What another system calls the action of a rule of ours, where that does not depend on the call.
fn name_in(terms: Terms, selector: &Selector) -> Option<String> {
    let Selector::Action(action) = selector else { return None };
    if let (Terms::ClaudeCode, Action::Mcp { server, tool }) = (terms, action) {
        return Some(format!("mcp__{server}__{tool}"));
    }
    let name = match (terms, action) {
        (Terms::Tool | Terms::SurfSense | Terms::ClaudeCode, Action::Tool(name)) => name,
        // What a command fetches is no call of it.
        (Terms::ClaudeCode, Action::Fetch) => WEB_FETCH,
        (Terms::OpenCode, Action::Shell) => "bash",
        (Terms::OpenCode, Action::Read) => "read",
        (Terms::OpenCode, Action::Edit | Action::Delete) => "edit",
        (Terms::OpenCode, Action::Agent) => "task",
        _ => return None,
    };
    Some(name.to_owned())
}

/// Whether a rule in another system's terms speaks of every call of what is called so there.
fn is_about_all_of(rule: &Rule, name: &str, terms: Terms) -> bool {
    let named = match &rule.selector {
        Selector::Every => true,
        Selector::Named(names) => names.matches(name),
        _ => false,
    };
    // In OpenCode's terms there is always a text.
    let all = |pattern: &Pattern| matches!(terms, Terms::OpenCode) && pattern.as_str() == "*";
    named
        && (rule.patterns.is_empty() || rule.patterns.iter().any(all))
        && rule.unless.is_empty()
        && rule.when.is_empty()
        && !rule.fallback
}

fn warning((position, rule, part): (usize, &Rule, Part), deny: &Rule, tell: bool) -> Warning {
    let subject = match part {
        Part::Pattern(at) => rule.patterns.get(at).map_or_else(String::new, |pattern| quoted(pattern.as_str())),
        _ => "this allow".to_owned(),
    };
    let origin = &deny.origin;
    let its = match (tell, origin.line) {
        (false, _) => format!("a deny of {}", origin.file),
        (true, 0) => format!("the deny {} that comes with {}", quoted(&origin.text), origin.file),
        (true, line) => format!("the deny {} in {}:{line}", quoted(&origin.text), origin.file),
    };
    let fetches = matches!((&rule.selector, &deny.selector), (Selector::Action(Action::Fetch), Selector::Named(_)));
    let in_project = || deny.patterns.iter().any(Pattern::starts_in_project);
    let never = if fetches {
        "never holds for `WebFetch`"
    } else if in_project() {
        // Ours also looks into the further roots of a session.
        "never holds in the project's folder"
    } else {
        "never holds"
    };
    Warning {
        rule: position,
        part,
        message: format!("{subject} {never}: {its}, which this file takes in, covers it"),
        help: "take it out, or change what is denied there: across files the strictest rule holds".to_owned(),
    }
}
