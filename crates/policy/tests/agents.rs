//! Sub-agents: what a look at one rule, a question and a host's list of tools make of their policies.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failed test stops here")]

use std::collections::BTreeMap;

use countersign_policy::approval::Outcome;
use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{
    Action, Answer, Attendance, Binds, Call, Combining, Decision, Denials, Effect, Grant, GrantResource, Origin,
    Policy, Reach, Resource, Rule, Scope, Selector, Source, SourceKind, Target, Terms, Timestamp, catalog_digest,
    decide, hidden,
};

const NOW: Timestamp = Timestamp(1_000);

fn policy(user: &str) -> Policy {
    let document = parse(SourceKind::User, "user.toml", user)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|one| one.render(user)).collect::<String>()));
    assemble(vec![Loaded::new(document, true)])
}

/// A call of a tool that no built-in rule knows, by sub-agents of these kinds.
fn call(kinds: &[&str]) -> Call {
    let action: Action = "hub/send".parse().unwrap();
    Call {
        host: "test".to_owned(),
        host_version: None,
        tool: "send".to_owned(),
        class: action.default_class(),
        targets: vec![Target::primary(action.clone(), Resource::Text("you".to_owned()))],
        action,
        group: None,
        args: serde_json::json!({}),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/me".to_owned(),
        user: "me".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: (!kinds.is_empty()).then(|| "a1".to_owned()),
        agent_kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        in_a_row: 0,
        faults: Vec::new(),
    }
}

fn grant(call: &Call, scope: Scope) -> Grant {
    Grant {
        id: "g".to_owned(),
        effect: Effect::Allow,
        action: call.action.clone(),
        resource: GrantResource::Whole,
        reach: Reach::of(call, scope).unwrap(),
        created: NOW,
        expires: None,
        approval: None,
    }
}

fn plain(policy: &Policy, call: &Call) -> Decision {
    decide(policy, &[], None, call, NOW)
}

/// What was remembered of the main agent's question lifts a sub-agent's, unless its table says that it may not.
#[test]
fn a_remembered_answer_counts_for_sub_agents_as_far_as_their_tables_let_it() {
    let child = call(&["Explore"]);
    let grants = [grant(&child, Scope::Session)];
    let asks = policy("ask = ['hub/send']\n[agents.Explore]\nask = ['hub/send']\n");
    assert_eq!(plain(&asks, &child).effect(), Effect::Ask);
    assert_eq!(decide(&asks, &grants, None, &child, NOW).effect(), Effect::Allow);
    for remember in ["once", "turn"] {
        let each = policy(&format!(
            "ask = ['hub/send']\n[agents.Explore]\nask = [{{ rule = 'hub/send', remember = '{remember}' }}]\n"
        ));
        let decision = decide(&each, &grants, None, &child, NOW);
        assert_eq!(decision.effect(), Effect::Ask, "{remember}");
        assert!(decision.judgements().iter().all(|judgement| judgement.remember().scopes.is_empty()), "{remember}");
        assert_eq!(decide(&each, &grants, None, &call(&[]), NOW).effect(), Effect::Allow, "{remember}");
    }
    // No grant lifts a table's denial.
    let denies = policy("ask = ['hub/send']\n[agents.Explore]\ndeny = ['hub/send']\n");
    assert_eq!(decide(&denies, &grants, None, &child, NOW).effect(), Effect::Deny);
}

#[test]
fn an_answer_to_this_very_call_lifts_both_asks_and_belongs_to_its_kind() {
    let asks = policy("ask = ['hub/send']\n[agents.Explore]\nask = [{ rule = 'hub/send', remember = 'once' }]\n");
    let child = call(&["Explore"]);
    let answer = |call: &Call| Answer {
        approval: "a".to_owned(),
        digest: call.digest(),
        outcome: Outcome::Allow,
        shown: call.targets.iter().map(Target::identity).collect(),
        feedback: None,
    };
    assert_eq!(decide(&asks, &[], Some(&answer(&child)), &child, NOW).effect(), Effect::Allow);
    let mut others = vec![call(&[]), call(&["Plan"]), call(&["Explore", "Explore"])];
    others.push(Call { agent_kinds: Vec::new(), ..child.clone() });
    for other in others {
        assert_eq!(decide(&asks, &[], Some(&answer(&child)), &other, NOW).effect(), Effect::Ask, "{other:?}");
    }
}

#[test]
fn a_tool_that_a_table_denies_is_not_offered_to_its_kind() {
    let policy = policy(
        "deny = [{ rule = 'tool:Plan', descendants = false }, { rule = 'hub/read', descendants = 'only' }]\n\
         [agents.Explore]\ndeny = ['hub/send']\n",
    );
    let others =
        ["deny = ['hub/send']\n", "[agents.Explore]\ndeny = ['hub/send']\n", "[agents.Plan]\ndeny = ['hub/send']\n"];
    let digests = others.map(|text| catalog_digest(&self::policy(text)));
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
    let of = |action: &str, kinds: &[&str]| Call { action: action.parse().unwrap(), ..call(kinds) };
    let shown = |action, kinds: &[&str]| hidden(&policy, &of(action, kinds)).is_none();
    assert!(shown("hub/send", &[]) && shown("hub/send", &["Plan"]) && !shown("hub/send", &["Explore"]));
    assert!(!shown("hub/send", &["Explore", "Plan"]));
    assert!(!shown("tool:Plan", &[]) && !shown("tool:Plan", &["Plan"]) && shown("tool:Plan", &["Explore"]));
    assert!(shown("hub/read", &[]) && !shown("hub/read", &["Plan"]) && !shown("hub/read", &["Explore"]));
}

/// A tree is looked through with the eyes of whoever searches it.
#[test]
fn what_a_table_denies_is_seen_among_many_files() {
    let policy = policy("allow = ['hub/send']\n[agents.Explore]\ndeny = ['hub/send']\n");
    for (kinds, stops) in [(&[][..], false), (&["Plan"], false), (&["Explore"], true), (&["Explore", "Plan"], true)] {
        let call = call(kinds);
        let target = call.targets.first().unwrap();
        assert_eq!(Denials::of(&policy, &call.action, &call).stop(target, &call, NOW), stops, "{kinds:?}");
    }
}

/// Where the last rule decides, one that does not bind the caller does not decide, whatever is kept of it in short.
#[test]
fn a_rule_that_does_not_bind_is_passed_over_where_the_last_decides() {
    let rule = |effect, binds| Rule {
        patterns: vec![Pattern::wildcard(Wildcard::compile(Dialect::Exact, "you"))],
        binds,
        ..Rule::new(
            effect,
            Selector::Named(Wildcard::compile(Dialect::Exact, "hub_send")),
            Origin { file: "x".into(), line: 1, text: "x".to_owned() },
        )
    };
    let decided = |rules: Vec<Rule>, kinds: &[&str]| {
        let source = Source::new(SourceKind::User, "x", true, rules).speaking(Terms::OpenCode, Combining::LastMatch);
        let mut policy = policy("[agents.Explore]\n");
        policy.sources = vec![source];
        let call = call(kinds);
        let target = Target::primary(call.action.clone(), Resource::None);
        plain(&policy, &Call { targets: vec![target], ..call }).effect()
    };
    let whole = |rule: Rule| Rule { patterns: vec![Pattern::wildcard(Wildcard::compile(Dialect::Exact, "*"))], ..rule };
    let rules = || vec![whole(rule(Effect::Ask, Binds::All)), whole(rule(Effect::Allow, Binds::Itself))];
    assert_eq!(decided(rules(), &[]), Effect::Allow);
    assert_eq!(decided(rules(), &["Explore"]), Effect::Ask);
    assert_eq!(decided(rules(), &["Plan"]), Effect::Ask);
}

/// Kinds that mean something elsewhere mean nothing here; none gets more than the main agent.
#[test]
fn no_kind_gets_more_than_the_main_agent_whatever_it_is_called() {
    let hostile =
        ["*", "", " ", "../x", "a\nb", "__proto__", "constructor", "Explore\0", "explore", "[agents.Explore]"];
    let long = "x".repeat(100_000);
    for user in [
        "deny = [{ rule = 'hub/send', descendants = false }]\n[agents.Explore]\n",
        "deny = [{ rule = 'hub/send', descendants = false }]\n[agents.'*']\n",
        "deny = ['hub/send']\n[agents.'*']\nallow = ['hub/send']\n",
        "[agents.'*']\ndeny = ['hub/send']\n",
    ] {
        for kind in hostile.into_iter().chain([long.as_str()]) {
            let decision = plain(&policy(user), &call(&[kind]));
            assert_eq!(decision.effect(), Effect::Deny, "{user}{kind:?}");
        }
        let unnamed = Call { agent: Some("a1".to_owned()), ..call(&[]) };
        assert_eq!(plain(&policy(user), &unnamed).effect(), Effect::Deny, "{user}");
    }
}

/// A call of the main agent has the digest that it had before there were kinds.
#[test]
fn the_kinds_are_part_of_the_digest() {
    let digest = |kinds: &[&str]| Call { agent: None, ..call(kinds) }.digest();
    assert_ne!(digest(&["Explore"]), digest(&[]));
    assert_ne!(digest(&["Explore"]), digest(&["Plan"]));
    assert_ne!(digest(&["a", "b"]), digest(&["a b"]));
    assert_ne!(digest(&["", ""]), digest(&[""]));
}
