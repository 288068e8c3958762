//! Text as a human can trust it: what cannot be seen is written out, long runs of blanks are counted, and secrets are
//! masked where the text may hold some.
//!
//! The text is never ambiguous: an escape is `\u{202E}` behind an even number of backslashes, a count is `⟨312 spaces⟩`,
//! and where the text itself has what reads like one of them, it is written out too.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;

use crate::secrets;

mod json;

pub use json::masked_json;

/// The longest run of spaces, of empty lines, and of one character that is written out, which stands as it is.
const SPACES: usize = 32;
const EMPTY_LINES: usize = 8;
const SAME: usize = 8;
/// The most accents on one letter.
const ACCENTS: usize = 4;

/// The text in one line, with invisible, direction-changing and control characters as `\u{202E}`.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    line(text, &mut out);
    out
}

/// The same for a text of several lines, which keep their line breaks.
pub fn printable_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = Vec::new();
    let mut lines = text.split('\n').peekable();
    while let Some(one) = lines.next() {
        let is_last = lines.peek().is_none();
        if !is_last && one.bytes().all(|byte| byte == b' ') {
            empty.push(one);
            continue;
        }
        empty_lines(&empty, &mut out);
        empty.clear();
        line(one, &mut out);
        if !is_last {
            out.push('\n');
        }
    }
    out
}

/// [`printable`], with secrets masked: for what an agent wrote.
pub fn masked(text: &str) -> String {
    printable(&secrets::masked(text))
}

/// [`printable_lines`], with secrets masked.
pub fn masked_lines(text: &str) -> String {
    printable_lines(&secrets::masked(text))
}

/// Every text in a JSON value with its secrets masked, for records that others may read.
pub fn masked_value(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            if let Cow::Owned(masked) = secrets::masked(text) {
                *text = masked;
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(masked_value),
        serde_json::Value::Object(members) => members.values_mut().for_each(masked_value),
        _ => {}
    }
}

fn empty_lines(empty: &[&str], out: &mut String) {
    if empty.len() > EMPTY_LINES {
        out.push_str(&format!("⟨{} empty lines⟩\n", empty.len()));
        return;
    }
    for spaces in empty {
        line(spaces, out);
        out.push('\n');
    }
}

/// Writes one line out.
fn line(text: &str, out: &mut String) {
    match is_as_it_reads(text) {
        true => out.push_str(text),
        false => written_out(text, out),
    }
}

/// Whether nothing in the text could need to be written out: printable ASCII without backslashes, and without long runs
/// of spaces.
fn is_as_it_reads(text: &str) -> bool {
    let mut spaces = 0;
    text.bytes().all(|byte| {
        spaces = if byte == b' ' { spaces + 1 } else { 0 };
        matches!(byte, b' '..=b'~') && byte != b'\\' && spaces <= SPACES
    })
}

fn written_out(text: &str, out: &mut String) {
    // How many backslashes were written last, and on what the next accent would sit, with how many others.
    let mut backslashes = 0;
    let mut base: Option<char> = None;
    let mut accents = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let follows = rest.peek().copied();
        let is_accent = is_combining_mark(c);
        accents = if is_accent { accents + 1 } else { 0 };
        let bears = base.is_some_and(|base| base.is_alphanumeric() || !base.is_ascii());
        let misplaced = is_accent && (!bears || accents > ACCENTS);
        let imitates = c == '⟨' && follows.is_some_and(|next| next.is_ascii_digit());
        if c == ' ' {
            let count = 1 + repeats(&mut rest, ' ');
            if count > SPACES {
                out.push_str(&format!("⟨{count} spaces⟩"));
            } else {
                out.extend(std::iter::repeat_n(' ', count));
            }
        } else if hidden(c) || misplaced || imitates {
            // A backslash before an escape of ours is written twice, so that the escape stays one.
            out.extend(std::iter::repeat_n('\\', backslashes));
            let escape = format!("\\u{{{:X}}}", u32::from(c));
            let count = 1 + repeats(&mut rest, c);
            if count > SAME {
                out.push_str(&format!("{escape}⟨{count} times⟩"));
            } else {
                out.push_str(&escape.repeat(count));
            }
        } else {
            if c == 'u' && follows == Some('{') {
                // What was written as an escape must not read like one of ours.
                out.extend(std::iter::repeat_n('\\', backslashes));
            }
            out.push(c);
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        if !is_accent {
            base = if hidden(c) || imitates { None } else { Some(c) };
        }
    }
}

/// Takes what follows as long as it is this character, and says how often it was.
fn repeats(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, c: char) -> usize {
    let mut count = 0;
    while rest.next_if_eq(&c).is_some() {
        count += 1;
    }
    count
}

/// Whether a reader would not see the character, or see something else: Unicode's Cc, Cf, Zl and Zp, the spaces that
/// are not U+0020, the fillers that draw nothing, variation selectors and tags.
pub(crate) fn hidden(c: char) -> bool {
    if c.is_control() || (c.is_whitespace() && c != ' ') {
        return true;
    }
    matches!(
        u32::from(c),
        0xAD | 0x34F
            | 0x600..=0x605
            | 0x61C
            | 0x6DD
            | 0x70F
            | 0x890..=0x891
            | 0x8E2
            | 0x115F..=0x1160
            | 0x17B4..=0x17B5
            | 0x180B..=0x180F
            | 0x200B..=0x200F
            | 0x202A..=0x202E
            | 0x2060..=0x206F
            | 0x2800
            | 0x3164
            | 0xFE00..=0xFE0F
            | 0xFEFF
            | 0xFFA0
            | 0xFFF0..=0xFFFB
            | 0x110BD
            | 0x110CD
            | 0x13430..=0x1343F
            | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A
            | 0xE0000..=0xE0FFF
    )
}

#[cfg(test)]
mod tests;
