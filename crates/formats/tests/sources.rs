//! Sources of other systems within one decision.
#![allow(clippy::unwrap_used, reason = "a failed test stops here")]

use std::collections::BTreeMap;

use countersign_formats::opencode::{Entry, Platform, source};
use countersign_policy::{
    Action, Attendance, Call, Ceiling, Class, Decision, Effect, Origin, Policy, Resource, Rule, Selector, Source,
    SourceKind, Target, Timestamp, decide, document,
};

fn rules(rules: &[(&str, &str, Effect)]) -> Source {
    let entries: Vec<Entry> =
        rules.iter().map(|(permission, pattern, effect)| Entry::new(*permission, *pattern, *effect)).collect();
    source(SourceKind::User, "opencode.json", true, &entries, Platform::Posix)
}

fn call(tool: &str, text: &str) -> Call {
    let action = Action::Tool(tool.to_owned());
    Call {
        host: "opencode".to_owned(),
        host_version: None,
        tool: tool.to_owned(),
        class: Class::Write,
        group: None,
        args: serde_json::json!({}),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        user: "u".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        role: None,
        mode: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        targets: vec![Target::primary(action.clone(), Resource::Text(text.to_owned()))],
        faults: Vec::new(),
        action,
    }
}

fn judged(policy: &Policy, tool: &str, text: &str) -> Decision {
    decide(policy, &[], None, &call(tool, text), Timestamp(0))
}

fn policy(sources: Vec<Source>, remembered: Vec<Source>) -> Policy {
    Policy { sources, remembered, ..document::assemble(Vec::new()) }
}

#[test]
fn the_last_rule_that_matches_decides_whatever_it_says() {
    let source = rules(&[("deploy", "*", Effect::Deny), ("deploy", "staging *", Effect::Allow)]);
    let policy = policy(vec![source], Vec::new());
    assert_eq!(judged(&policy, "deploy", "staging web").effect(), Effect::Allow);
    assert_eq!(judged(&policy, "deploy", "production web").effect(), Effect::Deny);
    assert_eq!(judged(&policy, "other", "x").effect(), Effect::Ask);
}

#[test]
fn what_was_remembered_elsewhere_lifts_asks_alone() {
    let configured = || rules(&[("deploy", "*", Effect::Ask), ("deploy", "production", Effect::Deny)]);
    let mut policy = policy(vec![configured()], vec![rules(&[("deploy", "*", Effect::Allow)])]);
    assert_eq!(judged(&policy, "deploy", "staging").effect(), Effect::Allow);
    assert_eq!(judged(&policy, "deploy", "production").effect(), Effect::Deny);

    // A ceiling's ask is not for other systems to lift.
    let origin = Origin { file: "managed".into(), line: 1, text: "*".to_owned() };
    let asks = Rule::new(Effect::Ask, Selector::Every, origin);
    policy.ceilings.push(Ceiling {
        source: Source::new(SourceKind::Managed, "managed", true, vec![asks]),
        default: Effect::Allow,
        grants: None,
        roles: BTreeMap::new(),
    });
    assert_eq!(judged(&policy, "deploy", "staging").effect(), Effect::Ask);
}

#[test]
fn a_source_in_other_terms_does_not_loosen_a_native_one() {
    let text = "deny = [\"tool:deploy\"]\n";
    let native = document::parse(SourceKind::User, "countersign.toml", text).unwrap();
    let mut policy = document::assemble(vec![document::Loaded::new(native, true)]);
    policy.sources.push(rules(&[("*", "*", Effect::Allow)]));
    assert_eq!(judged(&policy, "deploy", "x").effect(), Effect::Deny);
    assert_eq!(judged(&policy, "other", "x").effect(), Effect::Allow);
}

#[test]
fn an_untrusted_source_only_tightens() {
    let entries = [Entry::new("deploy", "*", Effect::Allow), Entry::new("deploy", "production", Effect::Deny)];
    let source = source(SourceKind::Project, "opencode.json", false, &entries, Platform::Posix);
    let policy = policy(vec![source], Vec::new());
    assert_eq!(judged(&policy, "deploy", "staging").effect(), Effect::Ask);
    assert_eq!(judged(&policy, "deploy", "production").effect(), Effect::Deny);
}
