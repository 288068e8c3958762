//! Which entry of an allowlist stands for a program that was looked up.

use countersign_formats::Text;
use countersign_formats::openclaw::{self, Machine, Security};
use countersign_policy::{Action, Call, Effect, Located, Policy, Resource, SourceKind, Target, Word, WordKind};
use serde_json::{Value, json};

use crate::case::{Case, Folder, texts};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "matcher",
        compares: "the entry that allows the program, or that none does",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let on = machine(case.context["platform"].as_str().unwrap_or_default());
    let Some(policy) = policy(&case.policy["allowlist"], on) else {
        return vec![Difference::stricter("document", "read", "refused")];
    };
    let decision = imported::judged(&policy, &call(case));
    let ours = imported::rule_of(decision.cause()).filter(|_| decision.effect() == Effect::Allow);
    let theirs = case.expect["match"].as_str();
    match (theirs, ours) {
        (Some(_), None) => vec![Difference::stricter("match", shown(theirs), "none")],
        (theirs, ours) if theirs == ours => Vec::new(),
        _ => vec![Difference::looser("match", shown(theirs), shown(ours))],
    }
}

fn shown(pattern: Option<&str>) -> String {
    pattern.map_or_else(|| "none".to_owned(), |pattern| format!("{pattern:?}"))
}

pub(crate) fn machine(platform: &str) -> Machine {
    match platform {
        "win32" => Machine::Windows,
        "darwin" => Machine::Mac,
        _ => Machine::Linux,
    }
}

/// A policy of this list alone: what is not on it is denied. None where the document is refused.
pub(crate) fn policy(list: &Value, on: Machine) -> Option<Policy> {
    let text = json!({
        "version": 1, "agents": {"main": {"security": "allowlist", "ask": "off", "allowlist": list}},
    })
    .to_string();
    let approvals = openclaw::parse(&Text::new("exec-approvals.json", &text), on).ok()?;
    let resolved = approvals.resolve(Some("main"));
    assert_eq!(resolved.security.value, Security::Allowlist);
    let source = openclaw::source(SourceKind::User, "exec-approvals.json", true, &resolved);
    Some(imported::policy(vec![source], Vec::new()))
}

fn call(case: &Case) -> Call {
    let found = &case.request["resolution"];
    let text = |key: &str| found[key].as_str().map(str::to_owned);
    let mut words = texts(&case.request["argv"]);
    let program = text("rawExecutable").unwrap_or_default();
    match words.first_mut() {
        Some(first) => *first = program.clone(),
        None => words.push(program.clone()),
    }
    let home = case.context["home"].as_str().unwrap_or_default();
    let cwd = case.request["cwd"].as_str().or(case.context["cwd"].as_str()).unwrap_or("/ws");
    let mut call = shell(&words, None, cwd, home);
    let target = &mut call.targets[0];
    if let Some(path) = text("resolvedPath") {
        let real = text("resolvedRealPath").unwrap_or_else(|| path.clone());
        target.programs.insert(program, Located { found: path, real });
    }
    if found.is_null() {
        // What was not even taken apart is known only when it runs.
        target.resource = Resource::Words(vec![Word { text: String::new(), kind: WordKind::Dynamic }]);
    }
    call
}

/// A call of these words, of which the first is a program at this place.
pub(crate) fn shell(words: &[String], place: Option<&str>, cwd: &str, home: &str) -> Call {
    let mut target = Target::primary(Action::Shell, Resource::Words(words.iter().map(Word::data).collect()));
    if let (Some(program), Some(place)) = (words.first(), place) {
        target.programs.insert(program.clone(), Located { found: place.to_owned(), real: place.to_owned() });
    }
    let mut call = imported::call("exec", &[]);
    call.action = Action::Shell;
    call.args = json!({"command": words.join(" ")});
    call.cwd = cwd.to_owned();
    call.home = home.to_owned();
    call.targets = vec![target];
    call.faults = Vec::new();
    call
}

const RULES: &[Rule] = &[
    Rule {
        name: "a provenance that nobody knows is one",
        inputs: "an entry with another `source` than `allow-always`",
        answer: "it counts as one that an answer made, and must be bound to arguments and folder",
        why: "theirs takes what a program wrote for a human's own rule, for any arguments",
        side: Side::Stricter,
        explains: |case, _| {
            let list = case.policy["allowlist"].as_array().into_iter().flatten();
            list.map(|entry| &entry["source"]).any(|source| source.is_string() && source != "allow-always")
        },
    },
    Rule {
        name: "a list with an entry that says nothing is refused",
        inputs: "an entry whose pattern is blank",
        answer: "the document is refused, and nothing runs",
        why: "their own reader refuses such a file; their matcher steps over the entry",
        side: Side::Stricter,
        explains: |_, difference| difference.of == "document",
    },
];
