//! Rules that say no more than a name and a pattern, in a few bytes each: most of what a look-up finds is told apart here,
//! without a look at the rules themselves, which lie far apart.

use std::collections::HashMap;

use crate::pattern::{Dialect, Wildcard};
use crate::rule::{Binds, Rule, Selector};

/// The rules of a source in short.
#[derive(Debug, Clone, Default)]
pub(super) struct Briefs {
    rows: Box<[Brief]>,
    /// The patterns, one behind the other.
    texts: Box<str>,
    names: Box<[Wildcard]>,
}

/// A rule in short.
#[derive(Debug, Clone, Copy)]
struct Brief {
    /// Where its pattern stands, and how long it is.
    at: u32,
    length: u32,
    /// Which name; none for a rule that says more.
    name: u32,
    dialect: Dialect,
}

const NONE: u32 = u32::MAX;

impl Briefs {
    /// The rules in short. Where none can be told so, nothing is kept.
    pub(super) fn of(rules: &[Rule]) -> Briefs {
        let mut texts = String::new();
        let mut names: Vec<Wildcard> = Vec::new();
        let mut known: HashMap<(Dialect, &str), u32> = HashMap::new();
        let mut rows = Vec::with_capacity(rules.len());
        for rule in rules {
            let more = Brief { at: 0, length: 0, name: NONE, dialect: Dialect::Exact };
            let Some((name, pattern)) = brief(rule) else {
                rows.push(more);
                continue;
            };
            let number = *known.entry((name.dialect(), name.as_str())).or_insert_with(|| {
                names.push(name.clone());
                u32::try_from(names.len() - 1).unwrap_or(NONE)
            });
            let (at, length) = (u32::try_from(texts.len()), u32::try_from(pattern.as_str().len()));
            let (Ok(at), Ok(length)) = (at, length) else {
                rows.push(more);
                continue;
            };
            texts.push_str(pattern.as_str());
            rows.push(Brief { at, length, name: number, dialect: pattern.dialect() });
        }
        if names.is_empty() {
            return Briefs::default();
        }
        Briefs { rows: rows.into(), texts: texts.into(), names: names.into() }
    }

    /// Whether a rule speaks of this text under this name; `None` for a rule that says more.
    pub(super) fn speaks(&self, position: u32, name: &str, text: &str) -> Option<bool> {
        let Brief { at, length, name: number, dialect } = *self.rows.get(usize::try_from(position).ok()?)?;
        let its_name = self.names.get(usize::try_from(number).ok()?)?;
        let at = usize::try_from(at).ok()?;
        let pattern = self.texts.get(at..at + usize::try_from(length).ok()?)?;
        Some(dialect.matches_plain(pattern, text) && its_name.matches(name))
    }
}

/// The name and the pattern of a rule that says no more.
fn brief(rule: &Rule) -> Option<(&Wildcard, &Wildcard)> {
    let Selector::Named(name) = &rule.selector else { return None };
    let [pattern] = rule.patterns.as_slice() else { return None };
    let pattern = pattern.as_wildcard().filter(|wildcard| wildcard.is_plain())?;
    let says_more = !rule.unless.is_empty()
        || !rule.when.is_empty()
        || rule.expires.is_some()
        || !rule.implied
        || rule.fallback
        || rule.binds != Binds::All;
    (!says_more).then_some((name, pattern))
}
