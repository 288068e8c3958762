//! Runs `cases/*.toml`: a policy, a call, and what it must come to and why.
//!
//! The project is `/home/me/repo`, the home directory `/home/me`. A call is `ACTION: RESOURCE`; of a command a word that
//! begins with `!` is an option of power, one that begins with `$` is known only when it runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test stops here")]

use std::collections::BTreeMap;

use countersign_policy::document::{Loaded, assemble, parse};
use countersign_policy::{
    Action, Attendance, Call, Cause, Decision, PathResource, Resource, Role, SourceKind, Target, Timestamp, Word,
    WordKind, decide,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    name: String,
    #[serde(default)]
    managed: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    project: Option<String>,
    /// Whether the project's file is trusted.
    #[serde(default)]
    trusted: bool,
    call: String,
    /// Where a path really leads; `false`: nobody knows.
    #[serde(default)]
    real: Option<toml::Value>,
    /// Whether the target follows from another.
    #[serde(default)]
    implied: bool,
    #[serde(default)]
    args: Option<serde_json::Value>,
    /// The kinds of sub-agents from the outermost to the one that calls: `general > Explore`.
    #[serde(default)]
    agent: Option<String>,
    /// Whether the host says that a sub-agent calls, and only of what kind it is or is not.
    #[serde(default)]
    agent_id: Option<bool>,
    /// The session's further roots.
    #[serde(default)]
    roots: Vec<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    nobody: bool,
    /// How often the call would run in a row.
    #[serde(default)]
    in_a_row: u32,
    /// The day on which it is decided, in milliseconds.
    #[serde(default)]
    now: i64,
    effect: String,
    /// How the cause begins.
    cause: String,
}

#[test]
fn every_case_comes_to_what_it_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let table: Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in table.case {
            count += 1;
            let decision = case.decide();
            let (effect, cause) = (decision.effect().to_string(), cause(decision.cause()));
            if effect != case.effect || !cause.starts_with(&case.cause) {
                wrong.push(format!(
                    "{}: {} because of {cause}\n  not {} because of {}",
                    case.name, effect, case.effect, case.cause
                ));
            }
        }
    }
    assert!(count > 50, "only {count} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Case {
    fn decide(&self) -> Decision {
        let files = [
            (SourceKind::Managed, &self.managed, true),
            (SourceKind::User, &self.user, true),
            (SourceKind::Project, &self.project, self.trusted),
        ];
        let mut loaded = Vec::new();
        for (kind, text, trusted) in files {
            let Some(text) = text else { continue };
            let document = parse(kind, "file", text).unwrap_or_else(|problems| {
                let reports: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
                panic!("{}:\n{}", self.name, reports.join("\n"))
            });
            loaded.push(Loaded::new(document, trusted));
        }
        decide(&assemble(loaded), &[], None, &self.call(), Timestamp(self.now))
    }

    fn call(&self) -> Call {
        let (action, resource) = self.call.split_once(": ").unwrap_or((&self.call, ""));
        let action: Action = action.parse().unwrap();
        let target = Target {
            role: if self.implied { Role::Implied } else { Role::Primary },
            ..Target::primary(action.clone(), self.resource(&action, resource))
        };
        Call {
            host: "test".to_owned(),
            host_version: None,
            tool: action.to_string(),
            class: action.default_class(),
            action,
            group: None,
            args: self.args.clone().unwrap_or_else(|| serde_json::json!({})),
            cwd: "/home/me/repo".to_owned(),
            project: "/home/me/repo".to_owned(),
            roots: self.roots.clone(),
            home: "/home/me".to_owned(),
            user: "me".to_owned(),
            session: "s".to_owned(),
            turn: None,
            agent: self.agent_id.unwrap_or(self.agent.is_some()).then(|| "a1".to_owned()),
            agent_kinds: self.agent.iter().flat_map(|kinds| kinds.split(" > ")).map(str::to_owned).collect(),
            role: self.role.clone(),
            mode: None,
            environment: BTreeMap::new(),
            attendance: if self.nobody { Attendance::Nobody } else { Attendance::Somebody },
            targets: vec![target],
            in_a_row: self.in_a_row,
            faults: Vec::new(),
        }
    }

    fn resource(&self, action: &Action, text: &str) -> Resource {
        match action {
            _ if text.is_empty() => Resource::None,
            Action::Shell => Resource::Words(
                text.split(' ')
                    .map(|word| match (word.strip_prefix('!'), word.starts_with('$')) {
                        (Some(power), _) => Word { text: power.to_owned(), kind: WordKind::Power },
                        (None, true) => Word { text: word.to_owned(), kind: WordKind::Dynamic },
                        (None, false) => Word::data(word),
                    })
                    .collect(),
            ),
            Action::Read | Action::Edit | Action::Delete | Action::Search => {
                let lexical = match text.strip_prefix("~/") {
                    Some(rest) => format!("/home/me/{rest}"),
                    None if text.starts_with('/') => text.to_owned(),
                    None => format!("/home/me/repo/{text}"),
                };
                let real = match &self.real {
                    None => Some(lexical.clone()),
                    Some(toml::Value::String(real)) => Some(real.clone()),
                    Some(_) => None,
                };
                Resource::Path(PathResource { written: text.to_owned(), lexical, real })
            }
            Action::Fetch => {
                let host = text.split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or(text);
                let url = if text.contains("://") { text } else { "" };
                Resource::Url { host: host.to_owned(), url: url.to_owned() }
            }
            _ => Resource::Text(text.to_owned()),
        }
    }
}

/// A cause as the tables write it.
fn cause(cause: &Cause) -> String {
    let rule = |rule: &countersign_policy::RuleCause| {
        let source = format!("{:?}", rule.source).to_lowercase();
        let agent = rule.agent.as_ref().map_or_else(String::new, |kind| format!(" [agents.{kind}]"));
        format!("{source}{agent} {}", rule.why.as_deref().unwrap_or(&rule.origin.text))
    };
    match cause {
        Cause::Rule(of) => rule(of),
        Cause::Ceiling(of) => format!("ceiling {}", rule(of)),
        Cause::Nobody { asked } => format!("nobody {}", self::cause(asked)),
        Cause::Default => "default".to_owned(),
        Cause::Implied => "implied".to_owned(),
        Cause::Unavailable { reason } => format!("unavailable {reason}"),
        Cause::Repeated { times } => format!("repeated {times}"),
        Cause::Error { reason } => format!("error {reason}"),
        other => format!("{other:?}"),
    }
}
