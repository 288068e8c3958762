//! What FlowFuse keeps, as native rules.

use std::collections::{BTreeMap, BTreeSet};

use countersign_policy::document::quoted;
use countersign_policy::{Class, Effect, Origin, ToolEntry, Version};

use super::catalog::{Catalog, Entry, nowhere};
use super::state::{Kept, Said, State, named};
use crate::import::{Became, Fate, Report};

/// What the kept choices of one team become. Each is a rule about its class where that says the same, else about each of
/// its tools; the catalog is what is said of the tools.
pub(super) fn report(state: &State, catalog: &Catalog, team: Option<&str>) -> Report {
    let kept = Kept::of(state, catalog, team);
    let mut writer = Writer { state, catalog, team, kept, fates: Vec::new(), choices: BTreeMap::new() };
    for (group, tools) in writer.groups() {
        writer.group(group, &tools);
    }
    writer.unlisted();
    writer.without_tools();
    Report { rules: writer.finish(), tools: tools(catalog) }
}

/// A tool of a group, and what holds for it.
struct Tool<'a> {
    key: &'a str,
    class: Class,
    said: Said,
}

struct Writer<'a> {
    state: &'a State,
    catalog: &'a Catalog,
    team: Option<&'a str>,
    kept: Kept<'a>,
    fates: Vec<Fate>,
    /// By line, text and effect.
    choices: BTreeMap<(u32, String, Effect), Choice>,
}

/// A choice that rules of ours say.
struct Choice {
    origin: Origin,
    rules: Vec<String>,
    note: Option<String>,
}

impl<'a> Writer<'a> {
    /// The groups with their tools and what holds for these.
    fn groups(&self) -> BTreeMap<&'a str, Vec<Tool<'a>>> {
        let mut groups: BTreeMap<&str, Vec<Tool<'_>>> = BTreeMap::new();
        for key in self.catalog.keys() {
            let Some(entry) = self.catalog.entry(key) else { continue };
            let said = match unreadable(entry) {
                // Nobody can say which versions have a tool whose bounds are none.
                Some(bound) => {
                    let text = format!("{} is no version of {}", quoted(bound), quoted(key));
                    Said { effect: Effect::Deny, origin: nowhere(text) }
                }
                None => self.said(key),
            };
            groups.entry(&entry.group).or_default().push(Tool { key, class: entry.class, said });
        }
        groups
    }

    /// What holds for a tool: what was asked about or denied for a chat, else what is kept.
    fn said(&self, key: &str) -> Said {
        self.state.session_said(key).unwrap_or_else(|| self.kept.said(Some(key)))
    }

    /// The rules for a group. The strictest rule wins: a class can only be asked about or denied as a whole where no
    /// tool that the rule speaks of is treated more gently.
    fn group(&mut self, group: &str, tools: &[Tool<'_>]) {
        let default = |class: Class| self.state.default_said(self.team, group, class);
        let defaults = [Class::Read, Class::Write, Class::Delete].map(|class| (class, default(class)));
        let [.., (_, delete)] = &defaults;
        let delete = delete.effect;
        for (class, default) in defaults {
            let effect = default.effect;
            let speaks_of_deletions = class == Class::Write && effect > Effect::Allow;
            let gentler = tools.iter().find(|tool| {
                (tool.class == class || speaks_of_deletions && tool.class == Class::Delete) && tool.said.effect < effect
            });
            let because = match gentler {
                _ if !is_plain(group) => Some("no rule can spell the group's name".to_owned()),
                Some(tool) => Some(format!("`{}` is treated more gently than the class", tool.key)),
                None if speaks_of_deletions && delete < effect => {
                    Some("deletions are treated more gently, and a rule about writing is about them too".to_owned())
                }
                None => None,
            };
            match &because {
                None => self.push(default.clone(), format!("{group}/@{}", class.word())),
                Some(because) => {
                    let note = format!(
                        "in {} tool by tool, because {because}; a tool that comes later is asked about",
                        quoted(group)
                    );
                    self.choice(default.clone()).note = Some(note);
                }
            }
            for tool in tools.iter().filter(|tool| tool.class == class) {
                if because.is_some() || tool.said.effect != effect {
                    self.tool(tool.key, tool.said.clone());
                }
            }
        }
    }

    /// What was chosen for tools that the catalog does not have.
    fn unlisted(&mut self) {
        let preferred = self.state.preferences.get(named(self.team)).into_iter().flatten();
        let preferred = preferred.filter(|(_, choice)| choice.effect().is_some()).map(|(key, _)| key.as_str());
        let keys: BTreeSet<&str> = preferred.chain(self.state.session.keys().map(String::as_str)).collect();
        let keys: Vec<String> =
            keys.into_iter().filter(|key| self.catalog.entry(key).is_none()).map(str::to_owned).collect();
        for key in keys {
            let said = self.said(&key);
            self.tool(&key, said);
        }
    }

    /// Defaults of groups in which the catalog has no tool.
    fn without_tools(&mut self) {
        let known: BTreeSet<&str> = self.catalog.entries().iter().map(|entry| &*entry.group).collect();
        for group in self.state.groups(self.team).filter(|group| !known.contains(group)) {
            for class in [Class::Read, Class::Write, Class::Delete] {
                let origin = self.state.default_said(self.team, group, class).origin;
                if origin.line > 0 {
                    let why = "no tool of this group is in the catalog, and without it nothing tells which one is";
                    self.fates.push(Fate::new(origin, Became::Dropped { why: why.to_owned() }));
                }
            }
        }
    }

    fn tool(&mut self, key: &str, said: Said) {
        if is_plain(key) {
            return self.push(said, format!("tool:{key}"));
        }
        let why = format!("no rule can spell the name {}", quoted(key));
        self.fates.push(Fate::new(said.origin, Became::Kept { why }));
    }

    fn push(&mut self, said: Said, rule: String) {
        self.choice(said).rules.push(rule);
    }

    /// What becomes of the choice that says this: it may be about many tools.
    fn choice(&mut self, said: Said) -> &mut Choice {
        let place = (said.origin.line, said.origin.text.clone(), said.effect);
        self.choices.entry(place).or_insert_with(|| Choice { origin: said.origin, rules: Vec::new(), note: None })
    }

    fn finish(self) -> Vec<Fate> {
        let mut fates = self.fates;
        fates.extend(self.choices.into_iter().map(|((.., effect), Choice { origin, rules, note })| Fate {
            note,
            ..Fate::new(origin, Became::native(effect, rules))
        }));
        fates
    }
}

/// What the catalog says of the tools, without bounds that are none.
fn tools(catalog: &Catalog) -> BTreeMap<String, ToolEntry> {
    let readable = |bound: Option<String>| bound.filter(|bound| Version::read(bound).is_some());
    let mut tools = catalog.tools();
    for tool in tools.values_mut() {
        (tool.since, tool.last) = (readable(tool.since.take()), readable(tool.last.take()));
    }
    tools
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}

/// A bound of the tool's window that is no version.
fn unreadable(entry: &Entry) -> Option<&str> {
    let bounds = [&entry.min_version, &entry.max_version].into_iter().flatten();
    bounds.map(String::as_str).find(|bound| Version::read(bound).is_none())
}
