//! What an edit changes, line by line.

use similar::{ChangeTag, TextDiff};

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Stays.
    Same(String),
    /// Goes.
    Old(String),
    /// Comes.
    New(String),
    /// Lines that stay and are not shown.
    Gap,
}

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// The changed lines of two texts, with a few around them.
pub(crate) fn lines(old: &str, new: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    let mut next = 0;
    for group in diff.grouped_ops(AROUND) {
        if group.first().is_some_and(|first| first.old_range().start > next) {
            lines.push(Line::Gap);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Delete => Line::Old(text),
                ChangeTag::Insert => Line::New(text),
            });
        }
        next = group.last().map_or(next, |last| last.old_range().end);
    }
    if next < old.lines().count() && !lines.is_empty() {
        lines.push(Line::Gap);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Line, lines};

    #[test]
    fn only_what_changes_is_shown_with_its_surroundings() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let new = "1\n2\n3\n4\n5\nsix\n7\n8\n9\n10\n";
        let same = |text: &str| Line::Same(text.to_owned());
        assert_eq!(
            lines(old, new),
            [
                Line::Gap,
                same("3"),
                same("4"),
                same("5"),
                Line::Old("6".to_owned()),
                Line::New("six".to_owned()),
                same("7"),
                same("8"),
                same("9"),
                Line::Gap,
            ]
        );
        assert_eq!(lines(old, old), []);
        assert_eq!(lines("", "a\n"), [Line::New("a".to_owned())]);
        assert_eq!(lines("a\n", ""), [Line::Old("a".to_owned())]);
    }
}
