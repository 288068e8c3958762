//! Where the parser and a shell may disagree: what stands between the nodes of the tree, comments, hidden characters.

use std::ops::Range;

use tree_sitter::Node;

use crate::walk::Walk;

impl Walk<'_> {
    /// Between a node's children there may be blanks only.
    pub(crate) fn gaps(&mut self, node: Node<'_>) {
        let whole = node.kind() == "program";
        let one_line =
            matches!(node.kind(), "command" | "file_redirect" | "herestring_redirect" | "redirected_statement");
        let mut end = if whole { 0 } else { node.start_byte() };
        let last = if whole { self.line.len() } else { node.end_byte() };
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            let gap = end..child.start_byte();
            // The parser drops a `-` before a here-document; `simple_command` puts it back.
            let dropped = child.kind() == "heredoc_redirect" && self.is_dash(gap.clone());
            // A new line ends a command, whatever the parser makes of it.
            let breaks = |gap: &str| gap.contains('\n') && gap.replace("\\\n", "").contains('\n');
            let broken = one_line && self.line.get(gap.clone()).is_none_or(breaks);
            if child.is_error() || child.is_missing() || broken || !(dropped || self.is_blank(gap)) {
                self.unknown("text that is not understood", end..child.end_byte());
            }
            end = child.end_byte().max(end);
        }
        if !self.is_blank(end..last) {
            self.unknown("text that is not understood", end..last);
        }
    }

    pub(crate) fn is_dash(&self, range: Range<usize>) -> bool {
        self.line.get(range).is_some_and(|gap| gap.starts_with([' ', '\t']) && gap.trim_matches([' ', '\t']) == "-")
    }

    pub(crate) fn is_blank(&self, range: Range<usize>) -> bool {
        if range.is_empty() {
            return true;
        }
        let Some(gap) = self.line.get(range) else { return false };
        let mut bytes = gap.bytes();
        while let Some(byte) = bytes.next() {
            let blank = matches!(byte, b' ' | b'\t' | b'\n') || byte == b'\\' && bytes.next() == Some(b'\n');
            if !blank {
                return false;
            }
        }
        true
    }

    /// Whether a gap keeps two words apart: a continued line alone does not.
    pub(crate) fn is_apart(&self, range: Range<usize>) -> bool {
        self.line.get(range).is_some_and(|gap| gap.contains([' ', '\t']))
    }

    /// Whether nothing is between two places but a continued line, if that.
    pub(crate) fn is_continued(&self, range: Range<usize>) -> bool {
        self.line.get(range).is_some_and(|gap| gap.trim_start_matches("\\\n").is_empty())
    }

    pub(crate) fn is_word_start(&self, at: usize) -> bool {
        let mut before = self.line.get(..at).unwrap_or_default();
        while let Some(joined) = before.strip_suffix("\\\n") {
            before = joined;
        }
        let before = before.as_bytes().last();
        before.is_none_or(|byte| b" \t\n;&|()<>".contains(byte))
    }

    pub(crate) fn ends_word(&self, at: usize) -> bool {
        self.line.as_bytes().get(at).is_none_or(|byte| b" \t\n;&|()<>".contains(byte))
    }

    pub(crate) fn comment(&mut self, node: Node<'_>) {
        if !self.is_word_start(node.start_byte()) || self.text(node).contains('\n') {
            self.unknown("a comment that a shell may not see as one", node.byte_range());
        }
    }
}

/// Whether a character chooses how the one before it shows: behind a letter of ASCII there is nothing to choose, but for
/// the frame of a key (`1️⃣`).
pub(crate) fn is_selector_of_nothing(before: char, c: char, after: Option<char>) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}') && before.is_ascii() && after != Some('\u{20e3}')
}

/// Whether a character shows nothing, or changes how others show: what a human approves must be what they see.
///
/// Joiners stay, which scripts and emoji need.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n')
        || matches!(c, '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2000}'..='\u{200a}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
