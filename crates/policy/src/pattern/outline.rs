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

/// A text as coarse as outlines are.
pub(crate) fn plain(text: &str) -> Cow<'_, [u8]> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_ascii() {
        return if text.bytes().any(|byte| coarse(byte) != byte) {
            Cow::Owned(text.bytes().map(coarse).collect())
        } else {
            Cow::Borrowed(text.as_bytes())
        };
    }
    let mut plain = Vec::with_capacity(text.len());
    for c in text.chars() {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            // Some that are not ASCII are a letter of ASCII's in another case.
            (Some(only), None) if only.is_ascii() => plain.extend(u8::try_from(only).map(coarse)),
            _ => plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(plain)
}

fn coarse(byte: u8) -> u8 {
    if byte == b'\\' { b'/' } else { byte.to_ascii_lowercase() }
}

fn without_line_break(literal: &[u8]) -> &[u8] {
    literal.strip_suffix(b"\n").unwrap_or(literal)
}
