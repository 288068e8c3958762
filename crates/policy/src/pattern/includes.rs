//! Which patterns match everything that another one matches.

use super::{Anchor, Case, Form, Pattern};
use crate::action::Action;

/// A prefix that could be more commands is not compared with others.
const MOST_SPELLINGS: usize = 64;

impl Pattern {
    /// Whether this pattern, compared with `case`, matches everything that `other` matches, compared with `theirs`.
    ///
    /// A yes is certain, but for the case of letters in OpenCode's wildcards. A no may only mean that it is not known: an allow's `*` over words may or may not take what
    /// another pattern spells out.
    pub fn includes(&self, other: &Pattern, case: Case, theirs: Case) -> bool {
        match (&self.form, &other.form) {
            (Form::Shell(ours), Form::Shell(other)) => ours.includes(other, case, theirs),
            (Form::Path(ours), Form::Path(other)) => ours.includes(other, case, theirs),
            (Form::Url(ours), Form::Url(other)) => ours.includes(other, case, theirs),
            (Form::Text(ours), Form::Text(other)) => ours.includes(other, case, theirs),
            (Form::Wildcard(ours), Form::Wildcard(other)) => ours.includes_as_written(other),
            (Form::Prefix(ours), Form::Shell(_)) => {
                // A prefix compares letters as they are, whatever the rule does.
                let covers = |words: &String| {
                    Pattern::parse(&Action::Shell, words).is_ok_and(|ours| ours.includes(other, Case::Exact, theirs))
                };
                theirs == Case::Exact && ours.spelled_out(MOST_SPELLINGS).iter().any(covers)
            }
            // What is allowed means exactly what it says; what is denied is compared in any case.
            (Form::Gitignore(ours), Form::Path(other)) => {
                case == Case::Fold && theirs == Case::Exact && ours.includes(other)
            }
            (Form::Domain(ours), Form::Url(other)) => ours.includes(other.host()),
            // Of patterns in other systems' terms only that each includes itself.
            (ours, other) => case == theirs && ours == other,
        }
    }

    /// Whether it is one of another system that looks into the project's folder alone, whatever further roots there are.
    pub(crate) fn starts_in_project(&self) -> bool {
        matches!(&self.form, Form::Gitignore(pattern) if matches!(pattern.anchor(), Anchor::Project | Anchor::Cwd))
    }

    /// What it matches where `other` begins: of `/**/.env` and a pattern in the workspace, `**/.env`. `None` where that
    /// is nothing, or cannot be said. Its text stays as it was written.
    pub(crate) fn in_root_of(&self, other: &Pattern) -> Option<Pattern> {
        match (&self.form, &other.form) {
            (Form::Path(ours), Form::Path(other)) => {
                Some(Pattern { text: self.text.clone(), form: Form::Path(ours.in_root_of(other)?) })
            }
            _ => Some(self.clone()),
        }
    }

    /// The words of a command that it spells out, and so may allow a file or a host by.
    pub(crate) fn spelled_out(&self) -> impl Iterator<Item = &str> {
        let pattern = match &self.form {
            Form::Shell(pattern) => Some(pattern),
            _ => None,
        };
        pattern.into_iter().flat_map(|pattern| pattern.spelled_out())
    }

    /// Whether it is written in our own grammar.
    pub(crate) fn is_native(&self) -> bool {
        matches!(self.form, Form::Shell(_) | Form::Path(_) | Form::Url(_) | Form::Text(_))
    }

    /// Whether this is a pattern over commands with `**` in it.
    pub(crate) fn grants_power(&self) -> bool {
        matches!(&self.form, Form::Shell(pattern) if pattern.grants_power())
    }
}

#[cfg(test)]
mod tests {
    mod claude_code;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::{Dialect, Marks, Spelling, Wildcard};
    use super::{Case, Pattern};
    use crate::action::{Action, Class};
    use crate::call::{Attendance, Call};
    use crate::target::{Word, WordKind};

    fn call() -> Call {
        Call {
            host: String::new(),
            host_version: None,
            tool: String::new(),
            action: Action::Shell,
            class: Class::Write,
            group: None,
            args: serde_json::Value::Null,
            cwd: "/h/w".to_owned(),
            project: "/h/w".to_owned(),
            home: "/h".to_owned(),
            user: String::new(),
            session: String::new(),
            turn: None,
            agent: None,
            agent_kinds: Vec::new(),
            roots: Vec::new(),
            role: None,
            mode: None,
            environment: std::collections::BTreeMap::new(),
            attendance: Attendance::Somebody,
            targets: Vec::new(),
            in_a_row: 0,
            faults: Vec::new(),
        }
    }

    fn case() -> impl Strategy<Value = Case> {
        prop::sample::select(&[Case::Exact, Case::Fold][..])
    }

    /// Included implies matched.
    fn held(one: &Pattern, other: &Pattern, spelling: &Spelling<'_>, cases: (Case, Case)) -> Result<(), TestCaseError> {
        if one.includes(other, cases.0, cases.1) && other.matches(spelling, &call(), cases.1) {
            prop_assert!(one.matches(spelling, &call(), cases.0), "{one:?} {other:?} {spelling:?} {cases:?}");
        }
        Ok(())
    }

    /// A text that a pattern matches more often than chance would: its own, with runs filled in.
    fn filled(pattern: &str, fill: &str) -> String {
        pattern.replace('*', fill)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_a_text_includes_it_matches(
            one in "[aAk1*\u{212a}]{0,5}", other in "[aAk1*\u{212a}]{0,5}", fill in "[aAkK1]{0,2}", text in "[aAkK1]{0,4}",
            case in case(), theirs in case(),
        ) {
            let parse = |text| Pattern::parse(&Action::Agent, text).unwrap();
            let (one, other) = (parse(&one), parse(&other));
            for text in [text, filled(other.as_str(), &fill), filled(one.as_str(), &fill)] {
                held(&one, &other, &Spelling::Text(&text), (case, theirs))?;
            }
            // And what is not included, something shows: no other character stands for U+1.
            let shown = filled(other.as_str(), "\u{1}");
            if case == theirs {
                prop_assert_eq!(one.includes(&other, case, theirs), one.matches(&Spelling::Text(&shown), &call(), case));
            }
        }

        #[test]
        fn what_a_path_includes_it_matches(
            roots in (prop::sample::select(&["", "/", "~/", "./", "/**/"][..]), prop::sample::select(&["", "/", "~/", "./", "/**/"][..])),
            one in vec("[aB*]{1,2}", 1..4), other in vec("[aB*]{1,2}", 1..4),
            below in vec("[abB]{1,2}", 0..4), fill in "[ab]{0,1}",
            place in prop::sample::select(&["/", "/h/", "/h/w/", "/h/w/a/"][..]),
            case in case(), theirs in case(),
        ) {
            let parse = |root: &str, names: &[String]| Pattern::parse(&Action::Read, &format!("{root}{}", names.join("/")));
            let (one, other) = (parse(roots.0, &one).unwrap(), parse(roots.1, &other).unwrap());
            let bare = other.as_str().trim_start_matches(['/', '~', '.']).replace("**", "*");
            for text in [format!("{place}{}", below.join("/")), format!("{place}{}", filled(&bare, &fill))] {
                let text = text.replace("//", "/");
                let text = text.trim_end_matches('/');
                held(&one, &other, &Spelling::Path { text, marks: Marks::of_path(text) }, (case, theirs))?;
                // What it is in the root of another, it is.
                if let Some(moved) = other.in_root_of(&one) {
                    let spelling = Spelling::Path { text, marks: Marks::of_path(text) };
                    prop_assert!(
                        !moved.matches(&spelling, &call(), case) || other.matches(&spelling, &call(), case)
                    );
                }
            }
        }

        #[test]
        fn what_words_include_they_match(
            one in vec(prop::sample::select(&["a", "b", "A", "*", "**", "a*", "-**", "x/a"][..]), 1..4),
            other in vec(prop::sample::select(&["a", "b", "A", "*", "**", "a*", "-**", "x/a"][..]), 1..4),
            // Patterns that have nothing to do with each other say little.
            narrowed in any::<bool>(),
            words in vec((prop::sample::select(&["a", "A", "b", "x/a", "x/b", "-b", "ab"][..]), 0..4_u8), 0..5),
            case in case(), theirs in case(),
        ) {
            let narrow = |token: &&'static str| match *token {
                "*" => "a",
                "**" => "*",
                "a*" => "ab",
                token => token,
            };
            let other = if narrowed { one.iter().map(narrow).collect() } else { other };
            let parse = |tokens: &[&str]| Pattern::parse(&Action::Shell, &tokens.join(" ")).unwrap();
            let (one, other) = (parse(&one), parse(&other));
            let kind = |kind| match kind {
                0 => WordKind::Power,
                1 => WordKind::Dynamic,
                _ => WordKind::Data,
            };
            let words: Vec<Word> =
                words.iter().map(|(text, its)| Word { text: (*text).to_owned(), kind: kind(*its) }).collect();
            held(&one, &other, &Spelling::Words(&words, None), (case, theirs))?;
            let kinds = words.iter().map(|word| word.kind).chain(std::iter::repeat(WordKind::Data));
            let own = filled(other.as_str(), "a");
            let own = own.split(' ').zip(kinds).map(|(text, kind)| Word { text: text.to_owned(), kind });
            let own: Vec<Word> = own.collect();
            held(&one, &other, &Spelling::Words(&own, None), (case, theirs))?;
        }

        #[test]
        fn what_a_host_includes_it_matches(
            one in "(https://|http://|ftp://|)[a.*]{1,4}", paths in (prop::sample::select(&["", "/", "/a", "/a*", "/*"][..]), prop::sample::select(&["", "/", "/a", "/a*", "/*"][..])),
            other in "(https://|http://|ftp://|)[a.*]{1,4}",
            scheme in prop::sample::select(&["", "https://", "http://", "ftp://"][..]), path in "(/[aA]{0,2})?",
            fill in "[a.]{0,2}", case in case(), theirs in case(),
        ) {
            let parse = |text: &str, path: &str| {
                let path = if text.contains("://") { path } else { "" };
                Pattern::parse(&Action::Fetch, &format!("{text}{path}")).unwrap()
            };
            let host = filled(other.rsplit('/').next().unwrap(), &fill);
            let (one, other) = (parse(&one, paths.0), parse(&other, paths.1));
            let url = if scheme.is_empty() { String::new() } else { format!("{scheme}{host}{path}") };
            held(&one, &other, &Spelling::Url { host: &host, url: &url }, (case, theirs))?;
        }

        #[test]
        fn what_a_wildcard_includes_it_matches(
            dialects in (0..7_usize, 0..7_usize, 0..4_usize), changed in 0..6_usize,
            one in "[ab/* ?]{0,4}(\\[!?[ab]-?[bc]\\])?[*?]?( \\*)?", other in "[ab/* ?]{0,4}(\\[!?[ab]-?[bc]\\])?[*?]?( \\*)?",
            text in "[abcB/ \n]{0,5}", fill in "[ab/\n]{0,2}",
        ) {
            let all = [
                Dialect::Exact, Dialect::OpenCode { windows: false }, Dialect::OpenCode { windows: true },
                Dialect::SurfSense, Dialect::Fnmatch, Dialect::ClaudeCode, Dialect::Gitignore,
            ];
            // Patterns that have nothing to do with each other say little, and those of two dialects nothing.
            let other = match changed {
                0 => one.replace('*', "**"),
                1 => one.replace("**", "*"),
                2 => one.replace('*', "a").replace('?', "b"),
                3 => one.replace('*', "?"),
                _ => other,
            };
            let theirs = if dialects.2 == 0 { all[dialects.1] } else { all[dialects.0] };
            let (one, other) = (Wildcard::compile(all[dialects.0], &one), Wildcard::compile(theirs, &other));
            let own = other.as_str().replace('*', &fill).replace('?', "b");
            for text in [&text, &own, &own.replace(['[', ']', '!', '-'], "")] {
                prop_assert!(
                    !one.includes(&other) || !other.matches(text) || one.matches(text),
                    "{:?} {:?} {:?}", one, other, text
                );
            }
        }
    }

    fn includes(action: &Action, one: &str, other: &str, case: Case, theirs: Case) -> bool {
        let parse = |text| Pattern::parse(action, text).unwrap();
        parse(one).includes(&parse(other), case, theirs)
    }

    #[test]
    fn paths() {
        use Case::{Exact, Fold};
        for (one, other, case, theirs) in [
            ("**", "src/**", Exact, Exact),
            ("src/**", "src/a/*.rs", Exact, Exact),
            ("*.rs", "src/*.rs", Exact, Exact),
            ("/**/.env*", ".env", Fold, Exact),
            ("/**/.ssh", "~/.ssh/id_*", Fold, Exact),
            ("src", "src/a", Fold, Exact),
            ("SRC/**", "src/a", Fold, Exact),
            ("/**", "~/x", Exact, Exact),
        ] {
            assert!(includes(&Action::Read, one, other, case, theirs), "{one} {other}");
        }
        for (one, other, case, theirs) in [
            ("src/**", "**", Exact, Exact),
            ("**", "/**/.env", Exact, Exact),
            ("src", "src/a", Exact, Exact),
            ("src/*", "src/**", Exact, Exact),
            ("~/**", "src/**", Exact, Exact),
            ("**", "src", Exact, Fold),
        ] {
            assert!(!includes(&Action::Read, one, other, case, theirs), "{one} {other}");
        }
    }

    #[test]
    fn a_prefix_includes_commands_that_begin_so() {
        use crate::pattern::{PrefixPattern, Programs};
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let rest = [words(&["push", "fetch"]), words(&["a b"])];
        let prefix = |programs, rest: &[Vec<String>]| Pattern::prefix(PrefixPattern::new("git", programs, rest));
        let shell = |text| Pattern::parse(&Action::Shell, text).unwrap();
        let push = prefix(Programs::Exact, rest.get(..1).unwrap());
        for (one, other, theirs, covers) in [
            (&push, "git push", Case::Exact, true),
            (&push, "git push origin *", Case::Exact, true),
            (&push, "git fetch **", Case::Exact, true),
            (&push, "git *", Case::Exact, false),
            (&push, "git pull *", Case::Exact, false),
            (&push, "GIT push", Case::Exact, false),
            // Theirs also matches GIT, and a prefix does not.
            (&push, "git push", Case::Fold, false),
            (&prefix(Programs::Exact, &rest), r"git push a\ b c", Case::Exact, true),
            (&prefix(Programs::Exact, &rest), "git push a b", Case::Exact, false),
            (&prefix(Programs::AnyPath, &[]), "git push", Case::Exact, false),
        ] {
            assert_eq!(one.includes(&shell(other), Case::Fold, theirs), covers, "{one:?} {other}");
        }
    }

    #[test]
    fn words() {
        use Case::{Exact, Fold};
        for (one, other, case, theirs) in [
            ("git **", "git push *", Exact, Exact),
            ("git diff *", "git diff", Exact, Exact),
            ("git diff *", "git diff *.rs", Exact, Exact),
            ("git push", "git push --force", Fold, Exact),
            ("git *", "GIT push **", Fold, Exact),
            ("git", "/usr/bin/git log", Fold, Exact),
            ("**", "git", Exact, Fold),
        ] {
            assert!(includes(&Action::Shell, one, other, case, theirs), "{one} {other}");
        }
        for (one, other, case, theirs) in [
            ("git *", "git push", Exact, Exact),
            ("git *", "git **", Exact, Exact),
            ("git diff *", "git *", Exact, Exact),
            ("git *", "git", Exact, Fold),
            ("git push", "git", Fold, Fold),
            ("/usr/bin/git", "git", Fold, Exact),
        ] {
            assert!(!includes(&Action::Shell, one, other, case, theirs), "{one} {other}");
        }
    }
}
