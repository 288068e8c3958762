//! JavaScript's regular expressions, as far as they are regular.
//!
//! They are over units of UTF-16, so a text is turned into units first: half of a surrogate pair becomes a character of
//! its own. What is not regular (looking around, references), what has a flag, and every escape that other engines read
//! in another way is refused: such an expression matches nothing.

use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};

/// The longest expression in units.
const LONGEST: usize = 16 * 1024;
/// The largest program that one is compiled to, in bytes.
const LARGEST: usize = 1 << 18;
/// How deep groups may be inside each other.
const DEEPEST: u32 = 64;

/// The digits, word characters and blanks of JavaScript.
const DIGITS: &[(u32, u32)] = &[(0x30, 0x39)];
const WORDS: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
const BLANKS: &[(u32, u32)] = &[
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];
/// What `.` does not match.
pub(super) const LINE_ENDS: &str = r"\x{a}\x{d}\x{2028}\x{2029}";

/// A text in units of UTF-16, each as one character.
pub(super) fn units(text: &str) -> String {
    // Halves of pairs lie above what a text's own units can be.
    let unit = |unit: u16| char::from_u32(u32::from(unit)).or_else(|| char::from_u32(0x10_0000 + u32::from(unit)));
    text.encode_utf16().filter_map(unit).collect()
}

/// A unit, for an expression of the engine's.
pub(super) fn literal(unit: char) -> String {
    format!(r"\x{{{:x}}}", u32::from(unit))
}

/// Compiles an expression over [`units`]; `None` if it is none, or not one that can be told in bounded time.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    let units: Vec<char> = units(pattern).chars().collect();
    if units.len() > LONGEST {
        return None;
    }
    engine(&Reader { units: &units, at: 0 }.expression()?)
}

/// Compiles what is already in the engine's terms.
pub(super) fn engine(expression: &str) -> Option<Regex> {
    RegexBuilder::new(expression).size_limit(LARGEST).dfa_size_limit(LARGEST).nest_limit(DEEPEST * 4).build().ok()
}

struct Reader<'a> {
    units: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn expression(mut self) -> Option<String> {
        let mut out = String::new();
        let mut depth = 0_u32;
        while let Some(unit) = self.next() {
            match unit {
                '(' => {
                    depth += 1;
                    if depth > DEEPEST {
                        return None;
                    }
                    self.group()?;
                    out.push_str("(?:");
                    continue;
                }
                ')' => {
                    depth = depth.checked_sub(1)?;
                    out.push(')');
                }
                '|' | '^' | '$' => {
                    out.push(unit);
                    // Nothing is repeated here; JavaScript refuses what would be.
                    if matches!(self.peek(0), Some('*' | '+' | '?')) || self.count().is_some() {
                        return None;
                    }
                    continue;
                }
                '*' | '+' | '?' => return None,
                '{' if self.count_at(self.at - 1).is_some() => return None,
                '.' => {
                    let _ = write!(out, "[^{LINE_ENDS}]");
                }
                '[' => out.push_str(&self.class()?),
                '\\' => {
                    let (text, repeatable) = self.escape()?;
                    out.push_str(&text);
                    if !repeatable {
                        continue;
                    }
                }
                unit => out.push_str(&literal(unit)),
            }
            self.repetition(&mut out)?;
        }
        (depth == 0).then_some(out)
    }

    fn next(&mut self) -> Option<char> {
        let unit = self.peek(0)?;
        self.at += 1;
        Some(unit)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.units.get(self.at + ahead).copied()
    }

    /// What follows an opening bracket: nothing, `?:`, or a name that nobody asks for.
    fn group(&mut self) -> Option<()> {
        if self.peek(0) != Some('?') {
            return Some(());
        }
        match (self.peek(1)?, self.peek(2)) {
            (':', _) => self.at += 2,
            ('<', Some(first)) if first.is_ascii_alphabetic() => {
                let rest = self.units.get(self.at..)?;
                let end = rest.iter().position(|unit| *unit == '>')?;
                let plain = |unit: &char| unit.is_ascii_alphanumeric() || *unit == '_';
                if !rest.get(2..end)?.iter().all(plain) {
                    return None;
                }
                self.at += end + 1;
            }
            _ => return None,
        }
        Some(())
    }

    /// Copies how often the last thing is repeated.
    fn repetition(&mut self, out: &mut String) -> Option<()> {
        match self.peek(0) {
            Some(sign @ ('*' | '+' | '?')) => {
                self.at += 1;
                out.push(sign);
            }
            Some('{') => {
                let Some((text, length)) = self.count() else { return Some(()) };
                self.at += length;
                out.push_str(&text);
            }
            _ => return Some(()),
        }
        // Which of several matches is found does not matter.
        if self.peek(0) == Some('?') {
            self.at += 1;
        }
        let again = matches!(self.peek(0), Some('*' | '+' | '?')) || self.count().is_some();
        (!again).then_some(())
    }

    fn count(&self) -> Option<(String, usize)> {
        self.count_at(self.at)
    }

    /// `{2}`, `{2,}` or `{2,3}`, and its length. Any other `{` stands for itself.
    fn count_at(&self, at: usize) -> Option<(String, usize)> {
        let rest = self.units.get(at..)?;
        if rest.first() != Some(&'{') {
            return None;
        }
        let end = rest.iter().position(|unit| *unit == '}')?;
        let inside: String = rest.get(1..end)?.iter().collect();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_count = match inside.split_once(',') {
            None => is_number(&inside),
            Some((least, most)) => is_number(least) && (most.is_empty() || is_number(most)),
        };
        is_count.then(|| (format!("{{{inside}}}"), end + 1))
    }

    /// An escape outside a class, and whether it can be repeated.
    fn escape(&mut self) -> Option<(String, bool)> {
        let unit = self.next()?;
        Some(match unit {
            'b' => (r"(?-u:\b)".to_owned(), false),
            _ => match self.escaped(unit)? {
                Escaped::Unit(unit) => (literal(unit), true),
                Escaped::Ranges(ranges, negated) => (class(&ranges, negated), true),
            },
        })
    }

    /// What an escape stands for, in a class or outside.
    fn escaped(&mut self, unit: char) -> Option<Escaped> {
        let ranges = |ranges: &[(u32, u32)]| ranges.to_vec();
        Some(match unit {
            'd' => Escaped::Ranges(ranges(DIGITS), false),
            'D' => Escaped::Ranges(ranges(DIGITS), true),
            'w' => Escaped::Ranges(ranges(WORDS), false),
            'W' => Escaped::Ranges(ranges(WORDS), true),
            's' => Escaped::Ranges(ranges(BLANKS), false),
            'S' => Escaped::Ranges(ranges(BLANKS), true),
            'n' => Escaped::Unit('\n'),
            'r' => Escaped::Unit('\r'),
            't' => Escaped::Unit('\t'),
            'v' => Escaped::Unit('\u{B}'),
            'f' => Escaped::Unit('\u{C}'),
            '0' if !self.peek(0).is_some_and(|next| next.is_ascii_digit()) => Escaped::Unit('\0'),
            'x' => Escaped::Unit(self.hexadecimal(2)?),
            'u' => Escaped::Unit(self.hexadecimal(4)?),
            unit if unit.is_alphanumeric() => return None,
            unit => Escaped::Unit(unit),
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<char> {
        let text: String = self.units.get(self.at..self.at + digits)?.iter().collect();
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        let unit = u16::from_str_radix(&text, 16).ok()?;
        char::from_u32(u32::from(unit)).or_else(|| char::from_u32(0x10_0000 + u32::from(unit)))
    }

    /// A class, behind its bracket.
    fn class(&mut self) -> Option<String> {
        let negated = self.peek(0) == Some('^');
        self.at += usize::from(negated);
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        loop {
            let first = match self.next()? {
                ']' => return Some(class(&ranges, negated)),
                unit => self.member(unit)?,
            };
            let is_range = self.peek(0) == Some('-') && self.peek(1).is_some_and(|next| next != ']');
            match first {
                Escaped::Unit(first) if is_range => {
                    self.at += 1;
                    let unit = self.next()?;
                    let Escaped::Unit(last) = self.member(unit)? else { return None };
                    if last < first {
                        return None;
                    }
                    ranges.push((u32::from(first), u32::from(last)));
                }
                // `[\d-x]` is three things there and a mistake elsewhere.
                Escaped::Ranges(..) if is_range => return None,
                Escaped::Unit(unit) => ranges.push((u32::from(unit), u32::from(unit))),
                Escaped::Ranges(more, false) => ranges.extend(more),
                Escaped::Ranges(more, true) => ranges.extend(without(&more)),
            }
        }
    }

    fn member(&mut self, unit: char) -> Option<Escaped> {
        if unit != '\\' {
            return Some(Escaped::Unit(unit));
        }
        match self.next()? {
            'b' => Some(Escaped::Unit('\u{8}')),
            unit => self.escaped(unit),
        }
    }
}

enum Escaped {
    Unit(char),
    Ranges(Vec<(u32, u32)>, bool),
}

/// All that these sorted ranges leave out.
fn without(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut left = Vec::new();
    let mut from = 0;
    for (first, last) in ranges {
        if *first > from {
            left.push((from, first - 1));
        }
        from = last + 1;
    }
    left.push((from, u32::from(char::MAX)));
    left
}

fn class(ranges: &[(u32, u32)], negated: bool) -> String {
    if ranges.is_empty() {
        // `[]` is nothing, `[^]` anything.
        return if negated { r"[\x{0}-\x{10ffff}]" } else { r"[^\x{0}-\x{10ffff}]" }.to_owned();
    }
    let mut out = String::from(if negated { "[^" } else { "[" });
    for (first, last) in ranges {
        let _ = write!(out, r"\x{{{first:x}}}-\x{{{last:x}}}");
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests;
