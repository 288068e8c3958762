//! Wildcards as other systems write them, each with the corners of its own.
//!
//! Most are literals with runs between them: those are looked for one after the other in the text as it stands
//! (`runs.rs`). The others are a row of steps, of which a text takes one or none at each of its units; all states are
//! walked at once. Either way time is at most the product of both lengths, and memory the pattern's.

mod includes;
mod steps;

use serde::{Deserialize, Serialize};
use steps::{escaped, fnmatch, gitignore, surfsense};

use super::Outline;
use super::runs::{self, Alike};

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
    /// What it is matched by instead of its text, where that is more than literals and runs.
    steps: Box<[Step]>,
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
        let steps = if is_plain(dialect, pattern) { Box::default() } else { steps(dialect, pattern).into() };
        Wildcard { text: pattern.into(), dialect, steps }
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
        if !self.steps.is_empty() {
            return self.matches_by_steps(&self.steps, text);
        }
        self.dialect.matches_plain(&self.text, text)
    }

    /// Whether it is literals and runs alone.
    pub(crate) fn is_plain(&self) -> bool {
        self.steps.is_empty()
    }

    /// What every text that matches has in it.
    pub(crate) fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        // These have escapes.
        if matches!(self.dialect, Dialect::ClaudeCode | Dialect::Gitignore) {
            outline.gap();
            return outline;
        }
        let text = match self.dialect {
            Dialect::OpenCode { .. } => self.text.strip_suffix(" *").unwrap_or(&self.text),
            _ => &self.text,
        };
        for c in text.chars() {
            match (self.dialect, c) {
                (Dialect::Exact, c) => outline.literal(c),
                (_, '*') | (Dialect::OpenCode { .. } | Dialect::Fnmatch, '?') => outline.gap(),
                // What is inside a set is nobody's literal; where it ends is not looked for.
                (Dialect::Fnmatch, '[') => {
                    outline.gap();
                    return outline;
                }
                (_, c) => outline.literal(c),
            }
        }
        if text.len() < self.text.len() {
            outline.gap();
        }
        if self.dialect == Dialect::SurfSense {
            outline.may_end_in_line_break();
        }
        outline
    }

    /// The same as [`Wildcard::matches`] with the steps of this pattern, which every pattern has.
    fn matches_by_steps(&self, steps: &[Step], text: &str) -> bool {
        match self.dialect {
            Dialect::Exact => *self.text == *text,
            Dialect::OpenCode { windows } => {
                walk(steps, optional(self.dialect, steps), text.encode_utf16().map(|unit| opencode_unit(unit, windows)))
            }
            Dialect::Fnmatch | Dialect::ClaudeCode | Dialect::Gitignore => {
                walk(steps, optional(self.dialect, steps), text.chars().map(u32::from))
            }
            Dialect::SurfSense => {
                let all = |text: &str| walk(steps, 0, text.chars().map(u32::from));
                all(text) || text.strip_suffix('\n').is_some_and(all)
            }
        }
    }
}

impl Dialect {
    /// Whether all of the text matches a pattern that is literals and runs alone.
    pub(crate) fn matches_plain(self, pattern: &str, text: &str) -> bool {
        match self {
            Dialect::Exact => *pattern == *text,
            Dialect::Fnmatch => runs::match_runs(pattern, text, Alike::Same),
            Dialect::OpenCode { windows } => {
                let alike = if windows { Alike::CaseAndSlash } else { Alike::Slash };
                runs::match_runs(pattern, text, alike)
                    || pattern.strip_suffix(" *").is_some_and(|rest| runs::match_runs(rest, text, alike))
            }
            Dialect::SurfSense if pattern == "*" => true,
            Dialect::SurfSense if text.contains('\n') => {
                let steps = surfsense(pattern);
                let all = |text: &str| walk(&steps, 0, text.chars().map(u32::from));
                all(text) || text.strip_suffix('\n').is_some_and(all)
            }
            Dialect::SurfSense => runs::match_runs_between_slashes(pattern, text),
            // These are plain only where they are empty.
            Dialect::ClaudeCode | Dialect::Gitignore => text.is_empty(),
        }
    }
}

/// Whether a pattern is literals and runs alone, and its literals can be compared byte by byte.
fn is_plain(dialect: Dialect, pattern: &str) -> bool {
    match dialect {
        Dialect::Exact | Dialect::SurfSense => true,
        // What is not ASCII never equals what is; among itself its case is more than bytes say.
        Dialect::OpenCode { windows } => !pattern.contains('?') && (!windows || pattern.is_ascii()),
        Dialect::Fnmatch => !pattern.contains(['?', '[']),
        Dialect::ClaudeCode | Dialect::Gitignore => false,
    }
}

fn steps(dialect: Dialect, pattern: &str) -> Vec<Step> {
    match dialect {
        Dialect::Exact => Vec::new(),
        Dialect::OpenCode { windows } => {
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
        Dialect::ClaudeCode => escaped(pattern, |c| matches!(c, '*' | '\\')),
        Dialect::Gitignore => gitignore(pattern),
    }
}

/// How many of the last steps may be missing together: of OpenCode and Claude Code a blank and a run.
fn optional(dialect: Dialect, steps: &[Step]) -> usize {
    let may = matches!(dialect, Dialect::OpenCode { .. } | Dialect::ClaudeCode);
    match steps {
        [.., Step::One(blank), Step::Run(None)] if may && *blank == u32::from(' ') => 2,
        _ => 0,
    }
}

/// Whether the steps take all units; the last `optional` steps may be missing together.
fn walk(steps: &[Step], optional: usize, text: impl Iterator<Item = u32>) -> bool {
    // Whether the steps before each place have been taken.
    let mut places = vec![false; steps.len() + 1];
    let mut next = places.clone();
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    pass_runs(steps, &mut places);
    for unit in text {
        next.fill(false);
        for (at, (step, _)) in steps.iter().zip(&places).enumerate().filter(|(_, (_, taken))| **taken) {
            // A run stays where it is; what is behind it was reached without it.
            let to = if matches!(step, Step::Run(_)) { at } else { at + 1 };
            if step.takes(unit)
                && let Some(place) = next.get_mut(to)
            {
                *place = true;
            }
        }
        pass_runs(steps, &mut next);
        std::mem::swap(&mut places, &mut next);
        if !places.contains(&true) {
            return false;
        }
    }
    let end = |at: usize| places.get(at).copied().unwrap_or_default();
    end(steps.len()) || optional > 0 && end(steps.len().saturating_sub(optional))
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

#[cfg(test)]
mod tests;
