//! What two patterns of `fnmatch` have in common, and what they are in our grammar.

use countersign_policy::pattern::{Dialect, Wildcard};

/// Patterns with more in them, multiplied, are not compared.
const MOST_STEPS: usize = 4096;

/// A pattern, step by step.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// Any run of characters.
    Run,
    /// Any character.
    Any,
    /// This one.
    One(char),
    /// One of a set, as it is written with its brackets.
    Set(String),
}

/// Whether a pattern matches a text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    Wildcard::compile(Dialect::Fnmatch, pattern).matches(text)
}

/// A pattern of ours that matches exactly this text, or why there is none.
pub(super) fn literal(text: &str) -> Result<String, String> {
    native(text, text.chars().map(Token::One).collect::<Vec<_>>().as_slice())
}

impl Tokens {
    pub(super) fn of(pattern: &str) -> Tokens {
        let chars: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            at += 1;
            tokens.push(match c {
                '*' => Token::Run,
                '?' => Token::Any,
                '[' => match set(chars.get(at..).unwrap_or_default()) {
                    Some(inside) => {
                        at += inside.len() + 1;
                        match inside {
                            [one] => Token::One(*one),
                            inside => Token::Set(format!("[{}]", inside.iter().collect::<String>())),
                        }
                    }
                    None => Token::One('['),
                },
                c => Token::One(*c),
            });
        }
        Tokens(tokens)
    }

    /// The same in our grammar, or why there is none.
    pub(super) fn native(&self, written: &str) -> Result<String, String> {
        native(written, &self.0)
    }

    /// Whether it matches whatever the other one does. `false` where that is not seen.
    pub(super) fn cover(&self, other: &Tokens) -> bool {
        if self.are_apart(other) {
            return false;
        }
        let (own, other) = (self.0.as_slice(), other.0.as_slice());
        if own.len() * other.len() > MOST_STEPS {
            return own == [Token::Run];
        }
        // For each place in the other, whether what is left of ours covers what is left of it: from the end backwards.
        let mut after: Vec<bool> = vec![false; other.len() + 1];
        if let Some(end) = after.last_mut() {
            *end = true;
        }
        for token in own.iter().rev() {
            let mut here = vec![false; other.len() + 1];
            for at in (0..=other.len()).rev() {
                let next = |row: &[bool]| row.get(at + 1).copied().unwrap_or(false);
                let holds = match token {
                    Token::Run => after.get(at).copied().unwrap_or(false) || next(&here),
                    token => other.get(at).is_some_and(|its| token.covers(its)) && next(&after),
                };
                if let Some(place) = here.get_mut(at) {
                    *place = holds;
                }
            }
            after = here;
        }
        after.first().copied().unwrap_or(false)
    }

    /// Whether no text can match both. `false` where that is not seen.
    pub(super) fn are_apart(&self, other: &Tokens) -> bool {
        let differ = |(one, other): (&Token, &Token)| match (one, other) {
            (Token::One(one), Token::One(other)) => Some(one != other),
            (Token::Run, _) | (_, Token::Run) => Some(false),
            _ => None,
        };
        let first = self.0.iter().zip(&other.0).find_map(|pair| differ(pair).filter(|apart| *apart || is_run(pair)));
        let last = self.0.iter().rev().zip(other.0.iter().rev());
        let last = last.into_iter().find_map(|pair| differ(pair).filter(|apart| *apart || is_run(pair)));
        first == Some(true) || last == Some(true)
    }
}

fn is_run((one, other): (&Token, &Token)) -> bool {
    *one == Token::Run || *other == Token::Run
}

impl Token {
    /// Whether one character that this is not a run of covers another.
    fn covers(&self, other: &Token) -> bool {
        match (self, other) {
            (_, Token::Run) => false,
            (Token::Any, _) => true,
            (Token::Set(set), Token::One(one)) => matches(set, &one.to_string()),
            (one, other) => one == other,
        }
    }
}

/// What stands in a set whose `[` comes before this; none where it is not closed.
fn set(after: &[char]) -> Option<&[char]> {
    let mut from = usize::from(after.first() == Some(&'!'));
    from += usize::from(after.get(from) == Some(&']'));
    let end = from + after.get(from..)?.iter().position(|c| *c == ']')?;
    after.get(..end)
}

fn native(written: &str, tokens: &[Token]) -> Result<String, String> {
    let shown = || countersign_policy::document::quoted(written);
    if written.is_empty() {
        return Err("a resource is empty, and a pattern of ours is not".to_owned());
    }
    if written.trim() != written || written.chars().any(char::is_control) {
        return Err(format!("{} has white space at its ends or control characters in it", shown()));
    }
    let mut out = String::new();
    for token in tokens {
        match token {
            Token::Run => out.push('*'),
            Token::One(c) if "\\*(),".contains(*c) => out.extend(['\\', *c]),
            Token::One(c) => out.push(*c),
            Token::Any | Token::Set(_) => {
                return Err(format!("{} has `?` or a set in it, which our patterns do not", shown()));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    #[test]
    fn a_pattern_covers_another_only_if_it_matches_all_of_it() {
        let covers = |one: &str, other: &str| Tokens::of(one).cover(&Tokens::of(other));
        for (one, other) in
            [("*", "*.gov"), ("*.gov", "*.a.gov"), ("a*", "a?c*"), ("?", "[ab]"), ("[ab]", "[a]"), ("**", "*")]
        {
            assert!(covers(one, other), "{one} {other}");
        }
        for (one, other) in [("*.gov", "*"), ("?", "*"), ("a*b", "a*"), ("[ab]", "?"), ("*?", "*"), ("a", "b")] {
            assert!(!covers(one, other), "{one} {other}");
        }
    }

    #[test]
    fn patterns_are_apart_where_their_ends_differ() {
        let apart = |one: &str, other: &str| Tokens::of(one).are_apart(&Tokens::of(other));
        assert!(apart("*.gov", "*.com") && apart("a*", "b*") && apart("?a*", "?b*"));
        assert!(!apart("*.gov", "a*") && !apart("a*", "*") && !apart("?*", "a*") && !apart("[ab]x", "ax"));
    }
}
