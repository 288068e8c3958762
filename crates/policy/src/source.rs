//! Rules that answer as one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Class};
use crate::catalog::Catalog;
use crate::effect::Effect;
use crate::grant::GrantLimit;
use crate::pattern::{Marks, Pattern, Spellings, folded};
use crate::program::ProgramEntry;
use crate::rule::{Rule, Selector};
use crate::target::{Resource, Target, Word};
use crate::terms::Terms;

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
    combining: Combining,
    terms: Terms,
    rules: Vec<Rule>,
    by_action: HashMap<Action, Vec<usize>>,
    /// Of the rules about commands, those whose patterns all write the program out, by that, folded ...
    by_program: HashMap<String, Vec<usize>>,
    /// ... and the others.
    any_program: Vec<usize>,
    others: Vec<usize>,
    /// Whether some rules speak only where no others do.
    falls_back: bool,
    /// For each rule, what every path has in it that it speaks of.
    marks: Vec<Marks>,
    /// Whether some rule can only be told with the place of a program.
    wants_places: bool,
}

impl Source {
    /// A source of these rules, in buckets by the action that they speak of.
    pub fn new(kind: SourceKind, name: impl Into<Arc<str>>, trusted: bool, rules: Vec<Rule>) -> Source {
        let mut by_action: HashMap<Action, Vec<usize>> = HashMap::new();
        let mut by_program: HashMap<String, Vec<usize>> = HashMap::new();
        let mut any_program = Vec::new();
        let mut others = Vec::new();
        for (position, rule) in rules.iter().enumerate() {
            match &rule.selector {
                // MCP and other tools match asks and denies without regard to case: they stay with the others.
                Selector::Action(action) if !matches!(action, Action::Mcp { .. } | Action::Tool(_)) => {
                    by_action.entry(action.clone()).or_default().push(position);
                    if *action == Action::Shell {
                        match programs(rule) {
                            Some(programs) => programs
                                .into_iter()
                                .for_each(|program| by_program.entry(program).or_default().push(position)),
                            None => any_program.push(position),
                        }
                    }
                }
                _ => others.push(position),
            }
        }
        let marks = rules.iter().map(|rule| Marks::common(rule.patterns.iter().map(Pattern::marks))).collect();
        let falls_back = rules.iter().any(|rule| rule.fallback);
        let wants_places = rules.iter().any(|rule| rule.patterns.iter().chain(&rule.unless).any(Pattern::wants_place));
        let (combining, terms) = (Combining::default(), Terms::default());
        let name = name.into();
        Source {
            kind,
            name,
            trusted,
            combining,
            terms,
            rules,
            by_action,
            by_program,
            any_program,
            others,
            falls_back,
            marks,
            wants_places,
        }
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

    /// All rules, in the order in which they were written.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that could speak of this target, whose spellings are these.
    pub fn candidates<'s>(
        &'s self,
        target: &Target,
        spellings: Option<&Spellings<'_>>,
    ) -> impl Iterator<Item = &'s Rule> {
        let may_hold = move |position: usize| {
            let marks = self.marks.get(position).copied().unwrap_or_default();
            spellings.is_none_or(|spellings| spellings.may_hold(marks))
        };
        let exact = if target.action == Action::Shell {
            let own = match &target.resource {
                Resource::Words(words) => words.as_slice(),
                _ => &[],
            };
            let others = target.spellings.iter().map(|spelling| spelling.words.as_slice());
            Cow::Owned(self.of_commands(std::iter::once(own).chain(others)))
        } else {
            Cow::Borrowed(self.exact(&target.action))
        };
        self.with_others(exact, may_hold)
    }

    /// The rules that could speak of this command.
    pub(crate) fn about_command(&self, words: &[Word]) -> impl Iterator<Item = &Rule> {
        self.with_others(Cow::Owned(self.of_commands(std::iter::once(words))), |_| true)
    }

    /// The rules that could speak of what this action does.
    pub(crate) fn about(&self, action: &Action) -> impl Iterator<Item = &Rule> {
        self.with_others(Cow::Borrowed(self.exact(action)), |_| true)
    }

    fn exact(&self, action: &Action) -> &[usize] {
        self.by_action.get(action).map_or(&[][..], Vec::as_slice)
    }

    fn with_others(&self, exact: Cow<'_, [usize]>, which: impl Fn(usize) -> bool) -> impl Iterator<Item = &Rule> {
        let exact = (0..).map_while(move |at| exact.get(at).copied());
        let all = exact.chain(self.others.iter().copied()).filter(move |position| which(*position));
        all.filter_map(|position| self.rules.get(position))
    }

    /// The rules about commands that could speak of one spelled in any of these ways, in the order in which they were
    /// written. A pattern matches the program as it is spelled or by its name without folder.
    fn of_commands<'w>(&self, spellings: impl Iterator<Item = &'w [Word]>) -> Vec<usize> {
        let mut positions = self.any_program.clone();
        for program in spellings.filter_map(<[Word]>::first) {
            let program = folded(&program.text);
            let name = program.rsplit('/').find(|name| !matches!(*name, "" | ".")).filter(|name| *name != program);
            let found = [Some(&*program), name].into_iter().flatten().filter_map(|name| self.by_program.get(name));
            positions.extend(found.flatten());
        }
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

/// The programs that a rule's patterns write out, folded; `None` where it could speak of others.
fn programs(rule: &Rule) -> Option<Vec<String>> {
    let mut programs = rule.patterns.iter().map(Pattern::program).collect::<Option<Vec<_>>>()?;
    programs.sort();
    programs.dedup();
    if programs.is_empty() { None } else { Some(programs) }
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

/// Everything that decides, apart from grants.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules that come with the program: they speak only where no trusted source did.
    pub builtin: Source,
    /// The files of administrator, user and project.
    pub sources: Vec<Source>,
    /// What humans answered in other systems: an allow of theirs turns an ask into allow, and nothing else.
    pub remembered: Vec<Source>,
    /// What nobody below crosses.
    pub ceilings: Vec<Ceiling>,
    /// What happens to what no rule speaks of.
    pub default: Effect,
    /// What an ask becomes when nobody can be asked.
    pub nobody: Nobody,
    /// The most open questions that a session may have.
    pub max_open: u32,
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
        let ceilings = self.ceilings.iter().map(|ceiling| &ceiling.source);
        let sources = self.sources.iter().chain(&self.remembered).chain(ceilings);
        sources.chain([&self.builtin]).any(|source| source.wants_places)
    }
}
