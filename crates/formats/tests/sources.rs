//! Sources of other systems within one decision.
#![allow(clippy::unwrap_used, reason = "a failed test stops here")]

use std::collections::BTreeMap;

use countersign_formats::opencode::{Entry, Platform, source};
use countersign_policy::{
    Action, Attendance, Call, Ceiling, Class, Decision, Effect, Origin, PathResource, Policy, Resource, Rule, Selector,
    Source, SourceKind, Target, Timestamp, decide, document,
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
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: BTreeMap::new(),
        attendance: Attendance::Somebody,
        targets: vec![Target::primary(action.clone(), Resource::Text(text.to_owned()))],
        in_a_row: 0,
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
fn what_is_outside_the_project_needs_the_place_too() {
    let path = |lexical: &str, real: &str| {
        let resource =
            PathResource { written: lexical.to_owned(), lexical: lexical.to_owned(), real: Some(real.to_owned()) };
        let mut call = call("edit", "");
        call.targets = vec![Target::primary(Action::Edit, Resource::Path(resource))];
        call
    };
    let judged = |rules: &[(&str, &str, Effect)], lexical: &str, real: &str| {
        let policy = policy(vec![self::rules(rules)], Vec::new());
        decide(&policy, &[], None, &path(lexical, real), Timestamp(0)).effect()
    };
    let edit = ("edit", "*", Effect::Allow);
    let place = ("external_directory", "/tmp/*", Effect::Allow);
    assert_eq!(judged(&[edit], "/repo/a", "/repo/a"), Effect::Allow);
    assert_eq!(judged(&[edit], "/tmp/a", "/tmp/a"), Effect::Ask);
    assert_eq!(judged(&[edit, place], "/tmp/a", "/tmp/a"), Effect::Allow);
    assert_eq!(judged(&[place], "/tmp/a", "/tmp/a"), Effect::Ask);
    // A link out of the project leads outside.
    assert_eq!(judged(&[edit], "/repo/link", "/tmp/a"), Effect::Ask);
    assert_eq!(judged(&[edit, ("external_directory", "*", Effect::Deny)], "/repo/link", "/tmp/a"), Effect::Deny);
    // One within it leads to what has rules of its own, and to what no rule allows.
    let secret = ("edit", "secret/*", Effect::Deny);
    assert_eq!(judged(&[edit, secret], "/repo/a", "/repo/secret/a"), Effect::Deny);
    assert_eq!(judged(&[secret, edit], "/repo/a", "/repo/secret/a"), Effect::Allow);
    let source = ("edit", "src/*", Effect::Allow);
    assert_eq!(judged(&[source], "/repo/src/a", "/repo/src/b"), Effect::Allow);
    assert_eq!(judged(&[source], "/repo/src/a", "/repo/b"), Effect::Ask);
}

#[test]
fn what_was_remembered_elsewhere_reaches_no_further_than_a_grant_may() {
    let always = || vec![rules(&[("deploy", "*", Effect::Allow)])];
    let native = |text: &str| {
        let document = document::parse(SourceKind::Managed, "managed.toml", text).unwrap();
        let policy = document::assemble(vec![document::Loaded::new(document, true)]);
        judged(&Policy { remembered: always(), ..policy }, "deploy", "x").effect()
    };
    assert_eq!(native("ask = [\"tool:deploy\"]\n"), Effect::Allow);
    assert_eq!(native("ask = [{ rule = \"tool:deploy\", remember = \"session\" }]\n"), Effect::Ask);
    let ask = "ask = [\"tool:deploy\"]\n[ceiling]\n";
    assert_eq!(native(&format!("{ask}grants = {{ scopes = [\"user\"] }}\n")), Effect::Allow);
    assert_eq!(native(&format!("{ask}grants = {{ scopes = [\"session\"] }}\n")), Effect::Ask);
    assert_eq!(native(&format!("{ask}grants = {{ max = \"8h\", scopes = [\"user\"] }}\n")), Effect::Ask);
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
