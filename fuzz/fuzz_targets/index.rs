//! Any rules of any dialect: the index finds the rule that looking at them one by one from the end finds, and leaves out
//! none that speaks. Lines are rules; the last is the name and the text that are looked up. The same lines are rules about
//! commands, the last one a command and another way to spell it.
#![no_main]

use countersign_policy::pattern::{Dialect, Pattern, Wildcard, spellings};
use countersign_policy::{
    Action, Attendance, Call, Class, CommandSpelling, Effect, Origin, Resource, Rule, Selector, Source, SourceKind,
    Target, Timestamp, View, Word, WordKind,
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
    let Some((rules, (name, asked))) = text.rsplit_once('\n').map(|(rules, last)| (rules, fields(last))) else {
        return;
    };
    look_up_command(rules, name, asked);
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

/// What is found of rules about commands is what speaks.
fn look_up_command(rules: &str, one: &str, other: &str) {
    let rules: Vec<Rule> = rules.split('\n').filter_map(rule_of_commands).collect();
    let source = Source::new(SourceKind::User, "x", true, rules);
    let word = |text: &str| {
        let kind = if text.starts_with('$') { WordKind::Dynamic } else { WordKind::Data };
        Word { text: text.to_owned(), kind }
    };
    let words = |text: &str| text.split(' ').map(word).collect::<Vec<_>>();
    let spellings_of = vec![CommandSpelling { words: words(other), allows: true }];
    let target = Target { spellings: spellings_of, ..Target::primary(Action::Shell, Resource::Words(words(one))) };
    let (_, call) = call();
    let speaks = |rule: &&Rule| rule.applies(&target, &call, Timestamp(0));
    let place = |rule: &Rule| std::ptr::from_ref(rule).addr();
    let view = View::native(spellings(&target));
    let found: Vec<usize> = source.candidates(&target, &view).filter(speaks).map(place).collect();
    assert_eq!(found, source.rules().iter().filter(speaks).map(place).collect::<Vec<_>>());
}

/// Effect and patterns from one line; none where they are no patterns.
fn rule_of_commands(line: &str) -> Option<Rule> {
    let mut chars = line.chars();
    let kind = chars.next().map_or(0, u32::from);
    let effect = [Effect::Allow, Effect::Ask, Effect::Deny][kind as usize % 3];
    let patterns = chars.as_str().split('\t').map(|text| Pattern::parse(&Action::Shell, text));
    let origin = Origin { file: "x".into(), line: 1, text: String::new() };
    let patterns = patterns.collect::<Result<_, _>>().ok()?;
    Some(Rule { patterns, ..Rule::new(effect, Selector::Action(Action::Shell), origin) })
}

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
