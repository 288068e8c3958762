//! What is said of one tool.

use countersign_policy::{Class, Effect, SourceKind, Timestamp, decide};
use serde_json::{Value, json};

use super::{
    BROKEN_BOUND, CONTRADICTION, INHERITED, UNKNOWN_VERSION, UNLISTED, availability, call, catalog, effects,
    has_broken_bound, is_known, policy_of, same, state, team, version,
};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "policy",
        compares: "class, group, what is kept and what was chosen for this chat, the decision on a call, the availability, and what the agent is told",
        replay,
        rules: vec![
            Rule { explains: |case, _| contradicts(case), ..CONTRADICTION },
            Rule {
                explains: |case, difference| difference.of == "availability" && !is_known(version(case)),
                ..UNKNOWN_VERSION
            },
            Rule {
                explains: |case, difference| {
                    let entries = || case.context["catalog"].as_array().into_iter().flatten();
                    difference.of == "availability" && entries().any(has_broken_bound)
                },
                ..BROKEN_BOUND
            },
            Rule {
                explains: |case, difference| is_policy(difference) && case.text("tool").starts_with("manage-groups"),
                ..INHERITED
            },
            Rule {
                explains: |case, difference| is_policy(difference) && !case.expect["in_resolved_tools"].is_string(),
                ..UNLISTED
            },
        ],
    }
}

fn is_policy(difference: &Difference) -> bool {
    matches!(difference.of, "saved" | "effective" | "told")
}

fn contradicts(case: &Case) -> bool {
    let entries = case.context["catalog"].as_array().into_iter().flatten();
    entries.into_iter().any(|entry| entry["toolClass"] == "read" && entry["destructive"] == true)
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let catalog = catalog(folder, &case.context["catalog"]);
    let (state, team, tool) = (state(&case.policy), team(case), case.text("tool"));
    let entry = catalog.entry(tool);
    let class = entry.map_or(Class::Write, |entry| entry.class);
    let group = entry.map_or("flow-building", |entry| &entry.group);
    let resolved = state.resolved(&catalog, team);
    let source = state.source(SourceKind::User, "flowfuse", true, &catalog, team);
    let call = call(&catalog, tool, None, version(case));
    let effective = decide(&policy_of(source), &[], None, &call, Timestamp(0)).effect();
    let expect = &case.expect;
    let told: Option<Effect> = resolved.tools.get(tool).copied();
    let mut differences: Vec<Difference> = [
        class_of(&expect["class"], class),
        same("group", &expect["group"], &json!(group)),
        same("session", &expect["session"], &json!(state.session_override(tool))),
        effects("saved", &expect["saved"], Some(state.saved(&catalog, team, Some(tool)))),
        effects("effective", &expect["effective"], Some(effective)),
        effects("told", &expect["in_resolved_tools"], told),
        same("defaults", &expect["resolved_defaults"], &resolved.to_json()["defaults"]),
    ]
    .into_iter()
    .flatten()
    .collect();
    // A tool that is not in the catalog has no window.
    if let Some(entry) = entry {
        differences.extend(availability::difference(&expect["availability"], &entry.availability(version(case))));
    }
    differences
}

fn class_of(theirs: &Value, ours: Class) -> Option<Difference> {
    let read = theirs.as_str().and_then(Class::named);
    (read != Some(ours)).then(|| {
        let side = if Some(ours) > read { Difference::stricter } else { Difference::looser };
        side("class", theirs.to_string(), ours.word())
    })
}
