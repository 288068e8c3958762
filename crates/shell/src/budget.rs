//! What the parser may spend on one line: a decision must come in time, whatever the line is.
//!
//! Counted in the parser's own operations and not in time, so that a line means the same on every machine.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// The operations that one line may cost, its payloads included, in hundreds: some 25 KiB of ordinary commands.
/// What here-documents and quotes hold costs next to nothing.
pub(crate) const MOST_OPERATIONS: usize = 300;
/// The parser's time grows with the square of a pipeline's length.
const MOST_PIPES: usize = 512;
/// For each here-document without an end the parser looks through all of the line: so many bytes together.
const MOST_SEARCHED: usize = 512 * 1024;

/// Parses a line and takes what that costs from `left`; `None` if it is too much.
pub(crate) fn parse(line: &str, left: &mut usize) -> Option<Tree> {
    thread_local! {
        static PARSER: RefCell<Option<Parser>> = RefCell::new(new());
    }
    if is_costly(line) {
        return None;
    }
    PARSER.with(|parser| parse_with(parser.try_borrow_mut().ok()?.as_mut()?, line, left))
}

fn new() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    Some(parser)
}

fn parse_with(parser: &mut Parser, line: &str, left: &mut usize) -> Option<Tree> {
    let mut count = |_: &ParseState| match left.checked_sub(1) {
        Some(rest) => {
            *left = rest;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let mut read = |at: usize, _| line.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(ParseOptions::new().progress_callback(&mut count)));
    // Or the next line would go on with this one.
    parser.reset();
    tree
}

/// Whether a line has too much of what costs the parser more than its length accounts for.
fn is_costly(line: &str) -> bool {
    let (mut pipes, mut searched) = (0, 0);
    let mut rest = line;
    while let Some((first, after)) = next_line(rest) {
        rest = after;
        pipes += first.matches('|').count();
        // Most lines have none.
        let documents = if first.contains('<') { first } else { "" };
        for (index, delimiter) in delimiters(documents).enumerate() {
            match end_of(rest, delimiter).filter(|_| index == 0) {
                Some(end) => rest = end,
                None => searched += line.len(),
            }
            if searched > MOST_SEARCHED {
                return true;
            }
        }
        if pipes > MOST_PIPES {
            return true;
        }
    }
    false
}

fn next_line(text: &str) -> Option<(&str, &str)> {
    (!text.is_empty()).then(|| text.split_once('\n').unwrap_or((text, "")))
}

/// What follows each `<<` of a line.
fn delimiters(line: &str) -> impl Iterator<Item = &str> {
    let starts = line.split("<<").skip(1).filter(|rest| !rest.starts_with('<'));
    starts.map(|rest| {
        let word = rest.trim_start_matches(['-', ' ', '\t', '\'', '"', '\\']);
        word.split([' ', '\t', '\'', '"', ';', '&', '|', '<', '>', '(', ')']).next().unwrap_or_default()
    })
}

/// The text behind the first line that is nothing but the delimiter.
fn end_of<'a>(text: &'a str, delimiter: &str) -> Option<&'a str> {
    let mut rest = text;
    while let Some((line, after)) = next_line(rest) {
        if line.trim_start_matches('\t').trim_end_matches([')', '"']) == delimiter {
            return Some(after);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_costly;
    use crate::LONGEST;

    #[test]
    fn what_here_documents_hold_costs_nothing() {
        let table = "| a | b |\n".repeat(2000);
        assert!(!is_costly(&format!("cat <<'EOF' > x\n{table}EOF\nls | wc")));
        assert!(!is_costly(&format!("x=$(cat <<-'EOF'\n{}\tEOF\n)", "cout << a << b;\n".repeat(2000))));
        assert!(is_costly(&table));
    }

    #[test]
    fn here_documents_without_an_end_are_few() {
        assert!(is_costly(&"<<A\n".repeat(LONGEST / 4)));
        assert!(is_costly(&format!("cat {}", "<<A ".repeat(LONGEST / 8))));
        assert!(!is_costly("cat <<A"));
        assert!(!is_costly(&"cat <<A\nx\nA\n".repeat(LONGEST / 16)));
    }
}
