//! One text, written in any of the ways that the shell reads as that text.

use std::fmt::Write as _;

use crate::dice::Dice;

/// Writes a text as (a part of) a word. Mostly as people do: plain where that is possible, else in one kind of quotes.
pub(crate) fn quoted(dice: &mut Dice, text: &str) -> String {
    if text.is_empty() {
        return dice.pick(&["''", "\"\"", "$''"]).to_owned();
    }
    match dice.weighted(&[860, 90, 50]) {
        0 if is_plain(text) => text.to_owned(),
        0 | 1 => match dice.weighted(&[50, 40, 6, 4]) {
            0 => single(text),
            1 => double(text),
            2 => ansi_c(dice, text),
            _ => escaped(dice, text),
        },
        _ => pieces(dice, text),
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:,@%+-=".contains(&byte)) && !text.starts_with('=')
}

/// `g"i"t`: every piece in its own way.
fn pieces(dice: &mut Dice, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut rest = chars.as_slice();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + dice.below(rest.len()));
        let piece: String = piece.iter().collect();
        out.push_str(&match dice.weighted(&[30, 20, 20, 15, 10]) {
            0 if is_plain(&piece) => piece,
            0 | 1 => single(&piece),
            2 => double(&piece),
            3 => ansi_c(dice, &piece),
            _ => escaped(dice, &piece),
        });
        if dice.in_thousand(40) {
            out.push_str(dice.pick(&["''", "\"\"", "\\\n"]));
        }
        rest = after;
    }
    out
}

pub(crate) fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

pub(crate) fn double(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out + "\""
}

fn ansi_c(dice: &mut Dice, text: &str) -> String {
    let mut out = String::from("$'");
    for c in text.chars() {
        let code = u32::from(c);
        let way = dice.below(8);
        // Writing to a string cannot fail.
        let _ = match (c, way) {
            ('\'' | '\\', 0..6) => write!(out, "\\{c}"),
            ('\n', _) => write!(out, "\\n"),
            ('\t', _) => write!(out, "\\t"),
            (_, 0) if c.is_ascii() => write!(out, "\\x{code:02x}"),
            (_, 1) if c.is_ascii() => write!(out, "\\{code:03o}"),
            (_, 2) => write!(out, "\\u{code:04x}"),
            ('\'' | '\\', _) => write!(out, "\\{c}"),
            _ => write!(out, "{c}"),
        };
    }
    out + "'"
}

fn escaped(dice: &mut Dice, text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == '\n' {
            out.push_str("'\n'");
            continue;
        }
        if !is_plain(c.encode_utf8(&mut [0; 4])) || dice.in_thousand(250) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
