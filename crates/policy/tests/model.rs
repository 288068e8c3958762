//! The decision once more, as naively as it can be said, and a property that holds the real one to it.

mod generate;

use std::cmp::Ordering;

use countersign_policy::approval::Outcome;
use countersign_policy::{
    Action, Answer, Attendance, Binds, Call, Class, Effect, Grant, Nobody, Policy, Repeats, Resource, Role, Rule,
    Scope, Source, Target, Timestamp, decide,
};
use generate::NOW;
use proptest::prelude::*;

/// What a rule says; one that could not be read denies.
fn says(rule: &Rule) -> Effect {
    if rule.poisoned.is_some() { Effect::Deny } else { rule.effect }
}

/// Whom rules of a policy bind, seen from the caller: is the policy its own, and is it below it of a known kind?
#[derive(Clone, Copy)]
struct From {
    own: bool,
    known: bool,
}

fn binds(rule: &Rule, from: From) -> bool {
    let allows = says(rule) == Effect::Allow;
    match rule.binds {
        Binds::All => true,
        Binds::Itself if allows => from.own,
        Binds::Itself => from.own || !from.known,
        Binds::Descendants => !from.own && !allows,
    }
}

/// What a source's rules that speak of the target say, each with the widest scope it lets be remembered. Fallbacks say
/// something only where the others say nothing.
fn spoken(
    source: &Source,
    target: &Target,
    call: &Call,
    now: Timestamp,
    from: From,
    which: impl Fn(&Rule) -> bool,
) -> Vec<(Effect, Option<Scope>)> {
    let said = |fallback: bool| -> Vec<_> {
        let rules = source.rules().iter().filter(|rule| rule.fallback == fallback);
        rules
            .filter(|rule| which(rule) && binds(rule, from))
            .filter(|rule| rule.implied || target.role == Role::Primary)
            .filter(|rule| rule.applies(target, call, now))
            .map(|rule| (says(rule), rule.remember))
            .collect()
    };
    let first = said(false);
    if first.is_empty() { said(true) } else { first }
}

fn strictest(said: &[(Effect, Option<Scope>)]) -> Option<Effect> {
    said.iter().map(|(effect, _)| *effect).max()
}

/// The narrowest of the limits that come with this effect.
fn widest(said: &[(Effect, Option<Scope>)], effect: Effect) -> Option<Scope> {
    said.iter().filter(|(its, _)| *its == effect).filter_map(|(_, widest)| *widest).min()
}

fn within(grant: &Grant, widest: Option<Scope>) -> bool {
    widest.is_none_or(|widest| grant.reach.scope <= widest)
}

fn one(
    policy: &Policy,
    grants: &[Grant],
    answer: Option<&Answer>,
    call: &Call,
    target: &Target,
    now: Timestamp,
) -> Effect {
    // The main agent is the one that is nobody's sub-agent; a sub-agent is known
    // where trusted files name its kind and those above it.
    let named =
        |kind: &str| kind != "*" && policy.agents.iter().any(|file| file.trusted && file.tables.contains_key(kind));
    let known = call.agent.is_some() && !call.agent_kinds.is_empty() && call.agent_kinds.iter().all(|kind| named(kind));
    let above = From { own: call.agent.is_none() && call.agent_kinds.is_empty(), known };

    // Sources: trusted ones, else the built-in rules, else the default; untrusted ones, and rules for sub-agents alone,
    // only tighten.
    let implied = target.role == Role::Implied;
    let below = |rule: &Rule| rule.binds == Binds::Descendants;
    let weigh_in = |call: &Call, sources: &[&Source], builtin: Option<&Source>, default: Effect, from: From| {
        let mut trusted: Vec<&Source> = sources.iter().filter(|source| source.trusted).copied().collect();
        let ordinary =
            |source: &&Source| spoken(source, target, call, now, from, |rule| rule.binds != Binds::Descendants);
        let descendants = |source: &&Source| spoken(source, target, call, now, from, below);
        let mut said: Vec<_> = trusted.iter().flat_map(ordinary).collect();
        if said.is_empty() {
            trusted.extend(builtin);
            said = builtin.iter().flat_map(ordinary).collect();
        }
        let default = if implied { Effect::Allow } else { default };
        let floor = strictest(&said).unwrap_or(default);
        let untrusted: Vec<&Source> = sources.iter().filter(|source| !source.trusted).copied().collect();
        let more = trusted.iter().flat_map(descendants);
        let more = more.chain(untrusted.iter().flat_map(ordinary)).chain(untrusted.iter().flat_map(descendants));
        let more: Vec<_> = more.filter(|(effect, _)| *effect > Effect::Allow).collect();
        let effect = floor.max(strictest(&more).unwrap_or(Effect::Allow));
        let by_rule = !said.is_empty() || strictest(&more).is_some_and(|more| more > floor);
        said.extend(more);
        (effect, widest(&said, effect), by_rule)
    };
    // Further roots take nothing from what a rule asks about or denies.
    let alone = Call { roots: Vec::new(), ..call.clone() };
    let weigh = |sources: &[&Source], builtin: Option<&Source>, default: Effect, from: From| {
        let (effect, limit, _) = weigh_in(call, sources, builtin, default, from);
        let (before, its, by_rule) = weigh_in(&alone, sources, builtin, default, from);
        match before.cmp(&effect) {
            _ if !by_rule || before == Effect::Allow => (effect, limit),
            Ordering::Less => (effect, limit),
            Ordering::Greater => (before, its),
            Ordering::Equal => (effect, [limit, its].into_iter().flatten().min()),
        }
    };
    let sources: Vec<&Source> = policy.sources.iter().collect();
    let (mut effect, limit) = weigh(&sources, Some(&policy.builtin), policy.default, above);

    // What is not known asks, and no grant lifts that.
    let unresolved = matches!(&target.resource, Resource::Path(path) if path.real.is_none());
    let doubtful = target.unclear.is_some() || unresolved || !call.faults.is_empty();
    if doubtful || target.caution.is_some() {
        effect = effect.max(Effect::Ask);
    }

    // Grants.
    let speaks = |grant: &&Grant, what: Effect| grant.effect == what && grant.applies(target, call, now);
    let admitted = |grant: &Grant| {
        policy.ceilings.iter().all(|ceiling| ceiling.grants.as_ref().is_none_or(|limit| limit.admits(grant)))
    };
    if grants.iter().any(|grant| speaks(&grant, Effect::Deny)) {
        effect = Effect::Deny;
    }
    let lift = grants.iter().any(|grant| speaks(&grant, Effect::Allow) && within(grant, limit) && admitted(grant));
    if effect == Effect::Ask && !doubtful && lift {
        effect = Effect::Allow;
    }

    // Sub-agents: the tables of every kind from the outermost to the caller.
    let mut kinds: Vec<&str> = call.agent_kinds.iter().map(String::as_str).collect();
    if kinds.is_empty() && call.agent.is_some() {
        kinds.push("");
    }
    for (at, kind) in kinds.iter().enumerate() {
        let tables = || {
            policy
                .agents
                .iter()
                .filter_map(|file| Some((file.trusted, file.tables.get(*kind).or(file.tables.get("*"))?)))
        };
        let sources: Vec<&Source> = tables().map(|(_, table)| &table.source).collect();
        let defaults = tables().filter(|(trusted, _)| *trusted).filter_map(|(_, table)| table.default.as_ref());
        let default = defaults.map(|default| default.effect).max().unwrap_or(Effect::Allow);
        let from = From { own: at + 1 == kinds.len(), known };
        let (mut own, limit) = weigh(&sources, None, default, from);
        let lift = grants.iter().any(|grant| speaks(&grant, Effect::Allow) && within(grant, limit) && admitted(grant));
        if own == Effect::Ask && !doubtful && lift {
            own = Effect::Allow;
        }
        effect = effect.max(own);
    }

    // Ceilings bind everybody.
    for ceiling in &policy.ceilings {
        let everybody = From { own: false, known: false };
        let mut said = spoken(&ceiling.source, target, call, now, everybody, |_| true);
        said.extend(spoken(&ceiling.source, target, &alone, now, everybody, |_| true));
        said.retain(|(effect, _)| *effect > Effect::Allow);
        let demands = strictest(&said).unwrap_or(ceiling.default);
        let lifted = ceiling.grants.as_ref().is_some_and(|grantable| {
            let limit = widest(&said, demands);
            grants.iter().any(|grant| speaks(&grant, Effect::Allow) && grantable.admits(grant) && within(grant, limit))
        });
        if demands == Effect::Deny || !lifted {
            effect = effect.max(demands);
        }
        if let Some(lowest) = ceiling.roles.values().min() {
            let role = call.role.as_ref().and_then(|role| ceiling.roles.get(role)).unwrap_or(lowest);
            // No generated catalog gives a tool a class.
            let unknown = matches!(call.action, Action::Mcp { .. } | Action::Tool(_));
            if call.class > *role || unknown && *role < Class::Delete {
                effect = Effect::Deny;
            }
        }
    }
    // The only version window that is generated begins above the version that is generated.
    if policy.catalog.tools.contains_key(&call.action.to_string()) {
        effect = Effect::Deny;
    }

    // The same call too often in a row.
    let primary = target.role == Role::Primary || call.targets.iter().all(|target| target.role != Role::Primary);
    if primary && matches!(policy.repeats, Repeats::Ask(most) if call.in_a_row >= most) {
        effect = effect.max(Effect::Ask);
    }

    // The answer.
    match answer {
        Some(answer) if answer.outcome == Outcome::Deny => effect = Effect::Deny,
        Some(answer) if effect == Effect::Ask && answer.shown.contains(&target.identity()) => effect = Effect::Allow,
        _ => {}
    }
    if effect == Effect::Ask && call.attendance == Attendance::Nobody && policy.nobody == Nobody::Deny {
        effect = Effect::Deny;
    }
    effect
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decision_is_the_models(
        policy in generate::policy(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
    ) {
        let decision = decide(&policy, &grants, answer.as_ref(), &call, NOW);
        let expected: Vec<Effect> =
            call.targets.iter().map(|target| one(&policy, &grants, answer.as_ref(), &call, target, NOW)).collect();
        let found: Vec<Effect> = decision.judgements().iter().map(|judgement| judgement.effect()).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(Some(decision.effect()), expected.into_iter().max());
    }
}
