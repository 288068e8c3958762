//! Which rules a configuration is, and which a sub-agent gets.

use countersign_formats::Text;
use countersign_formats::opencode::{Entry, Parent, Permission, session_of_subagent};

use super::evaluate::entries;
use crate::case::{Case, Folder, texts};
use crate::rule::{Difference, Kind};

pub(crate) fn from_config() -> Kind {
    Kind {
        system: "opencode",
        name: "fromconfig",
        compares: "the rules of a `permission` object, in their order",
        replay: |_: &Folder, case: &Case| {
            let read = Permission::read(&Text::new("opencode.json", case.text("config_json"))).unwrap();
            let home = case.context["home"].as_str().unwrap_or_default();
            compare(&read.rules(home), &entries(&case.expect["ruleset"]))
        },
        rules: Vec::new(),
    }
}

pub(crate) fn subagent() -> Kind {
    Kind {
        system: "opencode",
        name: "subagent",
        compares: "the session rules that a sub-agent starts with",
        replay: |_: &Folder, case: &Case| {
            let session = entries(&case.policy["parentSessionPermission"]);
            let primary_tools = texts(&case.policy["primaryTools"]);
            let own = entries(&case.policy["subagentPermission"]);
            let parent = Parent { session: &session, primary_tools: &primary_tools };
            compare(&session_of_subagent(parent, &own), &entries(&case.expect["sessionPermission"]))
        },
        rules: Vec::new(),
    }
}

fn compare(ours: &[Entry], theirs: &[Entry]) -> Vec<Difference> {
    let shown = |entries: &[Entry]| {
        let rules: Vec<_> = entries.iter().map(|entry| (&*entry.permission, &*entry.pattern, entry.effect)).collect();
        format!("{rules:?}")
    };
    if shown(ours) == shown(theirs) {
        return Vec::new();
    }
    vec![Difference::looser("rules", shown(theirs), shown(ours))]
}
