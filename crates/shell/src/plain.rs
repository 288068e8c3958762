//! Lines of nothing but plain and quoted words and patterns of files, joined by `|`, `&&`, `||` and `;`: they mean the
//! same to every shell and need no parser.
//!
//! The parser's first use in a process costs more than everything else that a hook does, and later ones a third of it.

use std::ops::Range;

use crate::word::{self, Token, is_plain};

/// Words that are syntax, or that the parser treats in its own way, in the place of a program.
const SPECIAL: [&str; 25] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select",
    "time", "coproc", "in", "export", "declare", "typeset", "readonly", "local", "unset", "unsetenv", "nameref",
];

/// One simple command of a plain line.
pub(crate) struct Part {
    /// What stands before it: `|`, `&&`, `||`, `;`, or nothing.
    pub(crate) operator: &'static str,
    pub(crate) range: Range<usize>,
    pub(crate) words: Vec<Token>,
}

/// The commands of a line, if it is a plain one.
pub(crate) fn parts(line: &str) -> Option<Vec<Part>> {
    let text = line.trim_end_matches([' ', '\t', '\n']);
    let mut at = text.len() - text.trim_start_matches([' ', '\t', '\n']).len();
    let mut parts = Vec::new();
    let mut operator = "";
    loop {
        let part = part(text, at, operator)?;
        at = part.range.end;
        parts.push(part);
        let rest = text.get(at..)?.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(parts);
        }
        operator = ["&&", "||", "|", ";"].into_iter().find(|operator| rest.starts_with(operator))?;
        at = text.len() - rest.len() + operator.len();
    }
}

/// The command that starts at a place.
fn part(text: &str, from: usize, operator: &'static str) -> Option<Part> {
    let blank = |at: usize| matches!(text.as_bytes().get(at), Some(b' ' | b'\t'));
    let mut words = Vec::new();
    let (mut at, mut start, mut end) = (from, from, from);
    loop {
        while blank(at) {
            at += 1;
        }
        let stop = word_end(text, at)?;
        if stop == at {
            break;
        }
        let raw = text.get(at..stop)?;
        if words.is_empty() {
            if !is_program(raw) {
                return None;
            }
            start = at;
        }
        if raw.starts_with('=') {
            return None;
        }
        let count = words.len();
        word::read(text, at..stop, &[], &mut words).ok()?;
        if words.len() != count + 1 {
            return None;
        }
        (at, end) = (stop, stop);
    }
    (!words.is_empty()).then_some(Part { operator, range: start..end, words })
}

/// Whether a word names a program and is nothing else to the parser.
fn is_program(raw: &str) -> bool {
    raw.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/'))
        && !raw.contains(['%', '@', '+', ',', '=', '\'', '"', '~', '^', '*', '?'])
        && !SPECIAL.contains(&raw)
}

/// Where a word ends: at a blank, an operator or the end. `None` if something else is in it.
fn word_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'|' | b';' | b'&' => break,
            b'\'' | b'"' => {
                let inside = bytes.get(at + 1..)?;
                let length = inside.iter().position(|&other| other == byte)?;
                let held = |byte: &u8| match byte {
                    b'$' | b'`' | b'\\' | b'!' => false,
                    _ => byte.is_ascii_graphic() || *byte == b' ',
                };
                if !inside.get(..length)?.iter().all(held) {
                    return None;
                }
                at += length + 2;
            }
            b'=' | b'~' | b'^' | b'*' | b'?' => at += 1,
            _ if is_plain(byte) => at += 1,
            _ => return None,
        }
    }
    Some(at)
}
