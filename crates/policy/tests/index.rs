//! The rules that a source looks at for a target are all those that speak of it, whatever they are filed under.
#![allow(clippy::unwrap_used, reason = "a test")]

mod generate;

use countersign_policy::pattern::{Dialect, Pattern, TextPattern, Wildcard, spellings};
use countersign_policy::{
    Action, Call, CommandSpelling, Effect, Origin, Resource, Rule, Selector, Source, SourceKind, Target, View, Word,
    WordKind,
};
use generate::NOW;
use proptest::collection::vec;
use proptest::prelude::*;

const PROGRAMS: [&str; 12] =
    ["git", "GIT", "/usr/bin/git", "./git", "gi*", "**", "*", "\\git", "K", "\u{212a}", "bin/É", "é"];

fn words() -> impl Strategy<Value = Vec<Word>> {
    let kind = prop_oneof![6 => Just(WordKind::Data), 1 => Just(WordKind::Power), 1 => Just(WordKind::Dynamic)];
    let text = prop::sample::select([&PROGRAMS[..], &["git/", "k", "", "/", "x"]].concat());
    vec((text, kind).prop_map(|(text, kind)| Word { text: text.to_owned(), kind }), 0..3)
}

fn command() -> impl Strategy<Value = Target> {
    let spelling = (words(), any::<bool>()).prop_map(|(words, allows)| CommandSpelling { words, allows });
    let resource = prop_oneof![8 => words().prop_map(Resource::Words), 1 => Just(Resource::None)];
    (resource, vec(spelling, 0..3))
        .prop_map(|(resource, spellings)| Target { spellings, ..Target::primary(Action::Shell, resource) })
}

fn rule_of_commands() -> impl Strategy<Value = Rule> {
    let text = (prop::sample::select(&PROGRAMS[..]), prop::sample::select(&["", " *", " x", " **"][..]));
    let pattern = text.prop_map(|(program, rest)| Pattern::parse(&Action::Shell, &format!("{program}{rest}")).unwrap());
    (generate::rule(generate::effect()), vec(pattern, 0..3)).prop_map(|(rule, patterns)| Rule {
        selector: Selector::Action(Action::Shell),
        patterns,
        ..rule
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
        commands in vec(rule_of_commands(), 0..8),
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
