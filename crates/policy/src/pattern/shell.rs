//! Patterns over the words of a simple command: `git diff *`, `./scripts/gen.sh **`.

mod includes;

use std::borrow::Cow;

use super::glob::{Case, Glob, folded};
use super::{Demand, PatternError};
use crate::target::{Word, WordKind};

/// A pattern over the words of a simple command.
///
/// A lone `*` is any number of ordinary data arguments, a lone `**` any number of any arguments; within a word `*` is
/// any run of characters of an ordinary word, and a word with `**` in it also takes options that are not ordinary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellPattern {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    AnyData,
    Anything,
    Word { glob: Glob, literal: bool, any_kind: bool },
}

impl ShellPattern {
    /// Compiles it.
    ///
    /// # Errors
    /// An empty pattern; quotes, which have no meaning in patterns; shell operators, which no simple command has.
    pub fn parse(text: &str) -> Result<ShellPattern, PatternError> {
        let words = split_words(text);
        let mut tokens = Vec::with_capacity(words.len());
        for (offset, token) in words {
            tokens.push(match token {
                "*" => Token::AnyData,
                "**" => Token::Anything,
                "&&" | "||" | "|" | ";" | "&" | ">" | ">>" | "<" => {
                    return Err(PatternError::new(
                        format!("`{token}` joins commands, and each command is judged by itself: write one rule for each"),
                        offset,
                    ));
                }
                word => {
                    if let Some(at) = unescaped(word, &['"', '\'']) {
                        return Err(PatternError::new(
                            "quotes have no meaning in patterns: write `\\ ` for a space inside a word, `\\'` for a quote",
                            offset + at,
                        ));
                    }
                    let glob = Glob::compile(word);
                    let literal = glob.is_literal();
                    Token::Word { glob, literal, any_kind: !literal && word.contains("**") }
                }
            });
        }
        if tokens.is_empty() {
            return Err(PatternError::new("a shell pattern is empty: write `**` for every command", 0));
        }
        Ok(ShellPattern { tokens })
    }

    /// The program that it speaks of, folded, if it is written out.
    pub(super) fn program(&self) -> Option<Cow<'_, str>> {
        let program = self.tokens.first()?.literal()?;
        Some(match program {
            Cow::Borrowed(text) => folded(text),
            Cow::Owned(text) => Cow::Owned(folded(&text).into_owned()),
        })
    }

    /// The words that it demands behind a program that is written out: as long as each token before takes exactly one
    /// word, at its place.
    pub(super) fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        let is_word = |token: &&Token| matches!(token, Token::Word { .. });
        let fixed = self.tokens.iter().take_while(is_word).count();
        self.tokens
            .iter()
            .enumerate()
            .skip(1)
            .filter_map(move |(at, token)| Some(Demand::one((at < fixed).then_some(at), token.literal()?)))
    }

    /// Whether the words match.
    ///
    /// With [`Case::Fold`], for asks and denies, kinds do not count, the program also matches by its name without
    /// folder, an argument that is known only when it runs could be any words, and further words do not slip past: what
    /// is said of `git push` holds for `git push --force`.
    pub fn matches(&self, words: &[Word], case: Case) -> bool {
        match (self.tokens.split_first(), words.split_first()) {
            // A program that is known only when it runs is none that is named.
            (Some((token @ Token::Word { .. }, tokens)), Some((program, words))) => {
                token.takes(program, true, case).1 && runs(tokens, words, case, false)
            }
            _ => runs(&self.tokens, words, case, true),
        }
    }

    /// Whether the pattern matches and spells out the word at `at`: all of it, or for a URL its host, for an absolute path
    /// its folder.
    pub fn names(&self, words: &[Word], at: usize) -> bool {
        let (Some(before), Some(word), Some(after)) = (words.get(..at), words.get(at), words.get(at + 1..)) else {
            return false;
        };
        self.tokens.iter().enumerate().any(|(place, token)| {
            let Token::Word { glob, literal, any_kind } = token else { return false };
            let (head, tail) = self.tokens.split_at(place);
            word_matches(glob, *literal, *any_kind, word, Case::Exact)
                && (*literal || spells_place(&glob.literal_prefix(), &word.text))
                && !head.is_empty()
                && runs(head, before, Case::Exact, true)
                && runs(tail.get(1..).unwrap_or_default(), after, Case::Exact, false)
        })
    }
}

/// Whether the start of a pattern's word says where: the host of this URL, or a folder of this path.
fn spells_place(prefix: &str, word: &str) -> bool {
    if let Some((_, rest)) = prefix.split_once("://") {
        return rest.find(['/', ':', '?']).is_some_and(|end| end > 0) && !word.contains(['@', '\\']);
    }
    prefix.starts_with('/') && prefix.len() > 1 && !word.split('/').any(|name| name == "..")
}

/// Whether the words match the tokens; `start` says that the first word is a program.
fn runs(mut tokens: &[Token], mut words: &[Word], case: Case, mut start: bool) -> bool {
    // As long as each token takes exactly one word there is only one way.
    while let (Some((token @ Token::Word { .. }, tokens_after)), Some((word, words_after))) =
        (tokens.split_first(), words.split_first())
        && !(case == Case::Fold && word.kind == WordKind::Dynamic)
    {
        if !token.takes(word, start, case).1 {
            return false;
        }
        (tokens, words, start) = (tokens_after, words_after, false);
    }
    match tokens {
        // What is known only when it runs could be all that is left, and what follows it changes nothing.
        _ if case == Case::Fold && words.first().is_some_and(|word| word.kind == WordKind::Dynamic) => true,
        [] => words.is_empty() || case == Case::Fold,
        [Token::Anything] => true,
        [Token::AnyData] => case == Case::Fold || words.iter().all(|word| word.kind == WordKind::Data),
        _ => walk(tokens, words, case, start),
    }
}

/// The same where there are several ways.
fn walk(tokens: &[Token], words: &[Word], case: Case, start: bool) -> bool {
    // reachable[i]: the words so far can be matched by the first i tokens.
    let mut reachable = vec![false; tokens.len() + 1];
    if let Some(none) = reachable.first_mut() {
        *none = true;
    }
    skip_empty(tokens, &mut reachable);
    for (position, word) in words.iter().enumerate() {
        let mut next = vec![false; tokens.len() + 1];
        for (i, token) in tokens.iter().enumerate() {
            if !reachable.get(i).copied().unwrap_or(false) {
                continue;
            }
            let (stays, goes) = token.takes(word, start && position == 0, case);
            if let Some(here) = next.get_mut(i) {
                *here |= stays;
            }
            if let Some(there) = next.get_mut(i + 1) {
                *there |= goes;
            }
        }
        if case == Case::Fold {
            // A word of unknown value may stand for no word or for several.
            if word.kind == WordKind::Dynamic {
                let mut open = false;
                for (here, before) in next.iter_mut().zip(&reachable) {
                    open |= *before;
                    *here |= open;
                }
            }
            // Further words change nothing.
            if let (Some(done), Some(true)) = (next.last_mut(), reachable.last()) {
                *done = true;
            }
        }
        skip_empty(tokens, &mut next);
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

/// `*` and `**` also match no word at all.
fn skip_empty(tokens: &[Token], reachable: &mut [bool]) {
    for (i, token) in tokens.iter().enumerate() {
        if matches!(token, Token::AnyData | Token::Anything)
            && reachable.get(i).copied().unwrap_or(false)
            && let Some(after) = reachable.get_mut(i + 1)
        {
            *after = true;
        }
    }
}

impl Token {
    /// The one word that the token takes, in this case or another.
    fn literal(&self) -> Option<Cow<'_, str>> {
        match self {
            Token::Word { glob, .. } => glob.as_literal(),
            Token::AnyData | Token::Anything => None,
        }
    }

    /// Whether the token takes this word and could take more, and whether it takes this word and is done.
    fn takes(&self, word: &Word, first: bool, case: Case) -> (bool, bool) {
        match self {
            Token::Anything => (true, false),
            Token::AnyData => (case == Case::Fold || word.kind == WordKind::Data, false),
            Token::Word { glob, literal, any_kind } if first => {
                (false, first_matches(glob, *literal, *any_kind, word, case))
            }
            Token::Word { glob, literal, any_kind } => (false, word_matches(glob, *literal, *any_kind, word, case)),
        }
    }
}

fn word_matches(glob: &Glob, literal: bool, any_kind: bool, word: &Word, case: Case) -> bool {
    let kind = match word.kind {
        WordKind::Data => true,
        WordKind::Power => literal || any_kind || case == Case::Fold,
        WordKind::Dynamic => return case == Case::Fold,
    };
    kind && glob.matches(&word.text, case)
}

/// The program. One that is known only when it runs could be any, so it would match every deny and no human could ever
/// let it run; it matches none instead, and whoever takes commands apart marks it as not understood, which asks.
fn first_matches(glob: &Glob, literal: bool, any_kind: bool, word: &Word, case: Case) -> bool {
    if word.kind == WordKind::Dynamic {
        return false;
    }
    word_matches(glob, literal, any_kind, word, case)
        || (case == Case::Fold && behind_folder(&word.text).is_some_and(|name| glob.matches(name, case)))
}

/// The name behind the last `/`, if there is one. Most programs are short and have none.
fn behind_folder(program: &str) -> Option<&str> {
    program.get(program.bytes().rposition(|byte| byte == b'/')? + 1..)
}

/// The words of a pattern with their offsets, split at white space that no backslash escapes.
fn split_words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !escaped {
            if let Some(from) = start.take() {
                words.extend(text.get(from..at).map(|word| (from, word)));
            }
        } else if start.is_none() {
            start = Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    if let Some(from) = start {
        words.extend(text.get(from..).map(|word| (from, word)));
    }
    words
}

/// The offset of the first of these characters that no backslash escapes.
fn unescaped(text: &str, wanted: &[char]) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && wanted.contains(&c) {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{Case, ShellPattern, Token, first_matches, runs, walk};
    use crate::target::{Word, WordKind};

    fn word() -> impl Strategy<Value = Word> {
        let kind = prop_oneof![4 => Just(WordKind::Data), 1 => Just(WordKind::Power), 1 => Just(WordKind::Dynamic)];
        let text = prop::sample::select(&["a", "A", "b", "x/a", "-b"][..]);
        (text, kind).prop_map(|(text, kind)| Word { text: text.to_owned(), kind })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_short_way_leads_where_the_long_one_does(
            tokens in vec(prop::sample::select(&["a", "b", "*", "**", "a*", "-**"][..]), 1..5),
            words in vec(word(), 0..5),
            start in any::<bool>(),
            folded in any::<bool>(),
        ) {
            let pattern = ShellPattern::parse(&tokens.join(" ")).unwrap();
            let case = if folded { Case::Fold } else { Case::Exact };
            let long = walk(&pattern.tokens, &words, case, start);
            prop_assert_eq!(runs(&pattern.tokens, &words, case, start), long);
            let first = match (pattern.tokens.first(), words.first()) {
                (Some(Token::Word { glob, literal, any_kind }), Some(word)) => {
                    first_matches(glob, *literal, *any_kind, word, case)
                }
                _ => true,
            };
            prop_assert_eq!(pattern.matches(&words, case), first && walk(&pattern.tokens, &words, case, true));
        }
    }
}
