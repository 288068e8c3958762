//! Codex: what its rules files say of a command.

use countersign_formats::Text;
use countersign_formats::codex::{self, Resolution};
use countersign_policy::document::Problem;
use countersign_policy::pattern::{Programs, plain_path};
use countersign_policy::{
    Action, Attendance, Call, Catalog, Cause, Class, Effect, Nobody, Policy, Resource, Rule as Written, Source,
    SourceKind, Target, Timestamp, Word, decide,
};
use serde_json::{Value, json};

use crate::case::{Case, Folder};
use crate::rule::{Difference, Kind, Rule, Side};

pub(crate) fn kind() -> Kind {
    Kind {
        system: "codex",
        name: "execpolicy",
        compares: "what a command is decided by rules files, which rules match with which words, and which program was meant; of files that are refused, for what kind of mistake",
        replay,
        rules: RULES.to_vec(),
    }
}

const RULES: &[Rule] = &[
    Rule {
        name: "a program's name is not enough for an allow",
        inputs: "a program that was called by a path outside of the system's own folders, where no `host_executable` says which paths count",
        answer: "an allow of the name does not hold for it",
        why: "an agent that can write a file can write one that is called `git`",
        side: Side::Stricter,
        explains: |case, difference| {
            let program = program(case);
            let folder = plain_path(&program).unwrap_or_default();
            let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            allows_by_name(case, difference) && !["/bin", "/sbin", "/usr/bin", "/usr/sbin"].contains(&folder)
        },
    },
    Rule {
        name: "a path with `..` does not allow",
        inputs: "a program that was called by a path with `..` in it",
        answer: "an allow of its name does not hold for it",
        why: "behind a link such a path leads elsewhere than it reads",
        side: Side::Stricter,
        explains: |case, difference| {
            allows_by_name(case, difference) && program(case).split('/').any(|name| name == "..")
        },
    },
];

fn program(case: &Case) -> String {
    case.argv().into_iter().next().unwrap_or_default()
}

/// Whether all in which theirs is more are allows of a program's name.
fn allows_by_name(case: &Case, difference: &Difference) -> bool {
    let ours: Vec<Value> = serde_json::from_str(&difference.ours).unwrap_or_default();
    let theirs = case.expect["matchedRules"].as_array().cloned().unwrap_or_default();
    let mut more = theirs.iter().filter(|rule| !ours.contains(rule)).map(|rule| &rule["prefixRuleMatch"]);
    difference.of == "matched"
        && ours.iter().all(|rule| theirs.contains(rule))
        && more.all(|rule| rule["resolvedProgram"].is_string() && rule["decision"] == "allow")
}

fn replay(_: &Folder, case: &Case) -> Vec<Difference> {
    let files: Vec<(String, String)> = case.policy["rules_files"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| (file["path"].as_str().unwrap().to_owned(), file["text"].as_str().unwrap().to_owned()))
        .collect();
    let texts: Vec<Text<'_>> = files.iter().map(|(name, text)| Text::new(name.as_str(), text)).collect();
    let theirs = case.expect["error_core"].as_str();
    match (codex::parse(&texts), theirs) {
        (Err(problems), Some(theirs)) => wrong_kind(&problems, theirs),
        (Err(problems), None) => {
            vec![Difference::stricter("error", "read", problems[0].to_string())]
        }
        (Ok(_), Some(theirs)) => vec![Difference::looser("error", theirs, "read")],
        (Ok(rules), None) => {
            let by_name = case.policy["resolve_host_executables"] == true;
            let resolution = if by_name { Resolution::ByName } else { Resolution::Off };
            compare(&codex::source(&rules, SourceKind::User, "rules", true, resolution), case)
        }
    }
}

fn compare(source: &Source, case: &Case) -> Vec<Difference> {
    let argv = case.argv();
    let words = argv.iter().map(Word::data).collect();
    let target = Target::primary(Action::Shell, Resource::Words(words));
    let call = call(target.clone());
    let speaks = |rule: &&Written| rule.applies(&target, &call, NOW);
    let mut matching: Vec<&Written> = source.rules().iter().filter(|rule| !rule.fallback).filter(speaks).collect();
    if matching.is_empty() {
        matching = source.rules().iter().filter(|rule| rule.fallback).filter(speaks).collect();
    }
    let ours: Vec<Value> = matching.iter().map(|rule| shown(rule, &argv)).collect();
    let decision = decision(source, call);
    let mut differences = Vec::new();
    let (theirs, theirs_decides) = (&case.expect["matchedRules"], case.expect["decision"].as_str());
    let side =
        if strictness(decision) >= strictness(theirs_decides) { Difference::stricter } else { Difference::looser };
    if json!(ours) != *theirs {
        differences.push(side("matched", theirs.to_string(), json!(ours).to_string()));
    }
    if decision != theirs_decides && (json!(ours) == *theirs || strictness(decision) < strictness(theirs_decides)) {
        differences.push(side("decision", format!("{theirs_decides:?}"), format!("{decision:?}")));
    }
    differences
}

/// A rule that matches, as they show it.
fn shown(rule: &Written, argv: &[String]) -> Value {
    let prefix = rule.patterns[0].as_prefix().unwrap();
    let mut matched = argv[..prefix.length()].to_vec();
    let mut of = json!({ "decision": name(rule.effect) });
    if *prefix.programs() != Programs::Exact {
        let path = plain_path(&matched[0]).unwrap();
        matched[0] = path.rsplit('/').next().unwrap().to_owned();
        of["resolvedProgram"] = json!(path);
    }
    of["matchedPrefix"] = json!(matched);
    if let Some(why) = &rule.why {
        of["justification"] = json!(why);
    }
    json!({ "prefixRuleMatch": of })
}

fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Ask => "prompt",
        Effect::Deny => "forbidden",
    }
}

/// What no rule speaks of asks with us.
fn strictness(decision: Option<&str>) -> u8 {
    match decision {
        Some("allow") => 0,
        None => 1,
        Some("prompt") => 2,
        _ => 3,
    }
}

const NOW: Timestamp = Timestamp(1_800_000_000);

/// What the rules decide; nothing where none speaks.
fn decision(source: &Source, call: Call) -> Option<&'static str> {
    let policy = Policy {
        builtin: Source::new(SourceKind::Builtin, "builtin", true, Vec::new()),
        sources: vec![source.clone()],
        remembered: Vec::new(),
        agents: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Deny,
        max_open: 1,
        cascade: false,
        repeats: countersign_policy::Repeats::Ask(3),
        catalog: Catalog::default(),
        programs: Default::default(),
        project_programs: Default::default(),
        revision: "1".to_owned(),
    };
    let decision = decide(&policy, &[], None, &call, NOW);
    let judgement = &decision.judgements()[0];
    match judgement.cause() {
        Cause::Rule(_) => Some(name(judgement.effect())),
        _ => None,
    }
}

fn call(target: Target) -> Call {
    Call {
        host: "codex".to_owned(),
        host_version: None,
        tool: "shell".to_owned(),
        action: Action::Shell,
        class: Class::Write,
        group: None,
        args: json!({}),
        cwd: "/w".to_owned(),
        project: "/w".to_owned(),
        home: "/home/u".to_owned(),
        user: "u".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: None,
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: vec![target],
        in_a_row: 0,
        faults: Vec::new(),
    }
}

/// Kinds of mistakes, in their words and in ours.
const MISTAKES: &[(&str, &str)] = &[
    ("invalid decision:", "is no decision"),
    ("network_rule decision must be", "is no decision"),
    ("pattern cannot be empty", "a pattern is empty"),
    ("pattern alternatives cannot be empty", "a list of alternatives in a pattern is empty"),
    ("pattern alternative must be a string", "an alternative in a pattern is of type"),
    ("pattern element must be a string or list", "a part of a pattern is of type"),
    ("Missing parameter", "needs the argument"),
    ("Missing named-only parameter", "needs the argument"),
    ("Missing positional-only parameter", "needs the argument"),
    ("Type of parameter", "the argument "),
    ("extra named parameter", "does not know the argument"),
    ("extra positional", "arguments"),
    ("Too many positional", "arguments"),
    ("Wrong number of positional", "arguments"),
    ("occurs both explicitly", "twice"),
    ("occurs more than once", "twice"),
    ("repeated", "cannot stand here"),
    ("justification cannot be empty", "a justification is empty"),
    ("expected every example to match", "the rule does not match"),
    ("expected example to not match", "which stands in `not_match`"),
    ("example string has invalid shell syntax", "is no line of a shell"),
    ("example cannot be an empty string", "an example is an empty text"),
    ("example cannot be an empty list", "an example is an empty list"),
    ("example must be a string or list", "an example is of type"),
    ("example tokens must be strings", "a word of an example is of type"),
    ("host_executable paths must be absolute", "is not absolute"),
    ("host_executable name must be a bare", "is no bare name of a program"),
    ("host_executable name cannot be empty", "the name of a program is empty"),
    ("must have basename", "does not end in the name"),
    ("host_executable paths must be strings", "a path is of type"),
    ("network_rule protocol must be one of", "is no protocol"),
    ("network_rule host must be a hostname", "is more than a host"),
    ("network_rule host cannot be empty", "the host is empty"),
    ("network_rule host cannot contain whitespace", "has a blank in it"),
    ("network_rule host has an invalid bracketed", "has a `[` without its `]`"),
    ("network_rule host contains an unsupported suffix", "only a port can stand"),
    ("wildcards are not allowed", "is no single host"),
    ("No imports are available", "`load` is not known"),
    ("not found", "is not known"),
    ("Parse error", ""),
    ("Operation", "does not work"),
    ("fail:", "calls `fail`"),
    ("referenced before assignment", "has no value yet"),
    ("recursion", "calls are open at once"),
    ("stack overflow", "calls are open at once"),
];

/// Of a refused file the kind of mistake is compared, in whatever words.
fn wrong_kind(problems: &[Problem], theirs: &str) -> Vec<Difference> {
    let kinds = MISTAKES.iter().filter(|(words, _)| theirs.contains(words));
    let mut kinds = kinds.map(|(_, ours)| ours).peekable();
    if kinds.peek().is_none() || kinds.any(|ours| problems.iter().any(|problem| problem.message.contains(ours))) {
        return Vec::new();
    }
    let ours: Vec<String> = problems.iter().map(|problem| problem.to_string()).collect();
    vec![Difference::stricter("kind of error", theirs, ours.join("; "))]
}
