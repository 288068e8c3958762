//! What binds an entry to arguments, and whether arguments are those that one is bound to.

use countersign_policy::Effect;
use countersign_policy::pattern::cwd_bound_hash;
use serde_json::json;

use super::matcher::{machine, policy, shell};
use crate::case::{Case, Folder};
use crate::imported;
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "openclaw",
        name: "arg-hash",
        compares: "the hash over folder and arguments; whether an entry with that binding allows the arguments",
        replay,
        rules: RULES.to_vec(),
    }
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let on = machine(case.text("platform"));
    let argv = case.argv();
    if let Some(theirs) = case.expect["argPattern"].as_str() {
        let args: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
        let ours = cwd_bound_hash(&args, case.text("cwd"), on);
        return if ours == theirs { Vec::new() } else { vec![Difference::looser("hash", theirs, ours)] };
    }
    let list = json!([{"pattern": "/usr/bin/x", "argPattern": case.request["argPattern"]}]);
    let policy = policy(&list, on).unwrap();
    let call = shell(&argv, Some("/usr/bin/x"), case.request["cwd"].as_str().unwrap_or("/ws"), "/home/u");
    let ours = imported::judged(&policy, &call).effect() == Effect::Allow;
    match (case.expect["match"] == true, ours) {
        (true, false) => vec![Difference::stricter("match", "true", "false")],
        (false, true) => vec![Difference::looser("match", "false", "true")],
        _ => Vec::new(),
    }
}

const RULES: &[Rule] = &[
    Rule {
        name: "no argument has a NUL in it",
        inputs: "arguments with a NUL, against an expression that has NULs between arguments",
        answer: "no match",
        why: "two arguments and one with a NUL in it would read alike; no program is ever given such a one",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "match" && case.argv().iter().any(|arg| arg.contains('\0')),
    },
    Rule {
        name: "expressions that are not regular match nothing",
        inputs: "an expression that looks around or refers to what it matched",
        answer: "no match",
        why: "it can take any time; such an entry asks",
        side: Side::Stricter,
        explains: |case, difference| difference.of == "match" && case.text("argPattern").contains(['?', '\\']),
    },
];
