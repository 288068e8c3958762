//! What a list of rules decides, in both permission systems.

use countersign_formats::opencode::{Entry, Platform, relevant, source};
use countersign_policy::{Cause, Effect, SourceKind};
use serde_json::Value;

use crate::case::{Case, Folder, texts};
use crate::imported::{call, judged, policy, rule_of};
use crate::rule::{Difference, Kind, Rule, Side};

/// The system with layers, whose approvals are rules in memory.
pub(crate) fn first() -> Kind {
    Kind {
        system: "opencode",
        name: "evaluate-v1",
        compares: "the decision, the rule that decided each pattern, and the rules that a denial shows",
        replay: |_: &Folder, case: &Case| {
            let layers = case.policy["layers"].as_array().into_iter().flatten();
            let entries: Vec<Entry> = layers.flat_map(|layer| entries(&layer["rules"])).collect();
            let approved = entries_of(&case.policy["approved"], FIRST);
            compare(case, &entries, &approved, case.text("permission"), &texts(&case.request["patterns"]))
        },
        rules: RULES.to_vec(),
    }
}

/// The system whose approvals are saved.
pub(crate) fn second() -> Kind {
    Kind {
        system: "opencode",
        name: "evaluate-v2",
        compares: "the decision",
        replay: |_: &Folder, case: &Case| {
            let entries = entries_of(&case.policy["configured"], SECOND);
            let saved: Vec<Entry> = case.policy["saved"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|saved| Entry::new(text(saved, "action"), text(saved, "resource"), Effect::Allow))
                .collect();
            compare(case, &entries, &saved, case.text("action"), &texts(&case.request["resources"]))
        },
        rules: vec![NOTHING, SPELLINGS],
    }
}

fn compare(
    case: &Case,
    entries: &[Entry],
    approved: &[Entry],
    permission: &str,
    patterns: &[String],
) -> Vec<Difference> {
    let on = if case.context["platform"] == "win32" { Platform::Windows } else { Platform::Posix };
    let rules = |name: &str, entries| source(SourceKind::User, name, true, entries, on);
    let policy = policy(vec![rules("configured", entries)], vec![rules("approved", approved)]);
    let call = call(permission, patterns);
    let decision = judged(&policy, &call);
    let theirs = case.expect["decision"].as_str().and_then(Effect::named).unwrap();
    let ours = decision.effect();
    if ours > theirs {
        let of = if patterns.is_empty() { "nothing" } else { "decision" };
        return vec![Difference::stricter(of, theirs.word(), ours.word())];
    }
    let mut differences = Vec::new();
    if ours < theirs {
        differences.push(Difference::looser("decision", theirs.word(), ours.word()));
    }
    let matched = case.expect["matched"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (judgement, theirs) in decision.judgements().iter().zip(matched) {
        let theirs = entry(theirs, FIRST).origin.text;
        let ours = match judgement.cause() {
            Cause::Default => Entry::new(permission, "*", Effect::Ask).origin.text,
            cause => rule_of(cause).unwrap_or("no rule").to_owned(),
        };
        // An "always" is looked at where the configuration asks, and there alone.
        let is_approved = approved.iter().any(|entry| entry.origin.text == theirs);
        if is_approved && judgement.effect() == Effect::Deny {
            differences.push(Difference::stricter("rule", theirs, ours));
        } else if ours != theirs && !is_approved {
            differences.push(another_rule(theirs, ours, judgement.effect()));
        }
    }
    if let Some(shown) = case.expect.get("denied_ruleset") {
        let theirs: Vec<String> = entries_of(shown, FIRST).into_iter().map(|entry| entry.origin.text).collect();
        let ours: Vec<String> =
            relevant(entries, permission, on).into_iter().map(|entry| entry.origin.text.clone()).collect();
        if ours != theirs {
            differences.push(Difference::looser("shown", theirs.join(", "), ours.join(", ")));
        }
    }
    differences
}

/// Another rule decides: at least as strict as theirs, or not.
pub(crate) fn another_rule(theirs: String, ours: String, effect: Effect) -> Difference {
    let its = theirs.rsplit(" = ").next().and_then(Effect::named);
    let difference = if its.is_some_and(|its| effect >= its) { Difference::stricter } else { Difference::looser };
    difference("rule", theirs, ours)
}

/// Whether a text of the case can be said in another way: in another case of its letters, or in one line.
pub(crate) fn has_another_spelling(case: &Case) -> bool {
    let texts =
        ["patterns", "resources"].into_iter().flat_map(|key| case.request[key].as_array().into_iter().flatten());
    let rules = case.policy.to_string();
    texts.filter_map(Value::as_str).chain([&*rules]).any(|text| text.contains('\n') || text.to_lowercase() != text)
}

pub(crate) const SPELLINGS: Rule = Rule {
    name: "what is asked about or denied is so however it is written",
    inputs: "patterns and rules with letters in another case, and with line breaks",
    answer: "a rule that asks or denies holds in any case, and of a text of several lines also for the same in one",
    why: "on many disks `RM` is `rm`, and a line break slips past `**`",
    side: Side::Stricter,
    explains: |case, difference| matches!(difference.of, "decision" | "rule") && has_another_spelling(case),
};

/// The names of a rule's parts in each system.
pub(crate) const FIRST: [&str; 3] = ["permission", "pattern", "action"];
const SECOND: [&str; 3] = ["action", "resource", "effect"];

pub(crate) fn entries(rules: &Value) -> Vec<Entry> {
    entries_of(rules, FIRST)
}

fn entries_of(rules: &Value, names: [&str; 3]) -> Vec<Entry> {
    rules.as_array().into_iter().flatten().map(|rule| entry(rule, names)).collect()
}

fn entry(rule: &Value, [permission, pattern, effect]: [&str; 3]) -> Entry {
    Entry::new(text(rule, permission), text(rule, pattern), Effect::named(text(rule, effect)).unwrap())
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

pub(crate) const NOTHING: Rule = Rule {
    name: "a call for nothing asks",
    inputs: "calls without any pattern or resource",
    answer: "what the rules say of any, and at least ask",
    why: "a tool that should have named what it touches and named nothing was not understood",
    side: Side::Stricter,
    explains: |_, difference| difference.of == "nothing",
};

const RULES: &[Rule] = &[
    NOTHING,
    Rule {
        name: "a remembered yes lifts no denial",
        inputs: "patterns that the configuration denies and an earlier \"always\" covers",
        answer: "deny",
        why: "what a human once allowed turns asks into allows; whoever configured a denial meant it, and OpenCode's own second permission system has it so",
        side: Side::Stricter,
        explains: |case, difference| {
            let approved = case.policy["approved"].as_array().is_some_and(|approved| !approved.is_empty());
            approved && (difference.of == "rule" || difference.ours == "deny")
        },
    },
    SPELLINGS,
];
