//! What must hold of every decision.

mod generate;

use countersign_policy::approval::Outcome;
use countersign_policy::{Answer, Binds, Call, Cause, Effect, Resource, Source, SourceKind, Target, decide};
use generate::NOW;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_project_file_that_is_not_trusted_never_loosens(
        policy in generate::policy(),
        file in generate::source(SourceKind::Project, false),
        agents in generate::agents(SourceKind::Project, false),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
    ) {
        let before = decide(&policy, &grants, answer.as_ref(), &call, NOW);
        let mut with = policy.clone();
        with.sources.push(file);
        with.agents.push(agents);
        let after = decide(&with, &grants, answer.as_ref(), &call, NOW);
        for (before, after) in before.judgements().iter().zip(after.judgements()) {
            prop_assert!(after.effect() >= before.effect());
        }
    }

    #[test]
    fn a_sub_agent_never_gets_more_than_the_agent_above(
        policy in generate::policy(),
        grants in generate::grants(),
        call in generate::call(),
        kinds in 0_usize..3,
    ) {
        let mut above = call.clone();
        above.agent_kinds.truncate(kinds);
        above.agent = if above.agent_kinds.is_empty() { None } else { call.agent.clone() };
        // But for rules that say so, and those only of agents that files name.
        let named = |kind: &String| {
            kind != "*" && policy.agents.iter().any(|file| file.trusted && file.tables.contains_key(kind))
        };
        let known = call.agent.is_some() && call.agent_kinds.iter().all(named);
        let policy = if known { generate::rebound(&policy, |rule| if rule.binds == Binds::Itself { Binds::All } else { rule.binds }) } else { policy };
        let mains = decide(&policy, &grants, None, &above, NOW);
        let its = decide(&policy, &grants, None, &call, NOW);
        for (mains, its) in mains.judgements().iter().zip(its.judgements()) {
            prop_assert!(its.effect() >= mains.effect());
        }
    }

    #[test]
    fn without_a_word_about_sub_agents_they_are_judged_as_the_main_agent(
        policy in generate::policy(),
        grants in generate::grants(),
        call in generate::call(),
    ) {
        let mut policy = generate::rebound(&policy, |_| Binds::All);
        policy.agents.clear();
        let main = Call { agent: None, agent_kinds: Vec::new(), ..call.clone() };
        prop_assert_eq!(decide(&policy, &grants, None, &main, NOW), decide(&policy, &grants, None, &call, NOW));
    }

    #[test]
    fn a_root_takes_nothing_from_a_rule_that_asks_or_denies(
        policy in generate::policy(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
    ) {
        let call = Call { attendance: countersign_policy::Attendance::Somebody, ..call };
        let [alone, with] = [Vec::new(), vec!["/lib".to_owned()]].map(|roots| Call { roots, ..call.clone() });
        // The digest is the same: a yes holds for both.
        prop_assert_eq!(alone.digest(), with.digest());
        let before = decide(&policy, &grants, answer.as_ref(), &alone, NOW);
        let after = decide(&policy, &grants, answer.as_ref(), &with, NOW);
        for (before, after) in before.judgements().iter().zip(after.judgements()) {
            // A default speaks where no rule does: that of a ceiling or of a table for sub-agents, too.
            let kept = match before.cause() {
                Cause::Default => false,
                Cause::Ceiling(of) | Cause::Rule(of) => !of.origin.text.starts_with("default = "),
                _ => true,
            };
            prop_assert!(after.effect() >= before.effect() || !kept, "{:?} {:?}", before, after);
        }
        for (target, (before, after)) in call.targets.iter().zip(before.judgements().iter().zip(after.judgements())) {
            let is_there = match &target.resource {
                Resource::Path(path) => path.lexical.starts_with("/lib/") || path.real.as_ref().is_some_and(|real| real.starts_with("/lib/")),
                _ => false,
            };
            prop_assert!(is_there || before == after);
        }
    }

    #[test]
    fn a_ceiling_never_loosens(
        policy in generate::policy(),
        ceiling in generate::ceiling(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
    ) {
        let before = decide(&policy, &grants, answer.as_ref(), &call, NOW);
        let mut with = policy.clone();
        with.ceilings.push(ceiling);
        let after = decide(&with, &grants, answer.as_ref(), &call, NOW);
        for (before, after) in before.judgements().iter().zip(after.judgements()) {
            prop_assert!(after.effect() >= before.effect());
        }
    }

    #[test]
    fn repetition_never_loosens_and_no_grant_lifts_it(
        policy in generate::policy(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
        times in 1_u32..6,
    ) {
        let at = |in_a_row| countersign_policy::Call {
            in_a_row, attendance: countersign_policy::Attendance::Somebody, ..call.clone()
        };
        let (once, often) = (at(0), at(times));
        let before = decide(&policy, &grants, answer.as_ref(), &once, NOW);
        let after = decide(&policy, &grants, answer.as_ref(), &often, NOW);
        for (before, after) in before.judgements().iter().zip(after.judgements()) {
            prop_assert!(after.effect() >= before.effect());
            prop_assert!(after.remember().scopes.iter().all(|scope| before.remember().scopes.contains(scope)));
        }
        let unanswered = decide(&policy, &grants, None, &often, NOW);
        if times >= 3 {
            prop_assert!(unanswered.effect() >= Effect::Ask);
            prop_assert!(unanswered.judgements().iter().all(|judgement| judgement.remember().scopes.is_empty()));
        } else {
            prop_assert_eq!(unanswered, decide(&policy, &grants, None, &once, NOW));
        }
    }

    #[test]
    fn a_grant_never_lifts_a_deny(
        policy in generate::policy(),
        grants in generate::grants(),
        more in generate::grant(Just(Effect::Allow)),
        call in generate::call(),
    ) {
        let before = decide(&policy, &grants, None, &call, NOW);
        let mut with = grants.clone();
        with.push(more);
        let after = decide(&policy, &with, None, &call, NOW);
        for (before, after) in before.judgements().iter().zip(after.judgements()) {
            // What would ask and is denied because nobody can be asked is an ask that a grant may answer.
            let asked = matches!(before.cause(), countersign_policy::Cause::Nobody { .. });
            if before.effect() == Effect::Deny && !asked {
                prop_assert_eq!(after.effect(), Effect::Deny);
            }
        }
    }

    #[test]
    fn an_answer_lifts_only_asks_that_were_shown(
        policy in generate::policy(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
    ) {
        let mut call = call;
        call.attendance = countersign_policy::Attendance::Somebody;
        let before = decide(&policy, &grants, None, &call, NOW);
        let after = decide(&policy, &grants, answer.as_ref(), &call, NOW);
        for ((before, after), target) in before.judgements().iter().zip(after.judgements()).zip(&call.targets) {
            if after.effect() < before.effect() {
                let answer = answer.as_ref().unwrap();
                prop_assert_eq!(before.effect(), Effect::Ask);
                prop_assert_eq!(answer.outcome, Outcome::Allow);
                prop_assert!(answer.shown.contains(&target.identity()));
            }
        }
    }

    #[test]
    fn an_answer_to_another_call_counts_for_nothing(
        policy in generate::policy(),
        call in generate::call(),
        other in generate::call(),
    ) {
        prop_assume!(call.digest() != other.digest());
        let answer = Answer {
            approval: "a".to_owned(),
            digest: other.digest(),
            outcome: Outcome::Allow,
            shown: call.targets.iter().map(Target::identity).collect(),
            feedback: None,
        };
        prop_assert_eq!(
            decide(&policy, &[], Some(&answer), &call, NOW),
            decide(&policy, &[], None, &call, NOW)
        );
    }

    #[test]
    fn the_effect_is_never_less_strict_than_any_targets(
        policy in generate::policy(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
    ) {
        let decision = decide(&policy, &grants, answer.as_ref(), &call, NOW);
        prop_assert_eq!(decision.judgements().len(), call.targets.len());
        for judgement in decision.judgements() {
            prop_assert!(decision.effect() >= judgement.effect());
        }
    }

    #[test]
    fn the_order_of_rules_and_of_sources_does_not_matter(
        policy in generate::policy(),
        grants in generate::grants(),
        (call, answer) in generate::answered_call(),
        seed in any::<u64>(),
    ) {
        let mut shuffled = policy.clone();
        let count = shuffled.sources.len().max(1);
        shuffled.sources.rotate_left(seed as usize % count);
        shuffled.ceilings.reverse();
        shuffled.agents.reverse();
        for source in &mut shuffled.sources {
            let mut rules = source.rules().to_vec();
            let count = rules.len().max(1);
            rules.reverse();
            rules.rotate_left(seed as usize % count);
            *source = Source::new(source.kind, source.name.clone(), source.trusted, rules);
        }
        let mut turned = grants.clone();
        turned.reverse();
        let effects = |decision: countersign_policy::Decision| -> Vec<Effect> {
            decision.judgements().iter().map(|judgement| judgement.effect()).collect()
        };
        prop_assert_eq!(
            effects(decide(&policy, &grants, answer.as_ref(), &call, NOW)),
            effects(decide(&shuffled, &turned, answer.as_ref(), &call, NOW))
        );
    }

    #[test]
    fn what_may_be_remembered_is_what_a_grant_would_lift(
        policy in generate::policy(),
        call in generate::call(),
    ) {
        let mut call = call;
        call.attendance = countersign_policy::Attendance::Somebody;
        let decision = decide(&policy, &[], None, &call, NOW);
        for (target, judgement) in call.targets.iter().zip(decision.judgements()) {
            for scope in &judgement.remember().scopes {
                let Some(key) = target.grant_key() else { continue };
                let grant = countersign_policy::Grant {
                    id: "g".to_owned(),
                    effect: Effect::Allow,
                    action: target.action.clone(),
                    resource: countersign_policy::GrantResource::Literal { key, shown: String::new() },
                    reach: countersign_policy::Reach::of(&call, *scope).unwrap(),
                    created: NOW,
                    expires: Some(NOW.plus_seconds(judgement.remember().max_seconds.unwrap_or(3600))),
                    approval: None,
                };
                let after = decide(&policy, &[grant], None, &call, NOW);
                let position = call.targets.iter().position(|other| other == target).unwrap();
                prop_assert_eq!(after.judgements()[position].effect(), Effect::Allow);
            }
        }
    }
}
