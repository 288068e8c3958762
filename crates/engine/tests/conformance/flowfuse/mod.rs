//! FlowFuse Expert's tool permissions, at commit `d3419bbf` (August 2026).

pub(crate) mod availability;
pub(crate) mod facts;
pub(crate) mod final_decision;
pub(crate) mod mcpfilter;
pub(crate) mod ops;
pub(crate) mod policy;
pub(crate) mod rows;

use countersign_formats::Text;
use countersign_formats::flowfuse::{Catalog, State};
use countersign_policy::{
    Action, Attendance, Call, Class, Effect, Nobody, Policy, Resource, Source, SourceKind, Target,
};
use serde_json::Value;

use crate::case::{Case, Folder};
use crate::rule::{Difference, Rule, Side};

/// The catalog of a case: its own, or the one that cases share.
fn catalog(folder: &Folder, value: &Value) -> Catalog {
    let value = if value == "BASECAT" { folder.data("flowfuse/basecat.json") } else { value.clone() };
    let text = value.to_string();
    Catalog::read(&Text::new("catalog", &text)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn state(value: &Value) -> State {
    let text = if value.is_null() { "{}".to_owned() } else { value.to_string() };
    State::read(&Text::new("product-assistant", &text)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn team(case: &Case) -> Option<&str> {
    case.context["team"]["id"].as_str()
}

fn version(case: &Case) -> Option<&str> {
    case.context["version"].as_str()
}

/// A call of a tool without arguments.
fn call(catalog: &Catalog, tool: &str, role: Option<&str>, version: Option<&str>) -> Call {
    let entry = catalog.entry(tool);
    let action = Action::Tool(tool.to_owned());
    Call {
        host: "flowfuse".to_owned(),
        host_version: version.map(str::to_owned),
        tool: tool.to_owned(),
        action: action.clone(),
        class: entry.map_or(Class::Write, |entry| entry.class),
        group: entry.map(|entry| entry.group.clone()),
        args: serde_json::json!({}),
        cwd: "/".to_owned(),
        project: "/".to_owned(),
        home: String::new(),
        user: "u".to_owned(),
        session: "s".to_owned(),
        turn: None,
        agent: None,
        agent_kinds: Vec::new(),
        roots: Vec::new(),
        role: role.map(str::to_owned),
        mode: None,
        environment: Default::default(),
        attendance: Attendance::Somebody,
        targets: vec![Target::primary(action, Resource::None)],
        in_a_row: 0,
        faults: Vec::new(),
    }
}

/// A policy of one source, in which nothing else speaks.
fn policy_of(source: Source) -> Policy {
    Policy {
        builtin: Source::new(SourceKind::Builtin, "builtin", true, Vec::new()),
        sources: vec![source],
        remembered: Vec::new(),
        agents: Vec::new(),
        ceilings: Vec::new(),
        default: Effect::Ask,
        nobody: Nobody::Wait(60),
        max_open: 20,
        cascade: false,
        repeats: countersign_policy::Repeats::Ask(3),
        catalog: Default::default(),
        programs: Default::default(),
        project_programs: Default::default(),
        revision: String::new(),
    }
}

/// A difference between two effects, on the side of the stricter.
fn effects(of: &'static str, theirs: &Value, ours: Option<Effect>) -> Option<Difference> {
    let read = theirs.as_str().and_then(Effect::named);
    let shown = |effect: Option<Effect>| effect.map_or_else(|| "none".to_owned(), |effect| effect.to_string());
    (read != ours).then(|| {
        let side = if ours > read { Difference::stricter } else { Difference::looser };
        side(of, shown(read), shown(ours))
    })
}

/// A difference between two values that are compared as they are.
fn same(of: &'static str, theirs: &Value, ours: &Value) -> Option<Difference> {
    (theirs != ours).then(|| Difference::looser(of, theirs.to_string(), ours.to_string()))
}

/// Whether node-semver takes the text for a version.
fn is_semver(text: &str) -> bool {
    const LARGEST: u64 = (1 << 53) - 1;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let bare = text.strip_prefix('v').unwrap_or(text);
    let (bare, build) = bare.split_once('+').map_or((bare, None), |(bare, build)| (bare, Some(build)));
    let (numbers, prerelease) = bare.split_once('-').map_or((bare, None), |(bare, more)| (bare, Some(more)));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
    let word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !part.is_empty();
    let small = |part: &str| part.parse::<u64>().is_ok_and(|number| number <= LARGEST);
    text.len() <= 256
        && numbers.split('.').count() == 3
        && numbers.split('.').all(|part| number(part) && small(part))
        && prerelease.is_none_or(|parts| parts.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|parts| parts.split('.').all(word))
}

fn is_known(version: Option<&str>) -> bool {
    version.is_some_and(is_semver)
}

/// Whether an entry has a bound that node-semver takes for none.
fn has_broken_bound(entry: &Value) -> bool {
    let bound = |name: &str| entry[name].as_str().is_some_and(|bound| !bound.is_empty() && !is_semver(bound));
    bound("minVersion") || bound("maxVersion")
}

fn never(_: &Case, _: &Difference) -> bool {
    false
}

const UNKNOWN_VERSION: Rule = Rule {
    name: "an unknown version counts as the lowest",
    inputs: "no version of the host, one that is none (`dev`), one with fewer than three numbers (`1.2`, which is 1.2.0)",
    answer: "a tool that begins with a later version is not to be had",
    why: "theirs takes every tool for available then",
    side: Side::Stricter,
    explains: never,
};

const BROKEN_BOUND: Rule = Rule {
    name: "a bound that cannot be read is not met",
    inputs: "a first or last version of a tool that is none (`x`), or has fewer than three numbers (`1.2`, which is 1.2.0)",
    answer: "the tool is not to be had; `1.2` is compared as 1.2.0",
    why: "theirs ignores such a bound, and the tool has no window",
    side: Side::Stricter,
    explains: never,
};

const CONTRADICTION: Rule = Rule {
    name: "what reads and destroys counts as destroying",
    inputs: "a tool that is said to be read-only and destructive",
    answer: "class delete",
    why: "theirs takes it for one that reads, and reading is allowed unasked",
    side: Side::Stricter,
    explains: never,
};

const INHERITED: Rule = Rule {
    name: "a new version of a tool inherits what was forbidden",
    inputs: "a tool without a preference of its own, another version of which has a stricter one than the class",
    answer: "the preference of the other version",
    why: "a tool that was denied comes back, asked about or even allowed, when its next version appears",
    side: Side::Stricter,
    explains: never,
};

const UNLISTED: Rule = Rule {
    name: "a tool that is not in the catalog asks at least",
    inputs: "a tool without an entry or a choice of its own, where writing is allowed",
    answer: "ask",
    why: "nothing is known of it; theirs lets the default of flow building's writing tools speak of it",
    side: Side::Stricter,
    explains: never,
};

const TEAM: Rule = Rule {
    name: "a chat's allows end with the team",
    inputs: "a tool allowed for this chat, and then another team",
    answer: "the allow is gone, and cannot be made the other team's preference",
    why: "one team's choice decides in another, and is kept there",
    side: Side::Stricter,
    explains: never,
};

const CRASH: Rule = Rule {
    name: "no membership is no role",
    inputs: "a membership that is missing",
    answer: "the least role",
    why: "theirs throws",
    side: Side::Stricter,
    explains: never,
};
