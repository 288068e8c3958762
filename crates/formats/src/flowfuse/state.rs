//! What FlowFuse keeps of a team's permissions, and how it decides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use countersign_policy::document::{Problem, quoted};
use countersign_policy::pattern::{Dialect, Wildcard};
use countersign_policy::{Class, Combining, Effect, Origin, Rule, Selector, Source, SourceKind, Terms};
use serde_json::{Value, json};

use super::catalog::{Catalog, FLOW_BUILDING, nowhere};
use crate::Text;
use crate::json::{self, Grammar, Node};

/// The names of the two maps that are kept, and of the one that ends with the chat.
const DEFAULTS: &str = "toolDefaultsByTeam";
pub(super) const PREFERENCES: &str = "toolPreferencesByTeam";
const SESSION: &str = "sessionToolOverrides";

const CLASSES: [Class; 3] = [Class::Read, Class::Write, Class::Delete];

/// The class defaults and preferences of each team, and what was chosen for one chat.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) defaults: BTreeMap<String, BTreeMap<String, BTreeMap<String, Choice>>>,
    pub(super) preferences: BTreeMap<String, BTreeMap<String, Choice>>,
    pub(super) session: BTreeMap<String, Choice>,
}

/// A value as it is kept; only the words of the three effects count.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub(super) value: Value,
    origin: Option<Origin>,
    span: Range<usize>,
}

/// What is said of a tool, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) effect: Effect,
    pub(super) origin: Origin,
}

/// A team's permissions as the agent is told them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// For tools that the catalog does not have: by class, those of flow building.
    pub defaults: BTreeMap<Class, Effect>,
    /// By key.
    pub tools: BTreeMap<String, Effect>,
}

impl State {
    /// Reads what a browser keeps: an object with `toolDefaultsByTeam` and `toolPreferencesByTeam`, and
    /// `sessionToolOverrides` where a chat is going on.
    ///
    /// # Errors
    /// Everything in it that is not of that form. A choice that is no effect is none, as there; see [`State::ignored`].
    pub fn read(text: &Text<'_>) -> Result<State, Vec<Problem>> {
        let root = json::parse(text, Grammar::Json).map_err(|problem| vec![problem])?;
        let mut reader = Reader { text, problems: Vec::new() };
        let state = reader.state(&root);
        if reader.problems.is_empty() { Ok(state) } else { Err(reader.problems) }
    }

    /// The kept choices that count for nothing because they are no effects, each as a problem.
    pub fn ignored(&self, text: &Text<'_>) -> Vec<Problem> {
        let defaults = self.defaults.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        let preferences = self.preferences.values().flat_map(BTreeMap::values);
        let all = defaults.chain(preferences).chain(self.session.values());
        let mut wrong: Vec<&Choice> = all.filter(|choice| choice.effect().is_none()).collect();
        wrong.sort_by_key(|choice| choice.span.start);
        let problem = |choice: &&Choice| {
            let message = format!("{} is no choice and counts for nothing", quoted(&choice.value.to_string()));
            text.problem(&choice.span, message, Some("write \"allow\", \"ask\" or \"deny\""))
        };
        wrong.iter().map(problem).collect()
    }

    /// The default of a class in a group.
    pub fn class_default(&self, team: Option<&str>, group: &str, class: Class) -> Effect {
        self.default_said(team, group, class).effect
    }

    /// What is kept of a tool: its preference, else its class's default.
    pub fn saved(&self, catalog: &Catalog, team: Option<&str>, key: Option<&str>) -> Effect {
        Kept::of(self, catalog, team).said(key).effect
    }

    /// What was chosen of a tool for this chat.
    pub fn session_override(&self, key: &str) -> Option<Effect> {
        self.session.get(key).and_then(Choice::effect)
    }

    /// Whether anything stands in the place of a tool's preference.
    pub fn has_preference(&self, team: Option<&str>, key: &str) -> bool {
        let choice = self.preferences.get(named(team)).and_then(|preferences| preferences.get(key));
        choice.is_some_and(|choice| match &choice.value {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Number(number) => number.as_f64() != Some(0.0),
            _ => true,
        })
    }

    /// What the agent is told.
    pub fn resolved(&self, catalog: &Catalog, team: Option<&str>) -> Resolved {
        let kept = Kept::of(self, catalog, team);
        let policy = |key: &str| self.session_override(key).unwrap_or_else(|| kept.said(Some(key)).effect);
        Resolved {
            defaults: CLASSES.map(|class| (class, self.class_default(team, FLOW_BUILDING, class))).into(),
            tools: catalog.keys().map(|key| (key.to_owned(), policy(key))).collect(),
        }
    }

    /// One source that decides as FlowFuse does for this team: what comes later counts. It speaks of every tool, as it
    /// must where all tools are FlowFuse's.
    pub fn source(&self, kind: SourceKind, name: &str, trusted: bool, catalog: &Catalog, team: Option<&str>) -> Source {
        let any = Wildcard::compile(Dialect::Fnmatch, "*");
        let mut rules = vec![rule(any, self.unlisted(team))];
        rules.extend(self.named_rules(catalog, team));
        Source::new(kind, name, trusted, rules).speaking(Terms::Tool, Combining::LastMatch)
    }

    /// The same beside other systems' tools: it speaks only of those that it names.
    pub fn source_beside_others(
        &self,
        kind: SourceKind,
        name: &str,
        trusted: bool,
        catalog: &Catalog,
        team: Option<&str>,
    ) -> Source {
        let rules = self.named_rules(catalog, team);
        Source::new(kind, name, trusted, rules).speaking(Terms::Tool, Combining::LastMatch)
    }

    /// Ends what was allowed for one chat; what was denied or asked about for it stays.
    pub(super) fn end_chat_allows(&mut self) {
        self.session.retain(|_, choice| choice.effect() != Some(Effect::Allow));
    }

    /// The teams of which anything is kept.
    pub fn teams(&self) -> BTreeSet<&str> {
        self.defaults.keys().chain(self.preferences.keys()).map(String::as_str).collect()
    }

    fn named_rules(&self, catalog: &Catalog, team: Option<&str>) -> Vec<Rule> {
        let exactly = |key: &str, said: Said| rule(Wildcard::compile(Dialect::Exact, key), said);
        let kept = Kept::of(self, catalog, team);
        let preferred = self.preferences.get(named(team)).into_iter().flatten();
        let preferred = preferred.filter(|(_, choice)| choice.effect().is_some()).map(|(key, _)| key.as_str());
        let keys: BTreeSet<&str> = catalog.keys().chain(preferred).collect();
        let mut rules: Vec<Rule> = keys.iter().map(|key| exactly(key, kept.said(Some(key)))).collect();
        rules.extend(self.session.iter().filter_map(|(key, choice)| Some(exactly(key, choice.said()?))));
        rules
    }

    /// The maps that are kept, as a browser keeps them.
    pub fn to_json(&self) -> Value {
        let choices = |choices: &BTreeMap<String, Choice>| -> Value {
            choices.iter().map(|(name, choice)| (name.clone(), choice.value.clone())).collect()
        };
        let of_groups = |groups: &BTreeMap<String, BTreeMap<String, Choice>>| -> Value {
            groups.iter().map(|(group, classes)| (group.clone(), choices(classes))).collect()
        };
        let defaults: Value = self.defaults.iter().map(|(team, groups)| (team.clone(), of_groups(groups))).collect();
        json!({ DEFAULTS: defaults, PREFERENCES: of_groups(&self.preferences) })
    }

    /// The choices for this chat, as a browser holds them.
    pub fn session_json(&self) -> Value {
        self.session.iter().map(|(key, choice)| (key.clone(), choice.value.clone())).collect()
    }

    fn preference(&self, team: Option<&str>, key: &str) -> Option<Said> {
        self.preferences.get(named(team))?.get(key)?.said()
    }

    /// What is said of tools that are not in the catalog. Nothing is known of them: the default of a class allows none.
    fn unlisted(&self, team: Option<&str>) -> Said {
        let mut said = self.default_said(team, FLOW_BUILDING, Class::Write);
        said.origin.text.push_str(", and ask at least of a tool that is not in the catalog");
        Said { effect: said.effect.max(Effect::Ask), ..said }
    }

    /// What was chosen of a tool for this chat, and where.
    pub(super) fn session_said(&self, key: &str) -> Option<Said> {
        self.session.get(key).and_then(Choice::said)
    }

    /// The groups for which a team has defaults.
    pub(super) fn groups(&self, team: Option<&str>) -> impl Iterator<Item = &str> {
        self.defaults.get(named(team)).into_iter().flat_map(|groups| groups.keys().map(String::as_str))
    }

    pub(super) fn default_said(&self, team: Option<&str>, group: &str, class: Class) -> Said {
        let kept = self.defaults.get(named(team)).and_then(|groups| groups.get(group)?.get(class.word())?.said());
        kept.unwrap_or_else(|| {
            let effect = built_in(class);
            Said { effect, origin: nowhere(format!("default of class {}: {effect}", class.word())) }
        })
    }
}

/// What is kept for one team, with what other versions of a tool pass on to it.
pub(super) struct Kept<'a> {
    state: &'a State,
    catalog: &'a Catalog,
    team: Option<&'a str>,
    /// By group and family, the strictest preference of one of its tools.
    strictest: HashMap<(&'a str, String), Said>,
}

impl<'a> Kept<'a> {
    pub(super) fn of(state: &'a State, catalog: &'a Catalog, team: Option<&'a str>) -> Kept<'a> {
        let mut strictest: HashMap<(&str, String), Said> = HashMap::new();
        for (key, choice) in state.preferences.get(named(team)).into_iter().flatten() {
            let (Some(entry), Some(said)) = (catalog.entry(key), choice.said()) else { continue };
            let family = strictest.entry((&*entry.group, entry.family())).or_insert_with(|| said.clone());
            if said.effect > family.effect {
                *family = said;
            }
        }
        Kept { state, catalog, team, strictest }
    }

    /// What is kept of a tool. A new version of it is no way around what was forbidden for another.
    pub(super) fn said(&self, key: Option<&str>) -> Said {
        if let Some(said) = key.and_then(|key| self.state.preference(self.team, key)) {
            return said;
        }
        let entry = key.and_then(|key| self.catalog.entry(key));
        let Some(entry) = entry else { return self.state.unlisted(self.team) };
        let default = self.state.default_said(self.team, &entry.group, entry.class);
        match self.strictest.get(&(&*entry.group, entry.family())) {
            Some(said) if said.effect > default.effect => said.clone(),
            _ => default,
        }
    }
}

impl Resolved {
    /// As it is sent.
    pub fn to_json(&self) -> Value {
        let defaults: BTreeMap<&str, Effect> =
            self.defaults.iter().map(|(class, effect)| (class.word(), *effect)).collect();
        json!({ "defaults": defaults, "tools": self.tools })
    }
}

impl Choice {
    /// A choice that was made here.
    pub(super) fn new(effect: Effect) -> Choice {
        Choice { value: effect.word().into(), origin: None, span: 0..0 }
    }

    pub(super) fn effect(&self) -> Option<Effect> {
        self.value.as_str().and_then(Effect::named)
    }

    fn said(&self) -> Option<Said> {
        let effect = self.effect()?;
        Some(Said { effect, origin: self.origin.clone().unwrap_or_else(|| nowhere(format!("chosen: {effect}"))) })
    }
}

fn rule(pattern: Wildcard, said: Said) -> Rule {
    Rule::new(said.effect, Selector::Named(pattern), said.origin)
}

/// What counts for a class of which nothing is kept.
pub(super) fn built_in(class: Class) -> Effect {
    if class == Class::Read { Effect::Allow } else { Effect::Ask }
}

/// The name under which a team's choices are kept; there is one for no team, too.
pub(super) fn named(team: Option<&str>) -> &str {
    team.unwrap_or("null")
}

/// What reads the maps.
struct Reader<'t> {
    text: &'t Text<'t>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn state(&mut self, root: &Node) -> State {
        if root.object().is_none() {
            let message = format!("what FlowFuse keeps is an object, and this is {}", root.kind());
            self.problems.push(self.text.problem(
                &root.span,
                message,
                Some("take the text of `product-assistant` as it is kept"),
            ));
            return State::default();
        }
        let mut state = State::default();
        if let Some(teams) = root.member(DEFAULTS) {
            state.defaults = self.map(teams, DEFAULTS, &mut |reader, groups, place| {
                reader.map(groups, place, &mut |reader, classes, place| reader.choices(classes, place))
            });
        }
        if let Some(teams) = root.member(PREFERENCES) {
            state.preferences = self.map(teams, PREFERENCES, &mut |reader, tools, place| reader.choices(tools, place));
        }
        if let Some(tools) = root.member(SESSION) {
            state.session = self.choices(tools, SESSION);
        }
        state
    }

    fn choices(&mut self, node: &Node, place: &str) -> BTreeMap<String, Choice> {
        self.map(node, place, &mut |reader, node, place| {
            let value = node.plain();
            let says = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let origin = reader.text.origin(&node.span, format!("{place}: {says}"));
            Choice { value, origin: Some(origin), span: node.span.clone() }
        })
    }

    fn map<T>(
        &mut self,
        node: &Node,
        place: &str,
        of: &mut dyn FnMut(&mut Self, &Node, &str) -> T,
    ) -> BTreeMap<String, T> {
        let Some(members) = node.object() else {
            let message = format!("{} is an object, and this is {}", quoted(place), node.kind());
            self.problems.push(self.text.problem(&node.span, message, Some("write `{}` where nothing is chosen")));
            return BTreeMap::new();
        };
        members
            .iter()
            .map(|member| (member.name.clone(), of(self, &member.node, &format!("{place}.{}", member.name))))
            .collect()
    }
}
