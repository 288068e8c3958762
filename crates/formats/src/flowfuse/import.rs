//! What FlowFuse keeps, as a native policy file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::{Class, Effect, Version};

use super::catalog::{Catalog, Entry, FLOW_BUILDING, PLATFORM, list_of};
use super::state::{Kept, PREFERENCES, State};
use crate::Text;
use crate::json::{self, Grammar, Node};

/// A native policy file that says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its text.
    pub text: String,
    /// What is written otherwise than it was kept, and what was left out, each with the reason.
    pub notes: Vec<String>,
}

/// Writes one team's kept choices as a native policy file. Choices for one chat are not kept, and not written.
///
/// # Errors
/// Everything that is wrong with the texts, and tools and groups whose names no rule can spell.
pub fn import(state: &Text<'_>, catalog: &Text<'_>, team: &str) -> Result<Imported, Vec<Problem>> {
    let kept = State::read(state);
    let tools = Catalog::read(catalog);
    let (kept, tools) = match (kept, tools) {
        (Ok(kept), Ok(tools)) => (kept, tools),
        (kept, tools) => {
            return Err(kept.err().into_iter().chain(tools.err()).flatten().collect());
        }
    };
    let unspeakable: Vec<Problem> = [state, catalog].into_iter().flat_map(|text| unspeakable(text, team)).collect();
    if !unspeakable.is_empty() {
        return Err(unspeakable);
    }
    let mut writer = Writer { state: &kept, catalog: &tools, team, rules: Rules::default(), notes: Vec::new() };
    writer
        .notes
        .extend(kept.ignored(state).iter().map(|problem| format!("line {}: {}", problem.line, problem.message)));
    writer.left_out();
    for (group, tools) in writer.groups() {
        writer.group(group, &tools);
    }
    writer.unreadable();
    writer.unlisted();
    Ok(writer.finish())
}

#[derive(Default)]
struct Rules {
    allow: Vec<String>,
    ask: Vec<String>,
    deny: Vec<String>,
}

/// A tool of a group, and what is kept of it.
struct Tool<'a> {
    key: &'a str,
    class: Class,
    effect: Effect,
}

struct Writer<'a> {
    state: &'a State,
    catalog: &'a Catalog,
    team: &'a str,
    rules: Rules,
    notes: Vec<String>,
}

impl<'a> Writer<'a> {
    /// What has no place in a file.
    fn left_out(&mut self) {
        if !self.state.defaults.contains_key(self.team) && !self.state.preferences.contains_key(self.team) {
            self.notes
                .push(format!("nothing is kept of the team {}: these are the built-in defaults", quoted(self.team)));
        }
        if !self.state.session.is_empty() {
            self.notes.push("choices for one chat are left out: they end with it".to_owned());
        }
        if self.state.class_default(Some(self.team), FLOW_BUILDING, Class::Write) == Effect::Deny {
            self.notes.push("tools that are not in the catalog were denied, and are asked about now".to_owned());
        }
        let mut keys = BTreeSet::new();
        for entry in self.catalog.entries() {
            match &entry.key {
                None => self.notes.push(format!("{} has no key and is left out", quoted(entry.display_name()))),
                Some(key) if !keys.insert(key) => {
                    self.notes.push(format!("`tool:{key}` stands twice in the catalog: the first counts"));
                }
                Some(_) => {}
            }
        }
    }

    fn preferred(&self) -> impl Iterator<Item = &str> {
        self.state.preferences.get(self.team).into_iter().flat_map(|kept| kept.keys().map(String::as_str))
    }

    /// The groups with their tools and what is kept of these.
    fn groups(&self) -> BTreeMap<&'a str, Vec<Tool<'a>>> {
        let mut groups: BTreeMap<&str, Vec<Tool<'_>>> =
            [FLOW_BUILDING, PLATFORM].map(|group| (group, Vec::new())).into();
        let kept = Kept::of(self.state, self.catalog, Some(self.team));
        for key in self.catalog.keys() {
            let Some(entry) = self.catalog.entry(key) else { continue };
            // Nobody can say which versions have a tool whose bounds are none.
            let effect = if unreadable(entry).is_some() { Effect::Deny } else { kept.said(Some(key)).effect };
            groups.entry(&entry.group).or_default().push(Tool { key, class: entry.class, effect });
        }
        groups
    }

    /// The rules for a group. The strictest rule wins: a class can only be asked about or denied as a whole where no
    /// tool that the rule speaks of is treated more gently.
    fn group(&mut self, group: &str, tools: &[Tool<'_>]) {
        let default = |class: Class| self.state.class_default(Some(self.team), group, class);
        let defaults = [Class::Read, Class::Write, Class::Delete].map(|class| (class, default(class)));
        let [.., (_, delete)] = defaults;
        for (class, default) in defaults {
            let speaks_of_deletions = class == Class::Write && default > Effect::Allow;
            let gentler = tools.iter().find(|tool| {
                (tool.class == class || speaks_of_deletions && tool.class == Class::Delete) && tool.effect < default
            });
            let because = match gentler {
                Some(tool) => Some(format!("`{}` is treated more gently than the class", tool.key)),
                None if speaks_of_deletions && delete < default => {
                    Some("deletions are treated more gently, and a rule about writing is about them too".to_owned())
                }
                None => None,
            };
            match &because {
                None => self.push(default, format!("{group}/@{}", class.word())),
                Some(because) => self.notes.push(format!(
                    "`{group}/@{}` is written tool by tool, because {because}; a tool that comes later is asked about",
                    class.word()
                )),
            }
            for tool in tools.iter().filter(|tool| tool.class == class) {
                if because.is_some() || tool.effect != default {
                    self.push(tool.effect, format!("tool:{}", tool.key));
                }
            }
        }
    }

    fn unreadable(&mut self) {
        for entry in self.catalog.entries() {
            if let (Some(key), Some(bound)) = (&entry.key, unreadable(entry)) {
                self.notes.push(format!("`tool:{key}` is denied, because {} is no version", quoted(bound)));
            }
        }
    }

    /// Preferences for tools that the catalog does not have: their class and versions are not known.
    fn unlisted(&mut self) {
        let keys: Vec<String> =
            self.preferred().filter(|key| self.catalog.entry(key).is_none()).map(str::to_owned).collect();
        for key in keys {
            let Some(effect) = self.preference(&key) else { continue };
            if effect == Effect::Allow {
                self.notes.push(format!("`tool:{key}` is not in the catalog: its allow is left out"));
            } else {
                self.push(effect, format!("tool:{key}"));
            }
        }
    }

    fn preference(&self, key: &str) -> Option<Effect> {
        self.state.preferences.get(self.team)?.get(key)?.effect()
    }

    fn push(&mut self, effect: Effect, rule: String) {
        match effect {
            Effect::Allow => self.rules.allow.push(rule),
            Effect::Ask => self.rules.ask.push(rule),
            Effect::Deny => self.rules.deny.push(rule),
        }
    }

    fn finish(self) -> Imported {
        let mut out = String::new();
        for (name, rules) in [("allow", &self.rules.allow), ("ask", &self.rules.ask), ("deny", &self.rules.deny)] {
            if !rules.is_empty() {
                let _ = writeln!(out, "{name} = [");
                rules.iter().for_each(|rule| {
                    let _ = writeln!(out, "  {},", basic(rule));
                });
                out.push_str("]\n");
            }
        }
        for (action, tool) in self.catalog.tools() {
            let _ = writeln!(out, "\n[tools.{}]", basic(&action));
            let class = tool.class.unwrap_or(Class::Write).word().to_owned();
            for (name, value) in [
                ("class", Some(class)),
                ("group", tool.group),
                ("family", tool.family),
                ("since", tool.since),
                ("last", tool.last),
            ] {
                let is_bound = matches!(name, "since" | "last");
                if let Some(value) = value.filter(|value| !is_bound || Version::read(value).is_some()) {
                    let _ = writeln!(out, "{name} = {}", basic(&value));
                }
            }
        }
        Imported { text: out, notes: self.notes }
    }
}

/// The keys and groups of a text whose names have characters with a meaning in rules.
fn unspeakable(text: &Text<'_>, team: &str) -> Vec<Problem> {
    let Ok(root) = json::parse(text, Grammar::Json) else { return Vec::new() };
    let mut names: Vec<(&str, &Range<usize>)> = Vec::new();
    for entry in list_of(&root).list().unwrap_or_default() {
        let word = |name: &str| entry.member(name).and_then(|node| Some((node.text()?, &node.span)));
        names.extend(word("key"));
        // An empty group is none.
        names.extend(word("group").filter(|(name, _)| !name.is_empty()));
    }
    let preferences = root.member(PREFERENCES).and_then(|teams| teams.member(team)).and_then(Node::object);
    names.extend(preferences.into_iter().flatten().map(|member| (&*member.name, &member.span)));
    names.retain(|(name, _)| !is_plain(name));
    let problem = |(name, span): &(&str, &Range<usize>)| {
        let message = format!("no rule can spell the name {}", quoted(name));
        text.problem(span, message, Some("take the file in as it is: `[[import]]`"))
    };
    names.iter().map(problem).collect()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}

/// A bound of the tool's window that is no version.
fn unreadable(entry: &Entry) -> Option<&str> {
    let bounds = [&entry.min_version, &entry.max_version].into_iter().flatten();
    bounds.map(String::as_str).find(|bound| Version::read(bound).is_none())
}

/// A basic string of TOML.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
