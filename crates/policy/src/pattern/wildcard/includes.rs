//! Which wildcards match everything that another one matches.

use super::{Dialect, Step, Wildcard, optional, pass_runs, steps};
use crate::pattern::Glob;

impl Wildcard {
    /// The same as its author wrote it: OpenCode's as if the case of letters counted for nothing. There asks and denies
    /// hold in any case, and what lifts one lifts it in the case in which it was written.
    pub(crate) fn includes_as_written(&self, other: &Wildcard) -> bool {
        let in_any_case = |of: &Wildcard| match of.dialect {
            Dialect::OpenCode { .. } => Wildcard::compile(Dialect::OpenCode { windows: true }, &of.text),
            _ => of.clone(),
        };
        match (self.dialect, other.dialect) {
            (Dialect::OpenCode { windows }, Dialect::OpenCode { windows: theirs }) if windows != theirs => {
                in_any_case(self).includes(&in_any_case(other))
            }
            _ => self.includes(other),
        }
    }

    /// Whether it matches every text that `other` does. What is not known to be so is not: wildcards of two dialects, a
    /// set beside a run.
    pub fn includes(&self, other: &Wildcard) -> bool {
        if self == other {
            return true;
        }
        if other.dialect == Dialect::Exact {
            return self.matches(&other.text);
        }
        // A line break that SurfSense leaves over is left over by both.
        if self.dialect != other.dialect {
            return false;
        }
        let (ours, theirs) = (steps(self.dialect, &self.text), steps(other.dialect, &other.text));
        let missing = optional(other.dialect, &theirs);
        let ours = Taker { optional: optional(self.dialect, &ours), steps: ours };
        let without = theirs.get(..theirs.len().saturating_sub(missing));
        ours.takes_all_of(&theirs) && (missing == 0 || without.is_some_and(|steps| ours.takes_all_of(steps)))
    }
}

impl Wildcard {
    /// Whether it matches every text in lower case of those that a glob of ours matches exactly.
    pub(in crate::pattern) fn includes_folded(&self, glob: &Glob) -> bool {
        let step = |piece: Option<char>| match piece {
            Some(c) => c.to_lowercase().map(|c| Step::One(u32::from(c))).collect(),
            None => vec![Step::Run(None)],
        };
        let theirs: Vec<Step> = glob.characters().into_iter().flat_map(step).collect();
        let ours = steps(self.dialect, &self.text);
        Taker { optional: optional(self.dialect, &ours), steps: ours }.takes_all_of(&theirs)
    }
}

/// The steps of a wildcard, the last of which may be missing.
struct Taker {
    steps: Vec<Step>,
    optional: usize,
}

impl Taker {
    /// Whether it matches every text that these steps take: each of them stands for all that it takes.
    fn takes_all_of(&self, theirs: &[Step]) -> bool {
        let mut places = vec![false; self.steps.len() + 1];
        if let Some(first) = places.first_mut() {
            *first = true;
        }
        pass_runs(&self.steps, &mut places);
        for step in theirs {
            let mut next = vec![false; self.steps.len() + 1];
            for (at, (ours, _)) in self.steps.iter().zip(&places).enumerate().filter(|(_, (_, taken))| **taken) {
                let to = if matches!(ours, Step::Run(_)) { at } else { at + 1 };
                if ours.includes(step)
                    && let Some(place) = next.get_mut(to)
                {
                    *place = true;
                }
            }
            pass_runs(&self.steps, &mut next);
            places = next;
        }
        let end = |at: usize| places.get(at).copied().unwrap_or_default();
        end(self.steps.len()) || self.optional > 0 && end(self.steps.len().saturating_sub(self.optional))
    }
}

impl Step {
    /// Whether it takes every unit that the other takes, and any number of them if the other does.
    fn includes(&self, other: &Step) -> bool {
        match (self, other) {
            (Step::Run(None), _) => true,
            (Step::Run(Some(but)), Step::Run(other)) => *other == Some(*but),
            (_, Step::Run(_)) => false,
            (Step::Any, _) => true,
            (_, Step::One(unit)) => self.takes(*unit),
            (Step::Set { negated: true, ranges }, Step::Set { negated: true, ranges: theirs }) => {
                ranges.iter().all(|range| theirs.iter().any(|its| within(*range, *its)))
            }
            (Step::Run(Some(but)), Step::Set { negated: true, ranges }) => {
                ranges.iter().any(|range| within((*but, *but), *range))
            }
            (Step::Set { negated: false, ranges }, Step::Set { negated: false, ranges: theirs }) => {
                theirs.iter().all(|its| ranges.iter().any(|range| within(*its, *range)))
            }
            (Step::Set { negated: true, ranges }, Step::Set { negated: false, ranges: theirs }) => {
                theirs.iter().all(|its| ranges.iter().all(|range| its.1 < range.0 || range.1 < its.0))
            }
            (Step::Run(Some(but)), Step::Set { negated: false, ranges }) => {
                ranges.iter().all(|range| !within((*but, *but), *range))
            }
            _ => false,
        }
    }
}

/// Whether one range lies in another.
fn within(range: (u32, u32), other: (u32, u32)) -> bool {
    other.0 <= range.0 && range.1 <= other.1
}
