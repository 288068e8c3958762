//! The rules that a source looks at for a target are all those that speak of it, whatever they are filed under.
#![allow(clippy::unwrap_used, reason = "a test")]

mod generate;

use countersign_policy::pattern::{Pattern, spellings};
use countersign_policy::{
    Action, Call, CommandSpelling, Effect, Origin, Resource, Rule, Selector, Source, SourceKind, Target, Word, WordKind,
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
            lines(source.candidates(&target, spellings(&target).as_ref()), &target, &call),
            lines(source.rules().iter(), &target, &call)
        );
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
        source.candidates(&target, None).count()
    };
    assert_eq!(found("/opt/bin/GIT push", "x"), 1);
    assert_eq!(found("env git push", "Git push"), 1);
    assert_eq!(found("env push git", "x git"), 0);
}
