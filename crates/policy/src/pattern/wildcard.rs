//! Wildcards as other systems write them, each with the corners of its own.
//!
//! All are one kind of program: a row of steps, of which a text takes one or none at each of its units. All states are
//! walked at once, so that time is the product of both lengths whatever the pattern, and memory the pattern's.

mod includes;

use serde::{Deserialize, Serialize};

/// Whose wildcards these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// No wildcard at all: every character stands for itself.
    Exact,
    /// OpenCode 1.18.33: `*` is any run, `?` one unit of UTF-16, `\` is `/` on both sides, and nothing can be escaped. A
    /// last ` *` may be missing. On Windows letters are the same in either case, as JavaScript's regular expressions
    /// fold them.
    OpenCode {
        /// Whether the case of letters counts for nothing.
        windows: bool,
    },
    /// SurfSense: `**` is any run within a line, `*` any run without `/`, a `*` alone everything. A line break at the
    /// very end may be left over.
    SurfSense,
    /// Python's `fnmatchcase`: `*` any run, `?` any character, `[a-z]` and `[!a-z]`.
    Fnmatch,
    /// Claude Code's names and commands: `*` any run, `\` before `*` or `\` takes it as it is. A last ` *` may be missing.
    ClaudeCode,
    /// One name of a path in git's ignore files: `*` any run, `?` any character, `[a-z]`, `[!a-z]` and `[^a-z]`, `\`
    /// takes the next character as it is.
    Gitignore,
}

/// A compiled wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    text: Box<str>,
    dialect: Dialect,
    steps: Vec<Step>,
    /// How many of the last steps may be missing together.
    optional: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// This unit.
    One(u32),
    /// Any unit.
    Any,
    /// One of these, or one of no others.
    Set { negated: bool, ranges: Vec<(u32, u32)> },
    /// Any run without this unit; `None`: any at all.
    Run(Option<u32>),
}

impl Wildcard {
    /// Compiles a pattern; every text is one.
    pub fn compile(dialect: Dialect, pattern: &str) -> Wildcard {
        let mut optional = 0;
        let steps = match dialect {
            Dialect::Exact => Vec::new(),
            Dialect::OpenCode { windows } => {
                if pattern.ends_with(" *") {
                    optional = 2;
                }
                let step = |unit: u16| match u8::try_from(unit) {
                    Ok(b'*') => Step::Run(None),
                    Ok(b'?') => Step::Any,
                    _ => Step::One(opencode_unit(unit, windows)),
                };
                pattern.encode_utf16().map(step).collect()
            }
            Dialect::SurfSense if pattern == "*" => vec![Step::Run(None)],
            Dialect::SurfSense => surfsense(pattern),
            Dialect::Fnmatch => fnmatch(pattern),
            Dialect::ClaudeCode => {
                let steps = escaped(pattern, |c| matches!(c, '*' | '\\'));
                if matches!(steps.as_slice(), [.., Step::One(blank), Step::Run(None)] if *blank == u32::from(' ')) {
                    optional = 2;
                }
                steps
            }
            Dialect::Gitignore => gitignore(pattern),
        };
        Wildcard { text: pattern.into(), dialect, steps, optional }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In whose dialect it is written.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether all of the text matches.
    pub fn matches(&self, text: &str) -> bool {
        match self.dialect {
            Dialect::Exact => *self.text == *text,
            Dialect::OpenCode { windows } => self.walk(text.encode_utf16().map(|unit| opencode_unit(unit, windows))),
            Dialect::Fnmatch | Dialect::ClaudeCode | Dialect::Gitignore => self.walk(text.chars().map(u32::from)),
            Dialect::SurfSense => {
                let all = |text: &str| self.walk(text.chars().map(u32::from));
                all(text) || text.strip_suffix('\n').is_some_and(all)
            }
        }
    }

    fn walk(&self, text: impl Iterator<Item = u32>) -> bool {
        // Whether the steps before each place have been taken.
        let mut places = vec![false; self.steps.len() + 1];
        let mut next = places.clone();
        if let Some(first) = places.first_mut() {
            *first = true;
        }
        pass_runs(&self.steps, &mut places);
        for unit in text {
            next.fill(false);
            for (at, (step, _)) in self.steps.iter().zip(&places).enumerate().filter(|(_, (_, taken))| **taken) {
                // A run stays where it is; what is behind it was reached without it.
                let to = if matches!(step, Step::Run(_)) { at } else { at + 1 };
                if step.takes(unit)
                    && let Some(place) = next.get_mut(to)
                {
                    *place = true;
                }
            }
            pass_runs(&self.steps, &mut next);
            std::mem::swap(&mut places, &mut next);
            if !places.contains(&true) {
                return false;
            }
        }
        let end = |at: usize| places.get(at).copied().unwrap_or_default();
        end(self.steps.len()) || self.optional > 0 && end(self.steps.len().saturating_sub(self.optional))
    }
}

impl Step {
    fn takes(&self, unit: u32) -> bool {
        match self {
            Step::One(wanted) => *wanted == unit,
            Step::Any => true,
            Step::Set { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&unit)) != *negated
            }
            Step::Run(but) => *but != Some(unit),
        }
    }
}

/// A run may be empty.
fn pass_runs(steps: &[Step], places: &mut [bool]) {
    for (at, step) in steps.iter().enumerate() {
        if matches!(step, Step::Run(_))
            && places.get(at) == Some(&true)
            && let Some(place) = places.get_mut(at + 1)
        {
            *place = true;
        }
    }
}

/// A unit of UTF-16 as OpenCode compares it.
fn opencode_unit(unit: u16, windows: bool) -> u32 {
    let unit = if unit == u16::from(b'\\') { u16::from(b'/') } else { unit };
    if !windows {
        return u32::from(unit);
    }
    // What has no upper case of one unit, or one in ASCII though it is not itself, stays as it is.
    let upper = char::from_u32(u32::from(unit)).map(char::to_uppercase);
    let upper = upper.filter(|upper| upper.len() == 1).and_then(|mut upper| upper.next()).map(u32::from);
    match upper {
        Some(upper) if upper <= 0xffff && (unit < 128 || upper >= 128) => upper,
        _ => u32::from(unit),
    }
}

fn surfsense(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let (step, length) = match c {
            '*' if rest.starts_with("**") => (Step::Run(Some(u32::from('\n'))), 2),
            '*' => (Step::Run(Some(u32::from('/'))), 1),
            c => (Step::One(u32::from(c)), c.len_utf8()),
        };
        steps.push(step);
        rest = rest.get(length..).unwrap_or_default();
    }
    steps
}

/// `*` is any run; `\` takes those of the next characters as they are that can be escaped.
fn escaped(pattern: &str, can_be: impl Fn(char) -> bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().filter(|next| c == '\\' && can_be(*next));
        steps.push(match (c, next) {
            (_, Some(next)) => {
                chars.next();
                Step::One(u32::from(next))
            }
            ('*', None) => Step::Run(None),
            (c, None) => Step::One(u32::from(c)),
        });
    }
    steps
}

/// One name of a path. A `[` without its `]` stands for itself; so does a `\` at the very end.
fn gitignore(pattern: &str) -> Vec<Step> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        steps.push(match c {
            '*' => Step::Run(None),
            '?' => Step::Any,
            '\\' => {
                let next = chars.get(at).copied();
                at += usize::from(next.is_some());
                Step::One(u32::from(next.unwrap_or('\\')))
            }
            '[' => {
                let negated = matches!(chars.get(at), Some('!' | '^'));
                let after: Vec<char> = chars.get(at + usize::from(negated)..).unwrap_or_default().to_vec();
                let after = if negated { [&['!'][..], &after].concat() } else { after };
                match set(&after) {
                    Some((step, length)) => {
                        at += length;
                        step
                    }
                    None => Step::One(u32::from('[')),
                }
            }
            c => Step::One(u32::from(c)),
        });
    }
    steps
}

fn fnmatch(pattern: &str) -> Vec<Step> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        steps.push(match c {
            '*' => Step::Run(None),
            '?' => Step::Any,
            '[' => match set(chars.get(at..).unwrap_or_default()) {
                Some((step, length)) => {
                    at += length;
                    step
                }
                None => Step::One(u32::from('[')),
            },
            c => Step::One(u32::from(c)),
        });
    }
    steps
}

/// A set as `fnmatch.translate` reads what follows `[`, and how much of it; none without a `]`.
fn set(after: &[char]) -> Option<(Step, usize)> {
    let mut from = usize::from(after.first() == Some(&'!'));
    from += usize::from(after.get(from) == Some(&']'));
    let end = from + after.get(from..)?.iter().position(|c| *c == ']')?;
    let inside = after.get(..end)?;
    let mut chunks = chunks(inside);
    // `z-a` is no range: both of its ends are gone, and what stood beside them is together.
    for at in (1..chunks.len()).rev() {
        let (Some(before), Some(chunk)) = (chunks.get(at - 1), chunks.get(at)) else { continue };
        if before.last() > chunk.first() {
            let joined = [before.split_last().map_or(&[][..], |(_, rest)| rest), chunk.get(1..).unwrap_or_default()];
            let joined = joined.concat();
            chunks.remove(at);
            if let Some(place) = chunks.get_mut(at - 1) {
                *place = joined;
            }
        }
    }
    let negated = chunks.first().and_then(|chunk| chunk.first()) == Some(&'!');
    if negated && let Some(first) = chunks.first_mut() {
        first.remove(0);
    }
    let mut ranges: Vec<(u32, u32)> = chunks.iter().flatten().map(|c| (u32::from(*c), u32::from(*c))).collect();
    for (before, chunk) in chunks.iter().zip(chunks.iter().skip(1)) {
        if let (Some(first), Some(last)) = (before.last(), chunk.first()) {
            ranges.push((u32::from(*first), u32::from(*last)));
        }
    }
    Some((Step::Set { negated, ranges }, end + 1))
}

/// What is inside a set, cut at each `-` that makes a range.
fn chunks(inside: &[char]) -> Vec<Vec<char>> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut from = 0;
    let mut at = if inside.first() == Some(&'!') { 2 } else { 1 };
    while let Some(found) = inside.get(at..).and_then(|rest| rest.iter().position(|c| *c == '-')) {
        chunks.push(inside.get(from..at + found).unwrap_or_default().to_vec());
        from = at + found + 1;
        at = from + 2;
    }
    match (inside.get(from..).filter(|rest| !rest.is_empty()), chunks.last_mut()) {
        (Some(rest), _) => chunks.push(rest.to_vec()),
        (None, Some(last)) => last.push('-'),
        (None, None) => {}
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Wildcard};

    fn matches(dialect: Dialect, pattern: &str, text: &str) -> bool {
        Wildcard::compile(dialect, pattern).matches(text)
    }

    #[test]
    fn opencode() {
        let posix = Dialect::OpenCode { windows: false };
        for (pattern, text) in [
            ("git *", "git"),
            ("git *", "git "),
            ("git *", "git a\nb"),
            ("git  *", "git "),
            (" *", ""),
            ("* *", "x"),
            ("src/*", "src\\a/b"),
            ("a?", "a\n"),
            ("??", "😀"),
            ("", ""),
            ("a[b]", "a[b]"),
        ] {
            assert!(matches(posix, pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [
            ("git *", "gitx"),
            ("git *", "git\tx"),
            ("git **", "git"),
            ("?", "😀"),
            ("**/.env", ".env"),
            ("A", "a"),
            ("a", ""),
        ] {
            assert!(!matches(posix, pattern, text), "{pattern:?} {text:?}");
        }
        let windows = Dialect::OpenCode { windows: true };
        assert!(matches(windows, "GIT *", "git push") && matches(windows, "é", "É"));
        assert!(!matches(windows, "s", "ſ") && !matches(windows, "k", "\u{212a}") && !matches(windows, "ss", "ß"));
    }

    #[test]
    fn surfsense() {
        let dialect = Dialect::SurfSense;
        for (pattern, text) in
            [("*", "a/b\nc"), ("a*", "a\nb"), ("a**", "a/b"), ("a", "a\n"), ("a?", "a?"), ("**", "a\n"), ("***", "a")]
        {
            assert!(matches(dialect, pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [("a*", "a/b"), ("a**", "a\nb"), ("a *", "a"), ("a", "a\n\n"), ("a?", "ab")] {
            assert!(!matches(dialect, pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn fnmatch() {
        for (pattern, text) in [
            ("*.gov", "a/b.gov"),
            ("a?c", "a\nc"),
            ("[ab]", "a"),
            ("[!ab]", "c"),
            ("[]", "[]"),
            ("[!]", "[!]"),
            ("[]]", "]"),
            ("[!]]", "a"),
            ("[[]", "["),
            ("[a-c]", "b"),
            ("[a-]", "-"),
            ("[-a]", "-"),
            ("[!a-c]", "d"),
            ("[^a]", "^"),
            ("[\\]", "\\"),
            ("[a&&b]", "&"),
            ("a[b", "a[b"),
            ("[a-c-e]", "-"),
        ] {
            assert!(matches(Dialect::Fnmatch, pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in
            [("[ab]", "c"), ("[!ab]", "a"), ("[z-a]", "m"), ("[z-a]", "z"), ("a", "A"), ("[a-c]", "-"), ("[^a]", "b")]
        {
            assert!(!matches(Dialect::Fnmatch, pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn many_stars_stay_polynomial() {
        for dialect in [Dialect::OpenCode { windows: false }, Dialect::SurfSense, Dialect::Fnmatch] {
            assert!(!matches(dialect, &"*a".repeat(500), &"a".repeat(499).replace("aa", "ab")));
        }
    }
}
