//! The decision once more, as naively as it can be said, and a property that holds the real one to it.

mod generate;

use countersign_policy::approval::Outcome;
use countersign_policy::{
    Action, Answer, Attendance, Call, Class, Effect, Grant, Nobody, Policy, Resource, Role, Rule, Scope, Source,
    Target, Timestamp, decide,
};
use generate::NOW;
use proptest::prelude::*;

/// What a rule says; one that could not be read denies.
fn says(rule: &Rule) -> Effect {
    if rule.poisoned.is_some() { Effect::Deny } else { rule.effect }
}

/// What a source's rules that speak of the target say, each with the widest scope it lets be remembered. Fallbacks say
/// something only where the others say nothing.
fn spoken(source: &Source, target: &Target, call: &Call, now: Timestamp) -> Vec<(Effect, Option<Scope>)> {
    let said = |fallback: bool| -> Vec<_> {
        let rules = source.rules().iter().filter(|rule| rule.fallback == fallback);
        rules
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
    // Sources: trusted ones, else the built-in rules, else the default; untrusted ones only tighten.
    let of = |trusted: bool| {
        let sources = policy.sources.iter().filter(move |source| source.trusted == trusted);
        sources.flat_map(|source| spoken(source, target, call, now)).collect::<Vec<_>>()
    };
    let mut said = of(true);
    if said.is_empty() {
        said = spoken(&policy.builtin, target, call, now);
    }
    let default = if target.role == Role::Implied { Effect::Allow } else { policy.default };
    let trusted = strictest(&said).unwrap_or(default);
    let untrusted: Vec<_> = of(false).into_iter().filter(|(effect, _)| *effect > Effect::Allow).collect();
    let mut effect = trusted.max(strictest(&untrusted).unwrap_or(Effect::Allow));
    said.extend(untrusted);
    let limit = widest(&said, effect);

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

    // Ceilings.
    for ceiling in &policy.ceilings {
        let mut said = spoken(&ceiling.source, target, call, now);
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
