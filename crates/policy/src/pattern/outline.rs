//! What is known of every text that a pattern matches: how it begins, how it ends, what is inside.
//!
//! An outline is coarser than any dialect: letters in lower case, `\` as `/`, nothing but ASCII, no line break at the end.
//! [`plain`] makes a text as coarse. So one look-up serves all dialects, and what it finds is then matched as its own
//! dialect matches; what it does not find could not have matched.

use std::borrow::Cow;

/// What is known of every text that a pattern matches, built from left to right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// How it begins, once something unknown has followed.
    prefix: Vec<u8>,
    /// The longest literal between two unknowns.
    inner: Vec<u8>,
    /// The literal since the last unknown.
    current: Vec<u8>,
    open: bool,
}

impl Outline {
    /// This character follows.
    pub(crate) fn literal(&mut self, c: char) {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => self.current.push(coarse(byte)),
            _ => self.gap(),
        }
    }

    /// These characters follow.
    pub(crate) fn literals(&mut self, text: &str) {
        text.chars().for_each(|c| self.literal(c));
    }

    /// Anything may follow.
    pub(crate) fn gap(&mut self) {
        if !self.open {
            self.open = true;
            self.prefix = std::mem::take(&mut self.current);
        } else {
            if self.current.len() > self.inner.len() {
                std::mem::swap(&mut self.inner, &mut self.current);
            }
            self.current.clear();
        }
    }

    /// A line break may follow at the very end. A text loses one when it is made coarse, and here could have two.
    pub(super) fn may_end_in_line_break(&mut self) {
        if self.current.last() == Some(&b'\n') {
            self.gap();
        }
    }

    /// How every text begins; all of it if [`Outline::is_whole`].
    pub(crate) fn prefix(&self) -> &[u8] {
        without_line_break(if self.open { &self.prefix } else { &self.current })
    }

    /// Whether the prefix is all of the text.
    pub(crate) fn is_whole(&self) -> bool {
        !self.open
    }

    /// How every text ends; nothing where the prefix is all of it.
    pub(crate) fn suffix(&self) -> &[u8] {
        if self.open { without_line_break(&self.current) } else { &[] }
    }

    /// What is in every text.
    pub(crate) fn inner(&self) -> &[u8] {
        without_line_break(&self.inner)
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.open && self.prefix().is_empty() && self.suffix().is_empty() && self.inner().is_empty()
    }
}

/// The one letter that is not ASCII and is one of ASCII's in another case: the sign of the unit kelvin.
const KELVIN: &str = "\u{212a}";

/// A text as coarse as outlines are, once [`coarse`] was asked of each byte.
pub(crate) fn plain(text: &str) -> Cow<'_, [u8]> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_ascii() || !text.contains(KELVIN) {
        Cow::Borrowed(text.as_bytes())
    } else {
        Cow::Owned(text.replace(KELVIN, "k").into_bytes())
    }
}

/// A byte without its case, and `\` as `/`.
pub(crate) fn coarse(byte: u8) -> u8 {
    if byte == b'\\' { b'/' } else { byte.to_ascii_lowercase() }
}

fn without_line_break(literal: &[u8]) -> &[u8] {
    literal.strip_suffix(b"\n").unwrap_or(literal)
}

#[cfg(test)]
mod tests {
    use super::{KELVIN, Outline};

    #[test]
    fn no_other_letter_is_one_of_asciis_in_another_case() {
        let is_ascii = |c: &char| !c.is_ascii() && c.to_lowercase().eq(c.to_lowercase().take(1).filter(char::is_ascii));
        assert_eq!(('\0'..=char::MAX).filter(is_ascii).collect::<String>(), KELVIN);
    }

    #[test]
    fn what_is_not_known_comes_between() {
        let mut outline = Outline::default();
        outline.literals("Git\\");
        outline.gap();
        outline.literals("a\u{e9}long");
        outline.gap();
        outline.literals("end\n");
        assert_eq!([outline.prefix(), outline.inner(), outline.suffix()], [&b"git/"[..], b"long", b"end"]);
    }
}
