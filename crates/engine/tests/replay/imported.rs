//! Calls judged by sources of other systems alone.

use countersign_policy::{
    Action, Attendance, Call, Catalog, Cause, Class, Decision, Effect, Nobody, Policy, Resource, Source, SourceKind,
    Target, Timestamp, decide,
};

/// A policy of these sources and nothing else: what they do not speak of asks.
pub(crate) fn policy(sources: Vec<Source>, remembered: Vec<Source>) -> Policy {
    Policy {
        builtin: Source::new(SourceKind::Builtin, "builtin", true, Vec::new()),
        sources,
        remembered,
        agents: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Wait(1),
        max_open: 20,
        cascade: false,
        repeats: countersign_policy::Repeats::Ask(3),
        catalog: Catalog::default(),
        programs: std::collections::BTreeMap::new(),
        project_programs: std::collections::BTreeMap::new(),
        revision: "r".to_owned(),
    }
}

/// A call of a tool for these texts; without any, as the engine has a call whose arguments name nothing.
pub(crate) fn call(tool: &str, texts: &[String]) -> Call {
    let action = Action::Tool(tool.to_owned());
    let target = |text: &String| Target::primary(action.clone(), Resource::Text(text.clone()));
    let nothing = Target::primary(action.clone(), Resource::None);
    let targets = if texts.is_empty() { vec![nothing] } else { texts.iter().map(target).collect() };
    let faults = if texts.is_empty() { vec!["it names nothing".to_owned()] } else { Vec::new() };
    Call {
        host: "conformance".to_owned(),
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
        environment: std::collections::BTreeMap::new(),
        attendance: Attendance::Somebody,
        targets,
        in_a_row: 0,
        faults,
        action,
    }
}

/// What such a policy says of such a call.
pub(crate) fn judged(policy: &Policy, call: &Call) -> Decision {
    decide(policy, &[], None, call, Timestamp(0))
}

/// The text of the rule that is the cause; none where no rule spoke.
pub(crate) fn rule_of(cause: &Cause) -> Option<&str> {
    match cause {
        Cause::Rule(rule) => Some(&rule.origin.text),
        _ => None,
    }
}
