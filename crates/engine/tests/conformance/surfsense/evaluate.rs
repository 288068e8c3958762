//! What layers of rules decide, and which tools they hide.

use countersign_formats::surfsense::{Entry, source};
use countersign_policy::{Cause, Effect, Origin, SourceKind};
use serde_json::Value;

use crate::case::{Case, Folder, texts};
use crate::imported::{call, judged, policy, rule_of};
use crate::opencode::evaluate::{NOTHING, SPELLINGS, another_rule};
use crate::opencode::offered;
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "surfsense",
        name: "evaluate",
        compares: "the decision, the rule that decided each pattern, and the first that denied",
        replay,
        rules: vec![
            Rule {
                answer: "what the rules say of the tool's name, and at least ask",
                why: "nothing is known of such a call but its tool; a denial of the tool is not lifted by naming nothing",
                ..NOTHING
            },
            SPELLINGS,
        ],
    }
}

pub(crate) fn disabled() -> Kind {
    Kind {
        system: "surfsense",
        name: "disabled",
        compares: "which tools are not offered to the model",
        replay: |_: &Folder, case: &Case| {
            let rules = entries(&case.policy["rules"]);
            offered::compare(case, source(SourceKind::User, "rules", true, &rules))
        },
        rules: Vec::new(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let layers = case.policy["layers"].as_array().into_iter().flatten();
    let mut rules: Vec<Entry> = layers.flat_map(|layer| entries(&layer["rules"])).collect();
    rules.extend(entries(&case.policy["approved"]));
    let policy = policy(vec![source(SourceKind::User, "rules", true, &rules)], Vec::new());
    let permission = case.text("permission");
    let patterns = texts(&case.request["patterns"]);
    let decision = judged(&policy, &call(permission, &patterns));
    let theirs = case.expect["decision"].as_str().and_then(Effect::named).unwrap();
    let ours = decision.effect();
    let mut differences = Vec::new();
    if ours > theirs {
        let of = if patterns.is_empty() { "nothing" } else { "decision" };
        differences.push(Difference::stricter(of, theirs.word(), ours.word()));
    } else if ours < theirs {
        differences.push(Difference::looser("decision", theirs.word(), ours.word()));
    }
    if patterns.is_empty() {
        return differences;
    }
    let unspoken = entry(permission, "*", Effect::Ask).origin.text;
    let decided = |cause: &Cause| match cause {
        Cause::Default => unspoken.clone(),
        cause => rule_of(cause).unwrap_or("no rule").to_owned(),
    };
    let theirs: Vec<String> = entries(&case.expect["matched"]).into_iter().map(|entry| entry.origin.text).collect();
    if theirs.len() != decision.judgements().len() {
        differences.push(Difference::looser("rules", theirs.join(", "), decision.judgements().len().to_string()));
    }
    for (judgement, theirs) in decision.judgements().iter().zip(theirs) {
        let ours = decided(judgement.cause());
        if ours != theirs {
            differences.push(another_rule(theirs, ours, judgement.effect()));
        }
    }
    if let Some(denied) = case.expect.get("deny_rule").filter(|rule| !rule.is_null()) {
        let theirs = of(denied).origin.text;
        let denies = decision.judgements().iter().find(|judgement| judgement.effect() == Effect::Deny);
        let ours = denies.map(|judgement| decided(judgement.cause())).unwrap_or_default();
        if ours != theirs {
            differences.push(another_rule(theirs, ours, Effect::Deny));
        }
    }
    differences
}

fn entries(rules: &Value) -> Vec<Entry> {
    rules.as_array().into_iter().flatten().map(of).collect()
}

fn of(rule: &Value) -> Entry {
    let text = |name: &str| rule[name].as_str().unwrap();
    entry(text("permission"), text("pattern"), Effect::named(text("action")).unwrap())
}

fn entry(permission: &str, pattern: &str, effect: Effect) -> Entry {
    let text = format!("{permission}: {pattern} = {effect}");
    let origin = Origin { file: "rules".into(), line: 0, text };
    Entry { permission: permission.to_owned(), pattern: pattern.to_owned(), effect, origin }
}
