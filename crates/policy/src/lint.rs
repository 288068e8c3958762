//! What is suspicious in a policy though it is well-formed: rules that can never decide, allows that reach further than
//! they look, patterns in the spelling of another system.
//!
//! All by the patterns alone, never by trying samples: a rule covers another if its patterns include the other's. What is
//! not certain is not said.

mod across;
mod agents;
mod cover;
mod dead;
mod dialect;
mod silenced;

use crate::document::{Document, Lines, Place, Problem, assemble, quoted, ranges};
use crate::effect::Effect;
use crate::rule::{Rule, Selector};
use crate::source::{Combining, Source, SourceKind};
use crate::terms::Terms;
use crate::time::Timestamp;

/// The most warnings that are told at once.
const MOST: usize = 200;

/// One thing that is suspicious in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Which of the source's rules this is about.
    pub rule: usize,
    /// Which part of it.
    pub part: Part,
    /// What is suspicious.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// All of its text.
    Whole,
    /// What names the action.
    Selector,
    /// One of its patterns.
    Pattern(usize),
    /// One of its exceptions.
    Exception(usize),
}

/// The warnings about a policy file, in its order. `text` is what the document was read from, `taken_in` the sources that it
/// takes in. Of what stands in those nothing is told where the file comes with a project.
pub fn lint(document: &Document, text: &str, taken_in: &[&Source], now: Timestamp) -> Vec<Problem> {
    let tell = !matches!(document.kind, SourceKind::Project | SourceKind::Local);
    let limits = document.ceiling.as_ref();
    let ceiling = limits.map_or((&[][..], &[][..]), |limits| (&limits.rules, &limits.places));
    let mut budget = Budget::new();
    let mut found: Vec<(&Rule, &Place, Warning)> = Vec::new();
    for ((rules, places), above) in [((&*document.rules, &*document.places), false), (ceiling, true)] {
        let set = Set { rules, combining: Combining::Strictest, native: true, several: true, now };
        let mut warnings = of_rules(set, &mut budget);
        if !above && document.kind != SourceKind::Builtin {
            let builtin = assemble(Vec::new()).builtin;
            warnings.extend(silenced::warnings(set, builtin.rules(), &mut budget));
            warnings.extend(across::warnings(set, taken_in, tell, &mut budget));
        }
        found.extend(
            warnings
                .into_iter()
                .filter_map(|warning| Some((rules.get(warning.rule)?, places.get(warning.rule)?, warning))),
        );
    }
    for (rules, warnings) in agents::warnings(document, now, &mut budget) {
        let place = |warning: Warning| Some((rules.rules.get(warning.rule)?, rules.places.get(warning.rule)?, warning));
        found.extend(warnings.into_iter().filter_map(place));
    }
    let lines = Lines::of(text);
    let mut problems: Vec<Problem> = found
        .into_iter()
        .map(|(rule, place, warning)| {
            let span = place.of(rule, warning.part);
            Problem {
                file: document.name.to_string(),
                line: lines.line(span.start),
                column: lines.column(text, span.start),
                span,
                message: warning.message,
                help: Some(warning.help),
            }
        })
        .collect();
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    if budget.is_spent() {
        let message = "the file is too long for all of its rules to be compared with each other".to_owned();
        let help = "what else is said of it holds; compare the rest yourself, or split the file".to_owned();
        problems.insert(0, Problem::at(&document.name, text, 0..0, message, Some(help)));
    }
    first(problems)
}

/// The warnings about those rules of another system's source that stand in a file of it, each with its line of the file's
/// text. Rules that the file does not have, because the system brings them along, are left alone.
pub fn lint_source(source: &Source, (file, text): (&str, &str), now: Timestamp) -> Vec<Problem> {
    let mut starts = vec![0];
    starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let problem = |warning: Warning| {
        let origin = &source.rules().get(warning.rule)?.origin;
        let above = usize::try_from(origin.line).ok()?.checked_sub(1)?;
        let start = *starts.get(above).filter(|_| *origin.file == *file)?;
        let line = text.get(start..)?.lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        let span = start + indent..start + line.trim_end().len().max(indent);
        let column = line.get(..indent).map_or(0, |indent| indent.chars().count());
        Some(Problem {
            file: file.to_owned(),
            span,
            line: origin.line,
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
            message: warning.message,
            help: Some(warning.help),
        })
    };
    let mut problems: Vec<Problem> = of_source(source, now).into_iter().filter_map(problem).collect();
    problems.sort_by_key(|problem| problem.line);
    first(problems)
}

/// As many as are told at once.
fn first(mut problems: Vec<Problem>) -> Vec<Problem> {
    let all = problems.len();
    problems.truncate(MOST);
    if let Some(last) = problems.last_mut().filter(|_| all > MOST) {
        last.help = Some(format!("and {} more warnings behind this one", all - MOST));
    }
    problems
}

/// The warnings about any source, in the order of its rules.
pub fn of_source(source: &Source, now: Timestamp) -> Vec<Warning> {
    let native = source.terms() == Terms::Native;
    let several = !matches!(source.terms(), Terms::Tool | Terms::SurfSense | Terms::OpenCode);
    let set = Set { rules: source.rules(), combining: source.combining(), native, several, now };
    of_rules(set, &mut Budget::new())
}

/// Rules that answer as one.
#[derive(Clone, Copy)]
struct Set<'a> {
    rules: &'a [Rule],
    combining: Combining,
    /// Whether they speak in our own terms.
    native: bool,
    /// Whether resources have several spellings in these terms.
    several: bool,
    now: Timestamp,
}

impl Set<'_> {
    fn has_ended(&self, rule: &Rule) -> bool {
        rule.effect == Effect::Allow && rule.expires.is_some_and(|expires| expires <= self.now)
    }
}

/// How much may still be compared: a hostile file must not keep a person waiting.
struct Budget {
    left: u64,
}

impl Budget {
    /// Some seconds' worth of steps; a policy of a thousand rules takes a hundredth of it.
    fn new() -> Budget {
        Budget { left: 1 << 31 }
    }

    /// Takes so many steps, if they are left.
    fn take(&mut self, steps: usize) -> bool {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let enough = self.left >= steps;
        self.left = if enough { self.left - steps } else { 0 };
        enough
    }

    fn is_spent(&self) -> bool {
        self.left == 0
    }
}

fn of_rules(set: Set<'_>, budget: &mut Budget) -> Vec<Warning> {
    let mut warnings = dead::warnings(set, budget);
    for (position, rule) in set.rules.iter().enumerate().filter(|(_, rule)| rule.poisoned.is_none()) {
        warnings.extend(ended(set, position, rule));
        if set.native {
            warnings.extend(powers(position, rule));
            warnings.extend(dialect::warnings(position, rule));
        }
    }
    warnings.sort_by_key(|warning| (warning.rule, warning.part));
    warnings
}

/// An allow whose time is over.
fn ended(set: Set<'_>, position: usize, rule: &Rule) -> Option<Warning> {
    let when = rule.expires.filter(|_| set.has_ended(rule))?.utc();
    let when = when.strip_suffix("T00:00:00Z").unwrap_or(&when);
    Some(Warning {
        rule: position,
        part: Part::Whole,
        message: format!("this allow ended on {when} and counts for nothing"),
        help: "take it out, or give it another day".to_owned(),
    })
}

/// An allow of whatever a command does.
fn powers(position: usize, rule: &Rule) -> Vec<Warning> {
    if rule.effect != Effect::Allow || !matches!(rule.selector, Selector::Action(crate::Action::Shell)) {
        return Vec::new();
    }
    let warning = |part, message: &str, help| Warning { rule: position, part, message: message.to_owned(), help };
    let every = "this allows every command, whatever it does";
    let name = || "name the commands: `shell(git diff *, cargo test *)`".to_owned();
    if rule.patterns.is_empty() {
        return vec![warning(Part::Whole, every, name())];
    }
    let granting = rule.patterns.iter().enumerate().filter(|(_, pattern)| pattern.grants_power());
    granting
        .map(|(at, pattern)| {
            if pattern.as_str().starts_with("**") {
                return warning(Part::Pattern(at), every, name());
            }
            let message = "`**` also grants options that run other programs, write files or connect elsewhere";
            let narrow = quoted(&pattern.as_str().replace("**", "*"));
            let help =
                format!("write {narrow}, which grants ordinary arguments and harmless options, if that is enough");
            warning(Part::Pattern(at), message, help)
        })
        .collect()
}

impl Place {
    /// The bytes of the file that a part of the rule stands in: of a text with escapes, all of it.
    fn of(&self, rule: &Rule, part: Part) -> std::ops::Range<usize> {
        let (selector, patterns) = ranges(&rule.origin.text);
        let part = match part {
            Part::Whole => None,
            Part::Selector => Some(selector),
            Part::Pattern(at) => patterns.get(at).cloned(),
            Part::Exception(at) => return self.unless.get(at).unwrap_or(&self.text).clone(),
        };
        match part.filter(|_| self.plain) {
            Some(part) => self.text.start + part.start..self.text.start + part.end,
            None => self.text.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
