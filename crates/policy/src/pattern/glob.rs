//! The small glob program below all pattern languages: literal characters and runs of any characters.

use std::borrow::Cow;

use super::Outline;
use super::marks::Marks;

/// Whether letters must agree in case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They must: for allows, which mean exactly what they say.
    Exact,
    /// They need not: for asks and denies, which must not be slipped past by another spelling.
    Fold,
}

/// One glob. Its text is its program: nothing is gained by another form, and a policy of a thousand rules is read for
/// every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    /// Whether the text stands for itself: it has neither `*` nor `\`.
    plain: bool,
    /// Whether it is ASCII alone.
    ascii: bool,
}

/// One step of a glob.
#[derive(Clone, Copy)]
enum Piece {
    Char(char),
    AnyRun,
}

impl Glob {
    /// Compiles a text in which `*` stands for any run of characters and `\` takes the next character as it is.
    /// A backslash at the very end stands for itself.
    pub fn compile(text: &str) -> Glob {
        let plain = !text.bytes().any(|byte| matches!(byte, b'*' | b'\\'));
        Glob { text: text.into(), plain, ascii: text.is_ascii() }
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stands for exactly one text.
    pub(super) fn is_literal(&self) -> bool {
        if self.plain {
            return true;
        }
        let mut rest = &*self.text;
        while let Some((piece, after)) = first(rest) {
            if matches!(piece, Piece::AnyRun) {
                return false;
            }
            rest = after;
        }
        true
    }

    /// The characters before the first run of any.
    pub(super) fn literal_prefix(&self) -> String {
        let mut prefix = String::new();
        let mut rest = &*self.text;
        while let Some((Piece::Char(c), after)) = first(rest) {
            prefix.push(c);
            rest = after;
        }
        prefix
    }

    /// Marks what every text that matches has in it, with `edge` on both sides of it.
    pub(super) fn mark(&self, marks: &mut Marks, edge: char) {
        if self.plain && self.ascii {
            let characters = self.text.bytes().map(char::from).chain([edge]);
            characters.fold(edge, |before, here| {
                marks.add(Some(before), Some(here));
                here
            });
            return;
        }
        let mut before = Some(edge);
        let mut rest = &*self.text;
        while let Some((piece, after)) = first(rest) {
            let here = match piece {
                Piece::Char(c) => Some(c),
                Piece::AnyRun => None,
            };
            marks.add(before, here);
            before = here;
            rest = after;
        }
        marks.add(before, Some(edge));
    }

    /// Its characters; `None` where any run of them may stand.
    pub(super) fn characters(&self) -> Vec<Option<char>> {
        let mut all = Vec::new();
        let mut rest = &*self.text;
        while let Some((piece, after)) = first(rest) {
            all.push(match piece {
                Piece::Char(c) => Some(c),
                Piece::AnyRun => None,
            });
            rest = after;
        }
        all
    }

    /// Adds what every text that matches has in it.
    pub(super) fn outline_into(&self, outline: &mut Outline) {
        let mut rest = &*self.text;
        while let Some((piece, after)) = first(rest) {
            match piece {
                Piece::Char(c) => outline.literal(c),
                Piece::AnyRun => outline.gap(),
            }
            rest = after;
        }
    }

    /// The glob's text, if it stands for exactly one.
    pub fn literal(&self) -> Option<String> {
        if self.plain {
            return Some(self.text.to_string());
        }
        let mut literal = String::with_capacity(self.text.len());
        let mut rest = &*self.text;
        while let Some((piece, after)) = first(rest) {
            match piece {
                Piece::Char(c) => literal.push(c),
                Piece::AnyRun => return None,
            }
            rest = after;
        }
        Some(literal)
    }

    /// The same without a copy, where it has no `\`.
    pub(super) fn as_literal(&self) -> Option<Cow<'_, str>> {
        if self.plain { Some(Cow::Borrowed(&*self.text)) } else { self.literal().map(Cow::Owned) }
    }

    /// Whether the whole of `text` matches. Time is at most the product of both lengths, memory is constant.
    pub fn matches(&self, text: &str, case: Case) -> bool {
        if self.plain && case == Case::Exact {
            return *self.text == *text;
        }
        if self.plain && self.text.eq_ignore_ascii_case(text) {
            return true;
        }
        if self.plain && self.ascii && text.is_ascii() {
            return false;
        }
        let mut pieces = &*self.text;
        let mut rest = text;
        // Where to go on after the last `*` if what follows does not match: the pieces behind it, the text from there.
        let mut retry: Option<(&str, &str)> = None;
        loop {
            let piece = first(pieces);
            if let Some((Piece::AnyRun, after)) = piece {
                if after.is_empty() {
                    return true;
                }
                retry = Some((after, rest));
                pieces = after;
                continue;
            }
            let mut chars = rest.chars();
            match (piece, chars.next()) {
                (None, None) => return true,
                (Some((Piece::Char(wanted), after)), Some(found)) if same(wanted, found, case) => {
                    pieces = after;
                    rest = chars.as_str();
                }
                _ => {
                    let Some((after, from)) = retry else { return false };
                    let mut chars = from.chars();
                    if chars.next().is_none() {
                        return false;
                    }
                    retry = Some((after, chars.as_str()));
                    pieces = after;
                    rest = chars.as_str();
                }
            }
        }
    }

    /// Whether this one, compared with `case`, matches everything that `other` matches, compared with `theirs`.
    ///
    /// It does if it matches the other's text with a run of any as one symbol that only such a run takes: that symbol
    /// could stand for a character that occurs nowhere else. Exact, but for letters that the other takes in either case
    /// and this one does not: there the answer is no.
    pub(super) fn includes(&self, other: &Glob, case: Case, theirs: Case) -> bool {
        let agree = |wanted: char, found: char| match (case, theirs) {
            (Case::Exact, Case::Fold) => wanted == found && found.is_ascii() && !found.is_ascii_alphabetic(),
            _ => same(wanted, found, case),
        };
        let (mut pieces, mut rest) = (&*self.text, &*other.text);
        let mut retry: Option<(&str, &str)> = None;
        loop {
            match (first(pieces), first(rest)) {
                (Some((Piece::AnyRun, "")), _) | (None, None) => return true,
                (Some((Piece::AnyRun, after)), _) => {
                    retry = Some((after, rest));
                    pieces = after;
                }
                (Some((Piece::Char(wanted), after)), Some((Piece::Char(found), tail))) if agree(wanted, found) => {
                    (pieces, rest) = (after, tail);
                }
                _ => {
                    let Some((after, from)) = retry else { return false };
                    let Some((_, tail)) = first(from) else { return false };
                    retry = Some((after, tail));
                    (pieces, rest) = (after, tail);
                }
            }
        }
    }
}

/// The first step of a glob's text, and what is left.
fn first(text: &str) -> Option<(Piece, &str)> {
    let mut chars = text.chars();
    let piece = match chars.next()? {
        '*' => Piece::AnyRun,
        '\\' => Piece::Char(chars.next().unwrap_or('\\')),
        other => Piece::Char(other),
    };
    Some((piece, chars.as_str()))
}

/// A text as all texts that differ from it in case alone have it.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn same(a: char, b: char, case: Case) -> bool {
    if a == b {
        return true;
    }
    case == Case::Fold
        && if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(&b) } else { a.to_lowercase().eq(b.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::{Case, Glob};

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::compile(pattern).matches(text, Case::Exact)
    }

    #[test]
    fn runs_and_literals() {
        assert!(matches("", ""));
        assert!(!matches("", "a"));
        assert!(matches("*", ""));
        assert!(matches("a*c", "abbc"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*c", "abcd"));
        assert!(matches("*.rs", "x.rs"));
        assert!(!matches("*.rs", "x.rss"));
        assert!(matches("a\\*", "a*"));
        assert!(!matches("a\\*", "ab"));
        assert!(matches("trailing\\", "trailing\\"));
    }

    #[test]
    fn case() {
        assert!(Glob::compile(".ENV*").matches(".env.local", Case::Fold));
        assert!(!Glob::compile(".ENV*").matches(".env.local", Case::Exact));
    }

    #[test]
    fn many_stars_stay_polynomial() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199).replace("aa", "ab")));
    }
}
