//! Patterns over plain texts: names of tools, kinds of sub-agents, arguments.

use super::Outline;
use super::glob::{Case, Glob};

/// A pattern over a plain text: `*` is any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPattern {
    glob: Glob,
}

impl TextPattern {
    /// Compiles it.
    pub fn new(text: &str) -> TextPattern {
        TextPattern { glob: Glob::compile(text) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.glob.as_str()
    }

    /// The text, if it stands for exactly one.
    pub fn literal(&self) -> Option<String> {
        self.glob.literal()
    }

    /// What every text that matches has in it.
    pub(crate) fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        self.outline_into(&mut outline);
        outline
    }

    /// The same, behind what an outline has already.
    pub(crate) fn outline_into(&self, outline: &mut Outline) {
        self.glob.outline_into(outline);
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str, case: Case) -> bool {
        self.glob.matches(text, case)
    }

    /// Whether it matches everything that `other` does.
    pub fn includes(&self, other: &TextPattern, case: Case, theirs: Case) -> bool {
        self.glob.includes(&other.glob, case, theirs)
    }
}
