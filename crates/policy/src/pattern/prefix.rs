//! The first words of a command, each written out: `["git", ["push", "fetch"]]`.

use serde::{Deserialize, Serialize};

use super::{Case, Demand, PatternError};
use crate::target::{Word, WordKind};

/// The folders that only an administrator fills: a program there is what its name says.
const SYSTEM_FOLDERS: &[&str] = &["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

/// A pattern over the first words of a command, as Codex has it in `prefix_rule`: words are compared as they are, and
/// whatever follows belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixPattern {
    program: Box<str>,
    programs: Programs,
    /// For each further word what it may be.
    rest: Vec<Vec<Box<str>>>,
}

/// How the program's name is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Programs {
    /// The command's first word is exactly this.
    Exact,
    /// The command's first word is an absolute path, and this is the name of its file. An allow reaches only those in the
    /// system's own folders: anybody can put a program of any name anywhere else.
    AnyPath,
    /// The same, where the path is one of these.
    Paths(Vec<String>),
}

impl PrefixPattern {
    /// A pattern over commands of this program that go on with `rest`: for each word what it may be.
    pub fn new(program: &str, programs: Programs, rest: &[Vec<String>]) -> PrefixPattern {
        let rest = rest.iter().map(|word| word.iter().map(|text| text.as_str().into()).collect()).collect();
        PrefixPattern { program: program.into(), programs, rest }
    }

    /// Reads what [`PrefixPattern::text`] writes.
    ///
    /// # Errors
    /// Whatever is no list of texts and of lists of texts, or has no program.
    pub(super) fn parse(text: &str, programs: Programs) -> Result<PrefixPattern, PatternError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Token {
            One(String),
            Several(Vec<String>),
        }
        let wrong = || PatternError::new("a prefix is a list of words and of lists of words, as JSON", 0);
        let tokens: Vec<Token> = serde_json::from_str(text).map_err(|_| wrong())?;
        let mut tokens = tokens.into_iter();
        let Some(Token::One(program)) = tokens.next() else { return Err(wrong()) };
        let rest: Vec<Vec<String>> = tokens
            .map(|token| match token {
                Token::One(word) => vec![word],
                Token::Several(words) => words,
            })
            .collect();
        Ok(PrefixPattern::new(&program, programs, &rest))
    }

    /// The words as a JSON list, alternatives as a list of their own.
    pub fn text(&self) -> String {
        let word = |text: &str| serde_json::Value::from(text).to_string();
        let several = |words: &[Box<str>]| match words {
            [one] => word(one),
            words => format!("[{}]", words.iter().map(|text| word(text)).collect::<Vec<_>>().join(", ")),
        };
        let all = std::iter::once(word(&self.program)).chain(self.rest.iter().map(|words| several(words)));
        format!("[{}]", all.collect::<Vec<_>>().join(", "))
    }

    /// The name of the program.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// The words that it demands behind its program.
    pub(super) fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        // Where no word would do, one that is known only when it runs still does.
        let demanded = self.rest.iter().zip(1..).filter(|(words, _)| !words.is_empty());
        demanded.map(|(words, place)| Demand::several(place, words))
    }

    /// How the program's name is meant.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// How many words it has.
    pub fn length(&self) -> usize {
        self.rest.len() + 1
    }

    /// Whether the first words of the command are these.
    ///
    /// With [`Case::Fold`], for asks and denies, a word that is known only when it runs could be any words. An allow
    /// takes no command that has such a word: Codex does not look into these at all.
    pub fn matches(&self, words: &[Word], case: Case) -> bool {
        let Some((program, words)) = words.split_first() else { return false };
        if program.kind == WordKind::Dynamic || !self.is_program(&program.text, case) {
            return false;
        }
        if case == Case::Exact && words.iter().any(|word| word.kind == WordKind::Dynamic) {
            return false;
        }
        let mut words = words.iter();
        for wanted in &self.rest {
            match words.next() {
                Some(word) if word.kind == WordKind::Dynamic => return true,
                Some(word) if wanted.iter().any(|text| **text == *word.text) => {}
                _ => return false,
            }
        }
        true
    }

    /// Patterns of ours over the same commands, if their words are meant as they are, and there are at most so many.
    pub(super) fn spelled_out(&self, most: usize) -> Vec<String> {
        let count = self.rest.iter().fold(1_usize, |count, words| count.saturating_mul(words.len()));
        if self.programs != Programs::Exact || count > most {
            return Vec::new();
        }
        let mut lines = vec![escaped(&self.program)];
        for words in &self.rest {
            let longer =
                |line: &String| words.iter().map(|word| format!("{line} {}", escaped(word))).collect::<Vec<_>>();
            lines = lines.iter().flat_map(longer).collect();
        }
        lines.into_iter().map(|line| format!("{line} **")).collect()
    }

    /// Whether the pattern matches and spells out the word at `at`.
    pub(super) fn names(&self, words: &[Word], at: usize) -> bool {
        (1..self.length()).contains(&at) && self.matches(words, Case::Exact)
    }

    fn is_program(&self, word: &str, case: Case) -> bool {
        if self.programs == Programs::Exact {
            return *self.program == *word;
        }
        // With `..` behind a link the path leads elsewhere than it reads: such a name is not enough for an allow.
        if case == Case::Exact && word.split('/').any(|name| name == "..") {
            return false;
        }
        let Some(path) = plain_path(word) else { return false };
        let Some((folder, name)) = path.rsplit_once('/') else { return false };
        *name == *self.program
            && match &self.programs {
                Programs::Exact => false,
                Programs::AnyPath => case == Case::Fold || SYSTEM_FOLDERS.contains(&folder),
                Programs::Paths(paths) => paths.contains(&path),
            }
    }
}

/// A word as patterns of ours write it.
fn escaped(word: &str) -> String {
    word.chars()
        .flat_map(|c| if c.is_alphanumeric() || "-_./:".contains(c) { vec![c] } else { vec!['\\', c] })
        .collect()
}

/// An absolute path without empty and dotted names, by text alone; none if it is not absolute.
pub fn plain_path(path: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in path.strip_prefix('/')?.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    Some(names.iter().fold(String::new(), |path, name| path + "/" + name))
}

#[cfg(test)]
mod tests {
    use super::{Case, PrefixPattern, Programs, Word, WordKind, plain_path};

    fn words(words: &[&str]) -> Vec<Word> {
        let kind = |text: &str| if text.starts_with('$') { WordKind::Dynamic } else { WordKind::Data };
        words.iter().map(|text| Word { text: (*text).to_owned(), kind: kind(text) }).collect()
    }

    fn pattern(text: &str, programs: Programs) -> PrefixPattern {
        PrefixPattern::parse(text, programs).unwrap()
    }

    #[test]
    fn words_are_compared_as_they_are_and_more_may_follow() {
        let push = pattern(r#"["git", ["push", "fetch"]]"#, Programs::Exact);
        assert!(push.matches(&words(&["git", "fetch", "--all"]), Case::Exact));
        for other in [
            &["git"][..],
            &["git", "pushx"],
            &["git", "-C", "/x", "push"],
            &["GIT", "push"],
            &["/bin/git", "push"],
            &[],
        ] {
            assert!(!push.matches(&words(other), Case::Fold), "{other:?}");
        }
        assert_eq!(push.text(), r#"["git", ["push", "fetch"]]"#);
    }

    #[test]
    fn a_word_that_is_not_known_is_forbidden_and_never_allowed() {
        let push = pattern(r#"["git", "push", "origin"]"#, Programs::Exact);
        for unknown in [&["git", "$X"][..], &["git", "push", "$X", "main"]] {
            assert!(push.matches(&words(unknown), Case::Fold) && !push.matches(&words(unknown), Case::Exact));
        }
        assert!(!push.matches(&words(&["git", "push", "origin", "$X"]), Case::Exact));
        assert!(!push.matches(&words(&["git", "pull", "$X"]), Case::Fold));
    }

    #[test]
    fn an_allow_by_name_reaches_only_programs_of_the_system_or_of_the_list() {
        let any = pattern(r#"["git"]"#, Programs::AnyPath);
        assert!(any.matches(&words(&["/usr/bin//git/"]), Case::Exact));
        for elsewhere in ["/tmp/git", "/usr/bin/../../tmp/git", "/usr/bin/../bin/git", "/git"] {
            assert!(!any.matches(&words(&[elsewhere]), Case::Exact), "{elsewhere}");
            assert!(any.matches(&words(&[elsewhere]), Case::Fold), "{elsewhere}");
        }
        assert!(!any.matches(&words(&["git"]), Case::Fold) && !any.matches(&words(&["bin/git"]), Case::Fold));
        let listed = pattern(r#"["git"]"#, Programs::Paths(vec!["/opt/git".to_owned()]));
        assert!(listed.matches(&words(&["/opt/./git"]), Case::Exact));
        assert!(!listed.matches(&words(&["/usr/bin/git"]), Case::Fold));
        assert!(!pattern(r#"["git"]"#, Programs::Paths(Vec::new())).matches(&words(&["/usr/bin/git"]), Case::Fold));
    }

    #[test]
    fn paths_lose_empty_and_dotted_names() {
        assert_eq!(plain_path("/a//b/./../c/").as_deref(), Some("/a/c"));
        assert_eq!((plain_path("a/b"), plain_path("/../a").as_deref()), (None, Some("/a")));
    }
}
