//! The rules that a source looks at for a target are all those that speak of it, whatever they are filed under.
#![allow(clippy::unwrap_used, reason = "a test")]

mod generate;

use countersign_policy::pattern::{Dialect, Pattern, PrefixPattern, Programs, TextPattern, Wildcard, spellings};
use countersign_policy::{
    Action, Call, CommandSpelling, Effect, Origin, Resource, Rule, Selector, Source, SourceKind, Target, View, Word,
    WordKind,
};
use generate::NOW;
use proptest::collection::vec;
use proptest::prelude::*;

const PROGRAMS: [&str; 12] =
    ["git", "GIT", "/usr/bin/git", "./git", "gi*", "**", "*", "\\git", "K", "\u{212a}", "bin/É", "é"];

/// What commands and patterns have behind a program: the same word in other cases and forms, options, runs of words.
const WORDS: [&str; 15] = [
    "push", "PUSH", "pu\\sh", "pu*", "*", "**", "run", "task-1", "task-2", "-C", "\\*", "k", "\u{212a}", "\u{e9}",
    "\u{c9}",
];

fn program() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just("git"), 1 => prop::sample::select(&PROGRAMS[..])]
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    let kind = || prop_oneof![10 => Just(WordKind::Data), 1 => Just(WordKind::Power), 1 => Just(WordKind::Dynamic)];
    let word = |text: &str, kind| Word { text: text.to_owned(), kind };
    let odd = prop::sample::select(&["git/", "k", "", "/", "x"][..]);
    let program = (prop_oneof![6 => program(), 1 => odd], kind()).prop_map(move |(text, kind)| word(text, kind));
    let behind = prop::sample::select([&WORDS[..], &["", "git", "x"]].concat());
    let behind = (behind, kind()).prop_map(move |(text, kind)| word(text, kind));
    (vec(program, 0..=1), vec(behind, 0..7)).prop_map(|(program, behind)| [program, behind].concat())
}

fn command() -> impl Strategy<Value = Target> {
    let spelling = (words(), any::<bool>()).prop_map(|(words, allows)| CommandSpelling { words, allows });
    let resource = prop_oneof![8 => words().prop_map(Resource::Words), 1 => Just(Resource::None)];
    (resource, vec(spelling, 0..3))
        .prop_map(|(resource, spellings)| Target { spellings, ..Target::primary(Action::Shell, resource) })
}

/// A pattern of ours or of Codex.
fn pattern_of_commands() -> impl Strategy<Value = Pattern> {
    let ours = (program(), vec(prop::sample::select(&WORDS[..]), 0..5)).prop_map(|(program, words)| {
        Pattern::parse(&Action::Shell, &format!("{program} {}", words.join(" "))).unwrap()
    });
    let programs = prop_oneof![Just(Programs::Exact), Just(Programs::AnyPath)];
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let theirs = (program(), programs, vec(vec(word, 0..3), 0..4))
        .prop_map(|(program, programs, rest)| Pattern::prefix(PrefixPattern::new(program, programs, &rest)));
    prop_oneof![3 => ours, 1 => theirs]
}

fn rule_of_commands() -> impl Strategy<Value = Rule> {
    let patterns = prop_oneof![3 => vec(pattern_of_commands(), 1), 1 => vec(pattern_of_commands(), 0..4)];
    (generate::rule(generate::effect()), patterns, proptest::bool::weighted(0.8)).prop_map(|(rule, patterns, plain)| {
        let rule = Rule { selector: Selector::Action(Action::Shell), patterns, ..rule };
        if plain { Rule { unless: Vec::new(), when: Vec::new(), expires: None, ..rule } } else { rule }
    })
}

fn lines<'a>(rules: impl Iterator<Item = &'a Rule>, target: &Target, call: &Call) -> Vec<u32> {
    let mut lines: Vec<u32> =
        rules.filter(|rule| rule.applies(target, call, NOW)).map(|rule| rule.origin.line).collect();
    lines.sort_unstable();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_rule_is_overlooked(
        commands in vec(rule_of_commands(), 0..30),
        others in vec(generate::rule(generate::effect()), 0..4),
        target in prop_oneof![3 => command(), 1 => generate::target()],
        call in generate::call(),
    ) {
        let mut rules: Vec<Rule> = commands.into_iter().chain(others).collect();
        for (rule, line) in rules.iter_mut().zip(1..) {
            rule.origin.line = line;
        }
        let source = Source::new(SourceKind::User, "x.toml", true, rules);
        prop_assert_eq!(
            lines(source.candidates(&target, &View::native(spellings(&target))), &target, &call),
            lines(source.rules().iter(), &target, &call)
        );
    }
}

/// What names and texts are made of, and patterns over them.
const PIECES: [&str; 20] = [
    "git ",
    "src/",
    "src\\",
    "/a",
    "b",
    "B.",
    ".rs",
    "K",
    "\u{212a}",
    "\u{e9}",
    "\u{c9}",
    "\n",
    " ",
    "inside-it",
    "INSIDE-it",
    "_",
    "\u{1f600}",
    "thirty-two letters in one piece-",
    "thirty-two letters in one piece-thirty-two letters in one piece-",
    "",
];
const WILD: [&str; 8] = ["*", "**", "*", "?", "[ab]", "[", " *", "\\"];

fn text(most: usize) -> impl Strategy<Value = String> {
    vec(prop::sample::select(&PIECES[..]), 0..most).prop_map(|pieces| pieces.concat())
}

fn pattern_text(most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![3 => prop::sample::select(&PIECES[..]), 2 => prop::sample::select(&WILD[..])];
    vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

fn wildcard(most: usize) -> impl Strategy<Value = Wildcard> {
    let dialects = [
        Dialect::Exact,
        Dialect::OpenCode { windows: false },
        Dialect::OpenCode { windows: true },
        Dialect::SurfSense,
        Dialect::Fnmatch,
        Dialect::ClaudeCode,
        Dialect::Gitignore,
    ];
    (prop::sample::select(dialects.to_vec()), pattern_text(most))
        .prop_map(|(dialect, text)| Wildcard::compile(dialect, &text))
}

const NAMES: [&str; 8] = ["git ", "hub/send", "tool:Plan", "Plan", "hub/", "b", "B", "\u{212a}"];

/// A rule of any dialect, in other systems' terms or in our own.
fn rule_of_texts() -> impl Strategy<Value = Rule> {
    let native = pattern_text(5).prop_map(|text| Pattern::parse(&Action::Agent, &text).unwrap());
    let pattern = prop_oneof![1 => native, 3 => wildcard(5).prop_map(Pattern::wildcard)];
    let name = prop_oneof![
        4 => prop::sample::select(&NAMES[..]).prop_map(|name| Wildcard::compile(Dialect::Exact, name)),
        4 => wildcard(3),
    ];
    let tool = || {
        prop::sample::select(&["Plan", "plan", "P*", "*", "send", "s*", "K", "\u{212a}"][..]).prop_map(TextPattern::new)
    };
    let server = prop::sample::select(&["hub", "HUB", "h*", "*"][..]).prop_map(TextPattern::new);
    let selector = prop_oneof![
        8 => name.prop_map(Selector::Named),
        1 => prop::sample::select(&["agent", "hub/send", "HUB/send", "tool:plan", "tool:\u{212a}"][..])
            .prop_map(|name| Selector::Action(name.parse().unwrap())),
        1 => (server, tool()).prop_map(|(server, tool)| Selector::Mcp { server, tool }),
        1 => tool().prop_map(Selector::Tool),
        1 => Just(Selector::Every),
    ];
    (generate::rule(generate::effect()), selector, vec(pattern, 0..3), any::<bool>()).prop_map(
        |(rule, selector, patterns, plain)| {
            let rule = Rule { selector, patterns, ..rule };
            if plain { Rule { unless: Vec::new(), when: Vec::new(), expires: None, ..rule } } else { rule }
        },
    )
}

fn tool() -> impl Strategy<Value = Action> {
    prop::sample::select(&["agent", "hub/send", "tool:Plan", "tool:k", "read"][..])
        .prop_map(|name| name.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_dialect_the_same_rules_speak_as_one_by_one(
        rules in vec(rule_of_texts(), 0..60),
        action in tool(),
        name in prop_oneof![3 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => text(3)],
        texts in vec(prop::option::weighted(0.9, text(6)), 1..6),
        foreign in any::<bool>(),
        call in generate::call(),
    ) {
        let source = Source::new(SourceKind::User, "x.toml", true, rules);
        for text in texts {
            let resource = text.clone().map_or(Resource::None, Resource::Text);
            let target = Target::primary(action.clone(), resource);
            let view =
                if foreign { View::named(&name, text.as_deref()) } else { View::native(spellings(&target)) };
            let speaks = |rule: &&Rule| rule.speaks_of(&target, &view, &call, NOW);
            let place = |rule: &Rule| std::ptr::from_ref(rule).addr();
            prop_assert_eq!(
                source.last(&target, &view, &call, NOW).map(place),
                source.rules().iter().rfind(speaks).map(place)
            );
            let mut found: Vec<usize> = source.candidates(&target, &view).filter(speaks).map(place).collect();
            // About the action itself first, then the others, each in their order.
            let about_action = |rule: &&Rule| matches!(&rule.selector, Selector::Action(Action::Agent));
            let (about, others): (Vec<&Rule>, Vec<&Rule>) = source.rules().iter().filter(speaks).partition(about_action);
            let expected: Vec<usize> = about.into_iter().chain(others).map(place).collect();
            prop_assert_eq!(&found, &expected);
            found.dedup();
            prop_assert_eq!(found.len(), expected.len());
        }
    }
}

/// What is looked at of many rules of one program, each with a word of its own at the end.
fn looked_at(line: &str, dynamic: &str) -> usize {
    let rule = |number: u32| {
        let origin = Origin { file: "x.toml".into(), line: number, text: String::new() };
        let text = if number.is_multiple_of(2) { "npm run task-N *" } else { "npm * task-N *" }
            .replace('N', &number.to_string());
        let patterns = vec![Pattern::parse(&Action::Shell, &text).unwrap()];
        Rule { patterns, ..Rule::new(Effect::Deny, Selector::Action(Action::Shell), origin) }
    };
    let source = Source::new(SourceKind::User, "x.toml", true, (0..400).map(rule).collect());
    let kind = |text: &str| if text == dynamic { WordKind::Dynamic } else { WordKind::Data };
    let words: Vec<Word> = line.split(' ').map(|text| Word { text: text.to_owned(), kind: kind(text) }).collect();
    let spelling = CommandSpelling { words: words.clone(), allows: false };
    let target =
        Target { spellings: vec![spelling; 64], ..Target::primary(Action::Shell, Resource::Words(words.clone())) };
    let found: Vec<u32> =
        source.candidates(&target, &View::native(spellings(&target))).map(|rule| rule.origin.line).collect();
    assert!(found.is_sorted_by(|one, other| one < other), "each rule once");
    found.len()
}

#[test]
fn of_many_rules_of_a_program_few_are_looked_at() {
    assert_eq!(looked_at("npm run task-38 --all", ""), 1);
    assert_eq!(looked_at("/usr/bin/NPM RUN x Task-39", ""), 1);
    assert_eq!(looked_at("npm run", ""), 0);
    // What is known only when it runs may be any of them: those whose word stands before it are not looked at.
    assert_eq!(looked_at("npm run $X task-38", "$X"), 400);
    assert_eq!(looked_at("npm run task-38 $X", "$X"), 201);
}

#[test]
fn a_long_command_finds_each_rule_once() {
    let words: Vec<String> = (0..10_000).map(|number| format!("task-{}", number % 400)).collect();
    assert_eq!(looked_at(&format!("npm x {}", words.join(" ")), ""), 201);
}

#[test]
fn a_program_is_found_by_its_name_in_any_case_and_in_any_spelling() {
    let origin = Origin { file: "x.toml".into(), line: 1, text: "shell(git push *)".to_owned() };
    let patterns = vec![Pattern::parse(&Action::Shell, "git push *").unwrap()];
    let rule = Rule { patterns, ..Rule::new(Effect::Deny, Selector::Action(Action::Shell), origin) };
    let source = Source::new(SourceKind::User, "x.toml", true, vec![rule]);
    let words = |line: &str| line.split(' ').map(Word::data).collect::<Vec<_>>();
    let found = |line, other| {
        let spellings = vec![CommandSpelling { words: words(other), allows: false }];
        let target = Target { spellings, ..Target::primary(Action::Shell, Resource::Words(words(line))) };
        source.candidates(&target, &View::native(None)).count()
    };
    assert_eq!(found("/opt/bin/GIT push", "x"), 1);
    assert_eq!(found("env git push", "Git push"), 1);
    assert_eq!(found("env push git", "x git"), 0);
}
