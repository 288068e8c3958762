//! Rules that answer as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Class};
use crate::agents::Agents;
use crate::call::Call;
use crate::catalog::Catalog;
use crate::decide::verdict;
use crate::effect::Effect;
use crate::grant::GrantLimit;
use crate::index::{Index, is_builtin};
use crate::pattern::{Machine, Pattern, Spellings};
use crate::program::ProgramEntry;
use crate::rule::{Binds, Rule, Selector};
use crate::target::{Target, Word};
use crate::terms::{Terms, View};
use crate::time::Timestamp;

/// Where a source comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The rules that come with the program.
    Builtin,
    /// The administrator's file.
    Managed,
    /// The team's policy.
    Team,
    /// The user's file.
    User,
    /// The repository's file.
    Project,
    /// One person's uncommitted file beside the project's.
    Local,
}

/// How the rules of a source answer as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Combining {
    /// The strictest that matches.
    #[default]
    Strictest,
    /// The last that matches, whatever it says: clawbolt, FlowFuse, OpenCode, SurfSense.
    LastMatch,
}

/// Rules that answer as one.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it comes from.
    pub kind: SourceKind,
    /// Its name for humans: the file.
    pub name: Arc<str>,
    /// Whether its allows count.
    pub trusted: bool,
    /// The kind of sub-agent whose table it is, if it is one.
    pub agent: Option<Arc<str>>,
    combining: Combining,
    terms: Terms,
    rules: Vec<Rule>,
    index: Index,
    /// Whether some rules speak only where no others do.
    falls_back: bool,
    /// Whether some rules are for sub-agents alone.
    binds_below: bool,
    /// Whether some rule can only be told with the place of a program.
    wants_places: bool,
    /// Whether some rule is about places on Windows.
    on_windows: bool,
    /// When rules end, in order.
    ends: Vec<Timestamp>,
}

impl Source {
    /// A source of these rules.
    pub fn new(kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool, rules: Vec<Rule>) -> Source {
        let (combining, terms) = (Combining::default(), Terms::default());
        let index = Index::new(&rules);
        let falls_back = rules.iter().any(|rule| rule.fallback);
        let binds_below = rules.iter().any(|rule| rule.binds == Binds::Descendants);
        let (mut wants_places, mut on_windows) = (false, false);
        let patterns = rules.iter().flat_map(|rule| rule.patterns.iter().chain(&rule.unless));
        for machine in patterns.filter_map(Pattern::wants_place) {
            wants_places = true;
            on_windows |= matches!(machine, Machine::Windows | Machine::WindowsNode);
        }
        let mut ends: Vec<Timestamp> = rules.iter().filter_map(|rule| rule.expires).collect();
        ends.sort_unstable();
        let (name, agent) = (name.into(), None);
        Source {
            kind,
            name,
            trusted,
            agent,
            combining,
            terms,
            rules,
            index,
            falls_back,
            binds_below,
            wants_places,
            on_windows,
            ends,
        }
    }

    /// The same rules as a table of this kind of sub-agent.
    pub fn of_agent(self, kind: impl Into<Arc<str>>) -> Source {
        Source { agent: Some(kind.into()), ..self }
    }

    /// The same rules, combined in another way and in another system's terms.
    pub fn speaking(self, terms: Terms, combining: Combining) -> Source {
        Source { combining, terms, ..self }
    }

    /// How its rules answer as one.
    pub fn combining(&self) -> Combining {
        self.combining
    }

    /// In whose terms it speaks.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Whether some of its rules speak only where no others do.
    pub(crate) fn falls_back(&self) -> bool {
        self.falls_back
    }

    /// Whether some of its rules are for sub-agents alone.
    pub(crate) fn binds_below(&self) -> bool {
        self.binds_below
    }

    /// All rules, in the order in which they were written.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that could speak of this target as the source reads it.
    pub fn candidates(&self, target: &Target, view: &View<'_>) -> impl Iterator<Item = &Rule> {
        self.index.candidates(target, view).filter_map(|position| self.rule(position))
    }

    /// The last rule that speaks of this target as the source reads it.
    pub fn last(&self, target: &Target, view: &View<'_>, call: &Call, now: Timestamp) -> Option<&Rule> {
        self.last_that(target, view, Effect::Allow, |rule| rule.speaks_of(target, view, call, now))
            .map(|(_, rule)| rule)
    }

    /// Of the rules that say at least this the last of which it holds, with its place: it must not hold of rules that do
    /// not speak of this target, and must of those that do, unless they are fallbacks or not about what follows from
    /// others.
    pub(crate) fn last_that(
        &self,
        target: &Target,
        view: &View<'_>,
        least: Effect,
        holds: impl Fn(&Rule) -> bool,
    ) -> Option<(u32, &Rule)> {
        let text = view.spellings.as_ref().and_then(Spellings::only_text);
        let says = |position| least == Effect::Allow || self.rule(position).is_some_and(|rule| verdict(rule) >= least);
        let holds = |position| {
            let brief = view.name.zip(text).and_then(|(name, text)| self.index.speaks(position, name, text));
            says(position) && brief.unwrap_or_else(|| self.rule(position).is_some_and(&holds))
        };
        let last = self.index.last(target, view, holds)?;
        Some((last, self.rule(last)?))
    }

    /// The rules about commands that could speak of this one.
    pub(crate) fn about_command(&self, words: &[Word]) -> impl Iterator<Item = &Rule> {
        self.index.of_commands(std::iter::once(words)).into_iter().filter_map(|position| self.rule(position))
    }

    /// The rules that could speak of what this action does.
    pub(crate) fn about(&self, action: &Action) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| match &rule.selector {
            Selector::Action(its) if is_builtin(its) => its == action,
            _ => true,
        })
    }

    fn rule(&self, position: u32) -> Option<&Rule> {
        usize::try_from(position).ok().and_then(|position| self.rules.get(position))
    }
}

/// A policy that nobody below crosses.
#[derive(Debug, Clone)]
pub struct Ceiling {
    /// Its rules: asks and denies. An allow in it counts for nothing.
    pub source: Source,
    /// What it says of what its rules do not speak of.
    pub default: Effect,
    /// Which grants it admits; `None`: it says nothing of grants, and none lifts its asks.
    pub grants: Option<GrantLimit>,
    /// The gravest class that each role may use. Where this is not empty, an unknown role counts as the lowest.
    pub roles: BTreeMap<String, Class>,
}

/// What an ask becomes when nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nobody {
    /// It is denied at once, with how to answer.
    Deny,
    /// It waits for a listener, this many seconds.
    Wait(u32),
}

/// How often a session may make the same call in a row before a human is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// The call of this number asks, whatever the rules allow.
    Ask(u32),
    /// As often as it likes.
    Never,
}

/// Everything that decides, apart from grants.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules that come with the program: they speak only where no trusted source did.
    pub builtin: Source,
    /// The files of administrator, user and project.
    pub sources: Vec<Source>,
    /// What humans answered in other systems: an allow of theirs turns an ask into allow, and nothing else.
    pub remembered: Vec<Source>,
    /// What the files say of sub-agents: it only makes stricter what the agent above may do.
    pub agents: Vec<Agents>,
    /// What nobody below crosses.
    pub ceilings: Vec<Ceiling>,
    /// What happens to what no rule speaks of.
    pub default: Effect,
    /// What an ask becomes when nobody can be asked.
    pub nobody: Nobody,
    /// The most open questions that a session may have.
    pub max_open: u32,
    /// Whether a human's no to one question of a turn is a no to the others that are open.
    pub cascade: bool,
    /// How often a session may make the same call in a row.
    pub repeats: Repeats,
    /// The tools that are known.
    pub catalog: Catalog,
    /// What administrator, team and user say of programs, by name and subcommands (`mytool sub`).
    pub programs: BTreeMap<String, ProgramEntry>,
    /// What trusted files of the project say of them: it counts only where nothing else speaks of an option.
    pub project_programs: BTreeMap<String, ProgramEntry>,
    /// A digest of all that was read.
    pub revision: String,
}

impl Policy {
    /// Whether some rule can only be told with the places of the programs that a command runs: see
    /// [`Target::programs`].
    pub fn wants_places(&self) -> bool {
        self.every_source().any(|source| source.wants_places)
    }

    /// Whether some rule is about the places of programs on Windows: then those of this machine are no program's.
    pub fn is_of_windows(&self) -> bool {
        self.every_source().any(|source| source.on_windows)
    }

    /// When the next of its rules ends after that time, if one does: until then time alone changes nothing that it says.
    pub fn next_end(&self, after: Timestamp) -> Option<Timestamp> {
        let next = |source: &Source| source.ends.get(source.ends.partition_point(|end| *end <= after)).copied();
        self.every_source().filter_map(next).min()
    }

    fn every_source(&self) -> impl Iterator<Item = &Source> {
        let ceilings = self.ceilings.iter().map(|ceiling| &ceiling.source);
        let agents = self.agents.iter().flat_map(|file| file.tables.values()).map(|table| &table.source);
        self.sources.iter().chain(&self.remembered).chain(ceilings).chain(agents).chain([&self.builtin])
    }
}
