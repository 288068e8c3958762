//! Patterns over the words of a simple command: `git diff *`, `./scripts/gen.sh **`.

use super::PatternError;
use super::glob::{Case, Glob};
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
        let mut tokens = Vec::new();
        for (offset, token) in split_words(text) {
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
                    Token::Word { glob, literal, any_kind: word.contains("**") }
                }
            });
        }
        if tokens.is_empty() {
            return Err(PatternError::new("a shell pattern is empty: write `**` for every command", 0));
        }
        Ok(ShellPattern { tokens })
    }

    /// Whether the words match.
    ///
    /// With [`Case::Fold`], for asks and denies, kinds do not count, the program also matches by its name without
    /// folder, and an argument that is known only when it runs could be any words.
    pub fn matches(&self, words: &[Word], case: Case) -> bool {
        if let (Some(Token::Word { glob, literal, any_kind }), Some(word)) = (self.tokens.first(), words.first())
            && !first_matches(glob, *literal, *any_kind, word, case)
        {
            return false;
        }
        // reachable[i]: the words so far can be matched by the first i tokens.
        let mut reachable = vec![false; self.tokens.len() + 1];
        if let Some(start) = reachable.first_mut() {
            *start = true;
        }
        self.skip_empty(&mut reachable);
        for (position, word) in words.iter().enumerate() {
            let mut next = vec![false; self.tokens.len() + 1];
            for (i, token) in self.tokens.iter().enumerate() {
                if !reachable.get(i).copied().unwrap_or(false) {
                    continue;
                }
                let (stays, goes) = token.takes(word, position == 0, case);
                if let Some(here) = next.get_mut(i) {
                    *here |= stays;
                }
                if let Some(there) = next.get_mut(i + 1) {
                    *there |= goes;
                }
            }
            // A word of unknown value may stand for no word or for several.
            if case == Case::Fold && word.kind == WordKind::Dynamic {
                let mut open = false;
                for (here, before) in next.iter_mut().zip(&reachable) {
                    open |= *before;
                    *here |= open;
                }
            }
            self.skip_empty(&mut next);
            reachable = next;
        }
        reachable.last().copied().unwrap_or(false)
    }

    /// `*` and `**` also match no word at all.
    fn skip_empty(&self, reachable: &mut [bool]) {
        for (i, token) in self.tokens.iter().enumerate() {
            if matches!(token, Token::AnyData | Token::Anything)
                && reachable.get(i).copied().unwrap_or(false)
                && let Some(after) = reachable.get_mut(i + 1)
            {
                *after = true;
            }
        }
    }
}

impl Token {
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
        || (case == Case::Fold && word.text.rsplit('/').next().is_some_and(|name| glob.matches(name, case)))
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
