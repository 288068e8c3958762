//! Rules about commands, by their program and by a further word that their patterns demand.
//!
//! Many rules of one program are told apart by the word that the fewest of them share: of `npm run build *` and
//! `npm run lint *` the third. All is compared without regard to case, and a hash stands for a further word: more may be
//! found than speaks, never less.

use std::borrow::Cow;
use std::hash::{BuildHasher, BuildHasherDefault};

use super::FEW;
use super::quick::{Quick, QuickMap};
use crate::pattern::{Demand, Pattern, folded};
use crate::rule::Rule;
use crate::target::{Word, WordKind};

/// The rules about commands. A rule is its position in the source.
#[derive(Debug, Clone, Default)]
pub(super) struct Commands {
    /// Those whose patterns all write the program out, by that, folded ...
    by_program: QuickMap<Box<str>, Filed>,
    /// ... and the others.
    any_program: Vec<u32>,
    /// Whether some patterns are over the text of a command.
    of_lines: bool,
}

/// The rules about one program, in the order of what they are filed under.
#[derive(Debug, Clone)]
struct Filed(Box<[Entry]>);

/// What a rule is filed under, and the rule.
type Entry = (u64, u32);

/// What rules are filed under of which no further word is looked at.
const NO_WORD: u64 = 0;
/// Words at places up to this one are looked up there, ...
const LAST_PLACE: u64 = 4;
/// ... words further behind, and those that have no place, wherever they stand. Comes last among the places.
const ANYWHERE: u64 = 5;
/// The place stands in the highest byte, the word's hash below.
const BITS: u32 = 56;

impl Commands {
    /// Files these rules, each with its position.
    pub(super) fn new<'r>(rules: impl Iterator<Item = (&'r Rule, u32)>) -> Commands {
        let (mut any_program, mut of_lines) = (Vec::new(), false);
        let mut programs: QuickMap<Cow<'r, str>, Vec<(&'r Pattern, u32)>> = QuickMap::default();
        for (rule, position) in rules {
            of_lines |= rule.patterns.iter().any(Pattern::is_of_lines);
            let written_out = rule.patterns.iter().map(|pattern| Some((pattern.program()?, pattern)));
            match written_out.collect::<Option<Vec<_>>>().filter(|patterns| !patterns.is_empty()) {
                Some(patterns) => patterns
                    .into_iter()
                    .for_each(|(program, pattern)| programs.entry(program).or_default().push((pattern, position))),
                None => any_program.push(position),
            }
        }
        let by_program = programs.into_iter().map(|(program, patterns)| (program.into(), Filed::new(&patterns)));
        Commands { by_program: by_program.collect(), any_program, of_lines }
    }

    /// The rules that could speak of a command spelled in any of these ways, or with one of these texts, in the order in
    /// which they were written. A pattern matches the program as it is spelled or by its name without folder.
    pub(super) fn find<'w>(
        &self,
        spellings: impl Iterator<Item = &'w [Word]>,
        lines: impl Iterator<Item = &'w str>,
    ) -> Vec<u32> {
        let mut positions = self.any_program.clone();
        positions.extend(self.filed(spellings, lines).into_iter().flatten().map(|(_, position)| *position));
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// Those of them whose programs are written out, as they are filed.
    fn filed<'w>(
        &self,
        spellings: impl Iterator<Item = &'w [Word]>,
        lines: impl Iterator<Item = &'w str>,
    ) -> Vec<&[Entry]> {
        let mut found = Vec::new();
        for (program, words) in spellings.filter_map(<[Word]>::split_first) {
            let program = folded(&program.text);
            let in_folder = program.bytes().any(|byte| byte == b'/');
            let name = program.rsplit('/').filter(|_| in_folder).find(|name| !matches!(*name, "" | "."));
            for filed in [Some(&*program), name].into_iter().flatten().filter_map(|name| self.by_program.get(name)) {
                filed.find(words.iter().map(|word| (&*word.text, word.kind)), &mut found);
            }
        }
        // A text is what it is: nothing of it is known only when it runs.
        for line in lines.filter(|_| self.of_lines) {
            let mut pieces = line.split(' ').map(|piece| (piece, WordKind::Data));
            let program = pieces.next().map_or("", |(program, _)| program);
            self.by_program.get(&*folded(program)).into_iter().for_each(|filed| filed.find(pieces.clone(), &mut found));
        }
        // However often a command says the same, its rules are counted out once.
        found.sort_unstable_by_key(|entries: &&[Entry]| (entries.as_ptr().addr(), entries.len()));
        found.dedup_by(|one, other| std::ptr::eq(*one, *other));
        found
    }
}

impl Filed {
    fn new(patterns: &[(&Pattern, u32)]) -> Filed {
        let looks_closer = patterns.len() > FEW;
        let room = if looks_closer { patterns.len() } else { 0 };
        let mut often: QuickMap<u64, u32> = QuickMap::with_capacity_and_hasher(room, BuildHasherDefault::default());
        for demand in patterns.iter().filter(|_| looks_closer).flat_map(|(pattern, _)| pattern.demands()) {
            keys(&demand).for_each(|key| *often.entry(key).or_default() += 1);
        }
        let mut entries = Vec::with_capacity(patterns.len());
        for (pattern, position) in patterns {
            let shared = |demand: &Demand<'_>| keys(demand).filter_map(|key| often.get(&key)).max().copied();
            match pattern.demands().filter(|_| looks_closer).min_by_key(shared) {
                Some(rarest) => entries.extend(keys(&rarest).map(|key| (key, *position))),
                None => entries.push((NO_WORD, *position)),
            }
        }
        entries.sort_unstable();
        entries.dedup();
        Filed(entries.into())
    }

    /// Adds the rules that could speak of a command with these words behind its program.
    fn find<'f, 'w>(&'f self, words: impl Iterator<Item = (&'w str, WordKind)> + Clone, found: &mut Vec<&'f [Entry]>) {
        let mut add = |entries: &'f [Entry]| {
            if !entries.is_empty() && found.last().is_none_or(|last| !std::ptr::eq(*last, entries)) {
                found.push(entries);
            }
        };
        add(self.under(NO_WORD));
        let last = self.0.last().map_or(0, |(key, _)| key >> BITS);
        for ((word, kind), place) in words.clone().zip(1..=LAST_PLACE.min(last)) {
            // What is known only when it runs may stand for any words: whatever is demanded from here on may be there.
            if kind == WordKind::Dynamic {
                return add(self.from(place));
            }
            add(self.under(key(place, word)));
        }
        if last < ANYWHERE {
            return;
        }
        if words.clone().any(|(_, kind)| kind == WordKind::Dynamic) {
            add(self.from(ANYWHERE));
        } else {
            words.for_each(|(word, _)| add(self.under(key(ANYWHERE, word))));
        }
    }

    fn under(&self, key: u64) -> &[Entry] {
        let rest = self.not_below(key);
        rest.get(..rest.iter().take_while(|(its, _)| *its == key).count()).unwrap_or_default()
    }

    /// The rules that are filed under a word of this place or of one behind it.
    fn from(&self, place: u64) -> &[Entry] {
        self.not_below(place << BITS)
    }

    fn not_below(&self, key: u64) -> &[Entry] {
        self.0.get(self.0.partition_point(|(its, _)| *its < key)..).unwrap_or_default()
    }
}

/// What a rule is filed under by a demand: one for each word that would do.
fn keys(demand: &Demand<'_>) -> impl Iterator<Item = u64> {
    let place = demand.place.and_then(|place| u64::try_from(place).ok()).filter(|place| *place <= LAST_PLACE);
    demand.words().map(move |word| key(place.unwrap_or(ANYWHERE), word))
}

fn key(place: u64, word: &str) -> u64 {
    place << BITS | BuildHasherDefault::<Quick>::default().hash_one(&*folded(word)) >> (u64::BITS - BITS)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Commands;
    use crate::action::Action;
    use crate::call::Call;
    use crate::effect::Effect;
    use crate::pattern::{Pattern, spellings};
    use crate::rule::{Origin, Rule, Selector};
    use crate::source::{Combining, Source, SourceKind};
    use crate::target::{CommandSpelling, Resource, Target, Word, WordKind};
    use crate::terms::{Terms, View};
    use crate::time::Timestamp;

    fn rule(text: String, effect: Effect) -> Rule {
        let origin = Origin { file: "x".into(), line: 1, text: String::new() };
        let patterns = vec![Pattern::line(&text)];
        Rule { patterns, ..Rule::new(effect, Selector::Action(Action::Shell), origin) }
    }

    fn pattern() -> impl Strategy<Value = String> {
        let behind =
            [" run", " RUN", " task-1", " task-2", " ", "*", " *", ":*", "\\*", " k", "\u{212a}", "\t", " &&", "x"];
        let program = prop::sample::select(&["npm", "NPM", "n*", "\u{212a}", ""][..]);
        (program, vec(prop::sample::select(behind.to_vec()), 0..5))
            .prop_map(|(program, behind)| program.to_owned() + &behind.concat())
    }

    fn words() -> impl Strategy<Value = Vec<Word>> {
        let text = [
            "npm", "npm", "Npm", "run", "task-1", "task-2", "a b", "npm run", "", "k", "*", "FOO=1", "timeout", "5",
            "xargs",
        ];
        let kind = prop_oneof![9 => Just(WordKind::Data), 1 => Just(WordKind::Dynamic)];
        vec(
            (prop::sample::select(text.to_vec()), kind).prop_map(|(text, kind)| Word { text: text.to_owned(), kind }),
            0..6,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        /// A rule of Claude Code's is found by the texts that it looks at, wrappers, blanks and all.
        #[test]
        fn no_pattern_over_texts_is_overlooked(
            patterns in vec((pattern(), prop::sample::select(&[Effect::Allow, Effect::Deny][..])), 0..20),
            own in words(),
            others in vec((words(), any::<bool>()), 0..3),
            blank in prop::sample::select(&[" ", "  ", "\t"][..]),
        ) {
            let rules = patterns.into_iter().map(|(text, effect)| rule(text, effect)).collect();
            let source = Source::new(SourceKind::User, "x", true, rules).speaking(Terms::ClaudeCode, Combining::Strictest);
            let line = own.iter().map(|word| &*word.text).collect::<Vec<_>>().join(blank);
            let args = serde_json::json!({ "command": line });
            let call = Call { action: Action::Shell, ..crate::pattern::tests::call("Bash", &args) };
            let spelled = others.into_iter().map(|(words, allows)| CommandSpelling { words, allows }).collect();
            let target = Target { spellings: spelled, ..Target::primary(Action::Shell, Resource::Words(own)) };
            let native = View::native(spellings(&target));
            let said = Terms::ClaudeCode.say(&target, &call);
            let theirs = said.as_ref().map(|said| View::of(said, &native)).unwrap();
            for view in [&theirs, &native] {
                let place = |rule: &Rule| std::ptr::from_ref(rule).addr();
                let speaks = |rule: &&Rule| rule.speaks_of(&target, view, &call, Timestamp(0));
                let found: Vec<usize> = source.candidates(&target, view).filter(speaks).map(place).collect();
                let expected: Vec<usize> = source.rules().iter().filter(speaks).map(place).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// What is found of a long command that says the same again and again is no more than what is filed.
    #[test]
    fn what_is_found_again_is_counted_out_once() {
        let pattern = |text: &str| Pattern::parse(&Action::Shell, text).unwrap();
        let texts = ["npm * push", "npm * pull", "npm * fetch"].map(pattern);
        let rules: Vec<Rule> =
            texts.map(|pattern| Rule { patterns: vec![pattern], ..rule(String::new(), Effect::Deny) }).into();
        let commands = Commands::new(rules.iter().zip(0..));
        let words: Vec<Word> = ["npm", "push", "pull"].into_iter().cycle().take(10_000).map(Word::data).collect();
        let found = commands.filed([&*words; 64].into_iter(), std::iter::empty());
        assert_eq!(found.concat().len(), 2);
    }

    #[test]
    fn of_many_rules_of_claude_code_few_are_looked_at() {
        let rules = (0..400).map(|number| rule(format!("npm run task-{number}:*"), Effect::Deny)).collect();
        let source = Source::new(SourceKind::User, "x", true, rules).speaking(Terms::ClaudeCode, Combining::Strictest);
        let words = "timeout 5 NPM run Task-7 --all".split(' ').map(Word::data).collect();
        let target = Target::primary(Action::Shell, Resource::Words(words));
        let call = Call { action: Action::Shell, ..crate::pattern::tests::call("Bash", &serde_json::Value::Null) };
        let said = Terms::ClaudeCode.say(&target, &call);
        let view = said.as_ref().map(|said| View::of(said, &View::native(None))).unwrap();
        assert_eq!(
            source.candidates(&target, &view).map(|rule| rule.patterns[0].as_str()).collect::<Vec<_>>(),
            ["npm run task-7:*"]
        );
    }
}
