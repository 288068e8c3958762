//! What a pattern over commands demands of the words of a command, so that its rule need not be looked at for others.

use std::borrow::Cow;

use super::{Form, Pattern, folded};

/// A word that every command which a pattern matches has behind its program, or one that is known only when it runs in
/// its place or before it. Of a pattern over texts, such a piece of the text between blanks.
#[derive(Debug, Clone)]
pub(crate) struct Demand<'p> {
    /// Where it stands behind the program, from 1; `None`: anywhere, and what is known only when it runs, too.
    pub(crate) place: Option<usize>,
    words: Words<'p>,
}

#[derive(Debug, Clone)]
enum Words<'p> {
    One(Cow<'p, str>),
    Several(&'p [Box<str>]),
}

impl<'p> Demand<'p> {
    /// This word.
    pub(super) fn one(place: Option<usize>, word: impl Into<Cow<'p, str>>) -> Demand<'p> {
        Demand { place, words: Words::One(word.into()) }
    }

    /// One of these words.
    pub(super) fn several(place: usize, words: &'p [Box<str>]) -> Demand<'p> {
        Demand { place: Some(place), words: Words::Several(words) }
    }

    /// What it may be, in this case or another.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match &self.words {
            Words::One(word) => (Some(&**word), &[][..]),
            Words::Several(words) => (None, *words),
        };
        one.into_iter().chain(several.iter().map(|word| &**word))
    }
}

impl Pattern {
    /// The program that a pattern over commands speaks of, folded, if it is written out.
    pub(crate) fn program(&self) -> Option<Cow<'_, str>> {
        match &self.form {
            Form::Shell(pattern) => pattern.program(),
            Form::Prefix(pattern) => Some(folded(pattern.program())),
            Form::Line(pattern) => pattern.pieces()?.next().map(Cow::Borrowed),
            _ => None,
        }
    }

    /// The words that a pattern over commands demands behind a program that is written out.
    pub(crate) fn demands(&self) -> impl Iterator<Item = Demand<'_>> {
        let (shell, prefix, pieces) = match &self.form {
            Form::Shell(pattern) => (Some(pattern), None, None),
            Form::Prefix(pattern) => (None, Some(pattern), None),
            Form::Line(pattern) => (None, None, pattern.pieces()),
            _ => (None, None, None),
        };
        let shell = shell.into_iter().flat_map(|pattern| pattern.demands());
        let prefix = prefix.into_iter().flat_map(|pattern| pattern.demands());
        let pieces = pieces.into_iter().flat_map(|pieces| (0..).zip(pieces).skip(1));
        shell.chain(prefix).chain(pieces.map(|(place, piece)| Demand::one(Some(place), piece)))
    }

    /// Whether it is one over the text of a command.
    pub(crate) fn is_of_lines(&self) -> bool {
        matches!(self.form, Form::Line(_))
    }
}
