//! A file of clawbolt in our own grammar, as far as that can say the same.
//!
//! There the first that matches decides; here the strictest does. So a rule that is stricter than what comes before it
//! takes that as exceptions: `{ rule = "tool:qb_send", unless = ["*@acme.com"] }`. Our asks and denies hold whatever the
//! case of letters: beyond that nothing changes, and nothing becomes looser.

mod overlap;

use std::collections::BTreeMap;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::{Origin, ToolEntry};

use super::Level;
use super::document::{Document, Entry};
use super::extract::{ResourceFrom, Tool};
use crate::Text;
use crate::import::{Became, Fate, Native, Report};
use crate::json::Json;
use overlap::Tokens;

/// The most resources of a tool that are said in our grammar, and the most exceptions that they may take.
const MOST: usize = 100;

/// The longest resource in bytes that is said in our grammar: each is compared with each other one.
const LONGEST: usize = 128;

/// What each level of a file becomes. What holds for tools that it does not name is left to the policy's own default.
///
/// # Errors
/// All that is wrong with the file, as [`super::check`] lists it.
pub fn report(text: &Text<'_>) -> Result<Report, Vec<Problem>> {
    let document = Document::parse(text).map_err(|problem| vec![problem])?;
    let problems = document.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut report = Report::default();
    let origin = |line: u32, text: String| Origin { file: document.text.name.clone(), line, text };
    for said in by_tool(&document) {
        let rules = said.rules();
        let became = |of: Of, level: Level| match &rules {
            Err(why) => Became::Kept { why: why.clone() },
            Ok(rules) => {
                let rules = rules.iter().filter(|(its, _)| *its == of).map(|(_, native)| native.clone()).collect();
                Became::Native { effect: level.effect(), rules, why: None }
            }
        };
        if let Some((level, line)) = said.level {
            let origin = origin(line, format!("tools.{}: {}", said.tool, level.word()));
            report.rules.push(Fate::new(origin, became(Of::Tool, level)));
        }
        for (at, entry) in said.entries.iter().enumerate() {
            let origin = origin(entry.line, format!("{}: {}", said.about(entry), entry.level.word()));
            let became = match (said.why_never(at), became(Of::Entry(at), entry.level)) {
                (Some(why), Became::Native { rules, .. }) if rules.is_empty() => Became::Never { why },
                (_, became) => became,
            };
            let never = said.why_never(at).filter(|_| !matches!(became, Became::Never { .. }));
            let note = never.map(|why| format!("as a pattern it never applies: {why}")).or_else(|| said.note(entry));
            report.rules.push(Fate { note, ..Fate::new(origin, became) });
        }
        if let (Ok(_), Some(argument)) = (&rules, said.argument()) {
            let entry = ToolEntry { resource: Some(format!("/{argument}")), ..ToolEntry::default() };
            report.tools.insert(format!("tool:{}", said.tool), entry);
        }
    }
    for member in &document.others {
        let is_version = member.name == "version" && member.node.value == Json::Number("1".to_owned());
        if !is_version {
            let why = "clawbolt does not look at it".to_owned();
            let origin = origin(document.line(&member.span), member.name.clone());
            report.rules.push(Fate::new(origin, Became::Dropped { why }));
        }
    }
    report.rules.sort_by_key(|fate| fate.origin.line);
    Ok(report)
}

/// The tools of which a file speaks and whose calls have resources, for a catalog. A tool whose resource is no argument of
/// its calls is only among them where the file has levels for its resources: else the tool alone is judged.
///
/// # Errors
/// The file cannot be read.
pub fn catalog(text: &Text<'_>) -> Result<BTreeMap<String, ToolEntry>, Vec<Problem>> {
    let document = Document::parse(text).map_err(|problem| vec![problem])?;
    let said = by_tool(&document);
    let known = said.iter().filter(|said| said.argument().is_some() || !said.entries.is_empty());
    Ok(known.filter_map(|said| Tool::named(said.tool)).map(|tool| tool.entry()).collect())
}

/// What of a tool a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Its own level.
    Tool,
    /// The resource at that place.
    Entry(usize),
}

/// All that a file says of one tool.
struct Said<'d> {
    tool: &'d str,
    level: Option<(Level, u32)>,
    /// Its resources, in the order of the file.
    entries: Vec<Resource<'d>>,
}

/// A resource of a tool.
struct Resource<'d> {
    key: &'d str,
    tokens: Tokens,
    is_pattern: bool,
    level: Level,
    line: u32,
}

fn by_tool<'d>(document: &'d Document<'_>) -> Vec<Said<'d>> {
    let mut all: Vec<Said<'d>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut of = |tool: &'d str, level: Option<(Level, u32)>, entries: Vec<Resource<'d>>| {
        let place = *places.entry(tool).or_insert(all.len());
        if place == all.len() {
            all.push(Said { tool, level: None, entries: Vec::new() });
        }
        if let Some(said) = all.get_mut(place) {
            said.level = said.level.or(level);
            said.entries.extend(entries);
        }
    };
    let level = |entry: &Entry| entry.level.clone().unwrap_or(Level::Never);
    for entry in document.tools.iter().flatten() {
        of(&entry.key, Some((level(entry), document.line(&entry.span))), Vec::new());
    }
    for resources in document.resources.iter().flatten() {
        let each = |entry: &'d Entry| Resource {
            key: &entry.key,
            tokens: Tokens::of(&entry.key),
            is_pattern: entry.is_pattern(),
            level: level(entry),
            line: document.line(&entry.span),
        };
        of(&resources.tool, None, resources.entries.iter().flatten().map(each).collect());
    }
    all
}

impl Said<'_> {
    /// The argument that holds its resource.
    fn argument(&self) -> Option<&'static str> {
        match Tool::named(self.tool)?.resource {
            ResourceFrom::Argument(argument) => Some(argument),
            _ => None,
        }
    }

    /// The same in our grammar, each rule with what it comes from, or why it cannot be said.
    fn rules(&self) -> Result<Vec<(Of, Native)>, String> {
        if self.tool.is_empty() || !self.tool.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
            return Err("its name has more in it than letters, digits, `_`, `-` and `.`".to_owned());
        }
        if !self.entries.is_empty() && self.argument().is_none() {
            return Err(match Tool::named(self.tool) {
                Some(_) => "its resource is worked out from the call, and is no argument of it".to_owned(),
                None => "which of its arguments is the resource is not known".to_owned(),
            });
        }
        if self.entries.len() > MOST {
            return Err(format!("it has more than {MOST} resources"));
        }
        if let Some(entry) = self.entries.iter().find(|entry| entry.key.len() > LONGEST) {
            return Err(format!("{} is longer than {LONGEST} bytes", quoted(entry.key)));
        }
        if let Some(entry) = self.entries.iter().find(|entry| self.lets_in_what_has_none(entry)) {
            let key = quoted(entry.key);
            return Err(format!("{key} is looser than the tool, and here it would speak of an empty resource too"));
        }
        let ranked = self.ranked()?;
        let mut exceptions = 0;
        let mut rules = Vec::new();
        for (at, rank) in ranked.iter().enumerate() {
            let before = ranked.iter().take(at).filter(|before| before.level < rank.level && before.may_overlap(rank));
            let unless: Vec<String> = before.filter_map(|before| before.pattern.clone()).collect();
            exceptions += unless.len();
            let rule = match &rank.pattern {
                Some(pattern) => format!("tool:{}({pattern})", self.tool),
                None => format!("tool:{}", self.tool),
            };
            rules.push((rank.of, Native { rule, unless }));
        }
        if exceptions > MOST {
            return Err(format!("it would take more than {MOST} exceptions"));
        }
        Ok(rules)
    }

    /// Whether a pattern would loosen calls whose argument is empty: clawbolt takes them for calls without a resource.
    fn lets_in_what_has_none(&self, entry: &Resource<'_>) -> bool {
        let is_looser = self.level.is_none_or(|(level, _)| entry.level < level) && entry.level != Level::Never;
        is_looser && entry.is_pattern && overlap::matches(entry.key, "")
    }

    /// What decides, in the order in which it is looked at: exact resources, patterns, the tool.
    fn ranked(&self) -> Result<Vec<Rank<'_>>, String> {
        let mut ranked = Vec::new();
        for (at, entry) in self.entries.iter().enumerate().filter(|(at, _)| self.counts_as_text(*at)) {
            let pattern = Some(overlap::literal(entry.key)?);
            ranked.push(Rank { of: Of::Entry(at), what: What::Text(entry.key), level: entry.level, pattern });
        }
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.is_pattern) {
            let pattern = Some(entry.tokens.native(entry.key)?);
            if self.covering(at).is_none() {
                let what = What::Pattern(&entry.tokens, entry.key);
                ranked.push(Rank { of: Of::Entry(at), what, level: entry.level, pattern });
            }
        }
        ranked.extend(self.level.map(|(level, _)| Rank { of: Of::Tool, what: What::Tool, level, pattern: None }));
        Ok(ranked)
    }

    /// Whether the key must be said as a text too: a pattern counts for exactly its own text before all other patterns.
    fn counts_as_text(&self, at: usize) -> bool {
        let Some(entry) = self.entries.get(at) else { return false };
        let before = self.entries.iter().take(at).filter(|before| before.is_pattern);
        !entry.is_pattern
            || !overlap::matches(entry.key, entry.key)
            || before.into_iter().any(|before| before.level != entry.level && overlap::matches(before.key, entry.key))
    }

    /// The pattern before this one that matches all that it does; only the first ones are compared.
    fn covering(&self, at: usize) -> Option<&Resource<'_>> {
        let entry = self.entries.get(at).filter(|entry| entry.is_pattern && at < MOST)?;
        let before = self.entries.iter().take(at).filter(|before| before.is_pattern);
        before.into_iter().find(|before| before.tokens.cover(&entry.tokens))
    }

    /// Why a resource's rule can never apply, if it cannot.
    fn why_never(&self, at: usize) -> Option<String> {
        let before = self.covering(at)?;
        let (key, line) = (quoted(before.key), before.line);
        Some(format!("{key} of line {line} comes first and matches all of it"))
    }

    /// What a human should know of a resource's rule.
    fn note(&self, entry: &Resource<'_>) -> Option<String> {
        if self.level.is_some_and(|(level, _)| level == Level::Never) && entry.level != Level::Never {
            let tool = quoted(self.tool);
            return Some(format!(
                "clawbolt does not offer {tool} to the model, which is `never`, so this never applies"
            ));
        }
        let may_be_chosen = entry.is_pattern && entry.level == Level::Always;
        may_be_chosen.then(|| {
            "a resource that an agent chose is stored in the same way; keep it if you meant a pattern".to_owned()
        })
    }

    /// A resource as it is spoken of.
    fn about(&self, entry: &Resource<'_>) -> String {
        format!("resources.{}.{}", self.tool, entry.key)
    }
}

/// One thing that can decide.
struct Rank<'d> {
    of: Of,
    what: What<'d>,
    level: Level,
    pattern: Option<String>,
}

enum What<'d> {
    Text(&'d str),
    Pattern(&'d Tokens, &'d str),
    Tool,
}

impl Rank<'_> {
    /// Whether a resource could match both.
    fn may_overlap(&self, later: &Rank<'_>) -> bool {
        match (&self.what, &later.what) {
            (What::Text(_), What::Text(_)) => false,
            (What::Text(text), What::Pattern(_, pattern)) | (What::Pattern(_, pattern), What::Text(text)) => {
                overlap::matches(pattern, text)
            }
            (What::Pattern(one, _), What::Pattern(other, _)) => !one.are_apart(other),
            (What::Tool, _) | (_, What::Tool) => true,
        }
    }
}

#[cfg(test)]
mod tests;
