//! The decision on a call: version window, role, policy.

use countersign_formats::flowfuse::{Membership, ceiling_roles};
use countersign_policy::{Cause, Ceiling, Effect, Source, SourceKind, Timestamp, decide};
use serde_json::json;

use super::{INHERITED, UNKNOWN_VERSION, call, catalog, effects, is_known, policy_of, same, state, team, version};
use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "flowfuse",
        name: "final",
        compares: "the decision on a call and its reason: the version window, the role, a choice for this chat, a preference, a class's default",
        replay,
        rules: vec![
            Rule { explains: |case, _| !is_known(version(case)), ..UNKNOWN_VERSION },
            Rule { explains: |case, _| case.text("tool").starts_with("manage-groups"), ..INHERITED },
        ],
    }
}

fn replay(folder: &Folder, case: &Case) -> Vec<Difference> {
    let catalog = catalog(folder, &case.context["catalog"]);
    let membership = Membership::read(&case.context["membership"]);
    let team = team(case);
    let mut policy = policy_of(state(&case.policy).source(SourceKind::Team, "flowfuse", true, &catalog, team));
    policy.catalog.tools = catalog.tools();
    policy.ceilings = vec![Ceiling {
        source: Source::new(SourceKind::Team, "roles", true, Vec::new()),
        default: Effect::Allow,
        grants: None,
        roles: ceiling_roles(),
    }];
    let call = call(&catalog, case.text("tool"), Some(membership.role.name()), version(case));
    let decision = decide(&policy, &[], None, &call, Timestamp(0));
    let theirs = &case.expect["final_derived"];
    let mut differences: Vec<Difference> = [
        effects("decision", &theirs["decision"], Some(decision.effect())),
        same("role", &case.expect["canUseWriteTools"], &json!(membership.may_write(None))),
        same("class", &case.expect["class"], &json!(call.class)),
        same("group", &case.expect["group"], &json!(call.group)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let reason = reason(decision.judgements()[0].cause());
    // Of two denials ours names the policy's.
    let both = case.expect["policy"] == "deny" && theirs["decision"] == "deny" && decision.effect() == Effect::Deny;
    if theirs["reason"] != reason && !both {
        let side = if decision.effect() == Effect::Deny { Difference::stricter } else { Difference::looser };
        differences.push(side("reason", theirs["reason"].to_string(), reason));
    }
    differences
}

fn reason(cause: &Cause) -> &'static str {
    match cause {
        Cause::Unavailable { reason } if reason.starts_with("the tool exists from") => "requires-update",
        Cause::Unavailable { reason } if reason.starts_with("the tool exists up to") => "deprecated",
        Cause::Unavailable { .. } => "role",
        Cause::Rule(rule) if rule.origin.text.starts_with("sessionToolOverrides.") => "session",
        Cause::Rule(rule) if rule.origin.text.starts_with("toolPreferencesByTeam.") => "tool-preference",
        Cause::Rule(_) => "class-default",
        _ => "something else",
    }
}
