//! A file of clawbolt in our own grammar, as far as that can say the same.
//!
//! There the first that matches decides; here the strictest does. So a rule that is stricter than what comes before it
//! takes that as exceptions: `{ rule = "tool:qb_send", unless = ["*@acme.com"] }`. Our asks and denies hold whatever the
//! case of letters: beyond that nothing changes, and nothing becomes looser.

mod overlap;
mod report;
mod write;

use std::collections::BTreeMap;

use countersign_policy::document::{Problem, quoted};

use super::document::{Document, Entry};
use super::extract::{ResourceFrom, Tool};
use super::{Defaults, Level};
use crate::Text;
use crate::json::Json;
use overlap::Tokens;
pub use report::report;

/// The most resources of a tool that are said in our grammar, and the most exceptions that they may take.
const MOST: usize = 100;

/// The longest resource in bytes that is said in our grammar: each is compared with each other one.
const LONGEST: usize = 128;

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The text of a `countersign.toml`; empty where nothing could be said.
    pub policy: String,
    /// Tools that our grammar does not say the same of, and why. While there are any, the file must stay a source.
    pub stays: Vec<Note>,
    /// What is not in the policy, because nothing looks at it.
    pub dropped: Vec<Note>,
    /// Rules that can never apply.
    pub never_apply: Vec<Note>,
    /// Rules that a human should look at.
    pub look_at: Vec<Note>,
}

/// Something to know about one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line, from 1; 0 for what stands in no file.
    pub line: u32,
    /// What it is about, as it stands there.
    pub about: String,
    /// What there is to know.
    pub why: String,
}

/// Says a file in our own grammar. Tools that the file does not name get the level that `defaults` gives each of them;
/// what holds for every other tool is left to the policy's own default.
///
/// # Errors
/// All that is wrong with the file, as [`super::check`] lists it.
pub fn import(text: &Text<'_>, defaults: &Defaults) -> Result<Imported, Vec<Problem>> {
    let document = Document::parse(text).map_err(|problem| vec![problem])?;
    let problems = document.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut made = Imported { dropped: dropped(&document), ..Imported::default() };
    let mut rules = Vec::new();
    let mut pointers = Vec::new();
    for said in by_tool(&document, defaults) {
        said.note_what_never_applies(&mut made);
        match said.rules() {
            Ok(of_tool) => {
                pointers.extend(said.argument().map(|argument| (said.tool, argument)));
                rules.extend(of_tool);
            }
            Err(why) => {
                let line = said.level.map_or(0, |(_, line)| line);
                let line = said.entries.first().map_or(line, |entry| entry.line);
                made.stays.push(Note { line, about: said.tool.to_owned(), why });
            }
        }
    }
    made.policy = write::policy(&text.name, &rules, &pointers);
    Ok(made)
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

/// A rule in our grammar.
struct Native {
    level: Level,
    tool: String,
    /// Its pattern; `None`: it is about the whole tool.
    pattern: Option<String>,
    unless: Vec<String>,
}

fn by_tool<'d>(document: &'d Document<'_>, defaults: &'d Defaults) -> Vec<Said<'d>> {
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
    for (tool, level) in &defaults.tools {
        of(tool, Some((*level, 0)), Vec::new());
    }
    all
}

impl Said<'_> {
    /// The argument that holds its resource; `None` where it has no rules about resources.
    fn argument(&self) -> Option<&'static str> {
        match Tool::named(self.tool)?.resource {
            ResourceFrom::Argument(argument) if !self.entries.is_empty() => Some(argument),
            _ => None,
        }
    }

    /// The same in our grammar, or why it cannot be said.
    fn rules(&self) -> Result<Vec<Native>, String> {
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
            let (pattern, tool) = (rank.pattern.clone(), self.tool.to_owned());
            rules.push(Native { level: rank.level, tool, pattern, unless });
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
        for (_, entry) in self.entries.iter().enumerate().filter(|(at, _)| self.counts_as_text(*at)) {
            let pattern = Some(overlap::literal(entry.key)?);
            ranked.push(Rank { what: What::Text(entry.key), level: entry.level, pattern });
        }
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.is_pattern) {
            let pattern = Some(entry.tokens.native(entry.key)?);
            if self.covering(at).is_none() {
                ranked.push(Rank { what: What::Pattern(&entry.tokens, entry.key), level: entry.level, pattern });
            }
        }
        ranked.extend(self.level.map(|(level, _)| Rank { what: What::Tool, level, pattern: None }));
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
    fn why_never(&self, at: usize, entry: &Resource<'_>) -> Option<String> {
        if let Some(before) = self.covering(at) {
            let (key, line) = (quoted(before.key), before.line);
            return Some(format!("{key} of line {line} comes first and matches all of it"));
        }
        let is_hidden = self.level.is_some_and(|(level, _)| level == Level::Never) && entry.level != Level::Never;
        is_hidden.then(|| format!("{} itself is `never`, so the model is not offered it", quoted(self.tool)))
    }

    /// A resource as it is spoken of.
    fn about(&self, entry: &Resource<'_>) -> String {
        format!("resources.{}.{}", self.tool, entry.key)
    }

    fn note_what_never_applies(&self, made: &mut Imported) {
        for (at, entry) in self.entries.iter().enumerate() {
            let note = |why| Note { line: entry.line, about: self.about(entry), why };
            if let Some(why) = self.why_never(at, entry) {
                made.never_apply.push(note(why));
            } else if entry.is_pattern && entry.level == Level::Always {
                let why = "a resource that an agent chose is stored in the same way; keep it if you meant a pattern";
                made.look_at.push(note(why.to_owned()));
            }
        }
    }
}

/// One thing that can decide.
struct Rank<'d> {
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

fn dropped(document: &Document<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    for member in &document.others {
        let is_version = member.name == "version" && member.node.value == Json::Number("1".to_owned());
        if !is_version {
            let why = "clawbolt does not look at it".to_owned();
            notes.push(Note { line: document.line(&member.span), about: member.name.clone(), why });
        }
    }
    notes
}

#[cfg(test)]
mod tests;
