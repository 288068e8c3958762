//! Any rules of any dialect: the index finds the rule that looking at them one by one from the end finds, and leaves out
//! none that speaks. Lines are rules; the last is the name and the text that are looked up.
#![no_main]

use countersign_policy::pattern::{Dialect, Pattern, Wildcard};
use countersign_policy::{
    Action, Attendance, Call, Class, Effect, Origin, Resource, Rule, Selector, Source, SourceKind, Target, Timestamp,
    View,
};
use libfuzzer_sys::fuzz_target;

/// A byte each, so that long ones that begin alike are made.
const PIECES: [(char, &str); 6] = [
    ('1', "thirty-two letters in one piece-"),
    ('2', "inside-it"),
    ('3', "src/"),
    ('4', "\u{212a}"),
    ('5', "\n"),
    ('6', "INSIDE-it"),
];

fuzz_target!(|text: &str| {
    let Some((rules, (name, asked))) = text.rsplit_once('\n').map(|(rules, last)| (rules, fields(last))) else { return };
    let rules: Vec<Rule> = rules.split('\n').map(rule).collect();
    let source = Source::new(SourceKind::User, "x", true, rules);
    let (name, asked) = (pieces(name), pieces(asked));
    let (target, call) = call();
    let view = View::named(&name, Some(&asked));
    let speaks = |rule: &&Rule| rule.speaks_of(&target, &view, &call, Timestamp(0));
    let line = |rule: &Rule| std::ptr::from_ref(rule).addr();
    let found = source.last(&target, &view, &call, Timestamp(0)).map(line);
    assert_eq!(found, source.rules().iter().rfind(speaks).map(line));
    let all: Vec<usize> = source.candidates(&target, &view).filter(speaks).map(line).collect();
    assert_eq!(all, source.rules().iter().filter(speaks).map(line).collect::<Vec<_>>());
});

/// Effect, dialects of name and pattern, and both, from one line.
fn rule(line: &str) -> Rule {
    let mut chars = line.chars();
    let kind = chars.next().map_or(0, u32::from);
    let (name, pattern) = fields(chars.as_str());
    let (name, pattern) = (pieces(name), pieces(pattern));
    let effect = [Effect::Allow, Effect::Ask, Effect::Deny][kind as usize % 3];
    let pattern = match kind / 3 % 6 {
        5 => Pattern::parse(&Action::Agent, &pattern).unwrap(),
        at => Pattern::wildcard(Wildcard::compile(dialect(at), &pattern)),
    };
    let origin = Origin { file: "x".into(), line: 1, text: String::new() };
    let selector = Selector::Named(Wildcard::compile(dialect(kind / 18 % 5), &name));
    Rule { patterns: vec![pattern], ..Rule::new(effect, selector, origin) }
}

fn dialect(at: u32) -> Dialect {
    match at {
        0 => Dialect::Exact,
        1 => Dialect::OpenCode { windows: false },
        2 => Dialect::OpenCode { windows: true },
        3 => Dialect::SurfSense,
        _ => Dialect::Fnmatch,
    }
}

fn fields(line: &str) -> (&str, &str) {
    line.split_once('\t').unwrap_or(("", line))
}

fn pieces(text: &str) -> String {
    PIECES.iter().fold(text.to_owned(), |text, (short, long)| text.replace(*short, long))
}

fn call() -> (Target, Call) {
    let action = Action::Tool("any".to_owned());
    let target = Target::primary(action.clone(), Resource::None);
    let call = Call {
        host: "x".to_owned(),
        host_version: None,
        tool: "any".to_owned(),
        action,
        class: Class::Write,
        group: None,
        args: Default::default(),
        cwd: "/".to_owned(),
        project: "/".to_owned(),
        home: String::new(),
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
        targets: vec![target.clone()],
        in_a_row: 0,
        faults: Vec::new(),
    };
    (target, call)
}
